//! What OpenSSH's `ssh_config` says of a host: `HostName`, `Port`, `User`, `IdentityFile`, `ProxyJump`.
//!
//! The first value that fits counts, as ssh_config(5) has it; `Host` lines have patterns with `*`, `?` and `!`.
//! `Include` is followed; `Match` blocks are passed over, for their conditions run commands. Other keywords are
//! OpenSSH's own business.

use std::path::{Path, PathBuf};

use crate::pattern::{fits, is_pattern};

/// What is said of one host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct HostConfig {
    pub host_name: Option<String>,
    pub port: Option<u16>,
    pub user: Option<String>,
    /// In their order; `~` and `%d` are replaced.
    pub identity_files: Vec<PathBuf>,
    /// `user@host:port`, the last before the server; `None` where there is none or it is `none`.
    pub proxy_jump: Option<String>,
}

/// Reads the file for one host; a file that is not there says nothing.
pub(crate) fn read(file: &Path, host: &str, home: Option<&Path>) -> HostConfig {
    let mut reader = Reader {
        host,
        home,
        found: HostConfig::default(),
        jump: None,
        depth: 0,
    };
    reader.file(file);
    let Reader {
        mut found, jump, ..
    } = reader;
    found.proxy_jump = jump.filter(|jump| !jump.eq_ignore_ascii_case("none"));
    if let Some(name) = &mut found.host_name {
        *name = name.replace("%h", host).replace("%%", "%");
    }
    found
}

struct Reader<'r> {
    host: &'r str,
    home: Option<&'r Path>,
    found: HostConfig,
    jump: Option<String>,
    depth: u8,
}

impl Reader<'_> {
    fn file(&mut self, file: &Path) {
        // OpenSSH allows sixteen levels.
        if self.depth >= 16 {
            return;
        }
        let Ok(text) = std::fs::read_to_string(file) else {
            return;
        };
        self.depth += 1;
        self.text(&text, file.parent());
        self.depth -= 1;
    }

    fn text(&mut self, text: &str, folder: Option<&Path>) {
        let mut applies = true;
        for line in text.lines() {
            let Some((keyword, values)) = split(line) else {
                continue;
            };
            match keyword.as_str() {
                "host" => applies = matches(&values, self.host),
                "match" => applies = values.len() == 1 && values[0].eq_ignore_ascii_case("all"),
                _ if !applies => {}
                "include" => {
                    for pattern in &values {
                        self.include(pattern, folder);
                    }
                }
                _ => {
                    if let Some(value) = values.first() {
                        self.set(&keyword, value);
                    }
                }
            }
        }
    }

    fn set(&mut self, keyword: &str, value: &str) {
        let found = &mut self.found;
        match keyword {
            "hostname" => drop(found.host_name.get_or_insert_with(|| value.to_owned())),
            "user" => drop(found.user.get_or_insert_with(|| value.to_owned())),
            "port" if found.port.is_none() => found.port = value.parse().ok(),
            "proxyjump" => {
                // Of a chain the last one is next to the server; the others are its own jumps.
                let last = value.rsplit(',').next().unwrap_or(value);
                self.jump.get_or_insert_with(|| last.trim().to_owned());
            }
            "identityfile" if !value.eq_ignore_ascii_case("none") => {
                let path = self.expand(value);
                self.found.identity_files.push(path);
            }
            _ => {}
        }
    }

    fn expand(&self, value: &str) -> PathBuf {
        let home = self.home.map(|home| home.to_string_lossy());
        let value = value.replace("%h", self.host);
        match (home, value.strip_prefix("~/")) {
            (Some(home), Some(rest)) => Path::new(home.as_ref()).join(rest),
            (Some(home), None) => PathBuf::from(value.replace("%d", &home)),
            (None, _) => PathBuf::from(value),
        }
    }

    /// One file, or all that fit a pattern in the last part of the path.
    fn include(&mut self, pattern: &str, folder: Option<&Path>) {
        let path = self.expand(pattern);
        let path = match folder {
            Some(folder) if path.is_relative() => folder.join(path),
            _ => path,
        };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return;
        };
        let name = name.to_string_lossy();
        if !is_pattern(name.as_bytes()) {
            return self.file(&path);
        }
        let Ok(entries) = std::fs::read_dir(parent) else {
            return;
        };
        let mut files: Vec<_> = entries
            .filter_map(Result::ok)
            .filter(|entry| fits(name.as_bytes(), entry.file_name().as_encoded_bytes()))
            .map(|entry| entry.path())
            .collect();
        files.sort();
        for file in files {
            self.file(&file);
        }
    }
}

