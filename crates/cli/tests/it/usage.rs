//! What cannot be meant: one line of cause, one of hint, and the status for it. No server is needed, so
//! that a parameter that slipped through would show as status 3.

use crate::program::Call;

#[track_caller]
fn check(arguments: &[&str], status: i32, cause: &str) {
    Call::new(arguments).run().badly(status, cause);
}

/// A port of this machine on which nobody listens.
const NOBODY: &str = "127.0.0.1:1";

#[test]
fn bad_urls() {
    check(&["connect", "ftp://127.0.0.1:0"], 2, "the port in the URL");
    check(
        &["connect", "ftp://127.0.0.1:70000"],
        2,
        "the port in the URL",
    );
    check(&["connect", "gopher://127.0.0.1"], 2, "unknown scheme");
    check(&["connect", "127.0.0.1"], 2, "not a URL");
    check(&["connect", "ftp://"], 2, "not a server name");
    check(&["connect"], 2, "no server is named");
    check(
        &["rm", &format!("ftp://{NOBODY}/a%0d%0aDELE%20b")],
        2,
        "carriage return",
    );
    check(
        &["mv", &format!("ftp://{NOBODY}/a"), "b%0a"],
        2,
        "line feed",
    );
    check(&["connect", "sftp://127.0.0.1"], 2, "user name is missing");
}

#[test]
fn bad_options() {
    let url = format!("ftp://{NOBODY}");
    let ssh = format!("sftp://ada@{NOBODY}");
    check(
        &["connect", &url, "--encryption", "rot13"],
        2,
        "unknown encryption",
    );
    check(
        &["connect", &url, "--encryption", "7"],
        2,
        "unknown encryption",
    );
    check(&["connect", &url, "--mode", "sideways"], 2, "unknown mode");
    check(
        &["connect", &url, "--data-methods", "pigeon"],
        2,
        "unknown way",
    );
    check(
        &[
            "connect",
            &url,
            "--mode",
            "active",
            "--data-methods",
            "pasv",
        ],
        2,
        "none of the data methods",
    );
    check(
        &["connect", &url, "--connect-timeout", "0"],
        2,
        "is not a time",
    );
    check(&["connect", &url, "--timeout", "soon"], 2, "is not a time");
    check(
        &["connect", &url, "--tls-min", "1.4"],
        2,
        "unknown TLS version",
    );
    check(
        &["connect", &url, "--tls-min", "1.1"],
        2,
        "TLS before 1.2 is outdated",
    );
    check(
        &["connect", &url, "--tls-min", "1.3", "--tls-max", "1.2"],
        2,
        "least TLS version",
    );
    check(
        &["connect", &url, "--pin-sha256", "abc"],
        2,
        "not a fingerprint",
    );
    check(
        &["connect", &url, "--password-file", "/no/such"],
        2,
        "/no/such",
    );
    check(&["connect", &url, "--params", "/no/such"], 2, "/no/such");
    check(
        &["connect", &ssh, "--fingerprint-type", "CRC"],
        2,
        "unknown fingerprint type",
    );
    check(
        &["connect", &ssh, "--allowed-fingerprints", "rubbish"],
        2,
        "not a fingerprint",
    );
    check(
        &["connect", &ssh, "--known-hosts", "perhaps"],
        2,
        "unknown known-hosts policy",
    );
    check(&["connect", &url, "--key", "k"], 2, "a key is for SSH only");
    check(&["put", "/no/such", &format!("{url}/x")], 2, "/no/such");
    check(&["put", "/no/such"], 2, "the last argument is no URL");
    check(&["put", "/etc", &format!("{url}/")], 2, "is a folder");
    check(&["mirror", "/etc", "/tmp"], 2, "one side is a local folder");
    check(&["mirror", "/no/such", &url], 2, "/no/such");
    check(
        &["mirror", "/etc", &url, "--include", "["],
        2,
        "the pattern cannot be meant",
    );
    check(&["get", &url, "--limit-rate", "fast"], 2, "--limit-rate");
    check(&["get", &url, "--resume", "--no-overwrite"], 2, "--resume");
    check(&["chmod", "rwx", &format!("{url}/x")], 2, "no permissions");
    check(
        &["touch", &format!("{url}/x"), "--time", "noon"],
        2,
        "is not a time",
    );
    check(&["connect", "@nobody"], 2, "config.toml");
    check(&["sync", "apply", "/no/such", &url], 2, "/no/such");
    check(
        &["fingerprint", &url],
        2,
        "neither host key nor certificate",
    );
}

#[test]
fn no_password_of_a_url_is_repeated() {
    for arguments in [
        vec!["connect", "--json", "ftp://ada:hunter2/x@host/"],
        vec!["put", "--json", "ftp://ada:hunter2@host/x", "local"],
        vec![
            "rm",
            "--json",
            "ftp://ada:hunter2@host/x",
            "ftp://ada:hunter2@host/y",
        ],
        vec!["rm", "--json", "--nonsense", "ftp://ada:hunter2@host/x"],
    ] {
        let said = Call::new(&arguments).run().badly(2, "");
        assert_eq!(said.json()["exit_status"], 2, "{said:#?}");
        assert!(
            !format!("{said:?}").contains("hunter2"),
            "{arguments:?}: {said:#?}"
        );
    }
}

#[test]
fn a_command_line_that_cannot_be_parsed() {
    check(&["rm"], 2, "required");
    check(&["rm", "ftp://h/x", "--nonsense"], 2, "--nonsense");
    check(&["frobnicate"], 2, "frobnicate");
    check(
        &["connect", "ftp://h", "--timeout", "nan"],
        2,
        "is not a time",
    );
}

#[test]
fn nobody_listens() {
    check(
        &["connect", &format!("ftp://{NOBODY}")],
        3,
        "could not connect",
    );
    check(
        &["connect", "ftp://no-such-host.invalid"],
        3,
        "no-such-host.invalid",
    );
    check(
        &[
            "connect",
            &format!("sftp://ada@{NOBODY}"),
            "--known-hosts",
            "off",
        ],
        3,
        "could not connect",
    );
}

#[test]
fn a_failure_is_a_json_document_too() {
    let said = Call::new(["connect", "--json", &format!("ftp://ada:hunter2@{NOBODY}")]).run();
    let document = said.badly(3, "could not connect").json();
    assert_eq!(document["ok"], false);
    assert_eq!(document["exit_status"], 3);
    assert_eq!(document["error"]["kind"], "ConnectFailed");
    assert!(!document.to_string().contains("hunter2"));
}
