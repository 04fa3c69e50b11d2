//! What other clients' test suites and captures of real servers expect, read by this crate's parsers.
//!
//! The cases are in `tests/corpus`, whose NOTICE says where they are from. A case is certain when its sources agree; then
//! it must be read as expected, or be among the exceptions, each with its reason.

mod case;
mod listings;
mod replies;
