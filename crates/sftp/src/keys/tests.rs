//! Keys that open, and texts that do not: each with the words a user sees.
//!
//! The keys in `tests/fixtures/keys` were made for these tests with OpenSSL, ssh-keygen and PuTTYgen; the
//! passphrase of all that have one is `sesame`.

use std::path::Path;

use ftp_connect_core::FingerprintType;
use russh::keys::signature::{Signer as _, Verifier};

use super::*;

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keys");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

const RSA: &str = "SHA256:RVbmO5kaBqgOnRJ8kHSlOVtAm51NOFPkOzZnv0mVf6A";
const DSA: &str = "SHA256:Iljhq1Sf3LgVUIM0umH5MIO1oAf1iHBHd3cMw2Tt+vA";
const EC: &str = "SHA256:TJ2TjrwtM3fFfCT9dmVGMNvEHFTGH2Z0cbVcMxUfXXE";
const EC384: &str = "SHA256:5CPTWwVo3J/fmVhBLmKmvfTqzurTmRL3TF44hZSFpVY";
const EC521: &str = "SHA256:gRlzKfuDT73ouz2IubWWZqU8tMMlS8hjqa0xMno12Ig";
const ED25519: &str = "SHA256:YLWuoB8PklB7yPv9Lorg/xSCGr3BdtS8TWd9Q60mUH4";

fn open(text: &[u8], passphrase: Option<&str>) -> Result<PrivateKey> {
    PrivateKey::open(text, passphrase.map(Secret::from).as_ref())
}

#[track_caller]
fn check_text(text: &str, fingerprint: &str) {
    let key = open(text.as_bytes(), None).unwrap();
    let found = key.public().fingerprint(FingerprintType::Sha256);
    assert_eq!(found.to_string(), fingerprint);
    assert!(key.can_sign() && !key.was_encrypted());
}

/// The key opens and signs, and if it is encrypted, then with its passphrase alone.
#[track_caller]
fn check_opens(name: &str, form: &str, fingerprint: &str) {
    let text = fixture(name);
    let key = open(text.as_bytes(), Some("sesame")).unwrap();
    let found = key.public().fingerprint(FingerprintType::Sha256);
    assert_eq!(found.to_string(), fingerprint, "{name}");
    assert_eq!(key.form(), form, "{name}");
    let signing = key.signing.as_ref().unwrap();
    let signature = signing.try_sign(b"a text").unwrap();
    Verifier::verify(signing.public_key(), b"a text", &signature).unwrap();
    assert_eq!(key.was_encrypted(), form.contains(','), "{name}");
    if !key.was_encrypted() {
        check_text(&text, fingerprint);
        return;
    }
    let bytes = text.as_bytes();
    let told = format!("the key ({form}) is encrypted and no passphrase was given");
    check_refused(bytes, None, &told, "passphrase");
    check_refused(bytes, Some(""), &told, "passphrase");
    let told = format!("the passphrase does not open the key ({form})");
    check_refused(bytes, Some("wrong"), &told, "check the passphrase");
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
    check_opens("rsa.pem", "RSA PEM", RSA);
    check_opens("rsa-aes128.pem", "RSA PEM, AES-128-CBC", RSA);
    check_opens("rsa-aes192.pem", "RSA PEM, AES-192-CBC", RSA);
    check_opens("rsa-des3.pem", "RSA PEM, DES-EDE3-CBC", RSA);
    check_opens("rsa-des.pem", "RSA PEM, DES-CBC", RSA);
    check_opens("dsa.pem", "DSA PEM", DSA);
    check_opens("dsa-aes128.pem", "DSA PEM, AES-128-CBC", DSA);
    check_opens("dsa-des3.pem", "DSA PEM, DES-EDE3-CBC", DSA);
    check_opens("ec.pem", "EC PEM", EC);
    check_opens("ec-explicit.pem", "EC PEM", EC);
    check_opens("ec-aes256.pem", "EC PEM, AES-256-CBC", EC);
}

