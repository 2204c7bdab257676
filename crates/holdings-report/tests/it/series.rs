//! Figures over time.

use std::{borrow::Cow, fs, path::Path};

use alloy_primitives::U256;
use concentration::{Holdings, THRESHOLDS, Zeros};
use holdings_report::{Series, SeriesPoint, SheetColumns, TimedRows, draw_series, read_sheet};

/// What a table says, over its first column of labels and by its second.
fn series(table: &str, labels: &[&str], value: &str, zeros: Zeros) -> Series {
    let columns = SheetColumns { value, labels, delimiter: Some(b',') };
    let sheet = read_sheet(table.as_bytes(), columns).unwrap();
    let rows = TimedRows {
        times: &sheet.labels[0],
        amounts: &sheet.amounts,
        decimals: sheet.decimals,
        labels: sheet.labels.get(1).map(Vec::as_slice),
    };
    Series {
        source: "a folder/of <tables>.csv".to_owned(),
        unit: labels.get(1).map_or_else(|| "row".to_owned(), |it| (*it).to_owned()),
        over: labels[0].to_owned(),
        points: rows.points(zeros, &THRESHOLDS).unwrap(),
        empty_rows: sheet.empty_count + rows.untimed_count(),
    }
}

fn beanstalk() -> Series {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/concentration");
    let table = fs::read_to_string(folder.join("beanstalk/bip_votes.csv")).unwrap();
    series(&table, &["bip", "voter"], "vp", Zeros::Drop)
}

/// The published rows of Beanstalk's votes are what the series says of them.
#[test]
fn a_series_has_the_published_figures_of_each_time() {
    let found = beanstalk();
    assert_eq!(found.points.len(), 20);
    let of = |at: usize| {
        let point = &found.points[at];
        let figures = [point.gini, point.hhi, point.entropy_bits, point.top1, point.top10];
        let digits = [6, 4, 6, 6, 6];
        let text =
            figures.iter().zip(digits).map(|(it, digits)| format!("{:.digits$}", it.unwrap()));
        let counts = ["1/3", "1/2", "2/3"].map(|name| point.nakamoto[name].unwrap());
        (point.at.clone(), point.count, text.collect::<Vec<_>>().join(" "), counts)
    };
    let vote_9 = "0.606588 446.3747 4.921494 0.094380 0.572700".to_owned();
    assert_eq!(of(9), ("9".to_owned(), 58, vote_9, [5, 8, 14]));
    let vote_18 = "0.927920 9967.9756 0.021400 0.998397 0.999983".to_owned();
    assert_eq!(of(18), ("18".to_owned(), 14, vote_18, [1, 1, 1]));
}

#[test]
fn times_are_in_the_order_of_their_numbers_or_as_written() {
    let order = |table: &str| {
        let found = series(table, &["at"], "held", Zeros::Drop);
        found.points.into_iter().map(|point| point.at).collect::<Vec<_>>()
    };
    assert_eq!(order("at,held\n10,1\n9,2\n10,3\n"), ["9", "10"]);
    assert_eq!(order("at,held\nMay,1\nApril,2\n"), ["May", "April"]);
    assert_eq!(order("at,held\n10.5,1\n9,2\n-3,3\n1e1,4\n"), ["-3", "9", "1e1", "10.5"]);
    let large = ["36893488147419103233", "36893488147419103232"];
    let rows = large.map(|at| format!("{at},1\n")).concat();
    assert_eq!(order(&format!("at,held\n{rows}")), [large[1], large[0]]);
    assert_eq!(order("at,held\n2,1\ninf,1\n1,1\n"), ["2", "inf", "1"]);
    // Rows without a time say nothing about any.
    assert_eq!(order("at,held\n1,1\n,5\n"), ["1"]);
    assert!(order("at,held\n").is_empty());
}

#[test]
fn what_is_left_out_is_said_and_what_has_no_value_is_none() {
    let some = series("at,held\n1,0\n,5\n2,1\n", &["at"], "held", Zeros::Drop);
    assert_eq!(some.empty_rows, 1);
    let text = some.text();
    assert!(
        text.contains("holders by row (one row without a time or an amount left out)\n"),
        "{text}"
    );
    let words = text.lines().nth(3).unwrap().split_whitespace();
    assert_eq!(words.filter(|word| *word == "none").count(), 5 + 3, "{text}");
    let two = series("at,held\n1,\n,5\n2,1\n", &["at"], "held", Zeros::Drop).text();
    assert!(two.contains("(2 rows without a time or an amount left out)"), "{two}");
}

#[test]
fn rows_of_one_time_with_one_label_are_one_holder() {
    let table = "at,who,held\n1,ann,0.5\n1,ann,1.5\n1,bob,2\n2,ann,7\n2,bob,0\n";
    let found = series(table, &["at", "who"], "held", Zeros::Drop);
    let counts: Vec<_> =
        found.points.iter().map(|point| (point.count, point.total.as_str())).collect();
    assert_eq!(counts, [(2, "4"), (1, "7")]);
    assert_eq!(found.points[0].top1, Some(0.5));
    let kept = series(table, &["at", "who"], "held", Zeros::Keep);
    assert_eq!(kept.points[1].count, 2);
}

#[test]
fn a_series_is_a_table_for_people() {
    let text = beanstalk().text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2 + 1 + 20);
    assert!(lines[2].starts_with("bip  holders"), "{}", lines[2]);
    assert!(
        lines[21].split_whitespace().eq([
            "18",
            "14",
            "387486688071",
            "0.927920",
            "9967.98",
            "0.0214",
            "0.998397",
            "0.999983",
            "1",
            "1",
            "1"
        ]),
        "{}",
        lines[21]
    );
}

#[test]
fn a_series_is_drawn_with_gaps_where_nothing_is_held() {
    let found = beanstalk();
    let svg = draw_series(&found);
    assert_eq!(svg.matches("<circle").count(), 4 * 20);
    assert!(svg.contains("of &lt;tables&gt;.csv, holders by voter"), "{svg}");
    assert!(!svg.contains("a folder"), "the name of the file is enough");
    assert!(svg.contains(">bip 19</text>"));

    let at = |name: &str, held: &[u64]| {
        let holdings = Holdings::of_integers(held, Zeros::Drop).unwrap();
        SeriesPoint::of(name.to_owned(), &holdings, 0, &THRESHOLDS)
    };
    let points = vec![at("1", &[1, 2]), at("2", &[]), at("3", &[5])];
    let svg = draw_series(&Series { points, ..found.clone() });
    // Two points, and no line between them.
    assert_eq!((svg.matches("<circle").count(), svg.matches('L').count()), (4 * 2, 0), "{svg}");
    let none = draw_series(&Series { points: Vec::new(), ..found });
    assert!(!none.contains("NaN") && !none.contains("inf"), "{none}");
}

#[test]
fn amounts_that_do_not_fit_are_refused() {
    let times = [Cow::Borrowed("1"), Cow::Borrowed("1")];
    let rows =
        TimedRows { times: &times, amounts: &[U256::MAX, U256::MAX], decimals: 0, labels: None };
    assert!(rows.points(Zeros::Drop, &THRESHOLDS).is_err());
}
