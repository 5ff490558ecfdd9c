//! The agent at work: proxy up, sandbox up, program driven, its events stored, its cost counted, and the end of all
//! of it within a second when somebody says stop.

use super::equipment::{Equipment, Program, ProviderSetup};
use super::execution::{Broken, asked_to_stop};
use super::facts::Facts;
use super::meter::Meter;
use super::purse::RunPurse;
use super::tool_host::RunTools;
use super::transcript_writer::TranscriptWriter;
use super::worker::{Stop, StopSignal};
use super::workshop::Workshop;
use crate::agents::{AgentEnd, AgentStdio, LaunchPaths, PromptPart, Provenance, RunLimits, RunSpec, ToolDesk};
use crate::proxy::{KeySource, ModelProxy, ProxySettings};
use crate::sandbox::{
    Access, Bind, BoundedLines, Forward, RUN_DIR, SandboxSpec, SandboxedProcess, StopCause, WORKSPACE,
};
use commands::budget::Spending;
use domain::agent_run::{FailureReason, RunMode, TokenUsage};
use rand::Rng;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Where the agent finds its model, inside: a loopback port of an otherwise empty network.
const MODEL_PORT: u16 = 4_100;
const AGENT_HOME: &str = "/home/agent/state";
/// How many events may wait for the transcript before the agent is read no further.
const EVENTS_WAITING: usize = 256;
/// A stop ends the process tree within a second: so long the agent may use to end by itself.
const STOP_GRACE: Duration = Duration::from_millis(600);
/// Bytes between the sandbox's bounded lines and the driver.
const PIPE_BYTES: usize = 256 * 1024;

/// How the agent's part went. Cost is told even when it failed.
pub(crate) struct Worked {
    /// Its last words.
    pub end: Result<String, Broken>,
    pub usage: TokenUsage,
    pub cost_usd_micros: u64,
}

pub(crate) async fn run(
    equipment: &Equipment,
    facts: &Facts,
    provider: &ProviderSetup,
    program: &Program,
    workshop: &Workshop,
    keys: Arc<dyn KeySource>,
    transcript: &mut TranscriptWriter,
    stop: StopSignal,
) -> Worked {
    let nothing = |broken: Broken| Worked { end: Err(broken), usage: TokenUsage::default(), cost_usd_micros: 0 };
    // So that no run is begun that cannot come to anything, and what the agent says can be cleaned of it.
    let secrets = match keys.key().await {
        Ok(key) => vec![key],
        Err(problem) => return nothing(Broken::failed(FailureReason::ProviderAuth, problem.message())),
    };
    let purse = RunPurse::new(equipment.commands.clone(), Spending::new(equipment.pool.clone()), facts.clone());
    let run_token = random_text();
    let socket = workshop.sockets.path().join("model.sock");
    let settings = ProxySettings {
        api: provider.api,
        upstream: provider.upstream.clone(),
        keys: Arc::clone(&keys),
        run_token: run_token.clone(),
        purse: Arc::new(purse),
    };
    let proxy = match ModelProxy::start(&socket, settings) {
        Ok(proxy) => proxy,
        Err(problem) => return nothing(Broken::failed(FailureReason::Sandbox, feed::chain(&problem))),
    };
    let spec = run_spec(equipment, facts, run_token, secrets);
    let process = match start(provider, program, workshop, &spec, &socket).await {
        Ok(process) => process,
        Err(broken) => return nothing(broken),
    };
    let mut meter = Meter::new(equipment.commands.clone(), facts.clone());
    let end = work(equipment, facts, provider, &spec, process, proxy, transcript, &mut meter, stop).await;
    Worked { end: meter.explain(end), usage: meter.usage(), cost_usd_micros: meter.cost_usd_micros() }
}

