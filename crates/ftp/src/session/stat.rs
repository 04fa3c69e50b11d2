//! What is known of one name.
//!
//! MLST tells all at once. Without it: SIZE proves a file and gives its size, MDTM its time; CWD proves
//! a folder; and what neither knows is looked for in the listing of the folder above. A 550 to SIZE or
//! MDTM proves nothing.

use ftp_connect_core::{Entry, EntryKind, ErrorKind, RemotePath, Result, TransferType};
use ftp_connect_core::{Error, Listing as _};
use ftp_connect_ftp_proto::listing::Mlsx;
use ftp_connect_ftp_proto::{Command, Reply, parse};

use super::{FtpSession, entries, list::FtpListing};
use crate::failure;

impl FtpSession {
    /// What is known of `path`; the errors name neither operation nor path.
    pub(super) async fn look_up(&mut self, path: &RemotePath) -> Result<Entry> {
        self.ready().await?;
        if self.features.has("MLST") {
            let argument = self.argument(path)?;
            let reply = self.exchange(Command::with("MLST", argument)).await?;
            if let Some(found) = mlst(&reply, path) {
                return Ok(found);
            }
            let error = failure::from_reply(&reply);
            match error.kind() {
                ErrorKind::Unsupported | ErrorKind::Refused if !means_absent(&reply) => {}
                ErrorKind::Refused => return Err(not_found(&reply)),
                _ if reply.is_negative() => return Err(error),
                _ => {}
            }
        }
        self.look_up_by_parts(path).await
    }

    /// The size of a file, if the server tells.
    pub(super) async fn size_of(&mut self, path: &RemotePath) -> Result<Option<u64>> {
        self.set_type(TransferType::Binary).await?;
        let argument = self.argument(path)?;
        let reply = self.exchange(Command::with("SIZE", argument)).await?;
        Ok(told_size(&reply))
    }

    async fn look_up_by_parts(&mut self, path: &RemotePath) -> Result<Entry> {
        let found = match self.bears_flights() && self.home.is_some() {
            true => self.ask_together(path).await?,
            false => self.ask_in_turn(path).await?,
        };
        let reply = match found {
            Ok(entry) => return Ok(entry),
            Err(reply) => reply,
        };
        let not_found = || match &reply {
            Some(reply) => not_found(reply),
            None => Error::new(ErrorKind::NotFound),
        };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(not_found());
        };
        let refusal = |error: Error| match error.kind() {
            ErrorKind::Refused | ErrorKind::NotFound | ErrorKind::NotADirectory => not_found(),
            _ => error,
        };
        let plan = self.begin_list(&parent, true).await.map_err(refusal)?;
        let mut listing = Box::new(FtpListing::new(self, plan, &parent));
        let mut found = None;
        while let Some(entry) = listing.next().await? {
            if entry.name == name {
                found = Some(entry);
            }
        }
        listing.finish().await?;
        match found {
            Some(mut entry) => {
                entry.name = path.clone();
                Ok(entry)
            }
            None => Err(not_found()),
        }
    }

    /// What SIZE, MDTM and CWD tell, asked at once; or how the server refused to enter it.
    async fn ask_together(&mut self, path: &RemotePath) -> Result<Asked> {
        self.set_type(TransferType::Binary).await?;
        let argument = self.argument(path)?;
        let commands = ["SIZE", "MDTM", "CWD"].map(|verb| Command::with(verb, argument.clone()));
        self.away = true;
        let replies = self.send_together(commands.into(), false).await?;
        let [size, time, entered] = &replies[..] else {
            return Err(failure::protocol("not as many replies as commands"));
        };
        if entered.is_completion() {
            return Ok(Ok(Entry::new(path.clone(), EntryKind::Dir)));
        }
        self.away = false;
        Ok(match told_size(size) {
            Some(size) => Ok(file(path, size, time)),
            None => Err(Some(entered.clone())),
        })
    }

    async fn ask_in_turn(&mut self, path: &RemotePath) -> Result<Asked> {
        if let Some(size) = self.size_of(path).await? {
            let argument = self.argument(path)?;
            let time = self.exchange(Command::with("MDTM", argument)).await?;
            return Ok(Ok(file(path, size, &time)));
        }
        // A session that does not know the way back does not go.
        if self.home.is_none() {
            return Ok(Err(None));
        }
        let argument = self.argument(path)?;
        self.away = true;
        let reply = self.exchange(Command::with("CWD", argument)).await?;
        if reply.is_completion() {
            return Ok(Ok(Entry::new(path.clone(), EntryKind::Dir)));
        }
        self.away = false;
        Ok(Err(Some(reply)))
    }
}

/// What a name stands for, or how the server refused to enter it as a folder.
type Asked = std::result::Result<Entry, Option<Reply>>;

fn file(path: &RemotePath, size: u64, time: &Reply) -> Entry {
    let mut entry = Entry::new(path.clone(), EntryKind::File);
    entry.size = Some(size);
    if time.is_completion() {
        let time = parse::modification_time(time.first_text());
        entry.modified = time.and_then(|time| entries::timestamp(&time));
    }
    entry
}

fn mlst(reply: &Reply, path: &RemotePath) -> Option<Entry> {
    if !reply.is_completion() {
        return None;
    }
    entries::entry(Mlsx.reply(reply)?, Some(path.clone()))
}

/// The size in an answer to SIZE, if that tells one.
pub(super) fn told_size(reply: &Reply) -> Option<u64> {
    let told = reply.is_completion();
    told.then(|| parse::size(reply.first_text())).flatten()
}

/// A 550 to MLST without telling words: all servers that have it mean that nothing is there.
fn means_absent(reply: &Reply) -> bool {
    reply.code() == 550
}

fn not_found(reply: &Reply) -> Error {
    Error::new(ErrorKind::NotFound).with_reply(failure::server_reply(reply))
}
