//! How many times the line has to be crossed for each further small file that is uploaded.

use std::fs;

use ftp_connect::{
    ConnectParams, Mode, RemotePath,
    transfer::{FileEvent, LocalFile, Pool, PoolOptions, TransferOptions},
};
use ftp_connect_testkit::peer::Script;

/// Logging in to a server that is known to bear commands together, and the listing of the folder `in`.
const BEFORE: &str = "S: 220 (vsFTPd 3.0.3)\nC: USER ada\nS: 331 go on\nC: PASS pw\nC: PWD\nC: FEAT\nC: OPTS UTF8 ON\nC: TYPE I\n\
    S: 230 in\nS: 257 \"/\"\nS: 211-x\nS:  MDTM\nS:  SIZE\nS: 211 end\nS: 501 what\nS: 200 ok\n\
    C: CWD in\nC: EPSV\nS: 250 in\ndata\nS: 229 ok (|||{port}|)\nC: LIST -a\nS: 150 go\n\
    D> -rw-r--r-- 1 a b 3 Jan 1 2020 0\\r\\n\ndata-close\nS: 226 done\nC: CWD /\nS: 250 back\n\
    C: EPSV\ndata\nS: 229 ok (|||{port}|)\n";

/// Uploads so many files and counts the round trips on the control connection.
async fn round_trips(count: usize, options: TransferOptions) -> usize {
    let here = tempfile::tempdir().unwrap();
    let times = if options.keep_times { 1 } else { 0 };
    let mut script = BEFORE.to_owned();
    let (mut names, mut renamed) = (String::new(), String::new());
    let mut files = Vec::new();
    for number in 0..count {
        let local = here.path().join(number.to_string());
        fs::write(&local, "four").unwrap();
        let remote = RemotePath::new(format!("in/{number}")).unwrap();
        files.push(LocalFile::new(local, remote));
        let part = format!("in/.{number}.ftp-connect-*.part");
        script +=
            &format!("C~ STOR {part}\nS: 150 go\nD< four\ndata-end\nS: 226 done\nC~ SIZE {part}\n");
        // The one that is there leaves its permissions.
        let dressed = times + usize::from(number == 0);
        script += &format!("C~ MDTM * {part}\n").repeat(times);
        script += &format!("C~ SITE CHMOD 644 {part}\n").repeat(dressed - times);
        let (ask, answer) = match number + 1 < count {
            true => ("C: EPSV\ndata\n", "S: 229 ok (|||{port}|)\n"),
            false => ("", ""),
        };
        script += &format!("{ask}S: 213 4\n{}{answer}", "S: 200 ok\n".repeat(dressed));
        names += &format!("C~ RNFR {part}\nC: RNTO in/{number}\n");
        renamed += "S: 350 go\nS: 250 done\n";
    }
    script += &format!("{names}{renamed}C: QUIT\nS: 221 bye\nend\n");
    let peer = Script::parse(&script).unwrap().start().await.unwrap();
    let params = ConnectParams::new(peer.addr().ip().to_string())
        .unwrap()
        .with_port(std::num::NonZeroU16::new(peer.addr().port()))
        .with_username("ada")
        .with_password("pw".to_owned())
        .with_mode(Mode::Passive);
    let pool = Pool::new(ftp_connect::registry(), params, PoolOptions::default());
    let mut ended = 0;
    let mut observe = |event| {
        if let FileEvent::Ended { outcome, .. } = event {
            outcome.unwrap();
            ended += 1;
        }
    };
    pool.upload_files(files, &options, 1, &mut observe)
        .await
        .unwrap();
    assert_eq!(ended, count);
    pool.close().await;
    match peer.finish().await {
        Ok(transcript) => transcript.round_trips(),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn each_further_file_costs_two_and_its_data_connection() {
    let plain = TransferOptions::default();
    let few = round_trips(5, plain.clone()).await;
    assert_eq!(round_trips(25, plain.clone()).await - few, 2 * 20);
    // Times go along.
    assert_eq!(round_trips(5, plain.with_keep_times(true)).await, few);
}
