//! Which addresses may be cloned from: hosts that the operator named, at addresses of the open network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::error::WorkspaceError;

/// The operator's settings. Nothing is allowed by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemotePolicy {
    /// Host names, with `:port` where it is not the scheme's own: `github.com`, `git.example:8443`.
    pub allowed_hosts: Vec<String>,
    /// Plain http, for hosts on this machine only (127.0.0.0/8, `::1`, localhost); they need to be among
    /// the allowed hosts too. For development and tests.
    pub plain_http_on_loopback: bool,
    /// Hosts whose names lead to private addresses, for an instance inside a company's network.
    pub private_addresses: bool,
}

/// An address that passed, with the network addresses it had then. The transfer goes to these: a name
/// that answers otherwise a moment later (DNS rebinding) leads nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    pub(crate) url: Url,
    /// `host:port:address,address`, in the form that curl takes; none for an address without a name.
    pub(crate) pinned: Option<String>,
}

impl Remote {
    /// The address, free of credentials.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }
}

impl RemotePolicy {
    /// Checks an address and resolves its host.
    ///
    /// # Errors
    /// [`WorkspaceError::Url`] for what the policy refuses, [`WorkspaceError::Clone`] when the host's
    /// name does not resolve.
    pub async fn check(&self, url: &str) -> Result<Remote, WorkspaceError> {
        let (url, loopback) = self.check_text(url)?;
        let port = url.port_or_known_default().unwrap_or(443);
        let name = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => return self.literal(url.clone(), address.into(), loopback),
            Some(Host::Ipv6(address)) => return self.literal(url.clone(), address.into(), loopback),
            None => return refused("it names no host"),
        };
        let found = tokio::net::lookup_host((name.as_str(), port)).await;
        let addresses: Vec<IpAddr> = found.map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default();
        if addresses.is_empty() {
            return Err(WorkspaceError::Clone { reason: format!("the host {name} cannot be found") });
        }
        for address in &addresses {
            self.check_address(*address, loopback)?;
        }
        let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        Ok(Remote { pinned: Some(format!("{name}:{port}:{}", list.join(","))), url })
    }

    fn literal(&self, url: Url, address: IpAddr, loopback: bool) -> Result<Remote, WorkspaceError> {
        self.check_address(address, loopback)?;
        Ok(Remote { url, pinned: None })
    }

    /// What the text alone tells, and whether the host is this machine by its name.
    fn check_text(&self, text: &str) -> Result<(Url, bool), WorkspaceError> {
        if text.len() > 2_000 || text.chars().any(|sign| sign.is_control() || sign.is_whitespace()) {
            return refused("it is too long or has spaces or control characters in it");
        }
        let Ok(url) = Url::parse(text) else { return refused("it is no URL such as https://host/owner/name") };
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return refused("it names no host"),
        };
        match url.scheme() {
            "https" => {}
            "http" if loopback && self.plain_http_on_loopback => {}
            "http" => return refused("plain http is not allowed"),
            _ => return refused("only https is allowed"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("it carries credentials: connect the repository instead");
        }
        if url.query().is_some() || url.fragment().is_some() || url.path().len() < 2 {
            return refused("it is not the plain address of a repository");
        }
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        if !self.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host)) {
            return refused(&format!("the host {host} is not among those that this instance clones from"));
        }
        Ok((url, loopback))
    }

    fn check_address(&self, address: IpAddr, loopback: bool) -> Result<(), WorkspaceError> {
        let here = loopback && self.plain_http_on_loopback && address.is_loopback();
        if here || self.private_addresses || is_global(address) {
            return Ok(());
        }
        refused(&format!("its host leads to {address}, which is not an address of the open network"))
    }
}

fn refused<T>(reason: &str) -> Result<T, WorkspaceError> {
    Err(WorkspaceError::Url { reason: reason.to_owned() })
}

