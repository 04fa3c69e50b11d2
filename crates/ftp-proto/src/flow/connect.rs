//! From the greeting to a session that is ready: TLS, login, features, transfer type, login folder.
//!
//! Commands are planned in a queue and answered in order: an answer is always matched to the oldest command
//! without one. To a server that is known to bear it they go out in one flight ([`Pipelining`]), even before it has
//! greeted where the caller says so, to others one at a time. AUTH always stands alone, because its answer ends the clear text, and in the clear the
//! password waits for the answer to the name, unless the caller knows better: that answer may be that
//! this server wants TLS first.
//!
//! Order (RFC 4217 §3, §9): AUTH before anything that names a user; USER, PASS, ACCT; then PBSZ 0 and
//! PROT P, which some servers accept only from a user who has logged in; FEAT after login, where its
//! answer is the one that holds; CLNT and OPTS UTF8 ON, where they are announced; TYPE I; PWD. In one flight PWD
//! comes before FEAT, so that what a session is made of has arrived when FEAT has: the answers to OPTS and
//! TYPE are then taken along by what comes next ([`Rest`]); before FEAT goes what the caller asks aside
//! ([`LoginRequest::aside`]). HOST
//! (RFC 7151) goes before USER, but only to a server that an earlier session has heard announce it: asking
//! FEAT for it first would cost every server a round trip. CCC, if it is asked
//! for, comes last and alone: its answer ends TLS.

mod request;
mod rest;

use std::collections::VecDeque;

pub use self::request::{AuthMechanism, LoginRequest, Pipelining, Protection};
pub use self::rest::Rest;
use super::{Flow, FlowError, Step};
use crate::argument::Argument;
use crate::command::Command;
use crate::parse::{self, Features};
use crate::reply::{Reply, ReplyClass};

/// A session that is ready, and what was learnt on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Login {
    /// The server's greeting.
    pub greeting: Reply,
    /// The reply that completed the login.
    pub welcome: Reply,
    /// The word of AUTH that was accepted.
    pub mechanism: Option<AuthMechanism>,
    /// The features after login; empty if the server has no FEAT.
    pub features: Features,
    /// The folder after login, as the server calls it.
    pub folder: Option<Vec<u8>>,
    /// Whether the server is known to have agreed to UTF-8 names.
    pub utf8: bool,
    /// Whether data connections are to be secured.
    pub private_data: bool,
    /// Whether the control connection has gone back to clear text.
    pub cleared: bool,
    /// Whether commands were sent together, and answered each and in order.
    pub pipelined: bool,
    /// The answer to [`LoginRequest::aside`], if that was sent.
    pub aside: Option<Reply>,
    /// What did not go as asked and does not stop the session.
    pub warnings: Vec<LoginWarning>,
    /// The answers that are still to come.
    pub rest: Rest,
}

/// Something refused that a session can do without.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginWarning {
    /// The command that was refused.
    pub command: &'static str,
    /// What the server said.
    pub reply: Reply,
}

/// The conversation that makes a session.
///
/// With [`Protection::Explicit`] one step is [`Step::SecureControl`]: check that nothing came in the
/// clear ([`Control::secure`](crate::Control::secure)), do the handshake, then call
/// [`secured`](Self::secured). With [`Protection::Implicit`] the handshake comes before the flow. At
/// [`Step::ClearControl`] end TLS on both sides, then call [`cleared`](Self::cleared).
#[derive(Debug)]
pub struct Connect {
    request: LoginRequest,
    plan: VecDeque<Task>,
    outstanding: VecDeque<Task>,
    /// Whether several commands may be outstanding.
    pipelined: bool,
    /// Whether the greeting is of a server that answers each command and in order.
    reliable: bool,
    /// Whether a refused password is answered after all that was sent with it.
    refuses_late: bool,
    /// Whether what follows the login is planned.
    set_up: bool,
    /// Whether the client has told its name (CLNT).
    introduced: bool,
    state: State,
    greeting: Option<Reply>,
    welcome: Option<Reply>,
    mechanism: Option<AuthMechanism>,
    features: Features,
    folder: Option<Vec<u8>>,
    utf8: bool,
    private_data: bool,
    clearing: Clearing,
    aside: Option<Reply>,
    warnings: Vec<LoginWarning>,
}

