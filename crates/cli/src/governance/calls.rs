//! The calls of a proposal in words: by the names of the modules' functions.

use abi::{
    Module, PARAMETERS, REVISIONS,
    value::{Decoded, Field, Value},
};
use alloy_primitives::{Address, Bytes, LogData, U256};
use execution::MODULES;
use ledger_client::Ledger;
use ledger_views::{
    Ask,
    governance::ProposedCall,
    markets::{self, TokenView},
};
use serde::Serialize;

use super::grain_text;
use crate::options::checksummed;

/// Characters of a value that are shown at most.
const TEXT_MAX: usize = 300;
/// Items of a list that are shown at most.
const ITEMS_MAX: usize = 16;

/// A call in documents.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CallDocument {
    target: String,
    /// The module that answers there; none for other contracts.
    module: Option<&'static str>,
    /// The function and its values, as far as it is a module's.
    call: Option<String>,
    /// GRAIN that goes along, in the smallest unit.
    value: String,
    calldata: String,
}

/// A call in words and for programs.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) text: String,
    pub(super) document: CallDocument,
}

/// Describes the calls of a proposal.
///
/// # Errors
/// When the ledger does not answer.
pub(super) async fn describe(
    ledger: &Ledger,
    calls: &[ProposedCall],
) -> anyhow::Result<Vec<Described>> {
    let mut described = Vec::with_capacity(calls.len());
    for call in calls {
        described.push(one(ledger, call).await?);
    }
    Ok(described)
}

async fn one(ledger: &Ledger, call: &ProposedCall) -> anyhow::Result<Described> {
    let ProposedCall { target, value, data } = call;
    let module = module_at(ledger, target).await?;
    let decoded = module.and_then(|module| module.decode_call(data));
    let name = module.map_or_else(|| target.to_checksum(None), |module| named(module, target));
    let said = match &decoded {
        Some(decoded) => Some(said(ledger, target, decoded).await),
        None => None,
    };
    let mut text = match (&said, data.is_empty()) {
        (Some(said), _) => format!("{name}.{said}"),
        (None, true) => format!("send to {name}"),
        (None, false) => format!("{name}: unknown call {}", hexadecimal(data)),
    };
    if !value.is_zero() {
        text.push_str(&format!(", with {}", grain_text(*value)));
    }
    if let Some(decoded) = decoded.as_ref().filter(|_| *target == REVISIONS) {
        text.push_str(&unknown_revision(decoded, MODULES.newest()).unwrap_or_default());
    }
    let document = CallDocument {
        target: target.to_checksum(None),
        module: module.map(|module| module.name),
        call: said,
        value: value.to_string(),
        calldata: data.to_string(),
    };
    Ok(Described { text, document })
}

/// Says that a call lets a revision begin that this program does not know.
fn unknown_revision(decoded: &Decoded, newest: u32) -> Option<String> {
    let begins = matches!(decoded.name.as_str(), "schedule" | "reschedule");
    let is_revision = |field: &&Field| field.name == "revision";
    let Some(Value::Number(revision)) = decoded.fields.iter().find(is_revision).map(|it| &it.value)
    else {
        return None;
    };
    (begins && U256::from(newest) < *revision).then(|| {
        format!("; this program knows revisions up to {newest}: a node stops before one that its own does not know")
    })
}

/// The module that answers at an address, by its place or by the code there.
///
/// # Errors
/// When the ledger does not answer.
pub(super) async fn module_at(
    ledger: &Ledger,
    address: &Address,
) -> anyhow::Result<Option<&'static Module>> {
    if let Some(module) = Module::at(address) {
        return Ok(Some(module));
    }
    let account = Ask::account(ledger, *address).await?;
    Ok(Module::of(address, &account.code))
}

/// A module's name, with the address where there is more than one of its kind.
pub(super) fn named(module: &Module, address: &Address) -> String {
    match module.place {
        abi::Place::Fixed(_) => module.name.to_owned(),
        _ => format!("{} {}", module.name, address.to_checksum(None)),
    }
}

/// A call or event in one line: `set(key: issuance.samples, value: 4)`. Amounts of a token that is named beside them are in whole units, too.
pub(super) async fn said(ledger: &Ledger, at: &Address, decoded: &Decoded) -> String {
    let token = token(ledger, decoded).await;
    let values: Vec<_> = decoded
        .fields
        .iter()
        .map(|field| format!("{}: {}", field.name, shown(at, field, token.as_ref())))
        .collect();
    format!("{}({})", decoded.name, values.join(", "))
}

/// The token that a call is about.
async fn token(ledger: &Ledger, decoded: &Decoded) -> Option<TokenView> {
    let address = decoded.fields.iter().find_map(|field| match field.value {
        Value::Address(address) if field.name == "token" => Some(address),
        _ => None,
    })?;
    let token = markets::token(ledger, &abi::convert::account(address)).await.ok()?;
    token.is_readable.then_some(token)
}

