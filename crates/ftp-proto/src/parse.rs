//! Forms inside the text of single replies: addresses, quoted paths, features, sizes, times,
//! checksums.
//!
//! Each function takes the text of a reply without its code, as [`Reply::first_text`] gives it, or
//! the whole [`Reply`] where the form spans lines.
//!
//! [`Reply`]: crate::Reply
//! [`Reply::first_text`]: crate::Reply::first_text

mod digest;
mod features;
mod passive;
mod quoted;
mod size;
mod time;

pub use digest::digest;
pub use features::{Feature, Features};
pub use passive::{AddressError, PassiveAddress, epsv, pasv};
pub use quoted::quoted_path;
pub use size::size;
pub use time::{format_time, modification_time, time};
