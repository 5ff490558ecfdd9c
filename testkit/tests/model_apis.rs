//! The scripted model as its clients see it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use testkit::scripted_model::{ErrorTurn, ModelSettings, Script, ScriptedModel, Turn};
use tokio::net::{TcpStream, UnixStream};

/// The status, and the whole body; an error when the connection breaks in the middle of it.
async fn post(model: &ScriptedModel, path: &str, body: &Value) -> anyhow::Result<(StatusCode, String)> {
    let request = Request::post(path).header("host", "model").header("authorization", "Bearer token");
    let request = request.body(Full::new(Bytes::from(body.to_string())))?;
    let mut sender = match model.address().strip_prefix("unix:") {
        Some(socket) => connect(UnixStream::connect(socket).await?).await?,
        None => connect(TcpStream::connect(model.address().strip_prefix("http://").unwrap()).await?).await?,
    };
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    Ok((status, String::from_utf8(answer.into_body().collect().await?.to_bytes().to_vec())?))
}

async fn connect<S>(stream: S) -> anyhow::Result<hyper::client::conn::http1::SendRequest<Full<Bytes>>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// A request of the Responses API that carries `done` assistant turns and offers a tool.
fn responses(user: &str, done: usize, tool: &str) -> Value {
    let mut input = vec![json!({"role": "user", "content": user})];
    for _ in 0..done {
        input.push(json!({"type": "function_call", "call_id": "c", "name": tool, "arguments": "{}"}));
        input.push(json!({"type": "function_call_output", "call_id": "c", "output": "ok"}));
    }
    json!({"model": "m", "stream": true, "input": input, "tools": [{"type": "function", "name": tool}]})
}

fn said(stream: &str) -> String {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    let frames = data.map(|text| serde_json::from_str::<Value>(text).unwrap());
    frames
        .filter(|frame| frame["type"] == "response.output_text.delta")
        .map(|frame| frame["delta"].as_str().unwrap().to_owned())
        .collect()
}

fn script(scenarios: &Value) -> Script {
    Script::parse("test", &json!({"scenarios": scenarios}).to_string()).unwrap()
}

#[tokio::test]
async fn the_turn_is_found_in_the_request_alone() {
    let script =
        script(&json!([{"name": "s", "turns": [{"text": "first"}, {"text": "second"}], "after": {"text": "over"}}]));
    let model = ScriptedModel::start(script).await.unwrap();
    for (done, text) in [(1, "second"), (0, "first"), (0, "first"), (2, "over")] {
        let (status, stream) = post(&model, "/v1/responses", &responses("go", done, "t")).await.unwrap();
        assert_eq!((status, said(&stream).as_str()), (StatusCode::OK, text));
    }
    let calls = model.wait_for_calls(4, Duration::from_secs(5)).await.unwrap();
    assert_eq!(calls.iter().map(|c| c.turn).collect::<Vec<_>>(), [1, 0, 0, 2]);
    assert_eq!(calls[0].credential.as_deref(), Some("Bearer token"));
    assert_eq!(calls[0].body["input"][0]["content"], "go");
}

#[tokio::test]
async fn a_marker_or_an_offered_tool_picks_the_scenario() {
    let script = script(&json!([
        {"name": "marked", "when": "[x]", "turns": [{"text": "marked"}]},
        {"name": "planner", "when_tool": "create_ticket", "turns": [{"text": "plan for ${WHO}"}]},
        {"name": "rest", "turns": [{"text": "rest"}], "side": {"text": "a title"}},
    ]));
    let settings = ModelSettings { variables: vec![("WHO".into(), "us".into())], ..ModelSettings::default() };
    let folder = tempfile::tempdir().unwrap();
    let model = ScriptedModel::start_on_socket(script, &folder.path().join("model"), settings).await.unwrap();
    for (user, tool, text) in
        [("a [x] b", "create_ticket", "marked"), ("a", "create_ticket", "plan for us"), ("a", "other", "rest")]
    {
        let (_, stream) = post(&model, "/v1/responses", &responses(user, 0, tool)).await.unwrap();
        assert_eq!(said(&stream), text);
    }
    let (_, side) = post(&model, "/v1/responses", &json!({"stream": true, "input": "a"})).await.unwrap();
    assert_eq!(said(&side), "a title");
    assert!(model.calls()[3].side);
}

#[tokio::test]
async fn faults_are_played_as_written() {
    let error = ErrorTurn { status: 500, kind: "server_error".into(), message: "try again".into(), times: Some(2) };
    let turns = vec![
        Turn { error: Some(error), ..Turn::saying("recovered") },
        Turn { cut: true, ..Turn::saying("never") },
        Turn { hang: true, ..Turn::saying("never") },
    ];
    let model = ScriptedModel::start(Script::of_turns(turns)).await.unwrap();
    for status in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK] {
        let (got, _) = post(&model, "/v1/responses", &responses("go", 0, "t")).await.unwrap();
        assert_eq!(got, status);
    }
    assert!(post(&model, "/v1/responses", &responses("go", 1, "t")).await.is_err(), "the stream is cut");
    let hanging = responses("go", 2, "t");
    let hanging = post(&model, "/v1/responses", &hanging);
    assert!(tokio::time::timeout(Duration::from_millis(300), hanging).await.is_err(), "the stream hangs");
}

#[tokio::test]
async fn the_messages_api_streams_counts_and_refuses() {
    let error = ErrorTurn { status: 429, kind: "rate_limit_error".into(), message: "slow down".into(), times: None };
    let turns = vec![
        Turn::saying("hello").calling("Bash", json!({"command": "ls"})),
        Turn { error: Some(error), ..Turn::default() },
    ];
    let model = ScriptedModel::start(Script::of_turns(turns)).await.unwrap();
    let mut request = json!({"model": "m", "stream": true, "tools": [{"name": "Bash"}], "messages": [{"role": "user", "content": "go"}]});
    let (_, stream) = post(&model, "/v1/messages?beta=true", &request).await.unwrap();
    let events: Vec<_> = stream.lines().filter_map(|l| l.strip_prefix("event: ")).collect();
    assert_eq!((events.first(), events.last()), (Some(&"message_start"), Some(&"message_stop")));
    assert!(stream.contains(r#""stop_reason":"tool_use""#));
    request["messages"].as_array_mut().unwrap().push(json!({"role": "assistant", "content": "hello"}));
    let (status, refusal) = post(&model, "/v1/messages", &request).await.unwrap();
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(serde_json::from_str::<Value>(&refusal).unwrap()["error"]["type"], "rate_limit_error");
    let (_, count) = post(&model, "/v1/messages/count_tokens", &request).await.unwrap();
    assert!(serde_json::from_str::<Value>(&count).unwrap()["input_tokens"].as_u64().unwrap() > 10);
    request["stream"] = false.into();
    request["messages"].as_array_mut().unwrap().truncate(1);
    let (_, whole) = post(&model, "/v1/messages", &request).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&whole).unwrap()["content"][1]["input"]["command"], "ls");
}

#[tokio::test]
async fn every_script_that_stands_ready_can_be_read_and_a_wrong_one_says_where() {
    Script::builtin().unwrap();
    for name in ["plan", "implement", "slow", "flood", "faults"] {
        Script::named(name).unwrap();
    }
    assert!(Script::named("none").is_err());
    let wrong = Script::parse("w", r#"{"scenarios": [{"name": "a", "turns": [{"txet": "typo"}]}]}"#).unwrap_err();
    assert!(format!("{:#}", anyhow::Error::from(wrong)).contains("txet"));
}
