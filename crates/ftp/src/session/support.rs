//! What a server can do that FEAT does not say outright.
//!
//! A capability is a promise, so it is made only where it is likely to be kept, and what is not
//! promised is not tried. The signs are features, never the server's name: names are changed by
//! administrators, and whole families share a name.

use ftp_connect_ftp_proto::parse::Features;

/// The command that sets a modification time, if there is one.
///
/// MFMT if it is announced. A server with MDTM and without the machine listings of the same RFC 3659
/// is of the older kind (vsftpd) whose MDTM takes a time before the name; a newer one would have
/// MFMT.
pub(super) fn set_modified(features: &Features) -> Option<&'static str> {
    if features.has("MFMT") {
        Some("MFMT")
    } else if features.has("MDTM") && !features.has_mlst() {
        Some("MDTM")
    } else {
        None
    }
}

/// Whether SITE CHMOD is there: said by MFF with the fact `UNIX.mode`, or by a SITE line; where no
/// SITE command is announced at all, servers with Unix permissions have it nevertheless.
pub(super) fn set_permissions(features: &Features) -> bool {
    let says = |name: &str, word: &str| {
        features.iter().any(|feature| {
            let parameters = feature.parameters.as_deref().unwrap_or_default();
            feature.name == name && parameters.to_ascii_uppercase().contains(word)
        })
    };
    says("MFF", "UNIX.MODE") || says("SITE", "CHMOD") || !features.has("SITE")
}

#[cfg(test)]
mod tests {
    use ftp_connect_ftp_proto::Reply;

    use super::*;

    #[track_caller]
    fn check(lines: &[&str], time: Option<&str>, permissions: bool) {
        let lines = ["211-x"].iter().chain(lines).chain(&["211 x"]);
        let reply = Reply::from_lines(lines.map(|line| line.as_bytes().to_vec()).collect());
        let features = Features::from_reply(&reply.unwrap());
        assert_eq!(set_modified(&features), time);
        assert_eq!(set_permissions(&features), permissions);
    }

    #[test]
    fn signs() {
        check(&[" MDTM", " SIZE"], Some("MDTM"), true);
        check(&[" MDTM", " MLST type*;"], None, true);
        check(
            &[" MFMT", " MLST type*;", " SITE UTIME"],
            Some("MFMT"),
            false,
        );
        check(&[" SITE UTIME", " MFF modify;UNIX.mode;"], None, true);
        check(&[" SITE utime; chmod"], None, true);
    }
}
