//! Calls, events and errors of native modules, by the catalogue of interfaces.

use abi::{
    Module, PriceFeed,
    value::{Decoded, Field, Value},
};
use alloy_primitives::{Address, Bytes, I256, Log, LogData, U256};
use alloy_sol_types::{Panic, Revert, SolError};
use maud::{Markup, html};

use crate::{
    figures,
    names::Names,
    units::{self, Record, Unit},
};

/// Calls inside of calls that a page decodes at most.
const NESTED_MAX: usize = 100;
/// How deep calls inside of calls are decoded.
const NESTED_DEPTH_MAX: usize = 4;
/// Calls inside of a call that its summary names.
const SUMMARY_MAX: usize = 4;
/// Items of a list that are shown at most.
const ITEMS_MAX: usize = 100;
/// Bytes of a value that are shown at most.
const BYTES_MAX: usize = 2_048;
/// Characters of a text that are shown at most.
const TEXT_MAX: usize = 2_048;

/// A call or event of a native module.
pub(crate) struct Said {
    module: &'static Module,
    at: Address,
    decoded: Decoded,
}

/// Decodes a call. `None` when no native module answers at the address, or it does not have this call.
pub(crate) fn call(names: &Names<'_>, to: &Address, data: &[u8]) -> Option<Said> {
    let module = names.module(to)?;
    Some(Said { module, at: *to, decoded: module.decode_call(data)? })
}

/// Decodes a log entry, likewise.
pub(crate) fn event(names: &Names<'_>, log: &Log<LogData>) -> Option<Said> {
    let module = names.module(&log.address)?;
    Some(Said { module, at: log.address, decoded: module.decode_event(&log.data)? })
}

/// What a revert says: the error's name where a module has one, and a sentence for people.
pub(crate) fn error(data: &[u8]) -> Option<(String, String)> {
    if let Ok(Revert { reason }) = Revert::abi_decode(data) {
        return Some(("Error".to_owned(), reason.chars().take(TEXT_MAX).collect()));
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        let what = panic.kind().map_or("unknown code", |kind| kind.as_str());
        return Some(("Panic".to_owned(), what.to_owned()));
    }
    abi::decode_error(data)
        .map(|(decoded, words)| (decoded.name, words.chars().take(TEXT_MAX).collect()))
}

impl Said {
    /// The name of the function or event, in the interface.
    pub(crate) fn name(&self) -> &str {
        &self.decoded.name
    }

    /// The name; for a call of several calls with those of the inner ones: `multicall: exactInputSingle, refundETH`.
    pub(crate) fn summary(&self) -> String {
        let calls = self.batch();
        let named = |data: &Bytes| match self.module.decode_call(data) {
            Some(inner) => inner.name,
            None => "call".to_owned(),
        };
        let inner: Vec<String> = calls.iter().take(SUMMARY_MAX).map(named).collect();
        let more = if calls.len() > inner.len() { ", …" } else { "" };
        match inner.as_slice() {
            [] => self.name().to_owned(),
            inner => format!("{}: {}{more}", self.name(), inner.join(", ")),
        }
    }

    /// The calls that a call consists of, each with the module's own functions.
    fn batch(&self) -> Vec<Bytes> {
        match self.decoded.fields.as_slice() {
            [Field { value: Value::List(calls), .. }] if self.name() == "multicall" => {
                let bytes = |call: &'_ Value| match call {
                    Value::Bytes(bytes) => Some(bytes.clone()),
                    _ => None,
                };
                calls.iter().filter_map(bytes).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The values by their names, with what is known of them beside them.
    pub(crate) fn shown(&self, names: &Names<'_>) -> Markup {
        Writer { names, said: self, nesting: 0 }.whole(0)
    }

    /// A value as a number of its unit, in one line; for lists of events.
    pub(crate) fn amount(&self, names: &Names<'_>, name: &str) -> Option<Markup> {
        let field = self.decoded.fields.iter().find(|field| field.name == name)?;
        let record = self.record(&self.decoded.fields);
        match (units::of(names, &record, name)?, &field.value) {
            (Unit::Token(token), Value::Number(amount)) => {
                Some(names.amount_in_words(&token, *amount))
            }
            (Unit::Token(token), Value::Signed(amount)) => Some(html! {
                @if amount.is_negative() { "−" }
                (names.amount_in_words(&token, amount.unsigned_abs()))
            }),
            _ => None,
        }
    }

    /// An address by its name.
    pub(crate) fn address(&self, name: &str) -> Option<Address> {
        let field = self.decoded.fields.iter().find(|field| field.name == name)?;
        match field.value {
            Value::Address(address) => Some(address),
            _ => None,
        }
    }

    fn record<'a>(&'a self, fields: &'a [Field]) -> Record<'a> {
        Record { module: self.module, at: self.at, item: &self.decoded.name, fields }
    }
}

/// Writes what was said, one value a line.
struct Writer<'a> {
    names: &'a Names<'a>,
    said: &'a Said,
    nesting: usize,
}

impl Writer<'_> {
    fn whole(&self, depth: usize) -> Markup {
        let Decoded { name, fields } = &self.said.decoded;
        html! { b { (name) } @if !fields.is_empty() { " " (self.record(fields, depth)) } }
    }

