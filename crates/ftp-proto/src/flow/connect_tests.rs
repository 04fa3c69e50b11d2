//! Logins as servers hold them, whole and byte by byte.

use super::super::transcript::{outcome, play};
use super::*;
use crate::control::Control;
use crate::limits::Limits;

fn request(protection: Protection) -> LoginRequest {
    let argument = |text: &str| Argument::new(text).unwrap();
    LoginRequest::new(protection, argument("ada"), argument("s3cret"))
        .with_pipelining(Pipelining::Off)
}

fn show(login: &Login) -> String {
    let folder = login.folder.as_deref().map(String::from_utf8_lossy);
    let warned: Vec<_> = login
        .warnings
        .iter()
        .map(|warning| warning.command)
        .collect();
    format!(
        "in {} features={} utf8={} auth={:?} warned={warned:?}{}{}",
        folder.unwrap_or_default(),
        login.features.iter().count(),
        login.utf8,
        login.mechanism,
        match login.mechanism.is_some() && !login.private_data {
            true => " clear-data",
            false => "",
        },
        if login.cleared { " cleared" } else { "" },
    )
}

#[track_caller]
fn check_request(request: &LoginRequest, script: &str, expected: &str) {
    for bytewise in [false, true] {
        let mut control = Control::new(Limits::default());
        let mut flow = Connect::new(request.clone());
        let event = |flow: &mut Connect, event: &str| match event {
            "done" => flow.secured(),
            "ended" => flow.cleared(),
            _ => {}
        };
        let end = play(script, &mut control, &mut flow, &event, bytewise);
        assert_eq!(outcome(&end, show), expected);
        if let Ok(mut login) = end {
            // What it has not waited for comes before all else.
            while login.rest.unanswered() > 0 {
                let reply = control.next_reply().unwrap().unwrap();
                login.rest.reply(reply).unwrap();
            }
            assert_eq!(control.owed(), 0);
        }
    }
}

#[track_caller]
fn check(protection: Protection, script: &str, expected: &str) {
    check_request(&request(protection), script, expected);
}

#[test]
fn vsftpd_in_the_clear() {
    check(
        Protection::Clear,
        "S: 220 (vsFTPd 3.0.3)\nC: USER ada\nS: 331 Please specify the password.\nC: PASS s3cret\n\
         S: 230 Login successful.\nC: FEAT\nS: 211-Features:\nS:  EPRT\nS:  EPSV\nS:  MDTM\n\
         S:  PASV\nS:  REST STREAM\nS:  SIZE\nS:  TVFS\nS: 211 End\nC: TYPE I\n\
         S: 200 Switching to Binary mode.\nC: PWD\nS: 257 \"/\" is the current directory",
        "in / features=7 utf8=false auth=None warned=[]",
    );
}

#[test]
fn proftpd_over_explicit_tls() {
    check(
        Protection::Explicit,
        "S: 220 ProFTPD Server ready.\nC: AUTH TLS\nS: 234 AUTH TLS successful\nT: done\n\
         C: USER ada\nS: 331 Password required for ada\nC: PASS s3cret\nS: 230 User ada logged in\n\
         C: PBSZ 0\nS: 200 PBSZ 0 successful\nC: PROT P\nS: 200 Protection set to Private\n\
         C: FEAT\nS: 211-Features:\nS:  MLST modify*;perm*;\nS:  UTF8\nS: 211 End\n\
         C: OPTS UTF8 ON\nS: 200 UTF8 set to on\nC: TYPE I\nS: 200 Type set to I\n\
         C: PWD\nS: 257 \"/home/ada\" is the current directory",
        "in /home/ada features=2 utf8=true auth=Some(Tls) warned=[]",
    );
}

/// A session after `PROT`, whose answer is the argument's.
fn secured(prot: &str) -> String {
    format!(
        "S: 220 hi\nC: AUTH TLS\nS: 234 go\nT: done\nC: USER ada\nS: 331 go on\nC: PASS s3cret\nS: 230 in\n\
         C: PBSZ 0\nS: 200 ok\n{prot}\nC: FEAT\nS: 500 what\nC: TYPE I\nS: 200 ok\nC: PWD\n\
         S: 257 \"/\""
    )
}