#[test]
fn pkcs8_keys_open_whatever_their_scheme() {
    let pss = "SHA256:PltDyvAKpCUHlWr/XMBFGrMPw1JdEwEkArBmkk3UXRM";
    let ed25519 = "SHA256:SgG4rzCCEgJVLMutvbmwpcdDZPoF3y/ovXGFtDUDu9E";
    check_opens("rsa-pkcs8.pem", "PKCS#8", RSA);
    check_opens("rsa-pss.pem", "PKCS#8", pss);
    check_opens("dsa-pkcs8.pem", "PKCS#8", DSA);
    check_opens("ec-pkcs8.pem", "PKCS#8", EC);
    check_opens("ed25519-pkcs8.pem", "PKCS#8", ed25519);
    check_opens("dsa-pbes2.pem", "PKCS#8, PBES2 with AES-256-CBC", DSA);
    check_opens(
        "ec-scrypt.pem",
        "PKCS#8, PBES2 with scrypt and AES-256-CBC",
        EC,
    );
    for (name, cipher) in [
        ("aes128", "AES-128-CBC"),
        ("aes-192-cbc", "AES-192-CBC"),
        ("aes256", "AES-256-CBC"),
        ("des3", "DES-EDE3-CBC"),
        ("des", "DES-CBC"),
        ("rc2", "RC2-CBC"),
        ("rc2-40-cbc", "RC2-CBC"),
        ("rc2-64-cbc", "RC2-CBC"),
        ("hmacwithsha1", "AES-256-CBC"),
        ("hmacwithsha384", "AES-256-CBC"),
        ("hmacwithsha512", "AES-256-CBC"),
        ("hmacwithsha512-256", "AES-256-CBC"),
    ] {
        let form = format!("PKCS#8, PBES2 with {cipher}");
        check_opens(&format!("ec-pbes2-{name}.pem"), &form, EC);
    }
    for (name, form) in [
        ("md5-des", "PBES1 with DES-CBC"),
        ("md5-rc2-64", "PBES1 with RC2-CBC"),
        ("sha1-des", "PBES1 with DES-CBC"),
        ("sha1-rc2-64", "PBES1 with RC2-CBC"),
        ("sha1-3des", "PKCS#12 encryption with DES-EDE3-CBC"),
        ("sha1-2des", "PKCS#12 encryption with DES-EDE-CBC"),
        ("sha1-rc2-128", "PKCS#12 encryption with RC2-CBC"),
        ("sha1-rc2-40", "PKCS#12 encryption with RC2-CBC"),
        ("sha1-rc4-128", "PKCS#12 encryption with RC4"),
        ("sha1-rc4-40", "PKCS#12 encryption with RC4"),
    ] {
        let form = format!("PKCS#8, {form}");
        check_opens(&format!("ec-pbe-{name}.pem"), &form, EC);
    }
}

#[test]
fn openssh_keys_open_whatever_their_cipher() {
    check_opens("rsa.openssh", "OpenSSH", RSA);
    check_opens("dsa.openssh", "OpenSSH", DSA);
    check_opens("ec.openssh", "OpenSSH", EC);
    check_opens("ec384.openssh", "OpenSSH", EC384);
    check_opens("ec521.openssh", "OpenSSH", EC521);
    check_opens("ed25519", "OpenSSH", ED25519);
    for cipher in [
        "aes128-cbc",
        "aes192-cbc",
        "aes256-cbc",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
        "3des-cbc",
    ] {
        let form = format!("OpenSSH, {cipher}");
        check_opens(&format!("ed25519-{cipher}"), &form, ED25519);
    }
    for cipher in ["aes128-gcm", "aes256-gcm", "chacha20-poly1305"] {
        let form = format!("OpenSSH, {cipher}@openssh.com");
        check_opens(&format!("ed25519-{cipher}"), &form, ED25519);
    }
    // PuTTYgen pads to 16 bytes, whatever the cipher.
    check_opens("ed25519-puttygen-plain", "OpenSSH", ED25519);
    check_opens("ed25519-puttygen", "OpenSSH, aes256-ctr", ED25519);
}

#[test]
fn putty_keys_open() {
    check_opens("rsa-v3.ppk", "PuTTY version 3", RSA);
    check_opens("dsa-v3.ppk", "PuTTY version 3", DSA);
    check_opens("ec-v2.ppk", "PuTTY version 2", EC);
    check_opens("ec-v3.ppk", "PuTTY version 3", EC);
    check_opens("ec384-v2.ppk", "PuTTY version 2", EC384);
    check_opens("ec521-v3.ppk", "PuTTY version 3", EC521);
    check_opens("ed25519-v2.ppk", "PuTTY version 2", ED25519);
    check_opens("ed25519-v3.ppk", "PuTTY version 3", ED25519);
    check_opens("ec-v2-aes256.ppk", "PuTTY version 2, aes256-cbc", EC);
    for kind in ["id", "i", "d"] {
        let name = format!("ec-v3-argon2{kind}.ppk");
        check_opens(&name, "PuTTY version 3, aes256-cbc", EC);
    }
}

#[test]
fn ssh_com_keys_open() {
    check_opens("rsa.sshcom", "ssh.com", RSA);
    check_opens("dsa.sshcom", "ssh.com", DSA);
    check_opens("rsa-3des.sshcom", "ssh.com, 3des-cbc", RSA);
    check_opens("dsa-3des.sshcom", "ssh.com, 3des-cbc", DSA);
}

