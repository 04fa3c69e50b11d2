//! Logging in: which methods are tried, in which order, and what a refusal means (RFC 4252).
//!
//! No `none` request is sent first: the method that the parameters ask for is tried at once, and the
//! server's answer to it names the others. Each method is tried once while the server offers it.

use std::sync::Arc;

use ftp_connect_core::{
    ConnectParams, Encryption, Error, ErrorKind, Operation, Result, Retry, Secret,
};
use russh::{
    MethodKind, MethodSet,
    client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Round},
    keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg},
};

use super::{Client, failure};
use crate::keys::LoadedKey;

/// Logs in, or says why not.
///
/// # Errors
/// [`ErrorKind::LoginRefused`], [`ErrorKind::TooManyConnections`], [`ErrorKind::Closed`].
pub(super) async fn log_in(
    handle: &mut Handle<Client>,
    params: &ConnectParams,
    key: Option<LoadedKey>,
    goodbye: impl Fn() -> Option<Goodbye>,
) -> Result<()> {
    let mut login = Login::new(params, key);
    loop {
        let Some(method) = login.next() else {
            return Err(login.refused());
        };
        let outcome = login.attempt(handle, method).await;
        if let (Err(error), Some(goodbye)) = (&outcome, goodbye())
            && error.kind() == &ErrorKind::Closed
        {
            return Err(hung_up(&goodbye));
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
                    return Err(hung_up(&goodbye));
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
    user: &'p str,
    password: Option<&'p Secret>,
    key: Option<LoadedKey>,
    key_first: bool,
    /// What the server offered last; `None` before it said anything.
    offered: Option<MethodSet>,
    tried: Vec<MethodKind>,
    /// How many requests were made, lest a server that changes its mind keeps us forever.
    attempts: usize,
    partial: bool,
    sha1_only: bool,
}

impl<'p> Login<'p> {
    fn new(params: &'p ConnectParams, key: Option<LoadedKey>) -> Self {
        Self {
            user: params.username().unwrap_or_default(),
            password: params.password(),
            key_first: params.encryption() != Encryption::SshPassword,
            key,
            offered: None,
            tried: Vec::new(),
            attempts: 0,
            partial: false,
            sha1_only: false,
        }
    }

    /// The method to try now.
    fn next(&self) -> Option<MethodKind> {
        if self.attempts >= MOST_ATTEMPTS {
            return None;
        }
        PREFERENCE.into_iter().find(|method| {
            let offered = self.offered.as_ref().is_none_or(|all| all.contains(method));
            offered && !self.tried.contains(method) && self.can(*method)
        })
    }

    fn can(&self, method: MethodKind) -> bool {
        match method {
            MethodKind::PublicKey => self.key.is_some(),
            MethodKind::Password | MethodKind::KeyboardInteractive => {
                // Where the password is the key's passphrase, a server that just does not like the
                // key must not learn it. As a second factor it is asked for on purpose.
                let is_passphrase = self.key.as_ref().is_some_and(|key| key.opened_by_password);
                self.password.is_some() && (!self.key_first || self.partial || !is_passphrase)
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
        match method {
            MethodKind::PublicKey => self.public_key(handle).await,
            MethodKind::Password => handle
                .authenticate_password(self.user, self.password_text())
                .await
                .map_err(translate),
            _ => self.keyboard_interactive(handle).await,
        }
    }

    /// RSA keys sign with SHA-2, the hash being the best that `server-sig-algs` names (RFC 8332);
    /// where the server does not say, both are tried. SHA-1 is not used.
    async fn public_key(&mut self, handle: &mut Handle<Client>) -> Result<AuthResult> {
        let Some(loaded) = &self.key else {
            return Ok(nothing_left());
        };
        let key: Arc<PrivateKey> = Arc::clone(&loaded.key);
        let mut hashes = vec![None];
        if key.algorithm().is_rsa() {
            hashes = match handle.best_supported_rsa_hash().await.map_err(translate)? {
                Some(Some(hash)) => vec![Some(hash)],
                Some(None) => {
                    self.sha1_only = true;
                    Vec::new()
                }
                None => vec![Some(HashAlg::Sha512), Some(HashAlg::Sha256)],
            };
        }
        let mut outcome = nothing_left();
        for hash in hashes {
            let key = PrivateKeyWithHashAlg::new(Arc::clone(&key), hash);
            outcome = handle
                .authenticate_publickey(self.user, key)
                .await
                .map_err(translate)?;
            let again = matches!(&outcome, AuthResult::Failure { remaining_methods, partial_success: false }
                if remaining_methods.contains(&MethodKind::PublicKey));
            if !again {
                break;
            }
        }
        if let (true, AuthResult::Failure { .. }) = (self.sha1_only, &outcome) {
            // Nothing was sent; the methods are what they were.
            let offered = self
                .offered
                .clone()
                .unwrap_or_else(|| PREFERENCE[..].into());
            return Ok(AuthResult::Failure {
                remaining_methods: offered,
                partial_success: false,
            });
        }
        Ok(outcome)
    }

    /// RFC 4256: the password answers a round with one prompt that hides its answer; a round without
    /// prompts, which OpenSSH sends after PAM, has an empty answer.
    async fn keyboard_interactive(&self, handle: &mut Handle<Client>) -> Result<AuthResult> {
        let mut round = handle
            .authenticate_keyboard_interactive_start(self.user, None)
            .await
            .map_err(translate)?;
        let mut answered = false;
        for _ in 0..MOST_ROUNDS {
            let prompts = match round {
                Round::Success => return Ok(AuthResult::Success),
                Round::Failure {
                    remaining_methods,
                    partial_success,
                } => {
                    return Ok(AuthResult::Failure {
                        remaining_methods,
                        partial_success,
                    });
                }
                Round::InfoRequest { prompts, .. } => prompts,
            };
            let answers = match &prompts[..] {
                [] => Vec::new(),
                [only] if !answered && !only.echo => {
                    answered = true;
                    vec![self.password_text()]
                }
                [first, ..] => {
                    let asked: String = first.prompt.trim().chars().take(100).collect();
                    return Err(Error::new(ErrorKind::LoginRefused)
                        .with_operation(Operation::Login)
                        .with_message(format!(
                            "the server asks more than a password: {}",
                            asked.replace(char::is_control, " ")
                        ))
                        .with_hint(
                            "log in with a key, or have the server ask for a password only",
                        ));
                }
            };
            round = handle
                .authenticate_keyboard_interactive_respond(answers)
                .await
                .map_err(translate)?;
        }
        Err(Error::new(ErrorKind::Protocol)
            .with_operation(Operation::Login)
            .with_message("the server keeps asking without end"))
    }

    fn answered(&mut self, method: MethodKind, remaining: MethodSet, partial: bool) {
        // A method the server did not offer has not been tried: it may be wanted as a second one.
        if partial || remaining.contains(&method) {
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
        if self.sha1_only {
            return error
                .with_message(format!(
                    "the server takes RSA keys only with SHA-1 signatures; {offered}"
                ))
                .with_hint("use an Ed25519 or ECDSA key, or update the server");
        }
        let withheld = self.password.is_some()
            && !self.can(MethodKind::Password)
            && (offers(MethodKind::Password) || offers(MethodKind::KeyboardInteractive));
        match &self.key {
            Some(_) if withheld => error.with_hint(
                "the key was not accepted, and the password was kept back because it is the key's \
                 passphrase: give the passphrase separately to let both be used",
            ),
            Some(_) if !offers(MethodKind::PublicKey) => {
                error.with_hint("the server takes no keys: log in with a password")
            }
            Some(key) if key.key.algorithm().is_dsa() => error.with_hint(
                "servers of today refuse DSA keys unless told otherwise: use an Ed25519 or RSA key",
            ),
            Some(_) => error.with_hint(
                "check the user name, and that the key's public half is among the user's \
                 authorized keys",
            ),
            None if self.password.is_none() => error.with_hint("give a password"),
            None if !offers(MethodKind::Password) && !offers(MethodKind::KeyboardInteractive) => {
                error.with_hint("the server takes no passwords: log in with a key")
            }
            None => error,
        }
    }

    fn password_text(&self) -> String {
        self.password
            .map(|password| password.expose().clone())
            .unwrap_or_default()
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

fn nothing_left() -> AuthResult {
    AuthResult::Failure {
        remaining_methods: MethodSet::empty(),
        partial_success: false,
    }
}

/// A key says the most about who asks; a password sent at a prompt is the last resort.
const PREFERENCE: [MethodKind; 3] = [
    MethodKind::PublicKey,
    MethodKind::Password,
    MethodKind::KeyboardInteractive,
];

/// Three methods, each before and after being offered.
const MOST_ATTEMPTS: usize = 6;

/// Password, an empty round, and some for servers that talk.
const MOST_ROUNDS: usize = 8;

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
        let mut login = Login::new(&params, None);
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
        let mut login = Login::new(&params, None);
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
