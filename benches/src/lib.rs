//! What the benches of FTP Connect share: the allocator, the embedded servers' parameters, and measuring a process. The benches themselves are in
//! `benches/` beside this file's folder, and the README says what each measures.

#![forbid(unsafe_code)]

pub mod embedded;
pub mod process;

/// The allocator of the program `ftp-connect`, and so of everything that is measured here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
