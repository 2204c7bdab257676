//! Describes the fault of a parameter, with its path.

use super::{BlockNumbers, Parameter};
use serde_json::Value;

/// Longest parameter that is searched for its faulty part, in bytes.
const SEARCHED_SIZE_MAX: usize = 16 << 10;
/// Most parts that are tried.
const TRIALS_MAX: usize = 256;
/// How much of a value an error repeats, in characters.
const SHOWN_MAX: usize = 80;

/// Returns the message about the parameter at `position`, which can't be parsed as a `T`.
pub(super) fn message<T: Parameter>(text: &str, position: usize, numbers: BlockNumbers) -> String {
    let part = match text.len() <= SEARCHED_SIZE_MAX {
        true => Search::<T>::new(numbers).run(text),
        false => None,
    };
    match part {
        Some(Part { path, value }) => format!(
            "invalid argument {position}: {path} is {}, which does not fit {}",
            shown(&value.to_string()),
            T::FORM
        ),
        None => format!("invalid argument {position}: {}, give {}", shown(text), T::FORM),
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}

/// A part of a parameter.
struct Part {
    path: String,
    value: Value,
}

/// The search for the smallest part without which the parameter can be parsed.
struct Search<T> {
    numbers: BlockNumbers,
    trials: usize,
    kind: std::marker::PhantomData<T>,
}

impl<T: Parameter> Search<T> {
    fn new(numbers: BlockNumbers) -> Self {
        Self { numbers, trials: TRIALS_MAX, kind: std::marker::PhantomData }
    }

    fn run(mut self, text: &str) -> Option<Part> {
        let whole: Value = serde_json::from_str(text).ok()?;
        let Part { path, value } = self.within(&whole, "")?;
        Some(Part { path: path.trim_start_matches('/').replace('/', "."), value })
    }

    /// Returns the smallest such part of the value at `pointer`.
    fn within(&mut self, whole: &Value, pointer: &str) -> Option<Part> {
        let paths: Vec<String> = match whole.pointer(pointer)? {
            Value::Object(members) => {
                members.keys().map(|name| format!("{pointer}/{}", escaped(name))).collect()
            }
            Value::Array(items) => {
                (0..items.len()).map(|index| format!("{pointer}/{index}")).collect()
            }
            _ => return None,
        };
        for path in &paths {
            if let Some(value) = self.removable(whole, pointer, path) {
                let path = path.clone();
                return self.within(whole, &path).or(Some(Part { path, value }));
            }
        }
        // Where a part is required, the fault is within it.
        paths.iter().find_map(|path| self.within(whole, path))
    }

    /// Returns the value at `path`, a direct part of the value at `pointer`, if the parameter can be parsed without it.
    fn removable(&mut self, whole: &Value, pointer: &str, path: &str) -> Option<Value> {
        self.trials = self.trials.checked_sub(1)?;
        let mut rest = whole.clone();
        let name = path.strip_prefix(pointer)?.strip_prefix('/')?;
        let value = match rest.pointer_mut(pointer)? {
            Value::Object(members) => members.remove(&unescaped(name))?,
            Value::Array(items) => items.remove(name.parse().ok()?),
            _ => return None,
        };
        T::read(&rest.to_string(), self.numbers)?;
        Some(value)
    }
}

/// Returns a name in the form of a JSON pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Address;
    use alloy_rpc_types_eth::{Filter, TransactionRequest, simulate::SimulatePayload};

    fn check<T: Parameter>(text: &str, expected: &str) {
        assert!(T::read(text, BlockNumbers::Quoted).is_none(), "{text}");
        let message = message::<T>(text, 1, BlockNumbers::Quoted);
        assert!(message.starts_with(expected), "{message}");
        for word in ["expected", "struct", "variant", "enum", "line 1", "column"] {
            assert!(!message.contains(word), "{word:?} in {message}");
        }
    }

    #[test]
    fn the_smallest_faulty_part_is_named() {
        check::<Address>("\"0x12\"", "invalid argument 1: \"0x12\", give an address (0x and 40");
        check::<Address>("{}", "invalid argument 1: {}, give an address");
        check::<TransactionRequest>("7", "invalid argument 1: 7, give a transaction object");
        let request = r#"{"from":null,"to":"0x12","value":"0x1"}"#;
        check::<TransactionRequest>(request, "invalid argument 1: to is \"0x12\", which does not");
        let filter = r#"{"topics":["0x12"]}"#;
        check::<Filter>(filter, "invalid argument 1: topics.0 is \"0x12\", which does not fit");
        let payload = r#"{"blockStateCalls":[{"calls":[{},{"to":"x"}]}]}"#;
        check::<SimulatePayload>(
            payload,
            "invalid argument 1: blockStateCalls.0.calls.1.to is \"x\", which",
        );
        let long = format!("\"{}\"", "é".repeat(100));
        check::<Address>(&long, "invalid argument 1: \"ééé");
    }
}
