//! Downloads: for members, and never as a page.

use crate::runs::{Worker, start};
use crate::support::{App, PATIENCE};
use reqwest::StatusCode;
use testkit::eventually;

#[tokio::test]
async fn a_member_downloads_and_nobody_else() {
    let app = App::start().await;
    let project = app.project("FL").await;
    let run = start(&app, project, "PLAN").await;
    let worker = Worker::take(&app, run).await;
    let page = b"<script>alert(1)</script>";
    let (_, digest) = worker.keep("../evil \"page\".html", page).await;
    let get = async |token: Option<&str>, digest: &str| {
        let request = app.http.get(app.url(&format!("/files/{digest}")));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
        .send()
        .await
        .unwrap()
    };
    let answer = eventually(PATIENCE, || async {
        let answer = get(Some(&app.owner_token), &digest).await;
        (answer.status() == StatusCode::OK).then_some(answer)
    })
    .await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-disposition").starts_with("attachment; "), "{}", header("content-disposition"));
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(answer.bytes().await.unwrap().as_ref(), page);

    assert_eq!(get(None, &digest).await.status(), StatusCode::UNAUTHORIZED);
    let (_, stranger) = app.person("Stranger").await;
    app.new_org(&stranger, "Elsewhere").await;
    assert_eq!(get(Some(&stranger), &digest).await.status(), StatusCode::NOT_FOUND);
    for unknown in ["0".repeat(64), "x".to_owned(), "..%2f..%2fetc%2fpasswd".to_owned(), digest.to_uppercase()] {
        assert_eq!(get(Some(&app.owner_token), &unknown).await.status(), StatusCode::NOT_FOUND, "{unknown}");
    }
    // In the store, but no run's: not for anybody.
    let loose = app.objects.put(bytes::Bytes::from_static(b"loose")).await.unwrap();
    assert_eq!(get(Some(&app.owner_token), loose.as_str()).await.status(), StatusCode::NOT_FOUND);
}
