//! What was learnt about one server, to be kept and given to the next connect.
//!
//! Finding out that EPSV is dead behind some firewall costs a deadline, and learning a server's clock a
//! command; a profile spares both the next time. It only ever saves trying: it holds no secret, makes
//! nothing trusted, and cannot widen what the parameters allow. What it says is tried first, and what it
//! says is dead comes last or not at all; nothing is believed of it that the server then contradicts.
//!
//! Where profiles are kept is the program's business; nothing here reads or writes a file.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    ConnectParams, DataMethod, Error, ErrorKind, Host, Result,
    params::{ListCommand, PassiveAddress},
};

/// What is known of one server; `None` and empty where nothing is.
///
/// It is taken from a session by [`Session::profile`](crate::Session::profile) and given to
/// [`ConnectParams::with_profile`]; backends that learn nothing have none. As text it is JSON; unknown
/// members are passed over, so that an older program reads what a newer one has written.
///
/// ```
/// use ftp_connect_core::{ConnectParams, HostProfile};
///
/// let kept = r#"{"server":"files.example.org","port":21,"data_method":"pasv","dead_data_methods":["epsv"]}"#;
/// let profile = HostProfile::from_json(kept)?;
/// let params = ConnectParams::new("files.example.org")?.with_profile(profile);
/// assert!(params.profile().is_some_and(|profile| profile.is_of(&params)));
/// # Ok::<(), ftp_connect_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostProfile {
    /// The server.
    #[serde(serialize_with = "show", deserialize_with = "parse")]
    pub server: Host,
    /// Its port.
    pub port: u16,
    /// The way to a data connection that worked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_method: Option<DataMethod>,
    /// Ways that the server refuses for good, or whose connections never come about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dead_data_methods: Vec<DataMethod>,
    /// Which address led to the server's data port. It counts only where the parameters allow the
    /// advertised address: then `Peer` says that the advertised one leads nowhere.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "show_option",
        deserialize_with = "parse_option"
    )]
    pub passive_address: Option<PassiveAddress>,
    /// How far the times in the server's LIST lines are ahead of UTC, in seconds, for files of the northern
    /// winter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset: Option<i32>,
    /// The same for files of the northern summer: many zones then have another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_summer: Option<i32>,
    /// The command that lists folders where the parameters leave the choice.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "show_option",
        deserialize_with = "parse_option"
    )]
    pub list_command: Option<ListCommand>,
    /// Whether LIST takes `-a`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_all: Option<bool>,
    /// Whether MLSD works: there are servers that announce it and do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mlsd: Option<bool>,
    /// Whether MLSD takes a path; where not, it is sent from within the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mlsd_path: Option<bool>,
    /// Whether the server has HOST (RFC 7151), so that it is told by which name it is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_command: Option<bool>,
    /// Whether the server answers commands that were sent together, each once and in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipelining: Option<bool>,
    /// Whether the server has let a user with a password in without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear_login: Option<bool>,
    /// Whether TLS 1.2 is what its data connections can be resumed with: it demands that, and resumes none under
    /// TLS 1.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls12_for_reuse: Option<bool>,
}

impl HostProfile {
    /// The profile of a server of which nothing is known.
    pub fn new(server: Host, port: u16) -> Self {
        Self {
            server,
            port,
            data_method: None,
            dead_data_methods: Vec::new(),
            passive_address: None,
            clock_offset: None,
            clock_offset_summer: None,
            list_command: None,
            list_all: None,
            mlsd: None,
            mlsd_path: None,
            host_command: None,
            pipelining: None,
            clear_login: None,
            tls12_for_reuse: None,
        }
    }

    /// Whether this is the profile of the server that the parameters name. One of another server is
    /// not used.
    pub fn is_of(&self, params: &ConnectParams) -> bool {
        self.server == *params.server() && self.port == params.port()
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if it is no profile.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            Error::new(ErrorKind::InvalidParameter)
                .with_message(format!("not a host profile: {error}"))
                .with_hint("remove it, and it is learnt anew")
                .with_source(error)
        })
    }

    /// The profile as one line of JSON; [`HostProfile::from_json`] reads it back.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("names, numbers and flags have a JSON form")
    }
}

fn show<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn show_option<T: Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

fn parse<'de, T: FromStr<Err = Error>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(de::Error::custom)
}

/// What this version does not know is as good as not known.
fn parse_option<'de, T: FromStr<Err = Error>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> HostProfile {
        HostProfile {
            data_method: Some(DataMethod::Pasv),
            dead_data_methods: vec![DataMethod::Epsv, DataMethod::Port],
            passive_address: Some(PassiveAddress::Peer),
            clock_offset: Some(-7200),
            clock_offset_summer: Some(-3600),
            list_command: Some(ListCommand::List),
            list_all: Some(false),
            mlsd: Some(true),
            mlsd_path: Some(false),
            host_command: Some(true),
            pipelining: Some(true),
            clear_login: Some(true),
            tls12_for_reuse: Some(true),
            ..HostProfile::new("::1".parse().unwrap(), 2121)
        }
    }

    #[test]
    fn json_is_read_back() {
        for profile in [full(), HostProfile::new("nas".parse().unwrap(), 21)] {
            let json = profile.to_json();
            assert_eq!(HostProfile::from_json(&json).unwrap(), profile, "{json}");
            assert!(!json.contains('\n') && !json.contains("null"), "{json}");
        }
    }

    #[track_caller]
    fn check(json: &str, expected: Option<Option<DataMethod>>) {
        let read = HostProfile::from_json(json).ok();
        assert_eq!(read.map(|profile| profile.data_method), expected, "{json}");
    }

    #[test]
    fn what_others_have_written() {
        check(r#"{"server":"nas","port":21}"#, Some(None));
        check(
            r#"{"server":"nas","port":21,"data_method":"port","later":[1]}"#,
            Some(Some(DataMethod::Port)),
        );
        check(
            r#"{"server":"nas","port":21,"list_command":"telepathy"}"#,
            Some(None),
        );
        for bad in [
            "",
            "{}",
            r#"{"server":"a b","port":21}"#,
            r#"{"server":"nas","port":70000}"#,
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn a_profile_belongs_to_one_server() {
        let profile = HostProfile::new("nas".parse().unwrap(), 21);
        let params = |url: &str| ConnectParams::from_url(url).unwrap().0;
        assert!(profile.is_of(&params("ftp://ada@NAS")));
        assert!(!profile.is_of(&params("ftps://nas")));
        assert!(!profile.is_of(&params("ftp://box")));
    }
}
