//! The URL form: `scheme://[user][;key=value…][:password]@host[:port][/path]`.
//!
//! `ftp`, `ftpes` (explicit TLS), `ftps` (implicit TLS) and `sftp` are the schemes. Parameters beyond
//! user and password stand after the user, each behind a `;`, where the SSH URI draft
//! (draft-ietf-secsh-scp-sftp-ssh-uri) has its connection parameters; so the path stays a path, and
//! `?` and `#` in it are characters of a name. A general URL library would fold `//` and `..` away,
//! which mean something here.

use std::{fmt, num::NonZeroU16};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{
    ConnectParams,
    field::{self, FIELDS},
};
use crate::{Encryption, Error, ErrorKind, Host, RemotePath, Result, Secret};

impl ConnectParams {
    /// Reads a URL: the parameters and the path, which begins at the login folder (`//path` is
    /// absolute).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] with what is wrong; the message never repeats the password.
    pub fn from_url(url: &str) -> Result<(Self, RemotePath)> {
        Self::for_host(Host::Name(String::new())).with_url(url)
    }

    /// Reads a jump host: `[user@]host[:port]`, or an `sftp://` URL, which can bring its own password, key and
    /// allowed fingerprints. What it does not say is as for the server behind it, but for the password. Several
    /// hosts, separated by commas, are gone through one after the other; what comes back is the last, next to the
    /// server.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] with what is wrong; the message never repeats the password.
    pub fn from_jump(text: &str) -> Result<Self> {
        let text = text.trim();
        // A password in a URL may hold a comma.
        if !text.contains("://")
            && let Some((before, last)) = text.rsplit_once(',')
        {
            return Ok(Self::from_jump(last)?.with_jump(Self::from_jump(before)?));
        }
        let url = if text.contains("://") {
            text.to_owned()
        } else {
            format!("sftp://{text}")
        };
        let (params, path) = Self::from_url(&url)?;
        if !params.encryption.is_ssh() || !path.is_empty() {
            return Err(refuse(
                "a jump host is an SSH server, without a path",
                "write user@host:port, or sftp:// and the same",
            ));
        }
        Ok(params)
    }

    /// Replaces what a URL names: the server and port, the encryption unless the scheme already fits
    /// it, and user, password and further parameters if the URL has them. User, password, account, key
    /// and passphrase belong to a server: when the URL names another one, they are not kept.
    ///
    /// # Errors
    /// As [`ConnectParams::from_url`].
    pub fn with_url(mut self, url: &str) -> Result<(Self, RemotePath)> {
        let (scheme, rest) = url.trim_start().split_once("://").ok_or_else(|| {
            refuse(
                "not a URL",
                "write ftp://, ftpes://, ftps:// or sftp:// and the server",
            )
        })?;
        let encryption = Encryption::from_scheme(scheme).ok_or_else(|| {
            refuse(
                &format!("unknown scheme {scheme:?}"),
                "use ftp, ftpes (explicit TLS), ftps (implicit TLS) or sftp",
            )
        })?;
        let (authority_text, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (login, server, port) = authority(authority_text)?;
        let same_server = self.server == server && self.encryption.scheme() == encryption.scheme();
        if port.is_some() || !same_server {
            self.port = port;
        }
        if self.server != server {
            self.username = None;
            self.password = None;
            self.account = None;
            self.certificate = None;
            self.key_passphrase = None;
            self.server = server;
        }
        if self.encryption.scheme() != encryption.scheme() {
            self.encryption = encryption;
        }
        self.username = login.username.or(self.username);
        self.password = login.password.or(self.password);
        let (mut encryption_given, mut key_given) = (false, false);
        for (key, value) in &login.parameters {
            let field = field::find(key)?;
            if PLACED.contains(&field.key) {
                return Err(refuse(
                    &format!("{key:?} has a place of its own in a URL"),
                    "write user:password@server:port",
                ));
            }
            encryption_given |= field.key == "encryption";
            key_given |= field.key == "certificate";
            field::set(&mut self, field, value)?;
        }
        if self.encryption.scheme() != encryption.scheme() {
            return Err(refuse(
                &format!("{} does not go with {scheme}://", self.encryption),
                "change the scheme or the encryption",
            ));
        }
        if key_given && !encryption_given && self.encryption == Encryption::SshPassword {
            self.encryption = Encryption::SshKeyFile;
        }
        let path = self.encoding.url_path(path)?;
        Ok((self, path))
    }

    /// The parameters and a path as a URL, **with the password, passphrase and key in it**;
    /// [`ConnectParams::from_url`] reads it back.
    pub fn to_url_with_secrets(&self, path: &RemotePath) -> String {
        // The scheme already says which encryption, except for the variants it shares.
        let implied = Encryption::from_scheme(self.encryption.scheme());
        let parameters = FIELDS
            .iter()
            .filter(|f| !PLACED.contains(&f.key))
            .filter(|f| {
                f.key != "encryption"
                    || implied != Some(self.encryption)
                    || self.certificate.is_some()
            })
            .filter_map(|f| {
                let value = match f.key {
                    "encryption" => Some(self.encryption.short_name().to_owned()),
                    _ => (f.get)(self),
                };
                Some((f.key.to_owned(), value?))
            })
            .collect();
        let login = Login {
            username: self.username.clone(),
            parameters,
            password: self.password.clone(),
        };
        let port = self
            .port
            .map_or_else(String::new, |port| format!(":{port}"));
        let path = if path.is_empty() {
            String::new()
        } else {
            path.to_url_path()
        };
        format!(
            "{}://{login}{}{port}{path}",
            self.encryption.scheme(),
            self.server.in_url()
        )
    }
}

/// What stands before the `@`.
pub(super) struct Login {
    pub username: Option<String>,
    pub parameters: Vec<(String, String)>,
    pub password: Option<Secret>,
}

impl fmt::Display for Login {
    /// With the password: only for the forms that say so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.username.is_none() && self.parameters.is_empty() && self.password.is_none() {
            return Ok(());
        }
        f.write_str(&encode(self.username.as_deref().unwrap_or_default()))?;
        for (key, value) in &self.parameters {
            write!(f, ";{key}={}", encode(value))?;
        }
        if let Some(password) = &self.password {
            write!(f, ":{}", encode(password.expose()))?;
        }
        f.write_str("@")
    }
}

