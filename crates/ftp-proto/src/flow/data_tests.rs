//! Data connections as servers and firewalls let them come about, or not.

use super::super::transcript::outcome;
use super::*;
use crate::control::Control;
use crate::limits::Limits;

const V4: &str = "127.0.0.1:258";
const V6: &str = "[::1]:258";

fn reply(line: &str) -> Reply {
    let mut control = Control::new(Limits::default());
    control.received(format!("{line}\r\n").as_bytes());
    control.next_reply().unwrap().unwrap()
}

/// Plays rounds, and gives what was sent and how each plan looked. A round is the server's reply to the
/// last command or, after a plan, what came of it: `ok` (and the next transfer begins), `unreachable`, or
/// `failed` for a transfer whose connection did not come about.
#[track_caller]
fn play(channels: &mut DataChannels, listen: &str, rounds: &[&str]) -> Vec<String> {
    channels.begin();
    let mut seen = Vec::new();
    let mut rounds = rounds.iter();
    loop {
        match channels.step() {
            Step::Send(command) => seen.push(command.to_string()),
            Step::NeedInput => match rounds.next() {
                Some(line) => channels.reply(reply(line)),
                None => return seen,
            },
            Step::Listen => channels.listening(listen.parse().unwrap()),
            Step::OpenData(plan) => {
                seen.push(match plan {
                    DataPlan::Connect { port, address } => match address {
                        Some(address) => format!("connect {address} {port}"),
                        None => format!("connect peer {port}"),
                    },
                    plan => format!("{plan:?}"),
                });
                match rounds.next() {
                    Some(&"ok") => {
                        channels.connected();
                        channels.begin();
                    }
                    Some(&"unreachable") => channels.unreachable(),
                    Some(&"failed") => channels.failed(),
                    _ => return seen,
                }
            }
            Step::Failed(error) => {
                let end: Result<(), _> = Err(error);
                seen.push(outcome(&end, |()| String::new()));
                return seen;
            }
            step => panic!("{step:?}"),
        }
    }
}

#[track_caller]
fn check(mode: DataMode, listen: &str, rounds: &[&str], expected: &[&str]) {
    let mut channels = DataChannels::new(mode, listen.contains('['));
    assert_eq!(play(&mut channels, listen, rounds), expected);
}

/// Each way in which EPSV fails, then PASV, which is remembered.
#[test]
fn epsv_fails_and_pasv_is_next() {
    for refusal in [
        // Unknown, not in this form, not for this family, not allowed, not now, and nonsense.
        "500 what",
        "501 x",
        "502 x",
        "522 x",
        "550 x",
        "425 x",
        "350 x",
        "229 rubbish",
        "229 Entering Extended Passive Mode (|||0|)",
        "229 Entering Extended Passive Mode (|||70000|)",
        "200 fine",
    ] {
        let rounds = [refusal, "227 ok 10,0,0,1,1,2.", "ok", "227 (10,0,0,1,1,3)"];
        let expected = [
            "EPSV",
            "PASV",
            "connect peer 258",
            "PASV",
            "connect peer 259",
        ];
        check(DataMode::Passive, V4, &rounds, &expected);
        check(DataMode::Dynamic, V4, &rounds, &expected);
        check(DataMode::Passive, V6, &rounds, &expected);
    }
    // A firewall that swallows the port of EPSV, but follows PASV.
    check(
        DataMode::Passive,
        V4,
        &["229 ok (|||9|)", "unreachable", "227 (0,0,0,0,1,2)"],
        &["EPSV", "connect peer 9", "PASV", "connect peer 258"],
    );
    // One that connects and then does not carry anything.
    check(
        DataMode::Passive,
        V4,
        &["229 ok (|||9|)", "failed", "227 (0,0,0,0,1,2)", "ok"],
        &["EPSV", "connect peer 9", "PASV", "connect peer 258", "PASV"],
    );
}

