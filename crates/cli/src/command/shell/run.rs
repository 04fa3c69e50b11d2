//! What the lines do.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use ftp_connect::{
    CreateDirOptions, ErrorKind, Permissions, RemotePath, RenameOptions, SessionExt as _,
    transfer::{
        self, Overwrite, TransferOptions,
        mirror::{ApplyOptions, Mirror},
    },
};

use super::{
    Shell,
    line::{Line, Said},
};
use crate::{
    command::{
        Outcome,
        copying::{self, Found, Tally, Way},
        list, mirror, usage,
    },
    output::{Failure, Output, one_line},
    progress::Meter,
};

impl Shell {
    pub(super) async fn run(&mut self, line: Line, output: &mut Output) -> Outcome {
        match line.command {
            Said::Ls { names, path } => {
                let path = match path {
                    Some(path) => self.path(&path)?,
                    None => self.folder.clone(),
                };
                let mut session = self.pooled.pool.session().await?;
                let encoding = self.pooled.params.encoding();
                list::print_folder(&mut *session, &path, names, encoding, output).await
            }
            Said::Cd { path } => {
                let path = match path {
                    Some(path) => self.pooled.params.encoding().path(&path)?,
                    None => self.home().await?,
                };
                self.change_folder(&path).await
            }
            Said::Pwd => Ok(output.line(self.pooled.show(&self.folder))?),
            Said::Lcd { path } => {
                std::env::set_current_dir(&path).map_err(|error| here(&path, &error))
            }
            Said::Lpwd => {
                let folder = std::env::current_dir()?;
                Ok(output.line(folder.to_string_lossy())?)
            }
            Said::Lls { path } => list_here(&path.unwrap_or_else(|| ".".into()), output),
            Said::Get {
                recursive,
                resume,
                path,
                local,
            } => {
                let local = local.unwrap_or_else(|| ".".into());
                self.get(&path, &local, recursive, resume, output).await
            }
            Said::Put {
                recursive,
                resume,
                local,
                path,
            } => {
                self.put(&local, path.as_deref(), recursive, resume, output)
                    .await
            }
            Said::Cat { path } => {
                let path = self.path(&path)?;
                let mut session = self.pooled.pool.session().await?;
                let mut stdout = tokio::io::stdout();
                let how = TransferOptions::default();
                transfer::download_to(&mut *session, &path, &mut stdout, &how, &mut |_| {}).await?;
                Ok(())
            }
            Said::Stat { path } => {
                let path = self.path(&path)?;
                let mut session = self.pooled.pool.session().await?;
                let encoding = self.pooled.params.encoding();
                list::print_stat(&mut *session, &path, encoding, output).await
            }
            change => self.change(change).await,
        }
    }

