//! Agreeing on a data connection: EPSV, PASV, EPRT, PORT (RFC 959 §4.1.2, RFC 2428).
//!
//! [`DataChannels`] lives as long as the session, because what a server refused or a firewall
//! swallowed is not tried again before every transfer. EPSV is refused by real servers with almost
//! any code, answered with a PASV reply, or accepted and never reachable; each time PASV is next.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::{Flow, FlowError, ListenAddr, Step};
use crate::argument::Argument;
use crate::command::Command;
use crate::parse::{self, AddressError, PassiveAddress};
use crate::reply::Reply;

/// Which end connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataMode {
    /// The client connects: EPSV, then PASV.
    Passive,
    /// The server connects: EPRT over IPv6, PORT over IPv4.
    Active,
    /// Passive first, then active.
    Dynamic,
}

/// One way to a data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataMethod {
    /// The client connects to a port the server names (RFC 2428 §3).
    Epsv,
    /// The client connects to an IPv4 address the server names (RFC 959).
    Pasv,
    /// The server connects to an address of either family (RFC 2428 §2).
    Eprt,
    /// The server connects to an IPv4 address (RFC 959).
    Port,
}

impl fmt::Display for DataMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Epsv => "EPSV",
            Self::Pasv => "PASV",
            Self::Eprt => "EPRT",
            Self::Port => "PORT",
        })
    }
}

/// How the caller gets a data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataPlan {
    /// Connect to the control connection's peer at this port; `address` is what the server said,
    /// which is not to be trusted.
    Connect {
        /// The port.
        port: u16,
        /// The address in a PASV reply.
        address: Option<IpAddr>,
    },
    /// Accept on the listener that was opened, once the transfer has been asked for.
    Accept,
    /// The connection agreed on may be used now: the server has begun the transfer.
    Ready,
}

/// The ways to a data connection with one server, and what is known about each.
///
/// As a flow it gives [`Step::OpenData`] with a plan; the caller says [`connected`](Self::connected) or
/// [`failed`](Self::failed), and after the latter the next step is the next way. For each transfer call
/// [`begin`](Self::begin) first.
#[derive(Debug)]
pub struct DataChannels {
    ways: Vec<Way>,
    state: State,
    current: usize,
    tried: Vec<(DataMethod, Option<Reply>)>,
}

#[derive(Debug)]
struct Way {
    method: DataMethod,
    health: Health,
    /// Already tried for the transfer at hand.
    used: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Unknown,
    Works,
    Broken,
}

#[derive(Debug)]
enum State {
    Choose,
    Listening,
    Listen(ListenAddr),
    Awaiting,
    Plan(DataPlan),
    Failed(FlowError),
}

impl DataChannels {
    /// The ways that `mode` allows over a control connection that is IPv6 or not.
    #[must_use]
    pub fn new(mode: DataMode, ipv6: bool) -> Self {
        let passive: &[DataMethod] = if ipv6 {
            &[DataMethod::Epsv]
        } else {
            &[DataMethod::Epsv, DataMethod::Pasv]
        };
        let active: &[DataMethod] = if ipv6 {
            &[DataMethod::Eprt]
        } else {
            &[DataMethod::Port]
        };
        let methods: Vec<&DataMethod> = match mode {
            DataMode::Passive => passive.iter().collect(),
            DataMode::Active => active.iter().collect(),
            DataMode::Dynamic => passive.iter().chain(active).collect(),
        };
        let ways = methods.into_iter().map(|method| Way {
            method: *method,
            health: Health::Unknown,
            used: false,
        });
        Self {
            ways: ways.collect(),
            state: State::Choose,
            current: 0,
            tried: Vec::new(),
        }
    }

    /// Starts anew for another transfer. If nothing is left that is not known as broken, all may be
    /// tried again: the cause may have gone.
    pub fn begin(&mut self) {
        self.state = State::Choose;
        self.tried.clear();
        let all_broken = self.ways.iter().all(|way| way.health == Health::Broken);
        for way in &mut self.ways {
            way.used = false;
            if all_broken {
                way.health = Health::Unknown;
            }
        }
    }

    /// The way that is being tried or was agreed on last.
    #[must_use]
    pub fn method(&self) -> DataMethod {
        self.ways[self.current].method
    }

    /// The way that has worked, if one has.
    #[must_use]
    pub fn works(&self) -> Option<DataMethod> {
        let working = self.ways.iter().find(|way| way.health == Health::Works);
        working.map(|way| way.method)
    }

    /// The ways that the mode allows.
    pub fn methods(&self) -> impl Iterator<Item = DataMethod> {
        self.ways.iter().map(|way| way.method)
    }

    /// The ways that are known not to work.
    pub fn dead(&self) -> impl Iterator<Item = DataMethod> {
        let dead = self.ways.iter().filter(|way| way.health == Health::Broken);
        dead.map(|way| way.method)
    }

