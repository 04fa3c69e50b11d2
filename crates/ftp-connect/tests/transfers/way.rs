//! The three ways to a server, each with its folder to look into.

use std::{path::Path, time::Duration};

use ftp_connect::{
    ConnectParams,
    params::{Timeouts, TlsTrust},
    transfer::{Pool, PoolOptions},
};
use ftp_connect_testkit::Embedded;

/// One embedded server of each kind.
pub(crate) struct Servers(Embedded);

/// A way to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Ftp,
    Ftps,
    Sftp,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Ftp, Self::Ftps, Self::Sftp];
}

impl Servers {
    pub(crate) async fn start() -> Self {
        Self(Embedded::start().await.unwrap())
    }

    /// The folder that clients see as `/`.
    pub(crate) fn root(&self, way: Way) -> &Path {
        match way {
            Way::Ftp => self.0.plain.root(),
            Way::Ftps => self.0.explicit.root(),
            Way::Sftp => self.0.sftp.root(),
        }
    }

    pub(crate) fn url(&self, way: Way) -> String {
        let (scheme, addr) = match way {
            Way::Ftp => ("ftp", self.0.plain.addr()),
            Way::Ftps => ("ftpes", self.0.explicit.addr()),
            Way::Sftp => ("sftp", self.0.sftp.addr()),
        };
        format!("{scheme}://tester:secret@{addr}")
    }

    pub(crate) fn ca_file(&self) -> &Path {
        self.0.ca.pem_file()
    }

    pub(crate) fn params(&self, way: Way) -> ConnectParams {
        params(&self.url(way), self.ca_file())
    }
}

pub(crate) fn params(url: &str, ca_file: &Path) -> ConnectParams {
    let (params, _) = ConnectParams::from_url(url).unwrap();
    params.with_tls(TlsTrust::default().with_ca_file(ca_file.to_str().unwrap()))
}

/// Gives up soon: what is late on loopback is lost.
pub(crate) fn hasty(params: ConnectParams) -> ConnectParams {
    let soon = Duration::from_millis(1500);
    let timeouts = Timeouts::default()
        .with_connect(soon)
        .with_reply(soon)
        .with_data(soon)
        .with_idle(soon)
        .with_close(Duration::from_millis(300));
    params.with_timeouts(timeouts)
}

pub(crate) fn pool(params: ConnectParams, sessions: usize) -> Pool {
    let options = PoolOptions::default()
        .with_sessions(sessions)
        .with_attempts(2)
        .with_pause(Duration::from_millis(20));
    Pool::new(ftp_connect::registry(), params, options)
}
