//! Reads lines from a process that may write anything, in bounded memory.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Invalid UTF-8 is replaced.
    Text(String),
    /// Longer than allowed; its bytes were skipped.
    TooLong { bytes: usize },
}

#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    max_bytes: usize,
    /// Kept here, so that dropping the future between reads loses nothing.
    partial: Vec<u8>,
    skipped: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R, max_bytes: usize) -> Self {
        Self { reader: BufReader::with_capacity(64 * 1024, reader), max_bytes, partial: Vec::new(), skipped: 0 }
    }

    /// The next line; `None` at the end, or when the pipe broke, which is the same for a reader. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Line> {
        loop {
            let (used, ended) = match self.reader.fill_buf().await {
                Ok([]) | Err(_) => return (!self.partial.is_empty() || self.skipped > 0).then(|| self.take()),
                Ok(available) => {
                    let end = available.iter().position(|&b| b == b'\n');
                    let text = available.split_at(end.unwrap_or(available.len())).0;
                    take_in(&mut self.partial, &mut self.skipped, self.max_bytes, text);
                    (end.map_or(available.len(), |at| at + 1), end.is_some())
                }
            };
            self.reader.consume(used);
            if ended {
                return Some(self.take());
            }
        }
    }

    fn take(&mut self) -> Line {
        let bytes = std::mem::take(&mut self.partial);
        match std::mem::take(&mut self.skipped) {
            0 => Line::Text(String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(&bytes)).into_owned()),
            skipped => Line::TooLong { bytes: skipped },
        }
    }
}

fn take_in(partial: &mut Vec<u8>, skipped: &mut usize, max_bytes: usize, bytes: &[u8]) {
    if *skipped > 0 {
        *skipped += bytes.len();
    } else if partial.len() + bytes.len() > max_bytes {
        *skipped = partial.len() + bytes.len();
        *partial = Vec::new();
    } else {
        partial.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_whole_and_a_long_one_is_skipped() {
        let written = b"one\r\ntwo-which-is-long\n\nthree\xff\nrest".as_slice();
        let mut lines = Lines::new(written, 8);
        let mut seen = Vec::new();
        while let Some(line) = lines.next().await {
            seen.push(line);
        }
        let text = |t: &str| Line::Text(t.to_owned());
        assert_eq!(seen, [text("one"), Line::TooLong { bytes: 17 }, text(""), text("three\u{fffd}"), text("rest")]);
    }
}