    /// Takes over what an earlier session has found out; it is right until this one finds otherwise.
    #[must_use]
    pub fn with_known(mut self, works: Option<DataMethod>, dead: &[DataMethod]) -> Self {
        for way in &mut self.ways {
            if works == Some(way.method) {
                way.health = Health::Works;
            } else if dead.contains(&way.method) {
                way.health = Health::Broken;
            }
        }
        self
    }

    /// Says where the caller listens, after [`Step::Listen`].
    pub fn listening(&mut self, address: SocketAddr) {
        self.state = State::Listen(address);
    }

    /// Says that the data connection is there.
    pub fn connected(&mut self) {
        let current = self.current;
        self.ways[current].health = Health::Works;
    }

    /// Says that the connection agreed on did not come about; the next step is another way.
    pub fn failed(&mut self) {
        self.give_up(None, Health::Broken);
    }

    /// Whether another way is left for the transfer at hand.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.choose().is_some()
    }

    fn choose(&self) -> Option<usize> {
        let usable = |way: &Way| !way.used && way.health != Health::Broken;
        let known = self
            .ways
            .iter()
            .position(|way| usable(way) && way.health == Health::Works);
        known.or_else(|| self.ways.iter().position(usable))
    }

    fn give_up(&mut self, reply: Option<Reply>, health: Health) {
        let current = self.current;
        let way = &mut self.ways[current];
        way.used = true;
        if health == Health::Broken || way.health != Health::Works {
            way.health = health;
        }
        self.tried.push((way.method, reply));
        self.state = State::Choose;
    }

    fn refused(&mut self, reply: Reply) {
        match reply.code() {
            421 | 530 => {
                let verb = self.method().to_string();
                self.state = State::Failed(FlowError::refused(&verb, reply));
            }
            400..=499 => self.give_up(Some(reply), Health::Unknown),
            _ => self.give_up(Some(reply), Health::Broken),
        }
    }

    fn passive_address(&self, reply: &Reply) -> Result<PassiveAddress, AddressError> {
        match self.method() {
            // Servers have answered EPSV with 227 and an address in the form of PASV.
            DataMethod::Epsv if reply.code() == 227 => parse::pasv(reply.first_text()),
            DataMethod::Epsv => parse::epsv(reply.first_text()),
            _ => parse::pasv(reply.first_text()),
        }
    }
}

impl Flow for DataChannels {
    type Output = std::convert::Infallible;

    fn step(&mut self) -> Step<Self::Output> {
        match std::mem::replace(&mut self.state, State::Awaiting) {
            State::Choose => {
                let Some(next) = self.choose() else {
                    return Step::Failed(FlowError::NoDataConnection(std::mem::take(
                        &mut self.tried,
                    )));
                };
                self.current = next;
                match self.ways[next].method {
                    DataMethod::Epsv => Step::Send(Command::new("EPSV")),
                    DataMethod::Pasv => Step::Send(Command::new("PASV")),
                    DataMethod::Eprt | DataMethod::Port => {
                        self.state = State::Listening;
                        Step::Listen
                    }
                }
            }
            State::Listening => {
                self.state = State::Listening;
                Step::Listen
            }
            State::Listen(address) => Step::Send(match self.method() {
                DataMethod::Eprt => Command::with("EPRT", eprt(address)),
                _ => match address.ip() {
                    IpAddr::V4(ip) => Command::with("PORT", port(ip.octets(), address.port())),
                    IpAddr::V6(_) => Command::with("EPRT", eprt(address)),
                },
            }),
            State::Awaiting => Step::NeedInput,
            State::Plan(plan) => Step::OpenData(plan),
            State::Failed(error) => Step::Failed(error),
        }
    }

    fn reply(&mut self, reply: Reply) {
        if reply.is_preliminary() {
            return;
        }
        if !reply.is_completion() {
            return self.refused(reply);
        }
        self.state = match self.method() {
            DataMethod::Eprt | DataMethod::Port => State::Plan(DataPlan::Accept),
            DataMethod::Epsv | DataMethod::Pasv => match self.passive_address(&reply) {
                Ok(PassiveAddress { address, port }) => {
                    State::Plan(DataPlan::Connect { port, address })
                }
                Err(error) => {
                    let last = self.ways.iter().filter(|way| !way.used).count() <= 1;
                    self.give_up(Some(reply.clone()), Health::Broken);
                    if last {
                        State::Failed(FlowError::BadAddress { reply, error })
                    } else {
                        State::Choose
                    }
                }
            },
        };
    }
}

/// `h1,h2,h3,h4,p1,p2` (RFC 959 §5.3.2).
fn port(ip: [u8; 4], port: u16) -> Argument {
    let [a, b, c, d] = ip;
    let [high, low] = port.to_be_bytes();
    Argument::plain(format!("{a},{b},{c},{d},{high},{low}"))
}

