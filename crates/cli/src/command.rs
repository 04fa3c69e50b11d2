//! The commands. Each connects, does one thing, and leaves.

mod checksum;
mod connect;
mod copying;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod fingerprint;
mod get;
mod list;
mod mirror;
mod print;
mod put;
mod shell;
mod small;
mod tree;

use std::path::PathBuf;

use ftp_connect::{
    ConnectParams, Error, ErrorKind, HostKeyCheck, RemotePath, Session,
    transfer::{Pool, PoolOptions},
};

use crate::{
    args::{Command, Connection},
    connection,
    output::{Failure, Output},
    profile,
};

type Outcome = Result<(), Failure>;

/// Runs a command.
pub(crate) async fn run(command: Command, output: &mut Output) -> Outcome {
    match command {
        Command::Connect { url, connection } => {
            connect::connect(url.as_deref(), &connection, output).await
        }
        Command::Ls {
            url,
            names,
            connection,
        } => list::list(url.as_deref(), names, &connection, output).await,
        Command::Tree {
            url,
            depth,
            connection,
        } => tree::tree(url.as_deref(), depth, &connection, output).await,
        Command::Du {
            url,
            depth,
            bytes,
            connection,
        } => tree::sums(url.as_deref(), depth, bytes, &connection, output).await,
        Command::Stat { url, connection } => list::stat(url.as_deref(), &connection, output).await,
        Command::Get {
            url,
            local,
            files,
            connection,
        } => get::get(&url, &local, &files, &connection, output).await,
        Command::Put {
            what,
            files,
            connection,
        } => put::put(what, &files, &connection, output).await,
        Command::Cat { url, connection } => get::cat(&url, &connection, output).await,
        Command::Mirror {
            from,
            to,
            dry_run,
            mirroring,
            transfer,
            connection,
        } => {
            let sides = (from.as_str(), to.as_str());
            mirror::mirror(sides, dry_run, &mirroring, &transfer, &connection, output).await
        }
        Command::Sync(sync) => mirror::sync(sync, output).await,
        Command::Rm {
            url,
            recursive,
            connection,
        } => small::remove(&url, recursive, &connection, output).await,
        Command::Mkdir {
            url,
            parents,
            connection,
        } => small::create_dir(&url, parents, &connection, output).await,
        Command::Rmdir { url, connection } => small::remove_dir(&url, &connection, output).await,
        Command::Mv {
            url,
            new_path,
            replace,
            connection,
        } => small::rename(&url, &new_path, replace, &connection, output).await,
        Command::Touch {
            url,
            time,
            connection,
        } => small::touch(&url, time.as_deref(), &connection, output).await,
        Command::Chmod {
            permissions,
            url,
            connection,
        } => small::set_permissions(&permissions, &url, &connection, output).await,
        Command::Ln {
            target,
            url,
            symbolic,
            connection,
        } => small::link(&target, &url, symbolic, &connection, output).await,
        Command::Checksum {
            url,
            algorithm,
            here,
            connection,
        } => checksum::checksum(&url, algorithm, here, &connection, output).await,
        Command::Shell { url, connection } => {
            shell::shell(url.as_deref(), &connection, output).await
        }
        Command::Fingerprint { url, connection } => {
            fingerprint::fingerprint(url.as_deref(), &connection, output).await
        }
        Command::Doctor {
            url,
            danger_clear_login,
            connection,
        } => doctor::doctor(url.as_deref(), danger_clear_login, &connection, output).await,
        Command::Completions { shell } => print::completions(shell),
        Command::Man { command } => print::manual(command.as_deref()),
        #[cfg(feature = "demo")]
        Command::Demo { .. } => demo::demo(output).await,
    }
}

/// A session, its parameters and the path of the URL.
struct Open {
    session: Box<dyn Session>,
    params: ConnectParams,
    path: RemotePath,
    /// Where what is learnt about the server is kept.
    profile: Option<PathBuf>,
}

impl Open {
    /// Connects as URL and options say, and passes the report's warnings on.
    async fn new(
        url: Option<&str>,
        options: &Connection,
        output: &Output,
    ) -> Result<Self, Failure> {
        Self::adjusted(url, options, output, |params| params).await
    }

    /// The same for what begins by listing the path.
    async fn to_list(
        url: Option<&str>,
        options: &Connection,
        output: &Output,
    ) -> Result<Self, Failure> {
        Self::adjusted(url, options, output, |params| {
            params.with_data_at_once(true)
        })
        .await
    }

    async fn adjusted(
        url: Option<&str>,
        options: &Connection,
        output: &Output,
        adjust: fn(ConnectParams) -> ConnectParams,
    ) -> Result<Self, Failure> {
        let (params, path) = connection::parameters(url, options)
            .await
            .map_err(Failure::connecting)?;
        let (session, params) = connection::connect(adjust(params))
            .await
            .map_err(Failure::connecting)?;
        for warning in &session.report().warnings {
            output.warn(warning);
        }
        if let Some(key) = &session.report().host_key
            && key.check == HostKeyCheck::AcceptedNew
        {
            let host = &session.report().server;
            let (kind, hash) = (&key.algorithm, &key.fingerprint);
            output.note(&format!(
                "the host key of {host} is new and known from now on: {kind} {hash}"
            ));
        }
        Ok(Self {
            session,
            params,
            path,
            profile: options.profile.clone(),
        })
    }

    /// The path, where the command cannot mean the login folder itself.
    fn path(&self) -> Result<RemotePath, Failure> {
        if self.path.is_empty() {
            return Err(usage(
                "the URL names no path",
                "write it after the server: …/path, from the login folder",
            ));
        }
        Ok(self.path.clone())
    }

    /// Leaves. What the command was for is done by then: trouble in leaving is no failure of it.
    async fn leave(self, output: &Output) {
        if let (Some(file), Some(profile)) = (&self.profile, self.session.profile())
            && let Err(error) = profile::write(file, &profile)
        {
            output.warn(&error.to_string());
        }
        if let Err(error) = self.session.close().await {
            output.warn(&error.to_string());
        }
    }

    async fn done(self, what: &str, path: &RemotePath, output: &mut Output) -> Outcome {
        output.field("path", path.to_string());
        let shown = self.params.encoding().show(path);
        output.line(format!("{what} {shown}"))?;
        self.leave(output).await;
        Ok(())
    }

    /// The session as the first of a pool, for transfers that are tried again.
    fn into_pool(self, options: PoolOptions) -> Pooled {
        let pool = Pool::new(ftp_connect::registry(), self.params.clone(), options);
        Pooled {
            pool: pool.with_session(self.session),
            params: self.params,
            path: self.path,
            profile: self.profile,
        }
    }
}

/// Sessions of which one stands already, their parameters and the path of the URL.
struct Pooled {
    pool: Pool,
    params: ConnectParams,
    path: RemotePath,
    profile: Option<PathBuf>,
}

impl Pooled {
    fn show(&self, path: &RemotePath) -> String {
        self.params.encoding().show(path)
    }

    async fn leave(self, output: &Output) {
        if let (Some(file), Some(profile)) = (&self.profile, self.pool.profile())
            && let Err(error) = profile::write(file, &profile)
        {
            output.warn(&error.to_string());
        }
        self.pool.close().await;
    }
}

fn usage(message: &str, hint: &str) -> Failure {
    Failure::connecting(
        Error::new(ErrorKind::InvalidParameter)
            .with_message(message)
            .with_hint(hint),
    )
}
