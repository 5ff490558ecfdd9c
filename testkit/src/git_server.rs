//! A real git server for tests: bare repositories in a temporary directory, served over smart HTTP by
//! git's own `http-backend` behind a small CGI bridge. Test support; nothing of it is in the product.
//!
//! ```no_run
//! # async fn test() -> anyhow::Result<()> {
//! let server = testkit::GitServer::start().await?;
//! let commit = server.create("demo", &[("README.md", "hello\n")])?;
//! let url = server.url("demo"); // http://127.0.0.1:PORT/demo.git
//! # Ok(()) }
//! ```

use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail, ensure};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio_util::io::ReaderStream;

/// How the server misbehaves from now on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum GitFault {
    #[default]
    None,
    /// Every request is answered with this status.
    Status(u16),
    /// Every request is taken and never answered.
    Hang,
    /// Every request is sent elsewhere.
    Redirect(String),
    /// Every request is answered with a web page.
    WebPage,
}

/// Ends with the value.
#[derive(Debug)]
pub struct GitServer {
    root: tempfile::TempDir,
    port: u16,
    settings: Arc<Mutex<Settings>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Settings {
    fault: GitFault,
    /// The value of the Authorization header that every request must have.
    authorization: Option<String>,
    requests: Vec<String>,
}

#[derive(Clone)]
struct Served {
    root: PathBuf,
    settings: Arc<Mutex<Settings>>,
}

impl GitServer {
    /// Listens on a free port of 127.0.0.1. Needs git (with its `http-backend`) in PATH.
    pub async fn start() -> anyhow::Result<Self> {
        let root = tempfile::tempdir()?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let settings: Arc<Mutex<Settings>> = Arc::default();
        let served = Served { root: root.path().to_path_buf(), settings: Arc::clone(&settings) };
        let app = axum::Router::new().fallback(serve).with_state(served);
        let task = tokio::spawn(async move {
            // Ends when the task is aborted.
            drop(axum::serve(listener, app).await);
        });
        Ok(Self { root, port, settings, task })
    }

    /// `127.0.0.1:PORT`, as allow-lists name it.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}.git", self.host())
    }

    /// Where the bare repository lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(format!("{name}.git"))
    }

    pub fn set_fault(&self, fault: GitFault) {
        self.settings().fault = fault;
    }

    /// From now on requests need basic authentication with this user and password.
    pub fn require(&self, user: &str, password: &str) {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.settings().authorization = Some(format!("Basic {pair}"));
    }

    /// Method and path of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.settings().requests.clone()
    }

    /// A bare repository without a commit.
    pub fn create_empty(&self, name: &str) -> anyhow::Result<()> {
        let path = self.path(name);
        git(self.root.path(), &["init", "--quiet", "--bare", "-b", "main", &path.to_string_lossy()])?;
        git(&path, &["config", "http.receivepack", "true"])?;
        Ok(())
    }

    /// A bare repository with these files in a first commit on `main`; gives the commit.
    pub fn create(&self, name: &str, files: &[(&str, &str)]) -> anyhow::Result<String> {
        self.create_empty(name)?;
        self.commit(name, "main", "First commit", files)
    }

    /// Commits these files (and all that were there) to a branch, which begins at `main` if it is new.
    pub fn commit(&self, name: &str, branch: &str, message: &str, files: &[(&str, &str)]) -> anyhow::Result<String> {
        let path = self.path(name);
        let work = tempfile::tempdir()?;
        let dir = work.path();
        git(dir, &["init", "--quiet", "-b", branch])?;
        for start in [branch, "main"] {
            let source = format!("refs/heads/{start}");
            if git(dir, &["fetch", "--quiet", &path.to_string_lossy(), &source]).is_ok() {
                git(dir, &["reset", "--quiet", "--hard", "FETCH_HEAD"])?;
                break;
            }
        }
        for (file, text) in files {
            let file = dir.join(file);
            std::fs::create_dir_all(file.parent().context("a file has a directory")?)?;
            std::fs::write(file, text)?;
        }
        git(dir, &["add", "--all"])?;
        git(dir, &["commit", "--quiet", "--allow-empty", "-m", message])?;
        git(dir, &["push", "--quiet", &path.to_string_lossy(), &format!("HEAD:refs/heads/{branch}")])?;
        git(dir, &["rev-parse", "HEAD"])
    }

    /// Runs git in the bare repository; gives what it printed.
    pub fn git(&self, name: &str, args: &[&str]) -> anyhow::Result<String> {
        git(&self.path(name), args)
    }

    fn settings(&self) -> std::sync::MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// With fixed names and times, and nothing of the developer's own configuration.
fn git(dir: &Path, args: &[&str]) -> anyhow::Result<String> {
    let mut command = Blocking::new("git");
    command.args(args).current_dir(dir).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Test Author").env(format!("GIT_{role}_EMAIL"), "author@example.test");
        command.env(format!("GIT_{role}_DATE"), "2026-01-02T03:04:05Z");
    }
    let done = command.stdin(Stdio::null()).output().context("git runs")?;
    ensure!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(String::from_utf8(done.stdout)?.trim().to_owned())
}

