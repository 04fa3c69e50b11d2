//! What changes files without moving their bytes: every way that servers have for it.

use ftp_connect_core::{
    ChecksumAlgorithm, Disposition, ErrorKind, Permissions, RenameOptions, SessionExt as _,
    Timestamp, WriteOptions,
};

use crate::script::{QUIT, connect, leave, login, path, peer};

const TIME: &str = "20010909014640";

fn time() -> Timestamp {
    Timestamp::from_unix_seconds(1_000_000_000).unwrap()
}

#[tokio::test]
async fn setting_times_by_what_the_server_does() {
    let utime_after = format!("SITE UTIME f {TIME} {TIME} {TIME} UTC");
    for (server, features, script) in [
        (
            "ProFTPD",
            "MFMT\nMDTM\nMLST type*;\nSITE UTIME",
            format!("C: MFMT {TIME} f\nS: 213 Modify={TIME}; f\n").repeat(2),
        ),
        (
            "vsftpd",
            "MDTM\nSIZE",
            format!("C: MDTM {TIME} f\nS: 213 File modification time set.\n").repeat(2),
        ),
        (
            "one with UTIME, the time first",
            "SITE UTIME",
            format!("C: SITE UTIME {TIME} f\nS: 200 ok\n").repeat(2),
        ),
        (
            "Pure-FTPd's UTIME, which takes the other order",
            "SITE UTIME",
            format!(
                "C: SITE UTIME {TIME} f\nS: 501 syntax\nC: {utime_after}\nS: 213 UTIME OK\n\
                 C: {utime_after}\nS: 213 UTIME OK\n"
            ),
        ),
        (
            "one that announces what it does not have",
            "MFMT\nSITE UTIME",
            format!(
                "C: MFMT {TIME} f\nS: 500 what\nC: SITE UTIME {TIME} f\nS: 200 ok\n\
                 C: SITE UTIME {TIME} f\nS: 200 ok\n"
            ),
        ),
        (
            "one whose MDTM takes time and name for one name",
            "MDTM\nSIZE\nSITE UTIME",
            format!(
                "C: MDTM {TIME} f\nS: 550 no\nC: SIZE f\nS: 213 1\nC: MDTM f\nS: 213 {TIME}\n\
                 C: SITE UTIME {TIME} f\nS: 200 ok\nC: SITE UTIME {TIME} f\nS: 200 ok\n"
            ),
        ),
        (
            "ProFTPD with `FactsAdvertise off`, which has MFMT and does not say so",
            "MDTM\nSIZE",
            format!(
                "C: MDTM {TIME} f\nS: 550 {TIME} f: No such file or directory\n\
                 C: SIZE f\nS: 213 1\nC: MDTM f\nS: 213 {TIME}\n\
                 C: MFMT {TIME} f\nS: 213 Modify={TIME}; f\nC: MFMT {TIME} f\nS: 213 Modify={TIME}; f\n"
            ),
        ),
    ] {
        let peer = peer(&format!("{}{script}{QUIT}", login(features))).await;
        let mut session = connect(&peer).await.unwrap();
        for _ in 0..2 {
            let set = session.set_modified(&path("f"), time()).await;
            set.unwrap_or_else(|error| panic!("{server}: {error}"));
        }
        leave(session, peer).await;
    }
}

