//! Setting when a file was modified, by the command that the server has.
//!
//! There are four forms in use, and what FEAT says of them is little. The likely ones are tried in
//! turn; a form that the server does not know is not tried again, and the one that worked comes first
//! the next time.

use ftp_connect_core::{Error, ErrorKind, RemotePath, Result, Timestamp, Zone};
use ftp_connect_ftp_proto::{Argument, Command, Reply, parse};

use super::{FtpSession, names};
use crate::failure;

/// A command that sets a modification time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeCommand {
    /// `MFMT time path` (draft-somers-ftp-mfxx): ProFTPD, Pure-FTPd, pyftpdlib.
    Mfmt,
    /// `MDTM time path`: vsftpd, Serv-U.
    Mdtm,
    /// `SITE UTIME time path`: ProFTPD.
    UtimeBefore,
    /// `SITE UTIME path atime mtime ctime UTC`: Pure-FTPd.
    UtimeAfter,
}

impl TimeCommand {
    fn to_command(self, path: &[u8], time: &str) -> Result<Command> {
        let before = |word: &str| [word.as_bytes(), time.as_bytes(), b" ", path].concat();
        let (verb, words) = match self {
            Self::Mfmt => ("MFMT", before("")),
            Self::Mdtm => ("MDTM", before("")),
            Self::UtimeBefore => ("SITE", before("UTIME ")),
            Self::UtimeAfter => {
                let times = format!(" {time} {time} {time} UTC");
                ("SITE", [b"UTIME ", path, times.as_bytes()].concat())
            }
        };
        let words = Argument::new(words).map_err(names::refused)?;
        Ok(Command::with(verb, words))
    }

    /// What an answer to it means.
    fn judge(self, reply: &Reply) -> Answer {
        match reply.code() {
            // Superfluous is not done.
            202 | 500..=502 | 504 => Answer::Unknown,
            // MDTM has told a time: of a file whose name is the time and the name.
            213 if self == Self::Mdtm && parse::time(reply.first_text()).is_some() => {
                Answer::Unknown
            }
            200..=299 => Answer::Done,
            _ => Answer::Refused,
        }
    }
}

enum Answer {
    Done,
    /// The server does not have this form.
    Unknown,
    /// The file cannot be changed, or the form was taken for something else.
    Refused,
}

impl FtpSession {
    /// The command by which a time is most likely set; `None` if it cannot be.
    pub(super) fn time_command(
        &self,
        path: &RemotePath,
        modified: &Timestamp,
    ) -> Option<(TimeCommand, Command)> {
        let form = *self.time_commands.first()?;
        let path = self.argument(path).ok()?;
        let command = form.to_command(path.as_bytes(), &digits(modified).ok()?);
        Some((form, command.ok()?))
    }

    /// Whether the answer to such a command says that the time is set; it is the one to be taken from then on.
    pub(super) fn has_set_time(&mut self, form: TimeCommand, reply: &Reply) -> bool {
        let done = matches!(form.judge(reply), Answer::Done);
        if done {
            self.time_commands = vec![form];
        }
        done
    }

    pub(super) async fn send_modified(
        &mut self,
        path: &RemotePath,
        modified: Timestamp,
    ) -> Result<()> {
        let time = digits(&modified)?;
        let mut unknown = Error::new(ErrorKind::Unsupported);
        for form in self.time_commands.clone() {
            self.ready().await?;
            let command = form.to_command(self.argument(path)?.as_bytes(), &time)?;
            let reply = self.exchange(command).await?;
            match form.judge(&reply) {
                Answer::Done => {
                    // What else was likely is not needed any more.
                    self.time_commands = vec![form];
                    return Ok(());
                }
                Answer::Unknown => {}
                Answer::Refused => {
                    let error = failure::from_reply(&reply);
                    let told = form == TimeCommand::Mfmt
                        || *error.kind() == ErrorKind::PermissionDenied
                        || reply.code() < 500;
                    // Where time and name were taken for one name, the file is there all the same.
                    if told || self.look_up(path).await.is_err() {
                        return Err(error);
                    }
                }
            }
            self.time_commands.retain(|known| *known != form);
            unknown = unknown.with_reply(failure::server_reply(&reply));
        }
        Err(unknown)
    }
}

/// The time as all these commands have it.
fn digits(time: &Timestamp) -> Result<String> {
    if time.zone() != Zone::Utc {
        return Err(Error::new(ErrorKind::InvalidParameter)
            .with_message("a time in an unknown zone cannot be set"));
    }
    let ((year, month, day), (hour, minute, second)) = (time.date(), time.time());
    Ok(format!(
        "{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(form: TimeCommand, line: &str) {
        let command = form.to_command(b"a b", "20210102030405").unwrap();
        let mut out = Vec::new();
        command.encode(&mut out);
        assert_eq!(out.escape_ascii().to_string(), format!("{line}\\r\\n"));
    }

    #[test]
    fn forms() {
        check(TimeCommand::Mfmt, "MFMT 20210102030405 a b");
        check(TimeCommand::Mdtm, "MDTM 20210102030405 a b");
        check(TimeCommand::UtimeBefore, "SITE UTIME 20210102030405 a b");
        check(
            TimeCommand::UtimeAfter,
            "SITE UTIME a b 20210102030405 20210102030405 20210102030405 UTC",
        );
    }
}
