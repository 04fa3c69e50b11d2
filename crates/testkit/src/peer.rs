//! A peer that plays a script: it knows bytes, not the protocol.
//!
//! Why: embedded servers are well behaved. A client also meets replies cut anywhere, a connection
//! reset in the middle, an address that leads nowhere, a greeting that says goodbye. A script says
//! exactly what the server sends and what the client must send, in order; whatever deviates ends the
//! play with an error that shows the conversation so far.
//!
//! The order in the script is a claim about round trips: a reply that stands behind two `C:` lines is
//! not sent before both have come, so a client that waits for the first reply runs into the
//! deadline. [`Transcript::round_trips`] counts them.
//!
//! ```
//! use ftp_connect_testkit::peer::Script;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let peer = Script::parse(
//!     "
//!     S: 220 hello
//!     C: USER ada
//!     S: 331 password
//!     C~ PASS *
//!     S: 230 welcome
//!     end
//!     ",
//! )?
//! .start()
//! .await?;
//!
//! let mut client = tokio::net::TcpStream::connect(peer.addr()).await?;
//! client.write_all(b"USER ada\r\nPASS x\r\n").await?;
//! let mut replies = [0; 38];
//! client.read_exact(&mut replies).await?;
//! drop(client);
//! let transcript = peer.finish().await?;
//! assert_eq!(transcript.round_trips(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # The text form
//!
//! One step a line; blanks before it, empty lines and lines that begin with `#` do not count.
//! Escapes are `\r \n \t \0 \\ \xNN`.
//!
//! | line | step |
//! |---|---|
//! | `S: text` | send the text and CRLF; `{port}` and `{pasv}` stand for the data port, as a number and as the six numbers of RFC 959's `227` |
//! | `S! bytes` | send these bytes, with escapes and nothing added |
//! | `C: text` | the client must send exactly this line and CRLF |
//! | `C~ pattern` | the same, `*` standing for any bytes |
//! | `C! bytes` | the client must send exactly these bytes, with escapes |
//! | `tls`, `clear` | TLS begins on the control connection, or ends from both sides |
//! | `end` | the client must close the control connection |
//! | `close`, `cut`, `reset` | close it: properly, by a bare FIN (TLS: no close_notify), by RST |
//! | `accept` | wait for the next control connection |
//! | `data`, `data tls` | listen on a fresh port for a data connection |
//! | `connect`, `connect tls` | connect to what the last `*` matched, in the form of `PORT` or `EPRT` |
//! | `stranger` | connect there from 127.0.0.2, which must be turned away |
//! | `D> bytes` | send on the data connection |
//! | `D< bytes` | the client must send exactly these on the data connection |
//! | `data-end` | the client must end the data connection, under TLS with close_notify |
//! | `data-gone` | the client must close the data connection for good, whatever is still sent on it |
//! | `data-close`, `data-cut`, `data-reset` | as for the control connection |
//! | `pause 50ms`, `pause 2s` | wait |
//! | `slow`, `fast` | send one byte at a time from here on, or not |
//!
//! The data connection is accepted by the first step that needs it.

mod play;
mod script;
mod transcript;
mod wire;

use std::io;
use std::net::SocketAddr;

use tokio::task::JoinHandle;

pub use self::script::{Leave, Script, SyntaxError};
pub use self::transcript::{Event, PlayError, Side, Transcript};

/// A script being played on a loopback port. Dropping it ends the play.
#[derive(Debug)]
pub struct Peer {
    addr: SocketAddr,
    task: JoinHandle<Result<Transcript, PlayError>>,
}

impl Peer {
    /// Where clients connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the end of the script.
    ///
    /// # Errors
    /// A [`PlayError`] with the conversation so far if the client did something else, or the
    /// script's deadline passed.
    pub async fn finish(mut self) -> Result<Transcript, PlayError> {
        match (&mut self.task).await {
            Ok(outcome) => outcome,
            Err(stopped) => Err(PlayError::stopped(io::Error::other(stopped))),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
