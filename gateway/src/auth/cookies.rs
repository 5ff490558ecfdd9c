//! The session's cookie: `__Host-lime` where the browser speaks https, `lime_session` on loopback, none elsewhere.

use super::sessions::ABSOLUTE_DAYS;
use crate::http::origin::Origins;
use axum_extra::extract::CookieJar;
use http::HeaderMap;

/// How long somebody may take at the provider.
pub(crate) const LOGIN_S: i64 = 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieName {
    Host,
    Loopback,
}

impl CookieName {
    /// The name for this request. None: plain http that is not loopback, where no session may travel.
    pub(crate) fn of(headers: &HeaderMap, origins: &Origins) -> Option<Self> {
        if origins.is_secure_at(headers) {
            Some(Self::Host)
        } else {
            Origins::is_loopback(headers).then_some(Self::Loopback)
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "__Host-lime",
            Self::Loopback => "lime_session",
        }
    }

    pub(crate) fn read(self, headers: &HeaderMap) -> Option<String> {
        CookieJar::from_headers(headers).get(self.as_str()).map(|cookie| cookie.value().to_owned())
    }

    /// The value of `Set-Cookie` that starts a session.
    pub(crate) fn set(self, secret: &str) -> String {
        let max_age_s = i64::from(ABSOLUTE_DAYS) * 24 * 3600;
        self.with(secret, max_age_s)
    }

    /// The value of `Set-Cookie` that ends it.
    pub(crate) fn clear(self) -> String {
        self.with("", 0)
    }

    /// Binds a sign-in with a provider to the browser that began it.
    pub(crate) fn set_login(self, secret: &str) -> String {
        self.written(self.login(), secret, LOGIN_S)
    }

    pub(crate) fn clear_login(self) -> String {
        self.written(self.login(), "", 0)
    }

    pub(crate) fn read_login(self, headers: &HeaderMap) -> Option<String> {
        CookieJar::from_headers(headers).get(self.login()).map(|cookie| cookie.value().to_owned())
    }

    const fn login(self) -> &'static str {
        match self {
            Self::Host => "__Host-lime_login",
            Self::Loopback => "lime_login",
        }
    }

    fn with(self, value: &str, max_age_s: i64) -> String {
        self.written(self.as_str(), value, max_age_s)
    }

    fn written(self, name: &str, value: &str, max_age_s: i64) -> String {
        let secure = match self {
            Self::Host => "; Secure",
            Self::Loopback => "",
        };
        format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}")
    }
}
