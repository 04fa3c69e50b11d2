//! Conversations as state machines.
//!
//! A flow is asked for its next [`Step`] and told each reply. It never reads or writes; the caller
//! moves bytes through [`Control`](crate::Control), opens and closes data connections and does the
//! TLS handshake, and no state of the conversation lives anywhere but in the flow. A caller that
//! gathers [`Step::Send`] until another step comes writes one flight with one write; how many
//! commands a flow has outstanding at once is the flow's choice, and replies are matched to them in
//! order.

mod connect;
mod data;
mod exchange;
mod flight;
mod rename;
mod transfer;

#[cfg(test)]
mod server_tests;
#[cfg(test)]
mod transcript;

use std::fmt;
use std::net::SocketAddr;

pub use connect::{
    AuthMechanism, Connect, Login, LoginRequest, LoginWarning, Pipelining, Protection, Rest,
};
pub use data::{DataChannels, DataMethod, DataMode, DataPlan};
pub use exchange::{Exchange, Wanted};
pub use flight::Flight;
pub use rename::Rename;
pub use transfer::{DataEnd, Transfer, TransferEnd};

use crate::command::Command;
use crate::parse::AddressError;
use crate::reply::Reply;

/// A conversation about one thing.
pub trait Flow {
    /// What the conversation results in.
    type Output;

    /// What is to be done now. To be called again after each step was done.
    ///
    /// After [`Step::Done`] or [`Step::Failed`] a flow is spent.
    fn step(&mut self) -> Step<Self::Output>;

    /// Takes the next reply of the control connection.
    fn reply(&mut self, reply: Reply);
}

/// What a flow wants done.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step<T> {
    /// Send this command; ask for the next step before flushing.
    Send(Command),
    /// Flush what was sent, read, and hand over the next reply.
    NeedInput,
    /// Do the TLS handshake on the control connection, then call the flow's `secured`.
    SecureControl,
    /// End TLS on the control connection and go on in the clear, then call the flow's `cleared`.
    ClearControl,
    /// Listen for the server's data connection and tell the flow the address.
    Listen,
    /// Open, accept or handshake the data connection, as the flow documents.
    OpenData(DataPlan),
    /// The conversation is over.
    Done(T),
    /// The conversation cannot go on.
    Failed(FlowError),
}

/// Why a conversation cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlowError {
    /// The server refused a command.
    Refused {
        /// The command's verb.
        verb: String,
        /// What the server said.
        reply: Reply,
    },
    /// The server answered with a reply that has no meaning at this point.
    Unexpected {
        /// The command's verb, or `greeting`.
        verb: String,
        /// What the server said.
        reply: Reply,
    },
    /// The server closes the connection, or turned it away at the greeting.
    Closing(Reply),
    /// The server has too many connections, or too many of this user.
    TooManyConnections(Reply),
    /// Neither AUTH TLS nor AUTH SSL is accepted.
    TlsNotOffered(Reply),
    /// The server wants TLS before it lets this user log in.
    TlsRequired(Reply),
    /// The server does not accept private data connections.
    ProtectionRefused(Reply),
    /// User name, password or account were refused.
    LoginRefused(Reply),
    /// The server wants an account (RFC 959 ACCT) and none was given.
    AccountRequired(Reply),
    /// The reply to PASV or EPSV has no address in it.
    BadAddress {
        /// What the server said.
        reply: Reply,
        /// What is wrong with it.
        error: AddressError,
    },
    /// No way to a data connection is left. Holds what was tried and the reply, if one came.
    NoDataConnection(Vec<(DataMethod, Option<Reply>)>),
}

impl FlowError {
    /// The server's reply that is the cause.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Refused { reply, .. }
            | Self::Unexpected { reply, .. }
            | Self::BadAddress { reply, .. }
            | Self::Closing(reply)
            | Self::TooManyConnections(reply)
            | Self::TlsNotOffered(reply)
            | Self::TlsRequired(reply)
            | Self::ProtectionRefused(reply)
            | Self::LoginRefused(reply)
            | Self::AccountRequired(reply) => Some(reply),
            Self::NoDataConnection(tried) => {
                tried.iter().rev().find_map(|(_, reply)| reply.as_ref())
            }
        }
    }

    /// The cause for a negative `reply` to `command`, where nothing more is known about it.
    pub(crate) fn refused(verb: &str, reply: Reply) -> Self {
        if reply.code() == 421 {
            Self::Closing(reply)
        } else if reply.is_negative() {
            Self::Refused {
                verb: verb.to_owned(),
                reply,
            }
        } else {
            Self::Unexpected {
                verb: verb.to_owned(),
                reply,
            }
        }
    }
}

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { verb, reply } => write!(f, "{verb} was refused: {reply}"),
            Self::Unexpected { verb, reply } => write!(f, "unexpected answer to {verb}: {reply}"),
            Self::Closing(reply) => write!(f, "the server closes the connection: {reply}"),
            Self::TooManyConnections(reply) => write!(f, "too many connections: {reply}"),
            Self::TlsNotOffered(reply) => write!(f, "the server does not offer TLS: {reply}"),
            Self::TlsRequired(reply) => write!(f, "the server requires TLS: {reply}"),
            Self::ProtectionRefused(reply) => {
                write!(f, "the server does not protect data connections: {reply}")
            }
            Self::LoginRefused(reply) => write!(f, "the login was refused: {reply}"),
            Self::AccountRequired(reply) => write!(f, "the server wants an account: {reply}"),
            Self::BadAddress { reply, error } => write!(f, "{error}: {reply}"),
            Self::NoDataConnection(tried) => {
                f.write_str("no data connection could be agreed on")?;
                for (method, reply) in tried {
                    match reply {
                        Some(reply) => write!(f, "; {method}: {reply}")?,
                        None => write!(f, "; {method}: could not connect")?,
                    }
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for FlowError {}

/// What every flow that listens must be told.
pub(crate) type ListenAddr = SocketAddr;
