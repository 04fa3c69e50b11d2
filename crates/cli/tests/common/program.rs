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
            .env_remove("FTP_CONNECT_CONFIG")
            .env_remove("NETRC")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_STATE_HOME")
            // Whoever runs the tests has files of their own.
            .env("HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/no-home"))
            .stdin(Stdio::null());
        Self(command)
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Sets the folder that it runs in.
    #[allow(dead_code)] // one of the two test programs that share this file needs it
    pub(crate) fn within(mut self, folder: &std::path::Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Runs it with this as its standard input.
    #[allow(dead_code)] // one of the two test programs that share this file needs it
    pub(crate) fn run_with_input(mut self, input: &str) -> Said {
        use std::io::Write as _;
        self.0
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.0.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        // Whoever ends before it has read all of it is no failure of the test's.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Said::of(child.wait_with_output().expect("it can be waited for"))
    }

    /// Starts it and leaves it running.
    #[allow(dead_code)] // one of the two test programs that share this file needs it
    pub(crate) fn start(mut self) -> std::process::Child {
        self.0.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.0.spawn().expect("the program starts")
    }

    /// The command, for those that start it in another way.
    #[allow(dead_code)] // one of the two test programs that share this file needs it
    pub(crate) fn into_command(self) -> Command {
        self.0
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
        Said::of(self.0.output().expect("the program starts"))
    }
}

impl Said {
    /// What a program that has ended said.
    pub(crate) fn of(output: Output) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = output;
        Self {
            status: status.code().expect("the program ends by itself"),
            stdout: String::from_utf8(stdout).expect("text"),
            stderr: String::from_utf8(stderr).expect("text"),
        }
    }

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

    /// The one JSON document, or the last line of events.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        let documents = self.events();
        documents
            .into_iter()
            .last()
            .expect("a JSON document on standard output")
    }

    /// All lines of JSON.
    #[track_caller]
    #[allow(dead_code)] // one of the two test programs that share this file needs it
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        let documents = serde_json::Deserializer::from_str(&self.stdout).into_iter();
        documents
            .map(|document| document.expect("nothing but JSON on standard output"))
            .collect()
    }
}
