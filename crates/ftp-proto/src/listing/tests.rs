//! Tables for all families of listings, and properties.

use proptest::prelude::*;

use super::*;

/// A line in short: kind, name, size, time, permission bits, owner, group, target.
fn short(line: &Line) -> String {
    match line {
        Line::Noise => "noise".to_owned(),
        Line::Unparsed(_) => "unparsed".to_owned(),
        Line::Entry(entry) => {
            let text = |bytes: &Option<Vec<u8>>| match bytes {
                Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                None => "-".to_owned(),
            };
            let size = entry
                .size
                .map_or_else(|| "-".to_owned(), |size| size.to_string());
            let time = entry
                .modified
                .map_or_else(|| "-".to_owned(), |time| time.to_string());
            let mode = entry
                .mode
                .map_or_else(|| "-".to_owned(), |mode| format!("{mode:04o}"));
            format!(
                "{:?} {:?} {size} {time} {mode} {} {} {}",
                entry.kind,
                String::from_utf8_lossy(&entry.name),
                text(&entry.owner),
                text(&entry.group),
                text(&entry.target),
            )
        }
    }
}

fn now() -> CivilTime {
    CivilTime::new(2026, 3, 10).unwrap().at(12, 0, 0).unwrap()
}

#[track_caller]
fn check(line: &str, expected: &str) {
    assert_eq!(
        short(&ListParser::new(now()).line(line.as_bytes())),
        expected
    );
}

#[track_caller]
fn check_mlsx(line: &str, expected: &str) {
    assert_eq!(short(&Mlsx.line(line.as_bytes())), expected);
}

#[test]
fn unix() {
    check(
        "-rw-r--r--    1 1001     1001         1234 Mar 09 10:20 a b",
        "File \"a b\" 1234 2026-03-09T10:20 0644 1001 1001 -",
    );
    check(
        "drwxr-xr-x+  12 ada Domain Users 4096 Dec 31  2019 ...",
        "Dir \"...\" 4096 2019-12-31 0755 ada Domain Users -",
    );
    check(
        "lrwxrwxrwx 1 ada ada 4 Mar 1 10:20 a -> b -> c",
        "Symlink \"a\" 4 2026-03-01T10:20 0777 ada ada b -> c",
    );
    check(
        "-rw-r--r-- 1 ada ada 4 Mar 1 10:20 a -> b",
        "File \"a -> b\" 4 2026-03-01T10:20 0644 ada ada -",
    );
    check(
        "-rw-r--r-- 1 ada ada 4 Mar 1 10:20   two before",
        "File \"  two before\" 4 2026-03-01T10:20 0644 ada ada -",
    );
    check(
        "drwxrwsrwt 1 ada 4 1 mar 2020 x",
        "Dir \"x\" 4 2020-03-01 3777 ada - -",
    );
    check(
        "crw-rw-rw- 1 root root 1,   3 Mar 1 10:20 null",
        "Other \"null\" - 2026-03-01T10:20 0666 root root -",
    );
    check(
        "-rw-r--r-- 1 a b 4 2025-06-07 21:22 x",
        "File \"x\" 4 2025-06-07T21:22 0644 a b -",
    );
    check(
        "-rw-r--r-- 1 a b 4 2025-06-07 21:22:23.123456789 +0200 x y",
        "File \"x y\" 4 2025-06-07T21:22:23 0644 a b -",
    );
    check(
        "-rw-r--r-- 1 a b 4 Mar 1 2007  x",
        "File \"x\" 4 2007-03-01 0644 a b -",
    );
    check(
        "-rw-r--r-- 1 a b 4 Mar  1  2007  x",
        "File \" x\" 4 2007-03-01 0644 a b -",
    );
    check(
        "  63488 1 dr-xr-xr-x 2 204 wheel 512 Feb 25 10:37:05 1999 bin",
        "Dir \"bin\" 512 1999-02-25T10:37:05 0555 204 wheel -",
    );
    check(
        "crw------- 1 root sys 109,767 Jul  2  2004 pci@1c,600000:devctl",
        "Other \"pci@1c,600000:devctl\" - 2004-07-02 0600 root sys -",
    );
    check("total 12", "noise");
    check("", "noise");
    check("ls: cannot open", "unparsed");
    check("-rw-r--r-- 1 a b 4 Foo 1 10:20 x", "unparsed");
}

#[test]
fn years_that_are_not_there() {
    for (date, expected) in [
        ("Mar 10 23:59", "2026-03-10T23:59"),
        ("Mar 11 11:00", "2026-03-11T11:00"),
        ("Mar 12 11:00", "2025-03-12T11:00"),
        ("Dec 31 23:59", "2025-12-31T23:59"),
        ("Feb 29 10:00", "2024-02-29T10:00"),
    ] {
        check(
            &format!("-rw-r--r-- 1 a b 4 {date} x"),
            &format!("File \"x\" 4 {expected} 0644 a b -"),
        );
    }
}

