//! Tables of packets as they stand on the wire, round trips, and bytes that mean nothing.

use bytes::{BufMut as _, Bytes, BytesMut};
use proptest::prelude::*;

use super::{
    Attributes, Digest, DiskSpace, Frames, MAX_FRAME, Name, OpenFlags, Request, Response,
    ServerLimits, Status, Version, init, kind,
    wire::{Malformed, put_string},
};

#[track_caller]
fn check_request(request: Request<'_>, expected: &[u8]) {
    let packet = request.encode(7);
    let length = u32::from_be_bytes(packet[..4].try_into().unwrap()) as usize;
    assert_eq!(length, packet.len() - 4, "{request:?}");
    assert_eq!(&packet[4..], expected, "{request:?}");
}

#[test]
fn requests_stand_on_the_wire_as_the_draft_says() {
    assert_eq!(&init()[..], b"\0\0\0\x05\x01\0\0\0\x03");
    check_request(
        Request::Open {
            path: b"a\xe9",
            flags: OpenFlags::WRITE
                .and(OpenFlags::CREATE)
                .and(OpenFlags::TRUNCATE),
            attributes: Attributes::default(),
        },
        b"\x03\0\0\0\x07\0\0\0\x02a\xe9\0\0\0\x1a\0\0\0\0",
    );
    check_request(Request::Close(b"h"), b"\x04\0\0\0\x07\0\0\0\x01h");
    check_request(
        Request::Read {
            handle: b"h",
            offset: 1 << 32,
            length: 0x8000,
        },
        b"\x05\0\0\0\x07\0\0\0\x01h\0\0\0\x01\0\0\0\0\0\0\x80\0",
    );
    check_request(
        Request::Write {
            handle: b"h",
            offset: 2,
            data: b"xyz",
        },
        b"\x06\0\0\0\x07\0\0\0\x01h\0\0\0\0\0\0\0\x02\0\0\0\x03xyz",
    );
    check_request(
        Request::SetStat {
            path: b"p",
            attributes: Attributes {
                permissions: Some(0o644),
                times: Some((1, 2)),
                ..Attributes::default()
            },
        },
        b"\x09\0\0\0\x07\0\0\0\x01p\0\0\0\x0c\0\0\x01\xa4\0\0\0\x01\0\0\0\x02",
    );
    check_request(
        Request::FSetStat {
            handle: b"h",
            attributes: Attributes {
                size: Some(5),
                ..Attributes::default()
            },
        },
        b"\x0a\0\0\0\x07\0\0\0\x01h\0\0\0\x01\0\0\0\0\0\0\0\x05",
    );
    check_request(Request::ReadLink(b"l"), b"\x13\0\0\0\x07\0\0\0\x01l");
    check_request(
        Request::Symlink {
            first: b"1",
            second: b"22",
        },
        b"\x14\0\0\0\x07\0\0\0\x011\0\0\0\x0222",
    );
    check_request(
        Request::PosixRename {
            from: b"a",
            to: b"b",
        },
        b"\xc8\0\0\0\x07\0\0\0\x18posix-rename@openssh.com\0\0\0\x01a\0\0\0\x01b",
    );
    check_request(
        Request::Limits,
        b"\xc8\0\0\0\x07\0\0\0\x12limits@openssh.com",
    );
}

