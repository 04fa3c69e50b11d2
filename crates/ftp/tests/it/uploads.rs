//! Several files to the server, written and renamed in as few flights as it bears.

use ftp_connect_core::{
    ErrorKind, FileToWrite, Permissions, RenameOptions, Result, Session, SessionExt as _,
    Timestamp, WriteOptions,
};
use ftp_connect_testkit::peer::Peer;

use crate::script::{QUIT, connect, leave, login, login_together, path, peer};

/// A data connection that is asked for alone, and one whose answer comes behind others.
const PASSIVE: &str = "C: EPSV\ndata\nS: 229 ok (|||{port}|)\n";

/// Another operation and its answer, by which answers too many or too few would be seen.
const DELETED: &str = "C: DELE f\nS: 250 gone\n";

async fn start(login: &str, script: &str) -> (Box<dyn Session>, Peer) {
    let peer = peer(&format!("{login}{script}{DELETED}{QUIT}")).await;
    (connect(&peer).await.unwrap(), peer)
}

/// Shows that the session is in step; gives the round trips of the whole.
async fn end(mut session: Box<dyn Session>, peer: Peer) -> usize {
    session.remove_file(&path("f")).await.unwrap();
    session.close().await.unwrap();
    match peer.finish().await {
        Ok(transcript) => transcript.round_trips(),
        Err(error) => panic!("{error}"),
    }
}

/// A file's bytes on their way, once its data connection has been agreed on.
fn stored(name: &str) -> String {
    format!("C: STOR {name}\nS: 150 go\nD< x{name}\ndata-end\nS: 226 done\n")
}

fn file(name: &str, options: WriteOptions) -> FileToWrite {
    FileToWrite::new(path(name), format!("x{name}").into_bytes()).with_options(options)
}

/// Writes files of these names, and tells what became of each.
async fn write(
    session: &mut dyn Session,
    names: &[&str],
    options: WriteOptions,
) -> Vec<Result<u64, ErrorKind>> {
    let files = names.iter().map(|name| file(name, options));
    let mut written = session.write_files(files.collect());
    let mut outcomes = Vec::new();
    while let Some(file) = written.next().await {
        let outcome = file.outcome.map_err(|error| error.kind().clone());
        outcomes.push(outcome.map(|done| done.bytes));
    }
    outcomes
}

#[tokio::test]
async fn the_next_port_is_asked_for_with_the_size() {
    let names: Vec<_> = (0..20).map(|number| (b'a' + number) as char).collect();
    let names: Vec<_> = names.iter().map(char::to_string).collect();
    let trips = async |count: usize| {
        let mut script = PASSIVE.to_owned();
        for name in &names[..count - 1] {
            script += &stored(name);
            script +=
                &format!("C: SIZE {name}\nC: EPSV\ndata\nS: 213 2\nS: 229 ok (|||{{port}}|)\n");
        }
        let last = &names[count - 1];
        script += &format!("{}C: SIZE {last}\nS: 213 2\n", stored(last));
        let (mut session, peer) = start(&login_together("SIZE"), &script).await;
        let names: Vec<_> = names[..count].iter().map(String::as_str).collect();
        let outcomes = write(&mut *session, &names, WriteOptions::default()).await;
        assert_eq!(outcomes, vec![Ok(2); count]);
        end(session, peer).await
    };
    // Each further file costs two, and that of its data connection.
    assert_eq!(trips(20).await - trips(1).await, 2 * 19);
}

#[tokio::test]
async fn a_server_that_may_not_bear_it_is_asked_in_turn() {
    let one = |name| format!("{PASSIVE}{}C: SIZE {name}\nS: 213 2\n", stored(name));
    let script = format!("{}{}", one("a"), one("b"));
    let (mut session, peer) = start(&login("SIZE\nMFMT"), &script).await;
    let options = WriteOptions::default().with_modified(Timestamp::from_unix_seconds(0));
    let outcomes = write(&mut *session, &["a", "b"], options).await;
    assert_eq!(outcomes, [Ok(2), Ok(2)]);
    end(session, peer).await;
}