#[test]
fn dos() {
    check(
        "01-16-02  11:14AM       <DIR>          epsgroup",
        "Dir \"epsgroup\" - 2002-01-16T11:14 - - - -",
    );
    check(
        "03-07-2013  12:16AM                  899 a b.xml",
        "File \"a b.xml\" 899 2013-03-07T00:16 - - - -",
    );
    check(
        "2002-09-02  19:06                9,730 x",
        "File \"x\" 9730 2002-09-02T19:06 - - - -",
    );
    check(
        "04-08-14  12:09 PM       1234 x",
        "File \"x\" 1234 2014-04-08T12:09 - - - -",
    );
    check(
        "25-06-07  01:08PM <SYMLINKD> here [C:\\there]",
        "Symlink \"here\" - 2007-06-25T13:08 - - - C:\\there",
    );
    check("04-08-14  03:09PM  OMAR docs", "unparsed");
    check("34-38-14  03:09PM  <DIR> docs", "unparsed");
}

#[test]
fn eplf() {
    check(
        "+i8388621.48594,m825718503,r,s280,up644,\tdjb.html",
        "File \"djb.html\" 280 1996-03-01T22:15:03Z 0644 - - -",
    );
    check(
        "+m825718503,/,\t514",
        "Dir \"514\" - 1996-03-01T22:15:03Z - - - -",
    );
    check("+r,s1", "unparsed");
}

#[test]
fn mlsx() {
    check_mlsx(
        "type=file;size=12;modify=20240102030405;UNIX.mode=0644;UNIX.owner=5; a;b ",
        "File \"a;b \" 12 2024-01-02T03:04:05Z 0644 5 - -",
    );
    check_mlsx(
        "Type=dir;Sizd=4096;UNIX.uid=1;UNIX.ownername=ada;  x",
        "Dir \" x\" 4096 - - ada - -",
    );
    check_mlsx(
        "Type=OS.unix=slink:/a;Perm=; l",
        "Symlink \"l\" - - - - - /a",
    );
    check_mlsx("type=OS.unix=symlink; l", "Symlink \"l\" - - - - - -");
    check_mlsx("type=OS.unix=chr-1/3; null", "Other \"null\" - - - - - -");
    check_mlsx("type=cdir; .", "Dir \".\" - - - - - -");
    check_mlsx("type=dir;/no/blank", "unparsed");
    check_mlsx("Type=dir;Size; x", "unparsed");
    check_mlsx("type=file;size=-1; x", "unparsed");
    check_mlsx("type=file; ", "unparsed");
}

#[test]
fn the_folder_itself_is_told() {
    let special = |line: &str| match Mlsx.line(line.as_bytes()) {
        Line::Entry(entry) => entry.special,
        _ => None,
    };
    assert_eq!(special("type=cdir; /home"), Some(Special::Current));
    assert_eq!(special("type=pdir; /"), Some(Special::Parent));
    assert_eq!(special("type=dir; .."), Some(Special::Parent));
    assert_eq!(special("type=dir; ..."), None);
}

#[test]
fn mlst_replies() {
    for lines in [
        ["250-Listing", " type=file;size=3; /a b", "250 End"],
        ["250-Listing", "type=file;size=3; /a b", "250 End"],
        ["250-Listing", "250-type=file;size=3; /a b", "250 End"],
    ] {
        let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        let entry = Mlsx
            .reply(&crate::Reply::from_lines(lines).unwrap())
            .unwrap();
        assert_eq!((entry.name.as_slice(), entry.size), (&b"/a b"[..], Some(3)));
    }
    let reply = crate::Reply::from_lines(vec![b"250 none".to_vec()]).unwrap();
    assert!(Mlsx.reply(&reply).is_none());
}

#[test]
fn lines_that_are_too_long_stop_the_listing() {
    let mut splitter = LineSplitter::new(3);
    let mut lines = Vec::new();
    assert!(splitter.push(b"abc\nab\r\n", &mut |line| lines.push(line)));
    assert!(!splitter.push(b"abcd", &mut |line| lines.push(line)));
    assert!(!splitter.push(b"\nab\n", &mut |line| lines.push(line)));
    assert_eq!(lines, [b"abc".to_vec(), b"ab".to_vec()]);
}

proptest! {
    #[test]
    fn no_panic(line in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = ListParser::new(now()).line(&line);
        let _ = Mlsx.line(&line);
    }

    #[test]
    fn nearly_a_line(line in "[-dl][-rwxsS]{9} {1,2}[0-9,]{0,3} [a-z ]{0,6}[0-9,]{1,4} (Mar|Feb|1|2024-1-2) {0,3}[0-9:]{1,5} ?[0-9:]{0,5} ?.{0,6}") {
        let _ = ListParser::new(now()).line(line.as_bytes());
    }

    #[test]
    fn any_name_survives_a_unix_line(name in "[^\\r\\n\\x00/]{1,20}") {
        let line = format!("-rw-r--r-- 1 a b 4 Mar 1 10:20 {name}");
        let Line::Entry(entry) = ListParser::new(now()).line(line.as_bytes()) else { panic!("{line:?}") };
        prop_assert_eq!(entry.name, name.as_bytes());
    }

    #[test]
    fn any_split_gives_the_same_lines(text in "[ab\\r\\n]{0,30}", cut in 0usize..30) {
        let split = |chunks: &[&[u8]]| {
            let mut splitter = LineSplitter::new(100);
            let mut lines = Vec::new();
            for chunk in chunks {
                assert!(splitter.push(chunk, &mut |line| lines.push(line)));
            }
            lines.extend(splitter.finish());
            lines
        };
        let cut = cut.min(text.len());
        let (a, b) = text.as_bytes().split_at(cut);
        prop_assert_eq!(split(&[a, b]), split(&[text.as_bytes()]));
    }
}
