//! By which command a folder is listed, and from where.
//!
//! An empty LIST does not prove that the folder exists, LIST of a file lists the file, and a path with
//! blanks or brackets is a pattern to some servers. So before LIST, NLST and STAT the session changes
//! into the folder, which proves that it is one, and the command goes without a path. For MLSD that is
//! done only if the path looks like a pattern, or if the server takes none.

use ftp_connect_core::params::ListCommand;
use ftp_connect_core::{Error, ErrorKind, Listing as _, RemotePath, Result, TransferType};
use ftp_connect_ftp_proto::flow::Exchange;
use ftp_connect_ftp_proto::{Argument, Command, Reply};

use super::FtpListing;
use crate::session::{FtpSession, names};

/// How a listing was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::session) enum ListPlan {
    Mlsd,
    /// LIST, with `-a` or without.
    List {
        all: bool,
    },
    /// NLST, with `-a` or without: names and nothing else.
    Nlst {
        all: bool,
    },
    /// The lines came in a reply: to STAT, or none in a refusal that says that there are none.
    Told(Vec<Vec<u8>>),
}

impl ListPlan {
    /// Whether names that begin with a dot are listed too.
    pub(in crate::session) fn shows_hidden(&self) -> bool {
        match self {
            Self::Mlsd => true,
            Self::List { all } | Self::Nlst { all } => *all,
            Self::Told(_) => false,
        }
    }

    /// The command that is sent within the folder when `-a` was taken for a name.
    pub(super) fn without_option(&self) -> Option<(Command, Self)> {
        match self {
            Self::List { all: true } => Some((Command::new("LIST"), Self::List { all: false })),
            Self::Nlst { all: true } => Some((Command::new("NLST"), Self::Nlst { all: false })),
            _ => None,
        }
    }
}

impl FtpSession {
    /// Begins a listing; the errors name neither operation nor path.
    pub(in crate::session) async fn begin_list(
        &mut self,
        path: &RemotePath,
        hidden: bool,
    ) -> Result<ListPlan> {
        let given = self.params.list_command();
        let wanted = match (given, self.learnt.list_command) {
            (ListCommand::Auto, Some(known)) => known,
            (given, _) => given,
        };
        let tries_mlsd = match wanted {
            ListCommand::Auto => self.features.has_mlst() && self.learnt.mlsd != Some(false),
            wanted => wanted == ListCommand::Mlsd,
        };
        let enters = match tries_mlsd {
            true => self.lists_from_within(path),
            false => !path.is_empty(),
        };
        if self.has_asked_for(TransferType::Binary) && !enters && wanted != ListCommand::Stat {
            self.wire.glance().await?;
        } else {
            self.settle().await?;
            self.set_type(TransferType::Binary).await?;
        }
        if tries_mlsd {
            self.go_home(false).await?;
            match self.begin_mlsd(path).await {
                // MLST in FEAT promises MLSD, and not every server keeps that.
                Err(error)
                    if *error.kind() == ErrorKind::Unsupported && given != ListCommand::Mlsd =>
                {
                    self.learnt.mlsd = Some(false);
                    self.settle().await?;
                }
                Ok(()) => {
                    self.learnt.mlsd = Some(true);
                    return Ok(ListPlan::Mlsd);
                }
                Err(error) => return Err(error),
            }
        }
        // A session that could not find back lists by path.
        let by_path = self.home.is_none() && !path.is_empty();
        if !by_path {
            let mut ways: Vec<_> = self.way_home()?.into_iter().collect();
            if !path.is_empty() {
                ways.push(Command::with("CWD", self.argument(path)?));
            }
            if !ways.is_empty() {
                self.enter(ways, wanted != ListCommand::Stat).await?;
                self.away = !path.is_empty();
            }
        }
        let path = by_path.then_some(path);
        if wanted == ListCommand::Stat {
            return self.ask_stat(path, hidden).await;
        }
        let (verb, plan): (_, fn(bool) -> ListPlan) = match wanted {
            ListCommand::Nlst => ("NLST", |all| ListPlan::Nlst { all }),
            _ => ("LIST", |all| ListPlan::List { all }),
        };
        if hidden && self.list_all {
            match self.begin_plain(verb, path, true).await {
                Err(error) if is_refusal(&error) => self.list_all = false,
                result => return result.map(|()| plan(true)),
            }
        }
        match self.begin_plain(verb, path, false).await {
            // The folder is there: it was entered.
            Err(error) if path.is_none() && says_empty(&error) => Ok(ListPlan::Told(Vec::new())),
            result => result.map(|()| plan(false)),
        }
    }

