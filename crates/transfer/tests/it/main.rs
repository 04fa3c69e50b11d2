//! Transfers, pools and mirrors over the backend in memory, well behaved or not.

#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod actions;
mod common;
mod counting;
mod faulty;
mod files;
mod mirrors;
mod narrow;
mod overwriting;
mod pools;
mod resuming;
mod segmenting;
mod together;
mod uploads;
mod walking;
