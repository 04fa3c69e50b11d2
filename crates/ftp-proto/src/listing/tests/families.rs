//! Lines of all other families.

use super::*;

#[test]
fn dos() {
    check(
        "01-16-02  11:14AM       <DIR>          epsgroup",
        "Dir \"epsgroup\" 0 2002-01-16T11:14 - - - -",
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
fn dos_names_begin_at_a_column() {
    let names = |lines: &[&[u8]]| {
        let names = read(lines).into_iter().map(|line| match line {
            Line::Entry(entry) => String::from_utf8(entry.name).unwrap(),
            line => format!("{line:?}"),
        });
        names.collect::<Vec<_>>()
    };
    let folder = b"08-23-02  12:12AM       <DIR>           test";
    let file = b"08-09-02  12:12PM               517120 ChangeURL.dll";
    // Alone, the blanks may be the server's way.
    assert_eq!(names(&[folder]), ["test"]);
    assert_eq!(names(&[file, folder]), ["ChangeURL.dll", " test"]);
}

#[test]
fn name_first() {
    check(
        "CMT.CSV             0      Jul 06 1995 14:56   RHA",
        "File \"CMT.CSV\" 0 1995-07-06T14:56 - - - -",
    );
    check(
        "INSTALL         <DIR>           11/16/94        17:17",
        "Dir \"INSTALL\" - 1994-11-16T17:17 - - - -",
    );
    check(
        "bin          <DIR>        06-13-1998  11:40",
        "Dir \"bin\" - 1998-06-13T11:40 - - - -",
    );
    check(
        "prog1    exe     2,563,136 06-10-99  10:00a",
        "File \"prog1.exe\" 2563136 1999-06-10T10:00 - - - -",
    );
    check(
        "ftp.dir/                        0  01-03-2003 12:40",
        "Dir \"ftp.dir\" - 2003-01-03T12:40 - - - -",
    );
    check(
        "wf-file       1014196  06/03/04  Thur.   10:20:03",
        "File \"wf-file\" 1014196 2004-06-03T10:20:03 - - - -",
    );
    let two =
        read(&[b"alias               806  0:12 10/25/93   arc/                     0:33  1/01/80"]);
    assert_eq!(
        two.iter().map(short).collect::<Vec<_>>(),
        [
            "File \"alias\" 806 1993-10-25T00:12 - - - -",
            "Dir \"arc\" - 1980-01-01T00:33 - - - -"
        ]
    );
    check("The first 8 are of 11-16-94 17:16 and so on", "unparsed");
}

#[test]
fn vms() {
    check_listing(
        &[
            "Directory SYS$SYSDEVICE:[ANONYMOUS]",
            "",
            "README.TXT;4             2/16         12-MAR-2005 08:44:57  [GROUP,OWNER]  (RWED,RWED,RE,RE)",
            "README.TXT;3             1/16         11-MAR-2005 08:44:57  [OWNER]  (RWED,RWED,RE,RE)",
            "MAIL_ARCHIVES.DIR;1",
            "                           1  13-DEC-2005 08:45:27.56",
            "A-NAME-WITHOUT-A.VERSION",
            "                           1  13-DEC-2005 08:45",
            "AUTOEXEC.BAT;1      %RMS-E-PRV, insufficient privilege or file protection violation",
            "LARGE.;2 ******  6-MAY-2008 09:29 [A,B] (RE,RWED,RE,RE)",
            "alternate;1   [SUMMARY]    1/3     2-AUG-2006 13:05  (RWE,RWE,RE,)",
            "LOST.TXT;1",
            "Total of 3 blocks in 2 files.",
        ],
        &[
            "File \"README.TXT\" 1024 2005-03-12T08:44:57 - OWNER GROUP -",
            "File \"README.TXT;3\" 512 2005-03-11T08:44:57 - OWNER - -",
            "Dir \"MAIL_ARCHIVES\" 512 2005-12-13T08:45:27 - - - -",
            "File \"A-NAME-WITHOUT-A.VERSION\" 512 2005-12-13T08:45 - - - -",
            "File \"AUTOEXEC.BAT;1\" - - - - - -",
            "File \"LARGE.\" - 2008-05-06T09:29 - B A -",
            "File \"alternate\" 512 2006-08-02T13:05 - SUMMARY - -",
            "unparsed",
        ],
    );
    check_listing(&["LOST.TXT;1"], &["unparsed"]);
    for line in [
        "README.TXT;1 garbage 18-APR-2000 10:40:39",
        "README.TXT 2 18-APR-2000 10:40:39",
        "README.TXT;1 2 18-APR-2000 10",
        "README.TXT;1 2 18-APR 10:40:39",
    ] {
        check(line, "unparsed");
    }
}

#[test]
fn mvs() {
    check_listing(
        &[
            "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname",
            "WRKLB2 3380   1997/07/09  4    7 F       80    80  PO  TEST.PDS",
            "SBOX02 3390   **NONE**    1    1  FB      80 27920  PS  'A.B'",
            "WTLSTG 3380K  05/13/96  1    1  VB     136 23476  PS  PRINT",
            "Migrated                                              MSDOS.ALIAS.CMD",
            "Pseudo Directory                                      ISPF",
            "ARCIVE Not Direct Access Device KJ.ERROR",
            "V43525 Tape                                           A.TAPE",
            "something else entirely",
        ],
        &[
            "Dir \"TEST.PDS\" - 1997-07-09 - - - -",
            "File \"A.B\" - - - - - -",
            "File \"PRINT\" - 1996-05-13 - - - -",
            "File \"MSDOS.ALIAS.CMD\" - - - - - -",
            "Dir \"ISPF\" - - - - - -",
            "File \"KJ.ERROR\" - - - - - -",
            "File \"A.TAPE\" - - - - - -",
            "unparsed",
        ],
    );
    check_listing(
        &[
            " Name     VV.MM   Created       Changed      Size  Init   Mod   Id",
            "SAVE03    01.03 2002/09/12 2002/10/11 09:37    11    11     0 KIL001",
            "SAVE04",
        ],
        &[
            "File \"SAVE03\" - 2002-10-11T09:37 - - - -",
            "File \"SAVE04\" - - - - - -",
        ],
    );
    check_listing(
        &[
            "JOBNAME  JOBID    OWNER    STATUS CLASS",
            "ASCHINT  STC00968 IBMUSER  ACTIVE STC",
            "--------",
            "         STEPNAME ++++++++ PROCNAME ASCHINT",
        ],
        &["File \"STC00968\" - - - IBMUSER - -"],
    );
    check(
        "MYJOB     JOB26494  OUTPUT    5 Spool Files",
        "File \"JOB26494\" - - - MYJOB - -",
    );
}

#[test]
fn os400() {
    check_listing(
        &[
            "PEP             36864 04/03/24 14:06:34 *DIR       dir1/",
            "QSYS            77824 02/23/00 15:09:55 *FILE a b",
            // The order of dates is known now.
            "PEP              6409 04/03/24 14:06:29 *STMF      build.xml",
            "QPGMR                                   *MEM       A.FILE/B.MBR",
            "ZFTPDEV 9069 05/20/15 15:36:52 *STMF /DRV/A/B.PDF",
        ],
        &[
            "Dir \"dir1\" 36864 2004-03-24T14:06:34 - PEP - -",
            "File \"a b\" 77824 2000-02-23T15:09:55 - QSYS - -",
            "File \"build.xml\" 6409 2024-04-03T14:06:29 - PEP - -",
            "File \"A.FILE/B.MBR\" - - - QPGMR - -",
            "File \"B.PDF\" 9069 2015-05-20T15:36:52 - ZFTPDEV - -",
        ],
    );
    check(
        "QPGMR           36864 18.09.06 14:21:26 *FILE A.FILE",
        "File \"A.FILE\" 36864 2006-09-18T14:21:26 - QPGMR - -",
    );
    check("QPGMR          135168    03/24 13:18:19 *FILE", "unparsed");
}

#[test]
fn netware() {
    check(
        "d [R----F--] supervisor            512       Jan 16 18:53    login",
        "Dir \"login\" 512 2026-01-16T18:53 - supervisor - -",
    );
    check(
        "-[R----F-]  1 raj        985227 Jun 06  1995 spedcmdr.arj",
        "File \"spedcmdr.arj\" 985227 1995-06-06 - raj - -",
    );
    check(
        "-[RWCEAFMS]  supervisor 349  Oct 20, 99 10:31 pm file",
        "File \"file\" 349 1999-10-20T22:31 - supervisor - -",
    );
    check("d [XGARBAGE] supervisor 512 Jan 16 18:53 login", "unparsed");
}

#[test]
fn os2() {
    check(
        "     0 DIR       02-11-103  16:15  a b",
        "Dir \"a b\" 0 2003-02-11T16:15 - - - -",
    );
    check(
        " 36611      A    04-23-103  10:57  c",
        "File \"c\" 36611 2003-04-23T10:57 - - - -",
    );
    check("      0           DIR   13-05-97   25:49  MPTN", "unparsed");
}

#[test]
fn tandem() {
    check_listing(
        &[
            "File         Code             EOF  Last Modification    Owner  RWEP",
            "AUTOB        1000            63488 12-Mar-03 15:11:49 155, 76 \"nunu\"",
        ],
        &["File \"AUTOB\" 63488 2003-03-12T15:11:49 - 76 155 -"],
    );
}

#[test]
fn sterling() {
    check(
        "-C--E-----FTP B BCC3I1       7670  1294495 Jan 13 07:42 ConEnt file",
        "File \"ConEnt file\" 1294495 2026-01-13T07:42 - BCC3I1 7670 -",
    );
    check(
        "solution 00003603 00124000 <POST1202.P1182069.L>+ 030925-1548  A RT      TCP BIN",
        "File \"POST1202.P1182069.L\" 124000 2003-09-25T15:48 - solution - -",
    );
    check(
        "-D 2 T VB  00244 18000 FTPGDG!PSR$TST.GDG.TSTGDG0(+01)",
        "File \"FTPGDG!PSR$TST.GDG.TSTGDG0(+01)\" - - - - - -",
    );
    check("Total Number of batches listed: 14", "noise");
}

#[test]
fn vm() {
    check(
        "ARCHIE   EXEC     V         94        307          2  3/25/94  9:09:08 ANON",
        "File \"ARCHIE.EXEC\" 8192 1994-03-25T09:09:08 - ANON - -",
    );
    check(
        "ABADY2K  DATE      A0 V      1      1      1       1/03/100  10:11:12",
        "File \"ABADY2K.DATE\" 1 2000-01-03T10:11:12 - - - -",
    );
    check(
        "JIMTEST           DIR        -          -          -  4/12/94  9:16:01 -",
        "Dir \"JIMTEST\" - 1994-04-12T09:16:01 - - - -",
    );
    check(
        "05/20/2000 13:38:19   F        1          65758 'bfsline.cpy'",
        "File \"bfsline.cpy\" 65758 2000-05-20T13:38:19 - - - -",
    );
    check(
        "PROD       <Sub Library>        6259      85,306   98/04/01   18:48",
        "Dir \"PROD\" - 1998-04-01T18:48 - - - -",
    );
    check(
        "CICS.CSD                   97/11/25   12:00       854000  K",
        "File \"CICS.CSD\" 854000 1997-11-25T12:00 - - - -",
    );
    check(
        "VSE3270.00117.00    48502           0             0   3 L",
        "File \"VSE3270.00117.00\" 48502 - - - - -",
    );
}

#[test]
fn devices_and_single_servers() {
    check(
        "20.20 07/03/29 1026 d-ewrewr 2650 85920 51-OS-9 dir",
        "Dir \"51-OS-9 dir\" 85920 2007-03-29T10:26 - 20.20 - -",
    );
    check(
        " A0000   A0B7F     2882   ECE221.CGI",
        "File \"ECE221.CGI\" 2882 - - - - -",
    );
    check(
        "2048    Feb-28-1998  05:23:30   a dir <DIR>",
        "Dir \"a dir\" 2048 1998-02-28T05:23:30 - - - -",
    );
    check(
        "0  Dec 12, 2002 02:13 a dir/",
        "Dir \"a dir\" 0 2002-12-12T02:13 - - - -",
    );
    check(
        "d-a--        10134        Apr 19       11-27      test.exe",
        "Dir \"test.exe\" 10134 2025-04-19T11:27 - - - -",
    );
}

#[test]
fn mainframes() {
    check(
        "d s -----0 SEPT         SYSADMIN         JUN 10, 1997 SLIB",
        "Dir \"SLIB\" - 1997-06-10 - SYSADMIN - -",
    );
    check(
        "- rwx rwx ---     1076480 02/24/98 09:54:17  ftptest1      1meg",
        "File \"1meg\" 1076480 1998-02-24T09:54:17 - ftptest1 - -",
    );
    check(
        "A/B                     SEQDATA    84 06/09/1998  12:03",
        "File \"A/B\" 84 1998-06-09T12:03 - - - -",
    );
    check(
        "PUB\\                   <DIR>      2K 0000000 24SEP96 14:30 $PUB000            0",
        "Dir \"PUB\" - 1996-09-24T14:30 - - - -",
    );
    check(
        "           16W  HBD          0   67107839   1       32  1  *  apache/",
        "Dir \"apache\" - - - - - -",
    );
    check(
        " w     10  fix-4096  04-11-24 11:29:12  fixed",
        "File \"fixed\" 40960 2004-11-24T11:29:12 - - - -",
    );
    check(
        "04-11-24 11:30:51  seq ->  %vse1#m11_mas>Stratus>seq",
        "Symlink \"seq\" - 2004-11-24T11:30:51 - - - %vse1#m11_mas>Stratus>seq",
    );
}

#[test]
fn bare_forms_are_believed_at_the_beginning_only() {
    check_listing(
        &["PS:<ANONYMOUS>", "LETTER.TXT.1"],
        &["File \"LETTER.TXT.1\" - - - - - -"],
    );
    check_listing(
        &[
            "      110663.dsk    520        ascis .mod      2",
            "Directory [du3:*.*] / 2 Files / 522 Blocks",
        ],
        &[
            "Dir \"110663\" - - - - - -",
            "File \"ascis .mod\" - - - - - -",
        ],
    );
    check_listing(
        &[
            "README              763  Feb  3 18:21  Information about this server",
            "pub/                  =  Public area",
            "morgan               14  -> ../real/morgan",
            "TIMIT.mostlikely.Z",
            "                  79215  Jan  4  6:45",
        ],
        &[
            "File \"README\" 763 2026-02-03T18:21 - - - -",
            "Dir \"pub\" - - - - - -",
            "Symlink \"morgan\" 14 - - - - ../real/morgan",
            "File \"TIMIT.mostlikely.Z\" 79215 2026-01-04T06:45 - - - -",
        ],
    );
    check_listing(
        &[" .", " ..", " a b"],
        &[
            "Dir \".\" - - - - - -",
            "Dir \"..\" - - - - - -",
            "File \"a b\" - - - - - -",
        ],
    );
    check_listing(
        &["-rw-r--r-- 1 a b 4 Mar 1 2007  x", " .", " ..", " a b"],
        &[
            "File \"x\" 4 2007-03-01 0644 a b -",
            "unparsed",
            "unparsed",
            "unparsed",
        ],
    );
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
