//! Files on the server by a pattern.
//!
//! `*` and `?` stand for anything but `/`, `**` for any folders, `[a-z]` for one of a set, `{a,b}` for one or
//! the other; a backslash takes away a sign's meaning. A name that begins with a dot is only matched by a
//! pattern whose component does. Only the folders that can hold a match are listed.
//!
//! Patterns are text; names need not be: `*` and `?` match bytes that are none.

use ftp_connect_core::{
    Entry, EntryKind, Error, ErrorKind, RemotePath, Result, Session, StatOptions,
};
use globset::{Candidate, GlobBuilder, GlobMatcher};

use crate::walk::{Walk, WalkOptions};

/// The files, folders and links that a pattern matches, by name; the entries' names are their whole paths.
///
/// Folders that may not be listed match nothing, as in a shell.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] for a pattern that is none; [`ErrorKind::Closed`] and the like, when the
/// session is lost.
pub async fn glob(session: &mut dyn Session, pattern: &RemotePath) -> Result<Vec<Entry>> {
    let text = pattern.as_str().ok_or_else(|| invalid("it is not text"))?;
    let parts: Vec<&str> = components(text);
    let fixed = parts.iter().take_while(|part| !is_pattern(part)).count();
    let mut root = if text.starts_with('/') {
        "/".to_owned()
    } else {
        String::new()
    };
    root += &parts[..fixed]
        .iter()
        .map(|part| unescaped(part))
        .collect::<Vec<_>>()
        .join("/");
    let root = RemotePath::new(root)?;
    let rest = &parts[fixed..];
    if rest.is_empty() {
        return match session.stat(&root, StatOptions::default()).await {
            Ok(entry) => Ok(vec![entry]),
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        };
    }
    let any_depth = rest
        .iter()
        .any(|part| *part == "**" || (part.contains('{') && part.contains('/')));
    let levels = rest
        .iter()
        .map(|part| matcher(part))
        .collect::<Result<Vec<_>>>()?;
    let whole = matcher(&rest.join("/"))?;
    let shows_hidden = |depth: usize| rest.get(depth).is_some_and(|part| part.starts_with('.'));
    // A link to a folder is gone through, as a shell does, where something below it may match.
    let depth = if any_depth {
        WalkOptions::default().max_depth
    } else {
        rest.len()
    };
    let mut walk = Walk::new(root, WalkOptions::default().with_max_depth(depth));
    let mut matches = Vec::new();
    while let Some(found) = walk.next(session).await {
        let mut found = match found {
            Ok(found) => found,
            Err(error) if crate::failure::is_lost(&error) => return Err(error),
            Err(_) => continue,
        };
        let level = found.depth - 1;
        let name = found.entry.name.as_bytes();
        let hidden = name.starts_with(b".") && !shows_hidden(level);
        let here = !any_depth && !levels[level].is_match_candidate(&Candidate::from_bytes(name));
        if hidden || here || (!any_depth && found.depth == depth) {
            walk.skip_folder(&found);
        } else if !any_depth && found.entry.kind == EntryKind::Symlink {
            walk.enter_link(&found);
        }
        let below = Candidate::from_bytes(found.below.as_bytes());
        if !hidden && !here && whole.is_match_candidate(&below) {
            found.entry.name = found.path;
            matches.push(found.entry);
        }
    }
    matches.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(matches)
}

/// Whether a path holds signs that [`glob`] takes for more than themselves.
pub fn is_glob(path: &RemotePath) -> bool {
    path.as_str().is_some_and(is_pattern)
}

fn is_pattern(text: &str) -> bool {
    let mut rest = text.chars();
    while let Some(sign) = rest.next() {
        match sign {
            '\\' => _ = rest.next(),
            '*' | '?' | '[' | '{' => return true,
            _ => {}
        }
    }
    false
}

pub(crate) fn matcher(pattern: &str) -> Result<GlobMatcher> {
    let built = GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build();
    built
        .map(|glob| glob.compile_matcher())
        .map_err(|error| invalid(error.kind()))
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidParameter)
        .with_message(format!("the pattern cannot be meant: {why}"))
        .with_hint(r"put a backslash before a sign that stands for itself: \[ \* \? \{")
}

/// The parts between the slashes that stand in no bracket or brace.
fn components(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    let mut escaped = false;
    for (at, sign) in text.char_indices() {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

fn unescaped(part: &str) -> String {
    let mut out = String::new();
    let mut signs = part.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => out.extend(signs.next()),
            sign => out.push(sign),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(components(text), expected, "{text}");
    }

    #[test]
    fn patterns_fall_into_components() {
        check("a/*.txt", &["a", "*.txt"]);
        check("/a//b/", &["a", "b"]);
        check("x/{a/b,c}/y", &["x", "{a/b,c}", "y"]);
        check(r"a\{/b", &[r"a\{", "b"]);
    }

    #[test]
    fn a_pattern_is_one_that_has_a_sign_of_one() {
        for (text, expected) in [
            ("a*", true),
            (r"a\*", false),
            ("[ab]", true),
            ("a b", false),
        ] {
            assert_eq!(is_pattern(text), expected, "{text}");
        }
        assert_eq!(unescaped(r"a\*\\"), r"a*\");
    }
}
