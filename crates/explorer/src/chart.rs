//! Charts as SVG, drawn by the node: no script, and colours of the page.
//!
//! A chart is stretched to the width of the page, so it has no text of its own: what its ends mean stands beside it in HTML, and its meaning in words in a label for those who don't see it.

use maud::{Markup, html};

/// Width of a drawing, in its own unit.
const WIDTH: f64 = 1_000.0;
/// Height of a drawing.
const HEIGHT: f64 = 300.0;
/// Space above the highest value.
const MARGIN: f64 = 12.0;

/// What stands around a drawing.
pub(crate) struct Frame {
    /// What it shows, in a few words.
    pub(crate) title: String,
    /// The same as a sentence with its numbers.
    pub(crate) label: String,
    /// What the highest place means, and the lowest.
    pub(crate) vertical: [String; 2],
    /// What the leftmost place means, and the rightmost.
    pub(crate) horizontal: [String; 2],
}

/// A point: where, and how high.
pub(crate) type Point = (f64, f64);

/// A part of the width that has a height: from, to, how high.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) height: f64,
    /// Whether it is drawn in the stronger colour.
    pub(crate) is_marked: bool,
}

/// A part of a whole: how much, from 0 to 1, and its class in the style sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) share: f64,
    pub(crate) class: &'static str,
}

/// The least and greatest of some numbers, with some space where they are all the same; `None` if there are none, or one is not finite.
pub(crate) fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let mut found: Option<(f64, f64)> = None;
    for value in values {
        if !value.is_finite() {
            return None;
        }
        found = Some(found.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
    }
    let (low, high) = found?;
    if low < high {
        Some((low, high))
    } else {
        Some((low - low.abs().max(1e-9) * 0.01, high + high.abs().max(1e-9) * 0.01))
    }
}

/// Places numbers of a range on a length.
#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.from + share * (self.to - self.from)
    }
}

fn across(low: f64, high: f64) -> Scale {
    Scale { low, high, from: 0.0, to: WIDTH }
}

fn up(low: f64, high: f64) -> Scale {
    Scale { low, high, from: HEIGHT, to: MARGIN }
}

/// A line through points in the order of their places, which keeps each height until the next: as a price does between trades.
pub(crate) fn steps(frame: &Frame, points: &[Point], (low, high): (f64, f64)) -> Markup {
    let Some((first, last)) = range(points.iter().map(|(at, _)| *at)) else { return html! {} };
    let (x, y) = (across(first, last), up(low, high));
    let mut line = String::new();
    for (at, height) in points {
        let (at, height) = (x.place(*at), y.place(*height));
        line.push_str(&if line.is_empty() {
            format!("M0 {height:.1}H{at:.1}")
        } else {
            format!("H{at:.1}V{height:.1}")
        });
    }
    line.push_str(&format!("H{WIDTH:.1}"));
    let area = format!("{line}V{HEIGHT:.1}H0Z");
    around(frame, &html! { path class="area" d=(area) {} path class="line" d=(line) {} })
}

/// Bars of a range, and a mark at one place.
pub(crate) fn bars(frame: &Frame, bars: &[Bar], (low, high): (f64, f64), mark: f64) -> Markup {
    let highest = bars.iter().map(|bar| bar.height).fold(0.0, f64::max);
    if !highest.is_finite() || highest <= 0.0 || low >= high {
        return html! {};
    }
    let (x, y) = (across(low, high), up(0.0, highest));
    let rectangle = |bar: &Bar| {
        let (from, to, top) = (x.place(bar.from), x.place(bar.to), y.place(bar.height));
        let class = if bar.is_marked { "bar marked" } else { "bar" };
        let (width, height) = ((to - from).max(0.5), HEIGHT - top);
        html! {
            rect class=(class) x=(format!("{from:.1}")) y=(format!("{top:.1}")) width=(format!("{width:.1}")) height=(format!("{height:.1}")) {}
        }
    };
    around(frame, &html! { @for bar in bars { (rectangle(bar)) } (vertical(x.place(mark))) })
}

/// One flat bar of the whole width with parts of it side by side, and a mark at a share of the whole.
pub(crate) fn stack(frame: &Frame, parts: &[Part], mark: f64) -> Markup {
    let x = across(0.0, 1.0);
    let mut begin = 0.0;
    let mut drawn = Vec::new();
    for Part { share, class } in parts {
        if !share.is_finite() {
            return html! {};
        }
        let (from, to) = (x.place(begin), x.place(begin + share));
        begin += share;
        if to > from {
            drawn.push(html! {
                rect class=(format!("bar {class}")) x=(format!("{from:.1}")) y="0" width=(format!("{:.1}", to - from)) height=(HEIGHT) {}
            });
        }
    }
    let mark = if mark.is_finite() { x.place(mark) } else { 0.0 };
    let drawing = html! { @for part in &drawn { (part) } (vertical(mark)) };
    html! { div class="flat" { (around(frame, &drawing)) } }
}

/// Two areas that meet at a mark: what it takes to go down from there, and up.
pub(crate) fn depth(frame: &Frame, down: &[Point], above: &[Point], mark: f64) -> Markup {
    let all = || down.iter().chain(above);
    let places = range(all().map(|(at, _)| *at));
    let heights = range(all().map(|(_, height)| *height).chain([0.0]));
    let (Some((low, high)), Some((_, highest))) = (places, heights) else { return html! {} };
    let (x, y) = (across(low, high), up(0.0, highest));
    let path = |points: &[Point]| {
        let mut line = String::new();
        for (at, height) in points {
            let letter = if line.is_empty() { 'M' } else { 'L' };
            line.push_str(&format!("{letter}{:.1} {:.1}", x.place(*at), y.place(*height)));
        }
        line
    };
    let side = |points: &[Point], class: &str| {
        let line = path(points);
        let ends =
            [points.last(), points.first()].map(|end| end.map_or(0.0, |(at, _)| x.place(*at)));
        let area = format!("{line}L{:.1} {HEIGHT:.1}L{:.1} {HEIGHT:.1}Z", ends[0], ends[1]);
        html! { path class=(format!("area {class}")) d=(area) {} path class=(format!("line {class}")) d=(line) {} }
    };
    around(frame, &html! { (side(down, "down")) (side(above, "up")) (vertical(x.place(mark))) })
}

