//! Happy eyeballs (RFC 8305 §5): addresses are tried one after another but not one instead of another.
//!
//! An attempt that has not succeeded after 250 ms is joined by the next; one that failed is replaced at
//! once. The first connection wins and the rest are dropped, which closes them. So a dead IPv6 route
//! costs a quarter of a second instead of the whole deadline.

use std::{
    fmt, future, io,
    net::SocketAddr,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Why an address did not do.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) address: SocketAddr,
    /// `None` if the deadline came first.
    pub(super) cause: Option<io::Error>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Some(cause) => write!(f, "{}: {cause}", self.address),
            None => write!(f, "{}: no answer", self.address),
        }
    }
}

/// Tries the addresses in their order; gives the first connection and its address, or why none came, in
/// the order of the addresses.
pub(super) async fn race<T, F>(
    addresses: &[SocketAddr],
    deadline: Instant,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<(T, SocketAddr), Vec<Failure>>
where
    F: Future<Output = io::Result<T>>,
{
    let mut running: Vec<(SocketAddr, Pin<Box<F>>)> = Vec::new();
    let mut waiting = addresses.iter().copied();
    let mut failures = Vec::new();
    let mut deadline = pin!(sleep_until(deadline));
    loop {
        if let Some(address) = waiting.next() {
            running.push((address, Box::pin(connect(address))));
        }
        if running.is_empty() {
            break;
        }
        let next = Instant::now() + STAGGER;
        tokio::select! {
            biased;
            (address, outcome) = first_of(&mut running) => match outcome {
                Ok(connection) => return Ok((connection, address)),
                Err(cause) => failures.push(Failure { address, cause: Some(cause) }),
            },
            () = &mut deadline => break,
            () = sleep_until(next), if waiting.len() > 0 => {}
        }
    }
    let unanswered = running.iter().map(|(address, _)| *address).chain(waiting);
    failures.extend(unanswered.map(|address| Failure {
        address,
        cause: None,
    }));
    let place = |address| addresses.iter().position(|tried| *tried == address);
    failures.sort_by_key(|failure| place(failure.address));
    Err(failures)
}

/// Waits for the first attempt to end, whichever it is, and takes it out.
async fn first_of<T, F>(running: &mut Vec<(SocketAddr, Pin<Box<F>>)>) -> (SocketAddr, io::Result<T>)
where
    F: Future<Output = io::Result<T>>,
{
    future::poll_fn(|cx| {
        for index in 0..running.len() {
            if let Poll::Ready(outcome) = running[index].1.as_mut().poll(cx) {
                let (address, _) = running.remove(index);
                return Poll::Ready((address, outcome));
            }
        }
        Poll::Pending
    })
    .await
}

/// The connection attempt delay that RFC 8305 §8 recommends.
const STAGGER: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// What becomes of an attempt, and after how many milliseconds; `None` for never.
    type Fate = Option<(u64, bool)>;

    /// Runs a race whose attempts end as `fates` say, on a clock of its own; gives when each attempt
    /// began, and the outcome and its time.
    async fn run(fates: &[Fate]) -> (Vec<u64>, String) {
        let addresses: Vec<SocketAddr> = (1..=fates.len())
            .map(|n| format!("192.0.2.{n}:21").parse().unwrap())
            .collect();
        let begun = RefCell::new(Vec::new());
        let started = Instant::now();
        let now = || u64::try_from(started.elapsed().as_millis()).unwrap();
        let connect = |address: SocketAddr| {
            begun.borrow_mut().push(now());
            let fate = fates[addresses.iter().position(|a| *a == address).unwrap()];
            async move {
                let Some((after, good)) = fate else {
                    return future::pending().await;
                };
                tokio::time::sleep(Duration::from_millis(after)).await;
                if good {
                    Ok(())
                } else {
                    Err(io::Error::from(io::ErrorKind::ConnectionRefused))
                }
            }
        };
        let outcome = match race(&addresses, started + Duration::from_secs(5), connect).await {
            Ok(((), address)) => format!("{address} after {}", now()),
            Err(failures) => {
                let failures: Vec<_> = failures.iter().map(ToString::to_string).collect();
                format!("{} after {}", failures.join("; "), now())
            }
        };
        (begun.into_inner(), outcome)
    }

    #[track_caller]
    fn check(fates: &[Fate], begun: &[u64], outcome: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (seen_begun, seen) = runtime.block_on(run(fates));
        assert_eq!((seen_begun.as_slice(), seen.as_str()), (begun, outcome));
    }

    #[test]
    fn the_first_one_is_given_its_time() {
        check(
            &[Some((200, true)), Some((0, true))],
            &[0],
            "192.0.2.1:21 after 200",
        );
    }

    #[test]
    fn a_slow_one_is_joined_and_may_still_win() {
        check(
            &[None, Some((30, true))],
            &[0, 250],
            "192.0.2.2:21 after 280",
        );
        check(
            &[Some((400, true)), Some((300, true)), None],
            &[0, 250],
            "192.0.2.1:21 after 400",
        );
    }

    #[test]
    fn a_failed_one_is_replaced_at_once() {
        check(
            &[Some((10, false)), Some((20, false)), Some((30, true))],
            &[0, 10, 30],
            "192.0.2.3:21 after 60",
        );
    }

    #[test]
    fn every_cause_is_told_in_order() {
        check(
            &[None, Some((10, false)), Some((1, false))],
            &[0, 250, 260],
            "192.0.2.1:21: no answer; 192.0.2.2:21: connection refused; \
             192.0.2.3:21: connection refused after 5000",
        );
        check(
            &[Some((7, false))],
            &[0],
            "192.0.2.1:21: connection refused after 7",
        );
    }

    #[tokio::test]
    async fn losers_are_closed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let other = "127.0.0.2:1".parse().unwrap();
        // The loser connects and then never ends; the winner begins when it has.
        let connected = tokio::sync::Notify::new();
        let connect = |to: SocketAddr| {
            let connected = &connected;
            async move {
                if to == other {
                    connected.notified().await;
                    return Ok(());
                }
                let stream = tokio::net::TcpStream::connect(to).await?;
                connected.notify_one();
                let () = future::pending().await;
                drop(stream);
                Ok(())
            }
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        let ((), won) = race(&[address, other], deadline, connect).await.unwrap();
        assert_eq!(won, other);
        let (mut loser, _) = listener.accept().await.unwrap();
        let read = tokio::io::AsyncReadExt::read(&mut loser, &mut [0]).await;
        assert_eq!(read.unwrap(), 0);
    }
}
