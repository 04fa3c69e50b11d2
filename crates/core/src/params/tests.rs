//! The four forms against each other, and what none of them may show.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{Fingerprint, RemotePath};

#[track_caller]
fn check_all_forms(params: &ConnectParams) {
    let path = RemotePath::new(b"a b/\xff;@?".as_slice()).unwrap();
    let url = params.to_url_with_secrets(&path);
    assert_eq!(
        ConnectParams::from_url(&url).expect(&url),
        (params.clone(), path),
        "{url}"
    );
    let text = params.to_text_with_secrets();
    assert_eq!(
        &ConnectParams::from_text(&text).expect(&text),
        params,
        "{text}"
    );
    assert_eq!(
        &ConnectParams::from_text(&text.replace('\n', "\r\n")).unwrap(),
        params
    );
    let json = serde_json::to_string(params).unwrap();
    assert_eq!(
        &serde_json::from_str::<ConnectParams>(&json).unwrap(),
        params,
        "{json}"
    );
}

fn full() -> ConnectParams {
    let mut params = ConnectParams::new("files.example.org")
        .unwrap()
        .with_port(NonZeroU16::new(2121))
        .with_username("a;d:a@x")
        .with_password(" \"p@ss\r\nw/ö;rd\" ")
        .with_account("acc:ount")
        .with_mode(Mode::Active)
        .with_data_methods([DataMethod::Eprt, DataMethod::Port])
        .with_key_content(
            "-----BEGIN KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n\r\nabc\n-----END KEY-----\n",
        )
        .with_key_passphrase("#phrase")
        .with_fingerprint_type(FingerprintType::Md5)
        .with_fingerprint_target(FingerprintTarget::named("hash"))
        .with_allowed_fingerprints(AllowedFingerprints::new([
            Fingerprint::compute(FingerprintType::Md5, b"1"),
            Fingerprint::compute(FingerprintType::Sha256, b"2"),
        ]))
        .with_known_hosts(KnownHosts::AcceptNew)
        .with_known_hosts_file("/tmp/known hosts")
        .with_session_reuse(SessionReuse::Require)
        .with_keep_alive(Duration::from_secs(15))
        .with_keep_alive_count(NonZeroU32::new(5))
        .with_rekey_bytes(NonZeroU64::new(16 << 20))
        .with_jump(
            ConnectParams::new("bastion.example")
                .unwrap()
                .with_username("jumper")
                .with_key_file("/keys/with @ and :/")
                .with_password("over/there@"),
        )
        .with_control_keep_alive(Duration::from_secs(25))
        .with_passive_address(PassiveAddress::Advertised)
        .with_list_command(ListCommand::Nlst)
        .with_pipelining(Pipelining::Off)
        .with_data_at_once(true)
        .with_ssh_agent(true)
        .with_legacy(true)
        .with_encoding(Encoding::WINDOWS_1252)
        .with_limits(
            Limits::default()
                .with_reply_bytes(1)
                .with_listing_line_bytes(2),
        );
    params.tls = TlsTrust::default()
        .with_ca_file("ca.pem")
        .with_pin(Fingerprint::compute(FingerprintType::Sha256, b"3"))
        .with_pin(Fingerprint::compute(FingerprintType::Sha256, b"4"))
        .with_danger_accept_any_certificate(true)
        .with_danger_clear_data(true)
        .with_danger_clear_command_channel(true)
        .with_min_version(TlsVersion::Tls12)
        .with_max_version(TlsVersion::Tls13)
        .with_client_certificate("c.pem", "k.pem");
    params.timeouts = Timeouts::default()
        .with_connect(Duration::from_millis(1500))
        .with_reply(Duration::from_secs(7))
        .with_data(Duration::from_nanos(1))
        .with_idle(Duration::from_secs(9))
        .with_close(Duration::from_secs(3));
    params.proxy = Some("socks5://me:s%40crt@[::1]:1081".parse().unwrap());
    let mut profile = HostProfile::new("files.example.org".parse().unwrap(), 2121);
    profile.data_method = Some(DataMethod::Epsv);
    params.profile = Some(profile);
    params.active = ActiveMode::default()
        .with_bind("127.0.0.1".parse().unwrap())
        .with_ports(50_000, 50_010)
        .with_external_address("::1".parse().unwrap());
    params
}

#[test]
fn every_form_round_trips_with_every_parameter_set() {
    check_all_forms(&full());
    check_all_forms(&ConnectParams::new("h").unwrap());
    for encryption in Encryption::ALL {
        check_all_forms(&full().with_encryption(encryption));
        check_all_forms(
            &ConnectParams::new("::1")
                .unwrap()
                .with_encryption(encryption),
        );
    }
}

#[test]
fn the_full_set_leaves_no_parameter_at_its_default() {
    let params = full();
    for field in field::FIELDS {
        assert!(
            (field.get)(&params).is_some(),
            "{} is not exercised",
            field.label
        );
    }
}

