//! The envelope of JSON-RPC 2.0: which requests a message holds, and how an answer is written.
//!
//! Every entry of a message becomes a call, a notification or an error. An id is returned with the text that the
//! client wrote, so that each client recognizes its own.
//!
//! Source: JSON-RPC 2.0, sections 4 to 6.

#[cfg(test)]
mod tests;

use crate::error::{Answer, ErrorObject, INVALID_REQUEST_CODE, PARSE_ERROR_CODE};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{error::Category, value::RawValue};
use std::fmt;

/// Longest id that is returned, in bytes of JSON.
const ID_SIZE_MAX: usize = 1_024;
/// The id of an answer whose request has no readable id.
const NULL: &str = "null";

/// The requests of a message.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// One request.
    Single(Entry<'a>),
    /// Several requests, which are answered together and in their order.
    Batch(Vec<Entry<'a>>),
}

/// One request of a message.
#[derive(Debug)]
pub(crate) enum Entry<'a> {
    /// A request that is answered.
    Call(Id<'a>, Request<'a>),
    /// A request without an id: it is executed and never answered.
    Notification(Request<'a>),
    /// An object that is not a valid request; it is answered with an error.
    Malformed(Id<'a>, ErrorObject),
}

/// A method and its parameters, not yet parsed.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: String,
    pub(crate) params: Option<&'a RawValue>,
}

/// The id of a request, as the client wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// The id of an answer to a request without a readable id.
    pub(crate) const UNKNOWN: Self = Self(NULL);

    /// Reads a string, a number that a client gets back unchanged, or null.
    fn read(raw: &'a RawValue) -> Result<Self, &'static str> {
        let text = raw.get();
        if text.len() > ID_SIZE_MAX {
            return Err("its id is longer than 1024 bytes");
        }
        match text.as_bytes() {
            [b'"', ..] => Ok(Self(text)),
            [b'-' | b'0'..=b'9', ..] if is_exact(text) => Ok(Self(text)),
            [b'-' | b'0'..=b'9', ..] => Err("its id is a number beyond 64 bits: use a string"),
            _ if text == NULL => Ok(Self::UNKNOWN),
            _ => Err("its id is neither a string, a number nor null"),
        }
    }
}

/// Returns whether a number is a 64-bit integer, or a fraction in the range of a double.
fn is_exact(number: &str) -> bool {
    if number.contains(['.', 'e', 'E']) {
        return number.parse::<f64>().is_ok_and(f64::is_finite);
    }
    number.parse::<u64>().is_ok() || number.parse::<i64>().is_ok()
}

/// Parses a message of at most `batch_max` requests.
///
/// # Errors
/// The error that answers the whole message, with a null id.
pub(crate) fn parse(bytes: &[u8], batch_max: usize) -> Answer<Message<'_>> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        parse_error(&format!("byte {} of the message is not UTF-8", error.valid_up_to()))
    })?;
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    match text.as_bytes().first() {
        None => Err(parse_error("the message is empty")),
        Some(b'{') => read::<Fields<'_>>(text).map(|fields| Message::Single(fields.entry())),
        Some(b'[') => batch(text, batch_max),
        Some(_) => {
            read::<IgnoredAny>(text)?;
            Err(invalid_request("a request is an object, or a list of objects"))
        }
    }
}

fn batch(text: &str, batch_max: usize) -> Answer<Message<'_>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let entries = Entries { max: batch_max };
    let parsed = deserializer.deserialize_seq(entries);
    let entries = parsed.and_then(|entries| deserializer.end().map(|()| entries));
    match entries.map_err(|error| not_json(&error))? {
        None => Err(invalid_request(&format!(
            "the batch has more than {batch_max} requests: send it in parts"
        ))),
        Some(entries) if entries.is_empty() => Err(invalid_request("the batch is empty")),
        Some(entries) => Ok(Message::Batch(entries)),
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Answer<T> {
    serde_json::from_str(text).map_err(|error| not_json(&error))
}

fn not_json(error: &serde_json::Error) -> ErrorObject {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof => parse_error("the message ends too early"),
        _ => parse_error(&format!("the message is not JSON at line {line}, column {column}")),
    }
}

