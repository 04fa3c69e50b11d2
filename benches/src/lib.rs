//! Benches of FTP Connect. There is nothing to use here: see `benches/` beside this file's folder, and the
//! README for what each measures.

#![forbid(unsafe_code)]

/// The allocator of the program `ftp-connect`, and so of everything that is measured here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
