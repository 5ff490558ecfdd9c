//! `lime audit`: an organisation's log as a file, and whether such a file holds.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use domain::OrgId;
use schema::audit::{Head, VerifyError, verify};
use tempfile::NamedTempFile;

use crate::cli;
use crate::connected::Addresses;
use crate::exit::Exit;
use crate::screen::{print, say};
use crate::settings::Settings;

/// Writes every event that the organisation has; the file appears when it is whole.
pub(crate) async fn export(settings: &Settings, options: cli::AuditExport) -> anyhow::Result<()> {
    let pool = Addresses::find(settings)?.pool()?;
    let mut connection = pool.acquire().await.context("failed to reach the database")?;
    let folder = options.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = NamedTempFile::new_in(folder).with_context(|| format!("failed to write into {}", folder.display()))?;
    let mut out = BufWriter::new(file);
    let end = commands::ledger::audit::export(&mut connection, OrgId(options.org), &mut out).await?;
    out.flush()?;
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(&options.out).with_context(|| format!("failed to write {}", options.out.display()))?;
    if end.events == 0 {
        tracing::warn!(org = %options.org, "there is no event of such an organisation; the file holds none");
    }
    say(format!("{} events, up to position {}", end.events, end.position));
    print(Head { org_position: end.events, hash: end.head });
    say("Keep the line above elsewhere: `lime audit verify --head` compares a file with it.");
    Ok(())
}

/// Needs nothing but the file. Ends with code 1 at a file that is not what was exported.
pub(crate) fn verify_file(options: &cli::AuditVerify) -> anyhow::Result<()> {
    let head = options.head.as_deref().map(str::parse::<Head>).transpose();
    let head = head.map_err(|error| Exit::Usage.because(error))?;
    let file = File::open(&options.file).with_context(|| format!("failed to open {}", options.file.display()))?;
    match verify(BufReader::new(file), head) {
        Ok(verified) => {
            let strength = if verified.matches_given_head {
                "authenticated: it holds the head that was given"
            } else {
                "consistent, not authenticated: give a head that was kept elsewhere with --head"
            };
            print(format!(
                "{} events of {}, up to position {}: {strength}",
                verified.events, verified.org, verified.position
            ));
            Ok(())
        }
        Err(VerifyError::Broken(broken)) => Err(Exit::Failed.because(broken)),
        Err(error) => Err(error.into()),
    }
}
