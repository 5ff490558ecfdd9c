//! Every size cap, in one table.

/// Characters.
pub const TITLE_MAX_CHARS: usize = 300;
pub const NAME_MAX_CHARS: usize = 100;
pub const LABEL_MAX_CHARS: usize = 50;
pub const LABELS_MAX: usize = 30;
/// Bytes of UTF-8. A larger paste becomes an attachment.
pub const DESCRIPTION_MAX_BYTES: usize = 100_000;
pub const COMMENT_MAX_BYTES: usize = 100_000;
pub const PROMPT_MAX_BYTES: usize = 100_000;
pub const SUMMARY_MAX_BYTES: usize = 20_000;
/// One event's payload as stored.
pub const EVENT_MAX_BYTES: usize = 256 * 1024;
pub const FILE_MAX_BYTES: u64 = 20 * 1024 * 1024;
/// One event of a run's transcript; larger content goes to the object store.
pub const RUN_EVENT_MAX_BYTES: usize = 64 * 1024;
/// Ranks are rebalanced when they grow past this.
pub const RANK_MAX_CHARS: usize = 32;
pub const PROJECT_KEY_MAX_CHARS: usize = 10;
pub const COLUMNS_MAX: usize = 30;
pub const PLAN_ITEMS_MAX: usize = 60;
pub const PLAN_CRITERIA_MAX: usize = 30;
/// Files that a run's ending names; the diff names them all.
pub const CHANGED_FILES_MAX: usize = 500;
pub const ARTIFACTS_MAX: usize = 200;
pub const TIME_BUDGET_MAX_S: u32 = 24 * 3600;
pub const ESTIMATE_MAX: u32 = 1_000;
/// Of an org: lists of people are bounded by it.
pub const MEMBERS_MAX: usize = 1_000;
/// Invitations that were neither used nor taken back.
pub const INVITATIONS_MAX: usize = 200;
pub const INVITATION_DAYS: i64 = 7;
/// Of an org, over all its projects and tickets.
pub const BUDGETS_MAX: usize = 1_000;
/// What JSON carries exactly, and $9 thousand million.
pub const USD_MICROS_MAX: u64 = 1 << 53;
/// Of a budget: from here on people are warned.
pub const BUDGET_WARNING_PERCENT: u64 = 80;
