//! JSON-RPC over HTTP: one message in the body of a POST, its answer in the body of the response.

use crate::{
    dispatcher::{self, Desk},
    error::ErrorObject,
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, StatusCode,
    body::{Bytes, Incoming},
    header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
};

/// A client's request.
pub(crate) type HttpRequest<B = Incoming> = hyper::Request<B>;
/// The response to a client.
pub(crate) type HttpResponse = hyper::Response<HttpBody>;
/// The body of a response.
pub(crate) type HttpBody = Full<Bytes>;

/// The error code for a request that is too large, as in other nodes.
const REQUEST_TOO_LARGE_CODE: i32 = -32_007;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Answers a request whose body has at most `size_max` bytes. A message that holds only notifications has an empty answer.
pub(crate) async fn answer(desk: Desk, request: HttpRequest, size_max: usize) -> HttpResponse {
    if request.method() != Method::POST {
        let mut response =
            refused(StatusCode::METHOD_NOT_ALLOWED, "send JSON-RPC requests with POST\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    if !is_json(request.headers()) {
        let text = "set the header Content-Type to application/json\n";
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    }
    if announced(request.headers()).is_some_and(|size| size > size_max) {
        return too_large(size_max);
    }
    let body = match Limited::new(request.into_body(), size_max).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return too_large(size_max),
        Err(error) => {
            tracing::debug!(%error, "a request ended early");
            return refused(StatusCode::BAD_REQUEST, "the body ended early\n");
        }
    };
    let reply = desk.reply(&body, None).await;
    response(StatusCode::OK, JSON, reply.text.unwrap_or_default())
}

/// Returns whether the content type is JSON, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/json-rpc", "application/jsonrequest"]
        .iter()
        .any(|json| kind.eq_ignore_ascii_case(json))
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Returns the error for a message of more than `size_max` bytes.
pub(crate) fn request_too_large(size_max: usize) -> ErrorObject {
    let message = format!("the request has more than {size_max} bytes: send it in parts");
    ErrorObject::new(REQUEST_TOO_LARGE_CODE, message)
}

fn too_large(size_max: usize) -> HttpResponse {
    let text = dispatcher::refusal(request_too_large(size_max));
    response(StatusCode::PAYLOAD_TOO_LARGE, JSON, text)
}

fn refused(status: StatusCode, text: &'static str) -> HttpResponse {
    response(status, TEXT, text)
}

fn response(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> HttpResponse {
    let mut response = HttpResponse::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
