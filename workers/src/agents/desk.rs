//! Where an agent's calls arrive: which tools are offered, the check of each call, the plan as it grows.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::agent_run::RunMode;
use serde_json::Value;
use tokio::sync::watch;

use super::{
    Content,
    plan::{PlanDraft, PlanFault, PlanItem},
    protocol::{Artifact, RunEvent},
    tools::{Tool, ToolCall, ToolHost, ToolRefusal},
};

/// Name and type of the artifact that a plan leaves.
pub const PLAN_ARTIFACT: (&str, &str) = ("plan", "application/json");

/// Calls of one turn arrive within milliseconds of each other; keeping one is a commit or two.
const PARENT_GRACE: Duration = Duration::from_secs(1);

/// One a run. Shared between the driver and whoever reads the plan at the end.
pub struct ToolDesk {
    mode: RunMode,
    tools: Vec<Tool>,
    columns: Vec<String>,
    plan: Mutex<PlanDraft>,
    /// One plan item at a time, so that a parent is kept before its children are looked at.
    planning: tokio::sync::Mutex<()>,
    /// How many items are kept, for calls that wait for their parent's.
    kept: watch::Sender<usize>,
    host: Arc<dyn ToolHost>,
}

impl std::fmt::Debug for ToolDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolDesk").field("mode", &self.mode).field("tools", &self.tools).finish_non_exhaustive()
    }
}

impl ToolDesk {
    /// Offers the mode's tools, less those that `allowed` leaves out (empty: all of them). `columns` are the board's
    /// column keys.
    pub fn new(mode: RunMode, allowed: &[String], columns: Vec<String>, host: Arc<dyn ToolHost>) -> Self {
        let offered = |tool: &Tool| allowed.is_empty() || allowed.iter().any(|name| name == tool.name());
        let tools = Tool::of_mode(mode).into_iter().filter(offered).collect();
        let plan = Mutex::new(PlanDraft::new(columns.clone()));
        Self { mode, tools, columns, plan, planning: tokio::sync::Mutex::new(()), kept: watch::Sender::new(0), host }
    }

    pub fn tools(&self) -> &[Tool] {
        &self.tools
    }

    pub fn input_schema(&self, tool: Tool) -> Value {
        tool.input_schema(&self.columns)
    }

    /// The items kept so far, parents first.
    pub fn plan_items(&self) -> Vec<PlanItem> {
        self.plan().items().to_vec()
    }

    /// Carries out a call and returns what the agent is told.
    ///
    /// # Errors
    /// What the agent is told instead: the call changed nothing.
    pub async fn serve(&self, name: &str, arguments: &Value) -> Result<String, ToolRefusal> {
        let tool = Tool::named(name).filter(|tool| self.tools.contains(tool));
        let tool = tool.ok_or_else(|| ToolRefusal(format!("There is no tool {name:?} in this run.")))?;
        match tool.parse(arguments)? {
            ToolCall::CreateTicket(item) => self.plan_item(tool, item).await,
            ToolCall::AddComment { body_md } => {
                self.host.add_comment(&body_md).await.map(|()| "The comment is on the ticket.".into())
            }
            ToolCall::Finding(finding) => self.host.finding(&finding).await.map(|()| "The finding is recorded.".into()),
            ToolCall::AskPerson(question) => self.host.ask_person(&question).await,
        }
    }

    /// Agents send the calls of one turn at once, and they may arrive in any order: a child waits a little for its
    /// parent.
    async fn parent_is_kept(&self, item: &PlanItem) {
        let mut kept = self.kept.subscribe();
        let only_early = |faults: &[PlanFault]| matches!(faults, [PlanFault::ParentUnknown(_)]);
        let settled = kept.wait_for(|_| !only_early(&self.plan().faults_of(item)));
        // In vain is fine too: the check that follows refuses the item.
        let _ = tokio::time::timeout(PARENT_GRACE, settled).await;
    }

    async fn plan_item(&self, tool: Tool, item: PlanItem) -> Result<String, ToolRefusal> {
        self.parent_is_kept(&item).await;
        let _one_at_a_time = self.planning.lock().await;
        let faults = self.plan().faults_of(&item);
        if !faults.is_empty() {
            return Err(tool.refusal(&in_words(&faults)));
        }
        self.host.create_ticket(&item).await?;
        let told = format!("{} is in the plan.", item.temp_id);
        self.plan().keep(item).map_err(|faults| tool.refusal(&in_words(&faults)))?;
        self.kept.send_modify(|count| *count += 1);
        Ok(told)
    }

    /// What the agent has yet to do when it says that it is done, in words for it; nothing when its work is whole.
    pub fn shortcomings(&self) -> Option<String> {
        let missing = match self.mode {
            RunMode::Plan => self.plan().shortcomings(),
            RunMode::Implement | RunMode::Bugfix | RunMode::Review | RunMode::Qa | RunMode::Ask => Vec::new(),
        };
        (!missing.is_empty()).then(|| {
            format!("The plan is not whole yet: {}. Add what is missing with create_ticket.", missing.join("; "))
        })
    }

