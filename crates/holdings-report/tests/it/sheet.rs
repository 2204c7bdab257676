//! Tables as people have them.

use alloy_primitives::U256;
use holdings_report::{Sheet, SheetColumns, SheetError, read_sheet};
use proptest::prelude::*;

fn read<'a>(bytes: &'a [u8], value: &str, labels: &[&str]) -> Result<Sheet<'a>, SheetError> {
    read_sheet(bytes, SheetColumns { value, labels, delimiter: None })
}

#[track_caller]
fn refused(text: &str, parts: &[&str]) {
    let error = read(text.as_bytes(), "held", &["who"]).unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "`{error}` does not say `{part}`");
    }
}

#[test]
fn amounts_of_one_column_have_one_unit() {
    let text = "\u{feff}who,held\r\nann,1.5\r\n\"b, c\",2\r\n,0.125\r\nbob,\r\ndan,1e2\r\n";
    let sheet = read(text.as_bytes(), "held", &["who"]).unwrap();
    assert_eq!((sheet.decimals, sheet.empty_count), (3, 1));
    assert_eq!(sheet.amounts, [1_500_u64, 2_000, 125, 100_000].map(U256::from));
    assert_eq!(sheet.labels, [["ann", "b, c", "", "dan"]]);
    let none = read(b"held\n", "held", &[]).unwrap();
    assert!(none.amounts.is_empty() && none.labels.is_empty());
}

#[test]
fn amounts_beyond_128_bits_are_exact() {
    let largest = (U256::MAX >> 4_usize).to_string();
    let text = format!("held\n{largest}\n340282366920938463463374607431768211457\n");
    let sheet = read(text.as_bytes(), "held", &[]).unwrap();
    assert_eq!(sheet.amounts, [U256::MAX >> 4_usize, (U256::from(1) << 128) + U256::from(1)]);
}

#[test]
fn other_delimiters_are_found() {
    let quoted = read("\"name, full\";held\nann;3\nbob;4\n".as_bytes(), "held", &[]);
    assert_eq!(quoted.unwrap().amounts.len(), 2, "the comma is a part of a name");
    for text in ["who;held\na;1\n", "who\theld\na\t1\n", "who,held\na,1\n"] {
        assert_eq!(read(text.as_bytes(), "held", &["who"]).unwrap().amounts, [U256::from(1)]);
    }
    let piped = SheetColumns { value: "held", labels: &[], delimiter: Some(b'|') };
    assert_eq!(read_sheet(b"who|held\na|1\n", piped).unwrap().amounts, [U256::from(1)]);
}

/// What CSV readers are often reported for: a byte order mark before a quoted name hides the quote, or the column.
#[test]
fn a_mark_before_a_quoted_name_is_no_part_of_it() {
    let text = "\u{feff}\"held, wei\",\"who\"\n1,ann\n";
    let sheet = read(text.as_bytes(), "held, wei", &["who"]).unwrap();
    assert_eq!((sheet.amounts, sheet.labels), (vec![U256::from(1)], vec![vec!["ann".into()]]));
}

#[test]
fn what_can_not_be_used_is_named() {
    refused("", &["empty"]);
    refused("\n\n", &["empty"]);
    refused("who,amount\na,1\n", &["no column \"held\"", "who, amount"]);
    refused("held,who,held\n", &["more than one column \"held\""]);
    refused("who,held\na,1\nb\n", &["line 3 has 1 cells", "has 2"]);
    refused("who,held\na,1,2\n", &["line 2 has 3 cells"]);
    refused("who,held\na,1\nb,-2\n", &["line 3", "\"held\"", "\"-2\"", "negative"]);
    refused("who,held\na,many\n", &["line 2", "\"many\"", "a number such as 12"]);
    refused("who,held\na,\"1,000\"\n", &["line 2", "1,000", "without separators"]);
    refused("who,held\n\"a\nb\",1\nc,x\n", &["line 4", "\"x\""]);
    refused("who,held\na,1e78\n", &["line 2", "256 bits"]);
    // Either alone fits, but not in one unit.
    refused("who,held\na,1e70\nb,1e-70\n", &["line 2", "256 bits"]);
    refused("who,held\na,\"1\n", &["line 2", "never closed"]);
    refused(&format!("who,held\na,{}\n", "x".repeat(9_000)), &["xxx…\""]);
}

proptest! {
    /// Whatever stands in a cell, it comes back, and never ends in a panic.
    #[test]
    fn quoted_labels_come_back(labels in prop::collection::vec("[^\0]{0,12}", 1..20)) {
        let mut text = "who,held\n".to_owned();
        for (index, label) in labels.iter().enumerate() {
            text += &format!("\"{}\",{index}\n", label.replace('"', "\"\""));
        }
        let sheet = read(text.as_bytes(), "held", &["who"]).unwrap();
        let expected: Vec<&str> = labels.iter().map(|label| label.trim()).collect();
        prop_assert_eq!(&sheet.labels[0], &expected);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(prop_oneof![
        any::<u8>(), Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), Just(b'1'), Just(b'.'), Just(b'e'),
    ], 0..200)) {
        let text = [b"held,who\n".as_slice(), &bytes].concat();
        if let Ok(sheet) = read(&text, "held", &["who"]) {
            prop_assert_eq!(sheet.amounts.len(), sheet.labels[0].len());
        }
        let _ = read(&bytes, "held", &[]).is_ok();
    }
}
