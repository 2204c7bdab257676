//! An interface as data: the result of parsing ([`read`](crate::solidity::read)) an interface file.

use std::sync::Arc;

use alloy_primitives::{B256, keccak256};

/// One `interface` of Solidity, in the order of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its comment.
    pub docs: String,
    /// Enums declared in it.
    pub enums: Vec<Arc<Enum>>,
    /// Structs declared in it.
    pub structs: Vec<Arc<Struct>>,
    /// Its functions.
    pub functions: Vec<Function>,
    /// Its events.
    pub events: Vec<Event>,
    /// Its errors.
    pub errors: Vec<Error>,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its comment.
    pub docs: String,
    /// Arguments.
    pub inputs: Vec<Parameter>,
    /// What it returns.
    pub outputs: Vec<Parameter>,
    /// Whether it reads, writes or takes value.
    pub mutability: Mutability,
    /// The first 4 bytes of its calldata.
    pub selector: [u8; 4],
}

/// `stateMutability` of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// Depends on its arguments only.
    Pure,
    /// Reads state.
    View,
    /// Changes state.
    Nonpayable,
    /// Changes state and accepts value.
    Payable,
}

impl Mutability {
    /// Returns the word of the JSON ABI.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::View => "view",
            Self::Nonpayable => "nonpayable",
            Self::Payable => "payable",
        }
    }
}

/// A log entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its comment.
    pub docs: String,
    /// Its values; indexed ones are topics.
    pub inputs: Vec<Parameter>,
    /// Its first topic.
    pub topic: B256,
}

/// A typed revert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Its name.
    pub name: String,
    /// Its comment: the sentence for people, with values as `{name}`.
    pub docs: String,
    /// Its values.
    pub inputs: Vec<Parameter>,
    /// The first 4 bytes of the revert data.
    pub selector: [u8; 4],
}

/// An argument, a returned value, or a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name; empty where the file gives none.
    pub name: String,
    /// Its comment.
    pub docs: String,
    /// Its type.
    pub kind: Kind,
    /// Whether it is a topic; only for events.
    pub is_indexed: bool,
}

/// A struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struct {
    /// Its name, prefixed with that of its interface: `TrainingRuns.Terms`.
    pub path: String,
    /// Its comment.
    pub docs: String,
    /// Its fields.
    pub fields: Vec<Parameter>,
}

/// An enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enum {
    /// Its name, prefixed with that of its interface.
    pub path: String,
    /// Its comment.
    pub docs: String,
    /// Its variants; the first is 0.
    pub variants: Vec<Variant>,
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Its comment.
    pub docs: String,
}

/// A Solidity type, as far as interfaces of native modules use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `uint` with this number of bits.
    Uint(usize),
    /// `int` with this number of bits.
    Int(usize),
    /// `address`
    Address,
    /// `bool`
    Bool,
    /// `bytes` of fixed size.
    FixedBytes(usize),
    /// `bytes`
    Bytes,
    /// `string`
    String,
    /// `T[]`
    List(Box<Self>),
    /// `T[n]`
    Array(Box<Self>, usize),
    /// A struct.
    Struct(Arc<Struct>),
    /// An enum; encoded as a `uint8`.
    Enum(Arc<Enum>),
}

impl Kind {
    /// Returns the type as signatures have it: `(uint64,bytes32)[]` for an array of structs.
    #[must_use]
    pub fn signature(&self) -> String {
        match self {
            Self::Struct(of) => tuple(&of.fields),
            Self::List(of) => format!("{}[]", of.signature()),
            Self::Array(of, count) => format!("{}[{count}]", of.signature()),
            plain => plain.json(),
        }
    }

    /// Returns `type` of the JSON ABI.
    fn json(&self) -> String {
        match self {
            Self::Uint(bits) => format!("uint{bits}"),
            Self::Int(bits) => format!("int{bits}"),
            Self::Address => "address".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::FixedBytes(size) => format!("bytes{size}"),
            Self::Bytes => "bytes".to_owned(),
            Self::String => "string".to_owned(),
            Self::List(of) => format!("{}[]", of.json()),
            Self::Array(of, count) => format!("{}[{count}]", of.json()),
            Self::Struct(_) => "tuple".to_owned(),
            Self::Enum(_) => "uint8".to_owned(),
        }
    }

