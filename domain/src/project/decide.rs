//! The rules of a project.

use super::{CreateProject, Project, ProjectCommand, ProjectCreated, ProjectEvent};
use crate::decider::Rejection;
use crate::limits::{NAME_MAX_CHARS, PROJECT_KEY_MAX_CHARS};
use crate::text::{self, LineProblem};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectRejection {
    #[error("this project exists already")]
    Exists,
    #[error("the name {0}")]
    Name(LineProblem),
    #[error("a key is 2 to {PROJECT_KEY_MAX_CHARS} upper-case letters and digits and begins with a letter")]
    KeyMalformed,
    #[error("another project has the key {key}")]
    KeyTaken { key: String },
}

impl Rejection for ProjectRejection {
    fn reason(&self) -> &'static str {
        match self {
            Self::Exists => "EXISTS",
            Self::Name(problem) => text::name_reason(*problem),
            Self::KeyMalformed => "KEY_MALFORMED",
            Self::KeyTaken { .. } => "KEY_TAKEN",
        }
    }
}

/// Whether a text can be a project's key, such as `AL`.
pub fn is_key(text: &str) -> bool {
    (2..=PROJECT_KEY_MAX_CHARS).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && text.starts_with(|c: char| c.is_ascii_uppercase())
}

pub(super) fn decide(project: &Project, command: &ProjectCommand) -> Result<Vec<ProjectEvent>, ProjectRejection> {
    match command {
        ProjectCommand::Create(command) => create(project, command),
    }
}

fn create(project: &Project, command: &CreateProject) -> Result<Vec<ProjectEvent>, ProjectRejection> {
    if project.created.is_some() {
        return Err(ProjectRejection::Exists);
    }
    let name = text::line(&command.name, NAME_MAX_CHARS).map_err(ProjectRejection::Name)?;
    if !is_key(&command.key) {
        return Err(ProjectRejection::KeyMalformed);
    }
    if command.key_taken {
        return Err(ProjectRejection::KeyTaken { key: command.key.clone() });
    }
    Ok(vec![ProjectCreated { key: command.key.clone(), name, default_board: command.default_board }.into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BoardId;
    use crate::given::{given, uuid};

    fn create(key: &str, key_taken: bool) -> ProjectCommand {
        let default_board = BoardId(uuid(3));
        ProjectCommand::Create(CreateProject { key: key.to_owned(), name: "Line".to_owned(), key_taken, default_board })
    }

    fn created() -> ProjectEvent {
        ProjectCreated { key: "AL".to_owned(), name: "Line".to_owned(), default_board: BoardId(uuid(3)) }.into()
    }

    #[test]
    fn it_is_made_with_its_key_and_board() {
        given::<Project>([]).when(create("AL", false)).then([created()]);
        given::<Project>([created()]).when(create("AL", false)).then_rejected(ProjectRejection::Exists);
    }

    #[test]
    fn its_key_is_its_own() {
        let taken = ProjectRejection::KeyTaken { key: "AL".to_owned() };
        assert_eq!(taken.reason(), "KEY_TAKEN");
        given::<Project>([]).when(create("AL", true)).then_rejected(taken);
    }

    #[test]
    fn its_key_is_short_and_plain() {
        for key in ["", "A", "al", "1A", "A-B", "ABCDEFGHIJK", "ÄL"] {
            given::<Project>([]).when(create(key, false)).then_rejected(ProjectRejection::KeyMalformed);
        }
        assert!(is_key("A1") && is_key("ABCDEFGHIJ"));
    }
}
