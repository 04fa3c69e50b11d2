//! Round trips: how much longer everything takes when the line is longer by 200 ms, in such lines. What else the
//! machine does only ever adds to a time, so that the shortest counts.

use std::time::Duration;

use ftp_connect_benches::process::Outcome;

use super::{
    measure::{Bench, Client, Kind},
    place::Line,
};

impl Bench<'_> {
    /// Connecting, listing, and one more small file of many.
    pub(crate) fn trips(&self, rounds: usize) -> Outcome {
        let source = self.place.folder("some", FILES, 4096)?;
        let password = ["--password", &self.server.password];
        println!(
            "\nRound trips, (t201 - t1) / 200 ms ({rounds} rounds)\n\n\
             | | connect, log in, quit | with a list | one more file of 4 KiB |\n|---|---|---|---|"
        );
        for (name, client, more) in [
            ("ours, password", Client::Ours, &password[..]),
            ("ours, key", Client::Ours, &[]),
            ("OpenSSH sftp, key", Client::OpenSsh, &[]),
            ("ssh2, key", Client::Ssh2, &[]),
        ] {
            let mut seconds = [[0.0; 2]; 3];
            // Both go through the relay, whose own time then falls out.
            for (at, delay) in [1, 1 + LONGER].into_iter().enumerate() {
                let line = Line::new(self.server, delay)?;
                for (row, kind) in [Kind::Connect, Kind::List, Kind::SmallDown]
                    .into_iter()
                    .enumerate()
                {
                    // A peer that waits for each answer takes long, and the noise falls on many files.
                    let once = kind == Kind::SmallDown && client != Client::Ours;
                    let mut shortest = Duration::MAX;
                    for _ in 0..if once { 1 } else { rounds } {
                        let took = self.run(client, kind, &line, &source, more)?;
                        shortest = shortest.min(took.time);
                    }
                    seconds[row][at] = shortest.as_secs_f64();
                }
            }
            let trip = Duration::from_millis(LONGER).as_secs_f64();
            let [connect, list, files] = seconds.map(|[short, long]| (long - short) / trip);
            let more = (files - list) / FILES as f64;
            println!("| {name} | {connect:.1} | {list:.1} | {more:.2} |");
        }
        Ok(())
    }
}

const FILES: usize = 40;
const LONGER: u64 = 200;
