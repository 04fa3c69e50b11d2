//! What arrives on channels, handed to whoever opened them.
//!
//! It is taken from the SSH library's callbacks, which run in the connection's own task, and not from its
//! queue of messages: a queue that is full would stop the whole connection, and each hop to another task
//! costs more than the work there.

use std::{
    collections::{HashMap, HashSet},
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use russh::ChannelId;

/// Takes what arrives on one channel. Nothing here may wait.
pub(crate) trait Sink: Debug + Send + Sync {
    fn data(&self, data: &[u8]);

    /// What the program at the other end wrote to standard error.
    fn error_text(&self, text: &[u8]);

    /// The server refuses what was asked for on the channel.
    fn refused(&self);

    /// Nothing more will come.
    fn ended(&self);
}

/// The sinks of one connection's channels. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Channels(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    sinks: HashMap<ChannelId, Arc<dyn Sink>>,
    /// Closed before their sinks were known.
    early: HashSet<ChannelId>,
    /// The connection has ended.
    ended: bool,
}

impl Channels {
    pub(super) fn register(&self, id: ChannelId, sink: Arc<dyn Sink>) {
        let mut state = self.lock();
        if state.ended || state.early.remove(&id) {
            drop(state);
            sink.ended();
        } else {
            state.sinks.insert(id, sink);
        }
    }

    pub(super) fn sink(&self, id: ChannelId) -> Option<Arc<dyn Sink>> {
        self.lock().sinks.get(&id).cloned()
    }

    /// The server has closed the channel.
    pub(super) fn end(&self, id: ChannelId) {
        let mut state = self.lock();
        let sink = state.sinks.remove(&id);
        if sink.is_none() && state.early.len() < MOST_EARLY {
            state.early.insert(id);
        }
        drop(state);
        if let Some(sink) = sink {
            sink.ended();
        }
    }

    /// The connection has ended.
    pub(super) fn end_all(&self) {
        let mut state = self.lock();
        state.ended = true;
        let sinks = std::mem::take(&mut state.sinks);
        drop(state);
        for sink in sinks.into_values() {
            sink.ended();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Channels that may close before anybody listens: each is one being opened.
const MOST_EARLY: usize = 16;
