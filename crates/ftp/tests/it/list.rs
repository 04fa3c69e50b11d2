//! Listings: nothing is dropped in silence.

use ftp_connect_core::params::ListCommand;
use ftp_connect_core::{ErrorKind, ListOptions, ListSummary, RemotePath, Result, Session};

use crate::script::{QUIT, connect, connect_with, leave, login, params, path, peer};

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

/// Lists by the command that the parameters name.
async fn list_by(command: ListCommand, features: &str, script: &str) -> Result<Vec<String>> {
    let peer = peer(&format!("{}{script}\n{QUIT}", login(features))).await;
    let params = params(&peer).with_list_command(command);
    let mut session = connect_with(&params).await.unwrap();
    let result = names(session.as_mut(), &path("d")).await;
    leave(session, peer).await;
    Ok(result?.0)
}

#[tokio::test]
async fn the_command_is_the_one_asked_for() {
    let mlst = "MLST type*;";
    let line = "-rw-r--r-- 1 a b 4 Mar 1 2020";
    let script =
        format!("{PASSIVE}C: MLSD d\nS: 150 go\nD> type=file; x\\r\\n\ndata-close\nS: 226 done");
    let listed = list_by(ListCommand::Mlsd, "SIZE", &script).await;
    assert_eq!(listed.unwrap(), ["x"]);
    let script = format!("{PASSIVE}C: MLSD d\nS: 500 what");
    let refused = list_by(ListCommand::Mlsd, mlst, &script).await;
    assert_eq!(refused.unwrap_err().kind(), &ErrorKind::Unsupported);
    let entered = "C: CWD d\nS: 250 ok\n";
    let script = format!(
        "{entered}{PASSIVE}C: LIST -a\nS: 150 go\nD> {line} x\\r\\n\ndata-close\nS: 226 done"
    );
    let listed = list_by(ListCommand::List, mlst, &script).await;
    assert_eq!(listed.unwrap(), ["x"]);
    let script = format!(
        "{entered}{PASSIVE}C: NLST -a\nS: 150 go\nD> .\\r\\n..\\r\\nd/ a b\\r\\n.h\\r\\n\ndata-close\nS: 226 done"
    );
    let listed = list_by(ListCommand::Nlst, mlst, &script).await;
    assert_eq!(listed.unwrap(), [" a b", ".h"]);
    // vsftpd, and servers that write the code before each line.
    for before in ["", "213-", " "] {
        let script = format!(
            "{entered}C: STAT -a .\nS: 213-Status follows:\nS: {before}total 1\nS: {before}{line} x y\n\
             S: 213 End of status"
        );
        let listed = list_by(ListCommand::Stat, mlst, &script).await;
        assert_eq!(listed.unwrap(), ["x y"]);
    }
}

#[tokio::test]
async fn a_refusal_that_says_that_the_folder_is_empty() {
    let refusals = format!(
        "{PASSIVE}C: NLST -a\nS: 550 No files found.\n{PASSIVE}C: NLST\nS: 550 No files found."
    );
    let script = format!("C: CWD d\nS: 250 ok\n{refusals}");
    let listed = list_by(ListCommand::Nlst, "SIZE", &script).await;
    assert!(listed.unwrap().is_empty());
}

#[tokio::test]
async fn mlsd_that_is_announced_and_not_there_is_not_tried_again() {
    let plain = "C: LIST -a\nS: 150 go\nD> .\\r\\n\ndata-close\nS: 226 done\n";
    let script = format!(
        "{}{PASSIVE}C: MLSD\nS: 502 no\n{PASSIVE}{plain}{PASSIVE}{plain}{QUIT}",
        login("MLST type*;")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    for _ in 0..2 {
        names(session.as_mut(), &path("")).await.unwrap();
    }
    assert_eq!(session.profile().unwrap().mlsd, Some(false));
    leave(session, peer).await;
}

/// The times of a listing with UTC asked for, and the rest of the play.
async fn utc_times(lines: &str, questions: &str) -> Vec<String> {
    let script = format!(
        "{}C: CWD d\nS: 250 ok\n{PASSIVE}C: LIST -a\nS: 150 go\nD> {lines}\ndata-close\nS: 226 done\n\
         {questions}{QUIT}",
        login("MDTM")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let options = ListOptions::default().with_utc_times(true);
    let mut listing = session.list(&path("d"), options).await.unwrap();
    let mut times = Vec::new();
    while let Some(entry) = listing.next().await.unwrap() {
        times.push(
            entry
                .modified
                .map(|time| time.to_string())
                .unwrap_or_default(),
        );
    }
    listing.finish().await.unwrap();
    leave(session, peer).await;
    times
}

#[tokio::test]
async fn the_servers_clock_is_learnt_by_one_file_of_each_season() {
    // As ls --time-style=long-iso writes it, so that the year needs no clock.
    let lines = "-rw-r--r-- 1 a b 4 2024-01-15 12:30 x\\r\\n";
    let more =
        "-rw-r--r-- 1 a b 4 2024-01-16 00:10 y\\r\\n-rw-r--r-- 1 a b 4 2024-07-15 12:30 z\\r\\n";
    let both = "C: MDTM z\nS: 213 20240715103059\nC: MDTM x\nS: 213 20240115113001\n";
    assert_eq!(
        utc_times(&format!("{lines}{more}"), both).await,
        [
            "2024-01-15T11:30Z",
            "2024-01-15T23:10Z",
            "2024-07-15T10:30Z"
        ]
    );
    // A server without MDTM, or a file that has changed: the times stay what they are.
    for answer in ["550 no", "213 20240115114001"] {
        let times = utc_times(lines, &format!("C: MDTM x\nS: {answer}\n")).await;
        assert_eq!(times, ["2024-01-15T12:30"]);
    }
}

#[tokio::test]
async fn entries_come_before_the_listing_has_ended() {
    // The data connection stays open until the client has had enough.
    let mut lines = String::new();
    for number in 0..2000 {
        lines += &format!("-rw-r--r-- 1 a b 4 Mar 1 2020 file{number}\\r\\n");
    }
    let script = format!(
        "{}{PASSIVE}C: LIST -a\nS: 150 go\nD> {lines}\nC: NOOP\nS: 426 cut\nS: 200 here\n\
         C: NOOP\nS: 200 here\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let here = path("");
    let mut listing = session.list(&here, ListOptions::default()).await.unwrap();
    for number in 0..2000 {
        let entry = listing.next().await.unwrap().unwrap();
        assert_eq!(entry.name, path(&format!("file{number}")));
    }
    drop(listing);
    session.keep_alive().await.unwrap();
    leave(session, peer).await;
}