#[test]
fn a_passphrase_may_be_in_the_code_page_of_windows() {
    let key = open(fixture("ec-v3-latin1.ppk").as_bytes(), Some("s\u{e9}same")).unwrap();
    assert_eq!(
        key.public()
            .fingerprint(FingerprintType::Sha256)
            .to_string(),
        EC
    );
    check_refused(
        fixture("ec-v3-latin1.ppk").as_bytes(),
        Some("s\u{e8}same"),
        "the passphrase does not open",
        "passphrase",
    );
}

#[test]
fn pasted_text_is_forgiven() {
    for name in [
        "rsa.pem",
        "rsa-aes128.pem",
        "ed25519",
        "rsa.sshcom",
        "ec-v2.ppk",
    ] {
        let text = fixture(name);
        let lines: Vec<&str> = text.lines().collect();
        let fingerprint = if name.starts_with("rsa") {
            RSA
        } else {
            ED25519
        };
        let fingerprint = if name.starts_with("ec") {
            EC
        } else {
            fingerprint
        };
        let check = |text: &str| {
            let key = open(text.as_bytes(), Some("sesame")).unwrap();
            let found = key.public().fingerprint(FingerprintType::Sha256);
            assert_eq!(found.to_string(), fingerprint, "{name}: {text}");
        };
        check(&lines.join("\r\n"));
        check(&lines.join("\r"));
        check(&format!("\u{feff}{text}"));
        check(text.trim_end());
        check(&format!("\n \n{text}\n\n"));
        if name.ends_with(".ppk") {
            continue;
        }
        check(&lines.join("  \n    "));
        check(&format!("Bag Attributes\n    friendlyName: x\n{text}"));
        if name.ends_with(".sshcom") {
            continue;
        }
        // What forms and variables make of lines.
        check(&lines.join(" "));
        check(&lines.join("\\n"));
        check(&lines.join("\\r\\n"));
    }
}

#[test]
fn text_in_utf16_and_plain_der_open() {
    let text = fixture("ec.pem");
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    open(&[b"\xff\xfe", &little[..]].concat(), None).unwrap();
    open(&[b"\xfe\xff", &big[..]].concat(), None).unwrap();
    let base64: String = text.lines().filter(|line| !line.contains('-')).collect();
    open(&decode_base64(base64.as_bytes()).unwrap(), None).unwrap();
}

#[test]
fn a_label_that_is_wrong_does_no_harm() {
    let text = fixture("rsa-pkcs8.pem").replace("PRIVATE", "RSA PRIVATE");
    check_text(&text, RSA);
    check_text(&fixture("ec.pem").replace("EC PRIVATE", "PRIVATE"), EC);
}

#[test]
fn what_is_not_supported_is_named() {
    let anew = "ssh-keygen -p";
    let name = |name| fixture(name).into_bytes();
    check_refused(
        &name("rsa-camellia.pem"),
        Some("sesame"),
        "encryption is not supported: RSA PEM, CAMELLIA-256-CBC",
        anew,
    );
    check_refused(
        &name("ec-pbes2-camellia.pem"),
        Some("sesame"),
        "encryption is not supported: PKCS#8, PBES2 with cipher 1.2.392.200011.61.1.1.1.4",
        anew,
    );
    let other = "ssh-keygen -t ed25519";
    check_refused(
        &name("ec-secp256k1.pem"),
        None,
        "EC keys on curve secp256k1",
        other,
    );
    check_refused(
        &name("ec-brainpool-explicit.pem"),
        None,
        "EC keys on a curve without a name",
        other,
    );
    check_refused(
        &name("x25519.pem"),
        None,
        "X25519 keys, which cannot sign",
        other,
    );
    check_refused(&name("ed448.pem"), None, "Ed448 keys", other);
    check_refused(
        b"PuTTY-User-Key-File-1: ssh-rsa\n",
        None,
        "PuTTY keys of version 1",
        other,
    );
}

#[test]
fn a_key_that_cannot_sign_here_still_tells_its_public_half() {
    let key = open(fixture("ed448-v3.ppk").as_bytes(), None).unwrap();
    assert!(!key.can_sign());
    assert_eq!(key.public().algorithm(), "ssh-ed448");
    assert_eq!(
        key.public()
            .fingerprint(FingerprintType::Sha256)
            .to_string(),
        "SHA256:sYKbbUztUHf1p6ixaHF0zsz2POOcznEreaacTBsXUKE"
    );
}

#[test]
fn dsa_keys_that_ssh_has_no_signature_for_are_known_but_cannot_sign() {
    let key = open(fixture("dsa-q224.pem").as_bytes(), None).unwrap();
    assert!(!key.can_sign());
    assert_eq!(
        key.public()
            .fingerprint(FingerprintType::Sha256)
            .to_string(),
        "SHA256:729HhDQlAN62ffipWYwhUwcEPUSUc3b2wfV5xvSvQkU"
    );
}