#[tokio::test]
async fn attributes_are_set_with_the_size() {
    let options = WriteOptions::default()
        .with_modified(Timestamp::from_unix_seconds(1_000_000_000))
        .with_permissions(Permissions::from_mode(0o640));
    let asked = "C: SIZE a\nC: MFMT 20010909014640 a\nC: SITE CHMOD 640 a\n";
    for (answers, set) in [
        ("S: 213 Modify=20010909014640; a\nS: 200 ok\n", Some(true)),
        // What was refused may be set another way.
        ("S: 500 what\nS: 200 ok\n", None),
        ("S: 213 Modify=20010909014640; a\nS: 550 no\n", None),
        (
            "S: 213 Modify=20010909014640; a\nS: 202 superfluous\n",
            None,
        ),
    ] {
        let script = format!("{PASSIVE}{}{asked}S: 213 2\n{answers}", stored("a"));
        let (mut session, peer) = start(&login_together("SIZE\nMFMT"), &script).await;
        let written = session.write_all(&path("a"), b"xa", options).await.unwrap();
        assert_eq!((written.size_after, written.attributes_set), (Some(2), set));
        end(session, peer).await;
    }
    // One that cannot be set so keeps the other from being set alone.
    let script = format!("{PASSIVE}{}C: SIZE a\nS: 213 2\n", stored("a"));
    let (mut session, peer) = start(&login_together("SIZE\nMLST type*;\nMDTM"), &script).await;
    let written = session.write_all(&path("a"), b"xa", options).await.unwrap();
    assert_eq!(written.attributes_set, None);
    end(session, peer).await;
}

#[tokio::test]
async fn a_file_that_failed_keeps_none_of_the_others_back() {
    let ahead = "C: EPSV\ndata\n";
    let port = "S: 229 ok (|||{port}|)\n";
    let last = format!("{}C: SIZE b\nS: 213 2\n", stored("b"));
    let wrong = Err(ErrorKind::TransferNotWhole);
    for (rest, first) in [
        // The size is wrong, or nobody tells it.
        (
            format!("C: SIZE a\n{ahead}S: 213 1\n{port}{last}"),
            wrong.clone(),
        ),
        (format!("C: SIZE a\n{ahead}S: 550 no\n{port}{last}"), Ok(2)),
        // The next port is refused, and another way taken.
        (
            format!(
                "C: SIZE a\nC: EPSV\nS: 213 2\nS: 500 what\nC: PASV\ndata\nS: 227 at {{pasv}}.\n{last}"
            ),
            Ok(2),
        ),
    ] {
        let script = format!("{PASSIVE}{}{rest}", stored("a"));
        let (mut session, peer) = start(&login_together("SIZE"), &script).await;
        let outcomes = write(&mut *session, &["a", "b"], WriteOptions::default()).await;
        assert_eq!(outcomes, [first, Ok(2)]);
        end(session, peer).await;
    }
    // After a last word that is a refusal nothing has been asked ahead.
    let script = format!(
        "{PASSIVE}{}{PASSIVE}{last}",
        stored("a").replace("226 done", "452 Insufficient storage space")
    );
    let (mut session, peer) = start(&login_together("SIZE"), &script).await;
    let outcomes = write(&mut *session, &["a", "b"], WriteOptions::default()).await;
    assert_eq!(outcomes, [Err(ErrorKind::NoSpace), Ok(2)]);
    end(session, peer).await;
    // The data connection that was asked ahead serves nothing, when its file is refused.
    let script = format!(
        "{PASSIVE}{}C: SIZE a\n{ahead}S: 213 2\n{port}C: STOR b\nS: 550 b: Permission denied\n",
        stored("a")
    );
    let (mut session, peer) = start(&login_together("SIZE"), &script).await;
    let outcomes = write(&mut *session, &["a", "b"], WriteOptions::default()).await;
    assert_eq!(outcomes, [Ok(2), Err(ErrorKind::PermissionDenied)]);
    end(session, peer).await;
}

