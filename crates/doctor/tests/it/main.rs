//! Sick servers, each with what is wrong with it, and that the cause is named each time.

mod outdated;
mod sick;
mod well;
