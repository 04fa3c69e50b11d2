//! Lines of text on the way: TYPE A (RFC 959 §3.1.1.1, §3.4).
//!
//! On the data connection a line of text ends in CR LF, whatever the two sides have. [`TextSender`] makes
//! that of local text, [`TextReceiver`] local text of that. Both take bytes in any pieces; neither
//! converts what is converted already, since text that was written elsewhere often ends its lines in CR
//! LF on a system that does not. A lone CR is no line end and stays.

/// Local text as it goes over the wire.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextSender {
    after_cr: bool,
}

impl TextSender {
    /// Takes bytes of local text, in which a line ends in LF or CR LF, and adds them to `out`.
    pub fn push(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for &byte in text {
            if byte == b'\n' && !self.after_cr {
                out.push(b'\r');
            }
            out.push(byte);
            self.after_cr = byte == b'\r';
        }
    }
}

/// What came over the wire as local text.
#[derive(Clone, Copy, Debug)]
pub struct TextReceiver {
    crlf: bool,
    /// Whether the last byte was a CR. With lines that end in LF it is held back, as it may be the
    /// first half of a line end.
    after_cr: bool,
}

impl TextReceiver {
    /// Local lines end in CR LF if `crlf`, else in LF.
    #[must_use]
    pub fn new(crlf: bool) -> Self {
        Self {
            crlf,
            after_cr: false,
        }
    }

    /// Takes bytes from the wire and adds local text to `out`.
    ///
    /// A lone LF comes from a server that does not convert, and is a line end too.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            match (self.crlf, self.after_cr, byte) {
                (false, true, b'\n') => out.push(b'\n'),
                (false, true, b'\r') => out.push(b'\r'),
                (false, true, other) => out.extend([b'\r', other]),
                (false, false, b'\r') => {}
                (true, false, b'\n') => out.extend(b"\r\n"),
                (_, _, other) => out.push(other),
            }
            self.after_cr = byte == b'\r';
        }
    }

    /// Ends the text.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.after_cr) && !self.crlf {
            out.push(b'\r');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn send(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut sender, mut out) = (TextSender::default(), Vec::new());
        for piece in pieces {
            sender.push(piece, &mut out);
        }
        out
    }

    fn receive(crlf: bool, pieces: &[&[u8]]) -> Vec<u8> {
        let (mut receiver, mut out) = (TextReceiver::new(crlf), Vec::new());
        for piece in pieces {
            receiver.push(piece, &mut out);
        }
        receiver.finish(&mut out);
        out
    }

    #[track_caller]
    fn check(local: &str, wire: &str, lf: &str, crlf: &str) {
        let show = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(show(send(&[local.as_bytes()])), wire, "sent");
        assert_eq!(show(receive(false, &[wire.as_bytes()])), lf, "as LF");
        assert_eq!(show(receive(true, &[wire.as_bytes()])), crlf, "as CR LF");
    }

    #[test]
    fn lines() {
        check("a\nb\n", "a\r\nb\r\n", "a\nb\n", "a\r\nb\r\n");
        check("a\r\nb", "a\r\nb", "a\nb", "a\r\nb");
        check("\n\n", "\r\n\r\n", "\n\n", "\r\n\r\n");
        check("", "", "", "");
    }

    #[test]
    fn lone_carriage_returns_stay() {
        check("a\rb", "a\rb", "a\rb", "a\rb");
        check("a\r", "a\r", "a\r", "a\r");
        check("\r\r\n", "\r\r\n", "\r\n", "\r\r\n");
    }

    #[test]
    fn a_server_that_does_not_convert() {
        assert_eq!(receive(false, &[b"a\nb\n"]), b"a\nb\n");
        assert_eq!(receive(true, &[b"a\nb\n"]), b"a\r\nb\r\n");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(
            text in proptest::collection::vec(proptest::sample::select(&b"\r\nax"[..]), 0..20),
            at in 0usize..20,
            crlf: bool,
        ) {
            let (head, tail) = text.split_at(at.min(text.len()));
            prop_assert_eq!(send(&[head, tail]), send(&[&text]));
            prop_assert_eq!(receive(crlf, &[head, tail]), receive(crlf, &[&text]));
        }

        #[test]
        fn text_of_this_side_comes_back_the_same(text in "[a\n]{0,20}") {
            let crlf = text.replace('\n', "\r\n");
            prop_assert_eq!(receive(false, &[&send(&[text.as_bytes()])]), text.into_bytes());
            prop_assert_eq!(receive(true, &[&send(&[crlf.as_bytes()])]), crlf.into_bytes());
        }
    }
}
