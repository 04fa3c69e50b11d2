//! What is printed: text, one JSON document or JSON lines on standard output, errors on standard error, and the
//! exit status.

use std::{
    error::Error as _,
    io::{self, Write as _},
    process::ExitCode,
};

use console::Term;
use ftp_connect::{Error, ErrorKind, Operation};
use serde_json::{Map, Value, json};

/// Why a command ended badly.
#[derive(Debug)]
pub(crate) struct Failure {
    error: Error,
    connecting: bool,
}

impl Failure {
    /// Before the session stood.
    pub(crate) fn connecting(error: Error) -> Self {
        Self {
            error,
            connecting: true,
        }
    }

    /// After that.
    pub(crate) fn operation(error: Error) -> Self {
        Self {
            error,
            connecting: false,
        }
    }

    /// A command line that cannot be parsed, in the parser's own words. URLs are left out of them: they
    /// may hold a password.
    pub(crate) fn usage(message: &str, words: &[String]) -> Self {
        let mut message = message.to_owned();
        for word in words.iter().filter(|word| word.contains("://")) {
            message = message.replace(word.as_str(), "URL");
        }
        let mut parts = message.split("\n\n");
        let cause = parts
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        let hint = parts
            .next()
            .unwrap_or_default()
            .trim()
            .trim_start_matches("tip: ")
            .to_owned();
        Self::connecting(
            Error::new(ErrorKind::InvalidParameter)
                .with_message(cause)
                .with_hint(format!("{hint}; --help tells more")),
        )
    }

    /// The exit status that scripts rely on.
    fn status(&self) -> u8 {
        match self.error.kind() {
            ErrorKind::InvalidParameter | ErrorKind::KeyUnusable => 2,
            ErrorKind::LoginRefused => 4,
            ErrorKind::HostKeyNotTrusted { .. }
            | ErrorKind::CertificateNotTrusted { .. }
            | ErrorKind::ClientCertificateRefused => 5,
            ErrorKind::TimedOut => 7,
            _ if self.connecting => 3,
            ErrorKind::NotFound => 6,
            ErrorKind::TransferNotWhole => 8,
            _ => 1,
        }
    }

    /// The message with the causes below it that say something new, in one line.
    pub(crate) fn cause(&self) -> String {
        let mut text = self.error.to_string();
        let mut below = self.error.source();
        while let Some(source) = below {
            let more = source.to_string();
            // What a file was called while it was written says nothing new.
            let same = source.downcast_ref::<Error>().is_some_and(|below| {
                below.reply() == self.error.reply() && below.kind() == self.error.kind()
            });
            if !same && !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            below = source.source();
        }
        one_line(&text)
    }

    pub(crate) fn hint(&self) -> String {
        let missing = *self.error.kind() == ErrorKind::NotFound;
        let fallback = match self.error.operation() {
            Some(Operation::Write) if missing => {
                "is the folder there? mkdir -p creates it; -vv shows the whole conversation"
            }
            _ if self.error.reply().is_some() => {
                "the server's answer says why; -vv shows the whole conversation"
            }
            _ => "-vv shows the whole conversation",
        };
        one_line(self.error.hint().unwrap_or(fallback))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::operation(error)
    }
}

impl From<io::Error> for Failure {
    /// An error of this machine's, such as a standard output that nobody reads any more.
    fn from(error: io::Error) -> Self {
        let message = error.to_string();
        Self::operation(
            Error::new(ErrorKind::Io)
                .with_message(message)
                .with_source(error),
        )
    }
}

/// Where a command prints.
#[derive(Debug)]
pub(crate) struct Output {
    command: String,
    json: Option<Map<String, Value>>,
    /// Whether the document is the last of many lines.
    lines: bool,
    /// What to say to somebody who interrupts.
    go_on: &'static str,
}

impl Output {
    pub(crate) fn new(command: &str, json: bool) -> Self {
        Self {
            command: command.to_owned(),
            json: json.then(Map::new),
            lines: false,
            go_on: "run the same command again",
        }
    }

    /// Sets what to say to somebody who interrupts.
    pub(crate) fn with_how_to_go_on(mut self, go_on: &'static str) -> Self {
        self.go_on = go_on;
        self
    }

    /// From here on JSON is a line for each event, and the document the last of them.
    pub(crate) fn begin_events(&mut self) {
        self.lines = true;
    }

    /// Prints an event, where those are printed.
    pub(crate) fn event(&self, name: &str, value: Value) -> io::Result<()> {
        if self.json.is_none() || !self.lines {
            return Ok(());
        }
        let mut event = Map::new();
        event.insert("event".to_owned(), name.into());
        if let Value::Object(more) = value {
            event.extend(more);
        }
        writeln!(io::stdout().lock(), "{}", Value::Object(event))
    }

    /// Whether standard output is one JSON document.
    pub(crate) fn is_json(&self) -> bool {
        self.json.is_some()
    }

