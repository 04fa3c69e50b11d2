//! Lines and what they mean, and that remembering loses nothing.

use super::*;

/// A key blob of this type whose content tells keys apart.
fn key(key_type: &str, content: u8) -> Vec<u8> {
    let mut blob = (key_type.len() as u32).to_be_bytes().to_vec();
    blob.extend_from_slice(key_type.as_bytes());
    blob.extend_from_slice(&[0, 0, 0, 1, content]);
    blob
}

fn line(hosts: &str, key_type: &str, content: u8) -> String {
    let key = BASE64_STANDARD.encode(key(key_type, content));
    format!("{hosts} {key_type} {key} a comment\n")
}

const ED: &str = "ssh-ed25519";
const RSA: &str = "ssh-rsa";

#[track_caller]
fn check(
    file: &str,
    (host, port): (&str, u16),
    (key_type, content): (&str, u8),
    expected: Verdict,
) {
    let known = KnownHosts::parse(file.as_bytes());
    let verdict = known.judge(&Name::new(host, port), key_type, &key(key_type, content));
    assert_eq!(verdict, expected, "{file}");
}

#[test]
fn a_key_is_known_changed_or_of_another_type() {
    let here = ("files.example.org", 22);
    let one = line("files.example.org,192.0.2.1", ED, 1);
    check(&one, here, (ED, 1), Verdict::Known);
    check(&one, here, (ED, 2), Verdict::Changed { line: 1 });
    check(&one, here, (RSA, 1), Verdict::OtherType(vec![ED.into()]));
    check(&one, ("Files.Example.ORG", 22), (ED, 1), Verdict::Known);
    check(&one, ("192.0.2.1", 22), (ED, 1), Verdict::Known);
    check(&one, ("other.example.org", 22), (ED, 1), Verdict::Unknown);
    check("", here, (ED, 1), Verdict::Unknown);
}

#[test]
fn a_server_may_have_several_keys() {
    let here = ("h", 22);
    let file = format!(
        "# two\n\n{}{}{}",
        line("h", ED, 1),
        line("h", ED, 2),
        line("h", RSA, 3)
    );
    check(&file, here, (ED, 1), Verdict::Known);
    check(&file, here, (ED, 2), Verdict::Known);
    check(&file, here, (RSA, 3), Verdict::Known);
    check(&file, here, (ED, 4), Verdict::Changed { line: 3 });
    check(
        &file,
        here,
        ("ecdsa-sha2-nistp256", 1),
        Verdict::OtherType(vec![ED.into(), RSA.into()]),
    );
    let known = KnownHosts::parse(file.as_bytes());
    assert_eq!(known.types(&Name::new("h", 22)), [ED, ED, RSA]);
}

#[test]
fn a_port_stands_in_the_name() {
    let file = line("[h]:2222", ED, 1);
    check(&file, ("h", 2222), (ED, 1), Verdict::Known);
    check(&file, ("h", 2222), (ED, 2), Verdict::Changed { line: 1 });
    check(&file, ("h", 22), (ED, 1), Verdict::Unknown);
    check(&file, ("h", 2223), (ED, 1), Verdict::Unknown);
    // A key known for the name alone is good on any port; another one there is no change here.
    let file = line("h", ED, 1);
    check(&file, ("h", 2222), (ED, 1), Verdict::Known);
    check(&file, ("h", 2222), (ED, 2), Verdict::Unknown);
    check(
        &line("[::1]:2222", ED, 1),
        ("::1", 2222),
        (ED, 1),
        Verdict::Known,
    );
}

#[test]
fn a_revoked_key_is_revoked_wherever_it_stands() {
    let here = ("h", 22);
    let file = format!("{}@revoked {}", line("h", ED, 1), line("*", ED, 1));
    check(&file, here, (ED, 1), Verdict::Revoked);
    check(&file, here, (ED, 2), Verdict::Changed { line: 1 });
    check(&file, ("h", 2222), (ED, 1), Verdict::Revoked);
    let alone = format!("@revoked {}", line("h", ED, 1));
    check(&alone, here, (ED, 2), Verdict::Unknown);
    let authority = format!("@cert-authority {}", line("h", ED, 1));
    check(&authority, here, (ED, 1), Verdict::Unknown);
}

#[track_caller]
fn check_pattern(hosts: &str, name: &str, expected: bool) {
    assert_eq!(matches_host(hosts, name), expected, "{hosts} {name}");
}

