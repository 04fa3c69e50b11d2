//! Listings: nothing is dropped in silence.

use ftp_connect_core::{ErrorKind, ListOptions, ListSummary, RemotePath, Result, Session};

use crate::script::{QUIT, connect, leave, login, path, peer};

async fn names(
    session: &mut dyn Session,
    folder: &RemotePath,
) -> Result<(Vec<String>, ListSummary)> {
    let mut listing = session.list(folder, ListOptions::default()).await?;
    let mut names = Vec::new();
    while let Some(entry) = listing.next().await? {
        names.push(entry.name.to_string());
    }
    Ok((names, listing.finish().await?))
}

async fn list(features: &str, script: &str, folder: &str) -> Result<(Vec<String>, ListSummary)> {
    let peer = peer(&format!("{}{script}\n{QUIT}", login(features))).await;
    let mut session = connect(&peer).await.unwrap();
    let result = names(session.as_mut(), &path(folder)).await;
    leave(session, peer).await;
    result
}

const PASSIVE: &str = "C: EPSV\ndata\nS: 229 ok (|||{port}|)\n";

#[tokio::test]
async fn machine_listings() {
    let script = format!(
        "{PASSIVE}C: MLSD d\nS: 150 go\nD> type=cdir; d\\r\\ntype=pdir; ..\\r\\ntype=file;size=3;  a;b\\r\\n\n\
         D> rubbish\\r\\ntype=dir; \nD> x\\r\\n\ndata-close\nS: 226 done"
    );
    let (names, summary) = list("MLST type*;", &script, "d").await.unwrap();
    assert_eq!(names, [" a;b", "x"]);
    assert_eq!((summary.entries, summary.unparsed), (2, 1));
    assert_eq!(summary.unparsed_samples, [b"rubbish".to_vec()]);
}

#[tokio::test]
async fn a_folder_is_entered_before_list() {
    let line = "-rw-r--r-- 1 a b 4 Mar 1 2020 x\\r\\n";
    let script = format!(
        "C: CWD a b\nS: 250 ok\n{PASSIVE}C: LIST -a\nS: 150 go\nD> total 3\\r\\n{line}\ndata-close\n\
         S: 226 done"
    );
    let (names, summary) = list("SIZE", &script, "a b").await.unwrap();
    assert_eq!((names.len(), summary.unparsed), (1, 0));
    let error = list("SIZE", "C: CWD d\nS: 550 d: Not a directory", "d")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotADirectory);
}

#[tokio::test]
async fn the_way_back_is_taken_with_the_next_operation() {
    let listing = "S: 150 go\nD> .\\r\\n\ndata-close\nS: 226 done\n";
    let script = format!(
        "{}C: CWD d\nS: 250 ok\n{PASSIVE}C: LIST -a\n{listing}C: CWD /\nS: 250 ok\nC: DELE x\n\
         S: 250 ok\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    names(session.as_mut(), &path("d")).await.unwrap();
    session.remove_file(&path("x")).await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn servers_that_do_not_know_the_option() {
    let line = "-rw-r--r-- 1 a b 4 Mar 1 2020 x\\r\\n";
    let plain = format!("{PASSIVE}C: LIST\nS: 150 go\nD> {line}\ndata-close\nS: 226 done");
    for refusal in [
        "S: 150 go\ndata-close\nS: 226 done",
        "S: 501 what",
        "S: 550 no such file",
    ] {
        let script = format!("{PASSIVE}C: LIST -a\n{refusal}\n{plain}");
        let (names, _) = list("SIZE", &script, "").await.unwrap();
        assert_eq!(names, ["x"]);
    }
}

#[tokio::test]
async fn a_listing_that_was_cut_short() {
    let script = format!(
        "{PASSIVE}C: MLSD\nS: 150 go\nD> type=file; x\\r\\n\ndata-close\n\
         S: 226-Options: -a -l\nS: 226 Output truncated to 1 matches"
    );
    let error = list("MLSD", &script, "").await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::ListingTruncated);
    assert_eq!(error.reply().unwrap().code, 226);
}

#[tokio::test]
async fn an_error_after_the_beginning() {
    let script =
        format!("{PASSIVE}C: MLSD d\nS: 150 go\ndata-close\nS: 450 d: No such file or directory");
    let error = list("MLSD", &script, "d").await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
}