    /// Prints a line of text; not in JSON.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> io::Result<()> {
        if self.json.is_some() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{}", text.as_ref())
    }

    /// Adds to the JSON document; not in text.
    pub(crate) fn field(&mut self, key: &str, value: impl serde::Serialize) {
        if let Some(document) = &mut self.json {
            let value = serde_json::to_value(value).unwrap_or(Value::Null);
            document.insert(key.to_owned(), value);
        }
    }

    /// Prints what a user should know though it worked.
    pub(crate) fn warn(&self, text: &str) {
        warn(text);
    }

    /// Prints what a person at a terminal should know; scripts have it in the JSON of `connect`.
    pub(crate) fn note(&self, text: &str) {
        if Term::stderr().is_term() {
            say(&format!("note: {}", one_line(text)));
        }
    }

    /// Ends well.
    pub(crate) fn succeed(self) -> ExitCode {
        self.document(json!({ "ok": true }));
        ExitCode::SUCCESS
    }

    /// Ends badly: one line of cause and one of hint.
    pub(crate) fn fail(self, failure: &Failure) -> ExitCode {
        // Whoever read the output has had enough of it: `ftp-connect ls … | head`.
        if failure.error.kind() == &ErrorKind::Io && is_broken_pipe(&failure.error) {
            return ExitCode::SUCCESS;
        }
        tell(failure);
        let (cause, hint) = (failure.cause(), failure.hint());
        let host_key = match failure.error.kind() {
            ErrorKind::HostKeyNotTrusted { seen, .. } => Some(seen.to_string()),
            _ => None,
        };
        let reply = failure
            .error
            .reply()
            .map(|r| json!({ "code": r.code, "text": r.text }));
        self.document(json!({
            "ok": false,
            "error": {
                "kind": kind_name(failure.error.kind()),
                "message": cause,
                "hint": hint,
                "reply": reply,
                "host_key": host_key,
            },
            "exit_status": failure.status(),
        }));
        ExitCode::from(failure.status())
    }

    /// Ends because the user said so.
    pub(crate) fn interrupted(self) -> ExitCode {
        say("interrupted");
        say(&format!("hint: {}", self.go_on));
        self.document(json!({ "ok": false, "exit_status": 130 }));
        ExitCode::from(130)
    }

    fn document(self, more: Value) {
        let Some(fields) = self.json else { return };
        let mut document = Map::new();
        if self.lines {
            document.insert("event".to_owned(), "end".into());
        }
        document.insert("command".to_owned(), self.command.into());
        if let Value::Object(more) = more {
            document.extend(more);
        }
        document.extend(fields);
        let document = Value::Object(document);
        let text = match self.lines {
            true => document.to_string(),
            false => format!("{document:#}"),
        };
        // A reader that went away wants no more of it.
        let _ = writeln!(io::stdout().lock(), "{text}");
    }
}

/// Prints what a user should know though it worked.
pub(crate) fn warn(text: &str) {
    say(&format!("warning: {}", one_line(text)));
}

/// Prints what went wrong: a line of cause and one of hint.
pub(crate) fn tell(failure: &Failure) {
    say(&format!("error: {}", failure.cause()));
    say(&format!("hint: {}", failure.hint()));
}

/// Prints a line on standard error; on a terminal as many as it takes, without words torn apart.
pub(crate) fn say(text: &str) {
    let line = format!("ftp-connect: {text}");
    let terminal = Term::stderr();
    match terminal.is_term() {
        true => eprintln!("{}", wrapped(&line, terminal.size().1.into(), 2)),
        false => eprintln!("{line}"),
    }
}

/// A line of a table whose last column begins there: on a terminal as many lines as it takes, none of them to the
/// left of that column.
pub(crate) fn fitted(line: &str, column: usize) -> String {
    let terminal = Term::stdout();
    let columns = usize::from(terminal.size().1);
    match terminal.is_term() && columns > 2 * column {
        true => wrapped(line, columns, column),
        false => line.to_owned(),
    }
}

/// Breaks a text at its blanks into lines of so many columns, of which the later ones are indented; a word that is
/// longer than a line stays whole, as it may be there to be copied.
fn wrapped(text: &str, columns: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for (place, word) in text.split(' ').enumerate() {
        let width = console::measure_text_width(word);
        if place > 0 && used > indent && used + 1 + width > columns {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = indent;
        } else if place > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += width;
    }
    out
}

/// A number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            let digits = usize::from(unit != "B");
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// Text of a server or an error on one line, harmless to a terminal.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<_> = text
        .split(char::is_control)
        .filter(|part| !part.is_empty())
        .collect();
    words.join(" ")
}

pub(crate) fn kind_name(kind: &ErrorKind) -> String {
    let debug = format!("{kind:?}");
    debug
        .split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn is_broken_pipe(error: &Error) -> bool {
    let source = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks() {
        #[track_caller]
        fn check(text: &str, columns: usize, expected: &str) {
            assert_eq!(wrapped(text, columns, 2), expected, "{text:?}");
        }
        check("", 10, "");
        check("one two", 10, "one two");
        check("one two three four", 10, "one two\n  three\n  four");
        check("one_that_is_long two", 10, "one_that_is_long\n  two");
        check("two  blanks", 20, "two  blanks");
        check("  first and second", 10, "  first\n  and\n  second");
        check("  that_is_long", 8, "  that_is_long");
        check("größe größe", 11, "größe größe");
        check("日本 日本", 8, "日本\n  日本");
    }
}
