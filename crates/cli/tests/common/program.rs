//! Runs the program and looks at what it says.

use std::{
    ffi::OsStr,
    process::{Command, Output, Stdio},
};

/// A call of `ftp-connect`, with an environment of its own.
pub(crate) struct Call(Command);

/// What it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Call {
    pub(crate) fn new(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ftp-connect"));
        command
            .args(arguments)
            .env_remove("FTP_CONNECT_PASSWORD")
            .env_remove("FTP_CONNECT_ACCOUNT")
            .env_remove("FTP_CONNECT_KEY_PASSPHRASE")
            .stdin(Stdio::null());
        Self(command)
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it with a standard output that nobody reads; its status.
    #[allow(dead_code)] // one of the two test programs that share this file needs it
    pub(crate) fn run_unread(mut self) -> i32 {
        let mut child = self
            .0
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        let status = child.wait().expect("it can be waited for");
        status.code().expect("the program ends by itself")
    }

    pub(crate) fn run(mut self) -> Said {
        let Output {
            status,
            stdout,
            stderr,
        } = self.0.output().expect("the program starts");
        Said {
            status: status.code().expect("the program ends by itself"),
            stdout: String::from_utf8(stdout).expect("text"),
            stderr: String::from_utf8(stderr).expect("text"),
        }
    }
}

impl Said {
    /// It ended well.
    #[track_caller]
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.status, 0, "{self:#?}");
        self
    }

    /// It ended with this status, one line of cause that holds `cause`, and one of hint; no panic.
    #[track_caller]
    pub(crate) fn badly(self, status: i32, cause: &str) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        let said = |what| {
            self.stderr
                .lines()
                .filter(move |line| line.starts_with(&format!("ftp-connect: {what}: ")))
        };
        let causes: Vec<_> = said("error").collect();
        assert!(
            causes.len() == 1 && causes[0].contains(cause),
            "{cause:?} in {self:#?}"
        );
        assert_eq!(said("hint").count(), 1, "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }

    /// The one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).expect("one JSON document on standard output")
    }
}
