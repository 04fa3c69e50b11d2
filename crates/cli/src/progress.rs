//! How far transfers are: a bar on a terminal, events in JSON, nothing elsewhere.

use std::{
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

use console::Term;
use ftp_connect::transfer::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
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
    layout: Option<Layout>,
    terminal: bool,
    started: Instant,
    told: Option<Instant>,
}

impl Meter {
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            bar: None,
            layout: None,
            terminal: draws(output),
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
        if !self.terminal {
            return;
        }
        // The rate is counted from the beginning, and short transfers draw nothing.
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::hidden().with_position(state.bytes);
            bar.reset_eta();
            bar
        });
        if bar.is_hidden() && self.started.elapsed() >= PATIENCE {
            bar.set_draw_target(target());
        }
        // The terminal may have another width by now.
        let layout = Some(Layout::of(columns(), state.total.is_some()));
        if self.layout != layout {
            self.layout = layout;
            bar.set_style(layout.map_or_else(ProgressStyle::default_bar, Layout::style));
        }
        match state.total {
            Some(total) => bar.set_length(total.max(state.bytes)),
            None => bar.unset_length(),
        }
        bar.set_position(state.bytes);
        bar.set_message(match state.files {
            0 | 1 => one_line(name),
            files => format!("{} of {files}: {}", state.file, one_line(name)),
        });
    }

    /// Prints a line of the command above the bar.
    pub(crate) fn above(&self, print: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
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

/// What a bar shows beside the name, as far as there is room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Full,
    Short,
    Narrow,
    /// How much it will be is not known.
    Endless,
}

impl Layout {
    fn of(columns: u16, has_total: bool) -> Self {
        match columns {
            _ if !has_total => Self::Endless,
            100.. => Self::Full,
            60.. => Self::Short,
            _ => Self::Narrow,
        }
    }

    fn style(self) -> ProgressStyle {
        let template = match self {
            Self::Full => {
                "{percent:>3} % {bar:24} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left  {wide_msg}"
            }
            Self::Short => {
                "{percent:>3} % {bar:10} {total_bytes}, {binary_bytes_per_sec}, {eta} left  {wide_msg}"
            }
            Self::Narrow => "{percent:>3} %, {eta} left  {wide_msg}",
            Self::Endless => "{bytes}, {binary_bytes_per_sec}  {wide_msg}",
        };
        let style = ProgressStyle::with_template(template);
        style
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ")
    }
}

fn target() -> ProgressDrawTarget {
    let term = Narrower(Term::buffered_stderr());
    ProgressDrawTarget::term_like_with_hz(Box::new(term), 5)
}

/// Waits for something that tells nothing until it ends, and says on a terminal what is waited for.
pub(crate) async fn patiently<T>(
    what: &'static str,
    output: &Output,
    waited_for: impl Future<Output = T>,
) -> T {
    let mut waited_for = std::pin::pin!(waited_for);
    if draws(output) {
        tokio::select! {
            biased;
            done = &mut waited_for => return done,
            () = tokio::time::sleep(PATIENCE) => {}
        }
    }
    let spinner = draws(output).then(|| {
        let style = ProgressStyle::with_template("{wide_msg}");
        let spinner = ProgressBar::with_draw_target(None, target()).with_message(what);
        spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        spinner.tick();
        spinner
    });
    let done = waited_for.await;
    if let Some(spinner) = spinner {
        spinner.finish_and_clear();
    }
    done
}

/// Whether something may be drawn: where the output goes through a pipe to the same terminal, its lines would come
/// in between.
fn draws(output: &Output) -> bool {
    io::stderr().is_terminal() && io::stdout().is_terminal() && !output.is_json()
}

fn columns() -> u16 {
    Term::stderr().size().1
}

/// The terminal, a little narrower than it is: where a bar fills the line, the `^C` of an interruption begins another,
/// and the bar would not be found again to be cleared.
#[derive(Debug)]
struct Narrower(Term);

impl TermLike for Narrower {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(3).max(1)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Between two things told.
const INTERVAL: Duration = Duration::from_millis(200);

/// Before anything is drawn.
const PATIENCE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;

    /// A bar is one line, whatever the terminal's width, and names what is transferred.
    #[test]
    fn bars_fit_the_terminal() {
        for (columns, total) in [
            (200, Some(3 << 30)),
            (120, Some(3 << 30)),
            (80, Some(3 << 30)),
            (60, Some(3 << 30)),
            (40, Some(3 << 30)),
            (30, Some(1000)),
            (40, None),
        ] {
            let term = InMemoryTerm::new(10, columns);
            let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
            let bar = ProgressBar::with_draw_target(total, target);
            bar.set_style(Layout::of(columns, total.is_some()).style());
            bar.set_message(format!("412 of 5000: {}", "folder/".repeat(30)));
            bar.set_position(total.unwrap_or(2_000_000) / 3);
            bar.tick();
            let shown = term.contents();
            assert_eq!(shown.lines().count(), 1, "{columns}: {shown:?}");
            assert!(shown.contains("412"), "{columns}: {shown:?}");
            bar.finish_and_clear();
            assert_eq!(term.contents(), "", "{columns}");
        }
    }
}
