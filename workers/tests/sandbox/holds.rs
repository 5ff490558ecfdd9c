//! What the sandbox gives: input and output, variables, forwards, exit codes, and clear errors.

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use workers::sandbox::{Access, Bind, Forward, Sandbox, SandboxError, SandboxProbe};

use super::rig;

#[tokio::test]
async fn input_output_and_variables_pass_and_the_exit_code_comes_back() {
    let Some(rig) = rig(10).await else { return };
    let mut spec = rig.shell("read line; echo \"got $line $GIVEN\"; echo oops >&2; pwd; id -u; exit 7");
    spec.env.insert("GIVEN".into(), "two words".into());
    let mut process = rig.sandbox.spawn(&spec).await.unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(b"hello\n").await.unwrap();
    let mut stdout = process.stdout.take().unwrap();
    assert_eq!(stdout.next_line().await.unwrap().unwrap(), "got hello two words");
    assert_eq!(stdout.next_line().await.unwrap().unwrap(), "/workspace");
    assert_eq!(stdout.next_line().await.unwrap().unwrap(), "1500");
    assert_eq!(process.stderr.take().unwrap().next_line().await.unwrap().unwrap(), "oops");
    let ended = process.wait().await;
    assert_eq!((ended.exit_code, ended.stopped_by), (Some(7), None));
}

#[tokio::test]
async fn a_signal_shows_as_128_and_its_number() {
    let Some(rig) = rig(11).await else { return };
    let (ended, ..) = rig.run(&rig.shell("kill -TERM $$")).await.unwrap();
    assert_eq!(ended.exit_code, Some(128 + 15));
}

#[tokio::test]
async fn what_is_left_behind_ends_with_the_program() {
    let Some(rig) = rig(12).await else { return };
    let marker = format!("31{}", std::process::id());
    let (ended, ..) = rig.run(&rig.shell(&format!("setsid sleep {marker} >/dev/null 2>&1 & exit 0"))).await.unwrap();
    assert!(ended.success());
    assert_eq!(super::processes_with(&marker), Vec::<u32>::new());
}

#[tokio::test]
async fn a_loopback_port_inside_leads_to_the_runs_socket() {
    let Some(rig) = rig(13).await else { return };
    let run_dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(run_dir.path().join("model.sock")).unwrap();
    rig.sandbox.hand_over(run_dir.path()).unwrap();
    let serve = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut connection, _) = listener.accept().unwrap();
            let mut question = [0; 5];
            std::io::Read::read_exact(&mut connection, &mut question).unwrap();
            connection.write_all(b"answer to ").unwrap();
            connection.write_all(&question).unwrap();
        }
    });
    let script = "exec 3<>/dev/tcp/127.0.0.1/41100; printf first >&3; cat <&3; echo; \
                  exec 3<>/dev/tcp/127.0.0.1/41100; printf secon >&3; cat <&3";
    let mut spec = rig.spec(["/bin/bash", "-c", script]);
    spec.run_dir = Some(run_dir.path().to_path_buf());
    spec.forwards.push(Forward { port: 41100, socket: "/run/al/model.sock".into() });
    let (ended, stdout, stderr) = rig.run(&spec).await.unwrap();
    assert_eq!(stdout, "answer to first\nanswer to secon", "{stderr}");
    assert!(ended.success());
    serve.join().unwrap();
}

#[tokio::test]
async fn binds_are_as_writable_as_they_say() {
    let Some(rig) = rig(14).await else { return };
    let (read_only, read_write) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(read_only.path().join("file"), "given").unwrap();
    rig.sandbox.hand_over(read_only.path()).unwrap();
    rig.sandbox.hand_over(read_write.path()).unwrap();
    let mut spec = rig.shell("cat /data/file; echo x > /data/x && echo WROTE; cp /data/file /home/agent/state/kept");
    let bind = |source: &tempfile::TempDir, target: &str, access| Bind {
        source: source.path().to_path_buf(),
        target: target.into(),
        access,
    };
    spec.binds.push(bind(&read_only, "/data", Access::ReadOnly));
    spec.binds.push(bind(&read_write, "/home/agent/state", Access::ReadWrite));
    let (ended, stdout, stderr) = rig.run(&spec).await.unwrap();
    assert_eq!(stdout, "given", "{stderr}");
    assert!(ended.success(), "{stderr}");
    assert_eq!(std::fs::read_to_string(read_write.path().join("kept")).unwrap(), "given");

    let mut spec = rig.shell("echo x > /workspace/x");
    spec.workspace_access = Access::ReadOnly;
    let (ended, ..) = rig.run(&spec).await.unwrap();
    assert!(!ended.success());
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let Some(rig) = rig(15).await else { return };
    let error = rig.sandbox.spawn(&rig.spec(["/opt/agent/bin/missing", "--version"])).await.unwrap_err();
    let SandboxError::Program { reason } = error else { panic!("{error:?}") };
    assert!(reason.contains("/opt/agent/bin/missing: No such file"), "{reason}");
}

#[tokio::test]
async fn a_bind_that_is_not_there_is_named_before_anything_starts() {
    let Some(rig) = rig(16).await else { return };
    let mut spec = rig.shell("true");
    spec.binds.push(Bind { source: "/no/such/agent".into(), target: "/opt/agent".into(), access: Access::ReadOnly });
    let error = rig.sandbox.spawn(&spec).await.unwrap_err();
    assert!(matches!(&error, SandboxError::Bind { path, .. } if path.ends_with("agent")), "{error:?}");
}

#[tokio::test]
async fn where_no_sandbox_can_be_made_the_probe_says_why_and_what_to_do() {
    let Some(rig) = rig(17).await else { return };
    let with = |bubblewrap: &str| Sandbox { bubblewrap: bubblewrap.into(), ..rig.sandbox.clone() };
    let SandboxProbe::Unavailable { reason, remedy } = with("/no/such/bwrap").probe().await else { panic!() };
    assert!(reason.contains("/no/such/bwrap"), "{reason}");
    assert!(!remedy.is_empty());
    let SandboxProbe::Unavailable { reason, remedy } = with("/bin/echo").probe().await else { panic!() };
    assert!(reason.contains("calls itself"), "{reason}");
    assert!(remedy.contains("install bubblewrap"), "{remedy}");
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::PermissionsExt::set_mode(&mut dir.path().metadata().unwrap().permissions(), 0o755);
    let fake = dir.path().join("bwrap");
    let script = "#!/bin/sh\n[ \"$1\" = --version ] && echo bubblewrap 0.9.0 && exit\n\
                  echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1\n";
    std::fs::write(&fake, script).unwrap();
    std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let SandboxProbe::Unavailable { reason, remedy } = with(fake.to_str().unwrap()).probe().await else { panic!() };
    assert!(reason.contains("setting up uid map"), "{reason}");
    assert!(remedy.contains("user namespaces"), "{remedy}");
}

#[tokio::test]
async fn the_run_token_is_in_no_command_line() {
    let Some(rig) = rig(18).await else { return };
    let token = format!("run-token-{}", std::process::id());
    let mut spec = rig.shell("sleep 60");
    spec.env.insert("OPENAI_API_KEY".into(), token.clone());
    let process = rig.sandbox.spawn(&spec).await.unwrap();
    assert_eq!(super::processes_with(&token), Vec::<u32>::new());
    assert!(["full", "partial", "none"].contains(&process.landlock.as_str()));
    let ended = tokio::time::timeout(Duration::from_secs(5), process.kill()).await.unwrap();
    assert_eq!(ended.exit_code, None);
}
