//! `doctor` on every set-up: on those that are well its parameters work, and of those that are odd or asked for
//! in a wrong way it names the cause.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use ftp_connect_testkit::lab::{Lab, LabServer};
use serde_json::Value;

use crate::program::Call;

/// What is said of a server that is asked for in this way.
struct Case<'c> {
    server: &'c LabServer,
    /// Another scheme than the server's, or empty.
    scheme: &'c str,
    path: &'c str,
    options: Vec<String>,
    password: &'c str,
}

impl<'c> Case<'c> {
    fn new(lab: &Lab, server: &'c LabServer) -> Self {
        let ca = lab.ca_file.to_str().unwrap();
        let options = match server.kind.as_str() {
            "sftp" => vec!["--known-hosts", "off"],
            "ftp" => vec!["--danger-clear-login"],
            _ => vec!["--ca-file", ca],
        };
        Self {
            server,
            scheme: "",
            path: "",
            options: options.into_iter().map(str::to_owned).collect(),
            password: &server.password,
        }
    }

    fn by(mut self, scheme: &'c str) -> Self {
        self.scheme = scheme;
        self
    }

    fn at(mut self, path: &'c str) -> Self {
        self.path = path;
        self
    }

    fn with(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|&o| o.to_owned()));
        self
    }

    fn with_password(mut self, password: &'c str) -> Self {
        self.password = password;
        self
    }

    fn examine(&self) -> Value {
        let mut url = self.server.url() + self.path;
        if !self.scheme.is_empty() {
            url = url.replacen(&self.server.kind, self.scheme, 1);
        }
        eprintln!("{} {url} {}", self.server.name, self.options.join(" "));
        let arguments = ["doctor", &url, "--json"].map(str::to_owned);
        let said = Call::new(arguments.iter().chain(&self.options))
            .env("FTP_CONNECT_PASSWORD", self.password)
            .run();
        let document = said.json();
        let works = !document["works"].is_null();
        assert_eq!(said.status == 0, works, "{said:#?}");
        assert!(
            !said.stdout.contains(&self.server.password),
            "a secret is shown"
        );
        document
    }

    /// It works, if with other parameters than these; with those, the program connects and lists.
    #[track_caller]
    fn works(&self) -> Value {
        let document = self.examine();
        let text = document["works"]["text"].as_str();
        let text = text.unwrap_or_else(|| panic!("{}: {document:#}", self.server.name));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("params");
        fs::write(&file, text).unwrap();
        for command in ["connect", "ls"] {
            Call::new([command, "--params", file.to_str().unwrap(), "--json"])
                .env("FTP_CONNECT_PASSWORD", self.password)
                .run()
                .well();
        }
        document
    }

    /// It works, and this is to be known.
    #[track_caller]
    fn works_with(&self, check: &str, cause: &str) -> Value {
        let document = self.works();
        has(&document, check, cause);
        document
    }

    /// It does not work, for this reason.
    #[track_caller]
    fn fails(&self, check: &str, cause: &str, advice: &str) {
        let document = self.examine();
        assert!(document["works"].is_null(), "{document:#}");
        assert_eq!(document["cause"], cause, "{document:#}");
        has(&document, check, cause);
        let told = document["advice"].as_str().unwrap();
        assert!(told.contains(advice), "{advice:?} in {told:?}");
    }
}

#[track_caller]
fn has(document: &Value, check: &str, cause: &str) {
    let mut findings = document["findings"].as_array().unwrap().iter();
    let found = findings.any(|finding| {
        let at = &finding["check"];
        finding["cause"] == cause && (at == check || at["data"] == check)
    });
    assert!(found, "{cause} at {check}: {document:#}");
}

#[test]
fn on_set_ups_that_are_well_the_parameters_work() {
    let lab = Lab::from_env();
    for server in &lab.servers {
        let document = Case::new(&lab, server).works();
        let bad = document["findings"].as_array().unwrap().iter();
        let bad: Vec<_> = bad.filter(|finding| finding["verdict"] == "bad").collect();
        assert!(bad.is_empty(), "{bad:#?}");
        let expected = match server.kind.as_str() {
            "ftp" => Value::from("tls-not-offered"),
            "sftp" => Value::from("host-key-unchecked"),
            _ if server.reuse_required => Value::from("session-reuse-required"),
            _ => Value::Null,
        };
        assert_eq!(document["cause"], expected, "{}", server.name);
        let code = document["works"]["rust"].as_str().unwrap();
        let reuses = code.contains("ExplicitTlsReuse") || code.contains("session-reuse");
        assert_eq!(reuses, server.reuse_required, "{}: {code}", server.name);
    }
}