/// The keyword in lower case, and its values, of which one in double quotes may hold blanks.
fn split(line: &str) -> Option<(String, Vec<String>)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line
        .find(|c: char| c.is_whitespace() || c == '=')
        .unwrap_or(line.len());
    let keyword = line[..end].to_ascii_lowercase();
    let rest = line[end..].trim_start();
    let mut rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    let mut values = Vec::new();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (value, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        values.push(value.to_owned());
        rest = after.trim_start();
    }
    Some((keyword, values))
}

/// Whether a list of patterns fits: one does, and none that begins with `!` does.
fn matches(patterns: &[String], host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let fits_host = |pattern: &str| fits(pattern.to_ascii_lowercase().as_bytes(), host.as_bytes());
    let mut any = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(not) if fits_host(not) => return false,
            Some(_) => {}
            None => any |= fits_host(pattern),
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "\
        # mine\n\
        User everybody\n\
        Host nas nas.example.org\n\
        \x20 HostName 192.0.2.4\n\
        \x20 Port=2222\n\
        \x20 IdentityFile ~/.ssh/nas\n\
        \x20 IdentityFile \"%d/two words\"\n\
        Match exec \"true\"\n\
        \x20 HostName wrong\n\
        Host *.example.net !bad.example.net\n\
        \x20 ProxyJump a@first,jump@gate:2022\n\
        \x20 HostName %h.internal\n\
        Host bad.example.net\n\
        \x20 ProxyJump none\n\
        Host *\n\
        \x20 Port 22\n";

    #[track_caller]
    fn check(host: &str, expected: HostConfig) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, FILE).unwrap();
        let found = read(&file, host, Some(Path::new("/home/ada")));
        assert_eq!(found, expected, "{host}");
    }

    #[test]
    fn the_first_value_that_fits_counts() {
        let user = Some("everybody".to_owned());
        check(
            "NAS",
            HostConfig {
                host_name: Some("192.0.2.4".into()),
                port: Some(2222),
                user: user.clone(),
                identity_files: vec!["/home/ada/.ssh/nas".into(), "/home/ada/two words".into()],
                proxy_jump: None,
            },
        );
        check(
            "x.example.net",
            HostConfig {
                host_name: Some("x.example.net.internal".into()),
                port: Some(22),
                user: user.clone(),
                proxy_jump: Some("jump@gate:2022".into()),
                ..HostConfig::default()
            },
        );
        let rest = HostConfig {
            port: Some(22),
            user,
            ..HostConfig::default()
        };
        check("bad.example.net", rest.clone());
        check("elsewhere", rest);
    }

    #[test]
    fn included_files_are_read_and_circles_end() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("config");
        std::fs::create_dir(folder.path().join("d")).unwrap();
        std::fs::write(&main, "Include d/*.conf\nInclude config\nUser last\n").unwrap();
        std::fs::write(folder.path().join("d/1.conf"), "Host x\nUser first\n").unwrap();
        std::fs::write(folder.path().join("d/2.txt"), "User wrong\n").unwrap();
        assert_eq!(read(&main, "x", None).user.as_deref(), Some("first"));
        assert_eq!(read(&main, "y", None).user.as_deref(), Some("last"));
        assert_eq!(
            read(Path::new("/no/such"), "y", None),
            HostConfig::default()
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(?s).{0,200}", host in "[a-z.]{0,6}") {
            let mut reader = Reader {
                host: &host, home: None, found: HostConfig::default(), jump: None, depth: 0,
            };
            reader.text(&text, None);
        }
    }
}
