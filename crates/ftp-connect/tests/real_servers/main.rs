//! The library against the real servers of the lab. It needs the lab: `cargo xtask test --only lab`.
//!
//! `matrix` puts every set-up to the conformance suite, in every mode and over every backend that serves it; the
//! other modules look at what the suite cannot: servers that are odd on purpose, limits, and large things.

#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod cancellation;
mod crowds;
mod ftps;
mod large;
mod matrix;
mod modes;
#[path = "../common/odd_tree.rs"]
mod odd_tree;
mod ssh_logins;
mod ssh_transfers;
mod tls;
mod transfers;
mod ways;
