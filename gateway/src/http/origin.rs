//! Where a request may come from: pages of this gateway, and programs that are no page at all.

use http::uri::{Authority, Uri};
use http::{HeaderMap, HeaderName, header};
use std::net::IpAddr;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origins whose pages may speak to this gateway.
#[derive(Clone, Debug)]
pub struct Origins {
    allowed: Vec<String>,
    /// Of the public address, when that is https.
    secure_host: Option<String>,
}

/// The public address is not one that a browser could open.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an address such as https://lime.example.org")]
pub struct InvalidAddress(String);

impl Origins {
    /// `public_url` is how people reach the gateway; `extra` are further origins, such as a development server's.
    ///
    /// # Errors
    /// [`InvalidAddress`] when one of them is no http or https address with a host.
    pub fn new(public_url: &str, extra: &[String]) -> Result<Self, InvalidAddress> {
        let (origin, authority, is_https) = parts(public_url)?;
        let mut allowed = vec![origin];
        for address in extra {
            allowed.push(parts(address)?.0);
        }
        Ok(Self { allowed, secure_host: is_https.then(|| authority.to_string().to_ascii_lowercase()) })
    }

    /// A browser says where the page came from; what is no browser says nothing and rides on no cookie either.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let site = headers.get(SEC_FETCH_SITE).map(|value| value.as_bytes().to_ascii_lowercase());
        if site.is_some_and(|site| site != b"same-origin" && site != b"none") && !self.names_an_extra(headers) {
            return false;
        }
        match headers.get(header::ORIGIN) {
            None => true,
            Some(origin) => origin.to_str().is_ok_and(|origin| self.allows(origin, headers)),
        }
    }

    /// A development server's page is of another origin by design.
    fn names_an_extra(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        origin.is_some_and(|origin| self.allowed.iter().skip(1).any(|allowed| allowed.eq_ignore_ascii_case(origin)))
    }

    pub(crate) fn has_origin(headers: &HeaderMap) -> bool {
        headers.contains_key(header::ORIGIN)
    }

    fn allows(&self, origin: &str, headers: &HeaderMap) -> bool {
        if self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
            return true;
        }
        // A tunnel may show this gateway under any loopback port; the page is ours when it was loaded from the same one.
        let Ok((_, authority, is_https)) = parts(origin) else { return false };
        !is_https
            && is_loopback_host(authority.host())
            && host_of(headers).is_some_and(|host| host.as_str().eq_ignore_ascii_case(authority.as_str()))
    }

    /// True when this request reached us under the public https address.
    pub(crate) fn is_secure_at(&self, headers: &HeaderMap) -> bool {
        let Some(secure) = &self.secure_host else { return false };
        match host_of(headers) {
            Some(host) => host.as_str().eq_ignore_ascii_case(secure) || !is_loopback_host(host.host()),
            None => true,
        }
    }

    pub(crate) const fn is_https(&self) -> bool {
        self.secure_host.is_some()
    }

    pub(crate) fn is_loopback(headers: &HeaderMap) -> bool {
        host_of(headers).is_some_and(|host| is_loopback_host(host.host()))
    }

    /// The addresses of live connections, for the page's content policy.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = String> {
        self.allowed.iter().take(1).map(|origin| origin.replacen("http", "ws", 1))
    }
}

fn parts(address: &str) -> Result<(String, Authority, bool), InvalidAddress> {
    let invalid = || InvalidAddress(address.chars().take(100).collect());
    let uri: Uri = address.parse().map_err(|_| invalid())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(invalid()) };
    let is_https = match scheme {
        "https" => true,
        "http" => false,
        _ => return Err(invalid()),
    };
    // A browser leaves the usual port out of its Origin.
    let usual = if is_https { ":443" } else { ":80" };
    let shown = authority.as_str().strip_suffix(usual).unwrap_or(authority.as_str()).to_ascii_lowercase();
    Ok((format!("{scheme}://{shown}"), authority.clone(), is_https))
}

fn host_of(headers: &HeaderMap) -> Option<Authority> {
    headers.get(header::HOST)?.to_str().ok()?.parse().ok()
}

fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn our_own_pages_and_plain_programs_come_in() {
        let origins = Origins::new("https://lime.example.org", &["http://localhost:5173".to_owned()]).unwrap();
        for ours in [
            headers(&[("host", "lime.example.org")]),
            headers(&[("host", "lime.example.org"), ("origin", "https://lime.example.org")]),
            headers(&[
                ("host", "lime.example.org"),
                ("origin", "https://LIME.example.org"),
                ("sec-fetch-site", "same-origin"),
            ]),
            headers(&[("host", "127.0.0.1:5463"), ("origin", "http://127.0.0.1:5463")]),
            headers(&[("host", "localhost:8000"), ("origin", "http://localhost:8000")]),
            headers(&[("host", "[::1]:8000"), ("origin", "http://[::1]:8000")]),
            headers(&[
                ("host", "127.0.0.1:5463"),
                ("origin", "http://localhost:5173"),
                ("sec-fetch-site", "cross-site"),
            ]),
        ] {
            assert!(origins.admits(&ours), "{ours:?}");
        }
    }

    #[test]
    fn other_pages_stay_out() {
        let origins = Origins::new("http://127.0.0.1:5463", &[]).unwrap();
        for foreign in [
            headers(&[("host", "127.0.0.1:5463"), ("origin", "https://evil.example")]),
            headers(&[("host", "127.0.0.1:5463"), ("origin", "null")]),
            headers(&[("host", "127.0.0.1:5463"), ("origin", "http://127.0.0.1:9999")]),
            headers(&[("host", "evil.example:5463"), ("origin", "http://evil.example:5463")]),
            headers(&[("host", "127.0.0.1:5463"), ("origin", "http://127.0.0.1.evil.example:5463")]),
            headers(&[("host", "127.0.0.1:5463"), ("sec-fetch-site", "cross-site")]),
            headers(&[("host", "127.0.0.1:5463"), ("sec-fetch-site", "same-site")]),
        ] {
            assert!(!origins.admits(&foreign), "{foreign:?}");
        }
    }

    #[test]
    fn an_address_without_a_host_is_refused() {
        for wrong in ["", "lime.example.org", "ftp://lime.example.org", "/path"] {
            assert!(Origins::new(wrong, &[]).is_err(), "{wrong}");
        }
    }
}
