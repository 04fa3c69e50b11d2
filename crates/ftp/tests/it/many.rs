//! Several files in a row, where the data connection of the next is asked for before the last word on this one.

use ftp_connect_core::params::Pipelining;
use ftp_connect_core::{EntryKind, ErrorKind, RemotePath, Session, SessionExt as _, StatOptions};
use ftp_connect_testkit::peer::Peer;

use crate::script::{QUIT, connect_with, leave, login_together, params, path, peer};

/// The first file; its last word and the next port are still to come.
const FIRST: &str =
    "C: EPSV\ndata\nS: 229 ok (|||{port}|)\nC: RETR a\nS: 150 go\nD> one\ndata-close\nC: EPSV\n";

/// Another operation and its answer, by which answers too many or too few would be seen.
const DELETED: &str = "C: DELE f\nS: 250 gone\n";

async fn start(script: &str) -> (Box<dyn Session>, Peer) {
    let login = login_together("SIZE");
    let peer = peer(&format!("{login}{script}{DELETED}{QUIT}")).await;
    (connect_with(&params(&peer)).await.unwrap(), peer)
}

/// Reads both files, and shows that the session is in step after it.
async fn read(script: &str) -> (Vec<Result<String, ErrorKind>>, usize) {
    let (mut session, peer) = start(script).await;
    let mut read = Vec::new();
    let mut files = session.read_files(vec![path("a"), path("b")], 100);
    while let Some(file) = files.next().await {
        let content = file.content.map_err(|error| error.kind().clone());
        read.push(content.map(|content| String::from_utf8(content).unwrap()));
    }
    drop(files);
    session.remove_file(&path("f")).await.unwrap();
    session.close().await.unwrap();
    (read, peer.finish().await.unwrap().round_trips())
}

#[tokio::test]
async fn the_next_port_comes_with_the_last_word() {
    let both = Vec::from(["one", "two"].map(|content| Ok(content.to_owned())));
    let second = "C: RETR b\nS: 150 go\nD> two\ndata-close\nS: 226 done\n";
    let ahead = format!("{FIRST}data\nS: 226 done\nS: 229 ok (|||{{port}}|)\n{second}");
    let in_turn = "C: EPSV\ndata\nS: 229 ok (|||{port}|)\nC: RETR b\nS: 150 go\nD> two\ndata-close\nS: 226 done\n";
    let (content, trips) = read(&ahead).await;
    assert_eq!(content, both);
    // Two of logging in, two of each file but for the one that is shared, and those of DELE and QUIT.
    assert_eq!(trips, 2 + 2 + 2 + 2);

    // What is refused ahead is asked for another way.
    let refused =
        format!("{FIRST}S: 226 done\nS: 500 what\nC: PASV\ndata\nS: 227 at {{pasv}}.\n{second}");
    assert_eq!(read(&refused).await.0, both);

    // The server takes back what it gave: the file is not whole, the next one is.
    let failed = format!("{FIRST}data\nS: 426 no\nS: 229 ok (|||{{port}}|)\n{second}");
    let (content, _) = read(&failed).await;
    assert_eq!(
        content,
        [Err(ErrorKind::TransferNotWhole), Ok("two".into())]
    );

    // An empty file is looked at more closely, for which nothing may be owed.
    let empty = format!(
        "C: EPSV\ndata\nS: 229 ok (|||{{port}}|)\nC: RETR a\nS: 150 go\ndata-close\nS: 226 done\n\
         C: SIZE a\nS: 213 0\n{in_turn}"
    );
    assert_eq!(read(&empty).await.0, [Ok(String::new()), Ok("two".into())]);
}

