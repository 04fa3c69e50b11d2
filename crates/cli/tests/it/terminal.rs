//! A terminal for the program: what it writes appears on a screen, and somebody types.

use std::{
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::Child,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use pty_process::{Size, blocking};

use crate::program::Call;

pub(crate) struct Terminal {
    keyboard: std::fs::File,
    screen: Arc<Mutex<vt100::Parser>>,
    reader: JoinHandle<()>,
    child: Child,
}

impl Terminal {
    /// Starts a call on a terminal of so many columns and 24 rows.
    pub(crate) fn start(call: Call, columns: u16) -> Self {
        const ROWS: u16 = 24;
        let (pty, pts) = blocking::open().expect("there are terminals");
        pty.resize(Size::new(ROWS, columns)).expect("it has a size");
        let mut command = call.into_command();
        command.env("TERM", "xterm-256color");
        let child = blocking::Command::from(command).spawn(pts);
        let child = child.expect("the program starts");
        let keyboard = std::fs::File::from(OwnedFd::from(pty));
        let mut output = keyboard.try_clone().expect("it can be read, too");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(ROWS, columns, 0)));
        let shown = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // On Linux a terminal that the program has left says so by an error.
            while let Ok(n @ 1..) = output.read(&mut buffer) {
                shown.lock().unwrap().process(&buffer[..n]);
            }
        });
        Self {
            keyboard,
            screen,
            reader,
            child,
        }
    }

    /// Types.
    pub(crate) fn enter(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// What is on the screen: its lines, without blanks and empty lines at the end.
    pub(crate) fn screen(&self) -> String {
        let screen = self.screen.lock().unwrap();
        let (_, columns) = screen.screen().size();
        let rows = screen.screen().rows(0, columns);
        let lines: Vec<_> = rows.map(|row| row.trim_end().to_owned()).collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// Waits until this is on the screen; blanks at the end of it do not count.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_for_times(text, 1);
    }

    /// Waits until this is on the screen so many times.
    #[track_caller]
    pub(crate) fn wait_for_times(&self, text: &str, times: usize) {
        let begun = Instant::now();
        while self.screen().matches(text.trim_end()).count() < times {
            let screen = self.screen();
            assert!(
                begun.elapsed() < LONGEST,
                "no {text:?} on the screen:\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the program's end; its status, and what is on the screen then.
    #[track_caller]
    pub(crate) fn end(mut self) -> (i32, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            let late = begun.elapsed() > LONGEST;
            if late {
                let _ = self.child.kill();
            }
            assert!(!late, "it does not end:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        };
        while !self.reader.is_finished() && begun.elapsed() < LONGEST {
            std::thread::sleep(Duration::from_millis(20));
        }
        let screen = self.screen();
        (status.code().expect("it ends by itself"), screen)
    }
}

const LONGEST: Duration = Duration::from_secs(60);
