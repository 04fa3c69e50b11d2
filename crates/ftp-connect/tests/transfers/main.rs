//! Transfers over the built-in backends and the embedded servers: when the network fails, when the process is
//! killed, and whole trees.

#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod faulty;
mod flights;
#[cfg(unix)]
mod killed;
mod lying;
#[cfg(unix)]
#[path = "../common/odd_tree.rs"]
mod odd_tree;
#[cfg(unix)]
mod trees;
mod way;
