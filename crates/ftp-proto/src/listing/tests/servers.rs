//! How single servers list, named for them.

use super::*;

#[test]
fn vsftpd() {
    check(
        "-rw-r--r--    1 1001     1001            3 Jan 05 10:20 two  blanks ",
        "File \"two  blanks \" 3 2026-01-05T10:20 0644 1001 1001 -",
    );
    check(
        "lrwxrwxrwx    1 0        0               5 Jan 05  2020 link -> a -> b",
        "Symlink \"link\" 5 2020-01-05 0777 0 0 a -> b",
    );
    // A date to come has its year in the place of the time, as an old one has.
    check(
        "-rw-r--r--    1 1001     1001            3 Jan 05  2031 future",
        "File \"future\" 3 2031-01-05 0644 1001 1001 -",
    );
}

#[test]
fn raw_latin_1_passes_vsftpd_proftpd_and_pure_ftpd() {
    let read = read(&[b"-rw-r--r--   1 ada      ada             3 Jan  5 10:20 caf\xe9"]);
    let [Line::Entry(entry)] = read.as_slice() else {
        panic!("{read:?}");
    };
    assert_eq!(entry.name, b"caf\xe9");
}

#[test]
fn proftpd() {
    check_mlsx(
        "modify=20260105102030;perm=adfrw;size=3;type=file;unique=FE01U1;UNIX.group=33;UNIX.groupname=www;UNIX.mode=0644;UNIX.owner=5;UNIX.ownername=ada; a;b=c -> \"d\" ",
        "File \"a;b=c -> \\\"d\\\" \" 3 2026-01-05T10:20:30Z 0644 ada www -",
    );
    check_mlsx(
        "modify=20260105102030;perm=adfrw;size=3;type=OS.unix=symlink;unique=FE01U2; link",
        "Symlink \"link\" 3 2026-01-05T10:20:30Z - - - -",
    );
    check_mlsx(
        "modify=20260105102030;perm=flcdmpe;type=cdir;unique=FE01U3; .",
        "Dir \".\" - 2026-01-05T10:20:30Z - - - -",
    );
}

#[test]
fn pure_ftpd() {
    check_mlsx(
        "type=dir;sizd=4096;modify=20260105102030;UNIX.mode=0755;UNIX.uid=5;UNIX.gid=33;unique=fe01g1;  begins with a blank",
        "Dir \" begins with a blank\" 4096 2026-01-05T10:20:30Z 0755 5 33 -",
    );
}

#[test]
fn pyftpdlib() {
    check_mlsx(
        "type=file;size=3;perm=radfwMT;modify=20260105102030;unique=fe01g2;unix.mode=0644; x",
        "File \"x\" 3 2026-01-05T10:20:30Z 0644 - - -",
    );
    check(
        "-rw-r--r--   1 ada      ada             3 Jan 05 10:20 x",
        "File \"x\" 3 2026-01-05T10:20 0644 ada ada -",
    );
}

#[test]
fn iis() {
    check(
        "01-05-26  10:20PM       <DIR>          Program Files",
        "Dir \"Program Files\" 0 2026-01-05T22:20 - - - -",
    );
    check(
        "01-05-2026  12:20AM                    3  x",
        "File \" x\" 3 2026-01-05T00:20 - - - -",
    );
}

#[test]
fn filezilla_server() {
    check(
        "-rw-r--r-- 1 ftp ftp              3 Jan 05 10:20 x",
        "File \"x\" 3 2026-01-05T10:20 0644 ftp ftp -",
    );
    check_mlsx(
        "type=file;size=3;modify=20260105102030.123;perm=awrfd; x",
        "File \"x\" 3 2026-01-05T10:20:30.123000000Z - - - -",
    );
}
