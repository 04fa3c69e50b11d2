//! What an SFTP server sends: no panic, the same packets however the bytes are split, and nobody waits for a
//! connection that has ended.

#![no_main]

use ftp_connect_sftp::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (piece, data) = data.split_first().unwrap_or((&0, &[]));
    let piece = usize::from(*piece) + 1;
    fuzzing::packets(data, piece);
    fuzzing::exchange(data, piece);
});
