//! Runs flows against scripts, for the tests of this crate.
//!
//! `S:` is a line of the server, `C:` a line the client must send, `T:` the TLS handshake on the
//! control connection or its end, and `D:` something that happens outside the control connection, given to a
//! function of the test. Each script runs twice: the server's lines that stand together in one
//! piece, and byte by byte.

use super::{Flow, FlowError, Step};
use crate::control::Control;
use crate::limits::Limits;

/// How a flow ended.
pub(crate) type End<T> = Result<T, FlowError>;

/// Runs `script` whole and byte by byte; the first `220` greeting is read before the flow starts.
#[track_caller]
pub(crate) fn run<F: Flow>(script: &str, make: impl Fn() -> F, judge: impl Fn(End<F::Output>)) {
    run_with(
        script,
        make,
        |_, event| panic!("unknown event {event}"),
        judge,
    );
}

/// As [`run`], with events.
#[track_caller]
pub(crate) fn run_with<F: Flow>(
    script: &str,
    make: impl Fn() -> F,
    event: impl Fn(&mut F, &str),
    judge: impl Fn(End<F::Output>),
) {
    for bytewise in [false, true] {
        let mut control = Control::new(Limits::default());
        let rest = script
            .strip_prefix("S: 220 hi\n")
            .expect("the script begins with the greeting");
        control.received(b"220 hi\r\n");
        assert!(control.next_reply().unwrap().is_some());
        judge(play(rest, &mut control, &mut make(), &event, bytewise));
    }
}

/// Plays `script` and gives the end of the flow; panics where the flow departs from the script.
#[track_caller]
pub(crate) fn play<F: Flow>(
    script: &str,
    control: &mut Control,
    flow: &mut F,
    event: &impl Fn(&mut F, &str),
    bytewise: bool,
) -> End<F::Output> {
    let mut server = Vec::new();
    let mut end = None;
    let mut lines = script.lines().peekable();
    drive(control, flow, &mut end, event);
    while let Some(line) = lines.next() {
        let (tag, text) = line.split_at(2);
        let text = text.strip_prefix(' ').unwrap_or(text);
        match tag {
            "S:" => {
                server.extend_from_slice(text.as_bytes());
                server.extend_from_slice(b"\r\n");
                if !lines.peek().is_some_and(|next| next.starts_with("S:")) {
                    for piece in server.chunks(if bytewise { 1 } else { usize::MAX }) {
                        control.received(piece);
                        drive(control, flow, &mut end, event);
                    }
                    server.clear();
                }
            }
            "C:" => {
                let wanted = format!("{text}\r\n");
                let sent = control.output().escape_ascii().to_string();
                assert!(
                    control.output().starts_with(wanted.as_bytes()),
                    "wanted {text:?}, sent {sent:?}"
                );
                control.written(wanted.len());
            }
            "D:" | "T:" => {
                event(flow, text);
                drive(control, flow, &mut end, event);
            }
            _ => panic!("unknown tag in {line:?}"),
        }
    }
    let unsent = control.output().escape_ascii().to_string();
    assert_eq!(unsent, "", "sent beyond the script");
    end.expect("the flow has ended")
}

/// Gives the outcome in words: `show` for a result, the text of the error else.
pub(crate) fn outcome<T>(end: &End<T>, show: impl Fn(&T) -> String) -> String {
    match end {
        Ok(done) => show(done),
        Err(error) => error.to_string(),
    }
}

fn drive<F: Flow>(
    control: &mut Control,
    flow: &mut F,
    end: &mut Option<End<F::Output>>,
    event: &impl Fn(&mut F, &str),
) {
    while end.is_none() {
        match flow.step() {
            Step::Send(command) => control.send(&command),
            Step::NeedInput => match control.next_reply().expect("replies") {
                Some(reply) => flow.reply(reply),
                None => return,
            },
            Step::SecureControl => {
                control.secure().expect("nothing in the clear");
                event(flow, "secured");
            }
            Step::ClearControl => event(flow, "clear"),
            Step::OpenData(plan) => event(flow, &format!("{plan:?}")),
            Step::Listen => event(flow, "listen"),
            Step::Done(done) => *end = Some(Ok(done)),
            Step::Failed(error) => *end = Some(Err(error)),
        }
    }
}