#[test]
fn epsv_in_the_words_of_servers() {
    let connects = |line: &str, expected: &str| {
        check(DataMode::Passive, V4, &[line], &["EPSV", expected]);
    };
    connects(
        "229 Entering Extended Passive Mode (|||65000|)",
        "connect peer 65000",
    );
    // Some answer EPSV as if it were PASV.
    connects(
        "227 Entering Passive Mode (91,190,231,97,1,2).",
        "connect peer 258",
    );
}

#[test]
fn active_names_the_listener() {
    check(
        DataMode::Active,
        V4,
        &["200 ok"],
        &["PORT 127,0,0,1,1,2", "Accept"],
    );
    check(
        DataMode::Active,
        V6,
        &["200 ok"],
        &["EPRT |2|::1|258|", "Accept"],
    );
    check(
        DataMode::Active,
        V4,
        &["502 EPRT only", "200 ok", "ok", "200 ok"],
        &[
            "PORT 127,0,0,1,1,2",
            "EPRT |1|127.0.0.1|258|",
            "Accept",
            "EPRT |1|127.0.0.1|258|",
            "Accept",
        ],
    );
    check(
        DataMode::Active,
        V4,
        &["500 Illegal PORT command", "500 no"],
        &[
            "PORT 127,0,0,1,1,2",
            "EPRT |1|127.0.0.1|258|",
            "no data connection could be agreed on; PORT: 500 Illegal PORT command; EPRT: 500 no",
        ],
    );
    // A server that cannot reach the client is not waited for twice.
    check(
        DataMode::Active,
        V4,
        &["200 ok", "failed"],
        &[
            "PORT 127,0,0,1,1,2",
            "Accept",
            "no data connection could be agreed on; PORT: could not connect",
        ],
    );
}

#[test]
fn dynamic_ends_with_active_and_goes_back() {
    check(
        DataMode::Dynamic,
        V4,
        &[
            "502 no",
            "227 (1,2,3,4,5,6)",
            "unreachable",
            "200 ok",
            "ok",
            "200 ok",
            "failed",
        ],
        &[
            "EPSV",
            "PASV",
            "connect peer 1286",
            "PORT 127,0,0,1,1,2",
            "Accept",
            "PORT 127,0,0,1,1,2",
            "Accept",
            "no data connection could be agreed on; PORT: could not connect",
        ],
    );
}

#[test]
fn what_has_worked_is_doubted_before_it_is_given_up() {
    let mut channels = DataChannels::new(DataMode::Passive, false);
    let rounds = [
        "229 (|||9|)",
        "ok",
        "229 (|||9|)",
        "unreachable",
        "227 (1,2,3,4,0,8)",
        "ok",
    ];
    play(&mut channels, V4, &rounds);
    assert_eq!(channels.works(), Some(DataMethod::Pasv));
    assert_eq!(channels.dead().count(), 0);
    let rounds = ["500 x", "229 (|||9|)", "unreachable"];
    let seen = play(&mut channels, V4, &rounds);
    assert_eq!(seen[..3], ["PASV", "EPSV", "connect peer 9"]);
    assert_eq!(channels.dead().collect::<Vec<_>>(), [DataMethod::Epsv]);
    // A refusal for now changes nothing.
    let mut channels = DataChannels::new(DataMode::Passive, false);
    play(
        &mut channels,
        V4,
        &[
            "229 (|||9|)",
            "ok",
            "425 busy",
            "227 (1,2,3,4,0,8)",
            "failed",
        ],
    );
    assert_eq!(channels.works(), Some(DataMethod::Epsv));
}

#[test]
fn some_refusals_end_it_at_once() {
    check(
        DataMode::Dynamic,
        V4,
        &["530 log in first"],
        &["EPSV", "EPSV was refused: 530 log in first"],
    );
    check(
        DataMode::Dynamic,
        V4,
        &["421 bye"],
        &["EPSV", "the server closes the connection: 421 bye"],
    );
    check(
        DataMode::Passive,
        V6,
        &["229 nothing", "227 nothing"],
        &["EPSV", "PASV", "no address in the reply: 227 nothing"],
    );
}

