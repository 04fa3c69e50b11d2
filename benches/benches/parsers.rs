//! What a client reads: replies, and listings in their forms. Bytes per second, without any network.

#![allow(missing_docs)] // criterion's macros make public functions

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ftp_connect_ftp_proto::{
    CivilTime, Command, Control, Limits,
    listing::{LineSplitter, ListParser, Mlsx},
};

fn replies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replies");
    let features: String = (0..20).map(|n| format!(" FEATURE {n}\r\n")).collect();
    for (name, reply) in [
        ("one line", "226 Transfer complete.\r\n".to_owned()),
        (
            "many lines",
            format!("211-Features:\r\n{features}211 End\r\n"),
        ),
    ] {
        group.throughput(Throughput::Bytes(reply.len() as u64));
        group.bench_function(name, |bencher| {
            let mut control = Control::new(Limits::default());
            let noop = Command::new("NOOP");
            bencher.iter(|| {
                control.send(&noop);
                control.written(control.output().len());
                control.received(reply.as_bytes());
                black_box(control.next_reply().expect("a reply").expect("whole"))
            });
        });
    }
    group.finish();
}

fn listings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a listing of 100,000");
    group.sample_size(10);
    let now = CivilTime::from_unix(1_700_000_000).expect("a time");
    let unix =
        |n: usize| format!("-rw-r--r--   1 ada  staff  {n:>8} Jan 15 11:40 file-{n:06}.dat\r\n");
    let dos = |n: usize| format!("01-15-24  11:40AM       {n:>12} file-{n:06}.dat\r\n");
    let mlsd = |n: usize| {
        format!("type=file;size={n};modify=20240115114001;UNIX.mode=0644; file-{n:06}.dat\r\n")
    };
    let texts: [(&str, String); 3] = [
        ("unix", (0..ENTRIES).map(unix).collect()),
        ("dos", (0..ENTRIES).map(dos).collect()),
        ("mlsd", (0..ENTRIES).map(mlsd).collect()),
    ];
    for (name, text) in &texts {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let mut splitter = LineSplitter::new(64 * 1024);
                let mut parser = ListParser::new(now);
                let mut found = 0;
                for piece in text.as_bytes().chunks(16 * 1024) {
                    let fits = splitter.push(piece, &mut |line| match *name {
                        "mlsd" => {
                            black_box(Mlsx.line(&line));
                            found += 1;
                        }
                        _ => parser.line(&line, &mut |line| {
                            black_box(line);
                            found += 1;
                        }),
                    });
                    assert!(fits, "a line is too long");
                }
                parser.finish(&mut |_| {});
                assert!(found >= ENTRIES, "{found}");
            });
        });
    }
    group.finish();
}

const ENTRIES: usize = 100_000;

criterion_group!(benches, replies, listings);
criterion_main!(benches);