#[test]
fn extensions_stand_on_the_wire_as_their_authors_say() {
    check_request(
        Request::HardLink {
            existing: b"a",
            link: b"b",
        },
        b"\xc8\0\0\0\x07\0\0\0\x14hardlink@openssh.com\0\0\0\x01a\0\0\0\x01b",
    );
    check_request(
        Request::FSync(b"h"),
        b"\xc8\0\0\0\x07\0\0\0\x11fsync@openssh.com\0\0\0\x01h",
    );
    check_request(
        Request::StatVfs(b"p"),
        b"\xc8\0\0\0\x07\0\0\0\x13statvfs@openssh.com\0\0\0\x01p",
    );
    check_request(
        Request::ExpandPath(b"~"),
        b"\xc8\0\0\0\x07\0\0\0\x17expand-path@openssh.com\0\0\0\x01~",
    );
    check_request(
        Request::CopyData {
            from: b"a",
            to: b"b",
        },
        b"\xc8\0\0\0\x07\0\0\0\x09copy-data\0\0\0\x01a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01b\0\0\0\0\0\0\0\0",
    );
    check_request(
        Request::CheckFile {
            path: b"p",
            algorithms: b"md5",
        },
        b"\xc8\0\0\0\x07\0\0\0\x0fcheck-file-name\0\0\0\x01p\0\0\0\x03md5\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    );
    check_request(
        Request::Md5Hash(b"p"),
        b"\xc8\0\0\0\x07\0\0\0\x08md5-hash\0\0\0\x01p\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    );
}

#[track_caller]
fn check_response(packet: &'static [u8], expected: Result<Response, Malformed>) {
    let decoded = Response::decode(Bytes::from_static(packet));
    assert_eq!(
        decoded,
        expected.map(|response| (9, response)),
        "{packet:?}"
    );
}

#[test]
fn responses_are_read() {
    check_response(
        b"\x65\0\0\0\x09\0\0\0\x02\0\0\0\x02no\0\0\0\x02en",
        Ok(Response::Status(Status {
            code: 2,
            text: Bytes::from_static(b"no"),
        })),
    );
    // Version 2 and some old servers end a status after the code.
    check_response(
        b"\x65\0\0\0\x09\0\0\0\x04",
        Ok(Response::Status(Status {
            code: 4,
            text: Bytes::new(),
        })),
    );
    check_response(
        b"\x66\0\0\0\x09\0\0\0\x04\0\x01\x02\x03",
        Ok(Response::Handle(Bytes::from_static(&[0, 1, 2, 3]))),
    );
    check_response(
        b"\x67\0\0\0\x09\0\0\0\x00",
        Ok(Response::Data(Bytes::new())),
    );
    check_response(
        // One name, with an extended attribute that is skipped.
        b"\x68\0\0\0\x09\0\0\0\x01\0\0\0\x01n\0\0\0\x01l\x80\0\0\x04\0\0\x41\xed\0\0\0\x01\0\0\0\x01t\0\0\0\x01v",
        Ok(Response::Names(vec![Name {
            name: Bytes::from_static(b"n"),
            long: Bytes::from_static(b"l"),
            attributes: Attributes {
                permissions: Some(0o40755),
                ..Attributes::default()
            },
        }])),
    );
}

#[test]
fn broken_responses_are_refused() {
    check_response(b"", Err(Malformed));
    check_response(b"\x65\0\0", Err(Malformed));
    check_response(b"\x63\0\0\0\x09", Err(Malformed));
    check_response(b"\x66\0\0\0\x09\0\0\0\x05abcd", Err(Malformed));
    check_response(b"\x67\0\0\0\x09\xff\xff\xff\xffabcd", Err(Malformed));
    check_response(b"\x68\0\0\0\x09\xff\xff\xff\xff", Err(Malformed));
    check_response(b"\x69\0\0\0\x09\0\0\0\x01\0\0", Err(Malformed));
    check_response(b"\x69\0\0\0\x09\x80\0\0\0\xff\xff\xff\xff", Err(Malformed));
}

#[test]
fn the_version_packet_names_the_extensions() {
    let mut packet = BytesMut::from(&b"\x02\0\0\0\x03"[..]);
    put_string(&mut packet, b"limits@openssh.com");
    put_string(&mut packet, b"1");
    let version = Version::decode(packet.freeze()).unwrap();
    assert_eq!(version.version, 3);
    assert!(version.offers("limits@openssh.com"));
    assert!(!version.offers("limits"));
    assert_eq!(
        Version::decode(Bytes::from_static(b"\x02\0\0")),
        Err(Malformed)
    );
    assert_eq!(
        Version::decode(Bytes::from_static(b"\x65\0\0\0\x03")),
        Err(Malformed)
    );
}

#[test]
fn the_room_on_a_disk_is_counted_in_fragments() {
    let space = |numbers: [u64; 5]| {
        let mut body = BytesMut::new();
        for number in numbers {
            body.put_u64(number);
        }
        DiskSpace::decode(body.freeze()).map(|space| (space.available, space.total))
    };
    assert_eq!(space([8192, 4096, 10, 9, 8]), Ok((8 * 4096, 10 * 4096)));
    assert_eq!(space([8192, 0, 10, 9, 8]), Ok((8 * 8192, 10 * 8192)));
    assert_eq!(
        space([1, u64::MAX, u64::MAX, 9, 8]),
        Ok((u64::MAX, u64::MAX))
    );
    assert_eq!(
        DiskSpace::decode(Bytes::from_static(&[0; 39])),
        Err(Malformed)
    );
}

#[test]
fn digests_come_as_the_rest_or_as_a_string() {
    let body = Bytes::from_static(b"\0\0\0\x0acheck-file\0\0\0\x03md5\x01\x02");
    let told = Digest::decode_check_file(body).unwrap();
    assert_eq!(
        (&told.algorithm[..], &told.digest[..]),
        (&b"md5"[..], &[1, 2][..])
    );
    let body = Bytes::from_static(b"\0\0\0\x08md5-hash\0\0\0\x02\x01\x02");
    assert_eq!(Digest::decode_md5(body), Ok(told));
    let cut = Bytes::from_static(b"\0\0\0\x08md5-hash\0\0\0\x03\x01\x02");
    assert_eq!(Digest::decode_md5(cut), Err(Malformed));
}

#[test]
fn limits_need_three_numbers() {
    let mut body = BytesMut::new();
    for number in [262_144_u64, 261_120, 261_120, 1019] {
        body.put_u64(number);
    }
    let limits = ServerLimits::decode(body.freeze()).unwrap();
    assert_eq!(
        (limits.packet, limits.read, limits.write, limits.handles),
        (262_144, 261_120, 261_120, 1019)
    );
    assert_eq!(
        ServerLimits::decode(Bytes::from_static(&[0; 23])),
        Err(Malformed)
    );
}

#[test]
fn a_length_no_packet_has_is_refused_at_once() {
    for bad in [
        0_u32,
        MAX_FRAME as u32 + 1,
        u32::MAX,
        u32::from_be_bytes(*b"Welc"),
    ] {
        let mut frames = Frames::default();
        frames.push(&bad.to_be_bytes());
        assert_eq!(frames.next(), Err(bad as usize));
        assert_eq!(frames.rest(), bad.to_be_bytes());
    }
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let pair = || proptest::option::of((any::<u32>(), any::<u32>()));
    (
        proptest::option::of(any::<u64>()),
        pair(),
        proptest::option::of(any::<u32>()),
        pair(),
    )
        .prop_map(|(size, owner, permissions, times)| Attributes {
            size,
            owner,
            permissions,
            times,
        })
}

fn bytes(most: usize) -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..most).prop_map(Bytes::from)
}

