//! What is left of a login when a session can begin: answers that no operation has to wait for.
//!
//! A server that writes each line of its answers in a packet of its own (vsftpd) has more of them for one flight than
//! TCP lets out at once, so that the last ones come a round trip later. They come before the answer to whatever
//! is sent next.

use std::collections::VecDeque;

use super::Task;
use crate::flow::FlowError;
use crate::reply::Reply;

/// The answers to OPTS UTF8 ON and TYPE I that are still to come, before those to any later command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest(VecDeque<Task>);

impl Rest {
    pub(super) fn new(outstanding: VecDeque<Task>) -> Self {
        Self(outstanding)
    }

    /// How many are still to come.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.0.len()
    }

    /// Takes one of them. Preliminary ones say nothing here.
    ///
    /// # Errors
    /// [`FlowError::Refused`] if the server does not take the transfer type, without which no file is whole.
    pub fn reply(&mut self, reply: Reply) -> Result<(), FlowError> {
        if reply.is_preliminary() {
            return Ok(());
        }
        match self.0.pop_front() {
            Some(Task::TypeImage) if !reply.is_completion() => {
                Err(FlowError::refused("TYPE", reply))
            }
            _ => Ok(()),
        }
    }
}
