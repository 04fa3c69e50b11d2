//! Keys, certificates and lines of `known_hosts`.

use std::path::Path;

use serde_json::Value;

use super::{Case, one};

/// The kinds of cases that are answered here.
pub(super) const KINDS: &[&str] = &["private", "public", "certificate", "line", "pattern"];

/// The answer without its `id`: `got`, and `matches` where the case has names. `folder` is where the case's
/// file is; key files are beside it.
pub(super) fn answer(_case: &Case, _folder: &Path) -> Case {
    one("got", Value::Object(Case::new()))
}