#[tokio::test]
async fn room_that_is_asked_for_first_comes_before_the_port() {
    let one = |name| {
        let stored = stored(name);
        format!("C: ALLO 2\nS: 200 ok\n{PASSIVE}{stored}C: SIZE {name}\nS: 213 2\n")
    };
    let script = format!("{}{}", one("a"), one("b"));
    let (mut session, peer) = start(&login_together("SIZE\nALLO"), &script).await;
    let options = WriteOptions::default().with_size_hint(2);
    let outcomes = write(&mut *session, &["a", "b"], options).await;
    assert_eq!(outcomes, [Ok(2), Ok(2)]);
    end(session, peer).await;
}

#[tokio::test]
async fn another_operation_reads_the_answer_that_is_owed_first() {
    let script = format!(
        "{PASSIVE}{}C: SIZE a\nC: EPSV\ndata\nS: 213 2\nS: 229 ok (|||{{port}}|)\n",
        stored("a")
    );
    let (mut session, peer) = start(&login_together("SIZE"), &script).await;
    let files = ["a", "b"].map(|name| file(name, WriteOptions::default()));
    let mut written = session.write_files(files.into());
    assert_eq!(written.next().await.unwrap().outcome.unwrap().bytes, 2);
    drop(written);
    end(session, peer).await;
}

/// The commands of a rename, and the answers to them.
fn renaming(from: &str, to: &str) -> String {
    format!("C: RNFR {from}\nC: RNTO {to}\n")
}
const RENAMED: &str = "S: 350 go\nS: 250 done\n";

/// Renames `a` to `A`, `b` to `B` and so on, and tells what became of each.
async fn rename(session: &mut dyn Session, names: &str) -> Vec<Result<(), ErrorKind>> {
    let upper = names.to_ascii_uppercase();
    let pairs = names.chars().zip(upper.chars());
    let pairs: Vec<_> = pairs
        .map(|(from, to)| (from.to_string(), to.to_string()))
        .collect();
    rename_to(session, &pairs).await
}

async fn rename_to(
    session: &mut dyn Session,
    pairs: &[(impl AsRef<str>, impl AsRef<str>)],
) -> Vec<Result<(), ErrorKind>> {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(from, to)| (path(from.as_ref()), path(to.as_ref())))
        .collect();
    let replace = RenameOptions::default().with_replace(true);
    let outcomes = session.rename_files(&pairs, replace).await;
    let kinds = outcomes.into_iter();
    kinds
        .map(|outcome| outcome.map_err(|error| error.kind().clone()))
        .collect()
}

#[tokio::test]
async fn both_names_go_out_together_and_those_of_many_files() {
    let all = ["a", "b", "c"].map(|name| renaming(name, &name.to_uppercase()));
    let (all, done) = (all.concat(), RENAMED.repeat(3));
    let (mut session, peer) = start(&login_together("SIZE"), &format!("{all}{done}")).await;
    assert_eq!(rename(&mut *session, "abc").await, [Ok(()), Ok(()), Ok(())]);
    // Two of logging in, and those of DELE and QUIT.
    assert_eq!(end(session, peer).await, 2 + 1 + 2);

    let script = format!("{}{RENAMED}", renaming("a", "A"));
    let (mut session, peer) = start(&login_together("SIZE"), &script).await;
    assert_eq!(rename(&mut *session, "a").await, [Ok(())]);
    assert_eq!(end(session, peer).await, 2 + 1 + 2);
}

