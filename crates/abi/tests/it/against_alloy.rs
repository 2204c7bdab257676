use abi::{
    MODULES,
    interface::{Function, Kind, Parameter},
    value::{Field, Value},
};
use alloy_dyn_abi::{DynSolValue, EventExt as _, JsonAbiExt as _};
use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256, I256, LogData, U256, keccak256};

fn parsed(module: &abi::Module) -> JsonAbi {
    serde_json::from_str(&module.json_abi())
        .unwrap_or_else(|error| panic!("{}: {error}", module.name))
}

/// Returns the function of that name with the same selector: names may be overloaded.
fn overload<'a>(abi: &'a JsonAbi, function: &Function) -> &'a alloy_json_abi::Function {
    let mut found = abi.functions[&function.name].iter();
    found.find(|theirs| theirs.selector() == function.selector).expect("the same signature")
}

/// alloy parses our JSON and writes the same document.
#[test]
fn the_json_abi_is_read_as_it_was_meant() {
    for module in &MODULES {
        let abi = parsed(module);
        let ours: Vec<serde_json::Value> = serde_json::from_str(&module.json_abi()).expect("JSON");
        let theirs: Vec<serde_json::Value> =
            serde_json::from_str(&serde_json::to_string(&abi).expect("JSON")).expect("JSON");
        assert_eq!(ours.len(), theirs.len(), "{}", module.name);
        for item in &ours {
            assert!(theirs.contains(item), "{}: {item}", module.name);
        }
        let interfaces = module.interfaces().iter();
        for interface in interfaces {
            for function in &interface.functions {
                assert_eq!(overload(&abi, function).selector(), function.selector);
            }
            for event in &interface.events {
                assert_eq!(abi.events[&event.name][0].selector(), event.topic, "{}", event.name);
            }
            for error in &interface.errors {
                assert_eq!(abi.errors[&error.name][0].selector(), error.selector, "{}", error.name);
            }
        }
    }
}

/// Random numbers from a hash chain.
struct Draws(B256);

impl Draws {
    fn word(&mut self) -> B256 {
        self.0 = keccak256(self.0);
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.word()[0]) % bound
    }

    fn bytes(&mut self) -> Vec<u8> {
        let size = self.below(70);
        (0..size).map(|_| self.word()[0]).collect()
    }

    /// Returns a number of at most `bits` bits, of any magnitude.
    fn number(&mut self, bits: usize) -> U256 {
        let kept = self.below(bits + 1);
        if kept == 0 { U256::ZERO } else { U256::from_be_bytes(self.word().0) >> (256 - kept) }
    }

    fn value(&mut self, kind: &Kind) -> DynSolValue {
        match kind {
            Kind::Bool => DynSolValue::Bool(self.below(2) == 1),
            Kind::Uint(bits) => DynSolValue::Uint(self.number(*bits), *bits),
            Kind::Int(bits) => {
                let size = I256::from_raw(self.number(bits - 1));
                DynSolValue::Int(if self.below(2) == 1 { !size } else { size }, *bits)
            }
            Kind::FixedBytes(size) => {
                let mut word = self.word();
                word[*size..].fill(0);
                DynSolValue::FixedBytes(word, *size)
            }
            Kind::Address => DynSolValue::Address(Address::from_slice(&self.word()[12..])),
            Kind::Bytes => DynSolValue::Bytes(self.bytes()),
            Kind::String => {
                DynSolValue::String(String::from_utf8_lossy(&self.bytes()).into_owned())
            }
            Kind::List(of) => {
                let count = self.below(4);
                DynSolValue::Array((0..count).map(|_| self.value(of)).collect())
            }
            Kind::Array(of, count) => {
                DynSolValue::FixedArray((0..*count).map(|_| self.value(of)).collect())
            }
            Kind::Struct(of) => DynSolValue::Tuple(self.values(&of.fields)),
            Kind::Enum(of) => DynSolValue::Uint(U256::from(self.below(of.variants.len())), 8),
        }
    }

    fn values(&mut self, inputs: &[Parameter]) -> Vec<DynSolValue> {
        inputs.iter().map(|input| self.value(&input.kind)).collect()
    }
}

