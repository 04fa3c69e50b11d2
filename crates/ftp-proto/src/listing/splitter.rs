//! From bytes in any split to lines.

/// Cuts a listing, in any split, into lines.
#[derive(Debug)]
pub struct LineSplitter {
    pending: Vec<u8>,
    limit: usize,
    too_long: bool,
}

impl LineSplitter {
    /// A splitter that takes lines of up to `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            pending: Vec::new(),
            limit,
            too_long: false,
        }
    }

    /// Takes bytes; lines without their ends (LF or CR LF) go to `out`. Gives false when a line is too
    /// long, and takes nothing more.
    #[must_use]
    pub fn push(&mut self, bytes: &[u8], out: &mut impl FnMut(Vec<u8>)) -> bool {
        let mut rest = bytes;
        while !self.too_long {
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.pending.extend_from_slice(rest);
                self.too_long = self.pending.len() > self.limit;
                break;
            };
            self.pending.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let mut line = std::mem::take(&mut self.pending);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            self.too_long = line.len() > self.limit;
            if !self.too_long {
                out(line);
            }
        }
        !self.too_long
    }

    /// The last line, if the listing ended without a line end.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.pending);
        (!line.is_empty()).then_some(line)
    }
}
