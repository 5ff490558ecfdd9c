//! `GET /files/<digest>`: what a run left behind, always as a download.

use crate::auth::access::Action;
use crate::auth::viewer::Credentials;
use crate::errors::ApiError;
use crate::state::Gateway;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use commands::objects::{Digest, ObjectError};
use feed::chain;
use projections::runs::Artifact;
use std::fmt::Write as _;
use std::sync::Arc;

pub(crate) async fn download(
    State(gateway): State<Arc<Gateway>>,
    Path(digest): Path<String>,
    headers: HeaderMap,
) -> Response {
    match find(&gateway, &digest, &headers).await {
        Ok((artifact, bytes)) => {
            let mut response = Body::from(bytes).into_response();
            let headers = response.headers_mut();
            // Whatever it claims to be: it was made by an agent, and must never run as a page of ours.
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
            if let Ok(disposition) = HeaderValue::from_str(&attachment(&artifact.name)) {
                headers.insert(header::CONTENT_DISPOSITION, disposition);
            }
            response
        }
        Err(error) => {
            let status = match &error {
                ApiError::Denied(_) => StatusCode::UNAUTHORIZED,
                ApiError::NotFound => StatusCode::NOT_FOUND,
                ApiError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
                ApiError::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
                ApiError::Rejected { .. }
                | ApiError::Stale { .. }
                | ApiError::Invalid { .. }
                | ApiError::StorageLow
                | ApiError::Internal(_) => {
                    tracing::error!(error = chain(&error), "a file could not be served");
                    StatusCode::INTERNAL_SERVER_ERROR
                }
            };
            (status, format!("{error}\n")).into_response()
        }
    }
}

async fn find(gateway: &Gateway, digest: &str, headers: &HeaderMap) -> Result<(Artifact, bytes::Bytes), ApiError> {
    let viewer = gateway.identify(&Credentials::of(headers, &gateway.origins)).await?;
    let digest = Digest::parse(digest).ok_or(ApiError::NotFound)?;
    for (org, _) in gateway.reads.orgs_of(viewer.user).await? {
        let Some(artifact) = gateway.reads.artifact_by_digest(org.id, digest.as_str()).await? else { continue };
        gateway.access(&viewer, org.id, Action::Read).await?;
        return match gateway.objects.get(&digest).await {
            Ok(bytes) => Ok((artifact, bytes)),
            Err(ObjectError::Missing(_)) => Err(ApiError::NotFound),
            Err(error) => Err(ApiError::internal(error)),
        };
    }
    Err(ApiError::NotFound)
}

/// RFC 6266: a plain name for old programs, the true one percent-encoded.
fn attachment(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut plain = String::new();
    let mut encoded = String::new();
    for letter in name.chars().filter(|letter| !letter.is_control()).take(150) {
        let safe = letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
        plain.push(if safe { letter } else { '_' });
        if safe {
            encoded.push(letter);
        } else {
            let mut buffer = [0; 4];
            for byte in letter.encode_utf8(&mut buffer).bytes() {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::attachment;

    #[test]
    fn a_name_cannot_leave_its_place_in_the_header() {
        assert_eq!(attachment("diff"), "attachment; filename=\"diff\"; filename*=UTF-8''diff");
        assert_eq!(
            attachment("../\"x\"; é\r\nSet-Cookie: a"),
            "attachment; filename=\"_x____Set-Cookie__a\"; filename*=UTF-8''%22x%22%3B%20%C3%A9Set-Cookie%3A%20a"
        );
    }
}
