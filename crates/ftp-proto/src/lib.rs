//! FTP (RFC 959 and its extensions) as a machine without input and output.
//!
//! Bytes go in, replies come out; conversations are state machines that consume replies and say what
//! is to be done next. Nothing here reads a socket, knows a clock or a TLS library, so every
//! quirk of a server can be played from a transcript, byte by byte, in a unit test.
//!
//! ```text
//!            received(bytes)              reply(Reply)
//!   socket ────────────────► Control ────────────────► Flow (Connect, Transfer, …)
//!          ◄──────────────── (decoder, ◄──────────────── Step::Send, OpenData, Done …
//!            output()         owed)       send(Command)
//! ```
//!
//! - [`Command`] and [`Argument`]: lines that cannot hold a second line.
//! - [`ReplyDecoder`], [`Reply`], [`Control`]: bytes to replies, and how many are still owed.
//! - [`flow`]: connecting and logging in, data connections, transfers, renaming, simple commands.
//! - [`parse`]: forms inside single replies. [`listing`]: lines of LIST and MLSD. [`TextSender`],
//!   [`TextReceiver`]: line ends of text.
//!
//! # Examples
//!
//! ```
//! use ftp_connect_ftp_proto::flow::{Exchange, Flow, Step};
//! use ftp_connect_ftp_proto::{Command, Control, Limits, parse};
//!
//! let mut control = Control::new(Limits::default());
//! control.received(b"220 ready\r\n");
//! assert_eq!(control.next_reply()?.map(|reply| reply.code()), Some(220));
//!
//! let mut flow = Exchange::new(Command::new("PWD"));
//! let reply = loop {
//!     match flow.step() {
//!         Step::Send(command) => control.send(&command),
//!         Step::NeedInput => match control.next_reply()? {
//!             Some(reply) => flow.reply(reply),
//!             // Here a client writes control.output() and reads.
//!             None => control.received(b"257 \"/home/a\"\r\n"),
//!         },
//!         Step::Done(reply) => break reply,
//!         step => panic!("{step:?}"),
//!     }
//! };
//! assert_eq!(control.output(), b"PWD\r\n");
//! assert_eq!(parse::quoted_path(reply.first_text()), Some(b"/home/a".to_vec()));
//! # Ok::<(), ftp_connect_ftp_proto::ReplyError>(())
//! ```

#![forbid(unsafe_code)]

pub mod flow;
pub mod listing;
pub mod parse;

mod argument;
mod civil;
mod command;
mod control;
mod decoder;
mod limits;
mod reply;
mod text;

pub use argument::{Argument, ArgumentError};
pub use civil::{CivilTime, Precision};
pub use command::Command;
pub use control::{ClearBytes, Control};
pub use decoder::{ReplyDecoder, ReplyError};
pub use limits::Limits;
pub use reply::{Reply, ReplyClass};
pub use text::{TextReceiver, TextSender};