fn response() -> impl Strategy<Value = Response> {
    let name = (bytes(20), bytes(20), attributes()).prop_map(|(name, long, attributes)| Name {
        name,
        long,
        attributes,
    });
    prop_oneof![
        (any::<u32>(), bytes(20)).prop_map(|(code, text)| Response::Status(Status { code, text })),
        bytes(20).prop_map(Response::Handle),
        bytes(200).prop_map(Response::Data),
        proptest::collection::vec(name, 0..5).prop_map(Response::Names),
        attributes().prop_map(Response::Attributes),
        bytes(40).prop_map(Response::Extended),
    ]
}

/// What a server would send; only tests need this direction.
fn encode(id: u32, response: &Response) -> BytesMut {
    let mut out = BytesMut::new();
    let head = |out: &mut BytesMut, kind: u8| {
        out.put_u8(kind);
        out.put_u32(id);
    };
    match response {
        Response::Status(status) => {
            head(&mut out, kind::STATUS);
            out.put_u32(status.code);
            put_string(&mut out, &status.text);
            put_string(&mut out, b"en");
        }
        Response::Handle(handle) => {
            head(&mut out, kind::HANDLE);
            put_string(&mut out, handle);
        }
        Response::Data(data) => {
            head(&mut out, kind::DATA);
            put_string(&mut out, data);
        }
        Response::Names(names) => {
            head(&mut out, kind::NAME);
            out.put_u32(names.len() as u32);
            for name in names {
                put_string(&mut out, &name.name);
                put_string(&mut out, &name.long);
                name.attributes.encode(&mut out);
            }
        }
        Response::Attributes(attributes) => {
            head(&mut out, kind::ATTRS);
            attributes.encode(&mut out);
        }
        Response::Extended(body) => {
            head(&mut out, kind::EXTENDED_REPLY);
            out.put_slice(body);
        }
    }
    out
}

proptest! {
    #[test]
    fn what_is_encoded_decodes(id in any::<u32>(), response in response()) {
        let packet = encode(id, &response).freeze();
        prop_assert_eq!(Response::decode(packet), Ok((id, response)));
    }

    #[test]
    fn any_split_of_the_bytes_gives_the_same_packets(
        responses in proptest::collection::vec(response(), 1..6),
        cuts in proptest::collection::vec(1_usize..50, 1..20),
    ) {
        let packets: Vec<_> = responses.iter().map(|response| encode(1, response).freeze()).collect();
        let mut stream = BytesMut::new();
        for packet in &packets {
            put_string(&mut stream, packet);
        }
        let (mut frames, mut seen, mut rest) = (Frames::default(), Vec::new(), &stream[..]);
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            frames.push(now);
            while let Some(packet) = frames.next().unwrap() {
                seen.push(packet);
            }
            rest = later;
        }
        prop_assert_eq!(seen, packets);
        prop_assert!(frames.rest().is_empty());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let packet = Bytes::from(bytes.clone());
        let _ = Response::decode(packet.clone());
        let _ = Version::decode(packet.clone());
        let _ = ServerLimits::decode(packet.clone());
        let _ = DiskSpace::decode(packet.clone());
        let _ = Digest::decode_check_file(packet.clone());
        let _ = Digest::decode_md5(packet);
        let mut frames = Frames::default();
        frames.push(&bytes);
        while let Ok(Some(packet)) = frames.next() {
            let _ = Response::decode(packet);
        }
    }

    #[test]
    fn no_bytes_after_a_known_kind_make_it_panic(
        kind in 99_u8..107,
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut packet = vec![kind, 0, 0, 0, 1];
        packet.extend(bytes);
        let _ = Response::decode(packet.into());
    }
}