    fn record(&self, fields: &[Field], depth: usize) -> Markup {
        html! {
            "{\n"
            @for (index, field) in fields.iter().enumerate() {
                (indent(depth + 1))
                @if field.name.is_empty() { (index) } @else { (field.name) }
                ": " (self.value(fields, field, &field.value, depth + 1)) "\n"
            }
            (indent(depth)) "}"
        }
    }

    /// A value; `field` is where it stands, which for the items of a list is the list.
    fn value(&self, fields: &[Field], field: &Field, value: &Value, depth: usize) -> Markup {
        match value {
            Value::Record(fields) => self.record(fields, depth),
            Value::List(items) if items.is_empty() => html! { "[]" },
            Value::List(items) => html! {
                "[\n"
                @for item in items.iter().take(ITEMS_MAX) {
                    (indent(depth + 1)) (self.value(fields, field, item, depth + 1)) "\n"
                }
                @if items.len() > ITEMS_MAX { (indent(depth + 1)) "and " (items.len() - ITEMS_MAX) " more\n" }
                (indent(depth)) "]"
            },
            Value::Address(address) => html! {
                a href=(format!("/account/{address:#x}")) { (address.to_checksum(None)) }
                (note(&address_note(self.names, address)))
            },
            Value::Number(number) => html! {
                (number)
                (note(&self.number_note(fields, &field.name, *number)))
            },
            Value::Signed(number) => html! {
                (number)
                (note(&self.signed_note(fields, &field.name, *number)))
            },
            Value::Bytes(bytes) => self.bytes(field, bytes, depth),
            Value::Text(text) => {
                // Escapes characters that would be displayed as something else.
                let start: String = text.chars().take(TEXT_MAX).collect();
                html! { (format!("{start:?}")) @if start.len() < text.len() { "…" } }
            }
            plain => html! { (plain.to_string()) },
        }
    }

    fn number_note(&self, fields: &[Field], name: &str, number: U256) -> Option<String> {
        if name == "fee"
            && matches!(
                self.said.module.name,
                "SwapRouter" | "QuoterV2" | "NonfungiblePositionManager" | "UniswapV3Factory"
            )
        {
            return u32::try_from(number).ok().map(figures::percent_of_millionths);
        }
        if matches!(
            name,
            "deadline"
                | "startedAt"
                | "updatedAt"
                | "observedAt"
                | "periodFinish"
                | "etaSeconds"
                | "until"
                | "start"
                | "stop"
        ) {
            return u64::try_from(number)
                .ok()
                .filter(|seconds| *seconds < 1 << 40)
                .map(crate::layout::time);
        }
        let unit = units::of(self.names, &self.said.record(fields), name)?;
        if number == U256::MAX {
            return Some("no limit".to_owned());
        }
        self.in_unit(unit, number)
    }

    fn signed_note(&self, fields: &[Field], name: &str, number: I256) -> Option<String> {
        let unit = units::of(self.names, &self.said.record(fields), name)?;
        let sign = if number.is_negative() { "−" } else { "" };
        Some(format!("{sign}{}", self.in_unit(unit, number.unsigned_abs())?))
    }

    fn in_unit(&self, unit: Unit, number: U256) -> Option<String> {
        match unit {
            Unit::Token(token) => {
                let token_said = self.names.token(&token);
                let decimals = token_said.decimals?;
                let symbol = self.names.symbol_plain(&token);
                Some(format!("{} {symbol}", abi::amount_text(number, decimals)))
            }
            Unit::Feed(feed) => {
                let decimals = self.names.ask(feed, &PriceFeed::decimalsCall {})?;
                Some(abi::amount_text(number, decimals.min(77)))
            }
        }
    }

