//! Decodes values of the Solidity ABI by their declaration.

use std::fmt;

use alloy_primitives::{Address, B256, Bytes, I256, U256};

use crate::interface::{Kind, Parameter};

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An unsigned integer.
    Number(U256),
    /// A signed integer.
    Signed(I256),
    /// An address.
    Address(Address),
    /// A bool.
    Bool(bool),
    /// Bytes, of fixed size or not. For an indexed string, array or struct of an event: the hash, which is all that
    /// the topic contains.
    Bytes(Bytes),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Self>),
    /// A struct.
    Record(Vec<Field>),
    /// The variant of an enum.
    Variant(String),
}

/// A named value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the interface; empty where the interface has none.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// A call, event or error with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Its name in the interface.
    pub name: String,
    /// Its values in order.
    pub fields: Vec<Field>,
}

impl fmt::Display for Decoded {
    /// Writes the name, then a field a line: `lapse {`, `    run: 7,`, `}`.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.name)?;
        if self.fields.is_empty() {
            Ok(())
        } else {
            to.write_str(" ").and_then(|()| write_fields(to, &self.fields, 0))
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(to, self, 0)
    }
}

const INDENT: &str = "    ";

fn write_fields(to: &mut fmt::Formatter<'_>, fields: &[Field], depth: usize) -> fmt::Result {
    writeln!(to, "{{")?;
    for (index, field) in fields.iter().enumerate() {
        let indent = INDENT.repeat(depth + 1);
        match field.name.as_str() {
            "" => write!(to, "{indent}{index}: ")?,
            name => write!(to, "{indent}{name}: ")?,
        }
        write_value(to, &field.value, depth + 1)?;
        writeln!(to, ",")?;
    }
    write!(to, "{}}}", INDENT.repeat(depth))
}

fn write_value(to: &mut fmt::Formatter<'_>, value: &Value, depth: usize) -> fmt::Result {
    match value {
        Value::Number(number) => write!(to, "{number}"),
        Value::Signed(number) => write!(to, "{number}"),
        Value::Address(address) => write!(to, "{address}"),
        Value::Bool(is_true) => write!(to, "{is_true}"),
        Value::Bytes(bytes) => write!(to, "{bytes}"),
        // Escapes characters that would be displayed as something else.
        Value::Text(text) => write!(to, "{text:?}"),
        Value::Variant(name) => to.write_str(name),
        Value::Record(fields) => write_fields(to, fields, depth),
        Value::List(values) if values.is_empty() => to.write_str("[]"),
        Value::List(values) => {
            writeln!(to, "[")?;
            for value in values {
                to.write_str(&INDENT.repeat(depth + 1))?;
                write_value(to, value, depth + 1)?;
                writeln!(to, ",")?;
            }
            write!(to, "{}]", INDENT.repeat(depth))
        }
    }
}

/// Decodes the arguments in calldata or revert data without its selector. `None` unless a strict decoder would accept it.
pub(crate) fn arguments(parameters: &[Parameter], data: &[u8]) -> Option<Vec<Field>> {
    Decoder { data, unread: data.len() }.fields(parameters.iter(), 0)
}

/// Decodes the values of an event. `topics` are those after the first.
pub(crate) fn event_values(
    parameters: &[Parameter],
    topics: &[B256],
    data: &[u8],
) -> Option<Vec<Field>> {
    let mut topics = topics.iter();
    let plain = parameters.iter().filter(|parameter| !parameter.is_indexed);
    let mut unindexed = Decoder { data, unread: data.len() }.fields(plain, 0)?.into_iter();
    let mut fields = Vec::new();
    for parameter in parameters {
        if !parameter.is_indexed {
            fields.push(unindexed.next()?);
            continue;
        }
        let topic = topics.next()?;
        let value = match parameter.kind {
            Kind::Bytes | Kind::String | Kind::List(_) | Kind::Array(..) | Kind::Struct(_) => {
                Value::Bytes(topic.0.into())
            }
            ref elementary => Decoder { data: &topic.0, unread: 32 }.inline(elementary, 0)?,
        };
        fields.push(Field { name: parameter.name.clone(), value });
    }
    topics.next().is_none().then_some(fields)
}

impl Kind {
    /// Returns whether a value lies behind an offset.
    fn is_dynamic(&self) -> bool {
        match self {
            Self::Bytes | Self::String | Self::List(_) => true,
            Self::Array(of, _) => of.is_dynamic(),
            Self::Struct(of) => of.fields.iter().any(|field| field.kind.is_dynamic()),
            _ => false,
        }
    }

