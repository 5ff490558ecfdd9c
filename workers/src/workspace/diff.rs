//! What an agent changed, read from the host-private repository.

use super::error::WorkspaceError;
use super::git::Call;
use super::host::HostRepository;
use super::names::CommitId;

/// Bounds on what is read for people. The rest is cut, not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiffCaps {
    pub text_bytes: usize,
    pub files: usize,
    pub commits: usize,
}

impl Default for DiffCaps {
    fn default() -> Self {
        Self { text_bytes: 2 << 20, files: 5_000, commits: 500 }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// Unified diff with git's headers, three lines of context; ends in the middle if `cut`.
    pub text: String,
    pub files: Vec<FileChange>,
    /// The text or the list of files is not all there is.
    pub cut: bool,
}

impl Diff {
    pub fn additions(&self) -> u64 {
        self.files.iter().map(|file| file.additions).sum()
    }

    pub fn deletions(&self) -> u64 {
        self.files.iter().map(|file| file.deletions).sum()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Deleted,
    Modified,
    Renamed,
    /// A file became a link or the like.
    TypeChanged,
}

/// What stands at the path after the change (before it, when deleted).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Executable,
    Symlink,
    Submodule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Bytes that are no UTF-8 are replaced.
    pub path: String,
    /// Of a renamed file.
    pub old_path: Option<String>,
    pub change: ChangeKind,
    pub entry: EntryKind,
    /// Lines; 0 for a binary file.
    pub additions: u64,
    pub deletions: u64,
    pub binary: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    pub id: CommitId,
    /// As the commit says: the agent's word.
    pub author: String,
    /// Seconds since 1970, by the commit's word.
    pub authored_at: i64,
    pub subject: String,
    /// At most 4,000 characters.
    pub body: String,
}

impl HostRepository {
    /// From the base to `head`, renames found.
    ///
    /// # Errors
    /// [`WorkspaceError::Git`], [`WorkspaceError::Timeout`].
    pub async fn diff(&self, head: &CommitId, caps: DiffCaps) -> Result<Diff, WorkspaceError> {
        let (base, head) = (self.base.as_str(), head.as_str());
        let call = |what, form: &[&str], output_bytes| {
            let fixed = ["diff-tree", "-r", "--find-renames", "--no-ext-diff", "--no-textconv", "--no-color"];
            let range = [base, head, "--"];
            let args = fixed.iter().chain(form).chain(&range).map(|word| (*word).to_owned());
            let mut call = Call::new(what, args).within(&self.dir);
            call.output_bytes = output_bytes;
            call
        };
        let lists = 64 << 20;
        let text = self.git.run(call("write the diff", &["--patch", "--submodule=short"], caps.text_bytes)).await?;
        let raw = self.git.run(call("list the changed files", &["--raw", "-z", "--no-abbrev"], lists)).await?;
        let counts = self.git.run(call("count the changed lines", &["--numstat", "-z"], lists)).await?;
        let mut files = changes(&raw.output, &counts.output);
        let cut = text.cut || raw.cut || counts.cut || files.len() > caps.files;
        files.truncate(caps.files);
        Ok(Diff { text: String::from_utf8_lossy(&text.output).into_owned(), files, cut })
    }

    /// The commits from the base to `head`, the newest first.
    ///
    /// # Errors
    /// [`WorkspaceError::Git`], [`WorkspaceError::Timeout`].
    pub async fn commits(&self, head: &CommitId, caps: DiffCaps) -> Result<Vec<CommitInfo>, WorkspaceError> {
        let (most, not_base) = (format!("--max-count={}", caps.commits), format!("^{}", self.base));
        let args = [
            "log",
            "-z",
            "--no-show-signature",
            "--no-mailmap",
            "--format=%H%n%an%n%at%n%s%n%b",
            &most,
            head.as_str(),
            &not_base,
            "--",
        ];
        let mut call = Call::new("list the commits", args).within(&self.dir);
        call.output_bytes = 16 << 20;
        let done = self.git.run(call).await?;
        let text = String::from_utf8_lossy(&done.output).into_owned();
        Ok(text.split('\0').filter_map(commit).collect())
    }
}

fn commit(text: &str) -> Option<CommitInfo> {
    let mut lines = text.splitn(5, '\n');
    let id = CommitId::parse(lines.next()?)?;
    let author = lines.next()?.chars().take(200).collect();
    let authored_at = lines.next()?.parse().unwrap_or_default();
    let subject = lines.next()?.chars().take(500).collect();
    let body = lines.next().unwrap_or_default().trim().chars().take(4_000).collect();
    Some(CommitInfo { id, author, authored_at, subject, body })
}

/// Puts the two lists together; both come in the same order.
fn changes(raw: &[u8], counts: &[u8]) -> Vec<FileChange> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut raw = raw.split(|byte| *byte == 0);
    let mut counts = counts.split(|byte| *byte == 0);
    let mut files = Vec::new();
    while let Some(entry) = raw.next().map(&text).filter(|entry| entry.starts_with(':')) {
        // :<old mode> <new mode> <old object> <new object> <status>
        let mut fields = entry.trim_start_matches(':').split(' ');
        let (old_mode, new_mode) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let status = fields.nth(2).unwrap_or_default();
        let change = match status.chars().next() {
            Some('A') => ChangeKind::Added,
            Some('D') => ChangeKind::Deleted,
            Some('R') => ChangeKind::Renamed,
            Some('T') => ChangeKind::TypeChanged,
            _ => ChangeKind::Modified,
        };
        let first = raw.next().map(&text).unwrap_or_default();
        let renamed = change == ChangeKind::Renamed;
        let (old_path, path) =
            if renamed { (Some(first), raw.next().map(&text).unwrap_or_default()) } else { (None, first) };
        let count = counts.next().map(&text).unwrap_or_default();
        if renamed {
            // Its two paths follow in fields of their own.
            counts.next();
            counts.next();
        }
        let mut numbers = count.split('\t');
        let (added, deleted) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        files.push(FileChange {
            path,
            old_path,
            change,
            entry: entry_kind(if change == ChangeKind::Deleted { old_mode } else { new_mode }),
            additions: added.parse().unwrap_or_default(),
            deletions: deleted.parse().unwrap_or_default(),
            binary: added == "-",
        });
    }
    files
}

fn entry_kind(mode: &str) -> EntryKind {
    match mode {
        "120000" => EntryKind::Symlink,
        "160000" => EntryKind::Submodule,
        "100755" => EntryKind::Executable,
        _ => EntryKind::File,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn the_two_lists_are_put_together_over_a_rename() {
        let object = "a".repeat(40);
        let raw = format!(
            ":100644 100644 {object} {object} R096\0old name\0new\nname\0:000000 120000 {object} {object} A\0link\0:100755 000000 {object} {object} D\0gone\0"
        );
        let counts = "1\t2\t\0old name\0new\nname\x001\t0\tlink\0-\t-\tgone\0";
        let files = changes(raw.as_bytes(), counts.as_bytes());
        assert_eq!(files.len(), 3);
        assert_eq!((files[0].path.as_str(), files[0].old_path.as_deref()), ("new\nname", Some("old name")));
        assert_eq!((files[0].additions, files[0].deletions, files[0].change), (1, 2, ChangeKind::Renamed));
        assert_eq!((files[1].entry, files[1].change), (EntryKind::Symlink, ChangeKind::Added));
        assert_eq!((files[2].entry, files[2].binary), (EntryKind::Executable, true));
    }
}