fn run_spec(equipment: &Equipment, facts: &Facts, run_token: SecretString, secrets: Vec<SecretString>) -> RunSpec {
    let request = &facts.request;
    let mut prompt = Vec::new();
    if let Some(ticket) = &request.ticket {
        prompt.push(PromptPart {
            provenance: Provenance::Member,
            what: format!("ticket {}", ticket.key),
            text: format!("{}: {}\n\n{}", ticket.key, ticket.title, ticket.description_md),
        });
    }
    if !request.prompt.trim().is_empty() {
        prompt.push(PromptPart {
            provenance: Provenance::Member,
            what: "request".into(),
            text: request.prompt.clone(),
        });
    }
    let asked = request.constraints.time_budget_s.map(|seconds| Duration::from_secs(seconds.into()));
    let time_budget = asked.map_or(equipment.time_budget, |asked| asked.min(equipment.time_budget));
    RunSpec {
        mode: request.mode,
        boundary: hex::encode(rand::rng().random::<[u8; 8]>()),
        prompt,
        cwd: PathBuf::from(WORKSPACE),
        model_base_url: format!("http://127.0.0.1:{MODEL_PORT}/v1"),
        model: request.model.clone(),
        run_token,
        secrets,
        limits: RunLimits { time_budget, ..RunLimits::default() },
    }
}

async fn start(
    provider: &ProviderSetup,
    program: &Program,
    workshop: &Workshop,
    spec: &RunSpec,
    socket: &Path,
) -> Result<SandboxedProcess, Broken> {
    let sandbox_failed = |problem: String| Broken::failed(FailureReason::Sandbox, problem);
    workshop.sandbox.hand_over(socket).map_err(|problem| sandbox_failed(feed::chain(&problem)))?;
    let paths = LaunchPaths { program: program.path.clone(), agent_home: AGENT_HOME.into() };
    let plan = provider.driver.launch_plan(spec, &paths);
    for file in &plan.home_files {
        let path = workshop.agent_home.join(&file.path);
        let written =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, &file.contents));
        written.map_err(|problem| sandbox_failed(format!("{} could not be written: {problem}", path.display())))?;
    }
    workshop.sandbox.hand_over(&workshop.agent_home).map_err(|problem| sandbox_failed(feed::chain(&problem)))?;
    let command = std::iter::once(plan.program.display().to_string()).chain(plan.arguments);
    let mut inside = SandboxSpec::new(&workshop.workspace, command);
    inside.run_dir = Some(workshop.sockets.path().to_path_buf());
    inside.env = plan.environment.into_iter().collect();
    inside.forwards = vec![Forward { port: MODEL_PORT, socket: Path::new(RUN_DIR).join("model.sock") }];
    inside.binds.push(Bind {
        source: workshop.agent_home.clone(),
        target: AGENT_HOME.into(),
        access: Access::ReadWrite,
    });
    for path in plan.read_only {
        inside.binds.push(Bind { source: path.clone(), target: path, access: Access::ReadOnly });
    }
    // The driver ends the agent by its own clock; this is for a driver that does not come to it.
    inside.limits.wall_clock = spec.limits.time_budget + Duration::from_secs(60);
    workshop.sandbox.spawn(&inside).await.map_err(|problem| sandbox_failed(feed::chain(&problem)))
}