#[test]
fn no_secret_is_printed() {
    let params = full();
    let printed = format!("{params} {params:?} {params:#?}");
    for secret in [
        "p@ss",
        "acc:ount",
        "p%40ss",
        "Proc-Type",
        "abc",
        "#phrase",
        "s@crt",
        "s%40crt",
    ] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

#[test]
fn no_secret_is_in_an_error() {
    for url in [
        "sftp://u:hunter2@host:0/",
        "sftp://u:hunter2/more@host/",
        "sftp://u:hunter2@ho st/",
        "sftp://u;nonsense=1:hunter2@host/",
        "sftp://u;mode:hunter2@host/",
        "nope://u:hunter2@host/",
        "sftp://u:hunter2%ff@host/",
        "sftp://u:hunter2@host/%0d",
        "ftp://u;encryption=ssh-password:hunter2@host/",
        "ftp://u;proxy=socks9%3A%2F%2Fhunter2@host/",
    ] {
        let error = ConnectParams::from_url(url).expect_err(url);
        let shown = format!("{error} {error:?}");
        assert_eq!(error.kind(), &ErrorKind::InvalidParameter);
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_url_in_the_place_of_a_server_is_not_repeated() {
    let error = ConnectParams::from_text("Server: ftp://u:hunter2@host").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    let key = ConnectParams::new("h")
        .unwrap()
        .with_key_file("-----BEGIN hunter2")
        .key();
    assert!(!format!("{key:?}").contains("hunter2"), "{key:?}");
}

#[test]
fn no_deadline_overflows_a_clock() {
    let timeouts = Timeouts::default()
        .with_reply(Duration::MAX)
        .with_data(Duration::MAX);
    for limit in [timeouts.reply, timeouts.data] {
        assert!(std::time::Instant::now().checked_add(limit).is_some());
    }
}

#[track_caller]
fn check_url(url: &str, expected: &str) {
    let (params, path) = ConnectParams::from_url(url).expect(url);
    let seen = format!("{params} {} {path}", params.encryption());
    assert_eq!(seen, expected, "{url}");
}

#[test]
fn urls_people_write() {
    check_url("ftp://h", "ftp://h:21 none ");
    check_url(
        "FTPES://ada@h:2121/in/x",
        "ftpes://ada@h:2121 explicit-tls in/x",
    );
    check_url("ftps://h//abs", "ftps://h:990 implicit-tls /abs");
    check_url(
        "sftp://ada:pw@[::1]:22/a?b#c",
        "sftp://ada@[::1]:22 ssh-password a?b#c",
    );
    check_url(
        "sftp://ada;certificate=id_rsa@h",
        "sftp://ada@h:22 ssh-key-file ",
    );
    check_url(
        "ftpes://;encryption=-2@h",
        "ftpes://h:21 explicit-tls-reuse ",
    );
    check_url("ftp://ada:p@w@h", "ftp://ada@h:21 none ");
}

#[test]
fn a_url_replaces_what_it_names() {
    let base = ConnectParams::from_text(
        "Server: nas\nPort: 2121\nEncryption: -2\nUsername: ada\nPassword: x\nAccount: y\nMode: Active",
    )
    .unwrap();
    let (same, _) = base.clone().with_url("ftpes://nas/in").unwrap();
    assert_eq!(same, base);
    let (moved, _) = base.clone().with_url("ftpes://nas:21").unwrap();
    assert_eq!((moved.username(), moved.port()), (Some("ada"), 21));
    let (other, path) = base.with_url("sftp://bob@box/in").unwrap();
    assert_eq!(
        (other.to_string().as_str(), path.to_string().as_str()),
        ("sftp://bob@box:22", "in")
    );
    assert_eq!(
        (other.mode(), other.password(), other.account()),
        (Mode::Active, None, None)
    );
}

#[track_caller]
fn check_text(text: &str, expected: Result<&str, &str>) {
    let seen = ConnectParams::from_text(text)
        .map(|p| p.to_string())
        .map_err(|e| e.to_string());
    match (&seen, expected) {
        (Ok(seen), Ok(expected)) => assert_eq!(seen, expected),
        (Err(seen), Err(expected)) => assert!(seen.contains(expected), "{seen}"),
        _ => panic!("{text:?}: {seen:?}, expected {expected:?}"),
    }
}

#[test]
fn texts_people_write() {
    check_text(
        "Server: nas\nPort: 2222\nUsername: ada\nEncryption: 3",
        Ok("sftp://ada@nas:2222"),
    );
    check_text("# mine\n\nnas\n", Err("line 3: not `Label: value`"));
    check_text("Server: nas\nUsername: ada\n  \n", Ok("ftp://ada@nas:21"));
    check_text("# mine\n\nserver : nas\n", Ok("ftp://nas:21"));
    check_text("Port: 21", Err("the server is missing"));
    check_text(
        "Server: nas\nPort: 0",
        Err("line 2: Port: \"0\" is not a port"),
    );
    check_text("Server: nas\nPort: 70000", Err("not a port"));
    check_text(
        "Server: nas\nColour: red",
        Err("unknown parameter \"Colour\""),
    );
    check_text(
        "Server: nas\nServer: b",
        Err("line 2: \"Server\" is given twice"),
    );
    check_text("Server: nas\nEncryption: ROT13", Err("unknown encryption"));
}

#[test]
fn a_key_pasted_into_text_stays_whole() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAbc=\n-----END RSA PRIVATE KEY-----";
    for gap in [" ", "\n", "\r\n"] {
        let text = format!(
            "Server: nas\nEncryption: 5\nCertificate File/Content:{gap}{key}\nUsername: ada\n"
        );
        let params = ConnectParams::from_text(&text).unwrap();
        assert_eq!(params.key(), Some(KeySource::Content(key.into())));
        assert_eq!(params.username(), Some("ada"));
    }
}

#[test]
fn the_beginning_of_a_key_in_quotes_begins_no_key() {
    let params = ConnectParams::new("nas")
        .unwrap()
        .with_account("\u{4}-----BEGIN x")
        .with_mode(Mode::Active);
    check_all_forms(&params);
}

#[test]
fn what_the_encryption_needs_must_be_there() {
    let params = ConnectParams::new("h").unwrap();
    assert!(params.validate().is_ok());
    assert!(
        params
            .clone()
            .with_encryption(Encryption::SshPassword)
            .validate()
            .is_err()
    );
    let proxied = params
        .clone()
        .with_proxy(Some("socks5://p".parse().unwrap()))
        .with_mode(Mode::Active);
    assert!(proxied.validate().is_err());
    assert!(proxied.with_mode(Mode::Dynamic).validate().is_ok());
    let epsv = params.clone().with_data_methods([DataMethod::Epsv]);
    assert!(epsv.validate().is_ok());
    assert!(epsv.with_mode(Mode::Active).validate().is_err());
    let named = params.with_username("ada");
    assert!(
        named
            .clone()
            .with_encryption(Encryption::SshPassword)
            .validate()
            .is_ok()
    );
    assert!(
        named
            .clone()
            .with_encryption(Encryption::SshKeyFile)
            .validate()
            .is_err()
    );
    assert!(
        named
            .clone()
            .with_encryption(Encryption::SshKeyContent)
            .validate()
            .is_err()
    );
    assert!(named.with_key_file("id").validate().is_ok());
}

#[test]
fn what_is_shown_has_no_secret_and_all_else() {
    let shown = full().without_secrets().to_text_with_secrets();
    for secret in [
        "p@ss",
        "acc:ount",
        "#phrase",
        "BEGIN KEY",
        "s@crt",
        "s%40crt",
        "over/there",
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let kept = [
        "a;d:a@x",
        "socks5://me@[::1]:1081",
        "bastion.example",
        "eprt,port",
    ];
    for kept in kept {
        assert!(shown.contains(kept), "{kept} not in {shown}");
    }
}

proptest! {
    #[test]
    fn any_texts_round_trip(
        user in "\\PC{0,12}",
        password in any::<String>(),
        certificate in any::<String>(),
        file in "\\PC{0,12}",
        target in any::<String>(),
        number in 0..7usize,
        port in any::<u16>(),
    ) {
        let mut params = ConnectParams::new("h").unwrap()
            .with_username(user)
            .with_password(password)
            .with_known_hosts_file(file)
            .with_key_content(certificate)
            .with_encryption(Encryption::ALL[number])
            .with_port(NonZeroU16::new(port));
        if !target.is_empty() {
            params = params.with_fingerprint_target(FingerprintTarget::named(target));
        }
        if params.known_hosts_file() == Some("") {
            params.known_hosts_file = None;
        }
        check_all_forms(&params);
    }

    #[test]
    fn no_input_makes_a_parser_panic(text in any::<String>()) {
        let _ = ConnectParams::from_url(&text);
        let _ = ConnectParams::from_url(&format!("ftp://{text}"));
        let _ = ConnectParams::from_text(&text);
    }
}

#[test]
fn a_jump_host_is_a_name_or_a_url() {
    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let read = ConnectParams::from_jump(text).ok();
        let shown = read.as_ref().map(ToString::to_string);
        assert_eq!(shown.as_deref(), expected, "{text}");
    }
    check("bastion", Some("sftp://bastion:22"));
    check("ada@bastion:2222", Some("sftp://ada@bastion:2222"));
    check("sftp://ada:secret@[::1]", Some("sftp://ada@[::1]:22"));
    check("ftp://bastion", None);
    check("sftp://bastion/path", None);
    check("", None);
    check("first,", None);
    let chain = ConnectParams::from_jump("ada@first:2222,second, third").unwrap();
    let second = chain.jump().unwrap();
    let hosts = [&chain, second, second.jump().unwrap()].map(ToString::to_string);
    assert_eq!(
        hosts,
        [
            "sftp://third:22",
            "sftp://second:22",
            "sftp://ada@first:2222"
        ]
    );
    let (params, _) = ConnectParams::from_url("ftp://files.example").unwrap();
    let jump = ConnectParams::from_jump("ada@bastion").unwrap();
    let error = params.with_jump(jump).validate().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::InvalidParameter);
}