#[test]
fn data_in_the_clear_is_asked_for_and_may_be_refused() {
    let request = request(Protection::Explicit).with_clear_data(true);
    let warned = "in / features=0 utf8=false auth=Some(Tls) warned=";
    check_request(
        &request,
        &secured("C: PROT C\nS: 200 ok"),
        &format!("{warned}[\"FEAT\"] clear-data"),
    );
    // ProFTPD with TLSRequired data.
    check_request(
        &request,
        &secured("C: PROT C\nS: 534 Unwilling to accept security parameters\nC: PROT P\nS: 200 ok"),
        &format!("{warned}[\"PROT C\", \"FEAT\"]"),
    );
    check_request(
        &request,
        "S: 220 hi\nC: AUTH TLS\nS: 234 go\nT: done\nC: USER ada\nS: 230 in\nC: PBSZ 0\nS: 200 ok\n\
         C: PROT C\nS: 534 no\nC: PROT P\nS: 536 neither",
        "the server does not protect data connections: 536 neither",
    );
}

#[test]
fn the_command_channel_is_cleared_last_and_alone() {
    let request = request(Protection::Explicit).with_clear_command_channel(true);
    let script = secured("C: PROT P\nS: 200 ok");
    let warned = "in / features=0 utf8=false auth=Some(Tls) warned=";
    check_request(
        &request,
        &format!("{script}\nC: CCC\nS: 200 clear from now on\nT: ended"),
        &format!("{warned}[\"FEAT\"] cleared"),
    );
    check_request(
        &request,
        &format!("{script}\nC: CCC\nS: 534 never"),
        &format!("{warned}[\"FEAT\", \"CCC\"]"),
    );
    // Where nothing was secured there is nothing to clear.
    check_request(
        &LoginRequest {
            protection: Protection::Clear,
            ..request
        },
        "S: 220 hi\nC: USER ada\nS: 230 in\nC: FEAT\nS: 500 what\nC: TYPE I\nS: 200\nC: PWD\nS: 550 no",
        "in  features=0 utf8=false auth=None warned=[\"FEAT\", \"PWD\"]",
    );
}

#[test]
fn pure_ftpd_with_a_banner_of_five_lines() {
    check(
        Protection::Clear,
        "S: 220---------- Welcome ----------\nS: 220-You are user number 1 of 50 allowed.\n\
         S: 220-Local time is now 10:00.\nS: 220-IPv6 connections are also welcome.\n\
         S: 220 You will be disconnected after 15 minutes.\nC: USER ada\n\
         S: 331 User ada OK. Password required\nC: PASS s3cret\n\
         S: 230-Your quota:\nS: 230 OK. Current directory is /\nC: FEAT\n\
         S: 211-Extensions supported:\nS:  UTF8\nS:  MLSD\nS: 211 End.\nC: OPTS UTF8 ON\n\
         S: 504 Unknown\nC: TYPE I\nS: 200 TYPE is now 8-bit binary\nC: PWD\n\
         S: 257 \"/\" is your current location",
        "in / features=2 utf8=true auth=None warned=[\"OPTS\"]",
    );
}

#[test]
fn greeting_may_take_its_time() {
    check(
        Protection::Clear,
        "S: 120 ready in 1 minute\nS: 220 now\nC: USER ada\nS: 230 no password needed\n\
         C: FEAT\nS: 500 what\nC: TYPE I\nS: 200\nC: PWD\nS: 550 no",
        "in  features=0 utf8=false auth=None warned=[\"FEAT\", \"PWD\"]",
    );
}

#[test]
fn greetings_that_turn_away() {
    check(
        Protection::Clear,
        "S: 421 Too many connections (2) from this IP",
        "too many connections: 421 Too many connections (2) from this IP",
    );
    check(
        Protection::Explicit,
        "S: 421 Service not available",
        "the server closes the connection: 421 Service not available",
    );
    check(
        Protection::Clear,
        "S: 554-no\nS: 554 anonymous here",
        "the server closes the connection: 554 no\nanonymous here",
    );
    check(
        Protection::Clear,
        "S: 331 what",
        "unexpected answer to greeting: 331 what",
    );
}

