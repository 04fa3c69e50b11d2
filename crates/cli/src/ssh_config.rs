//! What OpenSSH's `ssh_config` says of a host: `HostName`, `Port`, `User`, `IdentityFile`, `ProxyJump`.
//!
//! The first value that fits counts, as ssh_config(5) has it; `Host` lines have patterns with `*`, `?` and `!`, and
//! `Include` is followed. `Match` blocks count by `all`, `host`, `originalhost`, `user` and `localuser`; one with any
//! other condition is passed over, for those run commands or are OpenSSH's own business, as are other keywords.

use std::path::{Path, PathBuf};

use crate::pattern::{fits, is_pattern};

/// Whom one asks about, and who asks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    /// The host as it was given.
    pub host: &'a str,
    /// The user on that host, where one was given.
    pub user: Option<&'a str>,
    /// The user on this machine.
    pub local_user: Option<&'a str>,
    pub home: Option<&'a Path>,
}

/// What is said of one host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct HostConfig {
    pub host_name: Option<String>,
    pub port: Option<u16>,
    pub user: Option<String>,
    /// In their order; `~` and tokens such as `%d` are replaced.
    pub identity_files: Vec<PathBuf>,
    /// `user@host:port`, or several in the order of the way, separated by commas; `None` where there is none or it
    /// is `none`.
    pub proxy_jump: Option<String>,
    /// Whether a command is to make the connection, which is not run.
    pub proxy_command: bool,
}

/// Reads the file for one host; a file that is not there says nothing.
pub(crate) fn read(file: &Path, asked: Asked<'_>) -> HostConfig {
    let mut reader = Reader {
        asked,
        found: HostConfig::default(),
        has_proxy: false,
        depth: 0,
    };
    reader.file(file);
    reader.with_tokens_replaced()
}

struct Reader<'r> {
    asked: Asked<'r>,
    found: HostConfig,
    /// One of the two keywords for a way to the host has been seen: the first counts, whichever it is.
    has_proxy: bool,
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
                "host" => applies = matches(values.iter().map(String::as_str), self.asked.host),
                "match" => applies = self.fulfils(&values),
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

    /// Whether all conditions of a `Match` line are known and hold.
    fn fulfils(&self, conditions: &[String]) -> bool {
        let host_name = || Some(self.host_name());
        let own = |name: Option<&str>| name.map(str::to_owned);
        let mut words = conditions.iter();
        while let Some(word) = words.next() {
            let (wanted, word) = match word.strip_prefix('!') {
                Some(rest) => (false, rest),
                None => (true, word.as_str()),
            };
            let (condition, value) = match word.split_once('=') {
                Some((condition, value)) => (condition, Some(value)),
                None => (word, None),
            };
            let text = match condition.to_ascii_lowercase().as_str() {
                "all" if wanted => continue,
                "host" => host_name(),
                "originalhost" => own(Some(self.asked.host)),
                "user" => self.user(),
                "localuser" => own(self.asked.local_user),
                _ => return false,
            };
            let Some(patterns) = value.or_else(|| words.next().map(String::as_str)) else {
                return false;
            };
            let holds = text.is_some_and(|text| matches(patterns.split(','), &text));
            if holds != wanted {
                return false;
            }
        }
        !conditions.is_empty()
    }

    fn set(&mut self, keyword: &str, value: &str) {
        let is_none = value.eq_ignore_ascii_case("none");
        let found = &mut self.found;
        match keyword {
            "hostname" => drop(found.host_name.get_or_insert_with(|| value.to_owned())),
            "user" => drop(found.user.get_or_insert_with(|| value.to_owned())),
            "port" if found.port.is_none() => found.port = value.parse().ok(),
            "proxyjump" | "proxycommand" if !self.has_proxy => {
                self.has_proxy = true;
                match keyword {
                    _ if is_none => {}
                    "proxyjump" => found.proxy_jump = Some(value.to_owned()),
                    _ => found.proxy_command = true,
                }
            }
            "identityfile" if !is_none => found.identity_files.push(value.into()),
            _ => {}
        }
    }

    /// The host to connect to, as far as that is known by now.
    fn host_name(&self) -> String {
        let host = self.asked.host;
        match &self.found.host_name {
            Some(name) => replaced(name, |token| (token == 'h').then(|| host.to_owned())),
            None => host.to_owned(),
        }
    }

    /// The user to log in as, as far as that is known by now.
    fn user(&self) -> Option<String> {
        let given = self.asked.user.or(self.found.user.as_deref());
        given.or(self.asked.local_user).map(str::to_owned)
    }

    fn with_tokens_replaced(self) -> HostConfig {
        let token = |token| match token {
            'd' => self
                .asked
                .home
                .map(|home| home.to_string_lossy().into_owned()),
            'h' => Some(self.host_name()),
            'n' => Some(self.asked.host.to_owned()),
            'p' => Some(self.found.port.unwrap_or(22).to_string()),
            'r' => self.user(),
            'u' => self.asked.local_user.map(str::to_owned),
            _ => None,
        };
        let files = self.found.identity_files.iter();
        let files = files.map(|file| {
            let file = file.to_string_lossy();
            self.at_home(&replaced(&file, token))
        });
        HostConfig {
            identity_files: files.collect(),
            proxy_jump: self
                .found
                .proxy_jump
                .as_deref()
                .map(|jump| replaced(jump, token)),
            host_name: self.found.host_name.as_ref().map(|_| self.host_name()),
            ..self.found.clone()
        }
    }

    fn at_home(&self, path: &str) -> PathBuf {
        match (self.asked.home, path.strip_prefix("~/")) {
            (Some(home), Some(rest)) => home.join(rest),
            _ => PathBuf::from(path),
        }
    }

    /// One file, or all that fit a pattern in the last part of the path.
    fn include(&mut self, pattern: &str, folder: Option<&Path>) {
        let path = self.at_home(pattern);
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

/// Puts values in the place of tokens, `%%` for a percent sign; one that has none stays.
fn replaced(text: &str, value: impl Fn(char) -> Option<String>) -> String {
    let mut out = String::new();
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        match (sign, signs.clone().next()) {
            ('%', Some('%')) => out.push('%'),
            ('%', Some(token)) => match value(token) {
                Some(value) => out.push_str(&value),
                None => out.extend(['%', token]),
            },
            _ => {
                out.push(sign);
                continue;
            }
        }
        signs.next();
    }
    out
}