    /// Returns the size of its part in the head, in bytes.
    fn head_size(&self) -> usize {
        if self.is_dynamic() {
            return 32;
        }
        match self {
            Self::Array(of, count) => of.head_size().saturating_mul(*count),
            Self::Struct(of) => of.fields.iter().map(|field| field.kind.head_size()).sum(),
            _ => 32,
        }
    }
}

struct Decoder<'a> {
    data: &'a [u8],
    /// Bytes that may still be read. A valid encoding needs each byte once; the bound keeps overlapping offsets from making a large value of little data.
    unread: usize,
}

impl Decoder<'_> {
    fn bytes(&mut self, at: usize, size: usize) -> Option<&[u8]> {
        self.unread = self.unread.checked_sub(size)?;
        self.data.get(at..at.checked_add(size)?)
    }

    fn word(&mut self, at: usize) -> Option<U256> {
        self.bytes(at, 32).map(U256::from_be_slice)
    }

    fn size(&mut self, at: usize) -> Option<usize> {
        usize::try_from(self.word(at)?).ok()
    }

    fn fields<'p>(
        &mut self,
        parameters: impl Iterator<Item = &'p Parameter>,
        base: usize,
    ) -> Option<Vec<Field>> {
        let mut head = base;
        parameters
            .map(|Parameter { name, kind, .. }| {
                let value = self.value(kind, head, base)?;
                head = head.checked_add(kind.head_size())?;
                Some(Field { name: name.clone(), value })
            })
            .collect()
    }

    fn values(&mut self, kind: &Kind, count: usize, base: usize) -> Option<Value> {
        let size = kind.head_size();
        let values: Option<Vec<Value>> = (0..count)
            .map(|index| self.value(kind, base.checked_add(size.checked_mul(index)?)?, base))
            .collect();
        values.map(Value::List)
    }

    /// Decodes the value whose head is at `head`, in a tuple or array that begins at `base`.
    fn value(&mut self, kind: &Kind, head: usize, base: usize) -> Option<Value> {
        if !kind.is_dynamic() {
            return self.inline(kind, head);
        }
        let at = base.checked_add(self.size(head)?)?;
        match kind {
            Kind::Bytes => self.sized_bytes(at).map(|bytes| Value::Bytes(bytes.to_vec().into())),
            Kind::String => {
                self.sized_bytes(at).map(|bytes| Value::Text(String::from_utf8_lossy(bytes).into()))
            }
            Kind::List(of) => {
                let count = self.size(at)?;
                self.values(of, count, at.checked_add(32)?)
            }
            _ => self.inline(kind, at),
        }
    }

    fn sized_bytes(&mut self, at: usize) -> Option<&[u8]> {
        let size = self.size(at)?;
        self.bytes(at.checked_add(32)?, size)
    }

    /// Decodes the value that begins at `at` itself.
    fn inline(&mut self, kind: &Kind, at: usize) -> Option<Value> {
        match kind {
            Kind::Struct(of) => return self.fields(of.fields.iter(), at).map(Value::Record),
            Kind::Array(of, count) => return self.values(of, *count, at),
            _ => {}
        }
        let word = self.word(at)?;
        let bytes: [u8; 32] = word.to_be_bytes();
        match kind {
            Kind::Uint(bits) => (word.bit_len() <= *bits).then_some(Value::Number(word)),
            Kind::Int(bits) => {
                let number = I256::from_raw(word);
                // In two's complement, a number with this number of bits differs from its sign in fewer bits.
                let sign = if number.is_negative() { U256::MAX } else { U256::ZERO };
                ((word ^ sign).bit_len() < *bits).then_some(Value::Signed(number))
            }
            Kind::Address => {
                (word.bit_len() <= 160).then(|| Value::Address(Address::from_word(bytes.into())))
            }
            Kind::Bool => (word.bit_len() <= 1).then(|| Value::Bool(!word.is_zero())),
            Kind::FixedBytes(size) => {
                let (taken, rest) = bytes.split_at_checked(*size)?;
                let is_clean = rest.iter().all(|byte| *byte == 0);
                is_clean.then(|| Value::Bytes(taken.to_vec().into()))
            }
            Kind::Enum(of) => {
                let variant = of.variants.get(usize::try_from(word).ok()?)?;
                Some(Value::Variant(variant.name.clone()))
            }
            Kind::Bytes | Kind::String | Kind::List(_) | Kind::Array(..) | Kind::Struct(_) => None,
        }
    }
}
