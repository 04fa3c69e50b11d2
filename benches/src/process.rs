//! Measuring a process: its time, the processor's time of all that it started, and the most memory it had.

use std::{
    error::Error,
    fs,
    io::Read as _,
    process::{Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// What a measurement comes to.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What a process took.
#[derive(Debug, Clone, Default)]
pub struct Took {
    /// From its start to its end.
    pub time: Duration,
    /// The processor's time, in itself and in those that it waited for.
    pub cpu: Duration,
    /// The most memory it was seen to have (`VmHWM`), in KiB; without those that it started.
    pub peak: u64,
    /// Its standard output.
    pub said: String,
}

/// Runs a process to its end, and ends it when it takes too long.
///
/// # Errors
/// It cannot be started, fails, or is ended.
pub fn run(command: &mut Command) -> Outcome<Took> {
    let (cpu, started) = (cpu_of_children()?, Instant::now());
    let shown = format!("{:?}", command.get_program());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{shown}: {error}"))?;
    // Read beside the waiting, so that it never waits for room.
    let output = child.stdout.take().map(read_all);
    let errors = child.stderr.take().map(read_all);
    let id = child.id();
    let memory = format!("/proc/{id}/status");
    let mut peak = 0;
    // Its end is waited for by a thread of its own: whoever looks for it often takes the processor's time from it.
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send((child.wait(), started.elapsed())));
    let (status, time) = loop {
        match end.recv_timeout(LOOK) {
            Ok((status, time)) => break (status?, time),
            Err(_) if started.elapsed() > WATCHDOG => {
                Command::new("kill")
                    .args(["-KILL", &id.to_string()])
                    .status()?;
                end.recv()?.0?;
                return Err(format!("{shown}: ended after {WATCHDOG:?}").into());
            }
            Err(_) => peak = peak.max(peak_of(&memory).unwrap_or_default()),
        }
    };
    let took = Took {
        time,
        cpu: cpu_of_children()?.saturating_sub(cpu),
        peak,
        said: joined(output),
    };
    if status.success() {
        return Ok(took);
    }
    Err(format!("{shown}: {status}\n{}{}", took.said, joined(errors)).into())
}

type Reader = std::thread::JoinHandle<String>;

fn read_all(mut from: impl std::io::Read + Send + 'static) -> Reader {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.by_ref().take(MOST_SAID).read_to_end(&mut bytes);
        let _ = std::io::copy(&mut from, &mut std::io::sink());
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn joined(reader: Option<Reader>) -> String {
    reader
        .and_then(|reader| reader.join().ok())
        .unwrap_or_default()
}

/// The processor's time of all processes that have been waited for, theirs included (proc(5), `stat`).
fn cpu_of_children() -> Outcome<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no process")?;
    let ticks = fields.split_whitespace().skip(13).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse().unwrap_or(0)).sum();
    // The unit is 1/100 s on every Linux that this runs on.
    Ok(Duration::from_millis(ticks * 10))
}

fn peak_of(status: &str) -> Option<u64> {
    let status = fs::read_to_string(status).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.split_whitespace().next()?.parse().ok()
}

/// The middle one, in seconds.
pub fn median(took: &[Took], which: impl Fn(&Took) -> Duration) -> f64 {
    let mut all: Vec<Duration> = took.iter().map(which).collect();
    all.sort();
    all.get(all.len() / 2)
        .map_or(f64::NAN, Duration::as_secs_f64)
}

const LOOK: Duration = Duration::from_millis(20);

const WATCHDOG: Duration = Duration::from_secs(300);

/// How much of what a process says is kept.
const MOST_SAID: u64 = 64 * 1024;
