//! The program against nothing, and against embedded servers.

#[path = "../common/program.rs"]
mod program;

mod certificates;
mod embedded;
mod routes;
mod usage;
