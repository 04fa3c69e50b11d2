//! The way to the server: dialled, or from another SSH server, the jump host (RFC 4254 §7.2).
//!
//! A jump host is connected to like any other server, its host key judged and its login made by its own
//! parameters, and it may have a jump host itself. Then it opens the connection, and what goes over that is
//! encrypted to the server behind: the jump host sees no more of it than a router would.

use std::pin::Pin;

use ftp_connect_core::{
    ConnectParams, Error, ErrorKind, Operation, Result, Timings, dial,
    params::{KeySource, KnownHosts},
};

use super::{
    Proofs, Ssh, failure,
    wire::{Prompt, Stream},
    within,
};

/// A stream to the server, and what it hangs on.
pub(super) struct Way {
    pub(super) stream: Box<dyn Stream>,
    /// `None` where another machine opened the connection.
    pub(super) peer: Option<std::net::SocketAddr>,
    pub(super) timings: Timings,
    /// What a user should know of the jump host.
    pub(super) warnings: Vec<String>,
    /// The connection to the jump host, which must stay.
    pub(super) via: Option<Box<Ssh>>,
}

/// Opens the way to the server of the parameters.
pub(super) fn open(
    params: &ConnectParams,
) -> Pin<Box<dyn Future<Output = Result<Way>> + Send + '_>> {
    Box::pin(async move {
        let outcome = match params.jump() {
            None => dialled(params).await,
            Some(jump) => from(jump, params).await,
        };
        outcome.map_err(|error| error.with_operation(Operation::Connect))
    })
}

async fn dialled(params: &ConnectParams) -> Result<Way> {
    let dialed = dial::dial(params).await?;
    let mut timings = Timings::default();
    dialed.time(&mut timings);
    Ok(Way {
        peer: dialed.peer,
        timings,
        warnings: Vec::new(),
        via: None,
        stream: Box::new(Prompt(dialed.stream)),
    })
}

async fn from(jump: &ConnectParams, params: &ConnectParams) -> Result<Way> {
    let hop = completed(jump, params);
    let named = |error: Error| {
        let told = Error::new(error.kind().clone())
            .with_retry(error.retry())
            .with_message(format!("jump host {}: {error}", hop.server()));
        let told = match error.hint() {
            Some(hint) => told.with_hint(hint),
            None => told,
        };
        told.with_source(error)
    };
    let connected = async {
        hop.validate()?;
        let proofs = Proofs::gather(&hop).await?;
        let mut ssh = Ssh::connect(&hop).await?;
        ssh.log_in(&hop, proofs).await?;
        Ok(ssh)
    };
    let ssh = connected.await.map_err(named)?;
    let (host, port) = (params.server().to_string(), params.port());
    let opening = async {
        // Where the connection comes from is asked for by the protocol and of no use here.
        let channel = ssh
            .handle
            .0
            .channel_open_direct_tcpip(host, port.into(), "127.0.0.1", 0);
        channel.await.map_err(|error| match &error {
            russh::Error::ChannelOpenFailure(reason) => Error::new(ErrorKind::ConnectFailed)
                .with_message(format!(
                    "no connection to {} port {port} from here: {reason:?}",
                    params.server()
                ))
                .with_hint(
                    "check that the jump host allows forwarding and can reach the server by this name",
                )
                .with_source(error),
            _ => failure::translate(error),
        })
    };
    let limit = params.timeouts().connect;
    let channel = within(limit, Operation::Connect, "connection", opening).await;
    let channel = channel.map_err(named)?;
    let mut timings = Timings::default();
    timings.add("jump", ssh.facts.timings.total());
    let warnings = ssh.facts.warnings.iter();
    Ok(Way {
        peer: None,
        timings,
        warnings: warnings
            .map(|warning| format!("jump host {}: {warning}", hop.server()))
            .collect(),
        stream: Box::new(channel.into_stream()),
        via: Some(Box::new(ssh)),
    })
}

/// The jump host's parameters, with those of the server behind where they say nothing and the meaning is the
/// same: user, known hosts, deadlines, proxy. The key or agent too, which only sign; but never the password, which
/// the jump host would learn.
fn completed(jump: &ConnectParams, params: &ConnectParams) -> ConnectParams {
    let mut hop = jump.clone();
    if let (None, Some(username)) = (hop.username(), params.username()) {
        hop = hop.with_username(username);
    }
    if hop.password().is_none() && hop.key().is_none() {
        if let Some(passphrase) = params.key_passphrase().filter(|_| params.key().is_some()) {
            hop = hop.with_key_passphrase(passphrase.clone());
        }
        hop = match params.key() {
            Some(KeySource::File(path)) => hop.with_key_file(path.display().to_string()),
            Some(KeySource::Content(text)) => hop.with_key_content(text),
            None => hop.with_ssh_agent(params.ssh_agent()),
        };
    }
    if hop.known_hosts() == KnownHosts::Off && hop.allowed_fingerprints().is_empty() {
        hop = hop.with_known_hosts(params.known_hosts());
        if let (None, Some(file)) = (hop.known_hosts_file(), params.known_hosts_file()) {
            hop = hop.with_known_hosts_file(file);
        }
    }
    if hop.timeouts() == Default::default() {
        hop = hop.with_timeouts(params.timeouts());
    }
    if let (None, None, Some(proxy)) = (hop.jump(), hop.proxy(), params.proxy()) {
        hop = hop.with_proxy(proxy.clone());
    }
    hop
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_host_gets_the_key_and_never_the_password() {
        let (jump, _) = ConnectParams::from_url("sftp://bastion:2222").unwrap();
        let target = ConnectParams::new("behind")
            .unwrap()
            .with_username("ada")
            .with_known_hosts(KnownHosts::Strict)
            .with_known_hosts_file("/known");
        let by_password = completed(&jump, &target.clone().with_password("secret"));
        assert_eq!(by_password.password(), None);
        assert_eq!(by_password.key_passphrase(), None);
        assert_eq!(by_password.username(), Some("ada"));
        assert_eq!(by_password.port(), 2222);
        assert_eq!(by_password.known_hosts(), KnownHosts::Strict);
        assert_eq!(by_password.known_hosts_file(), Some("/known"));
        let by_key = target.with_key_file("/key").with_password("opens the key");
        let by_key = completed(&jump, &by_key);
        assert_eq!(by_key.key(), Some(KeySource::File("/key".into())));
        assert_eq!(by_key.password(), None);
        let own = jump.with_username("jumper").with_password("own");
        let own = completed(&own, &by_key);
        assert_eq!((own.username(), own.key()), (Some("jumper"), None));
    }
}
