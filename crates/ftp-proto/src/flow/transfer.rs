//! RETR, STOR, APPE, LIST, MLSD: a command whose bytes go over a data connection.
//!
//! A transfer is over when the data connection has ended **and** the final reply has come, in either
//! order. It counts as whole only if the final reply is 2yz and the data connection was not cut.
//! Servers differ in everything else, and all of it is taken: 125 for 150, no preliminary reply at
//! all, the final reply before the data has been read, a refusal after the preliminary reply, and a
//! second preliminary reply as the only answer to a connection that was cut.

use super::{DataPlan, Flow, FlowError, Step};
use crate::argument::Argument;
use crate::command::Command;
use crate::reply::{Reply, ReplyClass};

/// One transfer over one data connection.
///
/// [`Step::OpenData`] with [`DataPlan::Ready`] comes when the server has begun: the connection may now
/// be accepted, secured and used. Tell the flow with [`data_ended`](Self::data_ended) when it is closed.
#[derive(Debug)]
pub struct Transfer {
    verb: String,
    restart: Option<u64>,
    command: Option<Command>,
    state: State,
    preliminary: usize,
    opened: bool,
    last: Option<Reply>,
    end: Option<DataEnd>,
    failed: Option<FlowError>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Begin,
    AwaitingRestart,
    Command,
    Running,
}

/// How a data connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataEnd {
    /// By the end its sender gives it: FIN, under TLS after close_notify.
    Clean,
    /// In any other way, our own choice included.
    Cut,
}

/// How a transfer ended that the server had accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferEnd {
    /// The server's last word.
    pub reply: Reply,
    /// How the data connection ended; `None` if it was never opened.
    pub data: Option<DataEnd>,
    /// Whether the last reply was a preliminary one: the server gave no other, and the command is
    /// still counted as owing one.
    pub without_final: bool,
}

impl TransferEnd {
    /// Whether both ends agree that all was sent.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.reply.is_completion() && self.data == Some(DataEnd::Clean)
    }
}

impl Transfer {
    /// A transfer begun by `command`, after `REST restart` if that is given.
    #[must_use]
    pub fn new(command: Command, restart: Option<u64>) -> Self {
        Self {
            verb: command.verb(),
            restart,
            command: Some(command),
            state: State::Begin,
            preliminary: 0,
            opened: false,
            last: None,
            end: None,
            failed: None,
        }
    }

    /// Says that the data connection is closed.
    pub fn data_ended(&mut self, end: DataEnd) {
        self.end = Some(end);
    }

    /// Whether the command itself has been given to be sent, and not only what comes before it.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.state == State::Running
    }

    /// Whether the server has begun, so that a data connection is or may be in use.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.preliminary > 0 || self.last.as_ref().is_some_and(Reply::is_completion)
    }

    /// Whether the last reply has come.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.last.is_some() || self.failed.is_some()
    }

    /// Whether the last reply has come and is a refusal.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.failed.is_some() || self.last.as_ref().is_some_and(Reply::is_negative)
    }

    fn finished(&self) -> Option<Step<TransferEnd>> {
        let last = self.last.clone()?;
        if self.preliminary == 0 && last.is_negative() {
            return Some(Step::Failed(FlowError::refused(&self.verb, last)));
        }
        // After a negative last reply nothing that the data connection may bring changes the result.
        if self.end.is_none() && !last.is_negative() {
            return None;
        }
        Some(Step::Done(TransferEnd {
            without_final: last.is_preliminary(),
            reply: last,
            data: self.end,
        }))
    }
}

impl Flow for Transfer {
    type Output = TransferEnd;

    fn step(&mut self) -> Step<TransferEnd> {
        if let Some(error) = self.failed.take() {
            return Step::Failed(error);
        }
        match (&self.state, self.restart.take()) {
            (State::Begin, Some(offset)) => {
                self.state = State::AwaitingRestart;
                return Step::Send(Command::with("REST", Argument::plain(offset.to_string())));
            }
            (State::Begin | State::Command, _) => {
                self.state = State::Running;
                return match self.command.take() {
                    Some(command) => Step::Send(command),
                    None => Step::NeedInput,
                };
            }
            _ => {}
        }
        if let Some(step) = self.finished() {
            return step;
        }
        if self.has_begun() && !self.opened {
            self.opened = true;
            return Step::OpenData(DataPlan::Ready);
        }
        Step::NeedInput
    }