#[test]
fn auth_ssl_after_auth_tls() {
    check(
        Protection::Explicit,
        "S: 220 old\nC: AUTH TLS\nS: 504 unknown\nC: AUTH SSL\nS: 234 go\nT: done\n\
         C: USER ada\nS: 331 and\nC: PASS s3cret\nS: 230 in\nC: PBSZ 0\nS: 200 ok\nC: PROT P\n\
         S: 200 ok\nC: FEAT\nS: 502 no\nC: TYPE I\nS: 200 ok\nC: PWD\nS: 257 \"/\"",
        "in / features=0 utf8=false auth=Some(Ssl) warned=[\"FEAT\"]",
    );
}

#[test]
fn no_tls_is_never_passed_over() {
    for refusal in [
        "530 Please login with USER and PASS.",
        "500 what",
        "502 no",
        "334 go on",
    ] {
        check(
            Protection::Explicit,
            &format!("S: 220 hi\nC: AUTH TLS\nS: {refusal}\nC: AUTH SSL\nS: {refusal}"),
            &format!("the server does not offer TLS: {refusal}"),
        );
    }
}

#[test]
fn login_in_the_clear_where_tls_is_wanted() {
    for refusal in [
        "530 Non-anonymous sessions must use encryption.",
        "550 SSL/TLS required on the control channel",
    ] {
        check(
            Protection::Clear,
            &format!("S: 220 hi\nC: USER ada\nS: {refusal}"),
            &format!("the server requires TLS: {refusal}"),
        );
    }
    check(
        Protection::Clear,
        "S: 220 hi\nC: USER ada\nS: 421-Sorry, cleartext sessions are not accepted.\n\
         S: 421 Please reconnect using TLS security mechanisms.",
        "the server requires TLS: 421 Sorry, cleartext sessions are not accepted.\n\
         Please reconnect using TLS security mechanisms.",
    );
}

#[test]
fn refused_logins() {
    let begun = "S: 220 hi\nC: USER ada\nS: 331 go on\nC: PASS s3cret\n";
    check(
        Protection::Clear,
        &format!("{begun}S: 530 Login incorrect."),
        "the login was refused: 530 Login incorrect.",
    );
    check(
        Protection::Clear,
        &format!("{begun}S: 530 Sorry, the maximum number of clients (3) for this user"),
        "too many connections: 530 Sorry, the maximum number of clients (3) for this user",
    );
    check(
        Protection::Implicit,
        &format!("{begun}S: 421 Service closing"),
        "the server closes the connection: 421 Service closing",
    );
    check(
        Protection::Clear,
        &format!("{begun}S: 331 again"),
        "the server wants an account: 331 again",
    );
}

/// The words in which servers refuse a login, and what each means.
#[test]
fn refusals_in_the_words_of_servers() {
    let judge = |line: &str, expected: &str| {
        let script = format!("S: 220 hi\nC: USER ada\nS: 331 go on\nC: PASS s3cret\nS: {line}");
        check(Protection::Clear, &script, &format!("{expected}: {line}"));
    };
    for line in [
        "530 Login incorrect.",
        "530 Login authentication failed",
        "530 User ada cannot log in.",
        "530 Please login with USER and PASS.",
        "530 Access denied.",
        "530 This FTP server is anonymous only.",
        "530 All connections are logged. Go away.",
        "430 Invalid username or password",
        "532 Need account",
        "500 OOPS: cannot change directory:/home/ada",
        "550 no",
    ] {
        judge(line, "the login was refused");
    }
    for line in [
        "530 Sorry, the maximum number of allowed clients (2) are already connected.",
        "530 Maximum login limit has been reached.",
        "530 too many users",
        "450 Too many connections",
        "530 Connection limit exceeded",
        "431 limited to 2 connections",
    ] {
        judge(line, "too many connections");
    }
    for line in [
        "530 This server does not allow plain FTP. You have to use FTP over TLS.",
        "534 Policy requires SSL.",
        "503 Use AUTH first.",
        "530 Non-anonymous sessions must use encryption.",
    ] {
        judge(line, "the server requires TLS");
    }
    judge("451 try again in an hour", "PASS was refused");
}