#[test]
fn nothing_left_is_tried_again_next_time() {
    let mut channels = DataChannels::new(DataMode::Passive, false);
    for _ in 0..2 {
        let seen = play(&mut channels, V4, &["500 x", "500 y"]);
        let end = "no data connection could be agreed on; EPSV: 500 x; PASV: 500 y";
        assert_eq!(seen, ["EPSV", "PASV", end]);
    }
}

#[test]
fn the_advertised_address_is_used_only_if_it_is_wanted() {
    let advertised = || DataChannels::new(DataMode::Passive, false).with_advertised(false);
    let mut channels = advertised();
    let seen = play(&mut channels, V4, &["227 (10,0,0,1,1,2)", "ok"]);
    assert_eq!(seen, ["PASV", "connect 10.0.0.1 258", "PASV"]);
    assert_eq!(channels.advertised_works(), Some(true));

    // vsftpd behind address translation: what it says leads nowhere, the peer does.
    let mut channels = advertised();
    let rounds = [
        "227 (10,0,0,1,1,2)",
        "unreachable",
        "ok",
        "227 (10,0,0,1,1,3)",
    ];
    let seen = play(&mut channels, V4, &rounds);
    assert_eq!(
        seen,
        [
            "PASV",
            "connect 10.0.0.1 258",
            "connect peer 258",
            "PASV",
            "connect peer 259"
        ]
    );
    assert_eq!(channels.advertised_works(), Some(false));

    // Neither does: EPSV is left. A connection that the server did not get is not looked for elsewhere.
    for rounds in [
        &["227 (10,0,0,1,1,2)", "unreachable", "unreachable"][..],
        &["227 (10,0,0,1,1,2)", "failed"],
    ] {
        let mut channels = advertised();
        let seen = play(&mut channels, V4, rounds);
        assert_eq!(seen.last().unwrap(), "EPSV");
        assert_eq!(channels.advertised_works(), None);
    }

    for no_host in ["0,0,0,0", "255,255,255,255", "224,0,0,1"] {
        let line = format!("227 ({no_host},1,2)");
        let seen = play(&mut advertised(), V4, &[&line]);
        assert_eq!(seen, ["PASV", "connect peer 258"]);
    }
    let mut known = DataChannels::new(DataMode::Passive, false).with_advertised(true);
    let seen = play(&mut known, V4, &["500 x", "227 (10,0,0,1,1,2)"]);
    assert_eq!(seen, ["EPSV", "PASV", "connect peer 258"]);
}

#[test]
fn what_an_earlier_session_knew() {
    let channels = |works, dead: &[DataMethod]| {
        DataChannels::new(DataMode::Dynamic, false).with_known(works, dead)
    };
    let mut known = channels(Some(DataMethod::Pasv), &[DataMethod::Epsv]);
    assert_eq!(known.works(), Some(DataMethod::Pasv));
    let seen = play(&mut known, V4, &["500 x", "200 ok"]);
    assert_eq!(seen, ["PASV", "PORT 127,0,0,1,1,2", "Accept"]);
    // What was dead is the last to be tried, and may have come to life.
    let mut all_dead = channels(
        None,
        &[DataMethod::Epsv, DataMethod::Pasv, DataMethod::Port],
    );
    let seen = play(&mut all_dead, V4, &["500 x", "229 (|||9|)", "ok"]);
    assert_eq!(
        seen,
        ["EPRT |1|127.0.0.1|258|", "EPSV", "connect peer 9", "EPSV"]
    );
    assert_eq!(
        all_dead.dead().collect::<Vec<_>>(),
        [DataMethod::Pasv, DataMethod::Port, DataMethod::Eprt]
    );
}

#[test]
fn how_many_ways_are_left() {
    let mut channels = DataChannels::new(DataMode::Dynamic, false).with_advertised(false);
    channels.begin();
    assert_eq!(channels.step(), Step::Send(Command::new("PASV")));
    channels.reply(reply("227 (10,0,0,1,1,2)"));
    assert_eq!(channels.ways_left(), 4, "the peer, EPSV, PORT and EPRT");
    channels.unreachable();
    assert_eq!(channels.ways_left(), 3);
    channels.unreachable();
    assert!(channels.has_more());
    let _ = channels.step();
    assert_eq!(channels.ways_left(), 2);
}
