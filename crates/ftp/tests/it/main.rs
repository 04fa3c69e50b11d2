//! The engine against scripted servers: what the embedded ones are too well behaved to do.

#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod change;
mod connect;
mod data;
mod list;
mod lost;
mod many;
mod pipelining;
mod read;
mod script;
mod session;
mod uploads;
mod write;
