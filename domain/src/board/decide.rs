//! The rules of a board.

use super::{Board, BoardCommand, BoardCreated, BoardEvent, Column, CreateBoard};
use crate::decider::Rejection;
use crate::limits::{COLUMNS_MAX, NAME_MAX_CHARS};
use crate::text::{self, LineProblem};
use std::collections::BTreeSet;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoardRejection {
    #[error("this board exists already")]
    Exists,
    #[error("the name {0}")]
    Name(LineProblem),
    #[error("a board has 1 to {COLUMNS_MAX} columns, each with a key of its own in lower-case letters, digits and _")]
    Columns,
}

impl Rejection for BoardRejection {
    fn reason(&self) -> &'static str {
        match self {
            Self::Exists => "EXISTS",
            Self::Name(problem) => text::name_reason(*problem),
            Self::Columns => "COLUMNS_MALFORMED",
        }
    }
}

pub(super) fn decide(board: &Board, command: &BoardCommand) -> Result<Vec<BoardEvent>, BoardRejection> {
    match command {
        BoardCommand::Create(command) => create(board, command),
    }
}

fn create(board: &Board, command: &CreateBoard) -> Result<Vec<BoardEvent>, BoardRejection> {
    if board.project.is_some() {
        return Err(BoardRejection::Exists);
    }
    let name = text::line(&command.name, NAME_MAX_CHARS).map_err(BoardRejection::Name)?;
    let keys: BTreeSet<&str> = command.columns.iter().map(|column| column.key.as_str()).collect();
    let good = (1..=COLUMNS_MAX).contains(&command.columns.len())
        && keys.len() == command.columns.len()
        && keys.iter().all(|key| is_column_key(key));
    if !good {
        return Err(BoardRejection::Columns);
    }
    let mut columns = Vec::with_capacity(command.columns.len());
    for column in &command.columns {
        let name = text::line(&column.name, NAME_MAX_CHARS).map_err(BoardRejection::Name)?;
        columns.push(Column { name, ..column.clone() });
    }
    Ok(vec![BoardCreated { project: command.project, name, columns }.into()])
}

fn is_column_key(text: &str) -> bool {
    (1..=50).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
}

/// The columns of a project's first board.
pub fn default_columns() -> Vec<Column> {
    let columns = [
        ("backlog", "Backlog"),
        ("todo", "Todo"),
        ("in_progress", "In Progress"),
        ("code_review", "Code Review"),
        ("qa", "QA"),
        ("done", "Done"),
    ];
    columns.map(|(key, name)| Column { key: key.to_owned(), name: name.to_owned(), wip_limit: None }).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProjectId;
    use crate::given::{given, uuid};

    fn create(columns: Vec<Column>) -> BoardCommand {
        BoardCommand::Create(CreateBoard { project: ProjectId(uuid(4)), name: "Board".to_owned(), columns })
    }

    fn created() -> BoardEvent {
        let name = "Board".to_owned();
        BoardCreated { project: ProjectId(uuid(4)), name, columns: default_columns() }.into()
    }

    #[test]
    fn it_has_the_columns_it_was_made_with() {
        let board = given::<Board>([]).when(create(default_columns())).then([created()]).state;
        assert_eq!(board.column_keys(), ["backlog", "todo", "in_progress", "code_review", "qa", "done"]);
        given::<Board>([created()]).when(create(default_columns())).then_rejected(BoardRejection::Exists);
    }

    #[test]
    fn its_columns_are_told_apart() {
        let twice = [default_columns(), default_columns()].concat();
        given::<Board>([]).when(create(twice)).then_rejected(BoardRejection::Columns);
        given::<Board>([]).when(create(vec![])).then_rejected(BoardRejection::Columns);
        let odd = vec![Column { key: "In Progress".to_owned(), name: "x".to_owned(), wip_limit: None }];
        given::<Board>([]).when(create(odd)).then_rejected(BoardRejection::Columns);
    }
}
