//! From replies, flow errors and IO errors to the error that a caller sees.
//!
//! What a negative reply means is in one [`table`]. What neither its code nor its words tell is
//! [`ErrorKind::Refused`], which the session may look into further.

mod table;

use std::time::Duration;

use ftp_connect_core::{Error, ErrorKind, ServerReply};
use ftp_connect_ftp_proto::flow::FlowError;
use ftp_connect_ftp_proto::{Reply, ReplyError};

/// The error for a negative reply to a command on a file or folder.
pub(crate) fn from_reply(reply: &Reply) -> Error {
    let (kind, retry) = table::judge(reply);
    Error::new(kind)
        .with_retry(retry)
        .with_reply(server_reply(reply))
}

/// The error for a flow that failed.
pub(crate) fn from_flow(error: FlowError) -> Error {
    let kind = match &error {
        FlowError::Refused { reply, .. } => return from_reply(reply),
        FlowError::Closing(_) => ErrorKind::Closed,
        FlowError::TooManyConnections(_) => ErrorKind::TooManyConnections,
        FlowError::TlsNotOffered(_) | FlowError::ProtectionRefused(_) => ErrorKind::TlsNotOffered,
        FlowError::TlsRequired(_) => ErrorKind::TlsRequired,
        FlowError::LoginRefused(_) | FlowError::AccountRequired(_) => ErrorKind::LoginRefused,
        FlowError::NoDataConnection(_) => ErrorKind::DataConnectionFailed,
        _ => ErrorKind::Protocol,
    };
    let made = Error::new(kind);
    let made = match &error {
        FlowError::ProtectionRefused(_) => {
            made.with_message("the server does not protect data connections")
        }
        FlowError::AccountRequired(_) => made
            .with_message("the server wants an account")
            .with_hint("give it by --account-file, FTP_CONNECT_ACCOUNT or the parameter Account"),
        FlowError::NoDataConnection(_) | FlowError::BadAddress { .. } => {
            return made.with_message(error.to_string());
        }
        FlowError::Unexpected { verb, .. } => {
            made.with_message(format!("unexpected answer to {verb}"))
        }
        _ => made,
    };
    match error.reply() {
        Some(reply) => made.with_reply(server_reply(reply)),
        None => made,
    }
}

/// The error for bytes that are no replies.
pub(crate) fn from_reply_error(error: ReplyError) -> Error {
    let kind = match error {
        ReplyError::Tls => ErrorKind::TlsOnPlaintextPort,
        ReplyError::NotAReply(_) => ErrorKind::Protocol,
        _ => ErrorKind::LimitExceeded,
    };
    let message = error.to_string();
    Error::new(kind).with_message(message).with_source(error)
}

/// The error for a connection that broke.
pub(crate) fn from_io(what: &str, error: std::io::Error) -> Error {
    let cause = error.to_string();
    let made = Error::from(error);
    match made.kind() {
        ErrorKind::Closed | ErrorKind::TimedOut | ErrorKind::Io => {
            made.with_message(format!("{what}: {cause}"))
        }
        _ => made,
    }
}

pub(crate) fn timed_out(what: &str, limit: Duration) -> Error {
    let seconds = limit.as_secs_f32();
    Error::new(ErrorKind::TimedOut).with_message(format!("{what} took more than {seconds} s"))
}

pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Closed)
}

pub(crate) fn protocol(message: &str) -> Error {
    Error::new(ErrorKind::Protocol).with_message(message)
}

pub(crate) fn not_whole(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::TransferNotWhole).with_message(message)
}

pub(crate) fn server_reply(reply: &Reply) -> ServerReply {
    ServerReply {
        code: reply.code().into(),
        text: reply.text(),
    }
}
