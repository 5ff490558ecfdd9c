//! Lines of a sandboxed program's output, bounded: an agent that floods is stopped, not stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::mpsc;

use super::process::StopCause;

/// Output that will not be read any further.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// One line was longer than the limit; the process is being stopped.
    #[error("a line of output is longer than {limit_bytes} bytes")]
    LineTooLong { limit_bytes: usize },
    /// Output and error output together were more than the limit; the process is being stopped.
    #[error("the output is more than {limit_bytes} bytes")]
    TooMuch { limit_bytes: u64 },
    /// The pipe broke.
    #[error("failed to read the output")]
    Read {
        #[source]
        source: std::io::Error,
    },
}

/// What both outputs of a process may still say together.
#[derive(Debug)]
pub(crate) struct OutputAllowance {
    pub limit_bytes: u64,
    pub used_bytes: AtomicU64,
}

/// One of the two outputs. Lines are read when asked for, so a slow reader slows the program down
/// instead of filling our memory; somebody must read both outputs to their end.
#[derive(Debug)]
pub struct BoundedLines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    line_bytes: usize,
    allowance: Arc<OutputAllowance>,
    stop: mpsc::Sender<StopCause>,
    over: bool,
}

impl<R: AsyncRead + Unpin> BoundedLines<R> {
    pub(crate) fn new(
        reader: R,
        line_bytes: usize,
        allowance: Arc<OutputAllowance>,
        stop: mpsc::Sender<StopCause>,
    ) -> Self {
        let reader = BufReader::with_capacity(64 << 10, reader);
        Self { reader, line: Vec::new(), line_bytes, allowance, stop, over: false }
    }

    /// The next line without its end, or `None` at the end of output. Bytes that are no UTF-8 are
    /// replaced. A last line without an end counts as a line. Safe to drop and call again: what was
    /// read of a line is kept.
    ///
    /// # Errors
    /// [`OutputError::LineTooLong`] and [`OutputError::TooMuch`] stop the process and end the output.
    pub async fn next_line(&mut self) -> Result<Option<String>, OutputError> {
        if self.over {
            return Ok(None);
        }
        loop {
            let read = self.reader.fill_buf().await.map_err(|source| OutputError::Read { source })?;
            if read.is_empty() {
                self.over = true;
                return Ok((!self.line.is_empty()).then(|| self.take_line()));
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = read.get(..end.unwrap_or(read.len())).unwrap_or_default();
            let fits = self.line.len() + part.len() <= self.line_bytes;
            if fits {
                self.line.extend_from_slice(part);
            }
            let consumed = part.len() + usize::from(end.is_some());
            self.reader.consume(consumed);
            let used = self.allowance.used_bytes.fetch_add(consumed as u64, Ordering::Relaxed) + consumed as u64;
            if !fits {
                return Err(self.flooded(OutputError::LineTooLong { limit_bytes: self.line_bytes }));
            }
            if used > self.allowance.limit_bytes {
                return Err(self.flooded(OutputError::TooMuch { limit_bytes: self.allowance.limit_bytes }));
            }
            if end.is_some() {
                return Ok(Some(self.take_line()));
            }
        }
    }

    /// Reads to the end (or flood) and gives the last lines: what a program said before it broke.
    pub async fn tail(mut self, lines: usize) -> Vec<String> {
        let mut last = std::collections::VecDeque::new();
        while let Ok(Some(line)) = self.next_line().await {
            if last.len() >= lines {
                last.pop_front();
            }
            last.push_back(line);
        }
        last.into()
    }

    fn take_line(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        match String::from_utf8(line) {
            Ok(line) => line,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }
    }

    fn flooded(&mut self, error: OutputError) -> OutputError {
        self.over = true;
        self.line = Vec::new();
        // Full means that a stop is under way already.
        let _ = self.stop.try_send(StopCause::OutputFlood);
        error
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lines(input: &[u8], line_bytes: usize, limit_bytes: u64) -> (BoundedLines<&[u8]>, mpsc::Receiver<StopCause>) {
        let (stop, stopped) = mpsc::channel(4);
        let allowance = Arc::new(OutputAllowance { limit_bytes, used_bytes: AtomicU64::new(0) });
        (BoundedLines::new(input, line_bytes, allowance, stop), stopped)
    }

    #[tokio::test]
    async fn lines_come_without_their_ends_and_the_last_needs_none() {
        let (mut lines, _stopped) = lines(b"one\n\ntw\xffo", 100, 100);
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("one"));
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some(""));
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("tw\u{fffd}o"));
        assert_eq!(lines.next_line().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_line_over_the_limit_ends_the_output_and_stops_the_process() {
        let (mut lines, mut stopped) = lines(b"1234\n12345\nmore\n", 4, 100);
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("1234"));
        assert!(matches!(lines.next_line().await, Err(OutputError::LineTooLong { limit_bytes: 4 })));
        assert_eq!(lines.next_line().await.unwrap(), None);
        assert_eq!(stopped.try_recv().unwrap(), StopCause::OutputFlood);
    }

    #[tokio::test]
    async fn many_small_lines_are_bounded_together() {
        let (mut lines, mut stopped) = lines(b"1\n2\n3\n4\n", 4, 5);
        assert!(lines.next_line().await.is_ok());
        assert!(lines.next_line().await.is_ok());
        assert!(matches!(lines.next_line().await, Err(OutputError::TooMuch { limit_bytes: 5 })));
        assert_eq!(stopped.try_recv().unwrap(), StopCause::OutputFlood);
    }
}