fn vertical(at: f64) -> Markup {
    html! { path class="mark" d=(format!("M{at:.1} 0V{HEIGHT:.1}")) {} }
}

fn around(frame: &Frame, drawing: &Markup) -> Markup {
    let Frame { title, label, vertical: [top, bottom], horizontal: [left, right] } = frame;
    html! {
        figure class="chart" {
            figcaption { (title) }
            div class="scale" { span { (top) } span { (bottom) } }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(label) { (drawing) }
            div class="ends" { span { (left) } span { (right) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame {
            title: "Price".to_owned(),
            label: "The price of <b>".to_owned(),
            vertical: ["2".to_owned(), "1".to_owned()],
            horizontal: ["then".to_owned(), "now".to_owned()],
        }
    }

    #[test]
    fn a_range_has_some_height_and_only_finite_ends() {
        assert_eq!(range([2.0, 1.0, 3.0]), Some((1.0, 3.0)));
        assert_eq!(range([]), None);
        assert_eq!(range([1.0, f64::NAN]), None);
        assert_eq!(range([f64::INFINITY]), None);
        let (low, high) = range([5.0]).unwrap();
        assert!(low < 5.0 && 5.0 < high);
        let (low, high) = range([0.0, 0.0]).unwrap();
        assert!(low < high);
    }

    #[test]
    fn a_line_begins_left_ends_right_and_stays_inside() {
        let drawn = steps(&frame(), &[(10.0, 1.0), (20.0, 2.0), (30.0, 1.5)], (1.0, 2.0));
        let drawn = drawn.into_string();
        assert!(drawn.contains(r#"d="M0 300.0H0.0H500.0V12.0H1000.0V156.0H1000.0""#), "{drawn}");
        assert!(drawn.contains("The price of &lt;b&gt;"), "{drawn}");
        // A shape that is not closed would hold the next one, which is not drawn then.
        assert_eq!(drawn.matches("<path").count(), drawn.matches("</path>").count());
        assert_eq!(steps(&frame(), &[], (0.0, 1.0)).into_string(), "");
        assert_eq!(steps(&frame(), &[(f64::NAN, 1.0)], (0.0, 1.0)).into_string(), "");
    }

    #[test]
    fn bars_reach_from_the_bottom_to_their_height() {
        let bar = Bar { from: 0.0, to: 5.0, height: 4.0, is_marked: true };
        let half = Bar { from: 5.0, to: 10.0, height: 2.0, is_marked: false };
        let drawn = bars(&frame(), &[bar, half], (0.0, 10.0), 5.0).into_string();
        assert!(
            drawn.contains(r#"class="bar marked" x="0.0" y="12.0" width="500.0" height="288.0""#),
            "{drawn}"
        );
        assert!(
            drawn.contains(r#"class="bar" x="500.0" y="156.0" width="500.0" height="144.0""#),
            "{drawn}"
        );
        assert!(drawn.contains(r#"d="M500.0 0V300.0""#), "{drawn}");
        assert_eq!(bars(&frame(), &[], (0.0, 1.0), 0.0).into_string(), "");
        let nothing = Bar { height: 0.0, ..bar };
        assert_eq!(bars(&frame(), &[nothing], (0.0, 1.0), 0.0).into_string(), "");
    }

    #[test]
    fn parts_of_a_whole_stand_side_by_side() {
        let part = |share: f64, class| Part { share, class };
        let parts = [part(0.25, "yes"), part(0.0, "no"), part(0.5, "abstain")];
        let drawn = stack(&frame(), &parts, 0.04).into_string();
        assert!(
            drawn.contains(r#"class="bar yes" x="0.0" y="0" width="250.0" height="300""#),
            "{drawn}"
        );
        assert!(drawn.contains(r#"class="bar abstain" x="250.0" y="0" width="500.0""#), "{drawn}");
        assert!(!drawn.contains("bar no"), "{drawn}");
        assert!(drawn.contains(r#"d="M40.0 0V300.0""#), "{drawn}");
        // What does not fit ends at the edge.
        let drawn = stack(&frame(), &[part(0.75, "yes"), part(0.75, "no")], 2.0).into_string();
        assert!(drawn.contains(r#"class="bar no" x="750.0" y="0" width="250.0""#), "{drawn}");
        assert!(drawn.contains(r#"d="M1000.0 0V300.0""#), "{drawn}");
        assert_eq!(stack(&frame(), &[part(f64::NAN, "yes")], 0.0).into_string(), "");
    }

    #[test]
    fn depth_falls_to_the_mark_and_rises_from_it() {
        let drawn = depth(&frame(), &[(1.0, 10.0), (2.0, 0.0)], &[(2.0, 0.0), (3.0, 5.0)], 2.0);
        let drawn = drawn.into_string();
        assert!(drawn.contains(r#"d="M0.0 12.0L500.0 300.0""#), "{drawn}");
        assert!(drawn.contains(r#"d="M500.0 300.0L1000.0 156.0""#), "{drawn}");
    }
}
