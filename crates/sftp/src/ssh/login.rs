//! Logging in: which methods are tried, in which order, and what a refusal means (RFC 4252).
//!
//! No `none` request is sent first: the method that the parameters ask for is tried at once, and the
//! server's answer to it names the others. Each method is tried once while the server offers it; `none` is tried
//! where there is nothing else.

mod agent;
mod public_key;
mod questions;

use std::time::Duration;

use ftp_connect_core::{
    ConnectParams, Encryption, Error, ErrorKind, Operation, Result, Retry, Secret,
};
use russh::{
    MethodKind, MethodSet,
    client::{AuthResult, Handle},
};

use self::agent::Agent;
use self::{public_key::Keys, questions::Answers};
use super::{Client, failure, within};
use crate::keys::{self, Identity};

/// What the user can prove.
#[derive(Debug, Default)]
pub(crate) struct Proofs {
    pub(crate) identity: Option<Identity>,
    pub(crate) agent: Option<Agent>,
}

impl Proofs {
    /// Takes what the parameters name: opens the key, connects to the agent.
    pub(crate) async fn gather(params: &ConnectParams) -> Result<Self> {
        Ok(Self {
            identity: keys::load(params).await?,
            agent: match params.ssh_agent() {
                true => Some(Agent::connect(params).await?),
                false => None,
            },
        })
    }
}

/// Logs in, or says why not.
///
/// # Errors
/// [`ErrorKind::LoginRefused`], [`ErrorKind::TooManyConnections`], [`ErrorKind::Closed`],
/// [`ErrorKind::TimedOut`], [`ErrorKind::KeyUnusable`] if an agent fails.
pub(super) async fn log_in(
    handle: &mut Handle<Client>,
    params: &ConnectParams,
    proofs: Proofs,
    server: &str,
    goodbye: impl Fn() -> Option<Goodbye>,
) -> Result<()> {
    let mut login = Login::new(params, proofs, server);
    loop {
        let Some(method) = login.next() else {
            return Err(login.refused());
        };
        let outcome = login.attempt(handle, method).await;
        if let (Err(error), Some(goodbye)) = (&outcome, goodbye())
            && error.kind() == &ErrorKind::Closed
        {
            return Err(login.hung_up(&goodbye));
        }
        match outcome? {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure {
                remaining_methods,
                partial_success,
            } => {
                // An empty list also stands for a connection that ended; that is settled by then.
                if remaining_methods.is_empty()
                    && let Some(goodbye) = goodbye()
                {
                    return Err(login.hung_up(&goodbye));
                }
                login.answered(method, remaining_methods, partial_success);
            }
        }
    }
}

/// How the server ended the connection.
#[derive(Debug, Clone)]
pub(super) enum Goodbye {
    /// By a message with a reason (RFC 4253 §11.1).
    Message { code: u32, text: String },
    /// By refusing the last method it had.
    NoMethodLeft,
    /// Without a word.
    Silent,
}

struct Login<'p> {
    params: &'p ConnectParams,
    user: &'p str,
    password: Option<&'p Secret>,
    identity: Option<Identity>,
    keys: Keys,
    has_agent: bool,
    key_first: bool,
    /// What the server offered last; `None` before it said anything.
    offered: Option<MethodSet>,
    tried: Vec<MethodKind>,
    /// How many requests were made, lest a server that changes its mind keeps us forever.
    attempts: usize,
    partial: bool,
}

impl<'p> Login<'p> {
    fn new(params: &'p ConnectParams, proofs: Proofs, server: &str) -> Self {
        let Proofs { identity, agent } = proofs;
        Self {
            params,
            user: params.username().unwrap_or_default(),
            password: params.password(),
            key_first: params.encryption() != Encryption::SshPassword,
            has_agent: agent.is_some(),
            keys: Keys::new(params, identity.as_ref(), agent, server),
            identity,
            offered: None,
            tried: Vec::new(),
            attempts: 0,
            partial: false,
        }
    }

    /// The method to try now.
    fn next(&self) -> Option<MethodKind> {
        if self.attempts >= MOST_ATTEMPTS {
            return None;
        }
        let possible = |method: &MethodKind| !self.tried.contains(method) && self.can(*method);
        let offered = PREFERENCE.into_iter().find(|method| {
            let offered = self.offered.as_ref().is_none_or(|all| all.contains(method));
            offered && possible(method)
        });
        // It asks what there is, and some servers want no more.
        let nothing_said = self.offered.is_none() && !self.tried.contains(&MethodKind::None);
        offered.or_else(|| nothing_said.then_some(MethodKind::None))
    }

    fn can(&self, method: MethodKind) -> bool {
        match method {
            MethodKind::PublicKey => !self.keys.is_empty(),
            // Where the password is the key's passphrase, a server that just does not like the
            // key must not learn it. As a second factor it is asked for on purpose.
            MethodKind::Password => {
                let is_passphrase =
                    matches!(&self.identity, Some(Identity::Key(key)) if key.opened_by_password);
                self.password.is_some() && (!self.key_first || self.partial || !is_passphrase)
            }
            MethodKind::KeyboardInteractive => {
                self.can(MethodKind::Password) || self.params.prompter().is_some()
            }
            _ => false,
        }
    }

