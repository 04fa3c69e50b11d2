//! From options, environment and files to [`ConnectParams`].
//!
//! What is said closer to the command wins: options, then the URL, then the environment, then the
//! parameter file or the named server; then, for what is still missing, `~/.ssh/config` (SSH), `~/.netrc`, and
//! the person at the terminal.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ftp_connect::{
    ConnectParams, Encryption, Error, ErrorKind, Fingerprint, FingerprintType, Host, RemotePath,
    Result, Session,
    params::{Encoding, KnownHosts},
};

use crate::{args::Connection, config, netrc, output, profile, prompt, ssh_config};

/// The parameters for logging in, and the path the URL names. What is missing is asked for.
pub(crate) async fn parameters(
    url: Option<&str>,
    options: &Connection,
) -> Result<(ConnectParams, RemotePath)> {
    let (params, path) = server(url, options)?;
    params.validate()?;
    Ok((completed(params).await?, path))
}

/// The same for an examination, which says itself what is wrong with the parameters.
pub(crate) async fn examined(
    url: Option<&str>,
    options: &Connection,
) -> Result<(ConnectParams, RemotePath)> {
    let (params, path) = server(url, options)?;
    Ok((completed(params).await?, path))
}

async fn completed(mut params: ConnectParams) -> Result<ConnectParams> {
    if prompt::can_ask() {
        params = params.with_prompter(Arc::new(prompt::TerminalPrompter));
        if wants_password(&params) {
            params = asked_for_password(params).await?;
        }
    }
    Ok(params)
}

/// Connects. A passphrase that a key turns out to need is asked for; the parameters come back with it.
pub(crate) async fn connect(
    mut params: ConnectParams,
) -> Result<(Box<dyn Session>, ConnectParams)> {
    let mut questions = if prompt::can_ask() { 3 } else { 0 };
    loop {
        let error = match ftp_connect::connect(&params).await {
            Ok(session) => return Ok((session, params)),
            Err(error) => error,
        };
        let about_passphrase =
            *error.kind() == ErrorKind::KeyUnusable && error.to_string().contains("passphrase");
        if questions == 0 || !about_passphrase {
            return Err(error);
        }
        questions -= 1;
        let question = format!("{error}\nPassphrase of the key: ");
        params = match prompt::hidden(&question).await {
            Some(passphrase) => params.with_key_passphrase(passphrase),
            None => return Err(error),
        };
    }
}

/// Whether a password is needed and nothing has said it.
fn wants_password(params: &ConnectParams) -> bool {
    let named = !matches!(params.username(), None | Some("anonymous" | "ftp"));
    let by_password = match params.encryption() {
        Encryption::SshPassword => !params.ssh_agent(),
        other => !other.is_ssh(),
    };
    named && by_password && params.password().is_none()
}

async fn asked_for_password(params: ConnectParams) -> Result<ConnectParams> {
    let user = params.username().unwrap_or_default();
    let question = format!("Password for {user}@{}: ", params.server());
    match prompt::hidden(&question).await {
        Some(password) => Ok(params.with_password(password)),
        None => Err(refuse("no password was given")
            .with_hint("--password-file and FTP_CONNECT_PASSWORD name one without asking")),
    }
}

