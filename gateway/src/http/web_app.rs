//! The web app: embedded at build time, compressed at build time, one page for every address of its own.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

/// Empty when the crate was built before the web app; then a page says so.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../web/dist"]
#[allow_missing = true]
struct Dist;

const INDEX: &str = "index.html";
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Assembly Lime</title>\
<h1>Assembly Lime</h1><p>The gateway runs, but the web app was not built into it. Run <code>make up</code>, or \
<code>npm --prefix web run build</code> and build again.</p></html>\n";

pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::NOT_FOUND, "Not found.\n").into_response();
    }
    let path = uri.path().trim_start_matches('/');
    // The build's own by-products are no pages.
    if !path.is_empty()
        && !has_extension(path, "br")
        && let Some(response) = file(path, &headers)
    {
        return response;
    }
    let is_page = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if !is_page && !path.is_empty() {
        return (StatusCode::NOT_FOUND, "Not found.\n").into_response();
    }
    file(INDEX, &headers).unwrap_or_else(|| {
        ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], NOT_BUILT)
            .into_response()
    })
}

fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let whole = Dist::get(path)?;
    let small = takes_brotli(headers).then(|| Dist::get(&format!("{path}.br"))).flatten();
    let tag = HeaderValue::from_str(&format!("\"{}\"", hex::encode(whole.metadata.sha256_hash()))).ok()?;
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        return Some((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let is_small = small.is_some();
    let mut response = body(small.unwrap_or(whole)).into_response();
    let headers = response.headers_mut();
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let text = mime.type_() == mime_guess::mime::TEXT || mime.subtype() == mime_guess::mime::JAVASCRIPT;
    let mime = if text { format!("{}; charset=utf-8", mime.essence_str()) } else { mime.essence_str().to_owned() };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&mime).ok()?);
    headers.insert(header::ETAG, tag);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_small {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    // A hash is part of the name of everything in assets/: what such a name means never changes.
    let lifetime = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lifetime));
    Some(response)
}

fn body(file: EmbeddedFile) -> Body {
    match file.data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    }
}

fn has_extension(path: &str, extension: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            parts.next() == Some("br") && !parts.any(|part| part == "q=0" || part == "q=0.0")
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn brotli_only_for_those_who_take_it() {
        for (value, takes) in
            [("gzip, deflate, br, zstd", true), ("br;q=0.9", true), ("gzip", false), ("br;q=0", false)]
        {
            assert_eq!(takes_brotli(&with(header::ACCEPT_ENCODING, value)), takes, "{value}");
        }
        assert!(!takes_brotli(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn any_page_address_is_the_app_and_no_other() {
        let html = with(header::ACCEPT, "text/html,application/xhtml+xml");
        let page = serve(Method::GET, "/p/AL/board".parse().unwrap(), html.clone()).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
        let missing = serve(Method::GET, "/assets/gone.js".parse().unwrap(), with(header::ACCEPT, "*/*")).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
        let posted = serve(Method::POST, "/p/AL/board".parse().unwrap(), html).await;
        assert_eq!(posted.status(), StatusCode::NOT_FOUND);
    }
}
