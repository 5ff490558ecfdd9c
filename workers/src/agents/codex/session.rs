//! One run's conversation with `codex app-server`: start, turns, the agent's requests, the end.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use domain::agent_run::FailureReason;
use futures::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use serde_json::{Value, json};
use tokio::{io::AsyncRead, sync::mpsc, time::Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    failure, pipes,
    translate::Translator,
    wire::{self, Incoming, Notice, RpcError, Turn},
};
use crate::agents::{
    AgentEnd, AgentStdio, AttachmentStore, Content, Failure, RunEvent, RunSpec, ToolDesk,
    lines::{Line, Lines},
    prompts,
    protocol::{LogSource, Message, Speaker},
};
use crate::scrub::Scrubber;

/// A finished item carries a command's whole output, and a turn's diff may be large.
const LINE_MAX_BYTES: usize = 32 * 1024 * 1024;
/// What a program that is no Codex, or a broken one, may write before it is given up.
const UNREADABLE_MAX: usize = 1_000;
const UNREADABLE_LOGGED: usize = 10;
const STDERR_LINES_LOGGED: usize = 200;
const STDERR_TAIL_LINES: usize = 10;
/// Between the end of stdout and that of stderr when a program dies.
const LAST_WORDS_GRACE: Duration = Duration::from_millis(300);
/// How often an agent that says it is done too early is sent back.
const SENT_BACK_MAX: usize = 2;

const INITIALIZE: u64 = 1;
const THREAD_START: u64 = 2;
const FIRST_TURN: u64 = 3;

/// The answer to a request of the agent, and the event that tells of it.
pub(super) type Served = (Value, Value, Option<RunEvent>);

pub(super) async fn drive(
    spec: &RunSpec,
    stdio: AgentStdio,
    desk: Arc<ToolDesk>,
    events: mpsc::Sender<RunEvent>,
    stop: CancellationToken,
    attachments: Option<&dyn AttachmentStore>,
) -> AgentEnd {
    let scrubber = Scrubber::new(std::iter::once(&spec.run_token).chain(&spec.secrets));
    let (outbox, written) = mpsc::unbounded_channel();
    let (stderr_in, stderr) = mpsc::channel(64);
    // Both end with the session, whatever the process does.
    let _writer = AbortOnDropHandle::new(tokio::spawn(pipes::write(stdio.stdin, written)));
    let _stderr = AbortOnDropHandle::new(tokio::spawn(pipes::read_stderr(stdio.stderr, scrubber.clone(), stderr_in)));
    let mut session = Session {
        spec,
        desk,
        events,
        attachments,
        scrubber,
        outbox,
        translator: Translator::new(spec.cwd.clone()),
        calls: FuturesUnordered::new(),
        thread: None,
        turn_request: None,
        turn: None,
        next_id: FIRST_TURN,
        last_retry: None,
        sent_back: 0,
        unreadable: 0,
        stderr_lines: 0,
        stderr_tail: VecDeque::new(),
    };
    let end = session.run(Lines::new(stdio.stdout, LINE_MAX_BYTES), stderr, stop).await;
    session.close(end).await
}

pub(super) struct Session<'a> {
    spec: &'a RunSpec,
    pub(super) desk: Arc<ToolDesk>,
    events: mpsc::Sender<RunEvent>,
    attachments: Option<&'a dyn AttachmentStore>,
    scrubber: Scrubber,
    outbox: mpsc::UnboundedSender<String>,
    pub(super) translator: Translator,
    pub(super) calls: FuturesUnordered<BoxFuture<'static, Served>>,
    thread: Option<String>,
    /// The request of the newest turn, and that turn while it runs.
    turn_request: Option<u64>,
    turn: Option<String>,
    next_id: u64,
    /// The last error after which Codex tried again: what it was about, and in which words.
    last_retry: Option<(FailureReason, String)>,
    sent_back: usize,
    unreadable: usize,
    stderr_lines: usize,
    stderr_tail: VecDeque<String>,
}

