//! The reply to FEAT (RFC 2389 §3.2).
//!
//! One feature per line, a blank before it by the RFC, several or none (or the code on every line) in
//! practice.

use crate::reply::Reply;

/// What a server says it can do beyond RFC 959.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features(Vec<Feature>);

/// One line of a FEAT reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The name in upper case, such as `MLST`.
    pub name: String,
    /// What follows the name, as the server wrote it.
    pub parameters: Option<String>,
}

impl Features {
    /// Reads a 2yz reply to FEAT. A reply of one line holds no features.
    #[must_use]
    pub fn from_reply(reply: &Reply) -> Self {
        let features = reply
            .inner_lines()
            .filter_map(|line| feature(&String::from_utf8_lossy(line)));
        Self(features.collect())
    }

    /// Whether a feature is there, whatever the case of `name`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The first feature of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Feature> {
        self.0
            .iter()
            .find(|feature| feature.name.eq_ignore_ascii_case(name))
    }

    /// All features in the server's order.
    pub fn iter(&self) -> impl Iterator<Item = &Feature> {
        self.0.iter()
    }

    /// Whether listings and facts for machines are there: MLST promises MLSD too (RFC 3659 §7.8).
    ///
    /// Some servers name only MLSD.
    #[must_use]
    pub fn has_mlst(&self) -> bool {
        self.has("MLST") || self.has("MLSD")
    }
}

fn feature(line: &str) -> Option<Feature> {
    let line = line.trim();
    let (name, parameters) = match line.split_once([' ', '\t']) {
        Some((name, parameters)) => (name, Some(parameters.trim().to_owned())),
        None => (line, None),
    };
    if name.is_empty() || !name.is_ascii() {
        return None;
    }
    Some(Feature {
        name: name.to_ascii_uppercase(),
        parameters: parameters.filter(|text| !text.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: &[(&str, Option<&str>)]) {
        let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        let features = Features::from_reply(&Reply::from_lines(lines).unwrap());
        let got: Vec<_> = features
            .iter()
            .map(|feature| (feature.name.as_str(), feature.parameters.as_deref()))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn one_feature_per_line() {
        check(
            &["211-Features:", " MDTM", " REST STREAM", "211 End"],
            &[("MDTM", None), ("REST", Some("STREAM"))],
        );
        check(
            &[
                "211-Features:",
                "   mlst type*;size*; ",
                "UTF8",
                "",
                "211 End",
            ],
            &[("MLST", Some("type*;size*;")), ("UTF8", None)],
        );
        check(
            &["211-Features:", "211-EPSV", "211- SIZE", "211 End"],
            &[("EPSV", None), ("SIZE", None)],
        );
        check(&["211 no features"], &[]);
        check(&["211-none", "211"], &[]);
        check(&["211-no end:", " UTF8"], &[("UTF8", None)]);
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        let lines = ["211-x", " Utf8", " mlsd", "211 end"];
        let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        let features = Features::from_reply(&Reply::from_lines(lines).unwrap());
        assert!(features.has("UTF8") && features.has_mlst() && !features.has("SIZE"));
    }
}