#[test]
fn what_is_odd_is_named() {
    let lab = Lab::from_env();
    let case = |name: &str| Case::new(&lab, lab.server(name));

    let refused = "data-method-refused";
    let document = case("vsftpd-no-passive").works_with("pasv", refused);
    let text = document["works"]["text"].as_str().unwrap();
    assert!(text.contains("Data Methods: port"), "{text}");
    case("vsftpd-wrong-address").works_with("pasv", "passive-address-wrong");
    case("proftpd-no-mlsd-epsv").works_with("epsv", refused);
    case("proftpd-ipv6").works_with("pasv", refused);
    let document = case("vsftpd-ipv6-explicit").works();
    assert_eq!(document["cause"], "session-reuse-required", "{document:#}");
    for name in ["vsftpd-ipv6", "vsftpd-idle", "openssh-two-sessions"] {
        case(name).works();
    }

    let issued = &lab.client_certificate;
    let issued = [&issued.certificate, &issued.key].map(|file| file.to_str().unwrap());
    for name in ["vsftpd-client-certificate", "proftpd-client-certificate"] {
        case(name).fails("login", "client-certificate", "client certificate");
        let options = ["--client-certificate", issued[0], "--client-key", issued[1]];
        case(name).with(&options).works();
    }
    case("vsftpd-wrong-name").fails("certificate", "certificate", "by a name");
    case("vsftpd-expired").fails("certificate", "certificate", "renewed");
    case("vsftpd-self-signed").fails("certificate", "certificate", "CA file");

    let refused = "login-refused";
    let key = |algorithm: &str| {
        let key = lab.keys.iter().find(|key| {
            key.algorithm == algorithm && key.format == "openssh" && key.passphrase.is_none()
        });
        key.unwrap().file.to_str().unwrap()
    };
    for name in ["openssh-two-factors", "openssh-two-factors-interactive"] {
        case(name).fails("login", refused, "password or key");
        case(name).with(&["--key", key("ed25519")]).works();
    }
    let certified = lab.user_certificate.key.to_str().unwrap();
    case("openssh-user-ca")
        .with(&["--key", key("ed25519")])
        .fails("login", refused, "");
    case("openssh-user-ca").with(&["--key", certified]).works();
    for name in ["openssh-legacy", "openssh-ssh-rsa"] {
        case(name).works_with("host-key", "algorithms");
        case(name).with(&["--key", key("rsa")]).works();
    }
}

#[test]
fn what_is_asked_for_in_a_wrong_way_is_named() {
    let lab = Lab::from_env();
    let case = |name: &str| Case::new(&lab, lab.server(name));
    let ca = ["--ca-file", lab.ca_file.to_str().unwrap()];
    let wrong_key = format!("SHA256:{}", "A".repeat(43));
    let wrong_key = ["--allowed-fingerprints", wrong_key.as_str()];

    case("vsftpd-explicit")
        .by("ftps")
        .works_with("implicit-tls", "clear-on-tls-port");
    case("proftpd-implicit")
        .by("ftpes")
        .works_with("greeting", "tls-from-first-byte");
    case("proftpd-explicit").by("ftp").works();
    for name in ["vsftpd-explicit", "proftpd-explicit", "pure-ftpd-explicit"] {
        case(name)
            .by("ftp")
            .with(&["--danger-clear-login"])
            .works_with("login", "tls-required");
    }
    case("proftpd-plain")
        .by("ftpes")
        .with(&ca)
        .fails("explicit-tls", "tls-not-offered", "");
    case("openssh")
        .by("ftp")
        .fails("greeting", "other-protocol", "sftp://");
    case("dropbear")
        .by("ftps")
        .fails("implicit-tls", "other-protocol", "sftp://");
    case("vsftpd-plain")
        .by("sftp")
        .fails("greeting", "other-protocol", "ftp://");
    for name in ["openssh", "dropbear", "proftpd-sftp"] {
        case(name)
            .with(&wrong_key)
            .fails("host-key", "host-key", "verify the hash");
    }
    for name in [
        "vsftpd-explicit",
        "proftpd-explicit",
        "pure-ftpd-explicit",
        "pyftpdlib-explicit",
    ]
    .into_iter()
    .chain([
        "openssh",
        "openssh-keyboard-interactive",
        "dropbear",
        "proftpd-sftp",
    ])
    .filter(|name| lab.servers.iter().any(|server| server.name == *name))
    {
        case(name)
            .with_password("wrong")
            .fails("login", "login-refused", "");
    }
    // vsftpd answers with an empty listing, ProFTPD with a refusal after the data connection.
    for name in ["vsftpd-explicit", "proftpd-explicit", "openssh"] {
        case(name)
            .at("/none")
            .fails("folder", "folder", "check the path");
    }
}

#[test]
fn what_is_full_is_named() {
    let lab = Lab::from_env();
    let full = lab.server("vsftpd-two-connections");
    let case = Case::new(&lab, full);
    case.works();
    let held: Vec<_> = (0..2).map(|_| greeted(full)).collect();
    case.fails("greeting", "too-many-connections", "wait");
    drop(held);

    let full = lab.server("proftpd-two-logins");
    let case = Case::new(&lab, full);
    case.works();
    let held: Vec<_> = (0..2).map(|_| logged_in(full)).collect();
    case.fails("login", "too-many-connections", "wait");
    drop(held);

    let short = lab.server("pure-ftpd-short-lists");
    let folder = short.root.join("twenty");
    fs::create_dir(&folder).unwrap();
    for number in 0..20 {
        fs::write(folder.join(number.to_string()), "x").unwrap();
    }
    Case::new(&lab, short)
        .at("/twenty")
        .works_with("folder", "listing-cut");
    fs::remove_dir_all(folder).unwrap();
}

/// A connection that has been greeted, and is kept.
fn greeted(server: &LabServer) -> BufReader<TcpStream> {
    let stream = TcpStream::connect((server.host.as_str(), server.port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut control = BufReader::new(stream);
    reply(&mut control, "220");
    control
}

fn logged_in(server: &LabServer) -> BufReader<TcpStream> {
    let mut control = greeted(server);
    write!(control.get_mut(), "USER {}\r\n", server.user).unwrap();
    reply(&mut control, "331");
    write!(control.get_mut(), "PASS {}\r\n", server.password).unwrap();
    reply(&mut control, "230");
    control
}

fn reply(control: &mut BufReader<TcpStream>, code: &str) {
    let mut line = String::new();
    control.read_line(&mut line).unwrap();
    assert!(line.starts_with(code), "{line}");
}