#[derive(Debug)]
enum State {
    Greeting,
    Commands,
    Secure,
    Securing,
    Failed(FlowError),
}

/// How far CCC is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clearing {
    /// Not asked for, or refused.
    No,
    Wanted,
    Asked,
    Agreed,
    Underway,
    Done,
}

/// A command of this conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Auth(AuthMechanism),
    Host,
    User,
    Pass,
    Acct,
    Pbsz,
    Prot,
    Feat,
    Clnt,
    Utf8,
    TypeImage,
    Pwd,
    Ccc,
    /// What is none of the login's.
    Aside,
    /// Sent for nothing: what came before it in its flight went another way.
    Void,
}

impl Connect {
    /// A conversation that begins with the server's greeting.
    #[must_use]
    pub fn new(request: LoginRequest) -> Self {
        let secured = request.protection != Protection::Clear;
        let at_once = request.pipelining == Pipelining::AtOnce;
        let mut flow = Self {
            private_data: secured,
            clearing: match secured && request.clear_command_channel {
                true => Clearing::Wanted,
                false => Clearing::No,
            },
            request,
            plan: VecDeque::new(),
            outstanding: VecDeque::new(),
            pipelined: at_once,
            reliable: false,
            refuses_late: false,
            set_up: false,
            introduced: false,
            state: State::Greeting,
            greeting: None,
            welcome: None,
            mechanism: None,
            features: Features::default(),
            folder: None,
            utf8: false,
            aside: None,
            warnings: Vec::new(),
        };
        if at_once {
            flow.plan_begin();
        }
        flow
    }

    /// Says that the TLS handshake of [`Step::SecureControl`] is done.
    pub fn secured(&mut self) {
        if matches!(self.state, State::Securing) {
            self.state = State::Commands;
            self.plan_login();
        }
    }

    /// Says that TLS has ended on the control connection, after [`Step::ClearControl`].
    pub fn cleared(&mut self) {
        if self.clearing == Clearing::Underway {
            self.clearing = Clearing::Done;
        }
    }

    /// Whether the login is complete, so that what remains is setting up.
    #[must_use]
    pub fn is_logged_in(&self) -> bool {
        self.welcome.is_some()
    }