#[test]
fn patterns() {
    check_pattern("*.example.org", "a.example.org", true);
    check_pattern("*.example.org", "example.org", false);
    check_pattern("*.example.org,!bad.example.org", "bad.example.org", false);
    check_pattern("!bad.example.org,*.example.org", "bad.example.org", false);
    check_pattern("!bad.example.org", "good.example.org", false);
    check_pattern("h?st", "host", true);
    check_pattern("h?st", "hst", false);
    check_pattern("a*b*c", "axxbyybzc", true);
    check_pattern("a*b*c", "axxbyybz", false);
    check_pattern("*", "anything", true);
    check_pattern("HOST", "host", true);
    check_pattern("", "host", false);
    check_pattern("host", "hostess", false);
}

#[test]
fn hashed_names() {
    // Made by `ssh-keygen -H` from the lines "host.example" and "[host.example]:2222".
    let plain = "|1|CTCq899Kb9MgizU5cTT73PxRHVc=|hwwRaDr7iBdPwmqLi6wvwI5bsiM=";
    let port = "|1|bSpmvzHVM0zd0ycp9P6mU1lr3QQ=|1HKZbyDd5s6+G02oML0HfTXuThg=";
    check_pattern(plain, "host.example", true);
    check_pattern(plain, "other.example", false);
    check_pattern(port, "[host.example]:2222", true);
    check_pattern(port, "host.example", false);
    check_pattern("|1|broken", "host", false);
    check_pattern("|1|***|***", "host", false);
}

#[test]
fn lines_that_make_no_sense_say_nothing() {
    let good = line("h", ED, 1);
    let mixed = good.replace(ED, RSA);
    for bad in [
        "h",
        "h ssh-ed25519",
        "h ssh-ed25519 ***",
        "@revoked",
        "@unknown h x y",
        &mixed,
    ] {
        check(&format!("{bad}\n"), ("h", 22), (ED, 1), Verdict::Unknown);
        check(
            &format!("{bad}\n{good}"),
            ("h", 22),
            (ED, 1),
            Verdict::Known,
        );
    }
    let crlf = good.replace('\n', "\r\n");
    check(&crlf, ("h", 22), (ED, 1), Verdict::Known);
}

#[test]
fn remembering_adds_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/.ssh/known_hosts");
    let (one, two) = (Name::new("one", 22), Name::new("two", 2222));
    remember(&path, &one, ED, &key(ED, 1)).unwrap();
    remember(&path, &two, ED, &key(ED, 2)).unwrap();
    let known = KnownHosts::read(&path).unwrap();
    assert_eq!(known.judge(&one, ED, &key(ED, 1)), Verdict::Known);
    assert_eq!(known.judge(&two, ED, &key(ED, 2)), Verdict::Known);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains("\n[two]:2222 ssh-ed25519 "), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
}

#[test]
fn a_last_line_without_its_end_is_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    let before = format!("# caf\u{e9}\n{}", line("one", ED, 1).trim_end());
    fs::write(&path, &before).unwrap();
    remember(&path, &Name::new("two", 22), RSA, &key(RSA, 2)).unwrap();
    let after = fs::read_to_string(&path).unwrap();
    assert!(
        after.starts_with(&format!("{before}\ntwo ssh-rsa ")),
        "{after}"
    );
    let known = KnownHosts::parse(after.as_bytes());
    assert_eq!(
        known.judge(&Name::new("one", 22), ED, &key(ED, 1)),
        Verdict::Known
    );
    assert_eq!(
        known.judge(&Name::new("two", 22), RSA, &key(RSA, 2)),
        Verdict::Known
    );
}

#[test]
fn a_file_that_is_not_there_is_empty_and_a_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let none = KnownHosts::read(&folder.path().join("none")).unwrap();
    assert_eq!(
        none.judge(&Name::new("h", 22), ED, &key(ED, 1)),
        Verdict::Unknown
    );
    assert!(KnownHosts::read(folder.path()).is_err());
}

proptest::proptest! {
    #[test]
    fn no_file_makes_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let known = KnownHosts::parse(&bytes);
        known.judge(&Name::new("h", 22), ED, &key(ED, 1));
    }

    #[test]
    fn a_pattern_of_stars_ends(pattern in "[ab*?]{0,30}", name in "[ab]{0,60}") {
        matches_pattern(&pattern, &name);
    }
}
