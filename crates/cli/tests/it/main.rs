//! The program against nothing, and against embedded servers.

#[path = "../common/program.rs"]
mod program;

mod embedded;
mod usage;