    async fn attempt(
        &mut self,
        handle: &mut Handle<Client>,
        method: MethodKind,
    ) -> Result<AuthResult> {
        self.attempts += 1;
        tracing::debug!(method = <&str>::from(&method), "trying to log in");
        let limit = self.params.timeouts().reply;
        let user = self.user;
        match method {
            MethodKind::PublicKey => {
                // An agent may have to ask somebody.
                let limit = if self.has_agent {
                    limit.max(AGENT_PATIENCE)
                } else {
                    limit
                };
                within(
                    limit,
                    Operation::Login,
                    "login",
                    self.keys.attempt(handle, user),
                )
                .await
            }
            MethodKind::Password => {
                let password = self.password.map(|password| password.expose().clone());
                let attempt = handle.authenticate_password(user, password.unwrap_or_default());
                within(limit, Operation::Login, "login", async {
                    attempt.await.map_err(translate)
                })
                .await
            }
            MethodKind::KeyboardInteractive => {
                let who = Answers {
                    password: self.password.filter(|_| self.can(MethodKind::Password)),
                    prompter: self.params.prompter(),
                    limit,
                };
                questions::attempt(handle, user, who).await
            }
            _ => {
                let attempt = handle.authenticate_none(user);
                within(limit, Operation::Login, "login", async {
                    attempt.await.map_err(translate)
                })
                .await
            }
        }
    }

    fn answered(&mut self, method: MethodKind, remaining: MethodSet, partial: bool) {
        // A method the server did not offer has not been tried: it may be wanted as a second one. Of keys
        // there may be others.
        let used = partial || remaining.contains(&method) || method == MethodKind::None;
        if used && method != MethodKind::PublicKey {
            self.tried.push(method);
        }
        self.partial |= partial;
        self.offered = Some(remaining);
    }

    fn refused(&self) -> Error {
        let offered = match &self.offered {
            Some(methods) if !methods.is_empty() => {
                let names: Vec<&str> = methods.iter().map(<&str>::from).collect();
                format!("the server offers {}", names.join(", "))
            }
            _ => "the server offers no further method".to_owned(),
        };
        let offers = |method| {
            self.offered
                .as_ref()
                .is_some_and(|all| all.contains(&method))
        };
        let error = Error::new(ErrorKind::LoginRefused).with_operation(Operation::Login);
        let user = self.user;
        if self.partial {
            return error
                .with_message(format!(
                    "the server wants another proof beside the accepted one for {user:?}; {offered}"
                ))
                .with_hint("give the password and the key that the server wants together");
        }
        let error = error.with_message(format!("login of {user:?} refused; {offered}"));
        if self.keys.sha1_only {
            return error
                .with_message(format!(
                    "the server takes RSA keys only with SHA-1 signatures (ssh-rsa); {offered}"
                ))
                .with_hint(
                    "use an Ed25519 or ECDSA key, or allow outdated algorithms by the parameter legacy \
                     (`--legacy`)",
                );
        }
        let withheld = self.password.is_some()
            && !self.can(MethodKind::Password)
            && (offers(MethodKind::Password) || offers(MethodKind::KeyboardInteractive));
        if self.identity.is_none() && !self.has_agent {
            return match self.password {
                None => error.with_hint("give a password or a key"),
                Some(_)
                    if !offers(MethodKind::Password)
                        && !offers(MethodKind::KeyboardInteractive) =>
                {
                    error.with_hint("the server takes no passwords: log in with a key")
                }
                Some(_) => error,
            };
        }
        if withheld {
            return error.with_hint(
                "the key was not accepted, and the password was kept back because it is the key's \
                 passphrase: give the passphrase separately to let both be used",
            );
        }
        if !offers(MethodKind::PublicKey) {
            return error.with_hint("the server takes no keys: log in with a password");
        }
        match &self.identity {
            Some(Identity::Key(key)) if key.key.algorithm().is_dsa() => error.with_hint(
                "servers of today refuse DSA keys unless told otherwise: use an Ed25519 or RSA key",
            ),
            Some(Identity::Key(key)) if key.certificate.is_some() => error.with_hint(
                "check the user name, and that the certificate is in its time, names this user and is signed \
                 by an authority the server trusts",
            ),
            Some(Identity::Key(key)) if key.key.algorithm().is_rsa() && !self.params.legacy() => error
                .with_hint(
                    "check the user name, and that the key's public half is among the user's authorized keys; \
                     an old server may want SHA-1 signatures (ssh-rsa), which the parameter legacy (`--legacy`) \
                     allows",
                ),
            _ => error.with_hint(
                "check the user name, and that the key's public half is among the user's \
                 authorized keys",
            ),
        }
    }

