//! The four ways to a data connection, each tried alone.

use ftp_connect_core::{ConnectParams, DataMethod, Error, ErrorKind, Mode};

use crate::examine::{Examination, Listed};
use crate::{Cause, Check, Finding};

impl Examination<'_> {
    /// Tries each way by listing the folder, and settles on what works; `None` if nothing does.
    pub(crate) async fn data_connections(&mut self) -> Option<()> {
        let mut works = Vec::new();
        let mut failures = Vec::new();
        let mut over_ipv6 = false;
        for method in METHODS {
            let check = Check::Data(method);
            if !is_passive(method) && self.params.proxy().is_some() {
                let summary = "nobody can be listened for behind a proxy";
                self.tell(Finding::skipped(check, summary));
                continue;
            }
            if method == DataMethod::Port && over_ipv6 {
                self.tell(Finding::skipped(check, "PORT cannot name an IPv6 address"));
                continue;
            }
            let listed = self.list(&only(&self.params, method)).await;
            over_ipv6 |= listed.peer.is_some_and(|peer| peer.is_ipv6());
            match &listed.outcome {
                Ok(contents) => {
                    let mut finding = Finding::good(check, format!("works, {}", contents.count()));
                    if let Some(wrong) = wrong_address(&listed) {
                        finding = Finding::note(check, Cause::PassiveAddressWrong, wrong);
                    }
                    self.tell(finding);
                    works.push(method);
                }
                Err(error) if listed.came_about() => {
                    // The data connection is not at fault; listing the folder tells it again at its place.
                    let finding = Finding::good(check, "the connection is made");
                    self.tell(finding.saw(error.to_string()));
                    works.push(method);
                }
                Err(error) => {
                    let cause = cause(method, error);
                    let finding = Finding::note(check, cause, error.to_string());
                    let below = std::error::Error::source(error).map(ToString::to_string);
                    self.tell(finding.saw_all(below).saw_all(wrong_address(&listed)));
                    failures.push(cause);
                }
            }
        }
        self.settle(&works, &failures)
    }

    /// Says which way the parameters come to take, and changes them where theirs is none.
    fn settle(&mut self, works: &[DataMethod], failures: &[Cause]) -> Option<()> {
        let mode = self.params.mode();
        let fits = |method: &&DataMethod| match mode {
            Mode::Dynamic => true,
            Mode::Passive => is_passive(**method),
            Mode::Active => !is_passive(**method),
        };
        let finding = match (works.iter().find(fits), works.first()) {
            (Some(method), _) => Finding::good(
                Check::DataConnections,
                format!("by {method} in mode {mode}"),
            ),
            (None, Some(method)) => {
                let (other, cause) = match is_passive(*method) {
                    true => (Mode::Passive, Cause::ActiveBlocked),
                    false => (Mode::Active, Cause::PassiveBlocked),
                };
                self.params = self.params.clone().with_mode(other);
                let summary = format!("none in mode {mode}; {method} works, in mode {other}");
                Finding::bad(Check::DataConnections, cause, summary)
            }
            (None, None) => {
                let known = [Cause::SessionReuseRequired, Cause::TooManyConnections];
                let known = known.into_iter().find(|cause| failures.contains(cause));
                let cause = known.unwrap_or(Cause::NoDataConnection);
                Finding::bad(Check::DataConnections, cause, "none works")
            }
        };
        self.tell(finding);
        let first = works.first()?;
        // What is refused at once costs a round trip, what is swallowed many seconds: neither is tried again.
        let passive = |method: &&DataMethod| is_passive(**method);
        if self.params.mode() != Mode::Active && *first != DataMethod::Epsv {
            let usable = works
                .iter()
                .filter(|method| self.params.mode() == Mode::Dynamic || passive(method));
            self.params = self.params.clone().with_data_methods(usable.copied());
        }
        Some(())
    }
}

/// These parameters with one way left.
fn only(params: &ConnectParams, method: DataMethod) -> ConnectParams {
    let mode = match is_passive(method) {
        true => Mode::Passive,
        false => Mode::Active,
    };
    params.clone().with_mode(mode).with_data_methods([method])
}

/// An address in the reply to PASV that is not where the server answers. One that answers over IPv6 cannot name
/// its address there (vsftpd then says 0.0.0.0), and nobody is misled by that.
fn wrong_address(listed: &Listed) -> Option<String> {
    let (named, peer) = (listed.named_address?, listed.peer?.to_canonical());
    (named != peer && named.is_ipv4() == peer.is_ipv4()).then(|| {
        format!("the server names {named} for data connections, and answers at {peer}; clients that believe it fail")
    })
}

fn cause(method: DataMethod, error: &Error) -> Cause {
    match (error.kind(), is_passive(method)) {
        (ErrorKind::PassiveAddressUnroutable, _) => Cause::PassiveBlocked,
        // ProFTPD answers PASV over IPv6 with a 227 that has no address.
        (ErrorKind::DataConnectionFailed | ErrorKind::Protocol, true) => Cause::DataMethodRefused,
        (ErrorKind::DataConnectionFailed, false) => Cause::ActiveBlocked,
        _ => Cause::of(error),
    }
}

fn is_passive(method: DataMethod) -> bool {
    matches!(method, DataMethod::Epsv | DataMethod::Pasv)
}

/// In the order in which they are preferred.
const METHODS: [DataMethod; 4] = [
    DataMethod::Epsv,
    DataMethod::Pasv,
    DataMethod::Port,
    DataMethod::Eprt,
];

#[cfg(test)]
mod tests {
    use ftp_connect_core::ErrorKind;

    use super::*;

    #[test]
    fn causes() {
        #[track_caller]
        fn check(method: DataMethod, kind: ErrorKind, expected: Cause) {
            assert_eq!(cause(method, &Error::new(kind)), expected);
        }
        let failed = ErrorKind::DataConnectionFailed;
        check(DataMethod::Epsv, failed.clone(), Cause::DataMethodRefused);
        check(DataMethod::Port, failed, Cause::ActiveBlocked);
        check(
            DataMethod::Pasv,
            ErrorKind::Protocol,
            Cause::DataMethodRefused,
        );
        check(DataMethod::Port, ErrorKind::Protocol, Cause::Other);
        let reuse = ErrorKind::SessionReuseRequired;
        check(DataMethod::Pasv, reuse, Cause::SessionReuseRequired);
    }

    #[test]
    fn addresses_that_mislead() {
        #[track_caller]
        fn check(named: &str, peer: &str, misleads: bool) {
            let address = |text: &str| Some(text.parse().expect("an address"));
            let mut listed = Listed::failed(Error::new(ErrorKind::Closed));
            (listed.named_address, listed.peer) = (address(named), address(peer));
            assert_eq!(wrong_address(&listed).is_some(), misleads, "{named} {peer}");
        }
        check("127.0.0.1", "127.0.0.1", false);
        check("192.0.2.7", "127.0.0.1", true);
        check("0.0.0.0", "127.0.0.1", true);
        // Over IPv6 vsftpd has nothing to name.
        check("0.0.0.0", "::1", false);
        check("127.0.0.1", "::ffff:127.0.0.1", false);
    }
}
