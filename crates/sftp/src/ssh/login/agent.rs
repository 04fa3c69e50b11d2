//! The user's SSH agent (draft-miller-ssh-agent), which signs without giving its keys away.

use ftp_connect_core::{ConnectParams, Error, ErrorKind, Operation, Result};
use russh::{
    client::Handle,
    keys::agent::{
        AgentIdentity,
        client::{AgentClient, AgentStream},
    },
};

use crate::{keys::PublicKey, ssh::Client};

/// A connection to an agent.
pub(crate) struct Agent(pub(super) AgentClient<Box<dyn AgentStream + Send + Unpin>>);

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Agent")
    }
}

impl Agent {
    /// Connects to the agent of `SSH_AUTH_SOCK`, or on Windows to OpenSSH's.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnusable`]
    pub(crate) async fn connect(params: &ConnectParams) -> Result<Self> {
        #[cfg(unix)]
        let client = AgentClient::connect_env();
        #[cfg(windows)]
        let client = AgentClient::connect_named_pipe(r"\\.\pipe\openssh-ssh-agent");
        let limit = params.timeouts().connect;
        let client = tokio::time::timeout(limit, client).await.map_err(|_| {
            unusable("the SSH agent does not answer").with_hint("start the agent anew")
        })?;
        let client = client.map_err(|error| {
            let message = match std::env::var_os("SSH_AUTH_SOCK") {
                None if cfg!(unix) => "there is no SSH agent: SSH_AUTH_SOCK is not set",
                _ => "the SSH agent cannot be reached",
            };
            unusable(message)
                .with_hint("start an agent (`eval $(ssh-agent)`) and add a key (`ssh-add`)")
                .with_source(error)
        })?;
        Ok(Self(client.dynamic()))
    }

    /// The keys the agent has; of these, only the wanted one if one is wanted.
    pub(super) async fn identities(
        &mut self,
        handle: &Handle<Client>,
        wanted: Option<&PublicKey>,
    ) -> Result<Vec<AgentIdentity>> {
        if let Some(binding) = handle.agent_session_binding() {
            // Agents that do not know this have no keys that need it.
            let _ = self.0.bind_session(binding, false).await;
        }
        let mut found =
            self.0.request_identities().await.map_err(|error| {
                unusable("the SSH agent does not tell its keys").with_source(error)
            })?;
        let Some(wanted) = wanted else {
            if found.is_empty() {
                return Err(unusable("the SSH agent has no keys")
                    .with_hint("add a key with `ssh-add`, or unlock the agent"));
            }
            return Ok(found);
        };
        found.retain(|identity| {
            let blob = identity.public_key().to_bytes();
            blob.is_ok_and(|blob| blob == wanted.blob())
        });
        if found.is_empty() {
            return Err(unusable("the SSH agent has not the key of this public key")
                .with_hint("add the key with `ssh-add`, or give the private key itself"));
        }
        Ok(found)
    }
}

fn unusable(message: &str) -> Error {
    Error::new(ErrorKind::KeyUnusable)
        .with_operation(Operation::Login)
        .with_message(message)
}
