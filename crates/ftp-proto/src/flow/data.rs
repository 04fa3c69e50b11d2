//! Agreeing on a data connection: EPSV, PASV, EPRT, PORT (RFC 959 §4.1.2, RFC 2428).
//!
//! [`DataChannels`] lives as long as the session, because what a server refused or a firewall
//! swallowed is not tried again before every transfer. EPSV is refused by real servers with almost
//! any code, answered with a PASV reply, or accepted and never reachable; each time PASV is next, over
//! IPv6 too, where servers answer it with an address of zeros and a port that is good. PORT that is
//! refused is followed by EPRT.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::{Flow, FlowError, ListenAddr, Step};
use crate::argument::Argument;
use crate::command::Command;
use crate::parse::{self, PassiveAddress};
use crate::reply::Reply;

/// Which end connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataMode {
    /// The client connects: EPSV, then PASV.
    Passive,
    /// The server connects: EPRT over IPv6; PORT, then EPRT over IPv4.
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
    /// Connect to this port.
    Connect {
        /// The port.
        port: u16,
        /// The address in the reply to PASV, where the user wants it used
        /// ([`DataChannels::with_advertised`]) and it can be one. Otherwise the control connection's
        /// peer is the one to connect to.
        address: Option<IpAddr>,
    },
    /// Accept on the listener that was opened, once the transfer has been asked for.
    Accept,
    /// The connection agreed on may be used now: the server has begun the transfer.
    Ready,
}

/// The ways to a data connection with one server, and what is known about each.
///
/// As a flow it gives [`Step::Listen`] and [`Step::OpenData`] with a plan. Where the caller cannot do it,
/// it says [`unreachable`](Self::unreachable), and the next step is another way. Once the transfer has
/// begun it says [`connected`](Self::connected), or [`failed`](Self::failed) if the server did not get its
/// connection after all. For each transfer call [`begin`](Self::begin) first.
#[derive(Debug)]
pub struct DataChannels {
    ways: Vec<Way>,
    state: State,
    current: usize,
    tried: Vec<(DataMethod, Option<Reply>)>,
    advertised: Advertised,
    /// The port whose advertised address led nowhere, to be tried at the peer.
    peer_instead: bool,
    named_address: Option<IpAddr>,
}

#[derive(Debug)]
struct Way {
    method: DataMethod,
    health: Health,
    /// Already tried for the transfer at hand.
    used: bool,
}

/// What is known of a way, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Works,
    Unknown,
    /// An earlier session found it broken, this one has not tried.
    Suspect,
    Broken,
}

