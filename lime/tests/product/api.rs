//! A program that calls the product as anyone could: over HTTP, with a token.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Place, Up};

#[derive(Debug)]
pub struct Api {
    url: String,
    token: String,
    client: reqwest::Client,
}

/// An organisation's project with its board.
#[derive(Clone, Copy, Debug)]
pub struct Project {
    pub org: Uuid,
    pub id: Uuid,
}

impl Api {
    /// Signs in with a token that `lime token create` made beside the running product.
    pub fn sign_in(place: &Place, up: &Up) -> Self {
        let made = place.run(&["token", "create", "--home", "home", "--name", "test"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        Self::with_token(&up.ready().url, &token)
    }

    pub fn with_token(url: &str, token: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url: url.trim_end_matches('/').to_owned(), token: token.to_owned(), client }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// What a run left behind, by its digest.
    pub async fn file(&self, digest: &str) -> String {
        let answer = self.client.get(format!("{}/files/{digest}", self.url)).bearer_auth(&self.token).send().await;
        answer.unwrap().error_for_status().unwrap().text().await.unwrap()
    }

    /// What the API answers, whole.
    pub async fn answer(&self, document: &str, variables: Value) -> Result<Value, reqwest::Error> {
        let request = self.client.post(format!("{}/graphql", self.url)).bearer_auth(&self.token);
        request.json(&json!({ "query": document, "variables": variables })).send().await?.json().await
    }

    /// The data; an error fails the test.
    pub async fn ask(&self, document: &str, variables: Value) -> Value {
        let answer = self.answer(document, variables).await.unwrap();
        assert!(answer.get("errors").is_none(), "{document}\n{answer:#}");
        answer["data"].clone()
    }

    pub async fn org(&self) -> Uuid {
        let viewer = self.ask("{ me { orgs { org { id } } } }", json!({})).await;
        viewer["me"]["orgs"][0]["org"]["id"].as_str().unwrap().parse().unwrap()
    }

    pub async fn create_project(&self, key: &str) -> Project {
        let org = self.org().await;
        let document = "mutation($input: CreateProjectInput!) { createProject(input: $input) { project { id } } }";
        let input = json!({ "commandId": Uuid::new_v4(), "orgId": org, "key": key, "name": "Journey" });
        let made = self.ask(document, json!({ "input": input })).await;
        Project { org, id: made["createProject"]["project"]["id"].as_str().unwrap().parse().unwrap() }
    }

    pub async fn create_ticket(&self, project: Project, title: &str) -> Uuid {
        let document = "mutation($input: CreateTicketInput!) { createTicket(input: $input) { ticket { id } } }";
        let input = json!({ "commandId": Uuid::new_v4(), "projectId": project.id, "title": title });
        let made = self.ask(document, json!({ "input": input })).await;
        made["createTicket"]["ticket"]["id"].as_str().unwrap().parse().unwrap()
    }

    /// The titles of a board's cards, by column, after everything that `command` did.
    pub async fn cards(&self, project: Project, after: Option<Uuid>) -> Vec<(String, String)> {
        let document = "query($project: UUID!, $after: UUID) { board(projectId: $project, afterCommand: $after) \
                        { columns { key cards { title } } } }";
        let board = self.ask(document, json!({ "project": project.id, "after": after })).await;
        let columns = board["board"]["columns"].as_array().unwrap();
        columns
            .iter()
            .flat_map(|column| {
                let key = column["key"].as_str().unwrap().to_owned();
                let cards = column["cards"].as_array().unwrap().clone();
                cards.into_iter().map(move |card| (key.clone(), card["title"].as_str().unwrap().to_owned()))
            })
            .collect()
    }
}