    /// Returns `internalType` of the JSON ABI: the type as the file has it.
    fn internal(&self) -> String {
        match self {
            Self::List(of) => format!("{}[]", of.internal()),
            Self::Array(of, count) => format!("{}[{count}]", of.internal()),
            Self::Struct(of) => format!("struct {}", of.path),
            Self::Enum(of) => format!("enum {}", of.path),
            plain => plain.json(),
        }
    }

    /// Returns the fields of the struct that this is, or is an array of.
    fn components(&self) -> Option<&[Parameter]> {
        match self {
            Self::Struct(of) => Some(&of.fields),
            Self::List(of) | Self::Array(of, _) => of.components(),
            _ => None,
        }
    }
}

/// Writes parameters as people read them: `uint64 run, bytes32 indexed device`.
#[must_use]
pub fn declaration(parameters: &[Parameter]) -> String {
    let one = |Parameter { name, kind, is_indexed, .. }: &Parameter| {
        let indexed = if *is_indexed { " indexed" } else { "" };
        let space = if name.is_empty() { "" } else { " " };
        // The keywords `struct` and `enum` add nothing to the name.
        let kind = kind.internal();
        let kind = kind.rsplit(' ').next().unwrap_or_default();
        format!("{kind}{indexed}{space}{name}")
    };
    parameters.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Returns types in parentheses, as a signature ends.
fn tuple(parameters: &[Parameter]) -> String {
    let kinds: Vec<String> =
        parameters.iter().map(|parameter| parameter.kind.signature()).collect();
    format!("({})", kinds.join(","))
}

/// Returns the Keccak-256 hash of the signature of a function, event or error.
pub(crate) fn signature_hash(name: &str, inputs: &[Parameter]) -> B256 {
    keccak256(format!("{name}{}", tuple(inputs)))
}

/// Returns the JSON ABI of several interfaces, in the order of solc: errors, events, functions, each sorted by name. An item that several interfaces declare
/// is written once.
pub(crate) fn json_abi<'a>(interfaces: impl IntoIterator<Item = &'a Interface>) -> String {
    let mut items = Vec::new();
    for interface in interfaces {
        for error in &interface.errors {
            let text = format!(
                r#"{{"inputs":{},"name":"{}","type":"error"}}"#,
                json_list(&error.inputs, Side::Plain),
                error.name
            );
            items.push((0, error.name.clone(), text));
        }
        for event in &interface.events {
            let text = format!(
                r#"{{"anonymous":false,"inputs":{},"name":"{}","type":"event"}}"#,
                json_list(&event.inputs, Side::Event),
                event.name
            );
            items.push((1, event.name.clone(), text));
        }
        for function in &interface.functions {
            let text = format!(
                r#"{{"inputs":{},"name":"{}","outputs":{},"stateMutability":"{}","type":"function"}}"#,
                json_list(&function.inputs, Side::Plain),
                function.name,
                json_list(&function.outputs, Side::Plain),
                function.mutability.as_str()
            );
            items.push((2, function.name.clone(), text));
        }
    }
    items.sort();
    items.dedup();
    let lines: Vec<String> = items.into_iter().map(|(_, _, text)| format!("  {text}")).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// The kind of item whose parameters are written: only those of events have `indexed`.
#[derive(Clone, Copy)]
enum Side {
    Plain,
    Event,
}

/// Writes parameters. Names and types need no escape: the reader takes identifiers only.
fn json_list(parameters: &[Parameter], side: Side) -> String {
    let items: Vec<String> = parameters
        .iter()
        .map(|parameter| {
            let components = parameter.kind.components().map_or_else(String::new, |fields| {
                format!(r#""components":{},"#, json_list(fields, Side::Plain))
            });
            let indexed = match side {
                Side::Plain => String::new(),
                Side::Event => format!(r#""indexed":{},"#, parameter.is_indexed),
            };
            format!(
                r#"{{{components}{indexed}"internalType":"{}","name":"{}","type":"{}"}}"#,
                parameter.kind.internal(),
                parameter.name,
                parameter.kind.json()
            )
        })
        .collect();
    format!("[{}]", items.join(","))
}
