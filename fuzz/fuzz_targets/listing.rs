//! Listings: no panic, no line longer than the limit, and any split of the bytes gives the same entries.

#![no_main]

use ftp_connect_ftp_proto::{
    listing::{LineSplitter, ListParser, Mlsx},
    parse,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    assert_eq!(entries(data.chunks(1)), entries([data]));
});

fn entries<'d>(chunks: impl IntoIterator<Item = &'d [u8]>) -> Vec<String> {
    let now = parse::time(b"20260101000000").expect("a time");
    let mut splitter = LineSplitter::new(LIMIT);
    let mut parser = ListParser::new(now);
    let mlsx = Mlsx::default();
    let mut seen = Vec::new();
    let mut read = |line: Vec<u8>| {
        assert!(line.len() <= LIMIT);
        seen.push(format!("{:?}", parser.line(&line)));
        seen.push(format!("{:?}", mlsx.line(&line)));
    };
    let whole = chunks.into_iter().all(|chunk| splitter.push(chunk, &mut read));
    if let (true, Some(line)) = (whole, splitter.finish()) {
        read(line);
    }
    seen
}

const LIMIT: usize = 1024;