#[test]
fn anonymous_and_without_a_password() {
    let anonymous = |password: &str| {
        let argument = |text: &str| Argument::new(text).unwrap();
        LoginRequest::new(Protection::Clear, argument("anonymous"), argument(password))
    };
    let rest = "C: FEAT\nS: 502 x\nC: TYPE I\nS: 200 x\nC: PWD\nS: 257 \"/pub\"";
    let expected = "in /pub features=0 utf8=false auth=None warned=[\"FEAT\"]";
    for login in [
        "C: USER anonymous\nS: 331 Guest login ok\nC: PASS anonymous@\nS: 230-Welcome\nS:  to all\nS: 230 in\n",
        "C: USER anonymous\nS: 230 No password needed\n",
    ] {
        let script = format!("S: 220 hi\n{login}{rest}");
        check_request(&anonymous("anonymous@"), &script, expected);
    }
}

#[test]
fn what_is_announced_is_used() {
    let begun = "S: 220 hi\nC: USER ada\nS: 230 in\nC: FEAT\n";
    let rest = "C: TYPE I\nS: 200 x\nC: PWD\nS: 257 \"/\"";
    check(
        Protection::Clear,
        &format!(
            "{begun}S: 211-x\nS:  CLNT\nS:  UTF8\nS: 211 x\nC: CLNT ftp-connect\nS: 200 noted\n\
             C: OPTS UTF8 ON\nS: 202 always\n{rest}"
        ),
        "in / features=2 utf8=true auth=None warned=[]",
    );
    check(
        Protection::Clear,
        &format!("{begun}S: 211-x\nS:  CLNT\nS: 211 x\nC: CLNT ftp-connect\nS: 500 no\n{rest}"),
        "in / features=1 utf8=false auth=None warned=[\"CLNT\"]",
    );
}

#[test]
fn a_virtual_host_is_named_before_the_user() {
    let named =
        |protection| request(protection).with_host(Argument::new("files.example.org").unwrap());
    let rest = "C: FEAT\nS: 211-x\nS:  HOST\nS: 211 x\nC: TYPE I\nS: 200 x\nC: PWD\nS: 257 \"/\"";
    let host = "C: HOST files.example.org\n";
    for (answer, warned) in [("220 here", "[]"), ("504 unknown host", "[\"HOST\"]")] {
        check_request(
            &named(Protection::Clear),
            &format!("S: 220 hi\n{host}S: {answer}\nC: USER ada\nS: 230 in\n{rest}"),
            &format!("in / features=1 utf8=false auth=None warned={warned}"),
        );
    }
    // Under TLS: nobody on the way reads which host is meant.
    check_request(
        &named(Protection::Explicit),
        &format!(
            "S: 220 hi\nC: AUTH TLS\nS: 234 go\nT: done\n{host}S: 220-this\nS: 220 is it\n\
             C: USER ada\nS: 230 in\nC: PBSZ 0\nS: 200 x\nC: PROT P\nS: 200 x\n{rest}"
        ),
        "in / features=1 utf8=false auth=Some(Tls) warned=[]",
    );
    check_request(
        &named(Protection::Clear),
        &format!("S: 220 hi\n{host}S: 421 not here"),
        "the server closes the connection: 421 not here",
    );
}

#[test]
fn accounts() {
    let rest = "C: FEAT\nS: 500 x\nC: TYPE I\nS: 200 x\nC: PWD\nS: 257 \"/\"";
    let with = request(Protection::Clear).with_account(Argument::new("dept").unwrap());
    for script in [
        "S: 220 hi\nC: USER ada\nS: 331 x\nC: PASS s3cret\nS: 332 x\nC: ACCT dept\nS: 230 in\n",
        "S: 220 hi\nC: USER ada\nS: 332 x\nC: ACCT dept\nS: 202 not needed\n",
    ] {
        check_request(
            &with,
            &format!("{script}{rest}"),
            "in / features=0 utf8=false auth=None warned=[\"FEAT\"]",
        );
    }
    check(
        Protection::Clear,
        "S: 220 hi\nC: USER ada\nS: 331 x\nC: PASS s3cret\nS: 332 account?",
        "the server wants an account: 332 account?",
    );
}

