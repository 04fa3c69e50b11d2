//! Lines of MLSD and replies to MLST: no panic, and the name is the end of its line, byte for byte.

#![no_main]

use ftp_connect_ftp_proto::{
    Reply,
    listing::{Line, Mlsx, facts},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for line in data.split(|byte| *byte == b'\n') {
        if let Some((facts, name)) = facts(line) {
            assert!(line.ends_with(name));
            assert!(facts.iter().all(|(fact, _)| !fact.contains(&b'=')));
        }
        match Mlsx.line(line) {
            Line::Entry(entry) => assert!(!entry.name.is_empty() && line.ends_with(&entry.name)),
            Line::Unparsed(unparsed) => assert_eq!(unparsed, line),
            Line::Noise => {}
        }
    }
    let mut lines = vec![b"250-Listing".to_vec()];
    lines.extend(data.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
    lines.push(b"250 End".to_vec());
    let _ = Mlsx.reply(&Reply::from_lines(lines).expect("a code"));
});