    fn reply(&mut self, reply: Reply) {
        match (&self.state, reply.class()) {
            (State::AwaitingRestart, ReplyClass::Preliminary) => {}
            (State::AwaitingRestart, ReplyClass::Intermediate | ReplyClass::Completion) => {
                self.state = State::Command;
            }
            (State::AwaitingRestart, _) => self.failed = Some(FlowError::refused("REST", reply)),
            (_, ReplyClass::Preliminary) => {
                self.preliminary += 1;
                if self.preliminary > 1 && self.end.is_some() {
                    self.last = Some(reply);
                }
            }
            (_, ReplyClass::Intermediate) => {
                self.failed = Some(FlowError::refused(&self.verb, reply));
            }
            // The answer to something else: client and server are out of step.
            _ if matches!(reply.code(), 213 | 227 | 229 | 257) => {
                self.failed = Some(FlowError::refused(&self.verb, reply));
            }
            _ => self.last = Some(reply),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::transcript::{outcome, run_with};
    use super::*;

    /// Runs a transfer; `D: clean`, `D: cut` in the script are ends of the data connection.
    #[track_caller]
    fn check(restart: u64, script: &str, expected: &str) {
        let make = || {
            let name = Argument::new("f").unwrap();
            Transfer::new(
                Command::with("RETR", name),
                (restart > 0).then_some(restart),
            )
        };
        let event = |flow: &mut Transfer, event: &str| match event {
            "clean" => flow.data_ended(DataEnd::Clean),
            "cut" => flow.data_ended(DataEnd::Cut),
            _ => assert_eq!(event, "Ready"),
        };
        run_with(script, make, event, |end| {
            let show = |end: &TransferEnd| {
                let whole = if end.is_whole() { "whole" } else { "not whole" };
                format!("{} {whole}", end.reply.code())
            };
            assert_eq!(outcome(&end, show), expected);
        });
    }

    #[test]
    fn data_and_final_reply_in_either_order() {
        let begun = "S: 220 hi\nC: RETR f\nS: 150 go\n";
        check(0, &format!("{begun}D: clean\nS: 226 done"), "226 whole");
        check(0, &format!("{begun}S: 226 done\nD: clean"), "226 whole");
        check(0, &format!("{begun}S: 226 done\nD: cut"), "226 not whole");
        check(0, &format!("{begun}D: cut\nS: 226 done"), "226 not whole");
        check(0, &format!("{begun}D: clean\nS: 426 cut"), "426 not whole");
        check(0, &format!("{begun}S: 451 disk"), "451 not whole");
        check(
            0,
            "S: 220 hi\nC: RETR f\nS: 125-go\nS: 125 on\nD: clean\nS: 226-x\nS: 226 done",
            "226 whole",
        );
    }

    #[test]
    fn completion_without_preliminary() {
        check(
            0,
            "S: 220 hi\nC: RETR f\nS: 226 all there\nD: clean",
            "226 whole",
        );
    }

    #[test]
    fn refusals() {
        check(
            0,
            "S: 220 hi\nC: RETR f\nS: 550 no",
            "RETR was refused: 550 no",
        );
        check(
            5,
            "S: 220 hi\nC: REST 5\nS: 350 ok\nC: RETR f\nS: 554 beyond",
            "RETR was refused: 554 beyond",
        );
        check(
            5,
            "S: 220 hi\nC: REST 5\nS: 502 what",
            "REST was refused: 502 what",
        );
        check(
            0,
            "S: 220 hi\nC: RETR f\nS: 421 bye",
            "the server closes the connection: 421 bye",
        );
    }

    #[test]
    fn the_answer_to_another_command_is_none() {
        check(
            0,
            "S: 220 hi\nC: RETR f\nS: 229 ok (|||9|)",
            "unexpected answer to RETR: 229 ok (|||9|)",
        );
    }

    #[test]
    fn a_second_preliminary_reply_after_a_cut_is_the_last() {
        check(
            0,
            "S: 220 hi\nC: RETR f\nS: 150 go\nD: cut\nS: 150 it was cut",
            "150 not whole",
        );
    }
}
