//! Chosen anew at every start: passwords, ports, the CA and the servers' certificate, host keys and user keys.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};

use serde::{Deserialize, Serialize};

use super::account::user;
use super::record::Key;
use crate::Outcome;
use crate::process::{command, quietly};

/// The files of the TLS servers and of their clients.
#[derive(Debug, Clone)]
pub(crate) struct Certificates {
    /// The CA's certificate.
    pub(crate) ca: PathBuf,
    /// The servers' certificate, for every name of loopback.
    pub(crate) server: Pair,
    /// Certificate and key in one file, as Pure-FTPd reads them.
    pub(crate) both: PathBuf,
    /// By the CA, for a name that is not loopback's.
    pub(crate) wrong_name: Pair,
    /// By the CA, of a time that is over.
    pub(crate) expired: Pair,
    /// By itself.
    pub(crate) self_signed: Pair,
    /// A user's, by the CA.
    pub(crate) client: Pair,
}

/// A certificate and its key, in PEM.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Pair {
    /// The certificate; of SSH in OpenSSH's form.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

/// A password of 24 letters and digits.
///
/// # Errors
/// No randomness.
pub(crate) fn password() -> Outcome<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    Ok(random::<24>()?
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect())
}

/// Where the search for free ports begins: below those that the system gives to whoever asks for any port.
///
/// # Errors
/// No randomness.
pub(crate) fn first_port() -> Outcome<u16> {
    Ok(20_000 + u16::from_be_bytes(random()?) % 10_000)
}

/// A CA, the certificate of the servers on loopback and this address, wrong ones, and a user's, ECDSA P-256 all of
/// them.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn certificates(folder: &Path, host: Ipv4Addr) -> Outcome<Certificates> {
    let mut ca = CertificateParams::default();
    ca.distinguished_name
        .push(DnType::CommonName, "FTP Connect lab CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;
    let ca_file = folder.join("ca.pem");
    fs::write(&ca_file, ca.pem())?;

    let loopback = || -> Outcome<CertificateParams> {
        let mut params = leaf("localhost", ExtendedKeyUsagePurpose::ServerAuth)?;
        for address in [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V4(host),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ] {
            params.subject_alt_names.push(SanType::IpAddress(address));
        }
        Ok(params)
    };
    let mut expired = loopback()?;
    expired.not_before = rcgen::date_time_ymd(2001, 1, 1);
    expired.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let elsewhere = leaf("elsewhere.example", ExtendedKeyUsagePurpose::ServerAuth)?;
    let client = leaf(user(), ExtendedKeyUsagePurpose::ClientAuth)?;

    let server = pair(folder, "server", &loopback()?, Some(&ca))?;
    let both = folder.join("server-both.pem");
    private(
        &both,
        &(fs::read_to_string(&server.key)? + &fs::read_to_string(&server.certificate)?),
    )?;
    Ok(Certificates {
        server,
        both,
        wrong_name: pair(folder, "wrong-name", &elsewhere, Some(&ca))?,
        expired: pair(folder, "expired", &expired, Some(&ca))?,
        self_signed: pair(folder, "self-signed", &loopback()?, None)?,
        client: pair(folder, "client", &client, Some(&ca))?,
        ca: ca_file,
    })
}

fn leaf(name: &str, usage: ExtendedKeyUsagePurpose) -> Outcome<CertificateParams> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Makes a key and lets the CA, or the key itself, sign its certificate.
fn pair(
    folder: &Path,
    name: &str,
    params: &CertificateParams,
    ca: Option<&CertifiedIssuer<'_, KeyPair>>,
) -> Outcome<Pair> {
    let key = KeyPair::generate()?;
    let certificate = match ca {
        Some(ca) => params.signed_by(&key, ca)?,
        None => params.self_signed(&key)?,
    };
    let files = Pair {
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
    };
    fs::write(&files.certificate, certificate.pem())?;
    private(&files.key, &key.serialize_pem())?;
    Ok(files)
}

