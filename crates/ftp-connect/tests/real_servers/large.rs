//! Files over 4 GiB: sizes and offsets that do not fit in 32 bits.
//!
//! The files are sparse, with marks where a count that wraps would miss them. Whole ones go over the network
//! in the clear only: what a build for debugging takes to encrypt 4 GiB says nothing. Nothing of the size is kept.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::time::Instant;

use ftp_connect::{
    ConnectParams, Disposition, ReadOptions, RemotePath, Session, SessionExt as _, StatOptions,
    WriteOptions,
};
use ftp_connect_testkit::lab::{Lab, LabServer};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::ways::{params, ways};

const FOUR_GIB: u64 = 1 << 32;

/// A little more than what 32 bits count.
const SIZE: u64 = FOUR_GIB + (1 << 20) + 123;

/// Where the marks are: at the start, across 4 GiB, at the end.
const MARKS: [u64; 3] = [0, FOUR_GIB - 4, SIZE - 8];
const MARK: &[u8; 8] = b"<-mark->";

/// A sparse file in the folder of a server, removed when dropped.
struct Sparse(PathBuf);

impl Sparse {
    fn new(server: &LabServer, name: &str) -> Self {
        let file = server.root.join(name);
        let made = File::create(&file).unwrap();
        made.set_len(SIZE).unwrap();
        for at in MARKS {
            made.write_all_at(MARK, at).unwrap();
        }
        let owner = fs::metadata(&server.root).unwrap();
        std::os::unix::fs::chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
        Self(file)
    }
}

impl Drop for Sparse {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Reads from an offset to the end; says how many bytes came, and checks the marks among them.
async fn read_from(session: &mut dyn Session, path: &RemotePath, offset: u64) -> u64 {
    let options = ReadOptions::default().with_offset(offset);
    let mut body = session.read(path, options).await.unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut at = offset;
    loop {
        let count = body.read(&mut buffer).await.unwrap();
        if count == 0 {
            break;
        }
        for (index, expected) in MARK.iter().enumerate() {
            for mark in MARKS {
                let position = mark + index as u64;
                if (at..at + count as u64).contains(&position) {
                    assert_eq!(buffer[(position - at) as usize], *expected, "at {position}");
                }
            }
        }
        at += count as u64;
    }
    let transferred = body.finish().await.unwrap();
    assert!(transferred.to_end);
    assert_eq!(transferred.bytes, at - offset);
    at - offset
}

#[tokio::test]
async fn over_4_gib_every_server_tells_sizes_and_resumes_both_ways() {
    let lab = Lab::from_env();
    let path = RemotePath::new("over 4 GiB").unwrap();
    for server in &lab.servers {
        let sparse = Sparse::new(server, "over 4 GiB");
        // One mode is as good as another for this: the last way of each backend.
        let ways = ways(&lab, server);
        let chosen = ways.chunk_by(|one, next| one.backend == next.backend);
        for way in chosen.filter_map(|ways| ways.last()) {
            let name = format!("{} {}", server.name, way.word());
            let mut session = ftp_connect::connect(&way.params).await.expect(&name);
            let size = fs::metadata(&sparse.0).unwrap().len();
            let entry = session.stat(&path, StatOptions::default()).await.unwrap();
            assert_eq!(entry.size, Some(size), "{name}");
            let offset = FOUR_GIB - 4;
            let read = read_from(&mut *session, &path, offset).await;
            assert_eq!(read, size - offset, "{name}");
            let read = read_from(&mut *session, &path, FOUR_GIB + 5000).await;
            assert_eq!(read, size - FOUR_GIB - 5000, "{name}");

            let options = WriteOptions::default().with_disposition(Disposition::Resume(size));
            let more = name.as_bytes();
            session.write_all(&path, more, options).await.expect(&name);
            let file = File::open(&sparse.0).unwrap();
            let mut end = vec![0; more.len()];
            file.read_exact_at(&mut end, size).unwrap();
            assert_eq!(end, more, "{name}");
            assert_eq!(file.metadata().unwrap().len(), size + more.len() as u64);
            session.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn over_4_gib_a_whole_file_comes_and_goes() {
    let lab = Lab::from_env();
    let mut report = String::from("large: a whole file over 4 GiB, in the clear\n");
    let path = RemotePath::new("whole").unwrap();
    for name in ["vsftpd-plain", "proftpd-plain"] {
        let server = lab.server(name);
        let _sparse = Sparse::new(server, "whole");
        let mut session = ftp_connect::connect(&params(&lab, server)).await.unwrap();
        let begun = Instant::now();
        assert_eq!(read_from(&mut *session, &path, 0).await, SIZE, "{name}");
        let _ = writeln!(report, "{name}: down in {:.1?}", begun.elapsed());
        session.close().await.unwrap();
    }

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sink = tokio::spawn(sink(listener));
    let (params, _) = ConnectParams::from_url(&format!("ftp://u@{address}")).unwrap();
    let mut session = ftp_connect::connect(&params.with_password("p"))
        .await
        .unwrap();
    let begun = Instant::now();
    let mut body = session.write(&path, WriteOptions::default()).await.unwrap();
    let content = vec![0; 1 << 20];
    let mut left = SIZE;
    while left > 0 {
        let part = &content[..left.min(content.len() as u64) as usize];
        left -= body.write(part).await.unwrap() as u64;
    }
    // The size that the sink tells is compared there.
    assert_eq!(body.finish().await.unwrap().bytes, SIZE);
    let _ = writeln!(report, "a sink: up in {:.1?}", begun.elapsed());
    session.close().await.unwrap();
    assert_eq!(sink.await.unwrap(), SIZE);
    Lab::leave("large", &report);
    println!("{report}");
}

/// A server that throws away what it is sent and counts it: no real one can be had to keep nothing.
async fn sink(listener: TcpListener) -> u64 {
    let (tcp, _) = listener.accept().await.unwrap();
    let (reading, mut writing) = tcp.into_split();
    let mut lines = BufReader::new(reading).lines();
    writing.write_all(b"220 sink\r\n").await.unwrap();
    let mut data = None;
    let mut count = 0;
    while let Some(line) = lines.next_line().await.unwrap() {
        let answer = match line.split(' ').next().unwrap_or_default() {
            "USER" => "331 and the password".to_owned(),
            "PASS" => "230 in".to_owned(),
            "FEAT" => "211-these\r\n SIZE\r\n211 end".to_owned(),
            "PWD" => "257 \"/\"".to_owned(),
            "TYPE" => "200 as you like".to_owned(),
            "EPSV" => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let port = listener.local_addr().unwrap().port();
                data = Some(listener);
                format!("229 here (|||{port}|)")
            }
            "STOR" => {
                writing.write_all(b"150 go\r\n").await.unwrap();
                let (tcp, _) = data.take().unwrap().accept().await.unwrap();
                count += swallowed(tcp).await;
                "226 gone".to_owned()
            }
            "SIZE" => format!("213 {count}"),
            "QUIT" => "221 bye".to_owned(),
            _ => "502 no".to_owned(),
        };
        writing
            .write_all(format!("{answer}\r\n").as_bytes())
            .await
            .unwrap();
    }
    count
}

async fn swallowed(mut tcp: TcpStream) -> u64 {
    let mut buffer = vec![0; 1 << 20];
    let mut count = 0;
    loop {
        match tcp.read(&mut buffer).await.unwrap() {
            0 => return count,
            read => count += read as u64,
        }
    }
}
