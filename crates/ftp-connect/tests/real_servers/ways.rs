//! How each set-up can be reached: the parameter sets, each by backend and mode.

use std::num::NonZeroU16;

use ftp_connect::{
    ConnectParams, Encryption, Mode,
    params::{SessionReuse, TlsTrust},
};
use ftp_connect_testkit::lab::{Lab, LabServer};

/// One way to a server.
#[derive(Debug)]
pub(crate) struct Way<'l> {
    pub(crate) server: &'l LabServer,
    /// The backend.
    pub(crate) backend: &'static str,
    /// None for SFTP.
    pub(crate) mode: Option<Mode>,
    pub(crate) params: ConnectParams,
}

impl Way<'_> {
    /// The backend and the mode, as part of a file name.
    pub(crate) fn word(&self) -> String {
        match self.mode {
            Some(mode) => format!("{}-{mode}", self.backend),
            None => self.backend.to_owned(),
        }
    }
}

/// What reaches a server in its plainest way.
pub(crate) fn params(lab: &Lab, server: &LabServer) -> ConnectParams {
    let (params, _) = ConnectParams::from_url(&server.url()).expect("a URL");
    params
        .with_password(server.password.as_str())
        .with_port(NonZeroU16::new(server.port))
        .with_tls(TlsTrust::default().with_ca_file(lab.ca_file.to_str().expect("UTF-8")))
}

/// Every way to a server that can serve.
pub(crate) fn ways<'l>(lab: &Lab, server: &'l LabServer) -> Vec<Way<'l>> {
    let params = params(lab, server);
    let secured = match server.kind.as_str() {
        "sftp" => {
            let (backend, mode) = ("sftp", None);
            return vec![Way {
                server,
                backend,
                mode,
                params,
            }];
        }
        "ftp" => vec![("plain", params)],
        "ftpes" => vec![
            ("tls", params.clone()),
            (
                "tls-reuse",
                params.with_encryption(Encryption::ExplicitTlsReuse),
            ),
        ],
        "ftps" => vec![
            ("tls", params.clone()),
            ("tls-reuse", params.with_session_reuse(SessionReuse::Prefer)),
        ],
        kind => panic!("{kind} is no kind of server"),
    };
    let mut ways = Vec::new();
    for (backend, params) in secured {
        for mode in Mode::ALL {
            if mode == Mode::Passive && server.has("no-passive") {
                continue;
            }
            ways.push(Way {
                server,
                backend,
                mode: Some(mode),
                params: params.clone().with_mode(mode),
            });
        }
    }
    ways
}