/// `|family|address|port|` (RFC 2428 §2).
fn eprt(address: SocketAddr) -> Argument {
    let family = if address.is_ipv6() { 2 } else { 1 };
    Argument::plain(format!("|{family}|{}|{}|", address.ip(), address.port()))
}

#[cfg(test)]
mod tests {
    use super::super::transcript::outcome;
    use super::*;
    use crate::control::Control;
    use crate::limits::Limits;

    /// Plays rounds of (server's reply to the last command, whether the connection then comes about),
    /// and gives what was sent and how each plan looked.
    #[track_caller]
    fn check(mode: DataMode, listen: &str, replies: &[&str], expected: &[&str]) {
        let ipv6 = listen.contains('[');
        let mut channels = DataChannels::new(mode, ipv6);
        channels.begin();
        let mut seen = Vec::new();
        let mut replies = replies.iter();
        let end = loop {
            match channels.step() {
                Step::Send(command) => seen.push(command.to_string()),
                Step::NeedInput => match replies.next() {
                    Some(reply) => {
                        let mut control = Control::new(Limits::default());
                        control.received(format!("{reply}\r\n").as_bytes());
                        channels.reply(control.next_reply().unwrap().unwrap());
                    }
                    None => break None,
                },
                Step::Listen => channels.listening(listen.parse().unwrap()),
                Step::OpenData(DataPlan::Connect { port, address }) => {
                    seen.push(format!("connect {address:?} {port}"));
                    match replies.next() {
                        Some(&"ok") => {
                            channels.connected();
                            channels.begin();
                        }
                        Some(&"unreachable") => channels.failed(),
                        _ => break None,
                    }
                }
                Step::OpenData(plan) => {
                    seen.push(format!("{plan:?}"));
                    break None;
                }
                Step::Failed(error) => break Some(Err::<(), _>(error)),
                step => panic!("{step:?}"),
            }
        };
        if let Some(end) = end {
            seen.push(outcome(&end, |()| String::new()));
        }
        assert_eq!(seen, expected);
    }

    const V4: &str = "127.0.0.1:258";

    #[test]
    fn passive_tries_epsv_then_pasv() {
        check(
            DataMode::Passive,
            V4,
            &["229 ok (|||65000|)"],
            &["EPSV", "connect None 65000"],
        );
        for refusal in [
            "500 what",
            "501 x",
            "502 x",
            "522 x",
            "550 x",
            "229 rubbish",
        ] {
            check(
                DataMode::Passive,
                V4,
                &[refusal, "227 ok 10,0,0,1,1,2.", "ok", "227 (10,0,0,1,1,3)"],
                &[
                    "EPSV",
                    "PASV",
                    "connect Some(10.0.0.1) 258",
                    "PASV",
                    "connect Some(10.0.0.1) 259",
                ],
            );
        }
        check(
            DataMode::Passive,
            V4,
            &["229 ok (|||9|)", "unreachable", "227 (0,0,0,0,1,2)"],
            &[
                "EPSV",
                "connect None 9",
                "PASV",
                "connect Some(0.0.0.0) 258",
            ],
        );
        check(
            DataMode::Passive,
            V4,
            &["227 Entering Passive Mode (91,190,231,97,1,2)."],
            &["EPSV", "connect Some(91.190.231.97) 258"],
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
            "[::1]:258",
            &["200 ok"],
            &["EPRT |2|::1|258|", "Accept"],
        );
        check(
            DataMode::Active,
            V4,
            &["500 illegal"],
            &[
                "PORT 127,0,0,1,1,2",
                "no data connection could be agreed on; PORT: 500 illegal",
            ],
        );
    }

    #[test]
    fn dynamic_ends_with_active() {
        check(
            DataMode::Dynamic,
            V4,
            &["502 no", "227 (1,2,3,4,5,6)", "unreachable", "200 ok"],
            &[
                "EPSV",
                "PASV",
                "connect Some(1.2.3.4) 1286",
                "PORT 127,0,0,1,1,2",
                "Accept",
            ],
        );
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
            DataMode::Passive,
            "[::1]:1",
            &["229 nothing"],
            &["EPSV", "no port in the reply: 229 nothing"],
        );
    }

    #[test]
    fn nothing_left_is_tried_again_next_time() {
        let mut channels = DataChannels::new(DataMode::Passive, false);
        for _ in 0..2 {
            channels.begin();
            assert_eq!(channels.step(), Step::Send(Command::new("EPSV")));
            channels.failed();
            assert_eq!(channels.step(), Step::Send(Command::new("PASV")));
            channels.failed();
            assert!(matches!(
                channels.step(),
                Step::Failed(FlowError::NoDataConnection(tried)) if tried.len() == 2
            ));
        }
    }
}
