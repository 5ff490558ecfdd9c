//! The HTTP side: routes, the call record, and the choice between an answer, a stream and a refusal.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Api, Call, Calls, messages, playback,
    playback::{Frame, text_of},
    responses,
    script::{Asked, ErrorTurn, Script, Turn},
};

/// A conversation of an agent that floods may be large; the limit only keeps a broken test from eating the machine.
const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;

#[derive(Clone)]
struct Player {
    script: Script,
    calls: Arc<Calls>,
    stopping: CancellationToken,
    pace: Duration,
}

pub(super) fn router(script: Script, calls: Arc<Calls>, stopping: CancellationToken, pace: Duration) -> Router {
    Router::new().fallback(answer).layer(axum::extract::DefaultBodyLimit::max(MAX_REQUEST_BYTES)).with_state(Player {
        script,
        calls,
        stopping,
        pace,
    })
}

/// Paths are matched by their end, because base URLs differ: `/v1/responses`, `/openai/v1/responses`.
async fn answer(State(player): State<Player>, method: Method, uri: Uri, headers: HeaderMap, raw: Bytes) -> Response {
    let path = uri.path();
    if method == Method::HEAD {
        return StatusCode::OK.into_response();
    }
    if method == Method::GET {
        return player.look_up(&method, path, &headers);
    }
    let Ok(body) = serde_json::from_slice::<Value>(&raw) else {
        player.note(call(&method, path, &headers));
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({"error": {"type": "invalid_request_error", "message": "not JSON"}})),
        )
            .into_response();
    };
    if path.ends_with("/messages/count_tokens") {
        return Json(messages::count_tokens(&raw)).into_response();
    }
    let Some(api) = Api::of(path) else {
        player.note(Call { body, ..call(&method, path, &headers) });
        return not_found(path);
    };
    player.play(api, call(&method, path, &headers), body).await
}

impl Player {
    fn note(&self, call: Call) -> usize {
        self.calls.note(call)
    }

    fn look_up(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        if path == "/__calls" {
            return Json(self.calls.all()).into_response();
        }
        if path.ends_with("/models") {
            let model = json!({"id": "scripted", "type": "model", "object": "model"});
            return Json(json!({"object": "list", "data": [model]})).into_response();
        }
        self.note(call(method, path, headers));
        not_found(path)
    }

    async fn play(&self, api: Api, call: Call, body: Value) -> Response {
        let asked = api.read(&body);
        let (scenario, turn) = self.script.pick(api, &asked);
        let stream = body.get("stream").and_then(Value::as_bool).unwrap_or_default();
        let n = self.note(Call {
            api: Some(api),
            scenario,
            turn: asked.done,
            side: asked.is_side(),
            model: Some(text_of(&body, "model").to_owned()).filter(|m| !m.is_empty()),
            stream,
            tools: asked.tools,
            body: body.clone(),
            ..call
        });
        tokio::time::sleep(self.pace + Duration::from_millis(turn.delay_ms)).await;
        if let Some(error) = &turn.error {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, Json(api.refusal(error))).into_response();
        }
        let uid = format!("{n:04}");
        if !stream {
            return Json(api.whole(&body, &turn, &uid)).into_response();
        }
        let played = playback::body(api.frames(&body, &turn, &uid), &turn, self.stopping.clone());
        ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(played)).into_response()
    }
}

impl Api {
    fn of(path: &str) -> Option<Self> {
        if path.ends_with("/responses") {
            Some(Self::Responses)
        } else if path.ends_with("/messages") {
            Some(Self::Messages)
        } else {
            None
        }
    }

    fn read(self, body: &Value) -> Asked {
        match self {
            Self::Responses => responses::read(body),
            Self::Messages => messages::read(body),
        }
    }

    fn whole(self, body: &Value, turn: &Turn, uid: &str) -> Value {
        match self {
            Self::Responses => responses::whole(body, turn, uid),
            Self::Messages => messages::whole(body, turn, uid),
        }
    }

    fn frames(self, body: &Value, turn: &Turn, uid: &str) -> Vec<Frame> {
        match self {
            Self::Responses => responses::frames(body, turn, uid),
            Self::Messages => messages::frames(body, turn, uid),
        }
    }

    fn refusal(self, error: &ErrorTurn) -> Value {
        match self {
            Self::Responses => responses::refusal(error),
            Self::Messages => messages::refusal(error),
        }
    }
}

fn call(method: &Method, path: &str, headers: &HeaderMap) -> Call {
    let credential = headers.get("x-api-key").or_else(|| headers.get(header::AUTHORIZATION));
    Call {
        n: 0,
        at_ms: 0,
        method: method.to_string(),
        path: path.to_owned(),
        api: None,
        scenario: None,
        turn: 0,
        side: false,
        model: None,
        stream: false,
        tools: Vec::new(),
        credential: credential.and_then(|v| v.to_str().ok()).map(str::to_owned),
        body: Value::Null,
    }
}

fn not_found(path: &str) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"error": {"type": "not_found_error", "message": path}}))).into_response()
}
