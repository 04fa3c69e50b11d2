//! Entries of listings in the vocabulary of the core.

use ftp_connect_core::{Entry, EntryKind, Permissions, Precision, RemotePath, Timestamp, Zone};
use ftp_connect_ftp_proto::CivilTime;
use ftp_connect_ftp_proto::listing;

/// The entry, under another name if one is given. `None` if its name is none that can be sent back.
pub(super) fn entry(found: listing::Entry, name: Option<RemotePath>) -> Option<Entry> {
    let name = match name {
        Some(name) => name,
        // Servers have listed whole paths; what counts in a folder is the last part.
        None => RemotePath::new(found.name).ok()?.file_name()?,
    };
    let kind = match found.kind {
        listing::EntryKind::File => EntryKind::File,
        listing::EntryKind::Dir => EntryKind::Dir,
        listing::EntryKind::Symlink => EntryKind::Symlink,
        listing::EntryKind::Other => EntryKind::Other,
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut entry = Entry::new(name, kind);
    // A size in blocks or in rounded units would make whole files look cut.
    entry.size = found.size.filter(|_| found.size_is_exact);
    entry.modified = found.modified.and_then(|time| timestamp(&time));
    entry.permissions = found.mode.map(Permissions::from_mode);
    entry.owner = found.owner.map(text);
    entry.group = found.group.map(text);
    entry.target = found.target.and_then(|target| RemotePath::new(target).ok());
    Some(entry)
}

/// A civil time as a timestamp.
pub(super) fn timestamp(time: &CivilTime) -> Option<Timestamp> {
    use ftp_connect_ftp_proto::Precision as Told;
    let precision = match time.precision {
        Told::Day => Precision::Day,
        Told::Minute => Precision::Minute,
        Told::Second => Precision::Second,
        Told::Subsecond => Precision::Subsecond,
    };
    let zone = if time.utc { Zone::Utc } else { Zone::Server };
    Timestamp::from_civil(
        (time.year, time.month, time.day),
        (time.hour, time.minute, time.second),
        time.nanosecond,
        precision,
        zone,
    )
}
