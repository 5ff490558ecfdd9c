//! Where the master key of the vault comes from: the environment, a file, a command of any key service, or the home.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use commands::vault::{Keyring, Vault};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;

use crate::connected::Addresses;
use crate::exit::Exit;
use crate::home::Home;
use crate::screen::{print, say};
use crate::settings::Settings;

const NAMES: &str = "ENCRYPTION_MASTER_KEY, ENCRYPTION_MASTER_KEY_FILE or ENCRYPTION_MASTER_KEY_COMMAND";
/// How long a key service may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The vault under the configured master key; where PostgreSQL is private, under the home's own.
///
/// # Errors
/// When there is no key, when it is none, or when the database is sealed under another: nothing may start then.
pub(crate) async fn vault(settings: &Settings, pool: PgPool) -> anyhow::Result<Vault> {
    let (text, place) = find(settings)?;
    let keyring = Keyring::parse(&text).map_err(|problem| Exit::Usage.because(format!("{place}: {problem}")))?;
    Vault::open(pool, keyring).await.with_context(|| format!("the master key from {place} cannot be used"))
}

/// The text of the setting, and where it stood.
fn find(settings: &Settings) -> anyhow::Result<(SecretString, String)> {
    let given = (&settings.master_key, &settings.master_key_file, &settings.master_key_command);
    match given {
        (Some(text), None, None) => Ok((text.clone(), "ENCRYPTION_MASTER_KEY".to_owned())),
        (None, Some(file), None) => Ok((read(file)?, file.display().to_string())),
        (None, None, Some(command)) => Ok((ask(command)?, "ENCRYPTION_MASTER_KEY_COMMAND".to_owned())),
        (None, None, None) => of_home(settings),
        _ => Err(Exit::Usage.because(format!("only one of {NAMES} can be set"))),
    }
}

/// The home's own key. It is made once, before anything was sealed under it, and never replaced.
fn of_home(settings: &Settings) -> anyhow::Result<(SecretString, String)> {
    if settings.database_url.is_some() {
        return Err(Exit::Usage.because(format!(
            "there is no master key for the secrets in this database. Set {NAMES}; a new installation makes one \
             with `openssl rand -base64 32`"
        )));
    }
    let file = Home::find(&settings.home)?.master_key();
    if !file.exists() {
        let key = Keyring::generate()?;
        // Whoever is second finds the first one's.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
            Ok(mut made) => {
                made.write_all(key.expose_secret().as_bytes())?;
                made.sync_all()?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("failed to make {}", file.display())),
        }
    }
    Ok((read(&file)?, file.display().to_string()))
}

fn read(file: &Path) -> anyhow::Result<SecretString> {
    let refuse = |what: &str| Exit::Usage.because(format!("the master key file {} {what}", file.display()));
    let metadata = fs::metadata(file).map_err(|error| refuse(&format!("cannot be read: {error}")))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(refuse("can be read by others: `chmod 600` it"));
    }
    let text = fs::read_to_string(file).map_err(|error| refuse(&format!("cannot be read: {error}")))?;
    Ok(SecretString::from(text))
}

/// Runs the command and takes what it prints.
fn ask(command: &str) -> anyhow::Result<SecretString> {
    let refuse = |what: String| Exit::Usage.because(format!("ENCRYPTION_MASTER_KEY_COMMAND {what}"));
    let mut shell = Command::new("sh");
    let mut child = shell
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| refuse(format!("cannot be run: {error}")))?;
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(refuse(format!("did not answer within {} s", PATIENCE.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(refuse(format!("ended with {}", output.status)));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| refuse("printed no text".to_owned()))?;
    Ok(SecretString::from(text))
}

/// `lime keys rotate`: every secret under the current master key.
pub(crate) async fn rotate(settings: &Settings) -> anyhow::Result<()> {
    let vault = vault(settings, Addresses::find(settings)?.pool()?).await?;
    let mut said = Instant::now();
    let done = vault
        .rewrap(|moved| {
            if said.elapsed() > Duration::from_secs(5) {
                said = Instant::now();
                tracing::info!(moved, "moving secrets to the current master key");
            }
        })
        .await?;
    if done.left > 0 {
        bail!("{} moved, {} were sealed meanwhile under another key: call it again", done.moved, done.left);
    }
    say(format!("{} moved. Every secret is under the current master key; older ones can be taken out.", done.moved));
    Ok(())
}

/// `lime keys list`: which keys are in use, by name.
pub(crate) async fn list(settings: &Settings) -> anyhow::Result<()> {
    let vault = vault(settings, Addresses::find(settings)?.pool()?).await?;
    for (id, secrets) in vault.keys_in_use().await? {
        print(format!("{id}  {secrets} secrets{}", if vault.is_current(&id) { ", current" } else { "" }));
    }
    Ok(())
}
