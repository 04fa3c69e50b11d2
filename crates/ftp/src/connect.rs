//! From parameters to a session.

use std::sync::Arc;
use std::time::Duration;

use ftp_connect_core::dial::dial;
use ftp_connect_core::{
    ConnectParams, ConnectReport, Encryption, Error, ErrorKind, Host, Operation, RemotePath,
    Result, Session, Transport, params,
};
use ftp_connect_ftp_proto::flow::{
    AuthMechanism, Connect, DataChannels, Flow as _, Login, LoginRequest, Pipelining, Protection,
    Step,
};
use ftp_connect_ftp_proto::{Argument, Command};
use tokio::time::Instant;

use crate::security::ChannelSecurity;
use crate::session::FtpSession;
use crate::wire::Wire;
use crate::{data, exposure, failure};

/// Connects to an FTP server, logs in and gives the session.
///
/// `transport` is the backend: its name goes into the report, and by it the session connects once more to
/// ask what became of a transfer whose control connection was lost. `security` does the TLS
/// handshakes of this one session; it is `None` for [`Encryption::None`] and only then. Explicit or implicit TLS is chosen by
/// the parameters.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] if encryption and `security` do not go together or a name cannot
/// be sent; else what kept the session from standing.
///
/// # Cancel safety
/// Dropping the future closes the connection.
pub async fn connect(
    params: &ConnectParams,
    transport: Arc<dyn Transport>,
    security: Option<Box<dyn ChannelSecurity>>,
) -> Result<Box<dyn Session>> {
    connect_as(params, transport.name(), Some(transport), security).await
}

/// The same, where the name of the backend is known and perhaps not the backend.
pub(crate) async fn connect_as(
    params: &ConnectParams,
    name: &'static str,
    transport: Option<Arc<dyn Transport>>,
    security: Option<Box<dyn ChannelSecurity>>,
) -> Result<Box<dyn Session>> {
    let session = open(params, name, transport, security)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::LoginRefused | ErrorKind::TlsRequired => {
                error.with_operation(Operation::Login)
            }
            _ => error.with_operation(Operation::Connect),
        })?;
    Ok(Box::new(session))
}

pub(crate) async fn open(
    params: &ConnectParams,
    name: &'static str,
    transport: Option<Arc<dyn Transport>>,
    security: Option<Box<dyn ChannelSecurity>>,
) -> Result<FtpSession> {
    params.validate()?;
    let protection = protection(params, security.is_some())?;
    if let Some(security) = &security
        && params
            .profile()
            .is_some_and(|known| known.is_of(params) && known.tls12_for_reuse == Some(true))
        && security.can_cap_at_tls12()
    {
        security.cap_at_tls12();
    }
    let request = login_request(params, protection)?;
    let mut standing = converse(params, name, security.as_deref(), request.clone()).await;
    let mut pipelining = None;
    if let Err(failed) = &standing
        && failed.lost_step
    {
        let error = &failed.error;
        tracing::debug!(target: "ftp_connect::ftp", %error, "commands are not sent together any more");
        pipelining = Some(false);
        let request = request.with_pipelining(Pipelining::Off);
        standing = converse(params, name, security.as_deref(), request).await;
    }
    let (wire, report, login, channels) = standing.map_err(|failed| failed.error)?;
    if login.pipelined {
        pipelining = Some(true);
    }

    let mut session = FtpSession::new(wire, params, report, login, channels, security, transport);
    session.learnt.pipelining = pipelining.or(session.learnt.pipelining);
    if protection == Protection::Clear && params.password().is_some() {
        session.learnt.clear_login = Some(true);
    }
    Ok(session)
}

/// Whether the server seems not to bear commands that are sent together: several have no answer, and what came
/// instead is nothing, or that it does not understand. A refused password is none of that.
fn has_lost_step(error: &Error, flow: &Connect) -> bool {
    flow.unanswered() > 1
        && match (error.kind(), error.reply()) {
            (
                ErrorKind::TimedOut | ErrorKind::Closed | ErrorKind::Io | ErrorKind::Protocol,
                None,
            ) => true,
            (_, Some(reply)) => (500..=503).contains(&reply.code),
            _ => false,
        }
}

/// Why a login came to nothing.
struct Failed {
    error: Error,
    /// Whether it may come to something where commands are sent one by one.
    lost_step: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            lost_step: false,
        }
    }
}

