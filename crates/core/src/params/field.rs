//! The table of all parameters: label, short key, how to read and how to write each. The text, URL
//! and serde forms are made from it, so that they cannot disagree.

use std::{net::IpAddr, num::NonZeroU16, str::FromStr, time::Duration};

use super::ConnectParams;
use crate::{
    Encryption, Error, ErrorKind, Fingerprint, FingerprintTarget, FingerprintType, HostProfile,
    RemotePath, Result, Secret, encryption::squeeze,
};

/// One parameter in the forms made of text.
pub(super) struct Field {
    /// As people see it, such as `Allowed Finger Print List`.
    pub label: &'static str,
    /// As URLs, files and programs write it, such as `allowed-fingerprints`.
    pub key: &'static str,
    /// How serde shows it.
    pub shape: Shape,
    /// The value as text; `None` when it is the default.
    pub get: fn(&ConnectParams) -> Option<String>,
    /// Reads the value. The message of its error holds no secret.
    pub set: fn(&mut ConnectParams, &str) -> Result<()>,
}

/// How serde shows a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Number,
    Flag,
}

/// Finds a field by label or key, whatever the case, blanks and hyphens.
pub(super) fn find(name: &str) -> Result<&'static Field> {
    let wanted = squeeze(name);
    FIELDS
        .iter()
        .find(|field| squeeze(field.label) == wanted || squeeze(field.key) == wanted)
        .ok_or_else(|| {
            let labels: Vec<_> = FIELDS.iter().map(|field| field.label).collect();
            Error::new(ErrorKind::InvalidParameter)
                .with_message(format!("unknown parameter {name:?}"))
                .with_hint(format!("known are: {}", labels.join(", ")))
        })
}

/// Reads one value into the parameters; the error names the parameter.
pub(super) fn set(params: &mut ConnectParams, field: &Field, value: &str) -> Result<()> {
    (field.set)(params, value).map_err(|error| {
        let message = format!("{}: {error}", field.label);
        error.with_message(message)
    })
}

