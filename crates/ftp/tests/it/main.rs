//! The engine against scripted servers: what the embedded ones are too well behaved to do.

mod connect;
mod list;
mod read;
mod script;
mod session;
mod write;