#[allow(clippy::too_many_arguments)]
async fn work(
    equipment: &Equipment,
    facts: &Facts,
    provider: &ProviderSetup,
    spec: &RunSpec,
    mut process: SandboxedProcess,
    mut proxy: ModelProxy,
    transcript: &mut TranscriptWriter,
    meter: &mut Meter,
    mut stop: StopSignal,
) -> Result<String, Broken> {
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (process.stdin.take(), process.stdout.take(), process.stderr.take())
    else {
        return Err(Broken::failed(FailureReason::Sandbox, "The sandbox gave no pipes."));
    };
    // The proxy is stopped while its last events are still being taken.
    let mut metered_calls = std::mem::replace(&mut proxy.events, mpsc::channel(1).1);
    let stdio = AgentStdio::new(stdin, piped(stdout), piped(stderr));
    let tools = Arc::new(RunTools::new(equipment.commands.clone(), facts.clone()));
    let desk = Arc::new(ToolDesk::new(facts.request.mode, &offered(facts), facts.columns.clone(), tools));
    let (events, mut waiting) = mpsc::channel(EVENTS_WAITING);
    let agent_stop = CancellationToken::new();
    let over = CancellationToken::new();
    let stopper = process.stopper();
    let mut stopped_because = None;

    let driven = async {
        let end = provider.driver.drive(spec, stdio, desk, events.clone(), agent_stop.clone()).await;
        let ended = process.kill().await;
        proxy.stop();
        over.cancel();
        drop(events);
        (end, ended)
    };
    let stored = async {
        let stored = transcript.follow(&mut waiting).await;
        if stored.is_err() {
            // Nobody listens any more: that stops the agent too.
            agent_stop.cancel();
            stopper.stop();
        }
        drop(waiting);
        stored
    };
    let guarded = async {
        tokio::select! {
            () = over.cancelled() => {}
            reason = asked_to_stop(&mut stop) => {
                stopped_because = Some(reason);
                agent_stop.cancel();
                if reason != Stop::LeaseLost {
                    tokio::select! { () = over.cancelled() => {} () = tokio::time::sleep(STOP_GRACE) => {} }
                }
                stopper.stop();
            }
        }
    };
    let metered = meter.follow(&mut metered_calls);
    let ((end, ended), stored, (), ()) = tokio::join!(driven, stored, guarded, metered);
    if let Some(reason) = stopped_because {
        return Err(Broken::Stopped(reason));
    }
    stored?;
    match (end, ended.stopped_by) {
        (AgentEnd::Completed { summary }, _) => Ok(summary),
        (_, Some(StopCause::OutputFlood)) => {
            Err(Broken::failed(FailureReason::Policy, "The agent flooded its output and was stopped."))
        }
        (_, Some(StopCause::Memory | StopCause::Processes | StopCause::Disk)) => Err(Broken::failed(
            FailureReason::Policy,
            format!("The agent used more of the machine than it may ({:?}).", ended.stopped_by),
        )),
        (_, Some(StopCause::WallClock)) => {
            Err(Broken::failed(FailureReason::Time, "The agent did not end in its time."))
        }
        (AgentEnd::Interrupted, _) => {
            Err(Broken::failed(FailureReason::AgentCrashed, "The agent stopped in the middle."))
        }
        (AgentEnd::Failed(failure), _) => Err(failure.into()),
    }
}

/// Tools that this product can serve today, less those that the run leaves out.
fn offered(facts: &Facts) -> Vec<String> {
    let served: &[&str] = match facts.request.mode {
        RunMode::Plan => &["create_ticket"],
        RunMode::Implement | RunMode::Bugfix | RunMode::Review | RunMode::Qa | RunMode::Ask => &["add_comment"],
    };
    let allowed = &facts.request.constraints.allowed_tools;
    let kept = served.iter().filter(|tool| allowed.is_empty() || allowed.iter().any(|name| name == *tool));
    let kept: Vec<String> = kept.map(|tool| (*tool).to_owned()).collect();
    // An empty list would mean all of them.
    if kept.is_empty() { vec!["none".to_owned()] } else { kept }
}

/// The sandbox hands out whole lines with bounds; a driver reads bytes.
fn piped<R: AsyncRead + Unpin + Send + 'static>(mut lines: BoundedLines<R>) -> impl AsyncRead + Send + Unpin {
    let (mut write, read) = tokio::io::duplex(PIPE_BYTES);
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            if write.write_all(line.as_bytes()).await.is_err() || write.write_all(b"\n").await.is_err() {
                break;
            }
        }
    });
    read
}

fn random_text() -> SecretString {
    SecretString::from(format!("lime_run_{}", hex::encode(rand::rng().random::<[u8; 32]>())))
}