fn parse_error(reason: &str) -> ErrorObject {
    ErrorObject::new(PARSE_ERROR_CODE, format!("parse error: {reason}"))
}

fn invalid_request(reason: &str) -> ErrorObject {
    ErrorObject::new(INVALID_REQUEST_CODE, format!("invalid request: {reason}"))
}

/// The members of a request as the client sent them.
#[derive(Default)]
struct Fields<'a> {
    version: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    repeated: Option<&'static str>,
}

impl<'a> Fields<'a> {
    /// Classifies the entry as a call, a notification or malformed.
    fn entry(self) -> Entry<'a> {
        if self.repeated == Some("id") {
            return Entry::Malformed(Id::UNKNOWN, invalid_request("it has two members \"id\""));
        }
        let id = match self.id.map(Id::read).transpose() {
            Ok(id) => id,
            Err(reason) => return Entry::Malformed(Id::UNKNOWN, invalid_request(reason)),
        };
        match (self.request(), id) {
            (Ok(request), Some(id)) => Entry::Call(id, request),
            (Ok(request), None) => Entry::Notification(request),
            (Err(reason), id) => {
                Entry::Malformed(id.unwrap_or(Id::UNKNOWN), invalid_request(&reason))
            }
        }
    }

    fn request(self) -> Result<Request<'a>, String> {
        if let Some(name) = self.repeated {
            return Err(format!("it has two members \"{name}\""));
        }
        let text = |raw: Option<&'a RawValue>| {
            raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
        };
        if text(self.version).as_deref() != Some("2.0") {
            return Err("its member \"jsonrpc\" is not \"2.0\"".to_owned());
        }
        let method = text(self.method).ok_or("its member \"method\" is not a string")?;
        Ok(Request { method, params: self.params.filter(|params| params.get() != NULL) })
    }
}

/// Names of members.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Name {
    Jsonrpc,
    Id,
    Method,
    Params,
    #[serde(other)]
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = map.next_key()? {
            let (name, place) = match name {
                Name::Jsonrpc => ("jsonrpc", &mut fields.version),
                Name::Id => ("id", &mut fields.id),
                Name::Method => ("method", &mut fields.method),
                Name::Params => ("params", &mut fields.params),
                Name::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            // A repeated `id` is reported before other repeated members: the answer then has a null id.
            if place.replace(map.next_value()?).is_some() && fields.repeated != Some("id") {
                fields.repeated = Some(name);
            }
        }
        Ok(fields)
    }
}

/// The requests of a batch; `None` when there are more than `max`, of which at most `max` are kept in memory.
struct Entries {
    max: usize,
}

impl<'de> Visitor<'de> for Entries {
    type Value = Option<Vec<Entry<'de>>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of requests")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(raw) = list.next_element::<&RawValue>()? {
            if entries.len() >= self.max {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            let no_object = || invalid_request("an entry of the batch is not an object");
            // Valid JSON that is not an object is not a request.
            entries.push(match serde_json::from_str::<Fields<'_>>(raw.get()) {
                Ok(fields) => fields.entry(),
                Err(_) => Entry::Malformed(Id::UNKNOWN, no_object()),
            });
        }
        Ok(Some(entries))
    }
}

/// Appends the answer to the request `id`.
pub(crate) fn write(out: &mut String, id: Id<'_>, answer: &Answer<Box<RawValue>>) {
    out.push_str(r#"{"jsonrpc":"2.0","id":"#);
    out.push_str(id.0);
    match answer {
        Ok(result) => {
            out.push_str(r#","result":"#);
            out.push_str(result.get());
        }
        Err(error) => {
            out.push_str(r#","error":"#);
            out.push_str(&serde_json::to_string(error).expect("an error is valid JSON"));
        }
    }
    out.push('}');
}
