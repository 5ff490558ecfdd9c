//! Sign-in with GitHub, and those who would bend it. The GitHub here is a labelled stand-in.

use crate::support::{App, Session};
use gateway::auth::GithubSignIn;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Response, StatusCode};
use serde_json::json;
use testkit::FakeGithub;
use testkit::fake_github::{Account, CLIENT_ID, CLIENT_SECRET};
use url::Url;

const ME: &str = "{ me { user { id name } sessions { current } orgs { role } } }";

struct World {
    app: App,
    github: FakeGithub,
}

fn account(id: i64, name: &str) -> Account {
    Account { id, login: format!("{}-{id}", name.to_lowercase()), name: Some(name.to_owned()), email: None }
}

impl World {
    async fn new() -> Self {
        let github = FakeGithub::start().await.unwrap();
        let url: Url = github.url.parse().unwrap();
        let app = App::start_with(|settings| {
            settings.github = Some(GithubSignIn {
                client_id: CLIENT_ID.to_owned(),
                client_secret: CLIENT_SECRET.to_owned().into(),
                base_url: url.clone(),
                api_url: url,
            });
        })
        .await;
        github.registers(&app.url("/auth/github/callback"));
        github.signs_in(Some(account(7, "Grace")));
        Self { app, github }
    }

    async fn get(&self, url: &str, cookie: &str) -> Response {
        self.app.http.get(url).header(COOKIE, cookie).send().await.unwrap()
    }

    /// Begins in a fresh browser: its cookie, and the address at GitHub.
    async fn begin(&self, return_to: &str) -> (String, String) {
        let mut start = Url::parse(&self.app.url("/auth/github/start")).unwrap();
        start.query_pairs_mut().append_pair("return_to", return_to);
        let answer = self.get(start.as_str(), "").await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        (cookie_of(&answer, "lime_login"), location(&answer))
    }

    /// Says yes at GitHub: where the browser is sent back to.
    async fn consent(&self, at_github: &str) -> String {
        let answer = self.get(at_github, "").await;
        assert!(answer.headers().contains_key("x-fake-github"));
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", answer.text().await.unwrap());
        location(&answer)
    }

    /// All the way, as an honest browser goes it.
    async fn sign_in(&self) -> Session<'_> {
        let (login, at_github) = self.begin("/").await;
        let answer = self.get(&self.consent(&at_github).await, &login).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        Session::new(&self.app, &cookie_of(&answer, "lime_session"))
    }

    async fn users(&self) -> i64 {
        sqlx::query_scalar("select count(*) from users").fetch_one(&self.app.pool).await.unwrap()
    }
}

fn location(answer: &Response) -> String {
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}