#[test]
fn data_protection() {
    let begun = "S: 220 hi\nC: USER ada\nS: 230 in\nC: PBSZ 0\n";
    let rest = "C: FEAT\nS: 500 x\nC: TYPE I\nS: 200 x\nC: PWD\nS: 257 \"/\"";
    check(
        Protection::Implicit,
        &format!("{begun}S: 500 x\nC: PROT P\nS: 500 x\n{rest}"),
        "in / features=0 utf8=false auth=None warned=[\"PBSZ\", \"PROT\", \"FEAT\"]",
    );
    check(
        Protection::Implicit,
        &format!("{begun}S: 200 x\nC: PROT P\nS: 534 not here"),
        "the server does not protect data connections: 534 not here",
    );
    check(
        Protection::Explicit,
        "S: 220 hi\nC: AUTH TLS\nS: 234 go\nT: done\nC: USER ada\nS: 232 by certificate\n\
         C: PBSZ 0\nS: 503 x\nC: PROT P\nS: 504 x",
        "the server does not protect data connections: 504 x",
    );
}

#[test]
fn binary_type_is_needed() {
    check(
        Protection::Clear,
        "S: 220 hi\nC: USER ada\nS: 230 in\nC: FEAT\nS: 500 x\nC: TYPE I\nS: 504 only text",
        "TYPE was refused: 504 only text",
    );
}

#[test]
fn bytes_after_auth_stop_the_upgrade() {
    let mut control = Control::new(Limits::default());
    let mut flow = Connect::new(request(Protection::Explicit));
    control.received(b"220 hi\r\n234 go\r\n220 injected\r\n");
    loop {
        match flow.step() {
            Step::Send(command) => control.send(&command),
            Step::NeedInput => flow.reply(control.next_reply().unwrap().unwrap()),
            Step::SecureControl => break,
            step => panic!("{step:?}"),
        }
    }
    assert!(control.secure().is_err());
}

#[test]
fn the_password_is_not_shown() {
    let with = request(Protection::Clear).with_account(Argument::new("dept").unwrap());
    let shown = format!("{:?}", Connect::new(with));
    assert!(
        shown.contains("ada") && !shown.contains("s3cret") && !shown.contains("dept"),
        "{shown}"
    );
}

/// What comes after the password, in one flight, and its answers.
const SET_UP: &str = "C: PWD\nC: FEAT\nC: OPTS UTF8 ON\nC: TYPE I\n";
const SET_UP_ANSWERS: &str =
    "S: 257 \"/\"\nS: 211-x\nS:  UTF8\nS: 211 end\nS: 200 utf-8\nS: 200 ok";
const READY: &str = "in / features=1 utf8=true auth=None warned=[]";

#[test]
fn in_the_clear_the_password_waits_for_the_answer_to_the_name() {
    let request = request(Protection::Clear).with_pipelining(Pipelining::Auto);
    for name in [
        "(vsFTPd 3.0.3)",
        "ProFTPD Server",
        "Welcome to Pure-FTPd",
        "pyftpdlib 2.2.0",
    ] {
        check_request(
            &request,
            &format!(
                "S: 220 {name}\nC: USER ada\nS: 331 go on\nC: PASS s3cret\n{SET_UP}S: 230 in\n{SET_UP_ANSWERS}"
            ),
            "in / features=1 utf8=false auth=None warned=[]",
        );
    }
    // vsftpd with force_local_logins_ssl.
    check_request(
        &request,
        "S: 220 (vsFTPd 3.0.3)\nC: USER ada\nS: 530 Non-anonymous sessions must use encryption.",
        "the server requires TLS: 530 Non-anonymous sessions must use encryption.",
    );
    check_request(
        &request,
        "S: 220 hello\nC: USER ada\nS: 230 in\nC: FEAT\nS: 500 x\nC: TYPE I\nS: 200 ok\nC: PWD\nS: 257 \"/\"",
        "in / features=0 utf8=false auth=None warned=[\"FEAT\"]",
    );
}

#[test]
fn who_knows_better_sends_all_in_one_flight() {
    let request = request(Protection::Clear)
        .with_pipelining(Pipelining::On)
        .with_password_at_once(true);
    let flight = format!("S: 220 hi\nC: USER ada\nC: PASS s3cret\n{SET_UP}");
    for answers in [
        "S: 331 go on\nS: 230 in\n",
        "S: 230 in\nS: 503 you are in\n",
    ] {
        check_request(
            &request,
            &format!("{flight}{answers}{SET_UP_ANSWERS}"),
            READY,
        );
    }
    check_request(
        &request,
        &format!("{flight}S: 331 go on\nS: 530 wrong\n"),
        "the login was refused: 530 wrong",
    );
}