    fn hung_up(&self, goodbye: &Goodbye) -> Error {
        let error = hung_up(goodbye);
        if error.kind() == &ErrorKind::LoginRefused && self.keys.agent_keys > 1 {
            return error.with_hint(
                "the agent has many keys: name the right one by giving its public key as key file",
            );
        }
        error
    }
}

fn hung_up(goodbye: &Goodbye) -> Error {
    let error = match goodbye {
        Goodbye::NoMethodLeft => Error::new(ErrorKind::LoginRefused)
            .with_message("login refused; the server offers no further method"),
        Goodbye::Silent => Error::new(ErrorKind::Closed)
            .with_message("the server closed the connection during the login"),
        Goodbye::Message { code, text } => {
            // SSH_DISCONNECT_TOO_MANY_CONNECTIONS; and what OpenSSH says with code 2 after
            // MaxAuthTries, which is a refusal and not a matter of load.
            let lower = text.to_ascii_lowercase();
            if *code == 12 {
                Error::new(ErrorKind::TooManyConnections).with_message(text.clone())
            } else if lower.contains("too many authentication") || *code == 14 {
                Error::new(ErrorKind::LoginRefused).with_message(format!(
                    "the server hung up after too many attempts: {text}"
                ))
            } else {
                Error::new(ErrorKind::Closed)
                    .with_retry(Retry::NewSession)
                    .with_message(format!("the server hung up during the login: {text}"))
            }
        }
    };
    error.with_operation(Operation::Login)
}

fn translate(error: russh::Error) -> Error {
    failure::translate(error).with_operation(Operation::Login)
}

/// A key says the most about who asks; a password sent at a prompt is the last resort.
const PREFERENCE: [MethodKind; 3] = [
    MethodKind::PublicKey,
    MethodKind::Password,
    MethodKind::KeyboardInteractive,
];

/// Three methods, each before and after being offered, and one to begin with.
const MOST_ATTEMPTS: usize = 7;

/// How long an agent may take: somebody may have to confirm, or touch a device.
const AGENT_PATIENCE: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: u32, text: &str, kind: ErrorKind, retry: Retry) {
        let error = hung_up(&Goodbye::Message {
            code,
            text: text.to_owned(),
        });
        assert_eq!(
            (error.kind(), error.retry()),
            (&kind, retry),
            "{code} {text}"
        );
        assert!(error.to_string().contains(text), "{error}");
    }

    #[test]
    fn a_refusal_is_told_from_a_server_that_is_full_or_gone() {
        check(
            2,
            "Too many authentication failures",
            ErrorKind::LoginRefused,
            Retry::Never,
        );
        check(14, "no more methods", ErrorKind::LoginRefused, Retry::Never);
        check(
            12,
            "try later",
            ErrorKind::TooManyConnections,
            Retry::NewSession,
        );
        check(11, "bye", ErrorKind::Closed, Retry::NewSession);
        assert_eq!(hung_up(&Goodbye::Silent).kind(), &ErrorKind::Closed);
        let refused = hung_up(&Goodbye::NoMethodLeft);
        assert_eq!(refused.kind(), &ErrorKind::LoginRefused);
    }

    #[test]
    fn methods_are_tried_once_and_only_while_offered() {
        use MethodKind::{KeyboardInteractive, Password, PublicKey};
        let set = |methods: &[MethodKind]| MethodSet::from(methods);
        let params = ConnectParams::new("h")
            .unwrap()
            .with_username("u")
            .with_password("p")
            .with_encryption(Encryption::SshPassword);
        let mut login = Login::new(&params, Proofs::default(), "");
        assert_eq!(login.next(), Some(Password), "no probe comes first");
        login.answered(Password, set(&[PublicKey, KeyboardInteractive]), false);
        assert_eq!(login.next(), Some(KeyboardInteractive));
        // The server takes the password as a second factor after all.
        login.answered(KeyboardInteractive, set(&[Password]), true);
        assert_eq!(login.next(), Some(Password));
        login.answered(Password, set(&[Password]), false);
        assert_eq!(login.next(), None);
        assert!(
            login
                .refused()
                .to_string()
                .contains("the server offers password")
        );
    }

    #[test]
    fn a_server_that_changes_its_mind_does_not_keep_us_forever() {
        let params = ConnectParams::new("h")
            .unwrap()
            .with_password("p")
            .with_encryption(Encryption::SshPassword);
        let mut login = Login::new(&params, Proofs::default(), "");
        let mut tries = 0;
        while let Some(method) = login.next() {
            tries += 1;
            login.attempts += 1;
            let other = match method {
                MethodKind::Password => MethodKind::KeyboardInteractive,
                _ => MethodKind::Password,
            };
            login.answered(method, MethodSet::from(&[other][..]), false);
        }
        assert_eq!(tries, MOST_ATTEMPTS);
    }
}
