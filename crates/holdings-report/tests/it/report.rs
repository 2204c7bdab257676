//! The report: its document, its text, its drawing.

use std::borrow::Cow;

use alloy_primitives::U256;
use concentration::{Threshold, Zeros};
use holdings_report::{
    Question, Report, SheetColumns, SubsystemQuestion, draw, measure, read_sheet,
};
use serde_json::{Value, json};

const TABLE: &str =
    "name,held,country\nann,30.5,NL\nbob,20,NL\ncid,0,FR\ndan,10,\neva,10,\nfay,5.25,FR\n";

fn question<'a>(amounts: &'a [U256]) -> Question<'a> {
    Question {
        source: "table".to_owned(),
        unit: "row",
        amounts,
        decimals: 0,
        labels: None,
        empty_rows: 0,
        zeros: Zeros::Drop,
        thresholds: &[],
        subsystems: &[],
        quota: Threshold::HALF,
        turnouts: &[],
        quorum: None,
    }
}

fn by_country() -> Report {
    let columns = SheetColumns { value: "held", labels: &["country", "name"], delimiter: None };
    let sheet = read_sheet(TABLE.as_bytes(), columns).unwrap();
    let turnouts = [Threshold::new(1, 1).unwrap(), Threshold::HALF];
    let names =
        [SubsystemQuestion { name: "name", labels: &sheet.labels[1], threshold: Threshold::HALF }];
    measure(&Question {
        unit: "country",
        decimals: sheet.decimals,
        labels: Some(&sheet.labels[0]),
        thresholds: &["0.66".parse().unwrap(), Threshold::HALF],
        subsystems: &names,
        turnouts: &turnouts,
        quorum: Threshold::new(1, 25),
        ..question(&sheet.amounts)
    })
    .unwrap()
}

#[test]
fn the_document_has_the_keys_that_scripts_read() {
    let document = serde_json::to_value(by_country()).unwrap();
    assert_eq!(document["count"], 3);
    assert_eq!(document["nakamoto"], json!({ "1/2": 1, "1/3": 1, "2/3": 2, "33/50": 1 }));
    assert_eq!(document["total"], "75.75");
    assert_eq!(document["top1"], 0.666_666_666_667);
    assert_eq!(document["exact"]["top1"], json!(["2", "3"]));
    assert_eq!(document["zeros_dropped"], 1);
    assert_eq!(document["unlabelled"]["rows"], 2);
    assert_eq!(document["interval"]["count"], json!([4.0, 3.0]));
    assert_eq!(document["subsystems"][0]["nakamoto"], 2);
    assert_eq!(document["weakest"], "name");
    assert_eq!(document["power"]["method"], "counted");
    assert_eq!(document["power"]["holders"][0]["shapley"], 1.0);
    assert_eq!(document["power"]["holders"][1]["name"], "(no label)");
    assert_eq!(document["decisiveness"][0]["holders"].as_array().unwrap().len(), 3);
    for key in ["gini", "hhi", "entropy_bits", "theil_nats", "top10"] {
        assert!(document[key].is_f64(), "{key}: {}", document[key]);
    }
    assert!(document.get("curves").is_none());
}

#[test]
fn exactly_two_thirds_is_not_more_than_two_thirds() {
    let report = by_country();
    let two_thirds = (report.nakamoto["2/3"], report.nakamoto_at_least["2/3"]);
    assert_eq!(two_thirds, (Some(2), Some(1)));
}

#[test]
fn text_and_drawing_are_as_approved() {
    let report = by_country();
    golden::check!("by_country.txt", &format!("{}\n", report.text()));
    golden::check!("by_country.svg", &draw(&report));
}

#[test]
fn a_table_of_nothing_has_no_figures() {
    let report = measure(&Question { turnouts: &[Threshold::HALF], ..question(&[]) }).unwrap();
    let document = serde_json::to_value(&report).unwrap();
    assert_eq!(document["count"], 0);
    for key in ["gini", "hhi", "entropy_bits", "top1", "power", "weakest", "unlabelled", "interval"]
    {
        assert_eq!(document[key], Value::Null, "{key}");
    }
    assert_eq!(document["nakamoto"]["1/2"], Value::Null);
    assert!(report.text().contains("0 holders by row, 0 in all"), "{}", report.text());
    assert!(draw(&report).ends_with("</svg>\n"));
}

#[test]
fn zeros_count_where_they_are_kept() {
    let amounts = [1_u64, 1, 3, 0, 0].map(U256::from);
    let dropped = measure(&question(&amounts)).unwrap();
    assert_eq!((dropped.count, dropped.zeros_dropped), (3, 2));
    let kept = measure(&Question { zeros: Zeros::Keep, ..question(&amounts) }).unwrap();
    assert_eq!((kept.count, kept.zeros_dropped, kept.gini), (5, 0, Some(0.56)));
    assert!(kept.text().contains("holders of 0 count"));
}

#[test]
fn amounts_that_do_not_add_up_are_refused() {
    let refused = measure(&question(&[U256::MAX, U256::from(1)])).unwrap_err();
    assert!(refused.to_string().contains("2^256"), "{refused}");
}

#[test]
fn names_can_steer_neither_terminal_nor_page() {
    let amounts = [U256::from(3), U256::from(1)];
    let labels: [Cow<'_, str>; 2] = ["\u{1b}[2Jx\u{202e}".into(), "<script>&".into()];
    let report = measure(&Question {
        source: "<b>".to_owned(),
        labels: Some(&labels),
        unit: "who",
        ..question(&amounts)
    });
    let report = report.unwrap();
    assert!(!report.text().contains(['\u{1b}', '\u{202e}']), "{}", report.text());
    assert!(!draw(&report).contains("<b>"));
}

#[test]
fn many_holders_are_an_ocean() {
    let amounts: Vec<U256> =
        (1_u64..=30_000).map(|rank| U256::from(10_u64.pow(15) / rank)).collect();
    let report = measure(&question(&amounts)).unwrap();
    let power = report.power.unwrap();
    assert_eq!((power.method, power.holders.len()), ("ocean", 10));
    let first = &power.holders[0];
    assert!(first.shapley > first.share && first.shapley < 2.0 * first.share, "{first:?}");
    assert_eq!(first.name, "#1");
}
