//! The program against nothing, and against embedded servers.

#![allow(clippy::unwrap_used)] // a panic is how a test fails

#[path = "../common/program.rs"]
mod program;
#[path = "../common/tree.rs"]
mod tree;

mod certificates;
mod doctor;
mod embedded;
mod examples;
mod files;
mod found;
mod interrupted;
mod mirrors;
mod routes;
mod shell;
mod site;
mod small;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod terminals;
mod usage;
