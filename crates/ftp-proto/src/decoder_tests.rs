//! Tables and properties for the reply decoder.

use proptest::prelude::*;

use super::*;

type Decoded = (Vec<(u16, Vec<String>)>, Option<ReplyError>);

fn decode(chunks: &[&[u8]], limits: Limits) -> Decoded {
    let mut decoder = ReplyDecoder::new(limits);
    let mut replies = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
    }
    loop {
        match decoder.next_reply() {
            Ok(Some(reply)) => {
                let lines = reply.lines().iter();
                let lines = lines.map(|line| line.escape_ascii().to_string()).collect();
                replies.push((reply.code(), lines));
            }
            Ok(None) => return (replies, None),
            Err(error) => return (replies, Some(error)),
        }
    }
}

#[track_caller]
fn check(input: &[u8], expected: &[(u16, &[&str])]) {
    let (replies, error) = decode(&[input], Limits::default());
    let expected: Vec<(u16, Vec<String>)> = expected
        .iter()
        .map(|(code, lines)| (*code, lines.iter().map(|line| (*line).to_owned()).collect()))
        .collect();
    assert_eq!(replies, expected);
    assert_eq!(error, None);
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(decode(&bytes, Limits::default()), (replies, None));
}

#[track_caller]
fn check_error(input: &[u8], limits: Limits, expected: &ReplyError) {
    assert_eq!(decode(&[input], limits).1.as_ref(), Some(expected));
}

#[test]
fn single_lines() {
    check(b"220 hello\r\n", &[(220, &["220 hello"])]);
    check(b"220 hello\n", &[(220, &["220 hello"])]);
    check(b"331\r\n", &[(331, &["331"])]);
    check(b"200 \r\n", &[(200, &["200 "])]);
    check(b"220Welcome\r\n", &[(220, &["220Welcome"])]);
    check(
        b"150 go\r\n226 done\r\n",
        &[(150, &["150 go"]), (226, &["226 done"])],
    );
    check(
        b"\r\n200 after a blank line\r\n",
        &[(200, &["200 after a blank line"])],
    );
    check(b"200 begun", &[]);
}

#[test]
fn many_lines() {
    check(
        b"211-Features\r\n MDTM\r\n211 End\r\n",
        &[(211, &["211-Features", " MDTM", "211 End"])],
    );
    check(
        b"230-a\r\n230-b\r\n230 c\r\n",
        &[(230, &["230-a", "230-b", "230 c"])],
    );
    check(b"200-a\r\n\r\n200\r\n", &[(200, &["200-a", "", "200"])]);
    check(
        b"250-\r\n550 other code\r\n 250 indented\r\n2500 bytes\r\n250 end\r\n",
        &[(
            250,
            &[
                "250-",
                "550 other code",
                " 250 indented",
                "2500 bytes",
                "250 end",
            ],
        )],
    );
}

#[test]
fn telnet_commands_are_removed() {
    check(b"\xff\xfb\x01220 hi\xff\xf1\r\n", &[(220, &["220 hi"])]);
    check(b"220 a\xff\xffb\r\n", &[(220, &["220 a\\xffb"])]);
    check(
        b"220 \xff\xfa\x18\x01\r\n\xff\xf0x\r\n",
        &[(220, &["220 x"])],
    );
    check(b"257 \"\xffe\"\r\n", &[(257, &["257 \\\"\\xffe\\\""])]);
}

#[test]
fn violations() {
    let limits = Limits::default();
    check_error(
        b"hello\r\n",
        limits,
        &ReplyError::NotAReply(b"hello".to_vec()),
    );
    check_error(
        b"777 x\r\n",
        limits,
        &ReplyError::NotAReply(b"777 x".to_vec()),
    );
    check_error(b"\x15\x03\x01\x00\x02", limits, &ReplyError::Tls);
    let short = limits.with_reply_line(8);
    check_error(b"220 12345", short, &ReplyError::LineTooLong);
    check_error(b"220 12345\r\n", short, &ReplyError::LineTooLong);
    let (replies, error) = decode(&[b"220 1234\r\n"], short);
    assert_eq!((replies.len(), error), (1, None));
    check_error(
        b"220-a\r\nb\r\nc\r\n220 d\r\n",
        limits.with_reply_lines(3),
        &ReplyError::TooManyLines,
    );
    check_error(
        b"220-a\r\n12345678\r\n9\r\n",
        limits.with_reply_bytes(8),
        &ReplyError::TooLong,
    );
}

#[test]
fn another_code_ends_a_reply_only_when_nothing_follows() {
    let mut decoder = ReplyDecoder::new(Limits::default());
    decoder.push(b"226-Transfer\r\n");
    assert!(!decoder.settle());
    decoder.push(b"221 Goodbye\r\n");
    assert_eq!(decoder.next_reply(), Ok(None));
    assert!(decoder.settle());
    let reply = decoder.next_reply().unwrap().unwrap();
    assert_eq!((reply.code(), reply.lines().len()), (226, 2));
    assert!(decoder.is_empty());
}

#[track_caller]
fn check_finish(input: &[u8], expected: Option<(u16, usize)>) {
    let mut decoder = ReplyDecoder::new(Limits::default());
    decoder.push(input);
    assert_eq!(decoder.next_reply(), Ok(None));
    assert_eq!(decoder.finish(), expected.is_some());
    let reply = decoder.next_reply().unwrap();
    let reply = reply.map(|reply| (reply.code(), reply.lines().len()));
    assert_eq!(reply, expected);
}

#[test]
fn a_reply_without_an_end_is_whole_when_nothing_comes() {
    check_finish(b"220-Welcome\r\n of two lines\r\n", Some((220, 2)));
    check_finish(b"211-Features:\r\n UTF8\r\n SI", Some((211, 3)));
    check_finish(b"421 Too many", Some((421, 1)));
    check_finish(b"220-x\r\n220", Some((220, 2)));
    check_finish(b"22", None);
    check_finish(b"nothing", None);
    check_finish(b"", None);
}

#[test]
fn emptiness_counts_parts() {
    for bytes in [
        &b"2"[..],
        b"200-x\r\n",
        b"200 x\r\n",
        b"\xff",
        b"x\r\n",
        b"\n",
        b"\xff\xf1",
    ] {
        let mut decoder = ReplyDecoder::new(Limits::default());
        decoder.push(bytes);
        assert!(!decoder.is_empty(), "{}", bytes.escape_ascii());
    }
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just(&b"220 x\r\n"[..]),
        Just(&b"220-x\r\n"[..]),
        Just(&b"220\n"[..]),
        Just(&b" text\r\n"[..]),
        Just(&b"550 y\r\n"[..]),
        Just(&b"\xff\xfd\x01"[..]),
        Just(&b"\xff\xff"[..]),
        Just(&b"\r\r\n"[..]),
        Just(&b"22"[..]),
    ];
    prop_oneof![
        proptest::collection::vec(line, 0..12).prop_map(|lines| lines.concat()),
        proptest::collection::vec(any::<u8>(), 0..60),
    ]
}

proptest! {
    #[test]
    fn any_split_decodes_as_the_whole(stream in stream(), cuts in proptest::collection::vec(0usize..60, 0..8)) {
        let limits = Limits::default().with_reply_line(24).with_reply_lines(6);
        let whole = decode(&[&stream], limits);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut from = 0;
        for cut in cuts {
            chunks.push(&stream[from..cut]);
            from = cut;
        }
        chunks.push(&stream[from..]);
        prop_assert_eq!(decode(&chunks, limits), whole);
    }
}