pub(super) const FIELDS: &[Field] = &[
    Field {
        label: "Server",
        key: "server",
        shape: Shape::Text,
        get: |p| Some(p.server.to_string()),
        set: |p, v| store(&mut p.server, v),
    },
    Field {
        label: "Port",
        key: "port",
        shape: Shape::Number,
        get: |p| shown(p.port.as_ref()),
        set: |p, v| {
            p.port = Some(v.trim().parse::<NonZeroU16>().map_err(|_| {
                refuse(
                    format!("{v:?} is not a port"),
                    "a port is a number from 1 to 65535",
                )
            })?);
            Ok(())
        },
    },
    Field {
        label: "Username",
        key: "username",
        shape: Shape::Text,
        get: |p| p.username.clone(),
        set: |p, v| {
            p.username = some(v);
            Ok(())
        },
    },
    Field {
        label: "Password",
        key: "password",
        shape: Shape::Text,
        get: |p| exposed(p.password.as_ref()),
        set: |p, v| {
            p.password = Some(v.into());
            Ok(())
        },
    },
    Field {
        label: "Account",
        key: "account",
        shape: Shape::Text,
        get: |p| exposed(p.account.as_ref()),
        set: |p, v| {
            p.account = Some(v.into());
            Ok(())
        },
    },
    Field {
        label: "Mode",
        key: "mode",
        shape: Shape::Text,
        get: |p| differs(&p.mode, || p.mode.label().to_owned()),
        set: |p, v| store(&mut p.mode, v),
    },
    Field {
        label: "Data Methods",
        key: "data-methods",
        shape: Shape::Text,
        get: |p| {
            let names = p.data_methods.iter().map(|m| m.to_string().to_lowercase());
            some(&names.collect::<Vec<_>>().join(","))
        },
        set: |p, v| {
            let methods = v.split(',').filter(|name| !name.trim().is_empty());
            p.data_methods = methods.map(str::parse).collect::<Result<_>>()?;
            Ok(())
        },
    },
    Field {
        label: "Encryption",
        key: "encryption",
        shape: Shape::Text,
        get: |p| differs(&p.encryption, || p.encryption.label().to_owned()),
        set: |p, v| store(&mut p.encryption, v),
    },
    Field {
        label: "Certificate File/Content",
        key: "certificate",
        shape: Shape::Text,
        get: |p| exposed(p.certificate.as_ref()),
        set: |p, v| {
            p.certificate = Some(v.into());
            Ok(())
        },
    },
    Field {
        label: "Key Passphrase",
        key: "key-passphrase",
        shape: Shape::Text,
        get: |p| exposed(p.key_passphrase.as_ref()),
        set: |p, v| {
            p.key_passphrase = Some(v.into());
            Ok(())
        },
    },
    Field {
        label: "SSH Agent",
        key: "ssh-agent",
        shape: Shape::Flag,
        get: |p| differs(&p.ssh_agent, || "true".to_owned()),
        set: |p, v| {
            p.ssh_agent = flag(v)?;
            Ok(())
        },
    },
    Field {
        label: "Finger Print Type",
        key: "fingerprint-type",
        shape: Shape::Text,
        get: |p| differs(&p.fingerprint_type, || p.fingerprint_type.to_string()),
        set: |p, v| store(&mut p.fingerprint_type, v),
    },
    Field {
        label: "Finger Print Target",
        key: "fingerprint-target",
        shape: Shape::Text,
        get: |p| p.fingerprint_target.name().map(str::to_owned),
        set: |p, v| {
            p.fingerprint_target =
                some(v).map_or_else(FingerprintTarget::default, FingerprintTarget::named);
            Ok(())
        },
    },
    Field {
        label: "Allowed Finger Print List",
        key: "allowed-fingerprints",
        shape: Shape::Text,
        get: |p| some(&p.allowed_fingerprints.to_string()),
        set: |p, v| store(&mut p.allowed_fingerprints, v),
    },
    Field {
        label: "Known Hosts",
        key: "known-hosts",
        shape: Shape::Text,
        get: |p| differs(&p.known_hosts, || p.known_hosts.to_string()),
        set: |p, v| store(&mut p.known_hosts, v),
    },
    Field {
        label: "Known Hosts File",
        key: "known-hosts-file",
        shape: Shape::Text,
        get: |p| p.known_hosts_file.clone(),
        set: |p, v| {
            p.known_hosts_file = some(v);
            Ok(())
        },
    },
    Field {
        label: "CA File",
        key: "ca-file",
        shape: Shape::Text,
        get: |p| p.tls.ca_file.clone(),
        set: |p, v| {
            p.tls.ca_file = some(v);
            Ok(())
        },
    },
    Field {
        label: "Pin SHA256",
        key: "pin-sha256",
        shape: Shape::Text,
        get: |p| {
            some(
                &p.tls
                    .pins
                    .iter()
                    .map(Fingerprint::to_hex)
                    .collect::<Vec<_>>()
                    .join("\n"),
            )
        },
        set: |p, v| {
            p.tls.pins = v
                .split(['\r', '\n', ',', ' '])
                .filter(|pin| !pin.is_empty())
                .map(pin)
                .collect::<Result<_>>()?;
            Ok(())
        },
    },
    Field {
        label: "Danger Accept Any Certificate",
        key: "danger-accept-any-certificate",
        shape: Shape::Flag,
        get: |p| differs(&p.tls.danger_accept_any_certificate, || "true".to_owned()),
        set: |p, v| {
            p.tls.danger_accept_any_certificate = flag(v)?;
            Ok(())
        },
    },
    Field {
        label: "Danger Clear Data",
        key: "danger-clear-data",
        shape: Shape::Flag,
        get: |p| differs(&p.tls.danger_clear_data, || "true".to_owned()),
        set: |p, v| {
            p.tls.danger_clear_data = flag(v)?;
            Ok(())
        },
    },
    Field {
        label: "Danger Clear Command Channel",
        key: "danger-clear-command-channel",
        shape: Shape::Flag,
        get: |p| differs(&p.tls.danger_clear_command_channel, || "true".to_owned()),
        set: |p, v| {
            p.tls.danger_clear_command_channel = flag(v)?;
            Ok(())
        },
    },
    Field {
        label: "TLS Min",
        key: "tls-min",
        shape: Shape::Text,
        get: |p| shown(p.tls.min_version.as_ref()),
        set: |p, v| store_some(&mut p.tls.min_version, v),
    },
    Field {
        label: "TLS Max",
        key: "tls-max",
        shape: Shape::Text,
        get: |p| shown(p.tls.max_version.as_ref()),
        set: |p, v| store_some(&mut p.tls.max_version, v),
    },
    Field {
        label: "Client Certificate File",
        key: "client-certificate-file",
        shape: Shape::Text,
        get: |p| p.tls.client_certificate_file.clone(),
        set: |p, v| {
            p.tls.client_certificate_file = some(v);
            Ok(())
        },
    },
    Field {
        label: "Client Key File",
        key: "client-key-file",
        shape: Shape::Text,
        get: |p| p.tls.client_key_file.clone(),
        set: |p, v| {
            p.tls.client_key_file = some(v);
            Ok(())
        },
    },
    Field {
        label: "Session Reuse",
        key: "session-reuse",
        shape: Shape::Text,
        get: |p| shown(p.session_reuse.as_ref()),
        set: |p, v| store_some(&mut p.session_reuse, v),
    },
    Field {
        label: "Connect Timeout",
        key: "connect-timeout",
        shape: Shape::Number,
        get: |p| {
            (p.timeouts.connect != super::Timeouts::default().connect)
                .then(|| seconds_text(p.timeouts.connect))
        },
        set: |p, v| store_seconds(&mut p.timeouts.connect, v),
    },
    Field {
        label: "Reply Timeout",
        key: "reply-timeout",
        shape: Shape::Number,
        get: |p| {
            (p.timeouts.reply != super::Timeouts::default().reply)
                .then(|| seconds_text(p.timeouts.reply))
        },
        set: |p, v| store_seconds(&mut p.timeouts.reply, v),
    },
    Field {
        label: "Data Timeout",
        key: "data-timeout",
        shape: Shape::Number,
        get: |p| {
            (p.timeouts.data != super::Timeouts::default().data)
                .then(|| seconds_text(p.timeouts.data))
        },
        set: |p, v| store_seconds(&mut p.timeouts.data, v),
    },
    Field {
        label: "Idle Timeout",
        key: "idle-timeout",
        shape: Shape::Number,
        get: |p| {
            (p.timeouts.idle != super::Timeouts::default().idle)
                .then(|| seconds_text(p.timeouts.idle))
        },
        set: |p, v| store_seconds(&mut p.timeouts.idle, v),
    },
    Field {
        label: "Close Timeout",
        key: "close-timeout",
        shape: Shape::Number,
        get: |p| {
            (p.timeouts.close != super::Timeouts::default().close)
                .then(|| seconds_text(p.timeouts.close))
        },
        set: |p, v| store_seconds(&mut p.timeouts.close, v),
    },
    Field {
        label: "Keep Alive",
        key: "keep-alive",
        shape: Shape::Number,
        get: |p| p.keep_alive.map(seconds_text),
        set: |p, v| store_seconds(p.keep_alive.get_or_insert_default(), v),
    },
    Field {
        label: "Keep Alive Count",
        key: "keep-alive-count",
        shape: Shape::Number,
        get: |p| shown(p.keep_alive_count.as_ref()),
        set: |p, v| store_count(&mut p.keep_alive_count, v),
    },
    Field {
        label: "Rekey Bytes",
        key: "rekey-bytes",
        shape: Shape::Number,
        get: |p| shown(p.rekey_bytes.as_ref()),
        set: |p, v| store_count(&mut p.rekey_bytes, v),
    },
    Field {
        label: "Jump",
        key: "jump",
        shape: Shape::Text,
        get: |p| {
            p.jump
                .as_ref()
                .map(|jump| jump.to_url_with_secrets(&RemotePath::default()))
        },
        set: |p, v| {
            p.jump = Some(Box::new(ConnectParams::from_jump(v)?));
            Ok(())
        },
    },
    Field {
        label: "Control Keep Alive",
        key: "control-keep-alive",
        shape: Shape::Number,
        get: |p| p.control_keep_alive.map(seconds_text),
        set: |p, v| store_seconds(p.control_keep_alive.get_or_insert_default(), v),
    },
    Field {
        label: "Proxy",
        key: "proxy",
        shape: Shape::Text,
        get: |p| p.proxy.as_ref().map(super::Proxy::to_url_with_secrets),
        set: |p, v| store_some(&mut p.proxy, v),
    },
    Field {
        label: "Active Address",
        key: "active-address",
        shape: Shape::Text,
        get: |p| shown(p.active.bind.as_ref()),
        set: |p, v| {
            p.active.bind = Some(address(v)?);
            Ok(())
        },
    },
    Field {
        label: "Active Ports",
        key: "active-ports",
        shape: Shape::Text,
        get: |p| {
            p.active
                .ports
                .map(|(first, last)| format!("{first}-{last}"))
        },
        set: |p, v| {
            let (first, last) = v.split_once('-').unwrap_or((v, v));
            let parse = |text: &str| text.trim().parse::<NonZeroU16>().ok().map(NonZeroU16::get);
            let (Some(first), Some(last)) = (parse(first), parse(last)) else {
                return Err(refuse(
                    format!("{v:?} is not a range of ports"),
                    "write 50000-50100",
                ));
            };
            p.active = p.active.with_ports(first, last);
            Ok(())
        },
    },
    Field {
        label: "Active External Address",
        key: "active-external-address",
        shape: Shape::Text,
        get: |p| shown(p.active.external_address.as_ref()),
        set: |p, v| {
            p.active.external_address = Some(address(v)?);
            Ok(())
        },
    },
    Field {
        label: "Passive Address",
        key: "passive-address",
        shape: Shape::Text,
        get: |p| differs(&p.passive_address, || p.passive_address.to_string()),
        set: |p, v| store(&mut p.passive_address, v),
    },
    Field {
        label: "List Command",
        key: "list-command",
        shape: Shape::Text,
        get: |p| differs(&p.list_command, || p.list_command.to_string()),
        set: |p, v| store(&mut p.list_command, v),
    },
    Field {
        label: "Pipelining",
        key: "pipelining",
        shape: Shape::Text,
        get: |p| differs(&p.pipelining, || p.pipelining.to_string()),
        set: |p, v| store(&mut p.pipelining, v),
    },
    Field {
        label: "Data At Once",
        key: "data-at-once",
        shape: Shape::Flag,
        get: |p| differs(&p.data_at_once, || "true".to_owned()),
        set: |p, v| {
            p.data_at_once = flag(v)?;
            Ok(())
        },
    },
    Field {
        label: "Legacy",
        key: "legacy",
        shape: Shape::Flag,
        get: |p| differs(&p.legacy, || "true".to_owned()),
        set: |p, v| {
            p.legacy = flag(v)?;
            Ok(())
        },
    },
    Field {
        label: "Encoding",
        key: "encoding",
        shape: Shape::Text,
        get: |p| differs(&p.encoding, || p.encoding.to_string()),
        set: |p, v| store(&mut p.encoding, v),
    },
    Field {
        label: "Limit Reply Bytes",
        key: "limit-reply-bytes",
        shape: Shape::Number,
        get: |p| {
            (p.limits.reply_bytes != super::Limits::default().reply_bytes)
                .then(|| p.limits.reply_bytes.to_string())
        },
        set: |p, v| store_bytes(&mut p.limits.reply_bytes, v),
    },
    Field {
        label: "Limit Listing Line Bytes",
        key: "limit-listing-line-bytes",
        shape: Shape::Number,
        get: |p| {
            (p.limits.listing_line_bytes != super::Limits::default().listing_line_bytes)
                .then(|| p.limits.listing_line_bytes.to_string())
        },
        set: |p, v| store_bytes(&mut p.limits.listing_line_bytes, v),
    },
    Field {
        label: "Host Profile",
        key: "host-profile",
        shape: Shape::Text,
        get: |p| p.profile.as_ref().map(HostProfile::to_json),
        set: |p, v| {
            p.profile = Some(HostProfile::from_json(v)?);
            Ok(())
        },
    },
];