fn cookie_of(answer: &Response, name: &str) -> String {
    let cookies = answer.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let mut found = cookies.filter(|cookie| cookie.starts_with(&format!("{name}=")));
    let cookie = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

/// Refused, and nobody is signed in by it.
async fn refused(answer: Response, status: StatusCode) {
    let session =
        answer.headers().get_all(SET_COOKIE).iter().any(|cookie| cookie.to_str().unwrap().contains("session"));
    assert!(!session, "{answer:?}");
    assert_eq!(answer.status(), status, "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn a_person_is_who_github_says_by_number() {
    let world = World::new().await;
    let methods: serde_json::Value =
        world.app.http.get(world.app.url("/auth/methods")).send().await.unwrap().json().await.unwrap();
    assert_eq!(methods, json!({ "github": true }));
    let me = world.sign_in().await.gql(ME, json!({})).await;
    assert_eq!(me["data"]["me"]["user"]["name"], "Grace", "{me}");
    assert_eq!(me["data"]["me"]["orgs"], json!([]), "a new person is in nothing");
    // Renamed there: the same person here. Another number: another person, whatever they call themselves.
    world.github.signs_in(Some(account(7, "Grace H.")));
    let again = world.sign_in().await.gql(ME, json!({})).await;
    assert_eq!(again["data"]["me"]["user"]["id"], me["data"]["me"]["user"]["id"]);
    assert_eq!(again["data"]["me"]["user"]["name"], "Grace H.");
    assert_eq!(again["data"]["me"]["sessions"].as_array().unwrap().len(), 2);
    world.github.signs_in(Some(Account { name: Some("Grace".to_owned()), ..account(8, "Grace") }));
    let other = world.sign_in().await.gql(ME, json!({})).await;
    assert_ne!(other["data"]["me"]["user"]["id"], me["data"]["me"]["user"]["id"]);
    assert_eq!(world.users().await, 3, "the owner and two");
}

#[tokio::test]
async fn where_it_is_not_set_up_there_is_no_such_door() {
    let app = App::start().await;
    for path in ["/auth/github/start", "/auth/github/callback?code=a&state=b"] {
        let answer = app.http.get(app.url(path)).send().await.unwrap();
        refused(answer, StatusCode::NOT_FOUND).await;
    }
}

#[tokio::test]
async fn a_state_is_for_one_browser_once_and_soon() {
    let world = World::new().await;
    let (login, at_github) = world.begin("/").await;
    let back = world.consent(&at_github).await;
    let (other_login, _) = world.begin("/").await;
    // Without the cookie, with another browser's, with a made-up state: nobody comes in, and the honest one still may.
    refused(world.get(&back, "").await, StatusCode::FORBIDDEN).await;
    refused(world.get(&back, &other_login).await, StatusCode::FORBIDDEN).await;
    let state = Url::parse(&back).unwrap().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let wrong = back.replace(&state, &"0".repeat(64));
    refused(world.get(&wrong, &login).await, StatusCode::FORBIDDEN).await;
    refused(world.get(&back.replace(&state, ""), &login).await, StatusCode::FORBIDDEN).await;
    let honest = world.get(&back, &login).await;
    assert_eq!(honest.status(), StatusCode::SEE_OTHER);
    cookie_of(&honest, "lime_session");
    // Once.
    refused(world.get(&back, &login).await, StatusCode::FORBIDDEN).await;
    // Soon.
    let (login, at_github) = world.begin("/").await;
    let back = world.consent(&at_github).await;
    sqlx::query("update login_states set expires_at = now()").execute(&world.app.pool).await.unwrap();
    refused(world.get(&back, &login).await, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn a_code_is_used_once_and_by_the_sign_in_that_it_was_made_for() {
    let world = World::new().await;
    let code_of =
        |back: &str| Url::parse(back).unwrap().query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    // A used code in a fresh sign-in: GitHub answers 200 with an error.
    let (login, at_github) = world.begin("/").await;
    let first = world.consent(&at_github).await;
    assert_eq!(world.get(&first, &login).await.status(), StatusCode::SEE_OTHER);
    let (login, at_github) = world.begin("/").await;
    let second = world.consent(&at_github).await;
    let replayed = second.replace(&code_of(&second), &code_of(&first));
    refused(world.get(&replayed, &login).await, StatusCode::FORBIDDEN).await;
    // A code that another person got, put into this one's sign-in: it does not fit this one's verifier.
    let (_, victims) = world.begin("/").await;
    let victims_code = code_of(&world.consent(&victims).await);
    let (login, at_github) = world.begin("/").await;
    let mine = world.consent(&at_github).await;
    let injected = mine.replace(&code_of(&mine), &victims_code);
    refused(world.get(&injected, &login).await, StatusCode::FORBIDDEN).await;
    assert_eq!(world.users().await, 2, "the owner and the one honest sign-in");
}

#[tokio::test]
async fn nobody_is_sent_elsewhere() {
    let world = World::new().await;
    let (login, at_github) = world.begin("/p/AL/board?ticket=AL-1").await;
    let answer = world.get(&world.consent(&at_github).await, &login).await;
    assert_eq!(location(&answer), "/p/AL/board?ticket=AL-1");
    for foreign in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        let (login, at_github) = world.begin(foreign).await;
        let answer = world.get(&world.consent(&at_github).await, &login).await;
        assert_eq!(location(&answer), "/", "{foreign}");
    }
    // The address that GitHub sends people back to is ours alone, whatever the request says of itself.
    let forged = world.app.http.get(world.app.url("/auth/github/start")).header("x-forwarded-host", "evil.example");
    let at_github = location(&forged.send().await.unwrap());
    let sent = Url::parse(&at_github).unwrap();
    let redirect = sent.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    assert_eq!(redirect, world.app.url("/auth/github/callback"));
    let bent = at_github.replace("callback", "elsewhere");
    assert_eq!(world.get(&bent, "").await.status(), StatusCode::BAD_REQUEST, "the stand-in holds it to be exact");
}

#[tokio::test]
async fn a_no_and_an_absence_are_said_in_words() {
    let world = World::new().await;
    world.github.signs_in(None);
    let (login, at_github) = world.begin("/").await;
    refused(world.get(&world.consent(&at_github).await, &login).await, StatusCode::FORBIDDEN).await;
    world.github.signs_in(Some(account(7, "Grace")));
    let (login, at_github) = world.begin("/").await;
    let back = world.consent(&at_github).await;
    world.github.is_down(true);
    refused(world.get(&back, &login).await, StatusCode::BAD_GATEWAY).await;
    assert_eq!(world.users().await, 1);
}

#[tokio::test]
async fn what_github_says_of_people_stays_in_one_table() {
    let world = World::new().await;
    let email = "grace-7f3a@canary.example";
    world.github.signs_in(Some(Account { email: Some(email.to_owned()), ..account(7, "Grace-7f3a") }));
    let session = world.sign_in().await;
    let create = "mutation($c: UUID!) { createOrg(input: {commandId: $c, name: \"Compilers\"}) { org { id } } }";
    let made = session.gql(create, json!({ "c": uuid::Uuid::now_v7() })).await;
    assert!(made["errors"].is_null(), "{made}");
    world.sign_in().await;
    let found: i64 = sqlx::query_scalar(
        "select count(*) from events where payload::text ~ '7f3a' or metadata::text ~ '7f3a' or actor ~ '7f3a'",
    )
    .fetch_one(&world.app.pool)
    .await
    .unwrap();
    assert_eq!(found, 0);
    let methods: Vec<String> =
        sqlx::query_scalar("select payload->>'method' from events where event_type = 'MemberSignedIn' order by id")
            .fetch_all(&world.app.pool)
            .await
            .unwrap();
    assert_eq!(methods, ["github"], "the sign-in after the org was made is in its log");
    let kept: String =
        sqlx::query_scalar("select email from users where github_id = 7").fetch_one(&world.app.pool).await.unwrap();
    assert_eq!(kept, email);
}