    /// How many commands have no answer yet.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.outstanding.len()
    }

    /// The greeting, once it has come.
    #[must_use]
    pub fn greeting(&self) -> Option<&Reply> {
        self.greeting.as_ref()
    }

    fn plan_begin(&mut self) {
        match self.request.protection {
            Protection::Explicit => self.plan.push_back(Task::Auth(AuthMechanism::Tls)),
            Protection::Clear | Protection::Implicit => self.plan_login(),
        }
    }

    fn plan_login(&mut self) {
        if self.request.host.is_some() {
            self.plan.push_back(Task::Host);
        }
        self.plan.push_back(Task::User);
        let at_once = self.request.protection != Protection::Clear || self.request.password_at_once;
        if self.pipelined && at_once {
            self.plan.push_back(Task::Pass);
            self.plan_set_up();
        }
    }

    fn plan_set_up(&mut self) {
        self.set_up = true;
        if self.request.protection != Protection::Clear {
            self.private_data = !self.request.clear_data;
            self.plan.extend([Task::Pbsz, Task::Prot]);
        }
        if !self.pipelined {
            self.plan.extend([Task::Feat, Task::TypeImage, Task::Pwd]);
            return;
        }
        self.plan.push_back(Task::Pwd);
        // Before the many lines of FEAT.
        if self.request.aside.is_some() {
            self.plan.push_back(Task::Aside);
        }
        self.plan.push_back(Task::Feat);
        // Without knowing whether it is announced: where it is not, it does not matter what is said to it.
        if self.request.utf8 {
            self.plan.push_back(Task::Utf8);
        }
        self.plan.push_back(Task::TypeImage);
    }

    /// Whether all that a session is made of is there, and what is outstanding may come with the next answers.
    fn may_begin(&self) -> bool {
        let mut outstanding = self.outstanding.iter();
        self.reliable
            && self.pipelined
            && self.welcome.is_some()
            && self.clearing == Clearing::No
            && outstanding.all(|task| matches!(task, Task::Utf8 | Task::TypeImage))
            && !self.features.has("CLNT")
    }

    /// The login takes another way than the commands under way suppose.
    fn detour(&mut self) {
        self.outstanding
            .iter_mut()
            .for_each(|task| *task = Task::Void);
        self.set_up = false;
    }

    fn send(&mut self, task: Task) -> Step<Login> {
        self.outstanding.push_back(task);
        Step::Send(self.command(task))
    }

    fn command(&self, task: Task) -> Command {
        match task {
            Task::Auth(AuthMechanism::Tls) => Command::with("AUTH", Argument::plain("TLS")),
            Task::Auth(AuthMechanism::Ssl) => Command::with("AUTH", Argument::plain("SSL")),
            Task::User => Command::with("USER", self.request.username.clone()),
            Task::Pass => Command::with("PASS", self.request.password.clone()),
            Task::Acct => Command::with("ACCT", self.request.account.clone().unwrap_or_default()),
            Task::Pbsz => Command::with("PBSZ", Argument::plain("0")),
            Task::Prot if self.private_data => Command::with("PROT", Argument::plain("P")),
            Task::Prot => Command::with("PROT", Argument::plain("C")),
            Task::Host => Command::with("HOST", self.request.host.clone().unwrap_or_default()),
            Task::Feat => Command::new("FEAT"),
            Task::Clnt => Command::with("CLNT", Argument::plain("ftp-connect")),
            Task::Utf8 => Command::with("OPTS", Argument::plain("UTF8 ON")),
            Task::TypeImage => Command::with("TYPE", Argument::plain("I")),
            Task::Pwd => Command::new("PWD"),
            Task::Ccc => Command::new("CCC"),
            Task::Aside => self
                .request
                .aside
                .clone()
                .unwrap_or_else(|| Command::new("NOOP")),
            Task::Void => Command::new("NOOP"),
        }
    }

    fn greeted(&mut self, reply: Reply) {
        match (reply.class(), reply.code()) {
            // 120: ready in some minutes; the caller's deadline decides how long that may be.
            (ReplyClass::Preliminary, _) => {}
            (ReplyClass::Completion, _) => {
                self.reliable = bears_pipelining(&reply);
                self.refuses_late = reply.mentions("pyftpdlib");
                self.greeting = Some(reply);
                self.state = State::Commands;
                self.pipelined = match self.request.pipelining {
                    Pipelining::Off => false,
                    Pipelining::Auto => self.reliable,
                    Pipelining::On => true,
                    Pipelining::AtOnce => return,
                };
                self.plan_begin();
            }
            _ => self.state = State::Failed(turned_away("greeting", reply)),
        }
    }

    fn answered(&mut self, task: Task, reply: Reply) {
        if reply.code() == 421 {
            self.state = State::Failed(self.closing(task, reply));
            return;
        }
        match task {
            Task::Auth(mechanism) => self.auth_answered(mechanism, reply),
            Task::User | Task::Pass | Task::Acct => self.login_answered(task, reply),
            Task::Ccc if reply.is_completion() => self.clearing = Clearing::Agreed,
            // More protection than was asked for: the session goes on as it is.
            Task::Ccc => {
                self.clearing = Clearing::No;
                self.warn("CCC", reply);
            }
            Task::Prot if !self.private_data && !reply.is_completion() => {
                self.private_data = true;
                self.warn("PROT C", reply);
                self.plan.push_front(Task::Prot);
            }
            Task::Pbsz | Task::Prot if !reply.is_completion() => {
                // Implicit TLS protects data connections even without a word of PROT.
                if self.request.protection == Protection::Implicit && is_unknown_command(&reply) {
                    self.warn(if task == Task::Pbsz { "PBSZ" } else { "PROT" }, reply);
                } else if task == Task::Prot {
                    self.state = State::Failed(FlowError::ProtectionRefused(reply));
                } else {
                    // Without an accepted PBSZ the answer to PROT decides.
                    self.warn("PBSZ", reply);
                }
            }
            Task::Pbsz | Task::Prot => {}
            Task::Feat if reply.is_completion() => {
                self.features = Features::from_reply(&reply);
                if self.pipelined {
                    return;
                }
                if self.request.utf8 && self.features.has("UTF8") {
                    self.plan.push_front(Task::Utf8);
                }
                // Some servers speak UTF-8 only with a client that they know.
                if self.features.has("CLNT") {
                    self.plan.push_front(Task::Clnt);
                }
            }
            Task::Feat => self.warn("FEAT", reply),
            Task::Clnt if reply.is_completion() => {}
            Task::Clnt => self.warn("CLNT", reply),
            Task::Host if reply.is_completion() => {}
            // 504: no such host. The server goes on with the one that it serves to whoever names none.
            Task::Host => self.warn("HOST", reply),
            Task::Utf8 if reply.is_completion() => self.utf8 = true,
            Task::Utf8 if !self.features.has("UTF8") => {}
            Task::Utf8 if self.pipelined && !self.introduced && self.features.has("CLNT") => {
                self.introduced = true;
                self.plan.extend([Task::Clnt, Task::Utf8]);
            }
            // UTF8 in FEAT says that it is on already where OPTS is not known (RFC 2640 §3.2).
            Task::Utf8 => {
                self.utf8 = true;
                self.warn("OPTS", reply);
            }
            Task::TypeImage if reply.is_completion() => {}
            Task::TypeImage => self.state = State::Failed(FlowError::refused("TYPE", reply)),
            Task::Pwd => {
                self.folder = reply
                    .is_completion()
                    .then(|| parse::quoted_path(reply.first_text()))
                    .flatten();
                if self.folder.is_none() {
                    self.warn("PWD", reply);
                }
            }
            Task::Aside => self.aside = Some(reply),
            Task::Void => {}
        }
    }

    fn auth_answered(&mut self, mechanism: AuthMechanism, reply: Reply) {
        // 234 is the code of RFC 4217, 334 one of RFC 2228 for mechanisms that exchange data first,
        // which TLS does not: only 2yz allows the handshake.
        if reply.is_completion() {
            self.mechanism = Some(mechanism);
            self.state = State::Secure;
        } else if mechanism == AuthMechanism::Tls {
            self.plan.push_back(Task::Auth(AuthMechanism::Ssl));
        } else {
            self.state = State::Failed(FlowError::TlsNotOffered(reply));
        }
    }

    fn login_answered(&mut self, task: Task, reply: Reply) {
        match (reply.class(), task) {
            // The name was enough; whatever is said to the password that went with it.
            _ if self.welcome.is_some() => {}
            (ReplyClass::Completion, _) => {
                self.welcome = Some(reply);
                if !self.set_up {
                    self.plan_set_up();
                }
            }
            (ReplyClass::Intermediate, Task::User) if reply.code() != 332 => {
                if !self.outstanding.contains(&Task::Pass) {
                    self.plan.push_back(Task::Pass);
                    if self.pipelined {
                        self.plan_set_up();
                    }
                }
            }
            (ReplyClass::Intermediate, Task::User | Task::Pass) => {
                if self.request.account.is_some() {
                    self.detour();
                    self.plan.push_back(Task::Acct);
                } else {
                    self.state = State::Failed(FlowError::AccountRequired(reply));
                }
            }
            _ => {
                self.state = State::Failed(if self.wants_tls(&reply) {
                    FlowError::TlsRequired(reply)
                } else if is_too_many(&reply) {
                    FlowError::TooManyConnections(reply)
                } else if reply.class() == ReplyClass::Transient && reply.code() != 430 {
                    // Not this user's fault, and perhaps over soon. 430 is a wrong user or password.
                    FlowError::refused(&self.command(task).verb(), reply)
                } else {
                    FlowError::LoginRefused(reply)
                });
            }
        }
    }

    fn closing(&self, task: Task, reply: Reply) -> FlowError {
        let logging_in = matches!(task, Task::User | Task::Pass | Task::Acct);
        if logging_in && self.wants_tls(&reply) {
            FlowError::TlsRequired(reply)
        } else {
            turned_away("login", reply)
        }
    }

    /// Whether a refused login in the clear was refused for being in the clear. Codes differ (421,
    /// 503, 530, 534, 550), so the words decide.
    fn wants_tls(&self, reply: &Reply) -> bool {
        self.request.protection == Protection::Clear
            && [
                "TLS",
                "SSL",
                "encrypt",
                "AUTH ",
                "secure conn",
                "cleartext",
                "clear text",
            ]
            .iter()
            .any(|word| reply.mentions(word))
    }

    fn warn(&mut self, command: &'static str, reply: Reply) {
        self.warnings.push(LoginWarning { command, reply });
    }

    fn finish(&mut self) -> Step<Login> {
        match (self.greeting.take(), self.welcome.take()) {
            (Some(greeting), Some(welcome)) => Step::Done(Login {
                greeting,
                welcome,
                mechanism: self.mechanism,
                features: std::mem::take(&mut self.features),
                folder: self.folder.take(),
                utf8: self.utf8,
                private_data: self.private_data,
                cleared: self.clearing == Clearing::Done,
                pipelined: self.pipelined,
                warnings: std::mem::take(&mut self.warnings),
                aside: self.aside.take(),
                rest: Rest::new(std::mem::take(&mut self.outstanding)),
            }),
            _ => Step::NeedInput,
        }
    }
}

