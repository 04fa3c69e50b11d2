//! Keys, certificates and lines of `known_hosts`, answered by a program of the SFTP crate: so that only who asks
//! for these answers builds an SSH library.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use super::Case;
use crate::Outcome;

/// The kinds of cases that are answered here.
pub(super) const KINDS: &[&str] = &["private", "public", "certificate", "line", "pattern"];

/// The program, started with the first case.
#[derive(Debug, Default)]
pub(super) struct Answers(Option<Program>);

#[derive(Debug)]
struct Program {
    child: Child,
    cases: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Answers {
    /// The answer without its `id`: `got`, and `matches` where the case has names. `folder` is where the case's
    /// file is; key files are beside it.
    pub(super) fn answer(&mut self, case: &Case, folder: &Path) -> Outcome<Case> {
        let program = match &mut self.0 {
            Some(program) => program,
            none => none.insert(Program::start()?),
        };
        let mut case = case.clone();
        let folder = folder.canonicalize()?;
        let folder = folder.to_str().ok_or("the folder's name is not UTF-8")?;
        case.insert("folder".to_owned(), folder.into());
        writeln!(program.cases, "{}", Value::Object(case))?;
        let mut answer = String::new();
        program.answers.read_line(&mut answer)?;
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Program {
    fn start() -> Outcome<Self> {
        let mut child = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
            .args(["run", "--quiet", "--package", "ftp-connect-sftp"])
            .args(["--example", "ssh_cases"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let cases = child.stdin.take().ok_or("the program has no input")?;
        let answers = child.stdout.take().ok_or("the program has no output")?;
        Ok(Self {
            child,
            cases,
            answers: BufReader::new(answers),
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has answered everything it was asked.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
