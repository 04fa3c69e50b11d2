//! Keys that open, and texts that do not: each with the words a user sees.

use russh::keys::{
    Algorithm,
    key::safe_rng,
    ssh_key::{EcdsaCurve, LineEnding},
};

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../tests/fixtures/keys/", $name))
    };
}

const RSA: &str = fixture!("rsa.pem");
const RSA_FINGERPRINT: &str = "SHA256:RVbmO5kaBqgOnRJ8kHSlOVtAm51NOFPkOzZnv0mVf6A";
const EC_FINGERPRINT: &str = "SHA256:TJ2TjrwtM3fFfCT9dmVGMNvEHFTGH2Z0cbVcMxUfXXE";
const DSA_FINGERPRINT: &str = "SHA256:729HhDQlAN62ffipWYwhUwcEPUSUc3b2wfV5xvSvQkU";

#[track_caller]
fn check_opens(text: &str, passphrase: Option<&str>, fingerprint: &str) {
    let (key, encrypted) = open(text.as_bytes(), passphrase).unwrap();
    let found = key.public_key().fingerprint(Default::default()).to_string();
    assert_eq!(found, fingerprint);
    assert_eq!(encrypted, text.contains("ENCRYPTED"));
}

#[track_caller]
fn check_refused(text: &[u8], passphrase: Option<&str>, message: &str, hint: &str) {
    let error = open(text, passphrase).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::KeyUnusable);
    let told = error.to_string();
    assert!(told.contains(message), "{told}");
    assert!(!told.contains('\n'), "{told}");
    let hinted = error.hint().unwrap_or_default();
    assert!(hinted.contains(hint), "{told}: {hinted}");
}

#[test]
fn pem_keys_open_whatever_their_cipher() {
    check_opens(RSA, None, RSA_FINGERPRINT);
    check_opens(fixture!("rsa-aes192.pem"), Some("sesame"), RSA_FINGERPRINT);
    check_opens(fixture!("rsa-des3.pem"), Some("sesame"), RSA_FINGERPRINT);
    check_opens(fixture!("ec.pem"), None, EC_FINGERPRINT);
    check_opens(fixture!("ec-aes256.pem"), Some("sesame"), EC_FINGERPRINT);
    check_opens(fixture!("dsa.pem"), None, DSA_FINGERPRINT);
    check_opens(fixture!("dsa-aes128.pem"), Some("sesame"), DSA_FINGERPRINT);
}

#[test]
fn a_passphrase_that_is_not_needed_does_no_harm() {
    check_opens(RSA, Some("whatever"), RSA_FINGERPRINT);
}

#[test]
fn pasted_text_is_forgiven() {
    let lines: Vec<&str> = RSA.lines().collect();
    check_opens(&lines.join("\r\n"), None, RSA_FINGERPRINT);
    check_opens(&lines.join("\r"), None, RSA_FINGERPRINT);
    check_opens(&format!("\u{feff}{RSA}"), None, RSA_FINGERPRINT);
    check_opens(RSA.trim_end(), None, RSA_FINGERPRINT);
    check_opens(&format!("\n \n  {RSA}\n\n"), None, RSA_FINGERPRINT);
    check_opens(&lines.join("  \n    "), None, RSA_FINGERPRINT);
    check_opens(&format!("Bag Attributes\n{RSA}"), None, RSA_FINGERPRINT);
}

#[test]
fn openssh_keys_open() {
    for algorithm in [
        Algorithm::Ed25519,
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP384,
        },
    ] {
        let key = PrivateKey::random(&mut safe_rng(), algorithm).unwrap();
        let fingerprint = key.public_key().fingerprint(Default::default()).to_string();
        let plain = key.to_openssh(LineEnding::CRLF).unwrap();
        check_opens(&plain, None, &fingerprint);
        let locked = key.encrypt(&mut safe_rng(), "sesame").unwrap();
        let locked = locked.to_openssh(LineEnding::LF).unwrap();
        let (opened, encrypted) = open(locked.as_bytes(), Some("sesame")).unwrap();
        assert!(encrypted);
        assert_eq!(opened.public_key().key_data(), key.public_key().key_data());
        check_refused(
            locked.as_bytes(),
            Some("wrong"),
            "does not open the key (OpenSSH, aes256-ctr)",
            "passphrase",
        );
        check_refused(
            locked.as_bytes(),
            None,
            "no passphrase was given",
            "passphrase",
        );
        check_refused(
            locked.as_bytes(),
            Some(""),
            "no passphrase was given",
            "passphrase",
        );
    }
}