    fn bytes(&self, field: &Field, bytes: &Bytes, depth: usize) -> Markup {
        if let Some(inner) = self.inner(field, bytes) {
            let writer = Writer { names: self.names, said: &inner, nesting: self.nesting + 1 };
            return writer.whole(depth);
        }
        let known = match field.name.as_str() {
            "path" => self.path_note(bytes),
            "key" if self.said.module.name == "Parameters" => key_note(bytes),
            _ => None,
        };
        html! { (hexadecimal(bytes)) (note(&known)) }
    }

    /// The call that bytes in a call of several are.
    fn inner(&self, field: &Field, bytes: &Bytes) -> Option<Said> {
        let is_call = self.said.name() == "multicall" && field.name == "data";
        let count = self.names.nested.get();
        if !is_call || self.nesting >= NESTED_DEPTH_MAX || count >= NESTED_MAX {
            return None;
        }
        self.names.nested.set(count + 1);
        let Said { module, at, .. } = *self.said;
        Some(Said { module, at, decoded: module.decode_call(bytes)? })
    }

    fn path_note(&self, path: &[u8]) -> Option<String> {
        let assets = units::assets_of_path(path)?;
        let fees = units::fees_of_path(path);
        let mut text = String::new();
        for (index, asset) in assets.iter().enumerate() {
            if let Some(fee) = index.checked_sub(1).and_then(|before| fees.get(before)) {
                text.push_str(&format!(" – {} – ", figures::percent_of_millionths(*fee)));
            }
            text.push_str(&self.names.symbol_plain(asset));
        }
        Some(text)
    }
}

/// The name that a parameter's key is: ASCII, filled up with zeros.
fn key_note(key: &[u8]) -> Option<String> {
    let end = key.iter().position(|byte| *byte == 0).unwrap_or(key.len());
    let (name, rest) = key.split_at_checked(end)?;
    let is_name = name.iter().all(u8::is_ascii_graphic) && rest.iter().all(|byte| *byte == 0);
    (is_name && !name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned())
}

/// What is known of an address: the module that answers there, with the symbols of its tokens.
pub(crate) fn address_note(names: &Names<'_>, address: &Address) -> Option<String> {
    if *address == abi::GRAIN {
        return Some("GRAIN".to_owned());
    }
    let module = names.module(address)?;
    let symbol = matches!(module.name, "IssuedAsset" | "WrappedGrain" | "Vault" | "FeeVault")
        .then(|| names.token(address).symbol);
    let symbols = |pair: [Address; 2]| {
        let symbols = pair.map(|asset| names.token(&asset).symbol);
        symbols.map(|symbol| symbol.unwrap_or_else(|| "?".to_owned())).join("/")
    };
    let pair = names.pair(address).map(symbols);
    let of = symbol.flatten().or(pair);
    Some(of.map_or_else(|| module.name.to_owned(), |of| format!("{} {of}", module.name)))
}

fn indent(depth: usize) -> String {
    "    ".repeat(depth)
}

/// What is known beside a value.
pub(crate) fn note(text: &Option<String>) -> Markup {
    html! { @if let Some(text) = text { "  " span class="note" { (text) } } }
}

/// Bytes in hexadecimal, shortened if they are many.
pub(crate) fn hexadecimal(bytes: &Bytes) -> String {
    match bytes.get(..BYTES_MAX) {
        Some(start) => format!("{}… ({} bytes)", Bytes::copy_from_slice(start), bytes.len()),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::{UniswapV3Pool, Vault};
    use alloy_sol_types::SolError;

    #[test]
    fn reverts_are_put_into_words() {
        let check = |data: &[u8], name: &str, part: &str| {
            let (given, words) = error(data).unwrap();
            assert!(given == name && words.contains(part), "{given}: {words}");
        };
        check(&Revert { reason: "UniswapV2: K".to_owned() }.abi_encode(), "Error", "UniswapV2: K");
        check(&Panic { code: U256::from(0x11) }.abi_encode(), "Panic", "overflow");
        let exceeded = Vault::ERC4626ExceededMaxRedeem {
            owner: Address::repeat_byte(7),
            shares: U256::from(5),
            max: U256::from(3),
        };
        check(
            &exceeded.abi_encode(),
            "ERC4626ExceededMaxRedeem",
            "can redeem 3 shares, 5 are asked for",
        );
        assert_eq!(error(&[]), None);
        assert_eq!(error(&[1, 2, 3, 4, 5]), None);
        // A call is no error.
        assert_eq!(error(&alloy_sol_types::SolCall::abi_encode(&UniswapV3Pool::feeCall {})), None);
    }
}
