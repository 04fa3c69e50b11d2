//! One command, one final reply.

use super::{Flow, FlowError, Step};
use crate::command::Command;
use crate::reply::{Reply, ReplyClass};

/// A command whose final reply is all there is to it, such as `DELE` or `PWD`.
#[derive(Debug)]
pub struct Exchange {
    verb: String,
    wanted: Wanted,
    state: State,
}

/// Which final replies count as success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// 2yz.
    Completion,
    /// Any: the caller judges.
    Any,
}

#[derive(Debug)]
enum State {
    Begin(Command),
    Waiting,
    Answered(Reply),
    Spent,
}

impl Exchange {
    /// An exchange that succeeds with 2yz.
    #[must_use]
    pub fn new(command: Command) -> Self {
        Self::wanting(command, Wanted::Completion)
    }

    /// An exchange that succeeds with the replies `wanted`.
    #[must_use]
    pub fn wanting(command: Command, wanted: Wanted) -> Self {
        Self {
            verb: command.verb(),
            wanted,
            state: State::Begin(command),
        }
    }
}

impl Flow for Exchange {
    type Output = Reply;

    fn step(&mut self) -> Step<Reply> {
        match std::mem::replace(&mut self.state, State::Spent) {
            State::Begin(command) => {
                self.state = State::Waiting;
                Step::Send(command)
            }
            State::Waiting | State::Spent => {
                self.state = State::Waiting;
                Step::NeedInput
            }
            State::Answered(reply) => match (self.wanted, reply.class()) {
                (Wanted::Any, _) | (Wanted::Completion, ReplyClass::Completion) => {
                    Step::Done(reply)
                }
                _ => Step::Failed(FlowError::refused(&self.verb, reply)),
            },
        }
    }

    fn reply(&mut self, reply: Reply) {
        if !reply.is_preliminary() {
            self.state = State::Answered(reply);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::transcript::{outcome, run};
    use super::*;

    #[track_caller]
    fn check(script: &str, expected: &str) {
        run(
            script,
            || Exchange::new(Command::new("NOOP")),
            |end| {
                assert_eq!(outcome(&end, |reply| reply.code().to_string()), expected);
            },
        );
    }

    #[test]
    fn judged_by_the_first_digit() {
        check("S: 220 hi\nC: NOOP\nS: 202 superfluous", "202");
        check("S: 220 hi\nC: NOOP\nS: 150 soon\nS: 200 done", "200");
        check("S: 220 hi\nC: NOOP\nS: 200-a\nS:  b\nS: 200", "200");
        check("S: 220 hi\nC: NOOP\nS: 502 no", "NOOP was refused: 502 no");
        check(
            "S: 220 hi\nC: NOOP\nS: 350 what",
            "unexpected answer to NOOP: 350 what",
        );
        check(
            "S: 220 hi\nC: NOOP\nS: 421 bye",
            "the server closes the connection: 421 bye",
        );
    }
}
