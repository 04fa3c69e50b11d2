//! `~/.netrc`: user names and passwords by host, as ftp(1) and curl know them.
//!
//! Tokens are separated by blanks and line ends; one in double quotes may hold blanks. What a `macdef` defines, up
//! to the next empty line, is passed over. The entry `default` is not used: it would give a password to any server
//! that somebody names.

/// What the file says of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Entry {
    pub login: Option<String>,
    pub password: Option<String>,
    pub account: Option<String>,
}

/// The first entry for the host, and for the user if one is named.
pub(crate) fn find(text: &str, host: &str, user: Option<&str>) -> Option<Entry> {
    let mut tokens = tokens(text).into_iter().peekable();
    while let Some(token) = tokens.next() {
        let machine = match token.as_str() {
            "machine" => tokens.next(),
            _ => continue,
        };
        let mut entry = Entry::default();
        while let Some(key) = tokens.next_if(|t| !matches!(t.as_str(), "machine" | "default")) {
            let place = match key.as_str() {
                "login" => &mut entry.login,
                "password" => &mut entry.password,
                "account" => &mut entry.account,
                _ => continue,
            };
            *place = tokens.next();
        }
        let is_host = machine.is_some_and(|name| name.eq_ignore_ascii_case(host));
        let is_user = user.is_none() || entry.login.as_deref() == user;
        if is_host && is_user {
            return Some(entry);
        }
    }
    None
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut in_macro = false;
    for line in text.lines() {
        if in_macro {
            in_macro = !line.trim().is_empty();
            continue;
        }
        let mut rest = line.trim_start();
        while !rest.is_empty() && !rest.starts_with('#') {
            let (token, after) = token(rest);
            if token == "macdef" {
                in_macro = true;
                break;
            }
            tokens.push(token);
            rest = after.trim_start();
        }
    }
    tokens
}

fn token(text: &str) -> (String, &str) {
    let quoted = text.strip_prefix('"');
    let mut token = String::new();
    let mut chars = quoted.unwrap_or(text).chars();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted.is_some() => break,
            '\\' if quoted.is_some() => token.extend(chars.next()),
            c if quoted.is_none() && c.is_whitespace() => break,
            c => token.push(c),
        }
    }
    (token, chars.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "\
        # mine\n\
        machine files.example.org login ada password s3cret\n\
        machine other.example.org\n  login bob\n  password \"two words \\\"x\\\"\"\n  account dept\n\
        macdef init\n  machine trap.example.org login x\n\n\
        machine files.example.org login eve password pa#ss\n\
        default login anonymous password me@\n";

    #[track_caller]
    fn check(host: &str, user: Option<&str>, expected: Option<[Option<&str>; 3]>) {
        let found = find(FILE, host, user);
        let found = found.map(|entry| [entry.login, entry.password, entry.account]);
        let expected = expected.map(|fields| fields.map(|field| field.map(str::to_owned)));
        assert_eq!(found, expected, "{host} {user:?}");
    }

    #[test]
    fn hosts_and_users() {
        let ada = [Some("ada"), Some("s3cret"), None];
        check("files.example.org", None, Some(ada));
        check("FILES.example.org", Some("ada"), Some(ada));
        let eve = [Some("eve"), Some("pa#ss"), None];
        check("files.example.org", Some("eve"), Some(eve));
        check("files.example.org", Some("bob"), None);
        let bob = [Some("bob"), Some("two words \"x\""), Some("dept")];
        check("other.example.org", None, Some(bob));
        check("trap.example.org", None, None);
        check("unknown.example.org", None, None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(?s).{0,200}", host in "[a-z]{0,6}") {
            let _ = find(&text, &host, None);
        }

        #[test]
        fn a_quoted_password_comes_back(password in "[^\r\n]{1,20}") {
            let quoted = password.replace('\\', "\\\\").replace('"', "\\\"");
            let text = format!("machine h login u password \"{quoted}\"\n");
            prop_assert_eq!(find(&text, "h", None).unwrap().password, Some(password));
        }
    }
}
