//! The reply to FEAT: no panic, names as they are looked for, and never more features than lines.

#![no_main]

use ftp_connect_ftp_proto::{Reply, parse::Features};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut lines = vec![b"211-Features:".to_vec()];
    lines.extend(data.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
    let count = lines.len();
    let reply = Reply::from_lines(lines).expect("a code");
    let features = Features::from_reply(&reply);
    assert!(features.iter().count() < count);
    for feature in features.iter() {
        assert!(!feature.name.is_empty() && feature.name.is_ascii());
        assert!(features.has(&feature.name.to_ascii_lowercase()));
    }
});
