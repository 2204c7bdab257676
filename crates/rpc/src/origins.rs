//! Which web pages may send requests.
//!
//! A browser adds a page's origin to the requests that the page sends to another address. For HTTP the browser hides
//! the answer from the page unless the server allows the origin (CORS); for WebSocket it hides nothing. So this
//! server refuses every request of an origin that is not allowed. Extensions of the browser, such as wallets, are not
//! web pages and are allowed.

use crate::http::{HttpBody, HttpRequest, HttpResponse};
use std::{
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};
use tower_http::{
    cors::{AllowOrigin, Any, CorsLayer},
    validate_request::ValidateRequest,
};

/// The web pages that may send requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// The pages that the node itself serves, addressed by IP address (`127.0.0.1`) or as `localhost`. Other host
    /// names are refused: a name server could point a foreign name to this machine (DNS rebinding).
    Own,
    /// All pages.
    Any,
    /// The node's own pages and these.
    Listed(Vec<Origin>),
}

/// An origin as browsers write it: scheme and host in lower case, and the port unless it is the scheme's default, as
/// `https://example.org` or `http://localhost:3000`; `null` for pages from files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// A text that no browser sends as an origin: allowing it would have no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an origin: write it as browsers do, for example {form}")]
pub struct OriginError {
    text: String,
    /// The same address in the form of an origin, or an example.
    form: String,
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text == "null" || canonical(text).as_deref() == Some(text) {
            return Ok(Self(text.to_owned()));
        }
        let form = canonical(text).or_else(|| canonical(&format!("https://{text}")));
        let form = form.unwrap_or_else(|| "https://example.org".to_owned());
        Err(OriginError { text: text.to_owned(), form })
    }
}

/// Returns the origin of a page at `address`, as browsers write it (RFC 6454, section 6.2).
fn canonical(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address are in brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse::<u16>().ok()?)),
        _ => (authority, None),
    };
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.chars().all(|each| each.is_ascii_alphanumeric() || "+-.".contains(each));
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        // Browsers write letters outside ASCII in Punycode.
        None => {
            !host.is_empty()
                && host.chars().all(|each| each.is_ascii_alphanumeric() || "-._".contains(each))
        }
    };
    let own_port = match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let port = port.filter(|port| Some(*port) != own_port);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    (is_scheme && is_host).then(|| format!("{scheme}://{host}{port}"))
}

impl Origins {
    fn allow(&self, origin: &str, host: Option<&str>) -> bool {
        if is_extension(origin) {
            return true;
        }
        match self {
            Self::Any => true,
            Self::Own => is_own(origin, host),
            Self::Listed(origins) => {
                origins.iter().any(|allowed| allowed.0 == origin) || is_own(origin, host)
            }
        }
    }
}

/// Returns whether the origin is a browser extension, such as a wallet. Its user installed it and decides which
/// addresses it may use. A web page can't have such an origin.
fn is_extension(origin: &str) -> bool {
    let schemes = ["chrome-extension://", "moz-extension://", "safari-web-extension://"];
    schemes.iter().any(|scheme| origin.starts_with(scheme))
}

/// Returns whether the page came from the same IP address as the request goes to; no name server is involved.
fn is_own(origin: &str, host: Option<&str>) -> bool {
    let Some(authority) = origin.strip_prefix("http://") else { return false };
    let name = authority.rsplit_once(':').map_or(authority, |(name, _)| name);
    let name = name.trim_matches(['[', ']']);
    host == Some(authority) && (name == "localhost" || name.parse::<IpAddr>().is_ok())
}

/// Returns the layer that tells browsers which pages may read answers.
pub(crate) fn cors(origins: &Origins) -> CorsLayer {
    let allowed = match origins {
        Origins::Own => return CorsLayer::new(),
        Origins::Any => AllowOrigin::any(),
        Origins::Listed(origins) => {
            let origins = origins.clone();
            AllowOrigin::predicate(move |origin, _| {
                origins.iter().any(|allowed| allowed.0.as_bytes() == origin.as_bytes())
            })
        }
    };
    CorsLayer::new().allow_origin(allowed).allow_methods(Any).allow_headers(Any)
}

/// Refuses requests of other pages.
#[derive(Clone, Debug)]
pub(crate) struct Guard(pub(crate) Origins);

impl<B> ValidateRequest<B> for Guard {
    type ResponseBody = HttpBody;

    fn validate(&mut self, request: &mut HttpRequest<B>) -> Result<(), HttpResponse> {
        let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or(""));
        let Some(origin) = header("origin") else { return Ok(()) };
        if self.0.allow(origin, header("host")) {
            return Ok(());
        }
        let body = "this origin is not allowed: start the node with --cors and the origin\n";
        let mut response = HttpResponse::new(HttpBody::from(body));
        *response.status_mut() = 403_u16.try_into().expect("403 is a status");
        Err(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_same_ip_address_are_its_own() {
        let own = |origin: &str, host: &str| Origins::Own.allow(origin, Some(host));
        assert!(own("http://127.0.0.1:8545", "127.0.0.1:8545"));
        assert!(own("http://localhost:8545", "localhost:8545"));
        assert!(own("http://[::1]:8545", "[::1]:8545"));
        for (origin, host) in [
            ("http://evil.example:8545", "127.0.0.1:8545"),
            ("http://evil.example:8545", "evil.example:8545"), // a foreign name that points to this machine
            ("http://127.0.0.1:3000", "127.0.0.1:8545"),
            ("https://chrome-extension.example", "127.0.0.1:8545"),
            ("null", "127.0.0.1:8545"),
            ("", ""),
        ] {
            assert!(!own(origin, host), "{origin} at {host}");
        }
        assert!(own("chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn", "127.0.0.1:8545"));
        let listed = Origins::Listed(vec!["https://app.example".parse().unwrap()]);
        assert!(listed.allow("https://app.example", Some("127.0.0.1:8545")));
        assert!(!listed.allow("https://app.example.evil", Some("127.0.0.1:8545")));
        assert!(Origins::Any.allow("null", None));
    }

    #[test]
    fn an_invalid_origin_is_refused_with_the_right_form() {
        for good in [
            "https://example.org",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "http://[::1]:3000",
            "https://a_b.example.org",
            "capacitor://localhost",
            "null",
        ] {
            assert!(good.parse::<Origin>().is_ok(), "{good}");
        }
        for (bad, form) in [
            ("example.com", "https://example.com"),
            ("localhost:3000", "https://localhost:3000"),
            ("http://ok.example/", "http://ok.example"),
            ("http://ok.example/path?x", "http://ok.example"),
            ("HTTP://Ok.Example", "http://ok.example"),
            ("https://ok.example:443", "https://ok.example"),
            ("http://ok.example:080", "http://ok.example"),
            ("http://ok.example:8080/", "http://ok.example:8080"),
            ("http://user@ok.example", "https://example.org"),
            ("https://*.example.org", "https://example.org"),
            ("https://", "https://example.org"),
            ("http://ok.example:port", "https://example.org"),
            ("http://[::1", "https://example.org"),
            ("", "https://example.org"),
            ("https://bücher.example", "https://example.org"),
        ] {
            let error = bad.parse::<Origin>().unwrap_err();
            assert_eq!(error.form, form, "{bad}");
        }
    }
}
