//! The text form: one `Label: value` a line, as forms and configuration files have it.
//!
//! - Labels are read whatever their case, blanks and hyphens; short keys work too.
//! - A line that begins with a blank or tab continues the value above (that one character is taken
//!   off), and so do all lines from `-----BEGIN` to `-----END`, so that a PEM key can be pasted.
//! - A value in double quotes is a JSON string: for values with blanks at the edge, control
//!   characters, or a first character that is a quote.
//! - Empty lines and lines that begin with `#` do not count.

use std::fmt::Write as _;

use super::{
    ConnectParams,
    field::{self, FIELDS, Field},
};
use crate::{Error, ErrorKind, Host, Result};

impl ConnectParams {
    /// Reads `Label: value` text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] with the line, for an unknown label, a label given twice, a
    /// value that cannot be meant, or a missing server.
    ///
    /// ```
    /// use ftp_connect_core::{ConnectParams, Encryption};
    /// let params = ConnectParams::from_text("Server: nas\nUsername: ada\nEncryption: TLS/SSL Explicit\n")?;
    /// assert_eq!(params.encryption(), Encryption::ExplicitTls);
    /// # Ok::<(), ftp_connect_core::Error>(())
    /// ```
    pub fn from_text(text: &str) -> Result<Self> {
        let mut params = Self::for_host(Host::Name(String::new()));
        let mut seen: Vec<&str> = Vec::new();
        for item in items(text)? {
            let at_line = |error: Error| {
                let message = format!("line {}: {error}", item.line);
                error.with_message(message)
            };
            let field = field::find(item.label).map_err(at_line)?;
            if seen.contains(&field.key) {
                return Err(at_line(refuse(&format!(
                    "{:?} is given twice",
                    field.label
                ))));
            }
            seen.push(field.key);
            field::set(&mut params, field, &item.value).map_err(at_line)?;
        }
        if !seen.contains(&"server") {
            return Err(refuse("the server is missing").with_hint("add a line `Server: name`"));
        }
        Ok(params)
    }

    /// The parameters as `Label: value` text, **with the password, passphrase and key in it**; what
    /// is at its default is left out. [`ConnectParams::from_text`] reads it back.
    pub fn to_text_with_secrets(&self) -> String {
        let mut text = String::new();
        for Field { label, get, .. } in FIELDS {
            if let Some(value) = get(self) {
                let _ = writeln!(text, "{label}: {}", write_value(&value));
            }
        }
        text
    }
}

struct Item<'t> {
    /// Counted from 1.
    line: usize,
    label: &'t str,
    value: String,
}

fn items(text: &str) -> Result<Vec<Item<'_>>> {
    let mut items: Vec<Item<'_>> = Vec::new();
    let mut in_pem = false;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let continued = if in_pem || line.starts_with("-----BEGIN ") {
            Some(line)
        } else {
            line.strip_prefix([' ', '\t'])
        };
        match (continued, items.last_mut()) {
            (Some(rest), Some(item)) if in_pem || !rest.trim().is_empty() => {
                if !item.value.is_empty() {
                    item.value.push('\n');
                }
                item.value.push_str(rest);
            }
            _ if line.trim().is_empty() || line.starts_with('#') => continue,
            _ => {
                let (label, value) = line.split_once(':').ok_or_else(|| {
                    refuse(&format!("line {}: not `Label: value`", index + 1))
                        .with_hint("begin lines that continue a value with a blank")
                })?;
                items.push(Item {
                    line: index + 1,
                    label: label.trim(),
                    value: value.trim().to_owned(),
                });
            }
        }
        // What stands in quotes ends with its line.
        let quoted = items.last().is_some_and(|item| item.value.starts_with('"'));
        let begins = line.contains("-----BEGIN ") && !quoted;
        in_pem = (in_pem || begins) && !line.contains("-----END ");
    }
    for item in &mut items {
        if item.value.len() >= 2 && item.value.starts_with('"') && item.value.ends_with('"') {
            item.value = unquote(&item.value).ok_or_else(|| {
                refuse(&format!(
                    "line {}: a value in quotes has a bad escape",
                    item.line
                ))
            })?;
        }
    }
    Ok(items)
}

fn write_value(value: &str) -> String {
    let plain = !value.is_empty()
        && value.trim() == value
        && !value.starts_with('"')
        && !value.chars().any(|c| c.is_control() && c != '\n')
        && !value.contains("-----BEGIN ")
        && !value
            .split('\n')
            .any(|line| line.trim() != line || line.is_empty());
    if plain {
        value.replace('\n', "\n ")
    } else {
        quote(value)
    }
}

/// Writes a JSON string.
fn quote(value: &str) -> String {
    let mut out = String::from('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Reads a JSON string, surrogate pairs excepted, which `quote` never writes.
fn unquote(value: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = value.strip_prefix('"')?.strip_suffix('"')?.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => out.push(match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => {
                    let hex: String = chars.by_ref().take(4).collect();
                    char::from_u32(
                        u32::from_str_radix(&hex, 16)
                            .ok()
                            .filter(|_| hex.len() == 4)?,
                    )?
                }
                c @ ('"' | '\\' | '/') => c,
                _ => return None,
            }),
            c => out.push(c),
        }
    }
    Some(out)
}

fn refuse(message: &str) -> Error {
    Error::new(ErrorKind::InvalidParameter).with_message(message)
}