/// Host keys of each type: type → private key, the public one beside it as `.pub`.
///
/// # Errors
/// `ssh-keygen` fails.
pub(crate) fn host_keys(folder: &Path) -> Outcome<BTreeMap<String, PathBuf>> {
    let mut keys = BTreeMap::new();
    for (algorithm, bits) in [("rsa", "2048"), ("ecdsa", "256"), ("ed25519", "256")] {
        let file = folder.join(format!("host_{algorithm}"));
        quietly(&mut keygen(algorithm, bits, &[], "", &file))?;
        keys.insert(algorithm.to_owned(), file);
    }
    Ok(keys)
}

/// User keys of each useful type and form, and the file that lets all of them in.
///
/// DSA is left out where `ssh-keygen` no longer makes it (OpenSSH 10).
///
/// # Errors
/// `ssh-keygen` fails.
pub(crate) fn user_keys(folder: &Path) -> Outcome<(Vec<Key>, PathBuf)> {
    const OPENSSH: &[&str] = &[];
    const PEM: &[&str] = &["-m", "PEM"];
    const PKCS8: &[&str] = &["-m", "PKCS8"];
    let wanted = [
        ("rsa", "2048", "pem", PEM),
        ("rsa", "2048", "pkcs8", PKCS8),
        ("rsa", "2048", "openssh", OPENSSH),
        ("ecdsa", "256", "pem", PEM),
        ("ecdsa", "256", "openssh", OPENSSH),
        ("ed25519", "256", "openssh", OPENSSH),
        ("dsa", "1024", "pem", PEM),
    ];
    let mut keys = Vec::new();
    let mut authorized = String::new();
    for (algorithm, bits, format, options) in wanted {
        for encrypted in [false, true] {
            let passphrase = if encrypted {
                password()?
            } else {
                String::new()
            };
            let ending = if encrypted { "_encrypted" } else { "" };
            let file = folder.join(format!("user_{algorithm}_{format}{ending}"));
            let made = quietly(&mut keygen(algorithm, bits, options, &passphrase, &file));
            match made {
                Err(_) if algorithm == "dsa" => continue,
                other => other?,
            };
            authorized += &fs::read_to_string(public(&file))?;
            keys.push(Key {
                algorithm: algorithm.to_owned(),
                format: format.to_owned(),
                file,
                passphrase: encrypted.then_some(passphrase),
            });
        }
    }
    let file = folder.join("authorized_keys");
    fs::write(&file, authorized)?;
    Ok((keys, file))
}

/// An authority for user certificates, and a key of the user with a certificate by it.
///
/// # Errors
/// `ssh-keygen` fails.
pub(crate) fn user_certificate(folder: &Path) -> Outcome<(PathBuf, Pair)> {
    let authority = folder.join("user_ca");
    quietly(&mut keygen("ed25519", "256", &[], "", &authority))?;
    let key = folder.join("user_certified");
    quietly(&mut keygen("ed25519", "256", &[], "", &key))?;
    quietly(
        command("ssh-keygen", &["-q", "-I", "ftp-connect-lab", "-n", user()])
            .arg("-s")
            .arg(&authority)
            .arg(public(&key)),
    )?;
    let certificate = folder.join("user_certified-cert.pub");
    Ok((public(&authority), Pair { certificate, key }))
}

/// The public half of a key that `ssh-keygen` made.
pub(crate) fn public(file: &Path) -> PathBuf {
    file.with_extension("pub")
}

fn random<const N: usize>() -> Outcome<[u8; N]> {
    let mut bytes = [0; N];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn keygen(algorithm: &str, bits: &str, options: &[&str], passphrase: &str, file: &Path) -> Command {
    let mut keygen = command("ssh-keygen", &["-q", "-t", algorithm, "-b", bits]);
    keygen
        .args(options)
        .args(["-C", "ftp-connect-lab", "-N", passphrase, "-f"])
        .arg(file);
    keygen
}

fn private(file: &Path, text: &str) -> Outcome {
    fs::write(file, text)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_passwords_differ() {
        let first = password().unwrap();
        assert_eq!(first.len(), 24);
        assert_ne!(first, password().unwrap());
    }
}