#[test]
fn a_server_that_is_known_is_spoken_to_before_it_greets() {
    let at_once = |protection| request(protection).with_pipelining(Pipelining::AtOnce);
    check_request(
        &at_once(Protection::Clear).with_password_at_once(true),
        &format!(
            "C: USER ada\nC: PASS s3cret\n{SET_UP}S: 220 hi\nS: 331 go on\nS: 230 in\n{SET_UP_ANSWERS}"
        ),
        READY,
    );
    check_request(
        &at_once(Protection::Clear),
        &format!(
            "C: USER ada\nS: 120 soon\nS: 220 hi\nS: 331 go on\nC: PASS s3cret\n{SET_UP}S: 230 in\n\
             {SET_UP_ANSWERS}"
        ),
        READY,
    );
    check_request(
        &at_once(Protection::Explicit),
        &format!(
            "C: AUTH TLS\nS: 220 hi\nS: 234 go\nT: done\nC: USER ada\nC: PASS s3cret\nC: PBSZ 0\nC: PROT P\n\
             {SET_UP}S: 331 x\nS: 230 in\nS: 200 ok\nS: 200 ok\n{SET_UP_ANSWERS}"
        ),
        "in / features=1 utf8=true auth=Some(Tls) warned=[]",
    );
    check_request(
        &at_once(Protection::Explicit),
        "C: AUTH TLS\nS: 421 Too many connections",
        "too many connections: 421 Too many connections",
    );
}

#[test]
fn what_is_asked_aside_is_answered_to_the_caller() {
    let asked = |pipelining, script: &str| {
        let request = request(Protection::Clear).with_pipelining(pipelining);
        let mut control = Control::new(Limits::default());
        let mut flow = Connect::new(request.with_aside(Some(Command::new("EPSV"))));
        let login = play(script, &mut control, &mut flow, &|_, _| {}, false).unwrap();
        assert_eq!(control.owed(), login.rest.unanswered());
        login.aside.map(|reply| reply.code())
    };
    let rest = "C: PWD\nC: EPSV\nC: FEAT\nC: OPTS UTF8 ON\nC: TYPE I\nS: 230 in\nS: 257 \"/\"\nS: 229 ok\n";
    let begun = format!("C: USER ada\nS: 331 x\nC: PASS s3cret\n{rest}");
    let known = format!("S: 220 (vsFTPd 3.0.3)\n{begun}S: 211-x\nS: 211 end");
    assert_eq!(asked(Pipelining::Auto, &known), Some(229));
    let introduced = format!(
        "S: 220 hello\n{begun}S: 211-x\nS:  CLNT\nS:  UTF8\nS: 211 end\nS: 501 who\nS: 200 ok\n\
         C: CLNT ftp-connect\nC: OPTS UTF8 ON\nS: 200 hi\nS: 200 utf-8"
    );
    assert_eq!(asked(Pipelining::On, &introduced), Some(229));
    // One by one it would save nothing.
    let alone = "S: 220 hello\nC: USER ada\nS: 230 in\nC: FEAT\nS: 500 x\nC: TYPE I\nS: 200 ok\nC: PWD\n\
                 S: 257 \"/\"";
    assert_eq!(asked(Pipelining::Auto, alone), None);
}

#[test]
fn tls_is_agreed_on_alone_and_the_rest_is_one_flight() {
    let request = request(Protection::Explicit).with_pipelining(Pipelining::On);
    check_request(
        &request,
        &format!(
            "S: 220 hi\nC: AUTH TLS\nS: 234 go\nT: done\nC: USER ada\nC: PASS s3cret\nC: PBSZ 0\nC: PROT P\n\
             {SET_UP}S: 331 x\nS: 230 in\nS: 200 ok\nS: 200 ok\n{SET_UP_ANSWERS}"
        ),
        "in / features=1 utf8=true auth=Some(Tls) warned=[]",
    );
}

