//! What a server can do that FEAT does not say outright.
//!
//! A capability is a promise, so it is made only where it is likely to be kept, and what is not
//! promised is not tried. The signs are features, never the server's name: names are changed by
//! administrators, and whole families share a name.

use ftp_connect_ftp_proto::parse::Features;

use super::times::TimeCommand;

/// The commands by which a modification time may be set, the best first.
///
/// MFMT if it is announced. A server with MDTM and without the machine listings of the same RFC 3659
/// is of the older kind (vsftpd) whose MDTM takes a time before the name, and Serv-U announces that
/// form; a newer one would have MFMT, and may not announce it: ProFTPD that is told not to announce facts.
/// SITE UTIME is announced by name, and which of its two forms is
/// meant is found out.
pub(super) fn time_commands(features: &Features) -> Vec<TimeCommand> {
    let mut commands = Vec::new();
    if features.has("MFMT") {
        commands.push(TimeCommand::Mfmt);
    }
    if (features.has("MDTM") && !features.has_mlst()) || says(features, "MDTM", "YYYYMMDD") {
        commands.push(TimeCommand::Mdtm);
    }
    if says(features, "SITE", "UTIME") {
        commands.extend([TimeCommand::UtimeBefore, TimeCommand::UtimeAfter]);
    }
    if features.has("MDTM") && !features.has_mlst() && !features.has("MFMT") {
        commands.push(TimeCommand::Mfmt);
    }
    commands
}

/// Whether SITE CHMOD is there: said by MFF with the fact `UNIX.mode`, or by a SITE line; where no
/// SITE command is announced at all, servers with Unix permissions have it nevertheless.
pub(super) fn set_permissions(features: &Features) -> bool {
    says(features, "MFF", "UNIX.MODE") || says(features, "SITE", "CHMOD") || !features.has("SITE")
}

/// Whether the parameters of a feature hold a word, whatever its case.
fn says(features: &Features, name: &str, word: &str) -> bool {
    features.iter().any(|feature| {
        let parameters = feature.parameters.as_deref().unwrap_or_default();
        feature.name == name && parameters.to_ascii_uppercase().contains(word)
    })
}

#[cfg(test)]
mod tests {
    use ftp_connect_ftp_proto::Reply;

    use super::*;

    #[track_caller]
    fn check(lines: &[&str], times: &[TimeCommand], permissions: bool) {
        let lines = ["211-x"].iter().chain(lines).chain(&["211 x"]);
        let reply = Reply::from_lines(lines.map(|line| line.as_bytes().to_vec()).collect());
        let features = Features::from_reply(&reply.unwrap());
        assert_eq!(time_commands(&features), times);
        assert_eq!(set_permissions(&features), permissions);
    }

    #[test]
    fn signs() {
        use TimeCommand::{Mdtm, Mfmt, UtimeAfter, UtimeBefore};
        check(&[" MDTM", " SIZE"], &[Mdtm, Mfmt], true);
        check(&[" MDTM", " MLST type*;"], &[], true);
        check(
            &[" MFMT", " MLST type*;", " SITE UTIME"],
            &[Mfmt, UtimeBefore, UtimeAfter],
            false,
        );
        check(
            &[" SITE UTIME", " MFF modify;UNIX.mode;"],
            &[UtimeBefore, UtimeAfter],
            true,
        );
        check(&[" SITE SYMLINK; chmod"], &[], true);
        check(
            &[
                " MLST size*;",
                " MDTM",
                " MDTM YYYYMMDDHHMMSS[+-TZ];filename",
            ],
            &[Mdtm],
            true,
        );
    }
}
