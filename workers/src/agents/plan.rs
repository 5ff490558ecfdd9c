//! A plan as it grows: one epic, 3–7 stories under it, 3–5 tasks under each story.
//!
//! Every item is checked and kept as it comes, so a plan that is cancelled half-way keeps what it had. Whether the whole
//! is complete is asked once the agent says that it is done ([`PlanDraft::shortcomings`]).

use domain::{limits, org::Role, ticket::TicketKind};
use serde::{Deserialize, Serialize};

pub const STORIES: std::ops::RangeInclusive<usize> = 3..=7;
pub const TASKS_PER_STORY: std::ops::RangeInclusive<usize> = 3..=5;
pub const CRITERIA_MAX: usize = 20;
pub const CRITERION_MAX_CHARS: usize = 1_000;
pub const TEMP_ID_MAX_CHARS: usize = 40;

/// One ticket that a plan proposes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanItem {
    /// Chosen by the agent, unique in its plan.
    pub temp_id: String,
    /// The temp id of the epic (for a story) or story (for a task); none for the epic.
    pub parent: Option<String>,
    pub kind: TicketKind,
    pub title: String,
    pub description_md: String,
    pub acceptance_criteria: Vec<String>,
    /// Who it is for; never `admin`.
    pub owner_role: Role,
    /// A column's key on the board at hand.
    pub column: String,
}

/// Why an item cannot stand; the words go back to the agent, which corrects its call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    #[error("temp_id: {0:?} is taken by an earlier item")]
    TempIdTaken(String),
    #[error("temp_id: must be 1 to {TEMP_ID_MAX_CHARS} letters, digits, '-', '_' or '.'")]
    TempIdMalformed,
    #[error("kind: a plan has exactly one epic, and {0:?} is it")]
    SecondEpic(String),
    #[error("kind: a plan is made of an epic, stories and tasks")]
    KindNotPlanned,
    #[error("parent: an epic has none")]
    EpicWithParent,
    #[error("parent: a {child} needs the temp_id of {wanted}, created before it")]
    ParentMissing { child: &'static str, wanted: &'static str },
    #[error("parent: there is no item {0:?} yet; create it first")]
    ParentUnknown(String),
    #[error("parent: {parent:?} is not {wanted}")]
    ParentOfWrongKind { parent: String, wanted: &'static str },
    #[error("the epic has {max} stories already, the most a plan may have", max = STORIES.end())]
    TooManyStories,
    #[error("story {0:?} has {max} tasks already, the most a story may have", max = TASKS_PER_STORY.end())]
    TooManyTasks(String),
    #[error("title: must not be empty")]
    TitleEmpty,
    #[error("title: has {0} characters, at most {max} are allowed", max = limits::TITLE_MAX_CHARS)]
    TitleTooLong(usize),
    #[error("description: must not be empty")]
    DescriptionEmpty,
    #[error("description: has {0} bytes, at most {max} are allowed", max = limits::DESCRIPTION_MAX_BYTES)]
    DescriptionTooLong(usize),
    #[error("acceptance_criteria: must name 1 to {CRITERIA_MAX}, none of them empty")]
    CriteriaCount,
    #[error("acceptance_criteria: each has at most {CRITERION_MAX_CHARS} characters")]
    CriterionTooLong,
    #[error("owner_role: must be pm, dev or qa")]
    OwnerRole,
    #[error("suggested_column: must be one of {}", .0.join(", "))]
    UnknownColumn(Vec<String>),
}

#[derive(Debug, Clone, Default)]
pub struct PlanDraft {
    columns: Vec<String>,
    items: Vec<PlanItem>,
}

impl PlanDraft {
    /// `columns` are the keys of the board's columns, in order.
    pub fn new(columns: Vec<String>) -> Self {
        Self { columns, items: Vec::new() }
    }

    /// In the order in which they were created: a parent stands before its children.
    pub fn items(&self) -> &[PlanItem] {
        &self.items
    }

    /// Everything that is wrong with the item; nothing when it can be kept.
    pub fn faults_of(&self, item: &PlanItem) -> Vec<PlanFault> {
        let mut faults = Vec::new();
        faults.extend(self.fault_of_temp_id(item));
        faults.extend(self.fault_of_place(item));
        match item.title.chars().count() {
            0 => faults.push(PlanFault::TitleEmpty),
            n if n > limits::TITLE_MAX_CHARS => faults.push(PlanFault::TitleTooLong(n)),
            _ => {}
        }
        match item.description_md.len() {
            0 => faults.push(PlanFault::DescriptionEmpty),
            n if n > limits::DESCRIPTION_MAX_BYTES => faults.push(PlanFault::DescriptionTooLong(n)),
            _ => {}
        }
        let criteria = &item.acceptance_criteria;
        if !(1..=CRITERIA_MAX).contains(&criteria.len()) || criteria.iter().any(|c| c.trim().is_empty()) {
            faults.push(PlanFault::CriteriaCount);
        }
        if criteria.iter().any(|c| c.chars().count() > CRITERION_MAX_CHARS) {
            faults.push(PlanFault::CriterionTooLong);
        }
        if item.owner_role == Role::Admin {
            faults.push(PlanFault::OwnerRole);
        }
        if !self.columns.contains(&item.column) {
            faults.push(PlanFault::UnknownColumn(self.columns.clone()));
        }
        faults
    }

