//! The program against nothing, and against embedded servers.

#![allow(clippy::unwrap_used)] // a panic is how a test fails

#[path = "../common/program.rs"]
mod program;

mod certificates;
mod doctor;
mod embedded;
mod routes;
mod usage;
