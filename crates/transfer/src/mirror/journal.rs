//! Which steps of a plan are done, kept in a file, so that a plan can be applied again after a crash.
//!
//! The first line names the plan by its digest; each further line is the number of a step. A line that was cut
//! by a crash counts for nothing: its step is done once more, which every step bears.

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use ftp_connect_core::{Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};

use super::Plan;
use crate::failure;

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    done: HashSet<usize>,
}

impl Journal {
    /// Opens the journal of this plan, or begins one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if it is another plan's.
    pub(super) fn open(path: &Path, plan: &Plan) -> Result<Self> {
        let at = |error| failure::local(path, error);
        let digest = Sha256::digest(plan.to_json()?);
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(at)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(at)?;
        let mut done = HashSet::new();
        match text.split_once('\n') {
            None => {
                file.set_len(0).map_err(at)?;
                writeln!(file, "{name}").map_err(at)?;
            }
            Some((first, _)) if first != name => {
                return Err(Error::new(ErrorKind::InvalidParameter)
                    .with_message(format!("{} is the journal of another plan", path.display()))
                    .with_hint("give each plan a journal of its own"));
            }
            Some((_, steps)) => {
                let whole = steps.rfind('\n').map_or("", |end| &steps[..end]);
                done.extend(whole.lines().filter_map(|line| line.parse::<usize>().ok()));
                // What was cut off must not become the beginning of another number.
                file.set_len(text.rfind('\n').map_or(0, |end| end as u64 + 1))
                    .map_err(at)?;
            }
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            done,
        })
    }

    pub(super) fn has(&self, step: usize) -> bool {
        self.done.contains(&step)
    }

    /// # Errors
    /// When it cannot be written.
    pub(super) fn note(&mut self, step: usize) -> Result<()> {
        writeln!(self.file, "{step}").map_err(|error| failure::local(&self.path, error))
    }

    /// Removes the file: all is done.
    pub(super) fn remove(self) {
        let _ = std::fs::remove_file(self.path);
    }
}