/// Dials, secures and logs in.
async fn converse(
    params: &ConnectParams,
    name: &'static str,
    security: Option<&dyn ChannelSecurity>,
    request: LoginRequest,
) -> Result<(Wire, ConnectReport, Login, DataChannels), Failed> {
    let mut report = ConnectReport::new(
        name,
        params.server().clone(),
        params.port(),
        params.encryption(),
    );

    let dialed = dial(params).await?;
    report.peer = dialed.peer;
    report.proxy = params.proxy().map(ToString::to_string);
    dialed.time(&mut report.timings);
    let mut wire = Wire::new(dialed.stream, dialed.peer, params)?;
    let mut clock = Clock::start();

    if let (Encryption::ImplicitTls, Some(security)) = (params.encryption(), security) {
        wire.secure(security, params.server()).await?;
        clock.lap(&mut report, "tls");
    }
    let mut channels = data::channels(params, &wire);
    let mut flow = Connect::new(request.with_aside(asked_at_once(params, &mut channels)));
    let agreed = agree(
        params,
        security,
        &mut flow,
        &mut wire,
        &mut report,
        &mut clock,
    );
    let mut login = agreed.await.map_err(|error| Failed {
        lost_step: has_lost_step(&error, &flow),
        error,
    })?;
    clock.lap(&mut report, "setup");
    if let Some(stream) = wire.secured() {
        report.tls = stream.tls().cloned();
    }
    wire.expect(std::mem::take(&mut login.rest));
    if let Some(reply) = &login.aside {
        channels.reply(reply.clone());
    }
    fill(&mut report, params, &login);
    Ok((wire, report, login, channels))
}

/// What asks for the first data connection, where that goes out along with the login.
fn asked_at_once(params: &ConnectParams, channels: &mut DataChannels) -> Option<Command> {
    if !params.data_at_once() {
        return None;
    }
    channels.begin();
    match channels.step() {
        Step::Send(command) => Some(command),
        // Where it is the server that connects, an address has to be found first.
        _ => None,
    }
}

/// The conversation of the login, with the handshake where it belongs.
async fn agree(
    params: &ConnectParams,
    security: Option<&dyn ChannelSecurity>,
    flow: &mut Connect,
    wire: &mut Wire,
    report: &mut ConnectReport,
    clock: &mut Clock,
) -> Result<Login> {
    let flight = FLIGHT.min(params.timeouts().reply);
    loop {
        match flow.step() {
            Step::Send(command) => wire.send(&command),
            Step::NeedInput => {
                let greeted = flow.greeting().is_some();
                let logged_in = flow.is_logged_in();
                let reply = match greeted && flow.unanswered() > 1 {
                    true => wire.next_reply_within(flight).await,
                    false => wire.next_reply().await,
                };
                let reply = match reply {
                    Ok(reply) => reply,
                    Err(error) if !greeted => return Err(no_greeting(wire, error).await),
                    Err(error) => return Err(error),
                };
                flow.reply(reply);
                if !greeted && flow.greeting().is_some() {
                    clock.lap(report, "greeting");
                } else if !logged_in && flow.is_logged_in() {
                    clock.lap(report, "login");
                }
            }
            Step::SecureControl => {
                clock.lap(report, "auth");
                let security =
                    security.ok_or_else(|| failure::protocol("nothing to secure with"))?;
                wire.secure(security, params.server()).await?;
                clock.lap(report, "tls");
                flow.secured();
            }
            Step::ClearControl => {
                // What was negotiated stays known.
                report.tls = wire.secured().and_then(|stream| stream.tls().cloned());
                wire.clear().await?;
                flow.cleared();
            }
            Step::Done(login) => return Ok(login),
            Step::Failed(error) => return Err(turned_away(wire.refused(error), flow)),
            _ => return Err(failure::protocol("a step that does not belong here")),
        }
    }
}

fn protection(params: &ConnectParams, secured: bool) -> Result<Protection> {
    let protection = match params.encryption() {
        Encryption::None => Protection::Clear,
        Encryption::ExplicitTls | Encryption::ExplicitTlsReuse => Protection::Explicit,
        Encryption::ImplicitTls => Protection::Implicit,
        _ => return Err(mismatch("this encryption is not FTP's")),
    };
    match (protection, secured) {
        (Protection::Clear, false) | (Protection::Explicit | Protection::Implicit, true) => {
            Ok(protection)
        }
        (Protection::Clear, true) => Err(mismatch("TLS was not asked for")),
        _ => Err(mismatch("this backend has no TLS")),
    }
}

fn mismatch(message: &str) -> Error {
    Error::new(ErrorKind::InvalidParameter)
        .with_message(message)
        .with_hint("choose the backend that serves this encryption")
}

