use super::*;

/// Returns a message in short: id and method of calls, `-` and method of notifications, id and code of errors.
fn outline(bytes: &[u8]) -> String {
    let entry = |entry: &Entry<'_>| match entry {
        Entry::Call(id, request) => format!("{} {}", id.0, request.method),
        Entry::Notification(request) => format!("- {}", request.method),
        Entry::Malformed(id, error) => format!("{} {}", id.0, error.code()),
    };
    match parse(bytes, 3) {
        Ok(Message::Single(single)) => entry(&single),
        Ok(Message::Batch(all)) => {
            format!("[{}]", all.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Err(error) => format!("whole {}", error.code()),
    }
}

fn with_id(id: &str) -> String {
    outline(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#).as_bytes())
}

#[test]
fn an_id_is_returned_as_written_or_refused() {
    for id in ["1", "-1", "0.5", "-0", "1e3", "18446744073709551615", "-9223372036854775808"] {
        assert_eq!(with_id(id), format!("{id} m"));
    }
    for id in [r#""""#, r#""a\u0062""#, r#""1""#, "null"] {
        assert_eq!(with_id(id), format!("{id} m"));
    }
    let long = format!("\"{}\"", "x".repeat(ID_SIZE_MAX));
    for id in ["18446744073709551616", "-9223372036854775809", "1e999", "true", "{}", "[]", &long] {
        assert_eq!(with_id(id), "null -32600", "{id}");
    }
}

#[test]
fn every_entry_is_classified() {
    for (text, expected) in [
        ("", "whole -32700"),
        ("  ", "whole -32700"),
        ("{", "whole -32700"),
        ("[", "whole -32700"),
        ("[1,", "whole -32700"),
        ("[]x", "whole -32700"),
        ("{}x", "whole -32700"),
        ("x", "whole -32700"),
        ("1", "whole -32600"),
        ("[]", "whole -32600"),
        ("[1]", "[null -32600]"),
        ("[[]]", "[null -32600]"),
        ("{}", "null -32600"),
        (r#"{"jsonrpc":"2.0","method":"m"}"#, "- m"),
        (r#" {"jsonrpc":"2.0","method":"m","params":null,"x":[1]} "#, "- m"),
        (r#"{"jsonrpc":"2.0","method":7}"#, "null -32600"),
        (r#"{"jsonrpc":"1.0","id":7,"method":"m"}"#, "7 -32600"),
        (r#"{"id":7,"method":"m"}"#, "7 -32600"),
        (r#"{"jsonrpc":"2.0","id":7,"id":8,"method":"m"}"#, "null -32600"),
        (r#"{"jsonrpc":"2.0","id":7,"method":"m","method":"n"}"#, "7 -32600"),
        (r#"{"jsonrpc":"2.0","id":7,"method":"m","params":[],"params":[]}"#, "7 -32600"),
        (r#"{"jsonrpc":"2.0","method":"m","method":"m","id":7,"id":8}"#, "null -32600"),
        (r#"{"jsonrpc":"2.0","\u0069d":7,"id":8,"method":"m"}"#, "null -32600"),
        (
            r#"[{"jsonrpc":"2.0","id":true,"method":"m"},{"jsonrpc":"2.0","method":"m"},{"jsonrpc":"2.0","id":-1,"method":"n"}]"#,
            "[null -32600, - m, -1 n]",
        ),
        ("[1,2,3,4]", "whole -32600"),
    ] {
        assert_eq!(outline(text.as_bytes()), expected, "{text}");
    }
    assert_eq!(outline(b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"m\"}"), "whole -32700");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let deep = "[".repeat(1 << 20);
    assert_eq!(outline(deep.as_bytes()), "whole -32700");
    let closed = format!("{deep}{}", "]".repeat(1 << 20));
    assert_eq!(outline(closed.as_bytes()), "[null -32600]");
}

#[test]
fn answers_have_result_or_error() {
    let mut out = String::new();
    let result = serde_json::value::to_raw_value(&7).unwrap();
    write(&mut out, Id("-1"), &Ok(result));
    assert_eq!(out, r#"{"jsonrpc":"2.0","id":-1,"result":7}"#);
    out.clear();
    write(&mut out, Id::UNKNOWN, &Err(ErrorObject::new(5, "no\"")));
    assert_eq!(out, r#"{"jsonrpc":"2.0","id":null,"error":{"code":5,"message":"no\""}}"#);
}
