//! What a login is asked to be.

use std::fmt;

use crate::argument::Argument;
use crate::command::Command;

/// How the control connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protection {
    /// Not at all.
    Clear,
    /// By AUTH (RFC 4217), or not at all: there is no falling back to clear text.
    Explicit,
    /// From the first byte; the handshake was done before the flow starts.
    Implicit,
}

/// Which word of AUTH the server accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthMechanism {
    /// AUTH TLS (RFC 4217).
    Tls,
    /// AUTH SSL, from the drafts before it.
    Ssl,
}

/// Whether commands are sent without waiting for the answers to those before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Pipelining {
    /// Never.
    Off,
    /// To servers whose greeting tells that they bear it.
    #[default]
    Auto,
    /// Always.
    On,
    /// Always, and before the greeting has come: to a server that an earlier session knows.
    AtOnce,
}

/// What is needed to log in. `Debug` shows neither password nor account.
#[derive(Clone)]
#[non_exhaustive]
pub struct LoginRequest {
    /// How the control connection is protected.
    pub protection: Protection,
    /// The user's name.
    pub username: Argument,
    /// The password; sent only if the server asks for one.
    pub password: Argument,
    /// The account (RFC 959 ACCT); sent only if the server asks for one.
    pub account: Option<Argument>,
    /// The name of a virtual host, for a server that is known to have HOST (RFC 7151).
    pub host: Option<Argument>,
    /// Whether to ask for UTF-8 names where the server has that feature. On by default.
    pub utf8: bool,
    /// What is asked along with the rest, where commands are sent together, and is none of the login's.
    pub aside: Option<Command>,
    /// Whether to leave data connections in the clear (PROT C).
    pub clear_data: bool,
    /// Whether to leave TLS on the control connection after logging in (CCC).
    pub clear_command_channel: bool,
    /// Whether commands are sent together.
    pub pipelining: Pipelining,
    /// Whether the password may go along with the name in the clear; in TLS it always may.
    pub password_at_once: bool,
}

impl LoginRequest {
    /// A login with a name and a password.
    #[must_use]
    pub fn new(protection: Protection, username: Argument, password: Argument) -> Self {
        Self {
            protection,
            username,
            password,
            account: None,
            host: None,
            utf8: true,
            aside: None,
            clear_data: false,
            clear_command_channel: false,
            pipelining: Pipelining::default(),
            password_at_once: false,
        }
    }

    /// Adds an account.
    #[must_use]
    pub fn with_account(mut self, account: Argument) -> Self {
        self.account = Some(account);
        self
    }

    /// Names the virtual host.
    #[must_use]
    pub fn with_host(mut self, host: Argument) -> Self {
        self.host = Some(host);
        self
    }

    /// Sets whether UTF-8 is asked for.
    #[must_use]
    pub fn with_utf8(mut self, utf8: bool) -> Self {
        self.utf8 = utf8;
        self
    }

    /// Sets what is asked along with the rest.
    #[must_use]
    pub fn with_aside(mut self, command: Option<Command>) -> Self {
        self.aside = command;
        self
    }

    /// Sets whether data connections are left in the clear.
    #[must_use]
    pub fn with_clear_data(mut self, clear: bool) -> Self {
        self.clear_data = clear;
        self
    }

    /// Sets whether TLS is left on the control connection after logging in.
    #[must_use]
    pub fn with_clear_command_channel(mut self, clear: bool) -> Self {
        self.clear_command_channel = clear;
        self
    }

    /// Sets whether commands are sent together.
    #[must_use]
    pub fn with_pipelining(mut self, pipelining: Pipelining) -> Self {
        self.pipelining = pipelining;
        self
    }

    /// Sets whether the password may go along with the name in the clear.
    #[must_use]
    pub fn with_password_at_once(mut self, at_once: bool) -> Self {
        self.password_at_once = at_once;
        self
    }
}

impl fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRequest")
            .field("protection", &self.protection)
            .field("username", &self.username)
            .field("utf8", &self.utf8)
            .finish_non_exhaustive()
    }
}
