//! What the agent asks of us: calls of our tools, approvals, questions.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use futures::FutureExt as _;
use serde_json::{Value, json};

use super::{
    session::Session,
    translate::unwrapped,
    wire::{self, Request, ToolCallRequest, UserInput},
};
use crate::agents::{
    Content, RunEvent, ToolRefusal,
    protocol::{Approval, ApprovalDecision, QuestionEvent},
    tools::{Tool, ToolCall},
};

impl Session<'_> {
    pub(super) async fn requested(&mut self, id: Value, request: Request) {
        match request {
            Request::ToolCall(call) => self.call(id, call).await,
            Request::UserInput(input) => self.ask(id, input).await,
            Request::CommandApproval(asked) => {
                let text = asked.command.map_or_else(|| "a command".into(), |command| unwrapped(&command));
                self.decline(&id, &asked.item_id, text, &json!({"decision": "decline"})).await;
            }
            Request::FileApproval(asked) => {
                self.decline(&id, &asked.item_id, "an edit".into(), &json!({"decision": "decline"})).await;
            }
            Request::Permissions(asked) => {
                self.decline(&id, &asked.item_id, "more permissions".into(), &json!({"permissions": {}})).await;
            }
            Request::Elicitation => self.send(wire::answer(&id, &json!({"action": "decline"}))),
            Request::CurrentTime => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                self.send(wire::answer(&id, &json!({"currentTimeAt": now})));
            }
            Request::Unknown { method } => {
                self.send(wire::refusal(&id, &method));
                let events = self.translator.unknown(&method);
                self.tell(events).await;
            }
        }
    }

    /// It was told never to ask for approval; what it asks for all the same it does not get.
    async fn decline(&mut self, id: &Value, call: &str, text: String, answer: &Value) {
        self.send(wire::answer(id, answer));
        let decision = ApprovalDecision::Declined;
        self.tell([RunEvent::Approval(Approval { call: call.to_owned(), decision, text })]).await;
    }

    async fn call(&mut self, id: Value, call: ToolCallRequest) {
        let ToolCallRequest { call_id, tool, arguments } = call;
        let asked = match Tool::named(&tool).map(|tool| tool.parse(&arguments)) {
            Some(Ok(ToolCall::AskPerson(question))) => {
                Some(QuestionEvent { call: call_id, text: question.question, options: question.options, answer: None })
            }
            _ => None,
        };
        self.tell(asked.clone().map(RunEvent::Question)).await;
        let desk = Arc::clone(&self.desk);
        let serving = async move {
            let served = desk.serve(&tool, &arguments).await;
            let event = asked.zip(served.as_ref().ok()).map(|(asked, answer)| answered(asked, answer));
            let success = served.is_ok();
            let text = served.unwrap_or_else(|ToolRefusal(words)| words);
            (id, json!({"success": success, "contentItems": [{"type": "inputText", "text": text}]}), event)
        };
        self.calls.push(serving.boxed());
    }

    /// Codex's own way of asking a person, served like `ask_person`.
    async fn ask(&mut self, id: Value, input: UserInput) {
        let events: Vec<_> = input.questions.iter().map(|q| question_of(&input.item_id, q)).collect();
        self.tell(events.iter().cloned().map(RunEvent::Question)).await;
        let desk = Arc::clone(&self.desk);
        let serving = async move {
            let (mut answers, mut told) = (serde_json::Map::new(), None);
            for (question, event) in input.questions.into_iter().zip(events) {
                let arguments = json!({"question": event.text, "options": event.options});
                let answer = desk.serve(Tool::AskPerson.name(), &arguments).await;
                let text = answer.unwrap_or_else(|ToolRefusal(words)| words);
                told = Some(answered(event, &text));
                answers.insert(question.id, json!({"answers": [text]}));
            }
            (id, json!({"answers": answers}), told)
        };
        self.calls.push(serving.boxed());
    }
}

fn question_of(item: &str, question: &wire::UserQuestion) -> QuestionEvent {
    let options = question.options.iter().flatten().map(|o| o.label.clone()).collect();
    QuestionEvent { call: item.to_owned(), text: question.question.clone(), options, answer: None }
}

fn answered(asked: QuestionEvent, answer: &str) -> RunEvent {
    RunEvent::Question(QuestionEvent { answer: Some(Content::whole(answer)), ..asked })
}
