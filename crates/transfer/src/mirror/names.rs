//! Names from here to there and back.
//!
//! In UTF-8, names here and there are the same bytes, whatever they are. In another charset, and where names
//! are no bytes (Windows), only text can be carried, and only if it comes back as the same.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use ftp_connect_core::{RemotePath, params::Encoding};

/// The name on the server for a local one; `None` if there is none.
pub(super) fn to_remote(name: &OsStr, encoding: Encoding) -> Option<RemotePath> {
    let bytes_are_names = cfg!(unix) && encoding == Encoding::UTF_8;
    let remote = match name.to_str() {
        _ if bytes_are_names => RemotePath::new(name.as_encoded_bytes()).ok()?,
        Some(text) => encoding.path(text).ok()?,
        None => return None,
    };
    (to_local_name(&remote, encoding).as_deref() == Some(name)).then_some(remote)
}

/// The path below a local folder for one below a folder on the server; `None` if a name in it can be none here.
pub(super) fn to_local(folder: &Path, below: &RemotePath, encoding: Encoding) -> Option<PathBuf> {
    let mut path = folder.to_owned();
    for name in below
        .as_bytes()
        .split(|&byte| byte == b'/')
        .filter(|name| !name.is_empty())
    {
        path.push(to_local_name(&RemotePath::new(name).ok()?, encoding)?);
    }
    Some(path)
}

/// The local name for one on the server; `None` if it would be another path or none.
pub(super) fn to_local_name(name: &RemotePath, encoding: Encoding) -> Option<OsString> {
    if matches!(name.as_bytes(), b"" | b"." | b"..") || name.as_bytes().contains(&b'/') {
        return None;
    }
    #[cfg(unix)]
    if encoding == Encoding::UTF_8 {
        return Some(std::os::unix::ffi::OsStringExt::from_vec(
            name.as_bytes().to_vec(),
        ));
    }
    let text = encoding.text(name)?;
    let foreign = |sign: char| {
        matches!(sign, '/' | '\0') || cfg!(windows) && (sign < ' ' || r#"<>:"\|?*"#.contains(sign))
    };
    (!text.contains(foreign)).then(|| text.into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &[u8], encoding: Encoding, expected: Option<&str>) {
        let name = RemotePath::new(name).unwrap();
        let local = to_local_name(&name, encoding);
        assert_eq!(local.as_deref(), expected.map(OsStr::new), "{name}");
        if let Some(local) = local {
            assert_eq!(to_remote(&local, encoding), Some(name));
        }
    }

    #[test]
    fn names_come_back_as_they_were() {
        check(b"a b", Encoding::UTF_8, Some("a b"));
        check("caf\u{e9}".as_bytes(), Encoding::UTF_8, Some("caf\u{e9}"));
        check(b"caf\xe9", Encoding::WINDOWS_1252, Some("caf\u{e9}"));
        check(b"..", Encoding::UTF_8, None);
        check(b"", Encoding::UTF_8, None);
        check(b"a/b", Encoding::UTF_8, None);
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_carried_as_they_are() {
        let name = RemotePath::new(b"caf\xe9".as_slice()).unwrap();
        let local = to_local_name(&name, Encoding::UTF_8).unwrap();
        assert_eq!(local.as_encoded_bytes(), b"caf\xe9");
        assert_eq!(to_remote(&local, Encoding::UTF_8), Some(name));
        assert_eq!(to_remote(&local, Encoding::WINDOWS_1252), None);
        assert_eq!(to_remote(OsStr::new("a\nb"), Encoding::UTF_8), None);
    }
}
