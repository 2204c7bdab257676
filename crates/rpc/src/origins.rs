//! Which web pages may call.
//!
//! A browser adds the page's origin to what a page asks of another address. For HTTP it keeps the answer from the page unless the server allows
//! the origin (CORS); for WebSocket it keeps nothing. So requests of other origins are refused here, whatever they are. Extensions of the
//! browser, as wallets are, are no pages.

use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use std::net::IpAddr;
use tower_http::{
    cors::{AllowOrigin, Any, CorsLayer},
    validate_request::ValidateRequest,
};

/// The web pages that may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Those that the node itself serves, by its number (`127.0.0.1`) or as `localhost`: other names may be somebody's trick.
    Own,
    /// All.
    Any,
    /// Its own and these, as browsers write them: `https://example.org`.
    Listed(Vec<String>),
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
                origins.iter().any(|allowed| allowed == origin) || is_own(origin, host)
            }
        }
    }
}

/// A part of the browser that its owner installed, as wallets are: it may call wherever he let it, and which page it calls for is between it
/// and him. No page can bear such an origin.
fn is_extension(origin: &str) -> bool {
    let schemes = ["chrome-extension://", "moz-extension://", "safari-web-extension://"];
    schemes.iter().any(|scheme| origin.starts_with(scheme))
}

/// A page from the very address that the request goes to, which no name server had a hand in.
fn is_own(origin: &str, host: Option<&str>) -> bool {
    let Some(authority) = origin.strip_prefix("http://") else { return false };
    let name = authority.rsplit_once(':').map_or(authority, |(name, _)| name);
    let name = name.trim_matches(['[', ']']);
    host == Some(authority) && (name == "localhost" || name.parse::<IpAddr>().is_ok())
}

/// Tells browsers which pages may read answers.
pub(crate) fn cors(origins: &Origins) -> CorsLayer {
    let allowed = match origins {
        Origins::Own => return CorsLayer::new(),
        Origins::Any => AllowOrigin::any(),
        Origins::Listed(origins) => {
            let origins = origins.clone();
            AllowOrigin::predicate(move |origin, _| {
                origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
            })
        }
    };
    CorsLayer::new().allow_origin(allowed).allow_methods(Any).allow_headers(Any)
}

/// Refuses what comes from other pages.
#[derive(Clone, Debug)]
pub(crate) struct Guard(pub(crate) Origins);

impl<B> ValidateRequest<B> for Guard {
    type ResponseBody = HttpBody;

    fn validate(&mut self, request: &mut HttpRequest<B>) -> Result<(), HttpResponse<HttpBody>> {
        let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or(""));
        let Some(origin) = header("origin") else { return Ok(()) };
        if self.0.allow(origin, header("host")) {
            return Ok(());
        }
        let body = "pages of this origin may not call: the node's --cors allows them\n";
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
            ("http://evil.example:8545", "evil.example:8545"), // a name bound anew to this machine
            ("http://127.0.0.1:3000", "127.0.0.1:8545"),
            ("https://chrome-extension.example", "127.0.0.1:8545"),
            ("null", "127.0.0.1:8545"),
            ("", ""),
        ] {
            assert!(!own(origin, host), "{origin} at {host}");
        }
        assert!(own("chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn", "127.0.0.1:8545"));
        let listed = Origins::Listed(vec!["https://app.example".to_owned()]);
        assert!(listed.allow("https://app.example", Some("127.0.0.1:8545")));
        assert!(!listed.allow("https://app.example.evil", Some("127.0.0.1:8545")));
        assert!(Origins::Any.allow("null", None));
    }
}