impl Flow for Connect {
    type Output = Login;

    fn step(&mut self) -> Step<Login> {
        match std::mem::replace(&mut self.state, State::Commands) {
            State::Failed(error) => return Step::Failed(error),
            State::Secure => {
                self.state = State::Securing;
                return Step::SecureControl;
            }
            State::Securing => {
                self.state = State::Securing;
                return Step::NeedInput;
            }
            State::Greeting => {
                self.state = State::Greeting;
                return match self.plan.pop_front() {
                    Some(task) => self.send(task),
                    None => Step::NeedInput,
                };
            }
            State::Commands => {}
        }
        if (self.pipelined || self.outstanding.is_empty())
            && let Some(task) = self.plan.pop_front()
        {
            return self.send(task);
        }
        if !self.outstanding.is_empty() {
            return match self.may_begin() {
                true => self.finish(),
                false => Step::NeedInput,
            };
        }
        match self.clearing {
            Clearing::Wanted => {
                self.clearing = Clearing::Asked;
                self.send(Task::Ccc)
            }
            Clearing::Agreed => {
                self.clearing = Clearing::Underway;
                Step::ClearControl
            }
            Clearing::Asked | Clearing::Underway => Step::NeedInput,
            Clearing::No | Clearing::Done => self.finish(),
        }
    }