#[tokio::test]
async fn of_a_server_that_may_not_bear_it_both_answers_are_awaited() {
    let one = |from: &str| {
        format!(
            "C: RNFR {from}\nS: 350 go\nC: RNTO {}\nS: 250 done\n",
            from.to_uppercase()
        )
    };
    let script = format!(
        "{}C: RNFR b\nS: 550 b: No such file\n{}",
        one("a"),
        one("c")
    );
    let (mut session, peer) = start(&login("SIZE"), &script).await;
    let missing = Err(ErrorKind::NotFound);
    assert_eq!(
        rename(&mut *session, "abc").await,
        [Ok(()), missing, Ok(())]
    );
    end(session, peer).await;
}

#[tokio::test]
async fn after_a_refused_name_the_next_waits_for_the_word_on_its_own() {
    // Pure-FTPd keeps the old name when it refuses the new one as such, and would give it the next new one.
    let script = format!(
        "{}{}{}S: 350 go\nS: 550 A: Permission denied\nS: 550 b: No such file\nS: 503 Bad sequence\n{RENAMED}\
         C: RNFR d\nS: 350 go\nC: RNTO D\nS: 250 done\n{}{RENAMED}",
        renaming("a", "A"),
        renaming("b", "B"),
        renaming("c", "C"),
        renaming("e", "E"),
    );
    let (mut session, peer) = start(&login_together("SIZE"), &script).await;
    let refused = [
        Err(ErrorKind::PermissionDenied),
        Err(ErrorKind::NotFound),
        Ok(()),
    ];
    assert_eq!(rename(&mut *session, "abc").await, refused);
    assert_eq!(rename(&mut *session, "d").await, [Ok(())]);
    assert_eq!(rename(&mut *session, "e").await, [Ok(())]);
    end(session, peer).await;
}

#[tokio::test]
async fn nothing_goes_along_after_a_name_that_pure_ftpd_may_refuse_as_such() {
    let script = format!(
        "{}{}{RENAMED}S: 350 go\nS: 553 Prohibited file name\nC: RNFR c\nS: 550 c: No such file\n",
        renaming("a", "A"),
        renaming("b", ".b"),
    );
    let (mut session, peer) = start(&login_together("ESTP"), &script).await;
    let names = [("a", "A"), ("b", ".b"), ("c", "C")];
    let refused = [
        Ok(()),
        Err(ErrorKind::PermissionDenied),
        Err(ErrorKind::NotFound),
    ];
    assert_eq!(rename_to(&mut *session, &names).await, refused);
    end(session, peer).await;
}

#[tokio::test]
async fn a_name_that_another_file_got_is_no_success() {
    let script = format!(
        "{}S: 550 a: No such file\nS: 250 done\n",
        renaming("a", "A")
    );
    let (mut session, peer) = start(&login_together("SIZE"), &script).await;
    assert_eq!(rename(&mut *session, "a").await, [Err(ErrorKind::Protocol)]);
    end(session, peer).await;
}

#[tokio::test]
async fn a_session_that_ends_among_many_renames_ends_all_that_follow() {
    let both = format!("{}{}", renaming("a", "A"), renaming("b", "B"));
    let script = format!("{}{both}{RENAMED}S: 421 bye\nend\n", login_together("SIZE"));
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let closed = Err(ErrorKind::Closed);
    assert_eq!(rename(&mut *session, "ab").await, [closed.clone(), closed]);
    drop(session);
    peer.finish().await.unwrap();
}

#[tokio::test]
async fn a_dropped_rename_is_a_whole_one() {
    // The answers come when nobody waits for them any more.
    let script = format!("{}pause 300ms\n{RENAMED}", renaming("a", "A"));
    let peer = peer(&format!(
        "{}{script}{DELETED}{QUIT}",
        login_together("SIZE")
    ))
    .await;
    let mut session = connect(&peer).await.unwrap();
    let soon = std::time::Duration::from_millis(50);
    let dropped = tokio::time::timeout(soon, rename(&mut *session, "a")).await;
    assert!(dropped.is_err());
    session.remove_file(&path("f")).await.unwrap();
    leave(session, peer).await;
}
