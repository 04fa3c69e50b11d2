//! How SFTP begins: what is asked first, and what goes into the report.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ftp_connect_core::{
    ConnectParams, ConnectReport, Error, ErrorKind, Operation, RemotePath, Result, Timings,
    params::Timeouts,
};

use super::{SftpSession, limits::Limits, server::Server, single_name};
use crate::{
    client::Client,
    proto::{Request, VERSION, Version, extension},
    ssh::{Ssh, within},
};

impl SftpSession {
    /// Begins SFTP on a connection that is logged in, and completes the report.
    pub(crate) async fn start(
        ssh: Ssh,
        params: &ConnectParams,
        mut report: ConnectReport,
    ) -> Result<Self> {
        describe(&mut report, &ssh);
        Self::begin(Arc::new(ssh), params.timeouts(), report).await
    }

    /// Another session over the same connection.
    pub(super) async fn beside(&self) -> Result<Self> {
        let mut report = self.report.clone();
        report.timings = Timings::default();
        Self::begin(Arc::clone(&self.ssh), self.timeouts, report).await
    }

    async fn begin(ssh: Arc<Ssh>, timeouts: Timeouts, mut report: ConnectReport) -> Result<Self> {
        let started = Instant::now();
        let limit = timeouts.reply;
        let begin = async {
            let (client, opening) = Client::start(&ssh, limit).await?;
            // Asked for along with the version, so that both answers come in one round trip.
            let folder = client.request(&LOGIN_FOLDER);
            let version = client.version(opening).await?;
            Ok((client, folder, version))
        };
        let (client, mut folder, version) =
            within(limit, Operation::Connect, "SFTP version", begin).await?;
        if version.version < VERSION {
            return Err(Error::new(ErrorKind::Unsupported)
                .with_operation(Operation::Connect)
                .with_message(format!(
                    "the server speaks SFTP version {} only",
                    version.version
                ))
                .with_hint("the server needs an update: version 3 is from 2001"));
        }
        let limits = version.offers(extension::LIMITS);
        let limits = limits.then(|| client.request(&Request::Limits));
        let mut answer = folder.wait(limit.min(OVERHEARD)).await;
        if matches!(&answer, Err(error) if error.kind() == &ErrorKind::TimedOut) {
            // A server that threw away what came behind the version is asked again.
            answer = client.request(&LOGIN_FOLDER).wait(limit).await;
        }
        let answer = answer.map_err(|error| error.with_operation(Operation::Connect))?;
        report.login_folder = single_name(answer).ok();
        report.timings.add("sftp", started.elapsed());
        report.features = features(&version, &ssh);
        let server = Server::new(&version, &ssh.facts.version);
        Ok(Self {
            client,
            ssh,
            report,
            timeouts,
            server,
            limits: Limits::new(limits),
            folder: RemotePath::login_folder(),
        })
    }
}

/// Lays the facts of the connection into the report.
fn describe(report: &mut ConnectReport, ssh: &Ssh) {
    report.peer = ssh.facts.peer;
    report.banner.clone_from(&ssh.facts.version);
    let login_banner = ssh.login_banner();
    if !login_banner.is_empty() {
        report.banner = format!("{}\n{login_banner}", report.banner);
    }
    report.host_key = Some(ssh.facts.host_key.clone());
    report.warnings.extend(ssh.facts.warnings.iter().cloned());
    report.timings = ssh.facts.timings.clone();
}

/// The server's extensions, and the algorithms of the connection.
fn features(version: &Version, ssh: &Ssh) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(char::is_control, " ");
    let extensions = version.extensions.iter().map(|(name, data)| {
        format!("{} {}", text(name), text(data))
            .trim_end()
            .to_owned()
    });
    extensions
        .chain(ssh.facts.algorithms.iter().cloned())
        .collect()
}

const LOGIN_FOLDER: Request<'_> = Request::RealPath(b".");

/// How long an answer may take before the question counts as not heard; a server that is only slow is asked
/// twice then.
const OVERHEARD: Duration = Duration::from_secs(5);