    /// Adds an item that has no faults.
    ///
    /// # Errors
    /// Its faults; nothing is added then.
    pub fn keep(&mut self, item: PlanItem) -> Result<(), Vec<PlanFault>> {
        let faults = self.faults_of(&item);
        if !faults.is_empty() {
            return Err(faults);
        }
        self.items.push(item);
        Ok(())
    }

    fn fault_of_temp_id(&self, item: &PlanItem) -> Option<PlanFault> {
        let id = &item.temp_id;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.len() > TEMP_ID_MAX_CHARS || !id.chars().all(plain) {
            return Some(PlanFault::TempIdMalformed);
        }
        self.find(id).map(|_| PlanFault::TempIdTaken(id.clone()))
    }

    fn fault_of_place(&self, item: &PlanItem) -> Option<PlanFault> {
        match item.kind {
            TicketKind::Epic if item.parent.is_some() => Some(PlanFault::EpicWithParent),
            TicketKind::Epic => self.epic().map(|epic| PlanFault::SecondEpic(epic.temp_id.clone())),
            TicketKind::Story => self.fault_of_parent(item, TicketKind::Epic, "story", "the epic").or_else(|| {
                (self.children(item.parent.as_deref()).count() >= *STORIES.end()).then_some(PlanFault::TooManyStories)
            }),
            TicketKind::Task => self.fault_of_parent(item, TicketKind::Story, "task", "a story").or_else(|| {
                let story = item.parent.as_deref();
                let full = self.children(story).count() >= *TASKS_PER_STORY.end();
                full.then(|| PlanFault::TooManyTasks(story.unwrap_or_default().to_owned()))
            }),
            TicketKind::Bug => Some(PlanFault::KindNotPlanned),
        }
    }

    fn fault_of_parent(
        &self,
        item: &PlanItem,
        kind: TicketKind,
        child: &'static str,
        wanted: &'static str,
    ) -> Option<PlanFault> {
        let Some(parent) = &item.parent else { return Some(PlanFault::ParentMissing { child, wanted }) };
        match self.find(parent) {
            None => Some(PlanFault::ParentUnknown(parent.clone())),
            Some(found) if found.kind != kind => Some(PlanFault::ParentOfWrongKind { parent: parent.clone(), wanted }),
            Some(_) => None,
        }
    }

    /// What the plan lacks to be whole, in words for the agent; empty when it is whole.
    pub fn shortcomings(&self) -> Vec<String> {
        let Some(epic) = self.epic() else { return vec!["there is no epic".into()] };
        let mut missing = Vec::new();
        let stories: Vec<_> = self.children(Some(&epic.temp_id)).collect();
        if !STORIES.contains(&stories.len()) {
            let (least, most) = STORIES.into_inner();
            missing.push(format!("the epic has {} stories, it needs {least} to {most}", stories.len()));
        }
        for story in stories {
            let tasks = self.children(Some(&story.temp_id)).count();
            if !TASKS_PER_STORY.contains(&tasks) {
                let (least, most) = TASKS_PER_STORY.into_inner();
                missing.push(format!("story {:?} has {tasks} tasks, it needs {least} to {most}", story.temp_id));
            }
        }
        missing
    }

    fn epic(&self) -> Option<&PlanItem> {
        self.items.iter().find(|item| item.kind == TicketKind::Epic)
    }

    fn find(&self, temp_id: &str) -> Option<&PlanItem> {
        self.items.iter().find(|item| item.temp_id == temp_id)
    }

