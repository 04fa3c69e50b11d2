//! What single servers say that no standard leads one to expect, as transcripts named for the server.
//!
//! Logins are with [`Connect`](super::Connect), data connections with [`DataChannels`](super::DataChannels); here are
//! listings, transfers and simple commands.

use super::transcript::{outcome, run, run_with};
use super::{DataEnd, Exchange, Transfer, TransferEnd};
use crate::argument::Argument;
use crate::command::Command;
use crate::control::Control;
use crate::limits::Limits;
use crate::parse;

/// Plays a LIST; `D: clean` and `D: cut` are ends of the data connection.
#[track_caller]
fn check_list(script: &str, expected: &str) {
    let make = || Transfer::new(Command::new("LIST"), None);
    let event = |flow: &mut Transfer, event: &str| match event {
        "clean" => flow.data_ended(DataEnd::Clean),
        "cut" => flow.data_ended(DataEnd::Cut),
        _ => assert_eq!(event, "Ready"),
    };
    let script = format!("S: 220 hi\nC: LIST\n{script}");
    run_with(&script, make, event, |end| {
        let show = |end: &TransferEnd| {
            let whole = if end.is_whole() { "whole" } else { "not whole" };
            format!("{} {whole}", end.reply)
        };
        assert_eq!(outcome(&end, show), expected);
    });
}

/// Plays one command and gives the reply that ends it.
#[track_caller]
fn check_command(command: &'static str, replies: &str, expected: &str) {
    let script = format!("S: 220 hi\nC: {command}\n{replies}");
    run(
        &script,
        || Exchange::new(Command::new(command)),
        |end| assert_eq!(outcome(&end, ToString::to_string), expected),
    );
}

#[test]
fn vsftpd_and_pure_ftpd_list_what_is_not_there() {
    check_list(
        "S: 150 Here comes the directory listing.\nD: clean\nS: 226 Directory send OK.",
        "226 Directory send OK. whole",
    );
}

#[test]
fn proftpd_finds_out_after_it_has_begun() {
    check_list(
        "S: 150 Opening ASCII mode data connection for file list\nD: clean\nS: 450 nosuch: No such file or directory",
        "450 nosuch: No such file or directory not whole",
    );
}

#[test]
fn pyftpdlib_refuses_at_once_and_begins_with_125_or_150() {
    check_list(
        "S: 550 No such file or directory.",
        "LIST was refused: 550 No such file or directory.",
    );
    for code in [125, 150] {
        check_list(
            &format!(
                "S: {code} Data connection already open.\nS: 226 Transfer complete.\nD: clean"
            ),
            "226 Transfer complete. whole",
        );
    }
}

#[test]
fn pure_ftpd_ends_a_cut_transfer_with_150() {
    check_list(
        "S: 150-Connecting to port 4711\nS: 150 120.5 kbytes to download\nD: cut\nS: 150 It was cut",
        "150 It was cut not whole",
    );
}

#[test]
fn pure_ftpd_tells_that_a_listing_is_cut_short() {
    let script = "S: 220 hi\nC: LIST\nS: 150 Accepted\nD: clean\nS: 226-Output truncated to 2000 matches\nS: 226 2000 matches total";
    run_with(
        script,
        || Transfer::new(Command::new("LIST"), None),
        |flow, event| {
            if event == "clean" {
                flow.data_ended(DataEnd::Clean);
            }
        },
        |end| assert!(end.unwrap().reply.mentions("output truncated")),
    );
}

/// After RETR and ABOR together: what is still owed when `replies` have come.
#[track_caller]
fn check_abort(replies: &str, codes: &[u16]) {
    let mut control = Control::new(Limits::default());
    control.received(b"220 hi\r\n");
    assert!(control.next_reply().unwrap().is_some());
    control.send(&Command::with("RETR", Argument::new("f").unwrap()));
    control.send(&Command::new("ABOR"));
    control.received(replies.as_bytes());
    let mut seen = Vec::new();
    while let Some(reply) = control.next_reply().unwrap() {
        seen.push(reply.code());
    }
    assert_eq!((seen.as_slice(), control.owed()), (codes, 0));
}

#[test]
fn vsftpd_and_proftpd_send_the_whole_file_after_abor() {
    check_abort(
        "150 go\r\n226 Transfer complete.\r\n226 No transfer to ABOR.\r\n",
        &[150, 226, 226],
    );
}

#[test]
fn pure_ftpd_and_pyftpdlib_stop_at_abor() {
    check_abort(
        "150 go\r\n426 Transfer aborted.\r\n226 ABOR command successful.\r\n",
        &[150, 426, 226],
    );
}

#[test]
fn an_idle_vsftpd_says_goodbye_unasked() {
    let mut control = Control::new(Limits::default());
    control.received(b"220 (vsFTPd 3.0.3)\r\n421 Timeout.\r\n");
    assert!(control.next_reply().unwrap().is_some());
    assert_eq!(control.next_reply(), Ok(None));
    assert!(control.is_closing());
}

#[test]
fn codes_are_judged_by_their_first_digit() {
    check_command("EPSV ALL", "S: 220 ok", "220 ok");
    check_command("ALLO 5", "S: 202 not needed here", "202 not needed here");
    check_command("MKD a", "S: 200 made", "200 made");
}

#[test]
fn replies_of_many_lines_in_all_shapes() {
    // A line of another code inside, the code alone at the end, the code on every line, an empty last line.
    check_command(
        "X",
        "S: 250-\nS: 550 of old\nS: 250 now",
        "250 550 of old\nnow",
    );
    check_command("X", "S: 200-a\nS: 200", "200 a");
    check_command("X", "S: 211-a\nS: 211-b\nS: 211 c", "211 a\nb\nc");
    check_command(
        "X",
        "S: 226-Options: -a\nS: 226 4 matches",
        "226 Options: -a\n4 matches",
    );
}

#[test]
fn pure_ftpd_does_not_double_quotes() {
    let path = |text: &str| parse::quoted_path(text.as_bytes()).map(String::from_utf8);
    assert_eq!(
        path("\"/a\"b\" is your current location"),
        Some(Ok("/a\"b".to_owned()))
    );
    // vsftpd, ProFTPD and pyftpdlib do.
    assert_eq!(
        path("\"/a\"\"b\" is the current directory"),
        Some(Ok("/a\"b".to_owned()))
    );
}