#[test]
fn halves_that_do_not_belong_together_are_refused() {
    let mismatch = "its numbers do not belong together";
    let swap = |name: &str, old: &str, new: &str| {
        let text = fixture(name);
        assert!(text.contains(old), "{text}");
        text.replacen(old, new, 1).into_bytes()
    };
    // One character of the modulus, of a prime, of a public half, of a point.
    let whole = fixture("rsa.pem");
    let line = |at: usize| whole.lines().nth(at).unwrap().to_owned();
    let flip = |line: &str| {
        let other = if line.starts_with('A') { "B" } else { "A" };
        format!("{other}{}", &line[1..])
    };
    for at in [2, 6, 9] {
        check_refused(
            &swap("rsa.pem", &line(at), &flip(&line(at))),
            None,
            mismatch,
            "",
        );
    }
    let public = "PuTTY version 3) cannot be used: its MAC does not fit";
    check_refused(&swap("ec-v3.ppk", "KaICh6y9", "KaICh6y8"), None, public, "");
    check_refused(
        &swap("ec-v3.ppk", "Comment: ", "Comment: x"),
        None,
        public,
        "",
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
        b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0",
        None,
        "SSH 1",
        "ssh-keygen",
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
    check_refused(b"\x31\x82\x01\x00\xff", None, "binary", "PEM");
}

#[test]
fn a_damaged_key_is_told_from_a_locked_one() {
    let text = fixture("rsa.pem");
    let lines: Vec<&str> = text.lines().collect();
    let cut = lines[..5].join("\n");
    check_refused(cut.as_bytes(), None, "cut off", "copy the whole key");
    let missing_line = [&lines[..3], &lines[4..]].concat().join("\n");
    check_refused(
        missing_line.as_bytes(),
        None,
        "cannot be decoded",
        "ssh-keygen",
    );
    let garbled = text.replacen("MII", "M*I", 1);
    check_refused(garbled.as_bytes(), None, "no base64", "copy the key again");
    let openssh = fixture("ed25519");
    // Two lines, so that what is left is base64 still.
    let middle: Vec<&str> = openssh.split_inclusive('\n').skip(2).take(2).collect();
    let short = openssh.replace(&middle.concat(), "");
    check_refused(
        short.as_bytes(),
        None,
        "(OpenSSH) cannot be used: its head cannot be read",
        "ssh-keygen",
    );
    let ppk = fixture("ec-v3.ppk").replace("Private-MAC", "Private-Mac");
    check_refused(ppk.as_bytes(), None, "its lines cannot be read", "");
}

#[test]
fn a_file_that_asks_for_too_much_is_refused_at_once() {
    let ppk = fixture("ec-v3-argon2id.ppk");
    let memory = ppk.replace("Memory: 1024", "Memory: 4294967295");
    let told = "PuTTY version 3, Argon2 with 4294967295 KiB";
    check_refused(memory.as_bytes(), Some("sesame"), told, "");
    let passes = ppk.replace("Passes: 2", "Passes: 4294967295");
    check_refused(passes.as_bytes(), Some("sesame"), "4294967295 passes", "");
    let none = ppk.replace("Passes: 2", "Passes: 0");
    check_refused(none.as_bytes(), Some("sesame"), "derivation", "");
}

#[test]
fn no_error_quotes_the_key() {
    let text = fixture("rsa.pem");
    let body = text.lines().nth(2).unwrap();
    for text in [
        text.replace("RSA PRIVATE", "OPENSSH PRIVATE"),
        text.replace("RSA PRIVATE", "SSH2 ENCRYPTED PRIVATE"),
        text.replace("END RSA", "ND RSA"),
        text.replacen("MII", "MIJ", 1),
        text.replacen("MII", "M*I", 1),
        text.replace("-----", ""),
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
        label in "(OPENSSH |RSA |SSH2 ENCRYPTED |ENCRYPTED |)PRIVATE KEY",
        head in "(DEK-Info: (AES-128-CBC|DES-EDE3-CBC|X),[0-9A-F]{0,40}\n)?",
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
    ) {
        use base64::prelude::BASE64_STANDARD;
        let body = BASE64_STANDARD.encode(body);
        let text = format!("-----BEGIN {label}-----\n{head}\n{body}\n-----END {label}-----\n");
        let _ = open(text.as_bytes(), None);
        let _ = open(text.as_bytes(), Some("x"));
    }

    #[test]
    fn no_line_of_putty_makes_it_panic(
        lines in proptest::collection::vec(
            "(Encryption|Comment|Public-Lines|Private-Lines|Private-MAC|Key-Derivation|Argon2-Memory)?: ?[0-9a-z]{0,4}",
            0..9,
        ),
    ) {
        let text = format!("PuTTY-User-Key-File-3: ssh-rsa\n{}\n", lines.join("\n"));
        let _ = open(text.as_bytes(), None);
    }
}