fn some(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn shown<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(T::to_string)
}

fn exposed(value: Option<&Secret>) -> Option<String> {
    value.map(|secret| secret.expose().clone())
}

fn differs<T: Default + PartialEq>(value: &T, text: impl FnOnce() -> String) -> Option<String> {
    (*value != T::default()).then(text)
}

fn store<T: FromStr<Err = Error>>(place: &mut T, value: &str) -> Result<()> {
    *place = value.parse()?;
    Ok(())
}

fn store_some<T: FromStr<Err = Error>>(place: &mut Option<T>, value: &str) -> Result<()> {
    *place = Some(value.parse()?);
    Ok(())
}

/// Seconds as text, exact to the nanosecond, so that they round-trip.
fn seconds_text(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 {
        return duration.as_secs().to_string();
    }
    format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos())
        .trim_end_matches('0')
        .to_owned()
}

fn store_seconds(place: &mut Duration, value: &str) -> Result<()> {
    let bad = || {
        refuse(
            format!("{value:?} is not a time"),
            "give seconds above zero, such as 30 or 0.5",
        )
    };
    let text = value.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    let seconds: u64 = whole.parse().map_err(|_| bad())?;
    let nanos: u32 = format!("{fraction:0<9}").parse().map_err(|_| bad())?;
    let duration = Duration::new(seconds, nanos).min(super::parts::LONGEST);
    if duration.is_zero() {
        return Err(bad());
    }
    *place = duration;
    Ok(())
}

