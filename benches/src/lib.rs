//! Benches of FTP Connect. There is nothing to use here: see `benches/` beside this file's folder, and the
//! README for what each measures.

#![forbid(unsafe_code)]