    /// Lines that change something, about which there is nothing to say.
    async fn change(&self, said: Said) -> Outcome {
        let pool = self.pooled.pool.clone();
        let mut session = pool.session().await?;
        match said {
            Said::Rm { recursive, path } => {
                let path = self.path(&path)?;
                match recursive {
                    true => session.remove_all(&path).await?,
                    false => session.remove_file(&path).await?,
                }
            }
            Said::Mkdir { parents, path } => {
                let path = self.path(&path)?;
                let how = CreateDirOptions::default();
                match parents {
                    true => session.create_dir_all(&path, how).await?,
                    false => session.create_dir(&path, how).await?,
                }
            }
            Said::Rmdir { path } => session.remove_dir(&self.path(&path)?).await?,
            Said::Mv { path, new_path } => {
                let (path, new_path) = (self.path(&path)?, self.path(&new_path)?);
                let how = RenameOptions::default();
                session.rename(&path, &new_path, how).await?;
            }
            Said::Chmod { mode, path } => {
                let bits = u32::from_str_radix(&mode, 8)
                    .map_err(|_| usage("no permissions", "give octal digits, such as 640"))?;
                let path = self.path(&path)?;
                let permissions = Permissions::from_mode(bits & 0o7777);
                session.set_permissions(&path, permissions).await?;
            }
            Said::Ln { target, path } => {
                let target = self.pooled.params.encoding().path(&target)?;
                session.create_symlink(&self.path(&path)?, &target).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn home(&self) -> Result<RemotePath, Failure> {
        let mut session = self.pooled.pool.session().await?;
        let told = session.report().login_folder.clone();
        match told {
            Some(folder) => Ok(folder),
            None => Ok(session.current_dir().await?),
        }
    }

    async fn get(
        &self,
        path: &str,
        local: &Path,
        recursive: bool,
        resume: bool,
        output: &mut Output,
    ) -> Outcome {
        let path = self.path(path)?;
        let options = options(resume);
        let found = match transfer::is_glob(&path) {
            true => {
                let mut session = self.pooled.pool.session().await?;
                transfer::glob(&mut *session, &path).await?
            }
            false => Vec::new(),
        };
        let into = |path: &RemotePath| -> PathBuf {
            let name = path.file_name().map(|name| self.pooled.show(&name));
            let name = name.filter(|name| !name.contains(['/', '\\']));
            match (local.is_dir(), name) {
                (true, Some(name)) => local.join(name),
                _ => local.to_owned(),
            }
        };
        if recursive && found.is_empty() {
            let mirror = Mirror::download(path.clone(), into(&path));
            return self.mirror(mirror, options, Way::Down, output).await;
        }
        if found.is_empty() {
            let name = self.pooled.show(&path);
            let local = into(&path);
            let started = Instant::now();
            let mut meter = Meter::new(output);
            let outcome = {
                let mut show = |progress| meter.show(&name, progress, output);
                let pool = &self.pooled.pool;
                pool.download(&path, &local, &options, &mut show).await?
            };
            drop(meter);
            let what = (&path, name.as_str());
            return Ok(copying::report(
                Way::Down,
                what,
                &local,
                &outcome,
                started,
                output,
            )?);
        }
        let files = found.into_iter().filter(|entry| !entry.is_dir());
        let listed = files.map(|entry| {
            let name = self.pooled.show(&entry.name);
            Found::new(&entry, into(&entry.name), name)
        });
        let listed = listed.collect();
        let mut tally = Tally::new(Way::Down, output);
        copying::download(&self.pooled.pool, listed, &options, 1, &mut tally, output).await?;
        tally.end(&[], output)
    }

    async fn put(
        &self,
        local: &Path,
        path: Option<&str>,
        recursive: bool,
        resume: bool,
        output: &mut Output,
    ) -> Outcome {
        let name = local.file_name().map(|name| name.to_string_lossy());
        let name = name.ok_or_else(|| usage("the local path names no file", "give its name"))?;
        let mut target = self.path(path.unwrap_or(&name))?;
        if path.is_some_and(|path| path.ends_with('/')) {
            target = target.join(&self.pooled.params.encoding().path(&name)?);
        }
        let options = options(resume);
        if recursive && local.is_dir() {
            let mirror = Mirror::upload(local, target);
            return self.mirror(mirror, options, Way::Up, output).await;
        }
        let shown = self.pooled.show(&target);
        let started = Instant::now();
        let mut meter = Meter::new(output);
        let outcome = {
            let mut show = |progress| meter.show(&shown, progress, output);
            let pool = &self.pooled.pool;
            pool.upload(local, &target, &options, &mut show).await?
        };
        drop(meter);
        let what = (&target, shown.as_str());
        Ok(copying::report(
            Way::Up,
            what,
            local,
            &outcome,
            started,
            output,
        )?)
    }

    async fn mirror(
        &self,
        mirror: Mirror,
        options: TransferOptions,
        way: Way,
        output: &mut Output,
    ) -> Outcome {
        let mirror = mirror.with_encoding(self.pooled.params.encoding());
        let how = ApplyOptions::default();
        let how = how.with_transfer(options.with_keep_times(true).with_durable(false));
        let mut tally = Tally::new(way, output);
        let more = mirror::carry_out(&self.pooled, &mirror, &how, &mut tally, output).await?;
        tally.end(&more, output)
    }
}

fn options(resume: bool) -> TransferOptions {
    let overwrite = match resume {
        true => Overwrite::Resume,
        false => Overwrite::Replace,
    };
    TransferOptions::default().with_overwrite(overwrite)
}

fn list_here(folder: &Path, output: &Output) -> Outcome {
    let entries = std::fs::read_dir(folder).map_err(|error| here(folder, &error))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let slash = if entry.path().is_dir() { "/" } else { "" };
        names.push(format!("{}{slash}", entry.file_name().to_string_lossy()));
    }
    names.sort();
    for name in names {
        output.line(one_line(&name))?;
    }
    Ok(())
}

fn here(path: &Path, error: &std::io::Error) -> Failure {
    let error = ftp_connect::Error::new(ErrorKind::Io)
        .with_message(format!("{}: {error}", path.display()))
        .with_hint("check the path and its permissions");
    Failure::operation(error)
}
