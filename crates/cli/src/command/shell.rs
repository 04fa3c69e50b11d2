//! `shell`: a prompt to work at, with history and completion.
//!
//! ```text
//!  editor (a thread of its own) ── line ──► words ── clap ──► Line ──► operation on a session of the pool
//!     └─ completion asks the pool for the folder's names
//! ```
//!
//! The folder is kept here and not on the server, so that any session will do: one that has timed out is replaced
//! without a word. An interruption ends what is being done, and not the shell. Where standard input is no terminal
//! it is a script: the first line that fails ends it.

mod editor;
mod line;
mod run;
mod words;

use std::io::IsTerminal as _;

use clap::Parser as _;
use ftp_connect::{ErrorKind, RemotePath};

use super::{Open, Outcome, Pooled, usage};
use crate::{
    args::Connection,
    output::{Failure, Output, one_line, say, tell},
};
use editor::{Editor, Read};
use line::Line;

/// What a shell works with.
struct Shell {
    pooled: Pooled,
    /// Absolute where the server tells its folders, else from the login folder.
    folder: RemotePath,
}

pub(super) async fn shell(url: Option<&str>, options: &Connection, output: &mut Output) -> Outcome {
    if output.is_json() {
        return Err(usage("a shell has no JSON", "leave --json out"));
    }
    let mut open = Open::new(url, options, output).await?;
    let home = open.session.current_dir().await;
    let home = home.unwrap_or_else(|_| RemotePath::login_folder());
    let begin = open.path.clone();
    let how = ftp_connect::transfer::PoolOptions::default();
    let mut shell = Shell {
        pooled: open.into_pool(how),
        folder: home,
    };
    if !begin.is_empty() {
        shell.change_folder(&begin).await?;
    }
    let interactive = std::io::stdin().is_terminal();
    if interactive {
        output.line(format!("{}; help lists the commands", shell.pooled.params))?;
    }
    let ended = shell.read_lines(interactive, output).await;
    shell.pooled.leave(output).await;
    ended
}

impl Shell {
    async fn read_lines(&mut self, interactive: bool, output: &mut Output) -> Outcome {
        let mut editor = Editor::new(&self.pooled)?;
        loop {
            let prompt = format!("{}> ", one_line(&self.pooled.show(&self.folder)));
            let read;
            (editor, read) = editor.read(prompt, self.folder.clone()).await?;
            let text = match read {
                Read::Line(text) => text,
                Read::Interrupted => continue,
                Read::End => return Ok(()),
            };
            let parsed = match words::split(&text) {
                Ok(words) if words.is_empty() => continue,
                Ok(words) => Line::try_parse_from(words).map_err(|error| {
                    // Help is no failure.
                    let help = !error.use_stderr();
                    let _ = error.print();
                    help
                }),
                Err(cause) if interactive => {
                    say(&format!("error: {cause}"));
                    continue;
                }
                Err(cause) => return Err(usage(cause, "quotes go in pairs")),
            };
            let line = match parsed {
                Ok(line) => line,
                Err(help) if interactive || help => continue,
                Err(_) => {
                    let message = format!("the line cannot be meant: {}", one_line(&text));
                    return Err(usage(&message, "help lists the commands"));
                }
            };
            if line.ends() {
                return Ok(());
            }
            let done = tokio::select! {
                done = self.run(line, output) => done,
                _ = tokio::signal::ctrl_c() => {
                    say("interrupted");
                    match interactive {
                        true => continue,
                        false => return Ok(()),
                    }
                }
            };
            match done {
                Ok(()) => {}
                Err(failure) if interactive => {
                    tell(&failure);
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// What a path on a line means: from the folder, unless it begins at the root.
    fn path(&self, text: &str) -> Result<RemotePath, Failure> {
        let path = self.pooled.params.encoding().path(text)?;
        Ok(resolve(&self.folder, &path))
    }

    async fn change_folder(&mut self, path: &RemotePath) -> Outcome {
        let folder = resolve(&self.folder, path);
        let mut session = self.pooled.pool.session().await?;
        let entry = match folder.file_name() {
            None => None,
            Some(_) => {
                let follow = ftp_connect::StatOptions::default().with_follow_links(true);
                Some(session.stat(&folder, follow).await?)
            }
        };
        if entry.is_some_and(|entry| !entry.is_dir()) {
            let error = ftp_connect::Error::new(ErrorKind::NotADirectory).with_path(&folder);
            return Err(error.into());
        }
        drop(session);
        self.folder = folder;
        Ok(())
    }
}

/// A path from a folder, `.` and `..` taken out by their letters. `..` at the beginning of a relative path, which
/// leads out of the login folder, stays.
fn resolve(folder: &RemotePath, path: &RemotePath) -> RemotePath {
    let joined = match path.is_absolute() || folder.is_empty() {
        true => path.clone(),
        false => folder.join(path),
    };
    let absolute = joined.is_absolute();
    let mut names: Vec<&[u8]> = Vec::new();
    for name in joined.as_bytes().split(|&byte| byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." if names.last().is_some_and(|last| *last != b"..") => drop(names.pop()),
            b".." if absolute => {}
            name => names.push(name),
        }
    }
    let mut bytes = if absolute { vec![b'/'] } else { Vec::new() };
    bytes.extend(names.join(&b'/'));
    // Parts of a path that was one cannot hold what a path cannot.
    RemotePath::new(bytes).unwrap_or(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(folder: &str, path: &str, expected: &str) {
        let parse = |text: &str| RemotePath::new(text).unwrap();
        let found = resolve(&parse(folder), &parse(path));
        assert_eq!(found, parse(expected), "{path} in {folder}");
    }

    #[test]
    fn paths_from_folders() {
        check("/home/ada", "x", "/home/ada/x");
        check("/home/ada", "../bob/./x", "/home/bob/x");
        check("/home", "../../..", "/");
        check("/home", "/etc//x/", "/etc/x");
        check("", "a/../b", "b");
        check("", "..", "..");
        check("", "../../x", "../../x");
        check("in", "..", "");
    }
}
