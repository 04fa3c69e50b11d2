//! Lines and what they mean, and that remembering loses nothing.

use super::*;

/// A key of this type whose content tells keys apart.
fn key(key_type: &str, content: u8) -> PublicKey {
    let mut blob = (key_type.len() as u32).to_be_bytes().to_vec();
    blob.extend_from_slice(key_type.as_bytes());
    blob.extend_from_slice(&[0, 0, 0, 1, content]);
    PublicKey::from_blob(&blob).unwrap()
}

fn line(hosts: &str, key_type: &str, content: u8) -> String {
    format!("{hosts} {} a comment\n", key(key_type, content))
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
    let verdict = known.judge(&Name::new(host, port), &key(key_type, content));
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
    let found = Hosts::parse(hosts).is_some_and(|hosts| hosts.matches(name));
    assert_eq!(found, expected, "{hosts} {name}");
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
    check_pattern(plain, "HOST.example", true);
    for broken in [
        "|1|broken",
        "|1|***|***",
        "|1|AAAA|hwwRaDr7iBdPwmqLi6wvwI5bsiM=",
    ] {
        assert_eq!(Hosts::parse(broken), None, "{broken}");
    }
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
    remember(&path, &one, &key(ED, 1)).unwrap();
    remember(&path, &two, &key(ED, 2)).unwrap();
    let known = KnownHosts::read(&path).unwrap();
    assert_eq!(known.judge(&one, &key(ED, 1)), Verdict::Known);
    assert_eq!(known.judge(&two, &key(ED, 2)), Verdict::Known);
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
    remember(&path, &Name::new("two", 22), &key(RSA, 2)).unwrap();
    let after = fs::read_to_string(&path).unwrap();
    assert!(
        after.starts_with(&format!("{before}\ntwo ssh-rsa ")),
        "{after}"
    );
    let known = KnownHosts::parse(after.as_bytes());
    assert_eq!(
        known.judge(&Name::new("one", 22), &key(ED, 1)),
        Verdict::Known
    );
    assert_eq!(
        known.judge(&Name::new("two", 22), &key(RSA, 2)),
        Verdict::Known
    );
}

#[test]
fn a_file_that_is_not_there_is_empty_and_a_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let none = KnownHosts::read(&folder.path().join("none")).unwrap();
    assert_eq!(
        none.judge(&Name::new("h", 22), &key(ED, 1)),
        Verdict::Unknown
    );
    assert!(KnownHosts::read(folder.path()).is_err());
}

#[test]
fn a_line_has_parts() {
    let text = format!("@revoked\t a,!b* {}  two words", key(ED, 1));
    let line = Line::parse(&text).unwrap();
    assert_eq!(line.marker(), Some(Marker::Revoked));
    assert_eq!(
        line.hosts(),
        &Hosts::Patterns(vec!["a".into(), "!b*".into()])
    );
    assert_eq!(line.key(), &key(ED, 1));
    assert_eq!(line.comment(), "two words");
}

#[test]
fn an_authority_vouches_for_others_and_is_no_key_of_the_server() {
    let file = format!(
        "@cert-authority *.example.org {}@cert-authority [*]:2222 {}",
        line("", ED, 1).trim_start(),
        line("", ED, 2).trim_start()
    );
    let known = KnownHosts::parse(file.as_bytes());
    let authorities = |host, port| -> Vec<PublicKey> {
        let name = Name::new(host, port);
        known.authorities(&name).cloned().collect()
    };
    assert_eq!(authorities("a.example.org", 22), [key(ED, 1)]);
    assert_eq!(authorities("a.example.org", 2222), [key(ED, 1), key(ED, 2)]);
    assert_eq!(authorities("other", 22), []);
    assert_eq!(known.types(&Name::new("a.example.org", 22)), [""; 0]);
    check(&file, ("a.example.org", 22), (ED, 1), Verdict::Unknown);
}

#[test]
fn a_file_with_hashes_gets_a_hash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    let hashed = "|1|CTCq899Kb9MgizU5cTT73PxRHVc=|hwwRaDr7iBdPwmqLi6wvwI5bsiM=";
    fs::write(&path, line(hashed, ED, 1)).unwrap();
    let name = Name::new("new.example", 2222);
    let salts: Vec<String> = [ED, RSA]
        .into_iter()
        .map(|kind| {
            let verdict = remember(&path, &name, &key(kind, 2)).unwrap();
            assert_eq!(verdict, Verdict::Known);
            let text = fs::read_to_string(&path).unwrap();
            let last = text.lines().last().unwrap();
            assert!(
                last.starts_with("|1|") && !last.contains("example"),
                "{last}"
            );
            let known = KnownHosts::read(&path).unwrap();
            assert_eq!(known.judge(&name, &key(kind, 2)), Verdict::Known);
            last[..20].to_owned()
        })
        .collect();
    assert_ne!(salts[0], salts[1]);
}

#[test]
fn what_another_program_wrote_meanwhile_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    let name = Name::new("h", 22);
    let mut before = line("h", ED, 1);
    fs::write(&path, &before).unwrap();
    let told = |key: &PublicKey| remember(&path, &name, key).unwrap();
    assert_eq!(told(&key(ED, 1)), Verdict::Known);
    assert_eq!(told(&key(ED, 2)), Verdict::Changed { line: 1 });
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    before.push_str(&format!("@revoked {}", line("*", RSA, 3)));
    fs::write(&path, &before).unwrap();
    assert_eq!(told(&key(RSA, 3)), Verdict::Revoked);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
}

#[test]
fn programs_that_remember_at_once_lose_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let name = Name::new(&format!("h{number}"), 22);
                remember(path, &name, &key(ED, number)).unwrap();
            });
        }
    });
    assert_eq!(KnownHosts::read(&path).unwrap().lines().count(), 8);
}

proptest::proptest! {
    #[test]
    fn no_file_makes_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let known = KnownHosts::parse(&bytes);
        known.judge(&Name::new("h", 22), &key(ED, 1));
    }

    #[test]
    fn a_pattern_of_stars_ends(pattern in "[ab*?]{0,30}", name in "[ab]{0,60}") {
        matches_pattern(&pattern, &name);
    }
}
