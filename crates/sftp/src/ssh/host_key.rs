//! Whether the server's host key is one to trust: the allowed list, or else known hosts, or an authority
//! that known hosts name and that signed a certificate for the key.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use ftp_connect_core::{
    AllowedFingerprints, ConnectParams, Error, ErrorKind, Fingerprint, FingerprintTarget,
    FingerprintType, HostKeyCheck, HostKeyProblem, HostKeyReport, Operation, Result,
    params::KnownHosts as Policy,
};
use russh::keys::{Algorithm, Certificate, PublicKeyOrCertificate, ssh_key::certificate::CertType};

use crate::{
    keys::PublicKey,
    known_hosts::{self, KnownHosts, Name, Verdict, matches_pattern},
};

/// Everything that decides about a host key.
#[derive(Debug, Clone)]
pub(super) struct Judge {
    format: FingerprintType,
    target: FingerprintTarget,
    allowed: AllowedFingerprints,
    policy: Policy,
    /// The file to read and write, and others to read only; none where the policy is off, or the list
    /// decides.
    files: Vec<PathBuf>,
    name: Name,
    legacy: bool,
}

/// A key that was found acceptable, and what a user should know about it.
#[derive(Debug, Clone)]
pub(super) struct Accepted {
    pub(super) report: HostKeyReport,
    pub(super) warnings: Vec<String>,
}

/// What is known of the server beforehand, by which it is asked for its key.
#[derive(Debug, Clone, Default)]
pub(super) struct Expected {
    /// The types of its known keys.
    pub(super) types: Vec<String>,
    /// Whether there is an authority that may vouch for it.
    pub(super) certified: bool,
}

/// A host key as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Presented {
    pub(crate) key: PublicKey,
    certificate: Option<Certificate>,
}

