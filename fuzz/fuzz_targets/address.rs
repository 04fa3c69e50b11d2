//! The replies to PASV and EPSV: no panic, never port 0, and what was read stands in the text.

#![no_main]

use ftp_connect_ftp_proto::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let has = |text: &str| data.windows(text.len()).any(|part| part == text.as_bytes());
    if let Ok(found) = parse::pasv(data) {
        assert!(found.address.is_some() && found.port != 0);
        assert!(data.iter().filter(|byte| **byte == b',').count() >= 5);
    }
    if let Ok(found) = parse::epsv(data) {
        assert!(found.address.is_none() && found.port != 0);
        assert!(has(&found.port.to_string()) && has("(") && has(")"));
    }
});