/// What the address in a reply to PASV is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advertised {
    /// Nothing: behind address translation it is wrong, and a hostile server could name a third party's.
    Ignored,
    /// The user wants it used.
    Used,
    /// That, and it has led to the server.
    Works,
    /// That, but it led nowhere, and the peer's address did.
    Dead,
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
        let passive = [DataMethod::Epsv, DataMethod::Pasv];
        let active: &[DataMethod] = if ipv6 {
            &[DataMethod::Eprt]
        } else {
            &[DataMethod::Port, DataMethod::Eprt]
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
            advertised: Advertised::Ignored,
            peer_instead: false,
            named_address: None,
        }
    }

    /// Uses the address in a reply to PASV, which then goes before EPSV, whose reply has none. An address
    /// that leads nowhere is followed by the peer's; `dead` says that this is known already.
    #[must_use]
    pub fn with_advertised(mut self, dead: bool) -> Self {
        self.advertised = if dead {
            Advertised::Dead
        } else {
            self.ways.sort_by_key(|way| way.method != DataMethod::Pasv);
            Advertised::Used
        };
        self
    }

    /// Leaves these ways alone of those that the mode allows. A list that has none of them changes nothing.
    #[must_use]
    pub fn only(mut self, methods: &[DataMethod]) -> Self {
        if self.ways.iter().any(|way| methods.contains(&way.method)) {
            self.ways.retain(|way| methods.contains(&way.method));
        }
        self
    }

    /// Takes over what an earlier session has found out: what worked goes first, what was dead last.
    #[must_use]
    pub fn with_known(mut self, works: Option<DataMethod>, dead: &[DataMethod]) -> Self {
        for way in &mut self.ways {
            if works == Some(way.method) {
                way.health = Health::Works;
            } else if dead.contains(&way.method) {
                way.health = Health::Suspect;
            }
        }
        self
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

    /// The ways that the mode allows.
    pub fn methods(&self) -> impl Iterator<Item = DataMethod> {
        self.ways.iter().map(|way| way.method)
    }

    /// The way that has worked, if one has.
    #[must_use]
    pub fn works(&self) -> Option<DataMethod> {
        let working = self.ways.iter().find(|way| way.health == Health::Works);
        working.map(|way| way.method)
    }

    /// The ways that are known not to work, or were in an earlier session.
    pub fn dead(&self) -> impl Iterator<Item = DataMethod> {
        let dead = self.ways.iter().filter(|way| way.health > Health::Unknown);
        dead.map(|way| way.method)
    }

    /// The address in the last reply to PASV, whether it is used or not.
    #[must_use]
    pub fn named_address(&self) -> Option<IpAddr> {
        self.named_address
    }

    /// Whether the address in a reply to PASV has led to the server; `None` if that was not tried.
    #[must_use]
    pub fn advertised_works(&self) -> Option<bool> {
        match self.advertised {
            Advertised::Ignored | Advertised::Used => None,
            Advertised::Works => Some(true),
            Advertised::Dead => Some(false),
        }
    }

    /// Says where the caller listens, after [`Step::Listen`].
    pub fn listening(&mut self, address: SocketAddr) {
        self.state = State::Listen(address);
    }

    /// Says that the transfer has its data connection.
    pub fn connected(&mut self) {
        let current = self.current;
        self.ways[current].health = Health::Works;
        match (&self.state, self.advertised) {
            (_, Advertised::Used) if self.peer_instead => self.advertised = Advertised::Dead,
            (State::Plan(DataPlan::Connect { address, .. }), Advertised::Used)
                if address.is_some() =>
            {
                self.advertised = Advertised::Works;
            }
            _ => {}
        }
    }

    /// Says that the plan, or [`Step::Listen`], could not be followed; the server has not been asked for
    /// anything yet.
    pub fn unreachable(&mut self) {
        if let State::Plan(DataPlan::Connect {
            port,
            address: Some(_),
        }) = self.state
        {
            self.peer_instead = true;
            self.state = State::Plan(DataPlan::Connect {
                port,
                address: None,
            });
            return;
        }
        self.give_up(None, Health::Broken);
    }

    /// Says that the server, asked for a transfer, did not get its connection.
    pub fn failed(&mut self) {
        let active = |method| matches!(method, DataMethod::Port | DataMethod::Eprt);
        if active(self.method()) {
            // A server that cannot reach the client cannot do so by another command either.
            for way in self.ways.iter_mut().filter(|way| active(way.method)) {
                way.used = true;
            }
        }
        self.give_up(None, Health::Broken);
    }

    /// How many more ways may be tried for the transfer at hand, the current one left out.
    #[must_use]
    pub fn ways_left(&self) -> usize {
        let current = self.current;
        let others = self.ways.iter().enumerate();
        let usable = others.filter(|(index, way)| way.is_usable() && *index != current);
        let peer = matches!(
            self.state,
            State::Plan(DataPlan::Connect {
                address: Some(_),
                ..
            })
        );
        usable.count() + usize::from(peer)
    }

    /// Whether another way is left for the transfer at hand.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.choose().is_some()
    }

    fn choose(&self) -> Option<usize> {
        let ways = self.ways.iter().enumerate();
        let usable = ways.filter(|(_, way)| way.is_usable());
        let best = usable.min_by_key(|(_, way)| way.health);
        best.map(|(index, _)| index)
    }

    fn give_up(&mut self, reply: Option<Reply>, health: Health) {
        let current = self.current;
        let way = &mut self.ways[current];
        way.used = true;
        way.health = match (way.health, health) {
            (Health::Works, Health::Unknown) => Health::Works,
            // What has worked may have failed by chance: it is doubted first, and believed broken the
            // second time.
            (Health::Works, _) => Health::Unknown,
            (known, found) => known.max(found),
        };
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

    fn agreed(&mut self, reply: Reply) {
        let parsed = match self.method() {
            DataMethod::Eprt | DataMethod::Port => {
                self.state = State::Plan(DataPlan::Accept);
                return;
            }
            // Servers have answered EPSV with 227 and an address in the form of PASV.
            DataMethod::Epsv if reply.code() == 227 => parse::pasv(reply.first_text()),
            DataMethod::Epsv => parse::epsv(reply.first_text()),
            DataMethod::Pasv => parse::pasv(reply.first_text()),
        };
        match parsed {
            Ok(PassiveAddress { address, port }) => {
                self.peer_instead = false;
                self.named_address = address.or(self.named_address);
                let address = address.filter(|address| self.is_to_be_used(*address));
                self.state = State::Plan(DataPlan::Connect { port, address });
            }
            Err(error) => {
                self.give_up(Some(reply.clone()), Health::Broken);
                if !self.has_more() {
                    self.state = State::Failed(FlowError::BadAddress { reply, error });
                }
            }
        }
    }

    fn is_to_be_used(&self, address: IpAddr) -> bool {
        let names_a_host = match address {
            // 0.0.0.0 means the address that the client knows already.
            IpAddr::V4(ip) => !(ip.is_unspecified() || ip.is_broadcast() || ip.is_multicast()),
            IpAddr::V6(ip) => !(ip.is_unspecified() || ip.is_multicast()),
        };
        names_a_host && matches!(self.advertised, Advertised::Used | Advertised::Works)
    }
}

impl Way {
    fn is_usable(&self) -> bool {
        !self.used && self.health != Health::Broken
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
            State::Listen(address) => Step::Send(match (self.method(), address.ip()) {
                (DataMethod::Port, IpAddr::V4(ip)) => {
                    Command::with("PORT", port(ip.octets(), address.port()))
                }
                _ => Command::with("EPRT", eprt(address)),
            }),
            State::Awaiting => Step::NeedInput,
            State::Plan(plan) => {
                // It stays until the caller says what came of it.
                self.state = State::Plan(plan);
                Step::OpenData(plan)
            }
            State::Failed(error) => Step::Failed(error),
        }
    }

    fn reply(&mut self, reply: Reply) {
        if reply.is_preliminary() {
            return;
        }
        if reply.is_completion() {
            self.agreed(reply);
        } else {
            self.refused(reply);
        }
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
#[path = "data_tests.rs"]
mod tests;
