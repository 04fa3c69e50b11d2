//! Parameters in three forms to take along: a command line, a file, and Rust code. None has a secret.

use std::fmt::Write as _;

use ftp_connect_core::params::KnownHosts;
use ftp_connect_core::{ConnectParams, Encryption, Mode, RemotePath};

/// The parameters as a call of the program. The URL has all of them; the password is asked for, or comes from
/// where the program finds passwords.
pub fn command_line(params: &ConnectParams) -> String {
    let url = shown(params).to_url_with_secrets(&RemotePath::login_folder());
    // In single quotes a shell changes nothing but a single quote.
    format!("ftp-connect ls '{}'", url.replace('\'', r"'\''"))
}

/// The parameters as `Label: value` text.
pub fn text_file(params: &ConnectParams) -> String {
    shown(params).to_text_with_secrets()
}

/// The parameters as Rust code, with a place for the password.
pub fn rust_code(params: &ConnectParams) -> String {
    let params = shown(params);
    let mut code = format!(
        "let params = ConnectParams::new({:?})?",
        params.server().to_string()
    );
    if params.port() != params.encryption().default_port() {
        let _ = write!(
            code,
            "\n    .with_port(std::num::NonZeroU16::new({}))",
            params.port()
        );
    }
    if let Some(user) = params.username() {
        let _ = write!(
            code,
            "\n    .with_username({user:?})\n    .with_password(password)"
        );
    }
    if params.encryption() != Encryption::default() {
        let _ = write!(
            code,
            "\n    .with_encryption(Encryption::{:?})",
            params.encryption()
        );
    }
    if params.mode() != Mode::default() {
        let _ = write!(code, "\n    .with_mode(Mode::{:?})", params.mode());
    }
    // The others by their names: the builder has a method for each, and this form has all of them.
    if let Ok(serde_json::Value::Object(all)) = serde_json::to_value(&params) {
        let said = ["server", "port", "username", "encryption", "mode"];
        for (key, value) in all.iter().filter(|(key, _)| !said.contains(&key.as_str())) {
            let value = match value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let key = key.replace('_', "-");
            let _ = write!(code, "\n    .with_parameter({key:?}, {value:?})?");
        }
    }
    code.push(';');
    code
}

/// What counts for the protocol, without secrets.
fn shown(params: &ConnectParams) -> ConnectParams {
    let params = params.clone().without_secrets();
    match params.encryption().is_ssh() {
        true => params,
        false => params.with_known_hosts(KnownHosts::Off),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> ConnectParams {
        ConnectParams::from_text(
            "Server: files.example.org\nPort: 2121\nUsername: a'da\nPassword: secret\n\
             Encryption: -2\nMode: passive\nData Methods: pasv\nCA File: ca.pem\n",
        )
        .unwrap()
    }

    #[test]
    fn each_form_has_all_but_the_password() {
        let params = params();
        let shown = [
            command_line(&params),
            text_file(&params),
            rust_code(&params),
        ];
        for form in &shown {
            assert!(!form.contains("secret"), "{form}");
            assert!(form.contains("ca.pem") && form.contains("2121"), "{form}");
        }
        let read = ConnectParams::from_text(&shown[1]).unwrap();
        assert_eq!(read.with_password("secret"), params);
        assert_eq!(
            shown[2],
            "let params = ConnectParams::new(\"files.example.org\")?\n    \
             .with_port(std::num::NonZeroU16::new(2121))\n    .with_username(\"a'da\")\n    \
             .with_password(password)\n    .with_encryption(Encryption::ExplicitTlsReuse)\n    \
             .with_mode(Mode::Passive)\n    .with_parameter(\"ca-file\", \"ca.pem\")?\n    \
             .with_parameter(\"data-methods\", \"pasv\")?;"
        );
    }

    #[test]
    fn the_command_line_is_one_word_for_a_shell() {
        let line = command_line(&params());
        let url = line.strip_prefix("ftp-connect ls '").unwrap();
        let url = url.strip_suffix('\'').unwrap().replace(r"'\''", "'");
        let (read, _) = ConnectParams::from_url(&url).unwrap();
        assert_eq!(read.with_password("secret"), params());
    }
}
