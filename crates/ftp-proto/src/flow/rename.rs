//! RNFR and RNTO (RFC 959 §4.1.3).

use super::{Flow, FlowError, Step};
use crate::argument::Argument;
use crate::command::Command;
use crate::reply::{Reply, ReplyClass};

/// Renames a file or folder: the old name is announced first, the new one completes it.
#[derive(Debug)]
pub struct Rename {
    to: Option<Command>,
    state: State,
}

#[derive(Debug)]
enum State {
    From(Command),
    AwaitingFrom,
    To,
    AwaitingTo,
    Done(Reply),
    Failed(FlowError),
}

impl Rename {
    /// Renames `from` to `to`.
    #[must_use]
    pub fn new(from: Argument, to: Argument) -> Self {
        Self {
            to: Some(Command::with("RNTO", to)),
            state: State::From(Command::with("RNFR", from)),
        }
    }
}

impl Flow for Rename {
    type Output = Reply;

    fn step(&mut self) -> Step<Reply> {
        match std::mem::replace(&mut self.state, State::AwaitingTo) {
            State::From(command) => {
                self.state = State::AwaitingFrom;
                Step::Send(command)
            }
            State::AwaitingFrom => {
                self.state = State::AwaitingFrom;
                Step::NeedInput
            }
            State::To => match self.to.take() {
                Some(command) => Step::Send(command),
                None => Step::NeedInput,
            },
            State::AwaitingTo => Step::NeedInput,
            State::Done(reply) => Step::Done(reply),
            State::Failed(error) => Step::Failed(error),
        }
    }

    fn reply(&mut self, reply: Reply) {
        self.state = match (&self.state, reply.class()) {
            (_, ReplyClass::Preliminary) => return,
            // 350 is the rule; some servers say 2yz here and still want RNTO.
            (State::AwaitingFrom, ReplyClass::Intermediate | ReplyClass::Completion) => State::To,
            (State::AwaitingFrom, _) => State::Failed(FlowError::refused("RNFR", reply)),
            (_, ReplyClass::Completion) => State::Done(reply),
            _ => State::Failed(FlowError::refused("RNTO", reply)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::transcript::{outcome, run};
    use super::*;

    #[track_caller]
    fn check(script: &str, expected: &str) {
        let make = || Rename::new(Argument::new("a b").unwrap(), Argument::new("c").unwrap());
        run(script, make, |end| {
            assert_eq!(outcome(&end, |reply| reply.code().to_string()), expected);
        });
    }

    #[test]
    fn both_names_in_order() {
        check(
            "S: 220 hi\nC: RNFR a b\nS: 350 ready\nC: RNTO c\nS: 250 done",
            "250",
        );
        check(
            "S: 220 hi\nC: RNFR a b\nS: 200 ready\nC: RNTO c\nS: 257 done",
            "257",
        );
        check(
            "S: 220 hi\nC: RNFR a b\nS: 550 no such file",
            "RNFR was refused: 550 no such file",
        );
        check(
            "S: 220 hi\nC: RNFR a b\nS: 350-go\nS: 350 on\nC: RNTO c\nS: 553 exists",
            "RNTO was refused: 553 exists",
        );
    }
}
