use abi::{
    interface::{Kind, Mutability},
    solidity::read,
};

#[track_caller]
fn refused(text: &str, error: &str) {
    assert_eq!(read(text).expect_err("it is refused").to_string(), error);
}

#[test]
fn declarations_are_read_with_their_comments() {
    let text = "
// A licence.
pragma solidity ^0.8.20;

enum Phase {
    Open, // with a comment that is none
    /// For good.
    Closed
}

/// What it is,
/// in two lines.
interface Things {
    struct Inner { int24 tick; Phase phase; }
    struct Outer {
        /// Two of them.
        Inner[2] inner; // not this
        bytes4[][] marks;
    }
    /// Does it.
    function act(Outer calldata outer, address) external payable returns (bool done, string memory);
    function look() external view returns (uint);
    event Acted(Outer outer, address indexed by);
    error No(uint8 why);
}";
    let [things] = <[_; 1]>::try_from(read(text).expect("it reads")).expect("one interface");
    assert_eq!(
        (things.name.as_str(), things.docs.as_str()),
        ("Things", "What it is, in two lines.")
    );
    let [act, look] = &things.functions[..] else { panic!("two functions") };
    assert_eq!((act.docs.as_str(), act.mutability), ("Does it.", Mutability::Payable));
    let outer = &act.inputs[0];
    assert_eq!(outer.kind.signature(), "((int24,uint8)[2],bytes4[][])");
    let Kind::Struct(outer) = &outer.kind else { panic!("a struct") };
    assert_eq!(outer.path, "Things.Outer");
    assert_eq!(outer.fields[0].docs, "Two of them.");
    let Kind::Array(inner, 2) = &outer.fields[0].kind else { panic!("an array") };
    let Kind::Struct(inner) = &**inner else { panic!("a struct") };
    let Kind::Enum(phase) = &inner.fields[1].kind else { panic!("an enum") };
    assert_eq!(phase.path, "Phase");
    let variants: Vec<(&str, &str)> =
        phase.variants.iter().map(|of| (of.name.as_str(), of.docs.as_str())).collect();
    assert_eq!(variants, [("Open", ""), ("Closed", "For good.")]);
    assert_eq!(act.inputs[1].name, "");
    assert_eq!(act.outputs[1].kind, Kind::String);
    assert_eq!(look.outputs[0].kind, Kind::Uint(256));
    assert_eq!(look.mutability, Mutability::View);
    assert!(things.events[0].inputs[1].is_indexed && !things.events[0].inputs[0].is_indexed);
    assert_eq!(things.errors[0].inputs[0].kind, Kind::Uint(8));
}

#[test]
fn syntax_errors_name_the_line() {
    let within = |inner: &str| format!("interface I {{\n{inner}\n}}");
    refused(
        "contract C {}",
        "line 1: found `contract`, expected `pragma`, `interface`, `struct` or `enum`",
    );
    refused(
        "interface I {",
        "line 1: found ``, expected `struct`, `enum`, `function`, `event` or `error`",
    );
    refused("interface I is J {}", "line 1: found `is`, expected `{`");
    refused("/* x */", "line 1: found `/*`, expected a `///` comment");
    refused("pragma solidity", "line 1: found ``, expected `;`");
    let kind = "a type of Solidity, or one declared above";
    for word in ["mapping", "uint7", "uint264", "bytes33", "bytes0", "int0", "Later"] {
        let text = within(&format!("error E({word} a);"));
        refused(&text, &format!("line 2: found `{word}`, expected {kind}"));
    }
    refused(&within("error E(uint[0] a);"), "line 2: found `0`, expected a number above 0");
    refused(
        &within("function f() external {"),
        "line 2: found `{`, expected `external`, a mutability, `returns` or `;`",
    );
    refused(&within("struct S { }"), "line 2: found `}`, expected a type");
    // A struct of one interface is not known in the next.
    let text = format!("{}\n{}", within("struct S { uint a; }"), within("error E(S s);"));
    refused(&text, &format!("line 5: found `S`, expected {kind}"));
}
