//! Listings: no panic, any split of the bytes gives the same entries, and no entry holds more than its lines.

#![no_main]

use ftp_connect_ftp_proto::{
    listing::{Line, LineSplitter, ListParser},
    parse,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let whole = read([data]);
    assert_eq!(read(data.chunks(1)), whole);
    let bytes: usize = whole.iter().map(held).sum();
    // A name in an entry may stand beside the line it came from, never more.
    assert!(bytes <= 2 * data.len(), "{bytes} bytes of {}", data.len());
});

fn read<'d>(chunks: impl IntoIterator<Item = &'d [u8]>) -> Vec<Line> {
    let now = parse::time(b"20260101000000").expect("a time");
    let mut splitter = LineSplitter::new(LIMIT);
    let mut parser = ListParser::new(now);
    let mut seen = Vec::new();
    let mut take = |line: Vec<u8>| {
        assert!(line.len() <= LIMIT);
        parser.line(&line, &mut |line| seen.push(line));
    };
    let whole = chunks
        .into_iter()
        .all(|chunk| splitter.push(chunk, &mut take));
    if let (true, Some(line)) = (whole, splitter.finish().filter(|line| line.len() <= LIMIT)) {
        take(line);
    }
    parser.finish(&mut |line| seen.push(line));
    seen
}

/// How many bytes of the listing a line holds.
fn held(line: &Line) -> usize {
    match line {
        Line::Noise => 0,
        Line::Unparsed(line) => line.len(),
        Line::Entry(entry) => {
            assert!(!entry.name.is_empty());
            let parts = [
                &entry.owner,
                &entry.group,
                &entry.target,
                &entry.perm,
                &entry.unique,
            ];
            entry.name.len() + parts.into_iter().flatten().map(Vec::len).sum::<usize>()
        }
    }
}

const LIMIT: usize = 1024;
