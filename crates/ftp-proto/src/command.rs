//! Command lines (RFC 959 §4.1, §5.3 and the later extensions).
//!
//! A [`Command`] is a verb and perhaps an [`Argument`]; it encodes to one line. What is secret never
//! shows in `Debug` or `Display`, so that a command may be logged as it is. What a command means and
//! which replies it brings is the business of the flows.

use std::fmt;

use crate::argument::Argument;

/// One command line.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    verb: Verb,
    argument: Option<Argument>,
}

#[derive(Clone, PartialEq, Eq)]
enum Verb {
    Known(&'static str),
    /// A whole line as the user wrote it.
    Raw,
}

impl Command {
    /// A command without an argument, such as `PWD`.
    #[must_use]
    pub fn new(verb: &'static str) -> Self {
        Self {
            verb: Verb::Known(verb),
            argument: None,
        }
    }

    /// A command with an argument, such as `RETR name`.
    #[must_use]
    pub fn with(verb: &'static str, argument: Argument) -> Self {
        Self {
            verb: Verb::Known(verb),
            argument: Some(argument),
        }
    }

    /// A whole command line as somebody wrote it.
    #[must_use]
    pub fn raw(line: Argument) -> Self {
        Self {
            verb: Verb::Raw,
            argument: Some(line),
        }
    }

    /// The verb, in the case in which it is sent.
    #[must_use]
    pub fn verb(&self) -> String {
        match &self.verb {
            Verb::Known(verb) => (*verb).to_owned(),
            Verb::Raw => String::from_utf8_lossy(self.raw_verb()).into_owned(),
        }
    }

    /// Appends the line, CR LF included, to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if let Verb::Known(verb) = self.verb {
            out.extend_from_slice(verb.as_bytes());
            if self.argument.is_some() {
                out.push(b' ');
            }
        }
        if let Some(argument) = &self.argument {
            out.extend_from_slice(argument.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }

    fn raw_verb(&self) -> &[u8] {
        self.argument
            .as_ref()
            .and_then(|line| line.as_bytes().split(|byte| *byte == b' ').next())
            .unwrap_or_default()
    }

    fn is_secret(&self) -> bool {
        let verb = match self.verb {
            Verb::Known(verb) => verb.as_bytes(),
            Verb::Raw => self.raw_verb(),
        };
        SECRET_VERBS
            .iter()
            .any(|secret| verb.eq_ignore_ascii_case(secret))
            // A raw line may hide its verb behind blanks, or change a password with a SITE command.
            || (matches!(self.verb, Verb::Raw)
                && (verb.is_empty() || verb.eq_ignore_ascii_case(b"SITE")))
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_secret() {
            return write!(f, "{} ***", self.verb());
        }
        if let Verb::Known(verb) = self.verb {
            f.write_str(verb)?;
            if self.argument.is_some() {
                f.write_str(" ")?;
            }
        }
        match &self.argument {
            Some(argument) => write!(f, "{}", argument.as_bytes().escape_ascii()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({self})")
    }
}

/// Verbs whose argument is shown to nobody. ADAT carries credentials of RFC 2228 mechanisms.
const SECRET_VERBS: [&[u8]; 3] = [b"PASS", b"ACCT", b"ADAT"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &Command, line: &[u8], shown: &str) {
        let mut out = Vec::new();
        command.encode(&mut out);
        assert_eq!(
            out.escape_ascii().to_string(),
            line.escape_ascii().to_string()
        );
        assert_eq!(command.to_string(), shown);
        assert_eq!(format!("{command:?}"), format!("Command({shown})"));
    }

    fn argument(bytes: &[u8]) -> Argument {
        Argument::new(bytes).unwrap()
    }

    #[test]
    fn encodes_and_shows() {
        check(&Command::new("PWD"), b"PWD\r\n", "PWD");
        check(
            &Command::with("RETR", argument(b"a \xff")),
            b"RETR a \xff\r\n",
            "RETR a \\xff",
        );
        check(&Command::raw(argument(b"SIZE x")), b"SIZE x\r\n", "SIZE x");
        check(
            &Command::with("PASS", argument(b"")),
            b"PASS \r\n",
            "PASS ***",
        );
    }

    #[test]
    fn secrets_do_not_show() {
        check(
            &Command::with("PASS", argument(b"hunter2")),
            b"PASS hunter2\r\n",
            "PASS ***",
        );
        check(
            &Command::with("ACCT", argument(b"hunter2")),
            b"ACCT hunter2\r\n",
            "ACCT ***",
        );
        for line in [
            "pass hunter2",
            "Acct hunter2",
            " PASS hunter2",
            "SITE PSWD a b",
        ] {
            let shown = format!("{:?}", Command::raw(argument(line.as_bytes())));
            assert!(
                !shown.contains("hunter2") && !shown.contains("PSWD"),
                "{shown}"
            );
        }
    }
}