fn login_request(params: &ConnectParams, protection: Protection) -> Result<LoginRequest> {
    let argument = |what: &str, text: &str| {
        Argument::new(text).map_err(|error| {
            Error::new(ErrorKind::InvalidParameter).with_message(format!("{what}: {error}"))
        })
    };
    let username = argument("user name", params.username().unwrap_or(ANONYMOUS))?;
    let password = match (params.password(), params.username()) {
        (Some(password), _) => argument("password", password.expose())?,
        (None, None | Some(ANONYMOUS | "ftp")) => argument("password", ANONYMOUS_PASSWORD)?,
        (None, Some(_)) => Argument::default(),
    };
    let mut request = LoginRequest::new(protection, username, password);
    if let Some(account) = params.account() {
        request = request.with_account(argument("account", account.expose())?);
    }
    if let Host::Name(name) = params.server()
        && data::known(params).is_some_and(|known| known.host_command == Some(true))
    {
        request = request.with_host(argument("server", name)?);
    }
    let known = data::known(params);
    let pipelining = match (
        params.pipelining(),
        known.and_then(|known| known.pipelining),
    ) {
        (params::Pipelining::Off, _) | (params::Pipelining::Auto, Some(false)) => Pipelining::Off,
        (_, Some(true)) => Pipelining::AtOnce,
        (params::Pipelining::On, _) => Pipelining::On,
        (params::Pipelining::Auto, None) => Pipelining::Auto,
    };
    let harmless = params.password().is_none()
        || params.pipelining() == params::Pipelining::On
        || known.is_some_and(|known| known.clear_login == Some(true));
    Ok(request
        .with_pipelining(pipelining)
        .with_password_at_once(harmless)
        .with_clear_data(params.tls().danger_clear_data)
        .with_clear_command_channel(params.tls().danger_clear_command_channel))
}

/// Why there is no greeting: a server that waits for TLS says nothing until it is spoken to.
async fn no_greeting(wire: &mut Wire, error: Error) -> Error {
    if wire.secured().is_some() || !matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Closed)
    {
        return error;
    }
    if *error.kind() == ErrorKind::TimedOut {
        let answer = wire.probe().await;
        if expects_tls(&answer) {
            return Error::new(ErrorKind::TlsOnPlaintextPort);
        }
    }
    error.with_hint(
        "the server did not greet: if it expects TLS from the first byte, use encryption implicit-tls",
    )
}

/// Whether a server answered clear text as one that expects TLS: by an alert, or in words, as vsftpd
/// and ProFTPD do.
fn expects_tls(answer: &[u8]) -> bool {
    let says = |word: &[u8]| {
        answer
            .windows(word.len())
            .any(|part| part.eq_ignore_ascii_case(word))
    };
    match answer.first() {
        Some(0x15 | 0x16) => true,
        Some(b'4' | b'5') => says(b"TLS") || says(b"SSL"),
        _ => false,
    }
}

/// A server that closes at its greeting serves nobody now.
fn turned_away(error: Error, flow: &Connect) -> Error {
    match (error.kind(), error.reply()) {
        (ErrorKind::Closed, Some(reply)) if flow.greeting().is_none() && reply.code >= 500 => {
            Error::new(ErrorKind::Refused)
                .with_message("the server turns this client away")
                .with_reply(reply.clone())
                .with_hint("the server's answer says why; it may serve only some addresses")
        }
        (ErrorKind::Closed, Some(reply)) if flow.greeting().is_none() => {
            Error::new(ErrorKind::TooManyConnections)
                .with_message("the server serves nobody now")
                .with_reply(reply.clone())
        }
        _ => error,
    }
}

fn fill(report: &mut ConnectReport, params: &ConnectParams, login: &Login) {
    report.mode = Some(params.mode());
    params
        .username()
        .unwrap_or(ANONYMOUS)
        .clone_into(&mut report.username);
    report.banner = login.greeting.text().trim().to_owned();
    report.features = login
        .features
        .iter()
        .map(|feature| match &feature.parameters {
            Some(parameters) => format!("{} {parameters}", feature.name),
            None => feature.name.clone(),
        })
        .collect();
    report.login_folder = login
        .folder
        .as_ref()
        .and_then(|folder| RemotePath::new(folder.clone()).ok());
    if login.mechanism == Some(AuthMechanism::Ssl) {
        report
            .warnings
            .push("the server knows only the outdated AUTH SSL".to_owned());
    }
    for warning in &login.warnings {
        // A server without FEAT or that needs no OPTS is not worth a word.
        if matches!(warning.command, "PBSZ" | "PROT" | "PROT C" | "CCC" | "PWD") {
            let reply = failure::server_reply(&warning.reply);
            let line = format!("{} was refused: {reply}", warning.command);
            report.warnings.push(line);
        }
    }
    report
        .warnings
        .extend(exposure::warnings(params, report.tls.as_ref(), login));
}

/// Times the steps of connecting.
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn lap(&mut self, report: &mut ConnectReport, step: &'static str) {
        let now = Instant::now();
        report.timings.add(step, now - self.0);
        self.0 = now;
    }
}

/// How long the next answer may take while several are due. Then the server is taken not to bear that, which
/// costs a second connection.
const FLIGHT: Duration = Duration::from_secs(10);

/// The user name where none is given (RFC 1635).
const ANONYMOUS: &str = "anonymous";

/// What anonymous servers want for a password: something like a mail address.
const ANONYMOUS_PASSWORD: &str = "anonymous@";
