//! Commands that go out together, and their replies.
//!
//! Only for a server that is known to bear it, and only commands of which none depends on what another's reply
//! says.

use std::collections::VecDeque;

use super::{Flow, FlowError, Step};
use crate::command::Command;
use crate::reply::Reply;

/// Commands that are sent before any of them is answered. The replies are the caller's to judge, except that
/// 421 ends the conversation.
#[derive(Debug)]
pub struct Flight {
    waiting: VecDeque<Command>,
    owed: usize,
    replies: Vec<Reply>,
    closing: Option<Reply>,
}

impl Flight {
    /// Sends these, in this order.
    #[must_use]
    pub fn new(commands: impl IntoIterator<Item = Command>) -> Self {
        Self {
            waiting: commands.into_iter().collect(),
            owed: 0,
            replies: Vec::new(),
            closing: None,
        }
    }
}

impl Flow for Flight {
    /// The final replies, in the order of the commands.
    type Output = Vec<Reply>;

    fn step(&mut self) -> Step<Vec<Reply>> {
        if let Some(command) = self.waiting.pop_front() {
            self.owed += 1;
            return Step::Send(command);
        }
        match self.closing.take() {
            Some(reply) => Step::Failed(FlowError::Closing(reply)),
            None if self.replies.len() < self.owed => Step::NeedInput,
            None => Step::Done(std::mem::take(&mut self.replies)),
        }
    }

    fn reply(&mut self, reply: Reply) {
        if reply.code() == 421 {
            self.closing = Some(reply);
        } else if !reply.is_preliminary() {
            self.replies.push(reply);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::transcript::{outcome, run};
    use super::*;
    use crate::argument::Argument;

    #[track_caller]
    fn check(script: &str, expected: &str) {
        let command = |verb| Command::with(verb, Argument::new("a").unwrap());
        let make = || Flight::new([command("SIZE"), command("RNFR")]);
        run(&format!("S: 220 hi\n{script}"), make, |end| {
            let codes = |replies: &Vec<Reply>| {
                let codes: Vec<_> = replies.iter().map(|r| r.code().to_string()).collect();
                codes.join(" ")
            };
            assert_eq!(outcome(&end, codes), expected);
        });
    }

    #[test]
    fn every_command_has_its_reply() {
        let both = "C: SIZE a\nC: RNFR a\n";
        check(&format!("{both}S: 213 4\nS: 350 go"), "213 350");
        check(&format!("{both}S: 550 no\nS: 350-go\nS: 350 on"), "550 350");
        check(
            &format!("{both}S: 150 soon\nS: 213 4\nS: 502 what"),
            "213 502",
        );
        check(
            &format!("{both}S: 213 4\nS: 421 bye"),
            "the server closes the connection: 421 bye",
        );
    }

    #[test]
    fn nothing_is_over_at_once() {
        assert_eq!(Flight::new([]).step(), Step::Done(Vec::new()));
    }
}