    fn reply(&mut self, reply: Reply) {
        if matches!(self.state, State::Greeting) {
            return self.greeted(reply);
        }
        if reply.is_preliminary() {
            return;
        }
        let Some(task) = self.outstanding.pop_front() else {
            return;
        };
        let of_pass = matches!(reply.code(), 230 | 332 | 421);
        if task == Task::Pass && self.refuses_late && !of_pass && !self.outstanding.is_empty() {
            // The answer to the next command: that to the password comes last, and so what else is said is void.
            self.outstanding.pop_front();
            self.detour();
            self.outstanding.push_back(Task::Pass);
        } else {
            self.answered(task, reply);
        }
    }
}

/// The cause of being turned away before logging in.
fn turned_away(at: &str, reply: Reply) -> FlowError {
    if is_too_many(&reply) {
        FlowError::TooManyConnections(reply)
    } else if reply.is_negative() {
        FlowError::Closing(reply)
    } else {
        FlowError::refused(at, reply)
    }
}

/// Whether the server turns away whom it would serve at another time: all its places are taken, or all
/// that this user or address may have. A refused login can have nearly the same words, so for that they
/// must be plain.
fn is_too_many(reply: &Reply) -> bool {
    let said = |words: &[&str]| words.iter().any(|word| reply.mentions(word));
    let plain = said(&[
        "too many",
        "maximum",
        "max ",
        "max.",
        "limit reached",
        "limit exceeded",
        "exceeded",
        "connection limit",
        "connections allowed",
    ]);
    plain || (reply.class() == ReplyClass::Transient && said(&["limit", "connections"]))
}

/// Whether the server's greeting is of one that answers commands sent together each and in order: tried with
/// vsftpd 3.0.3, ProFTPD 1.3.8, Pure-FTPd 1.0.50 and pyftpdlib 2.2.0. The last makes an exception of a refused
/// password, which it answers three seconds later, and what came with it meanwhile.
fn bears_pipelining(greeting: &Reply) -> bool {
    ["vsFTPd", "ProFTPD", "Pure-FTPd", "pyftpdlib"]
        .iter()
        .any(|name| greeting.mentions(name))
}

fn is_unknown_command(reply: &Reply) -> bool {
    matches!(reply.code(), 500 | 502 | 503 | 504)
}

#[cfg(test)]
#[path = "connect_tests.rs"]
mod tests;