#[test]
fn a_wrong_passphrase_is_told_from_an_unknown_cipher() {
    let wrong = "the passphrase does not open the key";
    check_refused(
        fixture!("rsa-des3.pem").as_bytes(),
        Some("x"),
        wrong,
        "passphrase",
    );
    check_refused(
        fixture!("ec-aes256.pem").as_bytes(),
        Some("x"),
        wrong,
        "passphrase",
    );
    check_refused(
        fixture!("dsa-aes128.pem").as_bytes(),
        Some("x"),
        wrong,
        "passphrase",
    );
    check_refused(
        fixture!("rsa-camellia.pem").as_bytes(),
        Some("sesame"),
        "encryption is not supported: RSA PEM, CAMELLIA-256-CBC",
        "ssh-keygen -p",
    );
    check_refused(
        fixture!("rsa-pbes1.pem").as_bytes(),
        Some("sesame"),
        "encryption is not supported: PKCS#8, PBES1",
        "ssh-keygen -p",
    );
    check_refused(
        fixture!("dsa-pkcs8.pem").as_bytes(),
        None,
        "DSA keys in PKCS#8 are not supported",
        "openssl pkey -traditional",
    );
}

#[test]
fn what_is_no_private_key_is_named() {
    let private = "give the private key";
    let public = "this is a public key";
    check_refused(
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me@here\n",
        None,
        public,
        private,
    );
    check_refused(b"ecdsa-sha2-nistp256 AAAA", None, public, private);
    check_refused(
        b"-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
        None,
        public,
        private,
    );
    check_refused(
        b"-----BEGIN RSA PUBLIC KEY-----\nMFkw\n-----END RSA PUBLIC KEY-----\n",
        None,
        public,
        private,
    );
    check_refused(
        b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----",
        None,
        public,
        private,
    );
    check_refused(
        b"ssh-ed25519-cert-v01@openssh.com AAAA me",
        None,
        "an OpenSSH certificate",
        private,
    );
    check_refused(
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        None,
        "an X.509 certificate",
        private,
    );
    check_refused(
        b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n",
        None,
        "format of ssh.com",
        "PuTTYgen",
    );
    check_refused(
        b"PuTTY-User-Key-File-1: ssh-rsa\n",
        None,
        "of version 1",
        "PuTTYgen",
    );
    check_refused(
        b"PuTTY-User-Key-File-3: ssh-ed448\nEncryption: none\n",
        None,
        "\"ssh-ed448\" are not supported",
        "ed25519",
    );
    check_refused(b"", None, "empty", "private key");
    check_refused(b" \r\n\n", None, "empty", "private key");
    check_refused(
        b"/home/me/.ssh/id_rsa",
        None,
        "looks like a path",
        "ssh-key-file",
    );
    check_refused(b"hello", None, "no private key", "-----BEGIN");
    check_refused(b"\x30\x82\x01\x00\xff", None, "binary", "PEM");
}

#[test]
fn a_damaged_key_is_told_from_a_locked_one() {
    let cut: String = RSA
        .lines()
        .take(5)
        .map(|line| format!("{line}\n"))
        .collect();
    check_refused(cut.as_bytes(), None, "cut off", "copy the whole key");
    let missing_line: Vec<&str> = RSA
        .lines()
        .enumerate()
        .filter_map(|(n, line)| (n != 3).then_some(line))
        .collect();
    check_refused(
        missing_line.join("\n").as_bytes(),
        None,
        "cannot be decoded",
        "ssh-keygen",
    );
    let garbled = RSA.replacen("MII", "M*I", 1);
    check_refused(garbled.as_bytes(), None, "no base64", "copy the key again");
}

#[test]
fn key_files_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| read(path).unwrap_err().to_string();
    assert!(refused(&folder.path().join("none")).starts_with("there is no key file "));
    assert!(refused(folder.path()).contains("is a folder"));
    let large = folder.path().join("large");
    std::fs::File::create(&large)
        .unwrap()
        .set_len(KEY_BYTES + 1)
        .unwrap();
    assert!(refused(&large).contains("too large"));
}

#[test]
fn no_error_quotes_the_key() {
    let body = RSA.lines().nth(2).unwrap();
    for text in [
        RSA.replace("RSA PRIVATE", "EC PRIVATE"),
        RSA.replace("RSA PRIVATE", "OPENSSH PRIVATE"),
        RSA.replace("RSA PRIVATE", "PRIVATE"),
        RSA.replace("RSA PRIVATE", "ENCRYPTED PRIVATE"),
    ] {
        let error = open(text.as_bytes(), Some("sesame")).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(
            !told.contains(&body[..8]) && !told.contains("sesame"),
            "{told}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(
        label in "(OPENSSH |RSA |DSA |EC |ENCRYPTED |)PRIVATE KEY",
        head in "(DEK-Info: (AES-128-CBC|DES-EDE3-CBC|X),[0-9A-F]{0,40}\n)?",
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
    ) {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let body = BASE64_STANDARD.encode(body);
        let text = format!("-----BEGIN {label}-----\n{head}\n{body}\n-----END {label}-----\n");
        let _ = open(text.as_bytes(), None);
        let _ = open(text.as_bytes(), Some("x"));
    }
}