/// Reads `[user][;key=value…][:password]@host[:port]`.
pub(super) fn authority(text: &str) -> Result<(Login, Host, Option<NonZeroU16>)> {
    let (login, server) = match text.rsplit_once('@') {
        Some((login, server)) => (Some(login), server),
        None => (None, text),
    };
    let login = match login {
        None => Login {
            username: None,
            parameters: Vec::new(),
            password: None,
        },
        Some(login) => parse_login(login)?,
    };
    // An IPv6 address stands in brackets, so that the last colon outside them begins the port.
    let (host, port) = match server.rfind(']') {
        Some(end) => (&server[..=end], server[end + 1..].strip_prefix(':')),
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        },
    };
    if server
        .rfind(']')
        .is_some_and(|end| port.is_none() && end + 1 != server.len())
    {
        return Err(refuse(
            "rubbish after the bracket of the address",
            "write [address]:port",
        ));
    }
    // What stands in the port's place is not repeated: after a `/` in a password it is the password.
    let port = port
        .filter(|port| !port.is_empty())
        .map(|port| {
            port.parse::<NonZeroU16>().map_err(|_| {
                refuse(
                    "the port in the URL is no number from 1 to 65535",
                    "check the port; write a `/` in user or password as %2F",
                )
            })
        })
        .transpose()?;
    Ok((login, host.parse()?, port))
}

fn parse_login(text: &str) -> Result<Login> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(Secret::new(decode(password)?))),
        None => (text, None),
    };
    let mut parts = user.split(';');
    let username = parts
        .next()
        .filter(|name| !name.is_empty())
        .map(decode)
        .transpose()?;
    let parameters = parts
        .map(|part| {
            let (key, value) = part.split_once('=').ok_or_else(|| {
                refuse(
                    &format!("{part:?} is not key=value"),
                    "write a `;` in a user name as %3B",
                )
            })?;
            Ok((decode(key)?, decode(value)?))
        })
        .collect::<Result<_>>()?;
    Ok(Login {
        username,
        parameters,
        password,
    })
}

fn decode(text: &str) -> Result<String> {
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| {
            refuse(
                "user, password or a parameter is not UTF-8",
                "percent-encode the UTF-8 form",
            )
        })
}

pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

fn refuse(message: &str, hint: &str) -> Error {
    Error::new(ErrorKind::InvalidParameter)
        .with_message(message)
        .with_hint(hint)
}

/// Parameters that have a place of their own in a URL.
const PLACED: [&str; 4] = ["server", "port", "username", "password"];

/// What stands unencoded in user, password and parameters: the unreserved characters of RFC 3986.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