/// The same where nobody logs in, so that a user name may be missing.
pub(crate) fn server(
    url: Option<&str>,
    options: &Connection,
) -> Result<(ConnectParams, RemotePath)> {
    let named = url.and_then(config::name);
    let (file, url) = match (named, &options.params) {
        (Some(_), Some(_)) => {
            return Err(refuse("both @NAME and --params name a server").with_hint("leave one out"));
        }
        (Some((name, path)), None) => {
            (Some(config::server(options.config.as_deref(), name)?), path)
        }
        (None, params) => (params.as_deref().map(params_file).transpose()?, url),
    };
    let (mut params, mut path) = match (file, url) {
        (None, None) => {
            return Err(refuse("no server is named").with_hint("give a URL, or a file by --params"));
        }
        (None, Some(url)) => {
            let (params, path) = ConnectParams::from_url(url)?;
            (with_environment(params), path)
        }
        (Some(file), None) => (overridden_by_environment(file), RemotePath::login_folder()),
        (Some(file), Some(url)) if url.contains("://") => {
            let from_file = file.password().cloned();
            let (params, path) = file.with_url(url)?;
            // The environment stands between the file and the URL.
            let from_url = params.password().is_some() && params.password() != from_file.as_ref();
            (
                if from_url {
                    with_environment(params)
                } else {
                    overridden_by_environment(params)
                },
                path,
            )
        }
        (Some(file), Some(path)) => {
            let path = file.encoding().url_path(path)?;
            (overridden_by_environment(file), path)
        }
    };
    if let Some(label) = &options.encoding {
        let encoding = label.parse::<Encoding>()?;
        params = params.with_encoding(encoding);
        // The path was read before the charset of its characters was known.
        path = encoding.url_path(url.map_or("", path_part))?;
    }
    if let Some(user) = &options.user {
        params = params.with_username(user);
    }
    if let Some(file) = &options.password_file {
        params = params.with_password(first_line(file)?);
    }
    if let Some(file) = &options.account_file {
        params = params.with_account(first_line(file)?);
    }
    params = routed(secured(params, options)?, options)?;
    params = with_ssh_config(params, options, &[])?;
    params = with_netrc(params);
    if let Some(file) = &options.profile {
        params = match profile::read(file, &params)? {
            Some(profile) => params.with_profile(profile),
            None => params,
        };
    }
    if let Some(when) = &options.pipelining {
        params = params.with_pipelining(when.parse()?);
    }
    if let Some(command) = &options.list_command {
        params = params.with_list_command(command.parse()?);
    }
    if let Some(text) = &options.control_keep_alive {
        params = params.with_control_keep_alive(seconds(text)?);
    }
    Ok((with_deadlines(params, options)?, path))
}

/// The path in a URL, or all of what is none.
fn path_part(url: &str) -> &str {
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => url,
    }
}

/// Encryption, keys and all that makes the server trusted.
fn secured(mut params: ConnectParams, options: &Connection) -> Result<ConnectParams> {
    let encryption = options
        .encryption
        .as_deref()
        .map(str::parse::<Encryption>)
        .transpose()?;
    if let Some(encryption) = encryption {
        params = params.with_encryption(encryption);
    }
    if let Some(file) = &options.key {
        if !params.encryption().is_ssh() {
            return Err(refuse("a key is for SSH only").with_hint("use sftp:// with --key"));
        }
        let by_content = params.encryption() == Encryption::SshKeyContent;
        params = if by_content {
            params.with_key_content(read(file)?)
        } else if encryption == Some(Encryption::SshPassword) {
            return Err(refuse("encryption ssh-password does not use a key")
                .with_hint("leave --encryption out, or use ssh-key-file"));
        } else {
            let path = file.to_str().ok_or_else(|| {
                refuse("the key's path is not UTF-8").with_hint("use --encryption ssh-key-content")
            })?;
            params.with_key_file(path)
        };
    }
    if options.agent {
        if !params.encryption().is_ssh() {
            return Err(
                refuse("an SSH agent is for SSH only").with_hint("use sftp:// with --agent")
            );
        }
        params = params.with_ssh_agent(true);
    }
    if let Some(kind) = &options.fingerprint_type {
        params = params.with_fingerprint_type(kind.parse::<FingerprintType>()?);
    }
    if let Some(list) = &options.allowed_fingerprints {
        params = params.with_allowed_fingerprints(list.replace(',', "\n").parse()?);
    }
    params = match &options.known_hosts {
        Some(policy) => params.with_known_hosts(policy.parse()?),
        None if params.known_hosts() == KnownHosts::Off => {
            params.with_known_hosts(KnownHosts::AcceptNew)
        }
        None => params,
    };
    if let Some(file) = &options.known_hosts_file {
        params = params.with_known_hosts_file(file);
    }
    let mut tls = params.tls().clone();
    if let Some(file) = &options.ca_file {
        tls = tls.with_ca_file(file);
    }
    for pin in &options.pin_sha256 {
        let pin = pin.parse::<Fingerprint>()?;
        if pin.kind() != FingerprintType::Sha256 {
            return Err(refuse(format!("{pin} is not a SHA-256"))
                .with_hint("`ftp-connect fingerprint` prints the value for a pin"));
        }
        tls = tls.with_pin(pin);
    }
    if options.danger_accept_any_certificate {
        tls = tls.with_danger_accept_any_certificate(true);
    }
    if let Some(file) = &options.client_certificate {
        tls = tls.with_client_identity(file);
    }
    if let Some(file) = &options.client_key {
        tls.client_key_file = Some(file.clone());
    }
    if options.danger_clear_data {
        tls = tls.with_danger_clear_data(true);
    }
    if options.danger_clear_command_channel {
        tls = tls.with_danger_clear_command_channel(true);
    }
    if let Some(version) = &options.tls_min {
        tls = tls.with_min_version(version.parse()?);
    }
    if let Some(version) = &options.tls_max {
        tls = tls.with_max_version(version.parse()?);
    }
    params = params.with_tls(tls);
    if options.legacy {
        params = params.with_legacy(true);
    }
    if let Some(jump) = &options.jump {
        params = params.with_jump(ConnectParams::from_jump(jump)?);
    }
    if let Some(policy) = &options.session_reuse {
        params = params.with_session_reuse(policy.parse::<ftp_connect::params::SessionReuse>()?);
    }
    Ok(params)
}

