//! The line editor: rustyline, on a thread where it may block, with names of the server to complete.

use std::{collections::HashMap, path::PathBuf};

use ftp_connect::{RemotePath, SessionExt as _, params::Encoding, transfer::Pool};
use rustyline::{
    CompletionType, Config, Context, Helper,
    completion::{Completer, FilenameCompleter, Pair},
    error::ReadlineError,
    highlight::Highlighter,
    hint::Hinter,
    history::DefaultHistory,
    validate::Validator,
};
use tokio::runtime::Handle;

use super::{line::Line, resolve, words};
use crate::{
    command::Pooled,
    config,
    output::{Failure, one_line},
};

/// What came of reading a line.
pub(super) enum Read {
    Line(String),
    /// The person gave the line up.
    Interrupted,
    /// There are no more.
    End,
}

/// A line editor with its history.
pub(super) struct Editor {
    editor: rustyline::Editor<Names, DefaultHistory>,
    history: Option<PathBuf>,
}

impl Editor {
    pub(super) fn new(pooled: &Pooled) -> Result<Self, Failure> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .build();
        let mut editor = rustyline::Editor::with_config(config).map_err(broken)?;
        editor.set_helper(Some(Names {
            pool: pooled.pool.clone(),
            encoding: pooled.params.encoding(),
            folder: RemotePath::login_folder(),
            runtime: Handle::current(),
            commands: Line::names(),
            listed: HashMap::new().into(),
            files: FilenameCompleter::new(),
        }));
        let history = config::history();
        if let Some(file) = &history {
            // The first time there is none.
            let _ = editor.load_history(file);
        }
        Ok(Self { editor, history })
    }

    /// Reads a line, away from the runtime's own threads.
    pub(super) async fn read(
        mut self,
        prompt: String,
        folder: RemotePath,
    ) -> Result<(Self, Read), Failure> {
        let reading = tokio::task::spawn_blocking(move || {
            if let Some(names) = self.editor.helper_mut() {
                names.folder = folder;
                names.listed.borrow_mut().clear();
            }
            let read = match self.editor.readline(&prompt) {
                Ok(line) => Ok(Read::Line(line)),
                Err(ReadlineError::Interrupted) => Ok(Read::Interrupted),
                Err(ReadlineError::Eof) => Ok(Read::End),
                Err(error) => Err(broken(error)),
            };
            (self, read)
        });
        let (editor, read) = reading
            .await
            .map_err(|error| Failure::from(std::io::Error::other(error)))?;
        Ok((editor, read?))
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if let Some(file) = &self.history {
            // Whoever keeps no state has no folder for it.
            let _ = file.parent().map(std::fs::create_dir_all);
            let _ = self.editor.save_history(file);
        }
    }
}

fn broken(error: ReadlineError) -> Failure {
    Failure::from(std::io::Error::other(error))
}

/// Completes commands, and names here and on the server.
struct Names {
    pool: Pool,
    encoding: Encoding,
    folder: RemotePath,
    runtime: Handle,
    commands: Vec<String>,
    /// The names in folders that were looked into while this line is typed.
    listed: std::cell::RefCell<HashMap<RemotePath, Vec<String>>>,
    files: FilenameCompleter,
}

impl Names {
    /// The names in a folder on the server, those of folders with a slash.
    fn names(&self, folder: &RemotePath) -> Vec<String> {
        if let Some(known) = self.listed.borrow().get(folder) {
            return known.clone();
        }
        let names = self.runtime.block_on(async {
            let mut session = self.pool.session().await.ok()?;
            let entries = session.list_all(folder).await.ok()?;
            let names = entries.into_iter().map(|entry| {
                let slash = if entry.is_dir() { "/" } else { "" };
                format!("{}{slash}", one_line(&self.encoding.show(&entry.name)))
            });
            Some(names.collect::<Vec<_>>())
        });
        let mut names = names.unwrap_or_default();
        names.sort();
        self.listed
            .borrow_mut()
            .insert(folder.clone(), names.clone());
        names
    }
}

impl Completer for Names {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = &line[..pos];
        let start = word_start(before);
        let word = &before[start..];
        let Some(command) = words::split(&before[..start])
            .ok()
            .and_then(|words| words.into_iter().next())
        else {
            let fitting = self.commands.iter().filter(|name| name.starts_with(word));
            let pairs = fitting.map(|name| Pair {
                display: name.clone(),
                replacement: format!("{name} "),
            });
            return Ok((start, pairs.collect()));
        };
        if matches!(command.as_str(), "put" | "lcd" | "lls") {
            return self.files.complete(line, pos, context);
        }
        let typed = words::split(word).ok().and_then(|mut words| words.pop());
        let typed = typed.unwrap_or_default();
        let (folder, beginning) = match typed.rfind('/') {
            Some(at) => (&typed[..=at], &typed[at + 1..]),
            None => ("", typed.as_str()),
        };
        let Ok(path) = self.encoding.path(folder) else {
            return Ok((start, Vec::new()));
        };
        let names = self.names(&resolve(&self.folder, &path));
        let fitting = names.into_iter().filter(|name| name.starts_with(beginning));
        let pairs = fitting.map(|name| Pair {
            replacement: words::quoted(&format!("{folder}{name}")),
            display: name,
        });
        Ok((start, pairs.collect()))
    }
}

/// Where the word begins that is being typed; an escaped blank does not end one.
fn word_start(text: &str) -> usize {
    let mut start = 0;
    let mut escaped = false;
    for (at, sign) in text.char_indices() {
        if sign.is_whitespace() && !escaped {
            start = at + sign.len_utf8();
        }
        escaped = sign == '\\' && !escaped;
    }
    start
}

impl Helper for Names {}
impl Hinter for Names {
    type Hint = String;
}
impl Highlighter for Names {}
impl Validator for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_is_typed() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(&text[word_start(text)..], expected, "{text}");
        }
        check("", "");
        check("ge", "ge");
        check("get in/a", "in/a");
        check("get a\\ b", "a\\ b");
        check("get a\\\\ b", "b");
        check("get ", "");
    }
}