/// Is it an address of the open internet? By the registries of special addresses (RFC 6890 and what
/// followed); an IPv6 address that carries an IPv4 one is judged by that.
pub(crate) fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local() // with the metadata service of clouds, 169.254.169.254
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240 // reserved, and broadcast
        || (a == 100 && (64..128).contains(&b)) // carriers' own
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99) // relays of 6to4
        || (a == 198 && (18..20).contains(&b)); // benchmarks
    !special
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_global_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // ::a.b.c.d and ::ffff:a.b.c.d (and with these :: and ::1), and the translators' 64:ff9b::/96.
        // So do those of 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            embedded(high, low)
        }
        [0x64, 0xff9b, 1, ..] | [0x100, 0, 0, 0, ..] | [0x2001, 0x0db8, ..] | [0x5f00, ..] => false,
        [0x2001, second, ..] if second < 0x200 => false, // protocol assignments, Teredo among them
        // Everything in use is within 2000::/3: not the private, local, multicast or reserved rest.
        [first, ..] => first & 0xe000 == 0x2000 && first != 0x3fff,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn policy() -> RemotePolicy {
        RemotePolicy {
            allowed_hosts: [
                "github.com",
                "git.example:8443",
                "127.0.0.1:7000",
                "localhost:7000",
                "[::1]:7000",
                "10.0.0.5",
                "169.254.169.254",
            ]
            .map(str::to_owned)
            .into(),
            plain_http_on_loopback: false,
            private_addresses: false,
        }
    }

    #[test]
    fn only_plain_https_addresses_of_named_hosts_pass() {
        for good in ["https://github.com/owner/name", "https://GitHub.com/owner/name.git", "https://git.example:8443/x"]
        {
            assert!(policy().check_text(good).is_ok(), "{good}");
        }
        for bad in [
            "http://github.com/owner/name",
            "ssh://github.com/owner/name",
            "git@github.com:owner/name",
            "git://github.com/x",
            "file:///etc",
            "/etc",
            "ext::sh -c touch% /tmp/x",
            "https://github.com",
            "https://github.com/",
            "https://user:secret@github.com/x",
            "https://token@github.com/x",
            "https://evil.example/x",
            "https://github.com.evil.example/x",
            "https://github.com:444/x",
            "https://git.example/x",
            "https://github.com/x?y",
            "https://github.com/x#y",
            "https://github.com/x y",
            "https://github.com/x\n--upload-pack=y",
            "--upload-pack=x",
            "",
            "http://127.0.0.1:7000/x",
            "http://localhost:7000/x",
        ] {
            assert!(policy().check_text(bad).is_err(), "{bad:?}");
        }
        let near = RemotePolicy { plain_http_on_loopback: true, ..policy() };
        for good in ["http://127.0.0.1:7000/x", "http://localhost:7000/x", "http://[::1]:7000/x"] {
            assert!(near.check_text(good).is_ok(), "{good}");
        }
        assert!(near.check_text("http://10.0.0.5/x").is_err());
        assert!(near.check_text("http://127.0.0.1:7001/x").is_err());
    }

    #[tokio::test]
    async fn addresses_that_are_not_of_the_open_network_are_refused() {
        let is_refused = |answer| matches!(answer, Err(WorkspaceError::Url { .. }));
        assert!(is_refused(policy().check("https://10.0.0.5/x").await));
        assert!(is_refused(policy().check("https://169.254.169.254/x").await));
        assert!(is_refused(policy().check("https://localhost:7000/x").await));
        let inside = RemotePolicy { private_addresses: true, ..policy() };
        assert_eq!(inside.check("https://10.0.0.5/x").await.unwrap().pinned, None);
        let near = RemotePolicy { plain_http_on_loopback: true, ..policy() };
        let pinned = near.check("http://localhost:7000/x").await.unwrap().pinned.unwrap();
        assert!(pinned.starts_with("localhost:7000:") && pinned.contains("127.0.0.1"), "{pinned}");
    }

    #[test]
    fn special_addresses_are_known_in_all_their_spellings() {
        for special in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "192.0.0.8",
            "240.0.0.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:a9fe:a9fe",
            "::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
            "3fff::1",
            "5f00::1",
            "4000::1",
        ] {
            assert!(!is_global(special.parse().unwrap()), "{special}");
        }
        for global in [
            "1.1.1.1",
            "140.82.121.3",
            "172.32.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_global(global.parse().unwrap()), "{global}");
        }
    }
}
