//! Lines in the manner of `ls`, and of the classic Mac OS.

use super::*;

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
fn unix_dates() {
    for (date, expected) in [
        ("8 Mar 2012", "2012-03-08"),
        ("08. Mär. 2012", "2012-03-08"),
        ("26. Juli, 20:10", "2025-07-26T20:10"),
        ("Oct 08, 2002 09:47", "2002-10-08T09:47"),
        ("Oct 14,  99 8:45 pm", "1999-10-14T20:45"),
        ("Jun 17 93 12:22", "1993-06-17T12:22"),
        ("Thu Dec  1 10:11:12 2005", "2005-12-01T10:11:12"),
        ("Jan 21 09.17", "2026-01-21T09:17"),
        ("01-jun-99", "1999-06-01"),
        ("24-04-2003 17:12", "2003-04-24T17:12"),
        ("2004.07.15  ", "2004-07-15"),
        ("09-26 2000", "2000-09-26"),
        ("09-26 13:45", "2025-09-26T13:45"),
        ("3 29 03:26", "2025-03-29T03:26"),
        ("3月 2 15:13", "2026-03-02T15:13"),
        ("6月 3日 2003年", "2003-06-03"),
        ("2005년  1월  6일", "2005-01-06"),
        ("2012-02-07 00:31:02.000000000 +0100", "2012-02-07T00:31:02"),
    ] {
        check(
            &format!("-rw-r--r--   1 root     other        531 {date} 1 a"),
            &format!("File \"1 a\" 531 {expected} 0644 root other -"),
        );
    }
    for date in [
        "2012-30-07 00:31",
        "Feb 30 2012",
        "Foo 1 2012",
        "Sep 13 0:3",
        "Jan 1 209",
    ] {
        check(&format!("-rw-r--r-- 1 root other 531 {date} a"), "unparsed");
    }
}

#[test]
fn unix_columns() {
    let ends = |columns: &str, expected: &str| {
        check(
            &format!("{columns} Mar  9 10:20 a"),
            &format!("{expected} -"),
        );
    };
    // SunOS without an owner, others without a group.
    ends(
        "drwxr-xr-x   2   200           512",
        "Dir \"a\" 512 2026-03-09T10:20 0755 - 200",
    );
    ends(
        "-rw-r--r--   1 X.Org         91",
        "File \"a\" 91 2026-03-09T10:20 0644 X.Org -",
    );
    ends(
        "dr-xr-xr-x   512",
        "Dir \"a\" 512 2026-03-09T10:20 0555 - -",
    );
    ends(
        "drwx--l---   2 john smith     test group     512",
        "Dir \"a\" 512 2026-03-09T10:20 2700 john smith test group",
    );
    ends(
        "-rw-------  1 abc staff  AR  common  786432",
        "File \"a\" 786432 2026-03-09T10:20 0600 abc staff",
    );
    ends(
        "drwx------+111 mi       public       198",
        "Dir \"a\" 198 2026-03-09T10:20 0700 mi public",
    );
    ends(
        "-r-xr-xr-x longowner longgroup123456",
        "File \"a\" 123456 2026-03-09T10:20 0555 longowner longgroup",
    );
    ends(
        "-rw-r--r--   1 root     other  33.5k",
        "File \"a\" 34304 2026-03-09T10:20 0644 root other",
    );
    ends(
        "-rw-r--r--   1 root     other  -528",
        "File \"a\" - 2026-03-09T10:20 0644 root other",
    );
    ends(
        "-rwx---A--  1 user    group         2179",
        "File \"a\" 2179 2026-03-09T10:20 - user group",
    );
    ends(
        "drwxrwx   2       10     4096",
        "Dir \"a\" 4096 2026-03-09T10:20 - - 10",
    );
    check("dxrwr-xr-x 2 root root 4096 Mar  9 10:20 a", "unparsed");
    check("Zrwxrwxrwx 1 root root 4096 Mar  9 10:20 a", "unparsed");
    check(
        "0100644   500  101   12345    123456789       a",
        "File \"a\" 12345 1973-11-29T21:33:09Z 0644 500 101 -",
    );
}

#[test]
fn classic_mac() {
    check(
        "-rw-r--r--    78440       49231   127671 Jul 22  2010 a b.jpg",
        "File \"a b.jpg\" 127671 2010-07-22 0644 - 49231 -",
    );
    check(
        "drwxrwxr-x               folder        2 May 10  1996 network",
        "Dir \"network\" 2 1996-05-10 0775 - - -",
    );
}

#[test]
fn unix_noise() {
    for line in [
        "total 12k",
        "insgesamt 4",
        "итого 12",
        "合計 8",
        ".:",
        "./sub folder:",
        "213-Status follows:",
        "213 End",
    ] {
        check(line, "noise");
    }
    for line in ["total", "total eclipse of the sun", "totally 12"] {
        check(line, if line == "total" { "noise" } else { "unparsed" });
    }
}
