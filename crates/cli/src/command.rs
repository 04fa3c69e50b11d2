//! The commands. Each connects, does one thing, and leaves.

mod connect;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod fingerprint;
mod list;
mod transfer;

use std::path::PathBuf;

use ftp_connect::{
    ConnectParams, CreateDirOptions, Error, ErrorKind, RemotePath, RenameOptions, Session,
    SessionExt as _,
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
        Command::Stat { url, connection } => list::stat(url.as_deref(), &connection, output).await,
        Command::Get {
            url,
            local,
            transfer,
            connection,
        } => transfer::get(&url, &local, &transfer, &connection, output).await,
        Command::Put {
            local,
            url,
            transfer,
            connection,
        } => transfer::put(&local, url.as_deref(), &transfer, &connection, output).await,
        Command::Rm {
            url,
            recursive,
            connection,
        } => {
            let mut open = Open::new(Some(&url), &connection, output).await?;
            let path = open.path()?;
            if recursive {
                open.session.remove_all(&path).await?;
            } else {
                open.session.remove_file(&path).await?;
            }
            open.done("removed", &path, output).await
        }
        Command::Mkdir {
            url,
            parents,
            connection,
        } => {
            let mut open = Open::new(Some(&url), &connection, output).await?;
            let path = open.path()?;
            let options = CreateDirOptions::default();
            if parents {
                open.session.create_dir_all(&path, options).await?;
            } else {
                open.session.create_dir(&path, options).await?;
            }
            open.done("created", &path, output).await
        }
        Command::Rmdir { url, connection } => {
            let mut open = Open::new(Some(&url), &connection, output).await?;
            let path = open.path()?;
            open.session.remove_dir(&path).await?;
            open.done("removed", &path, output).await
        }
        Command::Mv {
            url,
            new_path,
            replace,
            connection,
        } => {
            check_new_name(&new_path)?;
            let mut open = Open::new(Some(&url), &connection, output).await?;
            let path = open.path()?;
            let new_path = open.params.encoding().url_path(&new_path)?;
            let options = RenameOptions::default().with_replace(replace);
            open.session.rename(&path, &new_path, options).await?;
            output.field("from", path.to_string());
            open.done("renamed to", &new_path, output).await
        }
        Command::Fingerprint { url, connection } => {
            fingerprint::fingerprint(url.as_deref(), &connection, output).await
        }
        Command::Doctor {
            url,
            danger_clear_login,
            connection,
        } => doctor::doctor(url.as_deref(), danger_clear_login, &connection, output).await,
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
        let (params, path) = connection::parameters(url, options).map_err(Failure::connecting)?;
        let session = ftp_connect::connect(&params)
            .await
            .map_err(Failure::connecting)?;
        for warning in &session.report().warnings {
            output.warn(warning);
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
            return Err(Failure::connecting(
                Error::new(ErrorKind::InvalidParameter)
                    .with_message("the URL names no path")
                    .with_hint("write it after the server: …/path, from the login folder"),
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
}

/// Refuses before anybody is bothered what cannot be a new name.
fn check_new_name(text: &str) -> Result<(), Failure> {
    if text.contains("://") {
        return Err(Failure::connecting(
            Error::new(ErrorKind::InvalidParameter)
                .with_message("the new path is a URL")
                .with_hint("give the path alone: from the login folder, or //from the root"),
        ));
    }
    let path = RemotePath::from_url_path(text).map_err(Failure::connecting)?;
    if path.is_empty() {
        return Err(Failure::connecting(
            Error::new(ErrorKind::InvalidParameter).with_message("the new path is empty"),
        ));
    }
    Ok(())
}
