//! How far transfers are: a bar on a terminal, events in JSON, nothing elsewhere.

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use ftp_connect::transfer::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::output::{Output, one_line};

/// How far one transfer is, or many together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub bytes: u64,
    /// Bytes in all, where known.
    pub total: Option<u64>,
    /// Which file this is, from 1.
    pub file: u64,
    pub files: u64,
}

impl From<Progress> for State {
    fn from(state: Progress) -> Self {
        Self {
            bytes: state.bytes,
            total: state.total,
            file: state.file,
            files: state.files,
        }
    }
}

/// Shows how far a transfer is.
#[derive(Debug)]
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    terminal: bool,
    started: Instant,
    told: Option<Instant>,
}

impl Meter {
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            bar: None,
            terminal: std::io::stderr().is_terminal() && !output.is_json(),
            started: Instant::now(),
            told: None,
        }
    }

    /// Shows it, a few times a second.
    pub(crate) fn show(&mut self, name: &str, state: impl Into<State>, output: &Output) {
        let due = self.told.is_none_or(|at| at.elapsed() >= INTERVAL);
        if !due {
            return;
        }
        self.told = Some(Instant::now());
        let state = state.into();
        let rate = state.bytes as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
        // Whoever does not listen any more is found out by the lines that matter.
        let _ = output.event(
            "progress",
            json!({
                "path": name,
                "bytes": state.bytes,
                "total": state.total,
                "bytes_per_second": rate.round(),
                "file": state.file,
                "files": state.files,
            }),
        );
        // Short transfers draw nothing.
        if !self.terminal || self.started.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| bar(state.total));
        if let Some(total) = state.total {
            bar.set_length(total.max(state.bytes));
        }
        bar.set_position(state.bytes);
        bar.set_message(match state.files {
            0 | 1 => one_line(name),
            files => format!("{} of {files}: {}", state.file, one_line(name)),
        });
    }

    /// Prints a line of the command above the bar.
    pub(crate) fn above(&self, print: impl FnOnce() -> std::io::Result<()>) -> std::io::Result<()> {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Whether a bar tells of the files, so that lines of each would be in its way.
    pub(crate) fn is_drawn(&self) -> bool {
        self.terminal
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: Option<u64>) -> ProgressBar {
    let (template, length) = match total {
        Some(total) => (
            "{percent:>3} % {bar:24} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left  {wide_msg}",
            Some(total),
        ),
        None => ("{bytes}, {binary_bytes_per_sec}  {wide_msg}", None),
    };
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(5));
    bar.set_style(style);
    bar
}

/// Between two things told.
const INTERVAL: Duration = Duration::from_millis(200);

/// Before anything is drawn.
const PATIENCE: Duration = Duration::from_millis(500);
