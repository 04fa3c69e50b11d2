//! Replies: any split of the bytes gives the same replies, none is larger than the limits, and a stream without an end
//! can be settled.

#![no_main]

use ftp_connect_ftp_proto::{Limits, ReplyDecoder, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let whole = decode([data]);
    assert_eq!(decode(data.chunks(1)), whole);
    assert_eq!(decode(data.chunks(7)), whole);
    let _ = parse::quoted_path(data);
    let _ = parse::size(data);
    let _ = parse::time(data);
    let _ = parse::digest(data, 4);
    let _ = parse::digest(data, 32);
    let _ = parse::modification_time(data);
});

/// What comes out, in words that can be compared.
fn decode<'d>(chunks: impl IntoIterator<Item = &'d [u8]>) -> Vec<String> {
    let limits = Limits::default()
        .with_reply_line(200)
        .with_reply_lines(20)
        .with_reply_bytes(1000);
    let mut decoder = ReplyDecoder::new(limits);
    let mut seen = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        if !take(&mut decoder, &limits, &mut seen) {
            return seen;
        }
    }
    seen.push(format!(
        "settled {}, ended {}",
        decoder.settle(),
        decoder.finish()
    ));
    take(&mut decoder, &limits, &mut seen);
    seen
}

/// Takes all replies; gives false after an error.
fn take(decoder: &mut ReplyDecoder, limits: &Limits, seen: &mut Vec<String>) -> bool {
    loop {
        match decoder.next_reply() {
            Ok(Some(reply)) => {
                assert!(reply.lines().len() <= limits.reply_lines);
                assert!(
                    reply
                        .lines()
                        .iter()
                        .all(|line| line.len() <= limits.reply_line)
                );
                assert!((100..600).contains(&reply.code()));
                seen.push(format!(
                    "{reply:?} {} {}",
                    reply.text(),
                    reply.inner_lines().count()
                ));
            }
            Ok(None) => return true,
            Err(error) => {
                seen.push(format!("{error:?}"));
                return false;
            }
        }
    }
}