async fn serve(State(served): State<Served>, request: Request) -> Response {
    let (fault, authorization) = {
        let mut settings = served.settings.lock().unwrap_or_else(PoisonError::into_inner);
        settings.requests.push(format!("{} {}", request.method(), request.uri()));
        (settings.fault.clone(), settings.authorization.clone())
    };
    match fault {
        GitFault::None => {}
        GitFault::Status(status) => return StatusCode::from_u16(status).unwrap_or_default().into_response(),
        GitFault::Hang => std::future::pending().await,
        GitFault::Redirect(to) => {
            return (StatusCode::FOUND, [("location", format!("{to}{}", request.uri()))]).into_response();
        }
        GitFault::WebPage => return axum::response::Html("<p>Not a repository.</p>").into_response(),
    }
    let given = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    if authorization.as_ref().is_some_and(|wanted| given != Some(wanted.as_bytes())) {
        return (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic realm=\"git\"")]).into_response();
    }
    match bridge(&served.root, request).await {
        Ok(response) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

/// One request as a CGI program sees it. The body comes without chunks (the HTTP library has taken them
/// apart) and so without a length; `http-backend` then reads to its end.
async fn bridge(root: &Path, request: Request) -> anyhow::Result<Response> {
    let (head, body) = request.into_parts();
    let text = |headers: &HeaderMap, name: HeaderName| -> String {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", head.method.as_str())
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("CONTENT_TYPE", text(&head.headers, CONTENT_TYPE))
        .env("HTTP_CONTENT_ENCODING", text(&head.headers, CONTENT_ENCODING))
        .env("GIT_PROTOCOL", text(&head.headers, HeaderName::from_static("git-protocol")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn().context("git http-backend starts")?;
    let mut stdin = child.stdin.take().context("a piped input")?;
    tokio::spawn(async move {
        let mut pieces = body.into_data_stream();
        while let Some(Ok(piece)) = pieces.next().await {
            // A backend that has read enough hangs up.
            if stdin.write_all(&piece).await.is_err() {
                return;
            }
        }
    });
    let mut stdout = BufReader::new(child.stdout.take().context("a piped output")?);
    let mut response = Response::builder();
    loop {
        let mut line = String::new();
        if stdout.read_line(&mut line).await? == 0 {
            bail!("git http-backend ended within its headers");
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        response = match name {
            "Status" => response.status(value.trim().split(' ').next().unwrap_or_default()),
            _ => response.header(name, value.trim()),
        };
    }
    let rest = ReaderStream::new(stdout).map(move |piece| {
        // Held until the answer has been read, then ended with it.
        let _ = &child;
        piece
    });
    Ok(response.body(Body::from_stream(rest))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clone(url: &str) -> anyhow::Result<tempfile::TempDir> {
        let dir = tempfile::tempdir()?;
        git(dir.path(), &["-c", "http.lowSpeedTime=5", "clone", "--quiet", url, "clone"])?;
        Ok(dir)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_committed_can_be_cloned_and_pushed_to() -> anyhow::Result<()> {
        let server = GitServer::start().await?;
        server.create("demo", &[("a/file.txt", "one\n")])?;
        let tip = server.commit("demo", "feature", "More", &[("b.txt", "two\n")])?;
        let dir = clone(&server.url("demo"))?;
        let work = dir.path().join("clone");
        assert_eq!(std::fs::read_to_string(work.join("a/file.txt"))?, "one\n");
        assert_eq!(git(&work, &["rev-parse", "origin/feature"])?, tip);
        // Large enough to be sent in chunks.
        std::fs::write(work.join("large"), (0..400_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>())?;
        git(&work, &["add", "--all"])?;
        git(&work, &["commit", "--quiet", "-m", "large"])?;
        git(&work, &["push", "--quiet", "origin", "HEAD:refs/heads/pushed"])?;
        assert_eq!(server.git("demo", &["rev-parse", "pushed"])?, git(&work, &["rev-parse", "HEAD"])?);
        assert!(server.requests().iter().any(|request| request.contains("git-receive-pack")));
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn faults_and_passwords_are_felt() -> anyhow::Result<()> {
        let server = GitServer::start().await?;
        server.create("demo", &[("file", "x")])?;
        let said = |url: &str| clone(url).map_or_else(|error| format!("{error:#}"), |_| "cloned".to_owned());
        assert!(said(&server.url("missing")).contains("not found"));
        server.set_fault(GitFault::Status(503));
        assert!(said(&server.url("demo")).contains("503"));
        server.set_fault(GitFault::None);
        server.require("user", "secret");
        assert!(said(&format!("http://user:wrong@{}/demo.git", server.host())).contains("Authentication failed"));
        assert_eq!(said(&format!("http://user:secret@{}/demo.git", server.host())), "cloned");
        Ok(())
    }
}