#[tokio::test]
async fn a_folder_is_entered_and_its_listing_asked_for_together() {
    let listing = "C: LIST -a\nS: 150 go\nD> -rw-r--r-- 1 a b 3 Jan 1 2020 x\\r\\n\ndata-close\nS: 226 done\n";
    let script = format!(
        "C: CWD d\nC: EPSV\nS: 250 in\ndata\nS: 229 ok (|||{{port}}|)\n{listing}C: CWD /\nS: 250 back\n"
    );
    let (mut session, peer) = start(&script).await;
    assert_eq!(session.list_all(&path("d")).await.unwrap().len(), 1);
    session.remove_file(&path("f")).await.unwrap();
    leave(session, peer).await;

    // What is owed is read all the same.
    let missing = "C: CWD d\nC: EPSV\nS: 550 no such file\ndata\nS: 229 ok (|||{port}|)\nC: CWD /\nS: 250 back\n";
    let (mut session, peer) = start(missing).await;
    let error = session.list_all(&path("d")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    session.remove_file(&path("f")).await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn the_way_from_folder_to_folder_is_one_flight() {
    let listing = "C: LIST -a\nS: 150 go\nD> -rw-r--r-- 1 a b 3 Jan 1 2020 x\\r\\n\ndata-close\nS: 226 done\n";
    let next = "data\nS: 229 ok (|||{port}|)\n";
    let script = format!(
        "C: CWD d\nC: EPSV\nS: 250 in\n{next}{listing}\
         C: CWD /\nC: CWD e\nC: EPSV\nS: 250 back\nS: 250 in\n{next}{listing}\
         C: CWD /\nC: CWD missing\nC: EPSV\nS: 250 back\nS: 550 no such file\n{next}\
         C: CWD /\nC: EPSV\nS: 250 back\n{next}C: RETR f\nS: 150 go\nD> content\ndata-close\nS: 226 done\n"
    );
    let (mut session, peer) = start(&script).await;
    for folder in ["d", "e"] {
        assert_eq!(session.list_all(&path(folder)).await.unwrap().len(), 1);
    }
    let error = session.list_all(&path("missing")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    let content = session.read_to_vec(&path("f"), 100).await.unwrap();
    assert_eq!(content, b"content");
    session.remove_file(&path("f")).await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn what_a_name_stands_for_is_one_question() {
    let asked = |name: &str| format!("C: SIZE {name}\nC: MDTM {name}\nC: CWD {name}\n");
    let script = format!(
        "{}S: 213 7\nS: 213 20200102030405\nS: 550 no folder\n\
         {}S: 550 no file\nS: 550 no file\nS: 250 in\nC: CWD /\nS: 250 back\n",
        asked("f"),
        asked("d")
    );
    let (mut session, peer) = start(&script).await;
    let file = session
        .stat(&path("f"), StatOptions::default())
        .await
        .unwrap();
    assert_eq!((file.kind, file.size), (EntryKind::File, Some(7)));
    assert!(file.modified.is_some());
    let folder = session
        .stat(&path("d"), StatOptions::default())
        .await
        .unwrap();
    assert_eq!(folder.kind, EntryKind::Dir);
    session.remove_file(&path("f")).await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn another_operation_reads_the_answer_that_is_owed_first() {
    let script = format!("{FIRST}data\nS: 226 done\nS: 229 ok (|||{{port}}|)\n");
    let (mut session, peer) = start(&script).await;
    let mut files = session.read_files(vec![path("a"), path("b")], 100);
    assert_eq!(files.next().await.unwrap().content.unwrap(), b"one");
    drop(files);
    session.remove_file(&path("f")).await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn the_next_port_is_no_last_word() {
    let login = login_together("SIZE");
    let script = format!("{login}{FIRST}data\nS: 229 ok (|||{{port}}|)\nend\n");
    let peer = peer(&script).await;
    let mut session = connect_with(&params(&peer)).await.unwrap();
    let mut files = session.read_files(vec![path("a"), path("b")], 100);
    let first = files.next().await.unwrap().content.unwrap_err();
    assert_eq!(first.kind(), &ErrorKind::Protocol);
    assert!(files.next().await.unwrap().content.is_err());
    assert!(files.next().await.is_none());
}

#[tokio::test]
async fn a_server_that_may_not_bear_it_is_asked_in_turn() {
    let one = |name: &str| {
        format!(
            "C: EPSV\ndata\nS: 229 ok (|||{{port}}|)\nC: RETR {name}\nS: 150 go\nD> x\ndata-close\nS: 226 done\n"
        )
    };
    let script = format!(
        "{}{}{}{QUIT}",
        crate::script::login("SIZE"),
        one("a"),
        one("b")
    );
    let peer = peer(&script).await;
    let params = params(&peer).with_pipelining(Pipelining::Off);
    let mut session = connect_with(&params).await.unwrap();
    let paths: Vec<RemotePath> = vec![path("a"), path("b")];
    let mut files = session.read_files(paths, 100);
    while let Some(file) = files.next().await {
        assert_eq!(file.content.unwrap(), b"x");
    }
    drop(files);
    leave(session, peer).await;
}
