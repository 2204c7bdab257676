//! The report as a drawing: who holds what, and what power it gives. Plain SVG: no script, no font, no file besides it.

mod series;

pub use series::draw_series;

use crate::{Report, text::plain};

/// Size of the drawing, in pixels.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 500.0;
/// Side of each of the two squares.
const SIDE: f64 = 380.0;
const TOP: f64 = 70.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 550.0;
/// Shares in percent, each a tenth of the one before.
const DECADES: [&str; 10] =
    ["100", "10", "1", "0.1", "0.01", "1e-3", "1e-4", "1e-5", "1e-6", "1e-7"];

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Curves {
    pub(crate) lorenz: Vec<(f64, f64)>,
    pub(crate) power: Vec<PowerPoint>,
    pub(crate) gini: Option<f64>,
}

/// Shares of a holder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PowerPoint {
    pub(crate) share: f64,
    pub(crate) banzhaf: f64,
    pub(crate) shapley: f64,
}

/// Draws the Lorenz curve, and power against holdings of the largest 200, as an SVG document.
#[must_use]
pub fn draw(report: &Report) -> String {
    // Of a path, the file is enough.
    let source = report.source.rsplit(['/', '\\']).next().unwrap_or_default();
    let title = format!("{}: {} holders by {}", plain(source), report.count, plain(&report.unit));
    document(&title, HEIGHT, |svg| {
        lorenz(svg, &report.curves);
        power(svg, report);
    })
}

/// A document with its title above what is drawn.
fn document(title: &str, height: f64, drawing: impl FnOnce(&mut String)) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#1a1a1a\">\n<title>{0}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"{LEFT}\" y=\"28\" font-size=\"17\">{0}</text>\n",
        escaped(title)
    );
    drawing(&mut svg);
    svg.push_str("</svg>\n");
    svg
}

/// A square with its title and the names of its axes.
fn frame(svg: &mut String, left: f64, title: &str, across: &str, up: &str) {
    let (bottom, middle) = (TOP + SIDE, left + SIDE / 2.0);
    *svg += &format!(
        "<text x=\"{left}\" y=\"{}\">{}</text>\n\
         <rect x=\"{left}\" y=\"{TOP}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"#767676\"/>\n\
         <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n\
         <text transform=\"translate({} {}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n\
         <path d=\"M{left} {bottom}L{} {TOP}\" stroke=\"#767676\" stroke-dasharray=\"4 4\"/>\n",
        TOP - 12.0,
        escaped(title),
        bottom + 38.0,
        escaped(across),
        left - 48.0,
        TOP + SIDE / 2.0,
        escaped(up),
        left + SIDE,
    );
}

/// A mark on both axes, at a part of the side.
fn tick(svg: &mut String, left: f64, at: f64, label: &str) {
    let (x, y, bottom) = (left + at * SIDE, TOP + SIDE * (1.0 - at), TOP + SIDE);
    *svg += &format!(
        "<path d=\"M{x:.1} {bottom}v5M{left} {y:.1}h-5\" stroke=\"#767676\"/>\n\
         <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"11\">{label}</text>\n\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"11\">{label}</text>\n",
        bottom + 18.0,
        left - 8.0,
        y + 4.0,
    );
}

fn lorenz(svg: &mut String, curves: &Curves) {
    let gini = curves.gini.map_or_else(String::new, |gini| format!(", Gini {gini:.4}"));
    let title = format!("Lorenz curve{gini}; dashed: all hold the same");
    frame(svg, LEFT, &title, "holders, poorest first (%)", "what they hold together (%)");
    for percent in [0_u32, 25, 50, 75, 100] {
        tick(svg, LEFT, f64::from(percent) / 100.0, &percent.to_string());
    }
    if curves.lorenz.is_empty() {
        return;
    }
    let place =
        |(x, y): &(f64, f64)| format!("{:.1} {:.1}", LEFT + x * SIDE, TOP + SIDE * (1.0 - y));
    let places: Vec<String> = curves.lorenz.iter().map(place).collect();
    *svg += &format!(
        "<path d=\"M{}\" fill=\"none\" stroke=\"#0b5394\" stroke-width=\"2.5\"/>\n",
        places.join("L")
    );
}

fn power(svg: &mut String, report: &Report) {
    let quota = report.power.as_ref().map_or("1/2", |power| &power.quota);
    let title = format!("Power where more than {quota} wins; dashed: as much as is held");
    frame(
        svg,
        RIGHT,
        &title,
        "share of holdings (%, logarithmic)",
        "share of power (%, logarithmic)",
    );
    let points = &report.curves.power;
    let smallest = points.iter().flat_map(|point| [point.share, point.banzhaf, point.shapley]);
    // From the power of ten below the smallest share that can be seen, to everything.
    let smallest = smallest.filter(|share| *share > 1e-9).fold(0.1, f64::min);
    let decades = (-smallest.log10()).ceil().max(1.0);
    let at = |share: f64| (1.0 + share.max(1e-12).log10() / decades).clamp(0.0, 1.0);
    for (decade, label) in
        DECADES.iter().enumerate().take_while(|(decade, _)| *decade as f64 <= decades)
    {
        tick(svg, RIGHT, 1.0 - decade as f64 / decades, label);
    }
    for point in points {
        let x = RIGHT + at(point.share) * SIDE;
        let y = |share: f64| TOP + SIDE * (1.0 - at(share));
        if point.banzhaf > 0.0 {
            *svg += &format!(
                "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"none\" stroke=\"#0b5394\"/>\n",
                y(point.banzhaf)
            );
        }
        if point.shapley > 0.0 {
            let y = y(point.shapley);
            *svg += &format!(
                "<path d=\"M{:.1} {:.1}l6 6m0 -6l-6 6\" stroke=\"#a64d00\"/>\n",
                x - 3.0,
                y - 3.0
            );
        }
    }
    let powerless =
        points.iter().filter(|point| point.shapley <= 0.0 && point.banzhaf <= 0.0).count();
    if powerless > 0 {
        *svg += &format!(
            "<text x=\"{}\" y=\"{}\">{powerless} without any power: not drawn</text>\n",
            RIGHT + 12.0,
            TOP + 66.0
        );
    }
    let (x, y) = (RIGHT + 16.0, TOP + 20.0);
    *svg += &format!(
        "<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"none\" stroke=\"#0b5394\"/>\n\
         <text x=\"{0}\" y=\"{1}\">Banzhaf, normalised</text>\n\
         <path d=\"M{2} {3}l6 6m0 -6l-6 6\" stroke=\"#a64d00\"/>\n\
         <text x=\"{0}\" y=\"{4}\">Shapley-Shubik</text>\n",
        x + 12.0,
        y + 4.0,
        x - 3.0,
        y + 17.0,
        y + 24.0
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
