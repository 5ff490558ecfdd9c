//! Projects, each with its default board.

use crate::input::{Input, derived_id};
use crate::store::{StoreError, within};
use crate::{Accepted, Caller, CommandError, Commands};
use domain::board::{Board, BoardCommand, CreateBoard, default_columns};
use domain::limits::NAME_MAX_CHARS;
use domain::org::Org;
use domain::project::{CreateProject as Create, Project, ProjectCommand, is_key};
use domain::{BoardId, Context, Decider, OrgId, ProjectId, Rejection};
use garde::Validate;
use serde::Serialize;

#[derive(Clone, Debug, Serialize, Validate)]
pub struct CreateProject {
    /// 2 to 10 upper-case letters and digits, a letter first.
    #[garde(custom(well_formed_key))]
    pub key: String,
    #[garde(length(bytes, max = NAME_MAX_CHARS * 8))]
    pub name: String,
}

impl Input for CreateProject {
    const NAME: &'static str = "create_project";
}

fn well_formed_key(key: &str, (): &()) -> garde::Result {
    if is_key(key) {
        return Ok(());
    }
    Err(garde::Error::new("is 2 to 10 upper-case letters and digits and begins with a letter"))
}

/// The board that [`create_project`] makes together with the project.
pub fn default_board_of(project: ProjectId) -> BoardId {
    BoardId(project.derive("default-board"))
}

/// Makes a project and its default board. Rejected with `KEY_TAKEN` when another project of the org has the key.
pub async fn create_project(
    commands: &Commands,
    caller: &Caller,
    input: CreateProject,
) -> Result<Accepted, CommandError> {
    commands.perform(caller, &input, create(commands, caller, &input)).await
}

async fn create(commands: &Commands, caller: &Caller, input: &CreateProject) -> Result<Accepted, CommandError> {
    commands.find::<Org>(caller.org, caller.org).await?;
    let project = ProjectId(derived_id(caller, "project"));
    let default_board = default_board_of(project);
    let (key, name) = (input.key.clone(), input.name.clone());
    let mut command = Create { key, name, key_taken: false, default_board };
    // Ask the rules before taking the key, so that a refused project leaves no reservation behind.
    let context = Context {
        org: caller.org,
        actor: caller.actor.clone(),
        now: chrono::Utc::now(),
        command_id: caller.command_id,
    };
    if let Err(rejection) = Project::default().decide(&ProjectCommand::Create(command.clone()), &context) {
        return Err(CommandError::Rejected { reason: rejection.reason(), message: rejection.to_string() });
    }
    command.key_taken = !reserve_key(commands, caller.org, &input.key, project).await?;
    if !command.key_taken {
        // The board first: a crash in between leaves a board that nobody sees, never a project without one.
        let columns = default_columns();
        let board = BoardCommand::Create(CreateBoard { project, name: "Board".to_owned(), columns });
        let made = commands.execute::<Board>(&caller.step("default-board"), default_board.0, [0; 32], &board).await;
        let is_repeat = matches!(made, Err(CommandError::Rejected { reason: "EXISTS", .. }));
        if !is_repeat {
            made?;
        }
    }
    commands.execute::<Project>(caller, project.0, input.digest(caller), &ProjectCommand::Create(command)).await
}

// A reservation whose project never came to be (its command crashed in between) is free again after ten minutes, far
// beyond the patience of any command.
const RESERVE: &str = "
insert into project_keys as k (org, key, project_id) values ($1, $2, $3)
on conflict (org, key) do update set project_id = excluded.project_id, reserved_at = now()
where k.project_id = excluded.project_id
   or (k.reserved_at < now() - interval '10 minutes' and not exists (
       select from events e where e.org = k.org and e.aggregate_type = 'Project'
                              and e.aggregate_id = k.project_id::text and e.sequence = 1))";

/// Whether the key is this project's.
async fn reserve_key(commands: &Commands, org: OrgId, key: &str, project: ProjectId) -> Result<bool, CommandError> {
    let reserved = within(commands.settings().patience, async {
        let query = sqlx::query(RESERVE).bind(org.0).bind(key).bind(project.0);
        query.execute(commands.pool()).await.map_err(StoreError::Reserve)
    });
    Ok(reserved.await?.rows_affected() == 1)
}
