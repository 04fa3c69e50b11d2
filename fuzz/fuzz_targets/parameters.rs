//! Parameters from URLs and text: no panic, and what was read is read again from what is written.

#![no_main]

use ftp_connect_core::ConnectParams;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok((params, path)) = ConnectParams::from_url(text) {
        let url = params.to_url_with_secrets(&path);
        assert_eq!(
            ConnectParams::from_url(&url).expect("its own form"),
            (params, path)
        );
    }
    if let Ok(params) = ConnectParams::from_text(text) {
        let text = params.to_text_with_secrets();
        assert_eq!(
            ConnectParams::from_text(&text).expect("its own form"),
            params
        );
    }
});