fn store_bytes(place: &mut usize, value: &str) -> Result<()> {
    *place = value.trim().parse().map_err(|_| {
        refuse(
            format!("{value:?} is not a number of bytes"),
            "give a whole number",
        )
    })?;
    Ok(())
}

fn store_count<T: FromStr>(place: &mut Option<T>, value: &str) -> Result<()> {
    *place = Some(value.trim().parse().map_err(|_| {
        refuse(
            format!("{value:?} is not a number above zero"),
            "give a whole number",
        )
    })?);
    Ok(())
}

fn flag(value: &str) -> Result<bool> {
    match squeeze(value).as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(refuse(
            format!("{value:?} is neither true nor false"),
            "write true or false",
        )),
    }
}

fn address(value: &str) -> Result<IpAddr> {
    value.trim().parse().map_err(|_| {
        refuse(
            format!("{value:?} is not an IP address"),
            "write it in numbers",
        )
    })
}

fn pin(value: &str) -> Result<Fingerprint> {
    value.parse().ok().filter(|p: &Fingerprint| p.kind() == FingerprintType::Sha256).ok_or_else(|| {
        refuse(
            format!("{value:?} is not a SHA-256"),
            "give the certificate's SHA-256 in hex or base64, as `ftp-connect fingerprint` prints it",
        )
    })
}

fn refuse(message: String, hint: &str) -> Error {
    Error::new(ErrorKind::InvalidParameter)
        .with_message(message)
        .with_hint(hint)
}

impl Encryption {
    /// The encryption a URL scheme stands for.
    pub(super) fn from_scheme(scheme: &str) -> Option<Self> {
        [
            Self::None,
            Self::ExplicitTls,
            Self::ImplicitTls,
            Self::SshPassword,
        ]
        .into_iter()
        .find(|encryption| encryption.scheme().eq_ignore_ascii_case(scheme))
    }
}
