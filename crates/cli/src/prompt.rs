//! Asking the person at the terminal: passwords, passphrases, and whatever a server asks.
//!
//! Questions go to the terminal itself, so that standard input and output stay those of the command. Where
//! there is no terminal nothing is asked.

use std::{
    fs::File,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    time::Duration,
};

use async_trait::async_trait;
use ftp_connect::{Challenge, Prompter, Secret};

use crate::output::one_line;

/// Whether there is somebody to ask.
pub(crate) fn can_ask() -> bool {
    io::stderr().is_terminal() && (cfg!(not(unix)) || File::open(TERMINAL).is_ok())
}

/// Asks for something that must not be seen; `None` if there is no answer.
pub(crate) async fn hidden(question: &str) -> Option<Secret> {
    let question = question.to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        let _echo = Echo::keep();
        rpassword::prompt_password(question)
    });
    match answer.await.ok()? {
        // The signal that goes along with it ends everything; until it has come there is nothing to say.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            tokio::time::sleep(Duration::from_secs(1)).await;
            None
        }
        answer => Some(Secret::new(answer.ok()?)),
    }
}

async fn shown(question: &str) -> Option<Secret> {
    let question = question.to_owned();
    let answer = tokio::task::spawn_blocking(move || -> io::Result<String> {
        eprint!("{question}");
        io::stderr().flush()?;
        let mut line = String::new();
        let read = match File::open(TERMINAL) {
            Ok(terminal) => io::BufReader::new(terminal).read_line(&mut line)?,
            Err(_) => io::stdin().lock().read_line(&mut line)?,
        };
        match read {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    });
    Some(Secret::new(answer.await.ok()?.ok()?))
}

/// Shows a server's questions and takes the answers.
#[derive(Debug)]
pub(crate) struct TerminalPrompter;

#[async_trait]
impl Prompter for TerminalPrompter {
    async fn answer(&self, challenge: &Challenge) -> Option<Vec<Secret>> {
        for text in [&challenge.name, &challenge.instructions] {
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                eprintln!("{}", one_line(line));
            }
        }
        let mut answers = Vec::new();
        for prompt in &challenge.prompts {
            // A server must not be able to pass its question off as one of this program's.
            let question = format!("[server] {} ", one_line(prompt.text.trim_end()));
            answers.push(match prompt.echo {
                true => shown(&question).await?,
                false => hidden(&question).await?,
            });
        }
        Some(answers)
    }
}

const TERMINAL: &str = "/dev/tty";

#[cfg(unix)]
use unix::Echo;

#[cfg(unix)]
pub(crate) use unix::restore;

#[cfg(unix)]
mod unix {
    //! What the terminal was set to while a question hides its answer: a program that is interrupted then must
    //! not leave a terminal behind that shows nothing.

    use std::{fs::File, sync::Mutex};

    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

    static KEPT: Mutex<Option<Termios>> = Mutex::new(None);

    pub(super) struct Echo;

    impl Echo {
        pub(super) fn keep() -> Self {
            let terminal = File::open(super::TERMINAL).ok();
            if let (Some(terminal), Ok(mut kept)) = (terminal, KEPT.lock()) {
                *kept = tcgetattr(&terminal).ok();
            }
            Self
        }
    }

    impl Drop for Echo {
        fn drop(&mut self) {
            if let Ok(mut kept) = KEPT.lock() {
                *kept = None;
            }
        }
    }

    /// Gives the terminal back as it was before the question that is still open, if one is.
    pub(crate) fn restore() {
        let kept = KEPT.lock().ok().and_then(|mut kept| kept.take());
        if let (Some(kept), Ok(terminal)) = (kept, File::open(super::TERMINAL)) {
            // A terminal that has gone away needs nothing.
            let _ = tcsetattr(&terminal, OptionalActions::Now, &kept);
            eprintln!();
        }
    }
}

#[cfg(not(unix))]
struct Echo;

#[cfg(not(unix))]
impl Echo {
    fn keep() -> Self {
        Self
    }
}

#[cfg(not(unix))]
pub(crate) fn restore() {}
