//! Replies: any split of the bytes gives the same replies, and the parsers of single replies hold.

#![no_main]

use ftp_connect_ftp_proto::{Limits, ReplyDecoder, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let whole = decode([data]);
    assert_eq!(decode(data.chunks(1)), whole);
    let _ = parse::pasv(data);
    let _ = parse::epsv(data);
    let _ = parse::quoted_path(data);
    let _ = parse::size(data);
    let _ = parse::time(data);
    let _ = parse::digest(data, 4);
    let _ = parse::digest(data, 32);
});

/// What comes out, in words that can be compared.
fn decode<'d>(chunks: impl IntoIterator<Item = &'d [u8]>) -> Vec<String> {
    let mut decoder = ReplyDecoder::new(Limits::default());
    let mut seen = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        loop {
            match decoder.next_reply() {
                Ok(Some(reply)) => seen.push(format!("{reply:?}")),
                Ok(None) => break,
                Err(error) => {
                    seen.push(format!("{error:?}"));
                    return seen;
                }
            }
        }
    }
    seen
}