fn shown(at: &Address, field: &Field, token: Option<&TokenView>) -> String {
    match (&field.value, token) {
        (Value::Bytes(bytes), _) if *at == PARAMETERS && field.name == "key" => {
            key_text(bytes).unwrap_or_else(|| bytes.to_string())
        }
        (Value::Number(amount), Some(token))
            if matches!(field.name.as_str(), "amount" | "total" | "earned" | "freed") =>
        {
            format!("{} {}", token.amount_text(*amount), token.symbol)
        }
        (value, _) => value_text(value),
    }
}

/// A value in one line.
fn value_text(value: &Value) -> String {
    match value {
        Value::Address(address) => match Module::at(address) {
            Some(module) if matches!(module.place, abi::Place::Fixed(_)) => module.name.to_owned(),
            _ => checksummed(&abi::convert::account(*address)),
        },
        Value::Bytes(bytes) => hexadecimal(bytes),
        Value::Text(text) => {
            let start: String = text.chars().take(TEXT_MAX).collect();
            let more = if start.len() < text.len() { "…" } else { "" };
            format!("{start:?}{more}")
        }
        Value::List(items) => {
            let mut shown: Vec<_> = items.iter().take(ITEMS_MAX).map(value_text).collect();
            if items.len() > ITEMS_MAX {
                shown.push(format!("and {} more", items.len() - ITEMS_MAX));
            }
            format!("[{}]", shown.join(", "))
        }
        Value::Record(fields) => {
            let fields = fields.iter().take(ITEMS_MAX);
            let fields =
                fields.map(|field| format!("{}: {}", field.name, value_text(&field.value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

fn hexadecimal(bytes: &Bytes) -> String {
    match bytes.get(..TEXT_MAX / 2) {
        Some(start) => format!("{}… ({} bytes)", Bytes::copy_from_slice(start), bytes.len()),
        None => bytes.to_string(),
    }
}

/// The name that a parameter's key is: ASCII, filled up with zeros.
fn key_text(key: &[u8]) -> Option<String> {
    let end = key.iter().position(|byte| *byte == 0).unwrap_or(key.len());
    let (name, rest) = key.split_at_checked(end)?;
    let is_name = !name.is_empty()
        && name.iter().all(u8::is_ascii_graphic)
        && rest.iter().all(|byte| *byte == 0);
    is_name.then(|| String::from_utf8_lossy(name).into_owned())
}

/// An event in one line, by the module that emitted it; none for others.
///
/// # Errors
/// When the ledger does not answer.
pub(super) async fn event(
    ledger: &Ledger,
    at: &Address,
    log: &LogData,
) -> anyhow::Result<Option<String>> {
    let Some(module) = module_at(ledger, at).await? else { return Ok(None) };
    let Some(decoded) = module.decode_event(log) else { return Ok(None) };
    Ok(Some(format!("{}.{}", named(module, at), said(ledger, at, &decoded).await)))
}

/// The lines of some described calls, numbered.
pub(super) fn lines(calls: &[Described]) -> String {
    let lines = (1..).zip(calls).map(|(number, call)| format!("{number}. {}", call.text));
    lines.collect::<Vec<_>>().join("\n")
}

/// The sum of what goes along.
pub(super) fn value_of(calls: &[ProposedCall]) -> U256 {
    calls.iter().fold(U256::ZERO, |sum, call| sum.saturating_add(call.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_name_only_if_it_can_be_one() {
        let mut key = [0; 32];
        key[..16].copy_from_slice(b"issuance.samples");
        assert_eq!(key_text(&key).unwrap(), "issuance.samples");
        key[20] = b'x';
        assert_eq!(key_text(&key), None);
        assert_eq!(key_text(&[0; 32]), None);
        assert_eq!(key_text(b"a\x1b[2J"), None);
    }

    #[test]
    fn who_decides_about_an_unknown_revision_is_told_what_it_stops() {
        let call = |name: &str, revision: u64| {
            let value = Value::Number(U256::from(revision));
            let fields = vec![Field { name: "revision".to_owned(), value }];
            unknown_revision(&Decoded { name: name.to_owned(), fields }, 4)
        };
        for name in ["schedule", "reschedule"] {
            assert!(call(name, 5).unwrap().contains("up to 4"));
            assert!(call(name, u64::from(u32::MAX)).is_some());
            assert_eq!(call(name, 4), None);
        }
        assert_eq!(call("cancel", 5), None);
    }

    #[test]
    fn values_are_in_one_line_and_short() {
        let many = Value::List(vec![Value::Bool(true); 20]);
        assert!(value_text(&many).ends_with("true, and 4 more]"));
        assert_eq!(value_text(&Value::Text("a\nb".to_owned())), r#""a\nb""#);
        assert_eq!(value_text(&Value::Address(PARAMETERS)), "Parameters");
        let long = Value::Bytes(vec![7; 5_000].into());
        assert!(value_text(&long).ends_with("… (5000 bytes)"));
    }
}