fn seconds(text: &str) -> Result<Duration> {
    let wrong = || refuse(format!("{text:?} is not a time")).with_hint("give seconds above zero");
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    if !seconds.is_finite() {
        return Err(wrong());
    }
    // A year is as good as for ever, and more would overflow the clock.
    Duration::try_from_secs_f64(seconds.min(31_536_000.0))
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(wrong)
}

/// By which way connections come about.
fn routed(mut params: ConnectParams, options: &Connection) -> Result<ConnectParams> {
    for (name, value) in [
        ("mode", &options.mode),
        ("data-methods", &options.data_methods),
        ("proxy", &options.proxy),
        ("passive-address", &options.passive_address),
        ("active-address", &options.active_address),
        ("active-ports", &options.active_ports),
        ("active-external-address", &options.active_external_address),
        ("keep-alive", &options.keep_alive),
        ("keep-alive-count", &options.keep_alive_count),
        ("rekey-bytes", &options.rekey_bytes),
    ] {
        if let Some(value) = value {
            params = params.with_parameter(name, value)?;
        }
    }
    Ok(params)
}

fn with_deadlines(params: ConnectParams, options: &Connection) -> Result<ConnectParams> {
    let mut timeouts = params.timeouts();
    if let Some(text) = &options.connect_timeout {
        timeouts = timeouts.with_connect(seconds(text)?);
    }
    if let Some(text) = &options.close_timeout {
        timeouts = timeouts.with_close(seconds(text)?);
    }
    if let Some(text) = &options.timeout {
        let duration = seconds(text)?;
        timeouts = timeouts
            .with_reply(duration)
            .with_data(duration)
            .with_idle(duration);
    }
    Ok(params.with_timeouts(timeouts))
}

/// What `~/.ssh/config` adds for the host and for its jump hosts, which may be named there. `behind` are the hosts
/// that are reached through this one: none of them is its jump host, though that be said of all hosts.
fn with_ssh_config(
    params: ConnectParams,
    options: &Connection,
    behind: &[&Host],
) -> Result<ConnectParams> {
    let found = host_config(&params, options).unwrap_or_default();
    let host = params.server().clone();
    let behind = [behind, &[&host]].concat();
    let jump = match (params.jump(), &found.proxy_jump) {
        (Some(given), _) => Some(given.clone()),
        (None, Some(named)) => {
            Some(ConnectParams::from_jump(named)?).filter(|named| !behind.contains(&named.server()))
        }
        (None, None) => None,
    };
    if found.proxy_command && jump.is_none() && params.proxy().is_none() {
        output::warn(&format!(
            "ssh_config has a ProxyCommand for {host}, which is not run: name a --jump host or a --proxy"
        ));
    }
    let params = configured(params, found)?;
    match jump {
        Some(jump) => Ok(params.with_jump(with_ssh_config(jump, options, &behind)?)),
        None => Ok(params),
    }
}

