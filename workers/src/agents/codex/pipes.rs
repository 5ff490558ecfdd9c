//! The process's pipes, each served by a task of its own, so that none waits for another.

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    sync::mpsc,
};

use crate::{
    agents::lines::{Line, Lines},
    scrub::Scrubber,
};

const STDERR_LINE_MAX_BYTES: usize = 16 * 1024;

pub(super) async fn write(mut stdin: impl AsyncWrite + Unpin, mut lines: mpsc::UnboundedReceiver<String>) {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        // A broken pipe shows on stdout's end too, where it is told.
        if stdin.write_all(line.as_bytes()).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

pub(super) async fn read_stderr(stderr: impl AsyncRead + Unpin, scrubber: Scrubber, to: mpsc::Sender<String>) {
    let mut lines = Lines::new(stderr, STDERR_LINE_MAX_BYTES);
    while let Some(line) = lines.next().await {
        let text = match line {
            Line::Text(text) => scrubber.clean(text),
            Line::TooLong { bytes } => format!("[a line of {bytes} bytes]"),
        };
        // Reading goes on when nobody listens, so that the program never blocks on its own complaints.
        let _ = to.send(text).await;
    }
}
