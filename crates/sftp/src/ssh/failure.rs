//! The SSH library's errors, told as ours.

use ftp_connect_core::{ConnectParams, Error, ErrorKind, Operation, Retry};
use russh::AlgorithmKind;

use super::{
    algorithms,
    wire::{NotSsh, Opening},
};

/// What ends an SSH connection: the library's reason, or ours.
#[derive(Debug)]
pub(super) enum Failure {
    Ssh(russh::Error),
    Ours(Error),
    /// The host key was all that was wanted.
    Enough,
}

impl From<russh::Error> for Failure {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

/// A failure before the connection stood.
pub(super) fn handshake(
    failure: Failure,
    opening: &Opening,
    goodbye: Option<String>,
    params: &ConnectParams,
) -> Error {
    let error = match failure {
        Failure::Ours(error) => return error.with_operation(Operation::Connect),
        Failure::Enough => russh::Error::Disconnect,
        Failure::Ssh(error) => error,
    };
    let error = match (opening.not_ssh(), goodbye) {
        (Some(what), _) => not_ssh(&what, params).with_source(error),
        (None, Some(goodbye)) => {
            Error::new(ErrorKind::Closed).with_message(format!("the server hung up: {goodbye}"))
        }
        (None, None) => translate(error),
    };
    error.with_operation(Operation::Connect)
}

/// A failure of a connection that stood.
pub(super) fn translate(error: russh::Error) -> Error {
    use russh::Error as Ssh;
    let kind = match error {
        Ssh::IO(error) => return error.into(),
        Ssh::NoCommonAlgo { kind, ours, theirs } => return no_common(&kind, &ours, &theirs),
        Ssh::Disconnect | Ssh::HUP | Ssh::SendError | Ssh::RecvError => ErrorKind::Closed,
        Ssh::ConnectionTimeout
        | Ssh::KeepaliveTimeout
        | Ssh::InactivityTimeout
        | Ssh::Elapsed(_) => ErrorKind::TimedOut,
        _ => ErrorKind::Protocol,
    };
    let message = match &error {
        Ssh::KeepaliveTimeout => "the server no longer answers".to_owned(),
        Ssh::WrongServerSig => "the server's signature does not fit its host key".to_owned(),
        _ if kind == ErrorKind::Closed => "the server closed the connection".to_owned(),
        other => format!("SSH: {other}"),
    };
    Error::new(kind).with_message(message).with_source(error)
}

/// The server answered, in whatever language, but did not greet as SSH 2 in time or at all.
pub(super) fn not_ssh(what: &NotSsh, params: &ConnectParams) -> Error {
    let (host, port) = (params.server(), params.port());
    let error = Error::new(ErrorKind::Protocol).with_retry(Retry::Never);
    match what {
        NotSsh::Nothing => Error::new(ErrorKind::Closed)
            .with_message(format!(
                "{host} port {port} closed the connection without a greeting"
            ))
            .with_hint(
                "the server may have too many connections, or refuse this address; check the port",
            ),
        NotSsh::Tls => error
            .with_message(format!("{host} port {port} speaks TLS, not SSH"))
            .with_hint("this looks like an FTPS or HTTPS port: check port and encryption"),
        NotSsh::OldSsh(line) => error
            .with_message(format!("the server speaks only SSH 1: {line}"))
            .with_hint("SSH 1 is broken and not supported: the server needs an update"),
        NotSsh::Said(line) if line.starts_with("220") => error
            .with_message(format!(
                "{host} port {port} does not speak SSH; it says: {line}"
            ))
            .with_hint("this looks like an FTP port: use an FTP encryption value, or the SSH port"),
        NotSsh::Said(line) => error
            .with_message(format!(
                "{host} port {port} does not speak SSH; it says: {line}"
            ))
            .with_hint("check the port: SSH is usually on 22"),
    }
}

fn no_common(kind: &AlgorithmKind, ours: &[String], theirs: &[String]) -> Error {
    let what = match kind {
        AlgorithmKind::Kex => "key exchange",
        AlgorithmKind::Key => "host key",
        AlgorithmKind::Cipher => "cipher",
        AlgorithmKind::Compression => "compression",
        AlgorithmKind::Mac => "MAC",
    };
    let list = |names: &[String]| {
        let names: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| !algorithms::is_announcement(name))
            .collect();
        names.join(", ").replace(char::is_control, " ")
    };
    let error = Error::new(ErrorKind::NoCommonAlgorithm).with_message(format!(
        "no {what} algorithm in common: the server offers {}; this client offers {}",
        list(theirs),
        list(ours)
    ));
    if algorithms::legacy_has(kind, theirs) {
        return error.with_hint(
            "the server knows only outdated algorithms: it needs an update, or allow them by the parameter \
             legacy (`--legacy`)",
        );
    }
    error.with_hint("the server knows only outdated or unusual algorithms: it needs an update")
}