/// Whether a list of patterns fits: one does, and none that begins with `!` does.
fn matches<'p>(patterns: impl Iterator<Item = &'p str>, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let fits_text = |pattern: &str| fits(pattern.to_ascii_lowercase().as_bytes(), text.as_bytes());
    let mut any = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(not) if fits_text(not) => return false,
            Some(_) => {}
            None => any |= fits_text(pattern),
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
        Match host *.internal user !root,*\n\
        \x20 IdentityFile %d/%n-%h-%p-%r-%u%%\n\
        Match host *.internal !originalhost y.example.net localuser ada,eve\n\
        \x20 Port 2200\n\
        Host bad.example.net\n\
        \x20 ProxyJump none\n\
        Host *\n\
        \x20 Port 22\n";

    #[track_caller]
    fn check(host: &str, expected: HostConfig) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, FILE).unwrap();
        let asked = Asked {
            host,
            local_user: Some("ada"),
            home: Some(Path::new("/home/ada")),
            ..Asked::default()
        };
        let found = read(&file, asked);
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
                proxy_command: false,
            },
        );
        check(
            "x.example.net",
            HostConfig {
                host_name: Some("x.example.net.internal".into()),
                port: Some(2200),
                user: user.clone(),
                identity_files: vec![
                    "/home/ada/x.example.net-x.example.net.internal-2200-everybody-ada%".into(),
                ],
                proxy_jump: Some("a@first,jump@gate:2022".into()),
                proxy_command: false,
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

    fn ask(file: &Path, host: &str) -> HostConfig {
        let asked = Asked {
            host,
            ..Asked::default()
        };
        read(file, asked)
    }

    #[test]
    fn conditions() {
        #[track_caller]
        fn check(line: &str, expected: bool) {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("config");
            std::fs::write(&file, format!("Match {line}\nUser yes\n")).unwrap();
            let asked = Asked {
                host: "files.example",
                user: Some("eve"),
                local_user: Some("ada"),
                home: None,
            };
            let fulfilled = read(&file, asked).user.is_some();
            assert_eq!(fulfilled, expected, "{line}");
        }
        check("all", true);
        check("host *.example", true);
        check("host=*.example user=eve", true);
        check("host *.other,*.example user eve localuser ada", true);
        check("host *.example user ada", false);
        check("!host *.other", true);
        check("!all", false);
        check("host", false);
        check("", false);
        // What is not known does not hold, whatever stands beside it.
        check("exec true", false);
        check("host *.example exec \"test -f x\"", false);
        check("final host *", false);
        check("canonical all", false);
    }

    #[test]
    fn the_first_way_to_the_host_counts() {
        #[track_caller]
        fn check(text: &str, jump: Option<&str>, command: bool) {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("config");
            std::fs::write(&file, text).unwrap();
            let found = ask(&file, "x");
            assert_eq!(
                (found.proxy_jump.as_deref(), found.proxy_command),
                (jump, command)
            );
        }
        check(
            "ProxyJump gate\nProxyCommand nc %h %p\n",
            Some("gate"),
            false,
        );
        check("ProxyCommand nc %h %p\nProxyJump gate\n", None, true);
        check("ProxyCommand none\nProxyJump gate\n", None, false);
        check("ProxyJump none\nProxyJump gate\n", None, false);
    }

    #[test]
    fn included_files_are_read_and_circles_end() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("config");
        std::fs::create_dir(folder.path().join("d")).unwrap();
        std::fs::write(&main, "Include d/*.conf\nInclude config\nUser last\n").unwrap();
        std::fs::write(folder.path().join("d/1.conf"), "Host x\nUser first\n").unwrap();
        std::fs::write(folder.path().join("d/2.txt"), "User wrong\n").unwrap();
        assert_eq!(ask(&main, "x").user.as_deref(), Some("first"));
        assert_eq!(ask(&main, "y").user.as_deref(), Some("last"));
        assert_eq!(ask(Path::new("/no/such"), "y"), HostConfig::default());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(?s).{0,200}", host in "[a-z.]{0,6}") {
            let asked = Asked { host: &host, ..Asked::default() };
            let found = HostConfig::default();
            let mut reader = Reader { asked, found, has_proxy: false, depth: 0 };
            reader.text(&text, None);
            reader.with_tokens_replaced();
        }
    }
}