    /// The artifact that the calls amount to: a plan's items, once there are any.
    pub fn artifact(&self) -> Option<RunEvent> {
        let items = self.plan_items();
        if items.is_empty() {
            return None;
        }
        let (name, mime) = PLAN_ARTIFACT;
        let text = serde_json::to_string(&items).ok()?;
        Some(RunEvent::Artifact(Artifact { name: name.into(), mime: mime.into(), content: Content::whole(text) }))
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, PlanDraft> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_words(faults: &[PlanFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use async_trait::async_trait;
    use serde_json::json;

    use super::*;
    use crate::agents::tools::{Finding, Question};

    /// Keeps what arrives, and refuses a ticket of the title "No".
    #[derive(Default)]
    struct Host(Mutex<Vec<String>>);

    #[async_trait]
    impl ToolHost for Host {
        async fn create_ticket(&self, item: &PlanItem) -> Result<(), ToolRefusal> {
            if item.title == "No" {
                return Err(ToolRefusal("The board cannot be reached; try again.".into()));
            }
            self.0.lock().unwrap().push(item.temp_id.clone());
            Ok(())
        }
        async fn add_comment(&self, body_md: &str) -> Result<(), ToolRefusal> {
            self.0.lock().unwrap().push(body_md.into());
            Ok(())
        }
        async fn finding(&self, finding: &Finding) -> Result<(), ToolRefusal> {
            self.0.lock().unwrap().push(finding.path.clone());
            Ok(())
        }
        async fn ask_person(&self, _: &Question) -> Result<String, ToolRefusal> {
            Ok("blue".into())
        }
    }

    fn desk(mode: RunMode, allowed: &[String]) -> (ToolDesk, Arc<Host>) {
        let host = Arc::new(Host::default());
        (ToolDesk::new(mode, allowed, vec!["todo".into()], Arc::<Host>::clone(&host)), host)
    }

    fn ticket(temp_id: &str, parent: Option<&str>, kind: &str, title: &str) -> Value {
        json!({
            "temp_id": temp_id, "parent": parent, "kind": kind, "title": title, "description": "d",
            "acceptance_criteria": ["c"], "owner_role": "dev", "suggested_column": "todo",
        })
    }

    #[tokio::test]
    async fn a_ticket_is_kept_only_when_the_host_has_kept_it() {
        let (desk, host) = desk(RunMode::Plan, &[]);
        let told = desk.serve("create_ticket", &ticket("E1", None, "epic", "Yes")).await;
        assert_eq!(told.unwrap(), "E1 is in the plan.");
        let refused = desk.serve("create_ticket", &ticket("S1", Some("E1"), "story", "No")).await.unwrap_err();
        assert_eq!(refused.0, "The board cannot be reached; try again.");
        let orphan = desk.serve("create_ticket", &ticket("T1", Some("S1"), "task", "Yes")).await.unwrap_err();
        assert!(orphan.0.contains("there is no item \"S1\" yet"), "{orphan}");
        assert_eq!(*host.0.lock().unwrap(), ["E1"]);
        assert_eq!(desk.plan_items().len(), 1);
    }

    #[tokio::test]
    async fn calls_that_overtake_their_parent_wait_for_it() {
        let (desk, host) = desk(RunMode::Plan, &[]);
        let calls =
            [ticket("T", Some("S"), "task", "t"), ticket("S", Some("E"), "story", "s"), ticket("E", None, "epic", "e")];
        let served = futures::future::join_all(calls.iter().map(|c| desk.serve("create_ticket", c))).await;
        assert!(served.iter().all(Result::is_ok), "{served:?}");
        assert_eq!(*host.0.lock().unwrap(), ["E", "S", "T"]);
    }

    #[tokio::test]
    async fn a_tool_that_is_not_offered_does_nothing() {
        let (implementer, host) = desk(RunMode::Implement, &[]);
        assert!(implementer.serve("create_ticket", &ticket("E", None, "epic", "e")).await.is_err());
        assert!(implementer.serve("rm", &json!({})).await.is_err());
        assert!(implementer.serve("add_comment", &json!({"body": "hello"})).await.is_ok());
        assert_eq!(*host.0.lock().unwrap(), ["hello"]);
        let (limited, _) = desk(RunMode::Implement, &["ask_person".into()]);
        assert_eq!(limited.tools(), [Tool::AskPerson]);
        assert!(limited.serve("add_comment", &json!({"body": "hello"})).await.is_err());
        assert_eq!(limited.serve("ask_person", &json!({"question": "Which?"})).await.unwrap(), "blue");
    }

    #[tokio::test]
    async fn the_artifact_is_the_plan_so_far() {
        let (desk, _) = desk(RunMode::Plan, &[]);
        assert_eq!(desk.artifact(), None);
        assert!(desk.shortcomings().unwrap().contains("there is no epic"));
        desk.serve("create_ticket", &ticket("E", None, "epic", "e")).await.unwrap();
        let Some(RunEvent::Artifact(artifact)) = desk.artifact() else { panic!() };
        assert_eq!(serde_json::from_str::<Vec<PlanItem>>(&artifact.content.text).unwrap(), desk.plan_items());
    }
}