/// What stands there of one host, where nothing was said closer to the command.
fn configured(mut params: ConnectParams, found: ssh_config::HostConfig) -> Result<ConnectParams> {
    if params.given_port().is_none()
        && let Some(port) = found.port
    {
        params = params.with_parameter("port", &port.to_string())?;
    }
    if params.username().is_none()
        && let Some(user) = found.user
    {
        params = params.with_username(user);
    }
    if let Some(name) = found.host_name {
        params = params.with_parameter("server", &name)?;
    }
    let by_password = params.encryption() == Encryption::SshPassword && params.password().is_none();
    if by_password
        && !params.ssh_agent()
        && let Some(key) = found.identity_files.iter().find(|file| file.exists())
        && let Some(key) = key.to_str()
    {
        params = params.with_key_file(key);
    }
    Ok(params)
}

fn host_config(params: &ConnectParams, options: &Connection) -> Option<ssh_config::HostConfig> {
    if !params.encryption().is_ssh() {
        return None;
    }
    let host = params.server().to_string();
    let home = config::home();
    let file = match &options.ssh_config {
        Some(file) if file == Path::new("none") => return None,
        Some(file) => file.clone(),
        None => home.as_ref()?.join(".ssh/config"),
    };
    let local_user = env::var("USER").or_else(|_| env::var("LOGNAME")).ok();
    let asked = ssh_config::Asked {
        host: &host,
        user: params.username(),
        local_user: local_user.as_deref(),
        home: home.as_deref(),
    };
    Some(ssh_config::read(&file, asked))
}

/// What `~/.netrc` (or the file that `NETRC` names) adds where no password is said.
fn with_netrc(params: ConnectParams) -> ConnectParams {
    let by_password =
        params.encryption() == Encryption::SshPassword || !params.encryption().is_ssh();
    if params.password().is_some() || !by_password {
        return params;
    }
    let file = match env::var_os("NETRC") {
        Some(file) => Some(PathBuf::from(file)),
        None => config::home().map(|home| home.join(".netrc")),
    };
    let Some(file) = file else { return params };
    let Ok(text) = std::fs::read_to_string(&file) else {
        return params;
    };
    let host = params.server().to_string();
    let Some(entry) = netrc::find(&text, &host, params.username()) else {
        return params;
    };
    let mut params = params;
    if let (None, Some(login)) = (params.username(), entry.login) {
        params = params.with_username(login);
    }
    if let Some(password) = entry.password {
        config::warn_if_open(&file);
        params = params.with_password(password);
    }
    match (params.account(), entry.account) {
        (None, Some(account)) => params.with_account(account),
        _ => params,
    }
}

/// What the environment adds where nothing is said.
fn with_environment(params: ConnectParams) -> ConnectParams {
    let params = match (params.password(), env::var("FTP_CONNECT_PASSWORD")) {
        (None, Ok(password)) => params.with_password(password),
        _ => params,
    };
    match params.account() {
        Some(_) => with_passphrase(params),
        None => with_account(with_passphrase(params)),
    }
}

/// What the environment says instead of a file.
fn overridden_by_environment(params: ConnectParams) -> ConnectParams {
    let params = match env::var("FTP_CONNECT_PASSWORD") {
        Ok(password) => params.with_password(password),
        Err(_) => params,
    };
    with_account(with_passphrase(params))
}

fn with_account(params: ConnectParams) -> ConnectParams {
    match env::var("FTP_CONNECT_ACCOUNT") {
        Ok(account) => params.with_account(account),
        Err(_) => params,
    }
}

fn with_passphrase(params: ConnectParams) -> ConnectParams {
    match env::var("FTP_CONNECT_KEY_PASSPHRASE") {
        Ok(passphrase) => params.with_key_passphrase(passphrase),
        Err(_) => params,
    }
}

fn params_file(path: &Path) -> Result<ConnectParams> {
    let text = read(path)?;
    if !text.trim_start().starts_with('{') {
        return ConnectParams::from_text(&text);
    }
    serde_json::from_str(&text).map_err(|error| {
        refuse(format!("{}: {error}", path.display())).with_hint("the keys are the options' names")
    })
}

fn first_line(path: &Path) -> Result<String> {
    Ok(read(path)?.lines().next().unwrap_or_default().to_owned())
}

pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        refuse(format!("{}: {error}", path.display()))
            .with_hint("check the path and its permissions")
    })
}

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidParameter).with_message(message)
}
