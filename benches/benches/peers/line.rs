//! A long line: a network namespace for the clients, and a VXLAN tunnel into it through two relays, one for each
//! direction, that hold every packet back. The bandwidth is what the machine gives.
//!
//! ```text
//! servers ─ 10.79.1.1 ═ tunnel A ─ UDP ─► relay in the namespace ─ UDP ─► tunnel B ═ 10.79.1.2 ─ clients
//!                       tunnel A ◄─ UDP ─ relay ◄─ UDP ─────────────────── tunnel B
//! ```
//!
//! Each end of the tunnel sends to the port that it listens on itself, which is why the relays sit on the other's side.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    process::{Child, Command},
    sync::mpsc,
    time::{Duration, Instant},
};

use ftp_connect_benches::process::Outcome;

/// It goes away when it is dropped.
pub(crate) struct Line {
    relays: Vec<Child>,
}

impl Line {
    /// Makes it, with this address at its far end.
    pub(crate) fn new(server: IpAddr, round_trip: Duration) -> Outcome<Self> {
        let mut line = Self { relays: Vec::new() };
        line.clear();
        for words in STEPS {
            step(words)?;
        }
        step(&format!(
            "ip -n {NAMESPACE} route add {server} via 10.79.1.1"
        ))?;
        let half = format!("{}", round_trip.as_secs_f64() * 500.0);
        let me = std::env::current_exe()?;
        let me = me.to_str().ok_or("a path that is not UTF-8")?;
        let there = ["relay", "10.79.2.2:4801", "10.79.2.2:4802", &half];
        let back = ["relay", "10.79.2.1:4802", "10.79.2.1:4801", &half];
        let mut relay = Command::new("ip");
        relay.args(["netns", "exec", NAMESPACE, me]).args(there);
        line.relays.push(relay.spawn()?);
        line.relays.push(Command::new(me).args(back).spawn()?);
        std::thread::sleep(Duration::from_millis(300));
        Ok(line)
    }

    /// The same command at the clients' end.
    pub(crate) fn inside(command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside
            .args(["netns", "exec", NAMESPACE])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                inside.env(name, value);
            }
        }
        inside
    }

    fn clear(&mut self) {
        for mut relay in self.relays.drain(..) {
            let _ = relay.kill();
            let _ = relay.wait();
        }
        for words in [
            "ip link del ftpc-tunnel",
            "ip link del ftpc-outer",
            "ip netns del ftpc-clients",
        ] {
            let _ = step(words);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Holds every packet back for so long.
pub(crate) fn relay(from: SocketAddr, to: SocketAddr, milliseconds: f64) -> Outcome {
    let later = Duration::from_secs_f64(milliseconds / 1000.0);
    let socket = UdpSocket::bind(from)?;
    let sending = socket.try_clone()?;
    let (sender, queue) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        for (due, packet) in queue {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            // What is lost is sent again, as on any line.
            let _ = sending.send_to(&packet, to);
        }
    });
    let mut packet = vec![0; 65536];
    loop {
        let length = socket.recv(&mut packet)?;
        sender.send((Instant::now() + later, packet[..length].to_vec()))?;
    }
}

fn step(words: &str) -> Outcome {
    let mut words = words.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    let output = command.args(words).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}", said.trim()).into())
}

const NAMESPACE: &str = "ftpc-clients";

/// Checksums are made before the tunnel: what a relay reads has left the system for it.
const STEPS: [&str; 15] = [
    "ip netns add ftpc-clients",
    "ip link add ftpc-outer mtu 9000 type veth peer name ftpc-inner mtu 9000 netns ftpc-clients",
    "ip addr add 10.79.2.1/30 dev ftpc-outer",
    "ip link set ftpc-outer up",
    "ip link add ftpc-tunnel mtu 8900 type vxlan id 79 remote 10.79.2.2 dstport 4801 nolearning",
    "ethtool -K ftpc-tunnel tx off",
    "ip addr add 10.79.1.1/30 dev ftpc-tunnel",
    "ip link set ftpc-tunnel up",
    "ip -n ftpc-clients addr add 10.79.2.2/30 dev ftpc-inner",
    "ip -n ftpc-clients link set ftpc-inner up",
    "ip -n ftpc-clients link add ftpc-tunnel mtu 8900 type vxlan id 79 remote 10.79.2.1 dstport 4802 nolearning",
    "ip netns exec ftpc-clients ethtool -K ftpc-tunnel tx off",
    "ip -n ftpc-clients addr add 10.79.1.2/30 dev ftpc-tunnel",
    "ip -n ftpc-clients link set ftpc-tunnel up",
    "ip -n ftpc-clients link set lo up",
];