#[track_caller]
fn same(ours: &Value, theirs: &DynSolValue) {
    match (ours, theirs) {
        (Value::Number(ours), DynSolValue::Uint(theirs, _)) => assert_eq!(ours, theirs),
        (Value::Signed(ours), DynSolValue::Int(theirs, _)) => assert_eq!(ours, theirs),
        (Value::Address(ours), DynSolValue::Address(theirs)) => assert_eq!(ours, theirs),
        (Value::Bool(ours), DynSolValue::Bool(theirs)) => assert_eq!(ours, theirs),
        (Value::Bytes(ours), DynSolValue::FixedBytes(theirs, size)) => {
            assert_eq!(ours[..], theirs[..*size]);
        }
        (Value::Bytes(ours), DynSolValue::Bytes(theirs)) => assert_eq!(ours[..], theirs[..]),
        (Value::Text(ours), DynSolValue::String(theirs)) => assert_eq!(ours, theirs),
        (Value::Record(ours), DynSolValue::Tuple(theirs)) => same_fields(ours, theirs),
        (Value::Record(ours), DynSolValue::CustomStruct { prop_names, tuple, .. }) => {
            assert!(ours.iter().map(|field| &field.name).eq(prop_names));
            same_fields(ours, tuple);
        }
        (Value::List(ours), DynSolValue::Array(theirs) | DynSolValue::FixedArray(theirs)) => {
            assert_eq!(ours.len(), theirs.len());
            ours.iter().zip(theirs).for_each(|(ours, theirs)| same(ours, theirs));
        }
        // The number of each variant is checked in `reader`.
        (Value::Variant(_), DynSolValue::Uint(_, 8)) => {}
        (ours, theirs) => panic!("{ours:?} is not {theirs:?}"),
    }
}

#[track_caller]
fn same_fields(ours: &[Field], theirs: &[DynSolValue]) {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).for_each(|(ours, theirs)| same(&ours.value, theirs));
}

const TRIES: usize = 40;

#[test]
fn calls_and_errors_that_alloy_encodes_are_decoded() {
    let mut draws = Draws(B256::ZERO);
    for module in &MODULES {
        let abi = parsed(module);
        for interface in module.interfaces() {
            for (function, _) in
                interface.functions.iter().flat_map(|of| (0..TRIES).map(move |n| (of, n)))
            {
                let values = draws.values(&function.inputs);
                let data = overload(&abi, function).abi_encode_input(&values).expect("values fit");
                let decoded = module.decode_call(&data).expect("a call");
                assert_eq!(decoded.name, function.name);
                same_fields(&decoded.fields, &values);
            }
            for (error, _) in
                interface.errors.iter().flat_map(|of| (0..TRIES).map(move |n| (of, n)))
            {
                let values = draws.values(&error.inputs);
                let data =
                    abi.errors[&error.name][0].abi_encode_input(&values).expect("values fit");
                let (decoded, _) = abi::decode_error(&data).expect("an error");
                assert_eq!(decoded.name, error.name);
                same_fields(&decoded.fields, &values);
            }
        }
    }
}

#[test]
fn events_that_alloy_decodes_are_decoded() {
    let mut draws = Draws(B256::repeat_byte(1));
    for module in &MODULES {
        let abi = parsed(module);
        for event in module.interfaces().iter().flat_map(|interface| &interface.events) {
            for _ in 0..TRIES {
                let mut topics = vec![event.topic];
                let mut data = Vec::new();
                for input in &event.inputs {
                    let value = draws.value(&input.kind);
                    if input.is_indexed {
                        topics.push(value.as_word().expect("indexed values are words"));
                    } else {
                        data.push(value);
                    }
                }
                let log = LogData::new_unchecked(
                    topics,
                    DynSolValue::Tuple(data).abi_encode_params().into(),
                );
                let theirs = abi.events[&event.name][0].decode_log(&log).expect("an event");
                let ours = module.decode_event(&log).expect("an event");
                assert_eq!(ours.name, event.name);
                let (mut indexed, mut body) = (theirs.indexed.iter(), theirs.body.iter());
                for (ours, input) in ours.fields.iter().zip(&event.inputs) {
                    let side = if input.is_indexed { &mut indexed } else { &mut body };
                    same(&ours.value, side.next().expect("as many values"));
                }
            }
        }
    }
}

/// Valid encodings with one byte changed: decoding never panics, and alloy accepts whatever ours accepts.
#[test]
fn changed_bytes_are_decoded_as_alloy_does_or_refused() {
    let mut draws = Draws(B256::repeat_byte(2));
    let mut refused = 0;
    for module in &MODULES {
        let abi = parsed(module);
        for function in module.interfaces().iter().flat_map(|interface| &interface.functions) {
            let theirs = overload(&abi, function);
            for _ in 0..TRIES {
                let values = draws.values(&function.inputs);
                let mut data = theirs.abi_encode_input(&values).expect("values fit");
                if data.len() == 4 {
                    continue;
                }
                let at = 4 + usize::from(u16::from_be_bytes([draws.word()[0], draws.word()[0]]))
                    % (data.len() - 4);
                data[at] = draws.word()[0];
                match module.decode_call(&data) {
                    Some(decoded) => {
                        let values = theirs.abi_decode_input(&data[4..]).expect("alloy takes it");
                        same_fields(&decoded.fields, &values);
                    }
                    None => refused += 1,
                }
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