#[tokio::test]
async fn a_time_that_nobody_sets_is_unsupported_from_then_on() {
    // The file "20010909014640 f" is there, so that MDTM tells its time and has set none.
    let script = format!(
        "{}C: MDTM {TIME} f\nS: 213 20200101000000\nC: MFMT {TIME} f\nS: 500 what\n{QUIT}",
        login("MDTM")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    assert!(session.capabilities().set_modified);
    for _ in 0..2 {
        let error = session.set_modified(&path("f"), time()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Unsupported);
        assert!(!session.capabilities().set_modified);
    }
    leave(session, peer).await;
}

#[tokio::test]
async fn a_name_that_begins_like_a_time_is_not_set_to_it() {
    // vsftpd would set the time of "x".
    let name = "20210102030405 x";
    let script = format!(
        "{}C: SIZE {name}\nS: 213 1\nC: MDTM ./{name}\nS: 213 20200101000000\n{QUIT}",
        login("SIZE\nMDTM")
    )
    .replace(&format!("SIZE {name}"), &format!("SIZE ./{name}"));
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let entry = session.stat(&path(name), Default::default()).await.unwrap();
    assert_eq!(entry.modified.unwrap().to_string(), "2020-01-01T00:00:00Z");
    leave(session, peer).await;
}

#[tokio::test]
async fn permissions_are_not_promised_again_once_they_are_unknown() {
    let script = format!(
        "{}C: SITE CHMOD 640 f\nS: 500 unknown SITE command\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let permissions = Permissions::from_mode(0o640);
    for _ in 0..2 {
        let set = session.set_permissions(&path("f"), permissions).await;
        assert_eq!(set.unwrap_err().kind(), &ErrorKind::Unsupported);
    }
    assert!(!session.capabilities().set_permissions);
    leave(session, peer).await;
}

#[tokio::test]
async fn checksums_by_the_command_that_is_announced() {
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    let script = format!(
        "{}C: OPTS HASH MD5\nS: 200 MD5\nC: HASH f\nS: 213 MD5 0-0 {md5} f\n\
         C: HASH g\nS: 213 MD5 0-0 {md5} g\nC: XCRC f\nS: 250 5D5A3C\n{QUIT}",
        login("HASH SHA-1*;MD5\nXCRC\nXMD5")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    for name in ["f", "g"] {
        let told = session.checksum(&path(name), ChecksumAlgorithm::Md5).await;
        assert_eq!(told.unwrap().digest[..2], [0xd4, 0x1d]);
    }
    let told = session.checksum(&path("f"), ChecksumAlgorithm::Crc32).await;
    assert_eq!(told.unwrap().digest, [0, 0x5d, 0x5a, 0x3c]);
    let none = session
        .checksum(&path("f"), ChecksumAlgorithm::Sha512)
        .await;
    assert_eq!(none.unwrap_err().kind(), &ErrorKind::Unsupported);
    leave(session, peer).await;
}

#[tokio::test]
async fn free_space_by_avbl() {
    let script = format!("{}C: AVBL\nS: 213 123456789012\n{QUIT}", login("AVBL"));
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let space = session.free_space(&path("")).await.unwrap();
    assert_eq!(space.available, 123_456_789_012);
    leave(session, peer).await;
}

#[tokio::test]
async fn the_folder_where_paths_begin() {
    let listing = "S: 150 go\nD> .\\r\\n\ndata-close\nS: 226 done\n";
    let script = format!(
        "{}C: CWD in\nS: 250 ok\nC: PWD\nS: 257 \"/home/in\"\nC: DELE x\nS: 250 ok\n\
         C: CWD d\nS: 250 ok\nC: EPSV\ndata\nS: 229 ok (|||{{port}}|)\nC: LIST -a\n{listing}\
         C: CWD /home/in\nS: 250 ok\nC: DELE y\nS: 250 ok\nC: CWD gone\nS: 550 gone: No such file\n\
         C: CWD /home/in\nS: 250 ok\nC: DELE z\nS: 250 ok\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    session.set_current_dir(&path("in")).await.unwrap();
    session.remove_file(&path("x")).await.unwrap();
    session.list_all(&path("d")).await.unwrap();
    session.remove_file(&path("y")).await.unwrap();
    let error = session.set_current_dir(&path("gone")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    session.remove_file(&path("z")).await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn quotes_in_the_folder_doubled_or_not() {
    for (told, folder) in [
        (r#""/a""b" is the current directory"#, "/a\"b"),
        (r#""/a"b" is your current location"#, "/a\"b"),
    ] {
        let peer = peer(&format!("{}C: PWD\nS: 257 {told}\n{QUIT}", login("SIZE"))).await;
        let mut session = connect(&peer).await.unwrap();
        assert_eq!(session.current_dir().await.unwrap(), path(folder));
        leave(session, peer).await;
    }
}

#[tokio::test]
async fn a_folder_is_created_whatever_the_completion_is_called() {
    for done in ["257 \"/d\" created", "200 ok", "250 done"] {
        let peer = peer(&format!("{}C: MKD d\nS: {done}\n{QUIT}", login("SIZE"))).await;
        let mut session = connect(&peer).await.unwrap();
        session
            .create_dir(&path("d"), Default::default())
            .await
            .unwrap();
        leave(session, peer).await;
    }
}

#[tokio::test]
async fn links_to_folders_are_removed_and_not_followed() {
    // pyftpdlib tells of a link to a folder as of a folder; removing it as a file takes it away.
    let script = format!(
        "{}C: DELE d\nS: 550 Is a directory.\nC: EPSV\ndata\nS: 229 ok (|||{{port}}|)\nC: MLSD d\nS: 150 go\n\
         D> type=dir; link\\r\\n\ndata-close\nS: 226 done\nC: DELE d/link\nS: 250 gone\nC: RMD d\nS: 250 gone\n\
         {QUIT}",
        login("MLST type*;")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    session.remove_all(&path("d")).await.unwrap();
    leave(session, peer).await;
}

const PASSIVE: &str = "C: EPSV\ndata\nS: 229 ok (|||{port}|)\n";

/// Plays an attempt to create a file, or to rename one, without replacing.
async fn not_replacing(features: &str, looks: &str, goes_on: bool, expected: Option<ErrorKind>) {
    let stored = "C: STOR f\nS: 150 go\nD< x\ndata-end\nS: 226 done\n";
    let then = if goes_on {
        format!("{PASSIVE}{stored}")
    } else {
        String::new()
    };
    let peer = peer(&format!("{}{looks}{then}{QUIT}", login(features))).await;
    let mut session = connect(&peer).await.unwrap();
    let options = WriteOptions::default().with_disposition(Disposition::CreateNew);
    let outcome = session.write_all(&path("f"), b"x", options).await;
    match expected {
        None => assert_eq!(outcome.unwrap().bytes, 1),
        Some(kind) => assert_eq!(outcome.unwrap_err().kind(), &kind),
    }
    leave(session, peer).await;
}

#[tokio::test]
async fn a_550_to_size_proves_no_absence() {
    let list = format!("C: SIZE f\nS: 550 no\n{PASSIVE}C: LIST -a\nS: 150 go\n");
    let line = |name: &str| {
        format!("D> -rw-r--r-- 1 a b 4 Mar 1 2020 {name}\\r\\n\ndata-close\nS: 226 done\n")
    };
    let taken = Some(ErrorKind::AlreadyExists);
    let unclear = Some(ErrorKind::Unsupported);
    // ProFTPD and pyftpdlib in TYPE A, and whatever nobody may look at.
    not_replacing(
        "SITE X",
        &format!("{list}{}", line("f")),
        false,
        taken.clone(),
    )
    .await;
    not_replacing("SITE X", &format!("{list}{}", line("other")), true, None).await;
    // A listing that is cut short, refused, or not understood proves nothing.
    let cut = line("other").replace("226 done", "226 Output truncated to 1 matches");
    not_replacing("SITE X", &format!("{list}{cut}"), false, unclear.clone()).await;
    let strange = format!("{list}D> what is f\\r\\n\ndata-close\nS: 226 done\n");
    not_replacing("SITE X", &strange, false, unclear.clone()).await;
    let refused = format!(
        "C: SIZE f\nS: 500 what\n{PASSIVE}C: LIST -a\nS: 550 no\n{PASSIVE}C: LIST\nS: 550 no\n"
    );
    not_replacing("SITE X", &refused, false, unclear).await;
    // Without SIZE, names that differ in case only may be one.
    let folded = format!(
        "C: SIZE f\nS: 502 no\n{PASSIVE}C: LIST -a\nS: 150 go\n{}",
        line("F")
    );
    not_replacing("SITE X", &folded, false, taken.clone()).await;
    not_replacing(
        "MLST type*;",
        "C: MLST f\nS: 250-x\nS:  type=file; f\nS: 250 end\n",
        false,
        taken,
    )
    .await;
    not_replacing(
        "MLST type*;",
        "C: MLST f\nS: 550 f: No such file\n",
        true,
        None,
    )
    .await;
}

#[tokio::test]
async fn a_rename_looks_before_it_replaces() {
    let script = format!(
        "{}C: MLST b\nS: 250-x\nS:  type=file; b\nS: 250 end\n\
         C: RNFR a\nS: 350 go\nC: RNTO b\nS: 250 done\n{QUIT}",
        login("MLST type*;")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let (from, to) = (path("a"), path("b"));
    let refused = session.rename(&from, &to, RenameOptions::default()).await;
    assert_eq!(refused.unwrap_err().kind(), &ErrorKind::AlreadyExists);
    let replace = RenameOptions::default().with_replace(true);
    session.rename(&from, &to, replace).await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn a_server_that_wants_to_reserve_room_is_told_how_much() {
    let stored = "C: STOR f\nS: 150 go\nD< x\ndata-end\nS: 226 done\n";
    for (features, script) in [
        (
            "ALLO",
            format!("C: ALLO 1\nS: 202 no need\n{PASSIVE}{stored}"),
        ),
        (
            "SITE X",
            format!(
                "{PASSIVE}C: STOR f\nS: 503 Send ALLO first\nC: ALLO 1\nS: 200 ok\n{PASSIVE}{stored}"
            ),
        ),
    ] {
        let peer = peer(&format!("{}{script}{QUIT}", login(features))).await;
        let mut session = connect(&peer).await.unwrap();
        let written = session
            .write_all(&path("f"), b"x", WriteOptions::default())
            .await;
        assert_eq!(written.unwrap().bytes, 1);
        leave(session, peer).await;
    }
}

#[tokio::test]
async fn a_server_that_would_take_another_name_is_not_asked() {
    // Pure-FTPd puts `_` for a blank at the end of a command and for control characters: what is removed would be
    // another file.
    let script = format!(
        "{}C: DELE a b\nS: 250 gone\nC: DELE ./ c\nS: 250 gone\n{QUIT}",
        login("ESTP")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    for name in ["a ", "in/a  ", "b\t", "\u{1}c"] {
        let error = session.remove_file(&path(name)).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidParameter, "{error:?}");
        assert_eq!(error.path(), Some(&path(name)));
        assert!(error.to_string().contains("another name"), "{error}");
    }
    for name in ["a b", " c"] {
        session.remove_file(&path(name)).await.unwrap();
    }
    leave(session, peer).await;
}
