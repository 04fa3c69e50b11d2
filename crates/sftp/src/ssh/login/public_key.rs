//! Proving who one is by keys (RFC 4252 §7): the key of the parameters, with its certificate first, and those of
//! an agent.

use std::{collections::VecDeque, sync::Arc};

use ftp_connect_core::{ConnectParams, Result};
use russh::{
    AgentAuthError, MethodKind, Signer,
    client::{AuthResult, Handle},
    keys::{
        Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg,
        agent::AgentIdentity,
        signature::Signer as _,
        ssh_key::{encoding::Encode as _, private::KeypairData},
    },
};

use super::{agent::Agent, translate};
use crate::{
    keys::{Identity, LoadedKey, PublicKey},
    ssh::Client,
};

/// What is left to try.
#[derive(Debug, Default)]
pub(super) struct Keys {
    left: VecDeque<Key>,
    /// Asked for its keys when the others are used up.
    agent: Option<Agent>,
    /// The one key of the agent that is wanted.
    wanted: Option<PublicKey>,
    agent_asked: bool,
    legacy: bool,
    /// A server whose word on the signatures it takes can be believed.
    truthful: bool,
    /// The server takes RSA keys with SHA-1 only, which is not allowed.
    pub(super) sha1_only: bool,
    /// How many keys of the agent were tried.
    pub(super) agent_keys: usize,
}

#[derive(Debug)]
enum Key {
    /// The key of the parameters with its certificate.
    Certified(Arc<PrivateKey>, Box<Certificate>),
    /// The key of the parameters.
    Own(Arc<PrivateKey>),
    InAgent(Box<AgentIdentity>),
}

impl Keys {
    pub(super) fn new(
        params: &ConnectParams,
        identity: Option<&Identity>,
        agent: Option<Agent>,
        server: &str,
    ) -> Self {
        let mut keys = Self {
            agent,
            legacy: params.legacy(),
            truthful: server.starts_with("SSH-2.0-OpenSSH_"),
            ..Self::default()
        };
        match identity {
            Some(Identity::Key(loaded)) => {
                let LoadedKey {
                    key, certificate, ..
                } = &**loaded;
                if let Some(certificate) = certificate {
                    let certificate = Box::new(certificate.clone());
                    let certified = Key::Certified(Arc::clone(key), certificate);
                    keys.left.push_back(certified);
                }
                keys.left.push_back(Key::Own(Arc::clone(key)));
            }
            Some(Identity::InAgent(public)) => keys.wanted = Some(public.clone()),
            None => {}
        }
        keys
    }

    pub(super) fn is_empty(&self) -> bool {
        let agent_done = self.agent.is_none() || self.agent_asked;
        self.left.is_empty() && agent_done
    }

    /// Tries one key after the other until one is accepted, wholly or as one of several proofs.
    pub(super) async fn attempt(
        &mut self,
        handle: &mut Handle<Client>,
        user: &str,
    ) -> Result<AuthResult> {
        let mut outcome = None;
        while let Some(key) = self.next(handle).await? {
            let hashes = self.hashes(handle, key.is_rsa()).await?;
            let attempt = match (&key, &mut self.agent) {
                (Key::InAgent(identity), Some(agent)) => {
                    self.agent_keys += 1;
                    by_agent(handle, user, identity, &hashes, agent).await?
                }
                (key, _) => key.attempt(handle, user, &hashes).await?,
            };
            let Some(result) = attempt else { continue };
            let again = wants_another(&result);
            if let AuthResult::Failure {
                partial_success: false,
                ..
            } = &result
                && !again
            {
                // Keys were not asked for now; as a second proof this one may be.
                self.left.push_front(key);
            }
            outcome = Some(result);
            if !again {
                break;
            }
        }
        // Where nothing was sent, the methods are what they were.
        Ok(outcome.unwrap_or_else(|| AuthResult::Failure {
            remaining_methods: super::PREFERENCE[..].into(),
            partial_success: false,
        }))
    }

    /// The next key; those of the agent when the others are used up.
    async fn next(&mut self, handle: &Handle<Client>) -> Result<Option<Key>> {
        if let (true, false, Some(agent)) =
            (self.left.is_empty(), self.agent_asked, &mut self.agent)
        {
            self.agent_asked = true;
            let legacy = self.legacy;
            let found = agent.identities(handle, self.wanted.as_ref()).await?;
            let usable =
                |identity: &AgentIdentity| legacy || !identity.public_key().algorithm().is_dsa();
            let found = found.into_iter().filter(usable);
            self.left.extend(found.map(Box::new).map(Key::InAgent));
        }
        Ok(self.left.pop_front())
    }

    /// The hashes an RSA key signs with, the best first: those that `server-sig-algs` names (RFC 8332), and
    /// after them others where the server may not know what it says.
    async fn hashes(
        &mut self,
        handle: &Handle<Client>,
        is_rsa: bool,
    ) -> Result<Vec<Option<HashAlg>>> {
        if !is_rsa {
            return Ok(vec![None]);
        }
        let best = handle.best_supported_rsa_hash().await.map_err(translate)?;
        let hashes = rsa_hashes(best, self.legacy, self.truthful);
        self.sha1_only |= hashes.is_empty();
        Ok(hashes)
    }
}