    /// Whether there is anything in a folder.
    pub(in crate::session) async fn has_entries(&mut self, path: &RemotePath) -> Result<bool> {
        let plan = self.begin_list(path, true).await?;
        let mut listing = Box::new(FtpListing::new(self, plan, path));
        let some = listing.next().await?.is_some();
        listing.finish().await?;
        Ok(some)
    }

    pub(in crate::session) async fn change_into(&mut self, path: &RemotePath) -> Result<()> {
        let way = Command::with("CWD", self.argument(path)?);
        self.enter(vec![way], false).await
    }

    /// Whether MLSD goes without a path, from within the folder.
    fn lists_from_within(&self, path: &RemotePath) -> bool {
        let must = names::is_odd(path) || self.learnt.mlsd_path == Some(false);
        !path.is_empty() && must && self.home.is_some()
    }

    async fn begin_mlsd(&mut self, path: &RemotePath) -> Result<()> {
        if !path.is_empty() && !self.lists_from_within(path) {
            let command = Command::with("MLSD", self.argument(path)?);
            match self.begin(&command, 0).await {
                Err(error)
                    if error.reply().is_some_and(|reply| reply.code == 501)
                        && self.home.is_some() =>
                {
                    self.learnt.mlsd_path = Some(false);
                }
                result => return result,
            }
        }
        if !path.is_empty() {
            self.change_into(path).await?;
        }
        self.begin(&Command::new("MLSD"), 0).await
    }

    async fn begin_plain(
        &mut self,
        verb: &'static str,
        path: Option<&RemotePath>,
        all: bool,
    ) -> Result<()> {
        let words = self.list_words(path, all, b"")?;
        let command = if words.is_empty() {
            Command::new(verb)
        } else {
            Command::with(verb, Argument::new(words).map_err(names::refused)?)
        };
        self.begin(&command, 0).await
    }

    /// STAT with a path (RFC 959 §4.1.3): the lines come over the control connection, so that there can
    /// only be as many as a reply may have.
    async fn ask_stat(&mut self, path: Option<&RemotePath>, hidden: bool) -> Result<ListPlan> {
        let mut all = hidden && self.list_all;
        loop {
            let words = self.list_words(path, all, b".")?;
            let words = Argument::new(words).map_err(names::refused)?;
            let asked = Exchange::new(Command::with("STAT", words));
            match self.wire.run(asked).await {
                Ok(reply) => {
                    let lines = told_lines(&reply);
                    if !all || !lines.is_empty() {
                        return Ok(ListPlan::Told(lines));
                    }
                }
                Err(error) if all && is_refusal(&error) => {}
                Err(error) => return Err(error),
            }
            // The option was taken for a name.
            all = false;
            self.list_all = false;
        }
    }

    fn list_words(&self, path: Option<&RemotePath>, all: bool, here: &[u8]) -> Result<Vec<u8>> {
        let mut words = if all { b"-a".to_vec() } else { Vec::new() };
        let path = match path {
            Some(path) => self.argument(path)?.as_bytes().to_vec(),
            None => here.to_vec(),
        };
        if all && !path.is_empty() {
            words.push(b' ');
        }
        words.extend(path);
        Ok(words)
    }
}

/// The lines between the first and the last of a reply to STAT. Some servers write the code before each.
fn told_lines(reply: &Reply) -> Vec<Vec<u8>> {
    let code = format!("{}-", reply.code());
    let lines = reply.lines();
    let inner = lines.get(1..lines.len().saturating_sub(1)).unwrap_or(&[]);
    let bare = |line: &Vec<u8>| {
        let line = line.strip_prefix(code.as_bytes()).unwrap_or(line);
        line.trim_ascii_start().to_vec()
    };
    inner
        .iter()
        .map(bare)
        .filter(|line| !line.is_empty())
        .collect()
}

/// Whether the server refused the command itself, so that another form may do.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unsupported
            | ErrorKind::Refused
            | ErrorKind::RefusedForNow
            | ErrorKind::NotFound
            | ErrorKind::PermissionDenied
    )
}

/// Whether a refusal only says that nothing is in the folder: wu-ftpd and many after it, NetWare, z/OS.
fn says_empty(error: &Error) -> bool {
    error.reply().is_some_and(|reply| {
        let text = reply.text.to_ascii_lowercase();
        matches!(reply.code, 450 | 550)
            && [
                "no files",
                "no data sets",
                "no members",
                "directory is empty",
            ]
            .iter()
            .any(|words| text.contains(words))
    })
}
