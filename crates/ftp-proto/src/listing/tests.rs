//! What the tables of listings share, MLSx lines, and properties.

mod families;
mod servers;
mod unix;

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

/// All lines of one listing.
fn read(lines: &[&[u8]]) -> Vec<Line> {
    let mut parser = ListParser::new(now());
    let mut read = Vec::new();
    for line in lines {
        parser.line(line, &mut |line| read.push(line));
    }
    parser.finish(&mut |line| read.push(line));
    read
}

#[track_caller]
fn check(line: &str, expected: &str) {
    let read: Vec<_> = read(&[line.as_bytes()]).iter().map(short).collect();
    assert_eq!(read, [expected]);
}

/// A listing of several lines; noise is left out.
#[track_caller]
fn check_listing(lines: &[&str], expected: &[&str]) {
    let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
    let read = read(&lines);
    let read = read.iter().filter(|line| **line != Line::Noise);
    assert_eq!(read.map(short).collect::<Vec<_>>(), expected);
}

#[track_caller]
fn check_mlsx(line: &str, expected: &str) {
    assert_eq!(short(&Mlsx.line(line.as_bytes())), expected);
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

/// How many bytes of its line a line holds.
fn held(line: &Line) -> usize {
    match line {
        Line::Noise => 0,
        Line::Unparsed(line) => line.len(),
        Line::Entry(entry) => {
            let parts = [&entry.owner, &entry.group, &entry.target];
            entry.name.len() + parts.into_iter().flatten().map(Vec::len).sum::<usize>()
        }
    }
}

/// A word that some family looks for, and blanks after it.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "drwxr-xr-x",
        "-",
        "d",
        "[RWCEAFMS]",
        "1",
        "12",
        "2005",
        "99999999999999999999",
        "1/3",
        "12,",
        "Jan",
        "3月",
        "2.",
        "10:20",
        "10:20:30",
        "9:45pm",
        "pm",
        "2005-06-07",
        "06/07/05",
        "01-JUN-1999",
        "jun-1-1999",
        "<DIR>",
        "A.TXT;1",
        "*FILE",
        "[A,B]",
        "(RWED,,)",
        "Migrated",
        "3390",
        "PO",
        "01.03",
        "V",
        "DIR",
        "name",
        "->",
        "+r,s5,	",
        "type=dir;",
        "'a'",
        "<b>",
        "16W",
        "Directory",
        "a:[b]",
        "PS:<A>",
        ".",
        "é",
    ];
    (0..words.len(), 1usize..3)
        .prop_map(move |(word, blanks)| words[word].to_owned() + &" ".repeat(blanks))
}

#[test]
fn a_hundred_thousand_names_leave_nothing_behind() {
    let mut parser = ListParser::new(now());
    let mut entries = 0;
    for number in 0..100_000 {
        let line = format!("-rw-r--r-- 1 a b 4 Mar 1 2007  file-{number}");
        parser.line(line.as_bytes(), &mut |line| {
            entries += u32::from(matches!(line, Line::Entry(_)))
        });
    }
    assert_eq!(entries, 100_000);
    // What is shown is all that is held.
    assert!(format!("{parser:?}").len() < 1000);
}

proptest! {
    #[test]
    fn no_panic(line in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = read(&[&line]);
        let _ = Mlsx.line(&line);
    }

    #[test]
    fn nearly_a_line(line in "[-dl][-rwxsS]{9} {1,2}[0-9,]{0,3} [a-z ]{0,6}[0-9,]{1,4} (Mar|Feb|1|2024-1-2) {0,3}[0-9:]{1,5} ?[0-9:]{0,5} ?.{0,6}") {
        let _ = read(&[line.as_bytes()]);
    }

    #[test]
    fn words_of_all_families_in_any_order(words in proptest::collection::vec(word(), 1..12)) {
        let line = words.concat();
        let read = read(&[line.as_bytes(), line.as_bytes()]);
        let held: usize = read.iter().map(held).sum();
        prop_assert!(held <= 4 * line.len(), "{read:?}");
    }

    #[test]
    fn any_name_survives_a_unix_line(name in "[^\\r\\n\\x00/]{1,20}") {
        let line = format!("-rw-r--r-- 1 a b 4 Mar 1 10:20 {name}");
        let read = read(&[line.as_bytes()]);
        let [Line::Entry(entry)] = read.as_slice() else { panic!("{read:?}") };
        prop_assert_eq!(&entry.name, name.as_bytes());
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