/// See [`Keys::hashes`]; `announced` is `None` if the server announces nothing, and `Some(None)` if it is
/// SHA-1 alone.
fn rsa_hashes(
    announced: Option<Option<HashAlg>>,
    legacy: bool,
    truthful: bool,
) -> Vec<Option<HashAlg>> {
    let (sha512, sha256) = (Some(HashAlg::Sha512), Some(HashAlg::Sha256));
    let mut hashes = match announced {
        Some(None) => Vec::new(),
        // With old algorithms allowed not even OpenSSH is: it announces what it knows and not what it was told to take.
        Some(best) if truthful && !legacy => return vec![best],
        Some(best) if best == sha256 => vec![sha256, sha512],
        _ => vec![sha512, sha256],
    };
    hashes.extend(legacy.then_some(None));
    hashes
}

impl Key {
    fn is_rsa(&self) -> bool {
        match self {
            Self::Certified(key, _) | Self::Own(key) => key.algorithm().is_rsa(),
            Self::InAgent(identity) => identity.public_key().algorithm().is_rsa(),
        }
    }

    async fn attempt(
        &self,
        handle: &mut Handle<Client>,
        user: &str,
        hashes: &[Option<HashAlg>],
    ) -> Result<Option<AuthResult>> {
        let mut outcome = None;
        for &hash in hashes {
            let result = match self {
                Self::InAgent(_) => return Ok(None),
                Self::Own(key) => {
                    let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
                    let attempt = handle.authenticate_publickey(user, key);
                    attempt.await.map_err(translate)
                }
                Self::Certified(key, certificate) => {
                    let mut signer = OwnSigner(key);
                    let certificate = Certificate::clone(certificate);
                    handle
                        .authenticate_certificate_with(user, certificate, hash, &mut signer)
                        .await
                        .map_err(|error| match error {
                            AgentAuthError::Send(_) => translate(russh::Error::SendError),
                            AgentAuthError::Key(error) => translate(error.into()),
                        })
                }
            }?;
            let again = wants_another(&result);
            outcome = Some(result);
            if !again {
                break;
            }
        }
        Ok(outcome)
    }
}

/// Whether the key was refused and another one may be tried.
fn wants_another(outcome: &AuthResult) -> bool {
    matches!(outcome, AuthResult::Failure { remaining_methods, partial_success: false }
        if remaining_methods.contains(&MethodKind::PublicKey))
}

async fn by_agent(
    handle: &mut Handle<Client>,
    user: &str,
    identity: &AgentIdentity,
    hashes: &[Option<HashAlg>],
    agent: &mut Agent,
) -> Result<Option<AuthResult>> {
    let mut outcome = None;
    for &hash in hashes {
        let result = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                handle
                    .authenticate_publickey_with(user, key.clone(), hash, &mut agent.0)
                    .await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                handle
                    .authenticate_certificate_with(user, certificate.clone(), hash, &mut agent.0)
                    .await
            }
        };
        let result = match result {
            Ok(result) => result,
            Err(AgentAuthError::Send(_)) => return Err(translate(russh::Error::SendError)),
            Err(AgentAuthError::Key(error)) => {
                // Somebody said no, or the device is away: the next key may do.
                tracing::debug!(%error, "the agent does not sign");
                return Ok(outcome);
            }
        };
        let again = wants_another(&result);
        outcome = Some(result);
        if !again {
            break;
        }
    }
    Ok(outcome)
}

/// Signs for a certificate with the hash asked for, which the SSH library leaves to a signer.
struct OwnSigner<'k>(&'k PrivateKey);

impl Signer for OwnSigner<'_> {
    type Error = AgentAuthError;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash: Option<HashAlg>,
        mut data: Vec<u8>,
    ) -> std::result::Result<Vec<u8>, AgentAuthError> {
        let signature = match self.0.key_data() {
            KeypairData::Rsa(key) => (key, hash).try_sign(&data),
            _ => self.0.try_sign(&data),
        };
        let failed = |_| russh::keys::Error::CouldNotReadKey;
        let encoded = signature
            .map_err(|_| russh::keys::Error::CouldNotReadKey)?
            .encode_vec()
            .map_err(failed)?;
        encoded.encode(&mut data).map_err(failed)?;
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use russh::keys::Algorithm;

    use super::*;

    #[track_caller]
    fn check(announced: Option<Option<HashAlg>>, legacy: bool, truthful: bool, expected: &[&str]) {
        let names: Vec<String> = rsa_hashes(announced, legacy, truthful)
            .into_iter()
            .map(|hash| {
                let algorithm = Algorithm::Rsa { hash };
                crate::ssh::algorithms::signature_name(&algorithm).to_owned()
            })
            .collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn rsa_signs_as_the_server_says_and_as_it_may_have_meant() {
        let (sha512, sha256) = (Some(HashAlg::Sha512), Some(HashAlg::Sha256));
        check(Some(sha512), false, true, &["rsa-sha2-512"]);
        check(
            Some(sha512),
            true,
            true,
            &["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
        );
        check(
            Some(sha512),
            false,
            false,
            &["rsa-sha2-512", "rsa-sha2-256"],
        );
        check(
            Some(sha256),
            true,
            false,
            &["rsa-sha2-256", "rsa-sha2-512", "ssh-rsa"],
        );
        check(None, false, true, &["rsa-sha2-512", "rsa-sha2-256"]);
        check(
            None,
            true,
            true,
            &["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
        );
        check(Some(None), false, true, &[]);
        check(Some(None), true, true, &["ssh-rsa"]);
    }
}