    fn children<'a>(&'a self, parent: Option<&'a str>) -> impl Iterator<Item = &'a PlanItem> {
        self.items.iter().filter(move |item| item.parent.is_some() && item.parent.as_deref() == parent)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn item(temp_id: &str, parent: Option<&str>, kind: TicketKind) -> PlanItem {
        PlanItem {
            temp_id: temp_id.into(),
            parent: parent.map(Into::into),
            kind,
            title: format!("Title of {temp_id}"),
            description_md: "What and why.".into(),
            acceptance_criteria: vec!["It works".into()],
            owner_role: Role::Dev,
            column: "todo".into(),
        }
    }

    fn draft(items: impl IntoIterator<Item = PlanItem>) -> PlanDraft {
        let mut draft = PlanDraft::new(vec!["backlog".into(), "todo".into()]);
        for item in items {
            draft.keep(item).unwrap();
        }
        draft
    }

    fn with_stories(stories: usize, tasks: usize) -> PlanDraft {
        let mut draft = draft([item("E", None, TicketKind::Epic)]);
        for s in 0..stories {
            draft.keep(item(&format!("S{s}"), Some("E"), TicketKind::Story)).unwrap();
            for t in 0..tasks {
                draft.keep(item(&format!("T{s}.{t}"), Some(&format!("S{s}")), TicketKind::Task)).unwrap();
            }
        }
        draft
    }

    fn faults(draft: &PlanDraft, change: impl FnOnce(&mut PlanItem)) -> Vec<PlanFault> {
        let mut item = item("X", Some("S0"), TicketKind::Task);
        change(&mut item);
        draft.faults_of(&item)
    }

    #[test]
    fn the_smallest_and_the_largest_plan_are_whole() {
        assert_eq!(with_stories(3, 3).shortcomings(), Vec::<String>::new());
        assert_eq!(with_stories(7, 5).shortcomings(), Vec::<String>::new());
    }

    #[test]
    fn a_plan_says_what_it_lacks() {
        assert_eq!(draft([]).shortcomings(), ["there is no epic"]);
        assert_eq!(with_stories(0, 0).shortcomings(), ["the epic has 0 stories, it needs 3 to 7"]);
        let few_tasks = with_stories(3, 2).shortcomings();
        assert_eq!(few_tasks.len(), 3);
        assert_eq!(few_tasks[0], "story \"S0\" has 2 tasks, it needs 3 to 5");
    }

    #[test]
    fn no_more_than_one_epic_seven_stories_and_five_tasks() {
        let full = with_stories(7, 5);
        let second_epic = full.faults_of(&item("E2", None, TicketKind::Epic));
        assert_eq!(second_epic, [PlanFault::SecondEpic("E".into())]);
        assert_eq!(full.faults_of(&item("S7", Some("E"), TicketKind::Story)), [PlanFault::TooManyStories]);
        assert_eq!(faults(&full, |_| {}), [PlanFault::TooManyTasks("S0".into())]);
    }

    #[test]
    fn a_child_comes_after_a_parent_of_the_right_kind() {
        let plan = with_stories(3, 3);
        assert_eq!(faults(&plan, |i| i.parent = Some("S9".into())), [PlanFault::ParentUnknown("S9".into())]);
        let wrong = PlanFault::ParentOfWrongKind { parent: "E".into(), wanted: "a story" };
        assert_eq!(faults(&plan, |i| i.parent = Some("E".into())), [wrong]);
        let missing = PlanFault::ParentMissing { child: "task", wanted: "a story" };
        assert_eq!(faults(&plan, |i| i.parent = None), [missing]);
        assert_eq!(faults(&plan, |i| i.kind = TicketKind::Epic), [PlanFault::EpicWithParent]);
        assert_eq!(faults(&plan, |i| i.kind = TicketKind::Bug), [PlanFault::KindNotPlanned]);
    }

    #[test]
    fn each_field_has_its_fault_and_all_are_told_at_once() {
        let plan = with_stories(3, 3);
        assert_eq!(faults(&plan, |i| i.temp_id = "T0.0".into()), [PlanFault::TempIdTaken("T0.0".into())]);
        assert_eq!(faults(&plan, |i| i.temp_id = "a b".into()), [PlanFault::TempIdMalformed]);
        assert_eq!(faults(&plan, |i| i.title = "x".repeat(301)), [PlanFault::TitleTooLong(301)]);
        assert_eq!(faults(&plan, |i| i.description_md = "x".repeat(100_001)), [PlanFault::DescriptionTooLong(100_001)]);
        assert_eq!(faults(&plan, |i| i.acceptance_criteria = vec![]), [PlanFault::CriteriaCount]);
        assert_eq!(faults(&plan, |i| i.acceptance_criteria = vec![" ".into()]), [PlanFault::CriteriaCount]);
        assert_eq!(faults(&plan, |i| i.acceptance_criteria = vec!["x".repeat(1_001)]), [PlanFault::CriterionTooLong]);
        assert_eq!(faults(&plan, |i| i.owner_role = Role::Admin), [PlanFault::OwnerRole]);
        let column = faults(&plan, |i| i.column = "somewhere".into());
        assert_eq!(column[0].to_string(), "suggested_column: must be one of backlog, todo");
        let many = faults(&plan, |i| {
            i.title.clear();
            i.description_md.clear();
            i.temp_id.clear();
        });
        assert_eq!(many, [PlanFault::TempIdMalformed, PlanFault::TitleEmpty, PlanFault::DescriptionEmpty]);
    }
}