impl Session<'_> {
    async fn run(
        &mut self,
        mut stdout: Lines<impl AsyncRead + Unpin>,
        mut stderr: mpsc::Receiver<String>,
        stop: CancellationToken,
    ) -> AgentEnd {
        let limits = &self.spec.limits;
        let mut deadline = Box::pin(tokio::time::sleep(limits.time_budget));
        let mut start_deadline = Box::pin(tokio::time::sleep(limits.start_timeout));
        // Set once the agent was told to stop: how the run ends when it has.
        let mut stopping: Option<AgentEnd> = None;
        let mut stderr_open = true;
        self.send(wire::request(
            INITIALIZE,
            "initialize",
            &json!({
                "clientInfo": {"name": "assembly-lime", "title": "Assembly Lime", "version": env!("CARGO_PKG_VERSION")},
                "capabilities": {"experimentalApi": true},
            }),
        ));
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if stopping.is_none() => {
                    if !self.interrupt() {
                        return AgentEnd::Interrupted;
                    }
                    stopping = Some(AgentEnd::Interrupted);
                    deadline.as_mut().reset(Instant::now() + limits.interrupt_grace);
                }
                () = &mut deadline => {
                    if let Some(end) = stopping {
                        return end;
                    }
                    let late = fail(FailureReason::Time, format!("The run's time of {} is used up.", in_words(limits.time_budget)));
                    if !self.interrupt() {
                        return late;
                    }
                    stopping = Some(late);
                    deadline.as_mut().reset(Instant::now() + limits.interrupt_grace);
                }
                () = &mut start_deadline, if self.thread.is_none() && stopping.is_none() => {
                    let limit = in_words(limits.start_timeout);
                    return fail(FailureReason::AgentCrashed, format!("The agent's program did not answer within {limit}."));
                }
                () = self.events.closed() => return AgentEnd::Interrupted,
                Some((id, result, event)) = self.calls.next(), if !self.calls.is_empty() => {
                    self.send(wire::answer(&id, &result));
                    self.tell(event).await;
                }
                line = stderr.recv(), if stderr_open => match line {
                    Some(line) => self.complaint(line).await,
                    None => stderr_open = false,
                },
                line = stdout.next() => {
                    let ended = if let Some(line) = line {
                        self.line(line).await
                    } else {
                        self.last_complaints(&mut stderr).await;
                        Some(self.crashed())
                    };
                    if let Some(end) = ended {
                        // Whatever the agent says of a turn that was stopped, the run ends for the reason it was stopped.
                        return stopping.unwrap_or(end);
                    }
                }
            }
        }
    }

    /// What follows every end: the plan that was kept, and the error of a failure.
    async fn close(mut self, end: AgentEnd) -> AgentEnd {
        let plan = self.desk.artifact();
        self.tell(plan).await;
        if let AgentEnd::Failed(failure) = &end {
            self.tell([RunEvent::error(failure.reason, failure.message.clone())]).await;
        }
        end
    }

    async fn line(&mut self, line: Line) -> Option<AgentEnd> {
        let incoming = match line {
            Line::Text(text) if text.trim().is_empty() => return None,
            Line::Text(text) => Incoming::decode(&self.scrubber.clean(text)),
            Line::TooLong { bytes } => {
                let text = format!("The agent's program wrote a line of {bytes} bytes, which was skipped.");
                self.tell([RunEvent::log(LogSource::Lime, text)]).await;
                return None;
            }
        };
        match incoming {
            Incoming::Answer { id, result } => self.answered(id, result),
            Incoming::Request { id, request } => {
                self.requested(id, request).await;
                None
            }
            Incoming::Notice(Notice::TurnCompleted(turn)) => self.turn_completed(turn).await,
            Incoming::Notice(notice) => {
                if let Notice::TurnStarted { turn } = &notice {
                    self.turn = Some(turn.clone());
                } else if let Notice::Error(told) = &notice
                    && told.will_retry
                {
                    let words = told.error.additional_details.clone().unwrap_or_default();
                    self.last_retry = Some((failure::classify(&told.error).reason, words));
                }
                let events = self.translator.notice(notice);
                self.tell(events).await;
                None
            }
            Incoming::Unreadable => self.unreadable().await,
        }
    }

    fn answered(&mut self, id: u64, result: Result<Value, RpcError>) -> Option<AgentEnd> {
        let result = match result {
            Ok(result) => result,
            Err(error) if id <= THREAD_START || self.turn_request == Some(id) => {
                return Some(fail(
                    FailureReason::AgentCrashed,
                    format!("The agent could not start: {}", error.message),
                ));
            }
            // An interrupt may cross the turn's own end.
            Err(_) => return None,
        };
        match id {
            INITIALIZE => self.start_thread(),
            THREAD_START => {
                let Some(thread) = result.pointer("/thread/id").and_then(Value::as_str) else {
                    return Some(fail(FailureReason::AgentCrashed, "The agent started no conversation."));
                };
                self.thread = Some(thread.to_owned());
                let parts = self.spec.prompt.iter().map(|part| prompts::marked(part, &self.spec.boundary));
                let parts: Vec<_> = parts.collect();
                self.start_turn(&parts);
                None
            }
            _ => {
                if self.turn_request == Some(id) {
                    self.turn = result.pointer("/turn/id").and_then(Value::as_str).map(str::to_owned);
                }
                None
            }
        }
    }

    fn start_thread(&mut self) -> Option<AgentEnd> {
        let Some(instructions) = prompts::instructions(self.spec.mode, self.desk.tools(), &self.spec.boundary) else {
            return Some(fail(FailureReason::Policy, "No agent can be asked for this mode yet."));
        };
        let tools: Vec<_> = self
            .desk
            .tools()
            .iter()
            .map(|&tool| {
                json!({
                    "type": "function",
                    "name": tool.name(),
                    "description": tool.description(),
                    "inputSchema": self.desk.input_schema(tool),
                })
            })
            .collect();
        self.send(wire::notification("initialized"));
        self.send(wire::request(
            THREAD_START,
            "thread/start",
            &json!({
                "cwd": self.spec.cwd,
                "approvalPolicy": "never",
                "sandbox": "danger-full-access",
                "ephemeral": true,
                "developerInstructions": instructions,
                "dynamicTools": tools,
            }),
        ));
        None
    }

    fn start_turn(&mut self, texts: &[String]) {
        let input: Vec<_> = texts.iter().map(|text| json!({"type": "text", "text": text})).collect();
        let id = self.take_id();
        self.turn_request = Some(id);
        self.send(wire::request(id, "turn/start", &json!({"threadId": self.thread, "input": input})));
    }

    /// Tells the agent to stop. False when nothing runs that could be stopped.
    fn interrupt(&mut self) -> bool {
        // People who are being asked need not answer any more.
        self.calls.clear();
        let (Some(thread), Some(turn)) = (self.thread.clone(), self.turn.clone()) else { return false };
        let id = self.take_id();
        self.send(wire::request(id, "turn/interrupt", &json!({"threadId": thread, "turnId": turn})));
        true
    }

    async fn turn_completed(&mut self, turn: Turn) -> Option<AgentEnd> {
        if self.turn.as_ref().is_some_and(|running| *running != turn.id) {
            return None;
        }
        self.turn = None;
        match turn.status.as_str() {
            "completed" => self.finished().await,
            "interrupted" => Some(fail(FailureReason::AgentCrashed, "The agent stopped in the middle of its work.")),
            _ => {
                let mut failure = failure::classify(&turn.error.unwrap_or_default());
                // Once retries are used up, the same error comes without its name.
                if let Some((reason, _)) = self.last_retry.take().filter(|(_, words)| *words == failure.message) {
                    failure.reason = reason;
                }
                Some(AgentEnd::Failed(failure))
            }
        }
    }

    /// The agent says that it is done: it is sent back while its work is not whole.
    async fn finished(&mut self) -> Option<AgentEnd> {
        let Some(missing) = self.desk.shortcomings() else {
            return Some(AgentEnd::Completed { summary: self.translator.last_words().to_owned() });
        };
        if self.sent_back == SENT_BACK_MAX {
            return Some(fail(FailureReason::ChecksFailed, missing));
        }
        self.sent_back += 1;
        let content = Content::whole(missing.clone());
        self.tell([RunEvent::Message(Message { from: Speaker::Lime, content })]).await;
        self.start_turn(&[missing]);
        None
    }

    async fn unreadable(&mut self) -> Option<AgentEnd> {
        self.unreadable += 1;
        if self.unreadable <= UNREADABLE_LOGGED {
            let text = "The agent's program wrote a line that is not its protocol.";
            self.tell([RunEvent::log(LogSource::Lime, text)]).await;
        }
        (self.unreadable >= UNREADABLE_MAX).then(|| {
            let text = format!("The agent's program wrote {UNREADABLE_MAX} lines that are not its protocol.");
            fail(FailureReason::AgentCrashed, text)
        })
    }

    async fn complaint(&mut self, line: String) {
        self.stderr_lines += 1;
        if self.stderr_tail.len() == STDERR_TAIL_LINES {
            self.stderr_tail.pop_front();
        }
        self.stderr_tail.push_back(line.clone());
        if self.stderr_lines <= STDERR_LINES_LOGGED {
            self.tell([RunEvent::log(LogSource::Agent, line)]).await;
        }
    }

    /// What the program still had to say when its output ended: its reasons often come last.
    async fn last_complaints(&mut self, stderr: &mut mpsc::Receiver<String>) {
        let until = Instant::now() + LAST_WORDS_GRACE;
        while let Ok(Some(line)) = tokio::time::timeout_at(until, stderr.recv()).await {
            self.complaint(line).await;
        }
    }

    fn crashed(&self) -> AgentEnd {
        let mut message = "The agent's program ended in the middle of its work.".to_owned();
        if !self.stderr_tail.is_empty() {
            message.push_str(" Its last words: ");
            message.push_str(&self.stderr_tail.iter().map(String::as_str).collect::<Vec<_>>().join(" / "));
        }
        fail(FailureReason::AgentCrashed, message)
    }

    pub(super) async fn tell(&mut self, events: impl IntoIterator<Item = RunEvent>) {
        for event in events {
            let event = event.fitted(self.attachments).await;
            // A receiver that is gone ends the loop in `run`.
            let _ = self.events.send(event).await;
        }
    }

    pub(super) fn send(&self, line: String) {
        let _ = self.outbox.send(line);
    }

    fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }
}

fn fail(reason: FailureReason, message: impl Into<String>) -> AgentEnd {
    AgentEnd::Failed(Failure::new(reason, message))
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