impl Presented {
    pub(crate) fn new(server: &PublicKeyOrCertificate) -> Result<Self> {
        let blob = server.public_key().to_bytes().ok();
        let key = blob.and_then(|blob| PublicKey::from_blob(&blob));
        Ok(Self {
            key: key.ok_or_else(|| {
                Error::new(ErrorKind::Protocol).with_message("the server's host key cannot be read")
            })?,
            certificate: server.certificate().cloned(),
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
        let files = match (policy, params.known_hosts_file()) {
            (Policy::Off, _) => Vec::new(),
            (_, Some(path)) => vec![expand_home(path)],
            (_, None) => {
                let own = known_hosts::default_path().ok_or_else(|| {
                    Error::new(ErrorKind::InvalidParameter)
                        .with_message("there is no home folder for the known-hosts file")
                        .with_hint("give a known-hosts file, or turn known hosts off")
                })?;
                vec![own, known_hosts::system_path().to_owned()]
            }
        };
        Ok(Self {
            format: params.fingerprint_type(),
            target: params.fingerprint_target().clone(),
            allowed: params.allowed_fingerprints().clone(),
            policy,
            files,
            name: Name::new(&params.server().to_string(), params.port()),
            legacy: params.legacy(),
        })
    }

    /// What is known of the server, so that it can be asked for a key that can be checked.
    pub(super) async fn expected(&self) -> Result<Expected> {
        if self.files.is_empty() {
            return Ok(Expected::default());
        }
        let this = self.clone();
        blocking(move || {
            let mut expected = Expected::default();
            for (_, known) in this.read()? {
                let types = known.types(&this.name).into_iter().map(str::to_owned);
                expected.types.extend(types);
                expected.certified |= known.authorities(&this.name).next().is_some();
            }
            Ok(expected)
        })
        .await
    }

    /// Sets the hash into the target, and then judges the key.
    ///
    /// # Errors
    /// [`ErrorKind::HostKeyNotTrusted`], or [`ErrorKind::Io`] if the known-hosts file fails.
    pub(super) async fn judge(&self, presented: &Presented) -> Result<Accepted> {
        let seen = presented.key.fingerprint(self.format);
        self.target.set(seen.clone());
        let (this, presented) = (self.clone(), presented.clone());
        blocking(move || this.decide(&presented, seen)).await
    }

    fn decide(&self, presented: &Presented, seen: Fingerprint) -> Result<Accepted> {
        let key = &presented.key;
        let mut warnings = Vec::new();
        let check = if !self.allowed.is_empty() {
            if !self.allowed.allows(key.blob()) {
                return Err(refuse(HostKeyProblem::NotInAllowedList, seen));
            }
            HostKeyCheck::AllowedList
        } else if self.policy == Policy::Off {
            warnings.push(format!(
                "the host key was not checked: no allowed fingerprints and no known hosts ({} {seen})",
                key.algorithm()
            ));
            HostKeyCheck::NotChecked
        } else {
            self.look_up(presented, &seen, &mut warnings)?
        };
        Ok(Accepted {
            report: HostKeyReport::new(key.algorithm(), seen, check),
            warnings,
        })
    }

    fn look_up(
        &self,
        presented: &Presented,
        seen: &Fingerprint,
        warnings: &mut Vec<String>,
    ) -> Result<HostKeyCheck> {
        let known = self.read()?;
        if let Some(certificate) = &presented.certificate
            && self.is_vouched_for(certificate, presented, &known, seen)?
        {
            return Ok(HostKeyCheck::CertificateAuthority);
        }
        let key = &presented.key;
        let (path, verdict) = self.verdict(key, &known);
        self.settle(verdict, &path, key, seen, warnings)?
            .map_or_else(|| self.remember(key, seen, warnings), Ok)
    }

    /// What a verdict means under the policy; `None` if the key is new and acceptable.
    fn settle(
        &self,
        verdict: Verdict,
        path: &std::path::Path,
        key: &PublicKey,
        seen: &Fingerprint,
        warnings: &mut Vec<String>,
    ) -> Result<Option<HostKeyCheck>> {
        let algorithm = key.algorithm();
        match verdict {
            Verdict::Known => Ok(Some(HostKeyCheck::KnownHosts)),
            Verdict::Revoked => Err(refuse(HostKeyProblem::Revoked, seen.clone())),
            Verdict::Changed { line } => {
                let file = path.display();
                Err(
                    refuse(HostKeyProblem::Changed, seen.clone()).with_message(format!(
                        "host key changed: {file} line {line} has another {algorithm} key than {seen}"
                    )),
                )
            }
            Verdict::OtherType(types) if self.policy == Policy::Strict => Err(refuse(
                HostKeyProblem::OtherType,
                seen.clone(),
            )
            .with_message(format!(
                "host key of another type: the server showed {algorithm} {seen}, and only {} is \
                         known for it",
                types.join(", ")
            ))),
            Verdict::OtherType(types) => {
                warnings.push(format!(
                    "the server showed a new host key of type {algorithm}, while {} was known for it",
                    types.join(", ")
                ));
                Ok(None)
            }
            Verdict::Unknown if self.policy == Policy::Strict => {
                Err(refuse(HostKeyProblem::Unknown, seen.clone()))
            }
            Verdict::Unknown => Ok(None),
        }
    }

    fn remember(
        &self,
        key: &PublicKey,
        seen: &Fingerprint,
        warnings: &mut Vec<String>,
    ) -> Result<HostKeyCheck> {
        let Some(path) = self.files.first() else {
            return Ok(HostKeyCheck::AcceptedNew);
        };
        match known_hosts::remember(path, &self.name, key) {
            Ok(Verdict::Known) => {}
            // Another program wrote another key meanwhile.
            Ok(verdict) => {
                self.settle(verdict, path, key, seen, warnings)?;
            }
            // A home that cannot be written is no reason to refuse a server that the policy accepts.
            Err(error) => warnings.push(format!(
                "the host key could not be remembered in {}: {error}",
                path.display()
            )),
        }
        Ok(HostKeyCheck::AcceptedNew)
    }

    /// The verdict of all files together, and the one it comes from.
    fn verdict(&self, key: &PublicKey, known: &[(PathBuf, KnownHosts)]) -> (PathBuf, Verdict) {
        let weight = |verdict: &Verdict| match verdict {
            Verdict::Revoked => 4,
            Verdict::Known => 3,
            Verdict::Changed { .. } => 2,
            Verdict::OtherType(_) => 1,
            Verdict::Unknown => 0,
        };
        known
            .iter()
            .map(|(path, known)| (path.clone(), known.judge(&self.name, key)))
            .max_by_key(|(_, verdict)| weight(verdict))
            .unwrap_or_else(|| (PathBuf::new(), Verdict::Unknown))
    }

    /// Whether an authority that is known for the server signed this certificate (PROTOCOL.certkeys of
    /// OpenSSH).
    ///
    /// # Errors
    /// The authority is known, and the certificate is not good.
    fn is_vouched_for(
        &self,
        certificate: &Certificate,
        presented: &Presented,
        known: &[(PathBuf, KnownHosts)],
        seen: &Fingerprint,
    ) -> Result<bool> {
        let signer = russh::keys::PublicKey::from(certificate.signature_key().clone());
        let signer = signer.to_bytes().ok();
        let Some(signer) = signer.and_then(|blob| PublicKey::from_blob(&blob)) else {
            return Ok(false);
        };
        let revoked = known.iter().any(|(_, known)| {
            known.is_revoked(&self.name, &presented.key) || known.is_revoked(&self.name, &signer)
        });
        if revoked {
            return Err(refuse(HostKeyProblem::Revoked, seen.clone()));
        }
        let mut authorities = known
            .iter()
            .flat_map(|(_, known)| known.authorities(&self.name));
        if !authorities.any(|authority| authority == &signer) {
            return Ok(false);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_secs());
        match objection(certificate, self.name.host(), now, self.legacy) {
            None => Ok(true),
            Some(why) => Err(refuse(HostKeyProblem::CertificateInvalid, seen.clone())
                .with_message(format!(
                    "host certificate {:?} is not good: {why}",
                    certificate.key_id().replace(char::is_control, " ")
                ))),
        }
    }

    fn read(&self) -> Result<Vec<(PathBuf, KnownHosts)>> {
        let read = |path: &PathBuf| match KnownHosts::read(path) {
            Ok(known) => Ok((path.clone(), known)),
            // Nobody chose the machine's own file.
            Err(_) if path == known_hosts::system_path() => {
                Ok((path.clone(), KnownHosts::default()))
            }
            Err(error) => Err(Error::new(ErrorKind::Io)
                .with_message(format!("known-hosts file {}: {error}", path.display()))
                .with_hint("make the known-hosts file readable, or give another one")
                .with_source(error)),
        };
        self.files.iter().map(read).collect()
    }
}

/// What is wrong with a certificate from a known authority, for this host at this time (seconds of Unix).
fn objection(certificate: &Certificate, host: &str, now: u64, legacy: bool) -> Option<String> {
    if certificate.cert_type() != CertType::Host {
        return Some("it is a user's".to_owned());
    }
    let outdated = matches!(
        certificate.signature().algorithm(),
        Algorithm::Rsa { hash: None } | Algorithm::Dsa
    );
    if outdated && !legacy {
        return Some(
            "it is signed by SHA-1, which only the parameter legacy (`--legacy`) allows".to_owned(),
        );
    }
    if certificate.verify_signature().is_err() {
        return Some("its signature is wrong".to_owned());
    }
    if now < certificate.valid_after() {
        return Some("its time has not come".to_owned());
    }
    if now >= certificate.valid_before() {
        return Some("its time is over".to_owned());
    }
    if let Some((name, _)) = certificate.critical_options().iter().next() {
        return Some(format!(
            "it has the option {:?}, which is not known",
            name.replace(char::is_control, " ")
        ));
    }
    let names = certificate.valid_principals();
    // A certificate without names is good for all.
    if !names.is_empty() && !names.iter().any(|name| matches_pattern(name, host)) {
        let names = names.join(", ").replace(char::is_control, " ");
        return Some(format!("it is for {names}"));
    }
    None
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

#[cfg(test)]
mod tests {
    use russh::keys::{
        PrivateKey,
        key::safe_rng,
        ssh_key::certificate::{Builder, CertType},
    };

    use super::*;

    /// A certificate for a new host key, with what the test wants of it, signed by a new authority.
    fn certificate(kind: CertType, shape: impl FnOnce(&mut Builder)) -> Certificate {
        let new = || PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
        let host = new();
        let mut builder = Builder::new_with_random_nonce(
            &mut safe_rng(),
            host.public_key().clone(),
            1_000,
            2_000,
        )
        .unwrap();
        builder.cert_type(kind).unwrap();
        builder.key_id("a host").unwrap();
        shape(&mut builder);
        builder.sign(&new()).unwrap()
    }

    fn for_names(names: &'static [&'static str]) -> impl FnOnce(&mut Builder) {
        move |builder| {
            for name in names {
                builder.valid_principal(*name).unwrap();
            }
        }
    }

    #[track_caller]
    fn check(certificate: &Certificate, host: &str, now: u64, expected: Option<&str>) {
        let found = objection(certificate, host, now, false);
        assert_eq!(found.as_deref(), expected, "{host} {now}");
    }

    #[test]
    fn a_certificate_is_for_its_hosts_and_its_time() {
        let good = certificate(CertType::Host, for_names(&["a.example", "*.example.org"]));
        check(&good, "a.example", 1_000, None);
        check(&good, "A.Example", 1_999, None);
        check(&good, "b.example.org", 1_500, None);
        check(&good, "a.example", 999, Some("its time has not come"));
        check(&good, "a.example", 2_000, Some("its time is over"));
        let other = Some("it is for a.example, *.example.org");
        check(&good, "b.example", 1_500, other);
    }

    #[test]
    fn a_certificate_that_is_no_hosts_or_has_unknown_options_is_refused() {
        let user = certificate(CertType::User, for_names(&["a"]));
        check(&user, "a", 1_500, Some("it is a user's"));
        let option = certificate(CertType::Host, |builder| {
            builder.valid_principal("a").unwrap();
            builder.critical_option("strange", "").unwrap();
        });
        let told = "it has the option \"strange\", which is not known";
        check(&option, "a", 1_500, Some(told));
    }

    #[test]
    fn a_certificate_is_as_good_as_its_signature() {
        let good = certificate(CertType::Host, for_names(&["a"]));
        let mut bytes = good.to_bytes().unwrap();
        // A letter of the key's id.
        let at = bytes.windows(6).position(|part| part == b"a host").unwrap();
        bytes[at] = b'b';
        let forged = Certificate::from_bytes(&bytes).unwrap();
        check(&forged, "a", 1_500, Some("its signature is wrong"));
    }
}
