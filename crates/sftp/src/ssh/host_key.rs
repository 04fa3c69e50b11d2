//! Whether the server's host key is one to trust: the allowed list, or else known hosts.

use std::path::PathBuf;

use ftp_connect_core::{
    AllowedFingerprints, ConnectParams, Error, ErrorKind, Fingerprint, FingerprintTarget,
    FingerprintType, HostKeyCheck, HostKeyProblem, HostKeyReport, Operation, Result,
    params::KnownHosts as Policy,
};
use russh::keys::PublicKey;

use super::known_hosts::{self, KnownHosts, Name, Verdict};

/// Everything that decides about a host key.
#[derive(Debug, Clone)]
pub(super) struct Judge {
    format: FingerprintType,
    target: FingerprintTarget,
    allowed: AllowedFingerprints,
    policy: Policy,
    /// `None` where the policy is off, or the list decides.
    file: Option<PathBuf>,
    name: Name,
}

/// A key that was found acceptable, and what a user should know about it.
#[derive(Debug, Clone)]
pub(super) struct Accepted {
    pub(super) report: HostKeyReport,
    pub(super) warnings: Vec<String>,
}

/// A host key as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Presented {
    /// Such as `ssh-ed25519`; `ssh-rsa` for RSA keys, whatever they sign with.
    pub(crate) algorithm: String,
    /// RFC 4253 §6.6 encoding.
    pub(crate) blob: Vec<u8>,
}

impl Presented {
    pub(crate) fn new(key: &PublicKey) -> Result<Self> {
        let blob = key.to_bytes().map_err(|error| {
            Error::new(ErrorKind::Protocol)
                .with_message("the server's host key cannot be read")
                .with_source(error)
        })?;
        Ok(Self {
            algorithm: key.algorithm().as_str().to_owned(),
            blob,
        })
    }
}

impl Judge {
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if known hosts are wanted and there is no file to look in.
    pub(super) fn new(params: &ConnectParams) -> Result<Self> {
        let policy = if params.allowed_fingerprints().is_empty() {
            params.known_hosts()
        } else {
            Policy::Off
        };
        let file = match (policy, params.known_hosts_file()) {
            (Policy::Off, _) => None,
            (_, Some(path)) => Some(expand_home(path)),
            (_, None) => Some(known_hosts::default_path().ok_or_else(|| {
                Error::new(ErrorKind::InvalidParameter)
                    .with_message("there is no home folder for the known-hosts file")
                    .with_hint("give a known-hosts file, or turn known hosts off")
            })?),
        };
        Ok(Self {
            format: params.fingerprint_type(),
            target: params.fingerprint_target().clone(),
            allowed: params.allowed_fingerprints().clone(),
            policy,
            file,
            name: Name::new(&params.server().to_string(), params.port()),
        })
    }

    /// The types of the keys known for the server, so that it can be asked for one of them.
    pub(super) async fn known_types(&self) -> Result<Vec<String>> {
        if self.file.is_none() {
            return Ok(Vec::new());
        }
        let this = self.clone();
        blocking(move || {
            let known = this.read()?;
            Ok(known
                .types(&this.name)
                .into_iter()
                .map(str::to_owned)
                .collect())
        })
        .await
    }

    /// Sets the hash into the target, and then judges the key.
    ///
    /// # Errors
    /// [`ErrorKind::HostKeyNotTrusted`], or [`ErrorKind::Io`] if the known-hosts file fails.
    pub(super) async fn judge(&self, key: &Presented) -> Result<Accepted> {
        let seen = Fingerprint::compute(self.format, &key.blob);
        self.target.set(seen.clone());
        let (this, key) = (self.clone(), key.clone());
        blocking(move || this.decide(&key, seen)).await
    }

    fn decide(&self, key: &Presented, seen: Fingerprint) -> Result<Accepted> {
        let mut warnings = Vec::new();
        let check = if !self.allowed.is_empty() {
            if !self.allowed.allows(&key.blob) {
                return Err(refuse(HostKeyProblem::NotInAllowedList, seen));
            }
            HostKeyCheck::AllowedList
        } else if self.policy == Policy::Off {
            warnings.push(format!(
                "the host key was not checked: no allowed fingerprints and no known hosts ({} {seen})",
                key.algorithm
            ));
            HostKeyCheck::NotChecked
        } else {
            self.look_up(key, &seen, &mut warnings)?
        };
        Ok(Accepted {
            report: HostKeyReport::new(key.algorithm.clone(), seen, check),
            warnings,
        })
    }

    fn look_up(
        &self,
        key: &Presented,
        seen: &Fingerprint,
        warnings: &mut Vec<String>,
    ) -> Result<HostKeyCheck> {
        let verdict = self.read()?.judge(&self.name, &key.algorithm, &key.blob);
        match verdict {
            Verdict::Known => return Ok(HostKeyCheck::KnownHosts),
            Verdict::Revoked => return Err(refuse(HostKeyProblem::Revoked, seen.clone())),
            Verdict::Changed { line } => {
                let file = self.file_name();
                return Err(
                    refuse(HostKeyProblem::Changed, seen.clone()).with_message(format!(
                        "host key changed: {file} line {line} has another {} key than {seen}",
                        key.algorithm
                    )),
                );
            }
            Verdict::OtherType(types) if self.policy == Policy::Strict => {
                return Err(refuse(HostKeyProblem::Unknown, seen.clone()).with_message(format!(
                    "host key unknown: the server showed {} {seen}, and only {} is known for it",
                    key.algorithm,
                    types.join(", ")
                )));
            }
            Verdict::OtherType(types) => warnings.push(format!(
                "the server showed a new host key of type {}, while {} was known for it",
                key.algorithm,
                types.join(", ")
            )),
            Verdict::Unknown if self.policy == Policy::Strict => {
                return Err(refuse(HostKeyProblem::Unknown, seen.clone()));
            }
            Verdict::Unknown => {}
        }
        if let Some(path) = &self.file
            && let Err(error) = known_hosts::remember(path, &self.name, &key.algorithm, &key.blob)
        {
            // A home that cannot be written is no reason to refuse a server that the policy accepts.
            warnings.push(format!(
                "the host key could not be remembered in {}: {error}",
                self.file_name()
            ));
        }
        Ok(HostKeyCheck::AcceptedNew)
    }

    fn read(&self) -> Result<KnownHosts> {
        let Some(path) = &self.file else {
            return Ok(KnownHosts::default());
        };
        KnownHosts::read(path).map_err(|error| {
            Error::new(ErrorKind::Io)
                .with_message(format!("known-hosts file {}: {error}", path.display()))
                .with_hint("make the known-hosts file readable, or give another one")
                .with_source(error)
        })
    }

    fn file_name(&self) -> String {
        self.file
            .as_ref()
            .map(|path| path.display().to_string())
            .unwrap_or_default()
    }
}

fn refuse(problem: HostKeyProblem, seen: Fingerprint) -> Error {
    Error::new(ErrorKind::HostKeyNotTrusted { problem, seen }).with_operation(Operation::Connect)
}

/// `~/…` is how people write the path; nothing but a shell would expand it.
fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorKind::Io).with_source(error))?
}