#[test]
fn a_password_that_is_refused_after_what_came_with_it() {
    // pyftpdlib 2.2.0.
    let later = "S: 530 Log in with USER and PASS first.\nS: 211-x\nS:  UTF8\nS: 211 end\n\
                 S: 530 Log in with USER and PASS first.\nS: 530 Log in with USER and PASS first.\n\
                 S: 530 Authentication failed.";
    check_request(
        &request(Protection::Clear).with_pipelining(Pipelining::Auto),
        &format!(
            "S: 220 pyftpdlib 2.2.0 ready.\nC: USER ada\nS: 331 go on\nC: PASS s3cret\n{SET_UP}{later}"
        ),
        "the login was refused: 530 Authentication failed.",
    );
    check_request(
        &request(Protection::Explicit).with_pipelining(Pipelining::Auto),
        &format!(
            "S: 220 pyftpdlib 2.2.0 ready.\nC: AUTH TLS\nS: 234 go\nT: done\nC: USER ada\nC: PASS s3cret\n\
             C: PBSZ 0\nC: PROT P\n{SET_UP}S: 331 go on\nS: 200 PBSZ=0 successful.\n\
             S: 200 Protection set to Private\n{later}"
        ),
        "the login was refused: 530 Authentication failed.",
    );
}

#[test]
fn an_account_makes_the_rest_of_the_flight_void() {
    let account = Argument::new("dept").unwrap();
    let request = request(Protection::Clear)
        .with_pipelining(Pipelining::On)
        .with_password_at_once(true)
        .with_account(account);
    let refused = "S: 530 x\nS: 530 x\nS: 530 x\nS: 530 x\n";
    check_request(
        &request,
        &format!(
            "S: 220 hi\nC: USER ada\nC: PASS s3cret\n{SET_UP}S: 331 x\nS: 332 account\n{refused}C: ACCT dept\n\
             S: 230 in\n{SET_UP}{SET_UP_ANSWERS}"
        ),
        READY,
    );
}

#[test]
fn utf8_is_asked_for_again_by_a_client_with_a_name() {
    let request = request(Protection::Clear).with_pipelining(Pipelining::On);
    let begun = format!("S: 220 hi\nC: USER ada\nS: 331 x\nC: PASS s3cret\n{SET_UP}S: 230 in\n");
    let begun = format!("{begun}S: 257 \"/\"\n");
    let end = "S: 200 ok";
    check_request(
        &request,
        &format!(
            "{begun}S: 211-x\nS:  CLNT\nS:  UTF8\nS: 211 end\nS: 501 who are you\n{end}\n\
             C: CLNT ftp-connect\nC: OPTS UTF8 ON\nS: 200 hi\nS: 200 utf-8"
        ),
        "in / features=2 utf8=true auth=None warned=[]",
    );
    // Nothing was announced, and so nothing was refused.
    check_request(
        &request,
        &format!("{begun}S: 211-x\nS:  SIZE\nS: 211 end\nS: 501 what\n{end}"),
        "in / features=1 utf8=false auth=None warned=[]",
    );
}

#[test]
fn a_session_begins_before_the_last_answers_of_a_known_server() {
    let request = request(Protection::Clear).with_pipelining(Pipelining::Auto);
    let begun = format!(
        "S: 220 (vsFTPd 3.0.3)\nC: USER ada\nS: 331 x\nC: PASS s3cret\n{SET_UP}S: 230 in\nS: 257 \"/\"\n"
    );
    let left = |features: &str| {
        let script = format!("{begun}S: 211-x\nS:  {features}\nS: 211 end");
        let mut control = Control::new(Limits::default());
        let mut flow = Connect::new(request.clone());
        let login = play(&script, &mut control, &mut flow, &|_, _| {}, false).unwrap();
        assert_eq!(control.owed(), login.rest.unanswered());
        assert_eq!(login.folder.as_deref(), Some(&b"/"[..]));
        login.rest
    };
    let mut rest = left("SIZE");
    let reply = |line: &str| Reply::from_lines(vec![line.into()]).unwrap();
    rest.reply(reply("501 what")).unwrap();
    assert_eq!(rest.unanswered(), 1);
    let refused = rest.reply(reply("504 not that")).unwrap_err();
    assert!(matches!(refused, FlowError::Refused { verb, .. } if verb == "TYPE"));
    assert_eq!(rest.unanswered(), 0);
}
