//! The certificate that shows a server who the client is, as the parameters' files hold it.
//!
//! PEM files with the chain and the key, together or apart, and PKCS #12 files (RFC 7292) with both. What is
//! encrypted is opened by the key's passphrase: PKCS #12, and PKCS #8 by PBES2 (RFC 8018), which is what OpenSSL
//! writes today. Other keys are left to the TLS library as they are.

use ftp_connect_core::{ConnectParams, Error, ErrorKind, Result, Secret};
use p12_keystore::Pkcs12Archive;
use pkcs8::EncryptedPrivateKeyInfoRef;
use x509_parser::pem::Pem;

use crate::certificate::{parse, parse_certificates, read_file};

/// What proves the client to a server that asks for it.
#[derive(Debug)]
pub struct ClientCertificate {
    /// The certificate and the chain after it, each as DER.
    pub chain: Vec<Vec<u8>>,
    /// The key that goes with it.
    pub key: ClientKey,
    /// The file that has the key, for errors.
    pub key_file: String,
}

/// A client's private key.
#[derive(Debug)]
pub enum ClientKey {
    /// As PKCS #8, DER.
    Pkcs8(Secret<Vec<u8>>),
    /// Any other key: the text of its PEM file, for the TLS library.
    Pem(Secret<Vec<u8>>),
}

/// Reads the client's certificate and key, if the parameters name them.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] if there is a key alone or no certificate, [`ErrorKind::KeyUnusable`] if the key
/// cannot be read or opened.
pub fn read(params: &ConnectParams) -> Result<Option<ClientCertificate>> {
    let tls = params.tls();
    let Some(file) = &tls.client_certificate_file else {
        return match tls.client_key_file {
            None => Ok(None),
            Some(_) => Err(Error::new(ErrorKind::InvalidParameter)
                .with_message("a client key without a client certificate")
                .with_hint("give the client's certificate file as well")),
        };
    };
    let bytes = Secret::new(read_file(
        file,
        "client certificate",
        ErrorKind::InvalidParameter,
    )?);
    let passphrase = params.key_passphrase();
    if bytes.expose().first() == Some(&DER_SEQUENCE) {
        return from_pkcs12(file, bytes.expose(), passphrase).map(Some);
    }
    let chain = parse_certificates(bytes.expose(), file, "client certificate")?;
    // One file may hold both.
    let (file, text) = match &tls.client_key_file {
        None => (file, bytes),
        Some(file) => {
            let text = read_file(file, "client key", ErrorKind::KeyUnusable)?;
            (file, Secret::new(text))
        }
    };
    let key = match decrypted(file, text.expose(), passphrase)? {
        Some(der) => ClientKey::Pkcs8(der),
        None => ClientKey::Pem(text),
    };
    Ok(Some(ClientCertificate {
        chain,
        key,
        key_file: file.clone(),
    }))
}

/// The error for a key that belongs to another certificate, with what the library says of it.
pub fn key_of_another(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::KeyUnusable)
        .with_message("client certificate and key do not go together")
        .with_source(cause)
}

/// The error for a file without a key that the library can read.
pub fn no_key(file: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    unusable(
        file,
        "holds no private key",
        "give a PEM file with a PKCS #8, PKCS #1 or SEC 1 private key",
    )
    .with_source(cause)
}

/// The error for a file that did not open, by a passphrase or for want of one.
pub fn locked(
    file: &str,
    passphrase: Option<&Secret>,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    match passphrase {
        None => unusable(file, "is encrypted", "give the key's passphrase"),
        Some(_) => unusable(
            file,
            "does not open with this passphrase",
            "check the passphrase",
        ),
    }
    .with_source(cause)
}

/// The error for a key in a file, with why it is of no use.
pub fn unusable(file: &str, why: &str, hint: &str) -> Error {
    Error::new(ErrorKind::KeyUnusable)
        .with_message(format!("client key {file:?} {why}"))
        .with_hint(hint)
}

fn from_pkcs12(file: &str, bytes: &[u8], passphrase: Option<&Secret>) -> Result<ClientCertificate> {
    use p12_keystore::error::Error as Cause;
    let given = passphrase.map_or("", |given| given.expose());
    let archive = Pkcs12Archive::from_pkcs12(bytes, given).map_err(|error| match error {
        Cause::MacError(_) | Cause::UnpadError | Cause::Pkcs5Error(_) => {
            locked(file, passphrase, error)
        }
        _ => unusable(
            file,
            "is no PKCS #12 file that can be read",
            "export it again, or convert it by `openssl pkcs12 -in FILE -out FILE.pem -nodes`",
        )
        .with_source(error),
    })?;
    let Some(key) = archive.keys.first() else {
        return Err(unusable(
            file,
            "holds no private key",
            "export the certificate together with its key",
        ));
    };
    let owner = |certificate: &&p12_keystore::CertificateBag| {
        let of_key = key.local_key_id.as_ref().map(AsRef::as_ref);
        of_key.is_some() && certificate.local_key_id.as_deref() == of_key
    };
    // Without the mark that says so, the first is the client's own.
    let own = archive
        .certs
        .iter()
        .find(owner)
        .or_else(|| archive.certs.first());
    let Some(own) = own else {
        return Err(Error::new(ErrorKind::InvalidParameter)
            .with_message(format!("client certificate {file:?} holds no certificate"))
            .with_hint("export the key together with its certificate"));
    };
    let others = archive.certs.iter().map(|bag| bag.cert.as_der());
    Ok(ClientCertificate {
        chain: chain(own.cert.as_der(), others.collect()),
        key: ClientKey::Pkcs8(Secret::new(key.key.as_der().to_vec())),
        key_file: file.to_owned(),
    })
}

/// A certificate and its issuers, as far as they are at hand.
fn chain(own: &[u8], others: Vec<&[u8]>) -> Vec<Vec<u8>> {
    let mut chain = vec![own.to_vec()];
    while let Some(last) = chain.last().and_then(|der| parse(der)) {
        let issuer = others.iter().find(|der| {
            let is_issuer = |other: x509_parser::certificate::X509Certificate<'_>| {
                other.subject().as_raw() == last.issuer().as_raw()
            };
            parse(der).is_some_and(is_issuer) && !chain.iter().any(|known| known == *der)
        });
        match issuer {
            Some(issuer) => chain.push(issuer.to_vec()),
            None => break,
        }
    }
    chain
}

/// The key of an `ENCRYPTED PRIVATE KEY` block; `None` if there is none that can be opened here.
fn decrypted(
    file: &str,
    text: &[u8],
    passphrase: Option<&Secret>,
) -> Result<Option<Secret<Vec<u8>>>> {
    let Some(block) = Pem::iter_from_buffer(text)
        .filter_map(Result::ok)
        .find(|block| block.label == "ENCRYPTED PRIVATE KEY")
    else {
        return Ok(None);
    };
    let Ok(encrypted) = EncryptedPrivateKeyInfoRef::try_from(&*block.contents) else {
        return Ok(None);
    };
    let given = passphrase.map_or("", |given| given.expose());
    match encrypted.decrypt(given) {
        Ok(key) => Ok(Some(Secret::new(key.as_bytes().to_vec()))),
        Err(pkcs8::Error::EncryptedPrivateKey(
            pkcs8::pkcs5::Error::NoPbes1CryptSupport
            | pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. },
        )) => Ok(None),
        Err(error) => Err(locked(file, passphrase, error)),
    }
}

/// How every PKCS #12 file begins, and no PEM file does.
const DER_SEQUENCE: u8 = 0x30;
