//! Figures over time as a drawing.

use super::{document, escaped};
use crate::{
    series::{Series, SeriesPoint},
    text::plain,
};

const HEIGHT: f64 = 640.0;
/// Size of a panel.
const PANEL: (f64, f64) = (370.0, 200.0);
/// Where the panels begin, from the left and from above.
const PLACES: [(f64, f64); 4] = [(80.0, 80.0), (560.0, 80.0), (80.0, 370.0), (560.0, 370.0)];

/// A figure of a panel.
struct Figure {
    title: &'static str,
    value: fn(&SeriesPoint) -> Option<f64>,
    /// The highest that it can be; `None` for the highest that it is.
    top: Option<f64>,
}

const FIGURES: [Figure; 4] = [
    Figure { title: "Gini coefficient", value: |point| point.gini, top: Some(1.0) },
    Figure { title: "share of the ten largest", value: |point| point.top10, top: Some(1.0) },
    Figure {
        title: "how many of the largest have more than 1/2",
        value: |point| point.nakamoto.get("1/2").copied().flatten().map(|count| count as f64),
        top: None,
    },
    Figure { title: "entropy, bits", value: |point| point.entropy_bits, top: None },
];

/// Draws four figures over time, as an SVG document.
#[must_use]
pub fn draw_series(series: &Series) -> String {
    // Of a path, the file is enough.
    let source = series.source.rsplit(['/', '\\']).next().unwrap_or_default();
    let title = format!("{}, holders by {}", plain(source), plain(&series.unit));
    document(&title, HEIGHT, |svg| {
        for (figure, place) in FIGURES.iter().zip(PLACES) {
            panel(svg, series, figure, place);
        }
    })
}

fn panel(svg: &mut String, series: &Series, figure: &Figure, (left, above): (f64, f64)) {
    let (width, height) = PANEL;
    let bottom = above + height;
    let values: Vec<Option<f64>> = series.points.iter().map(figure.value).collect();
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    let top = figure.top.unwrap_or(highest).max(f64::MIN_POSITIVE);
    *svg += &format!(
        "<text x=\"{left}\" y=\"{}\">{}</text>\n\
         <rect x=\"{left}\" y=\"{above}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"#767676\"/>\n",
        above - 12.0,
        figure.title
    );
    for (part, y) in [(1.0, above), (0.5, above + height / 2.0), (0.0, bottom)] {
        *svg += &format!(
            "<path d=\"M{left} {y}h-5\" stroke=\"#767676\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\" font-size=\"11\">{}</text>\n",
            left - 8.0,
            y + 4.0,
            number(top * part)
        );
    }
    let ends =
        [(series.points.first(), left, "start"), (series.points.last(), left + width, "end")];
    for (point, x, anchor) in ends {
        let at = point.map_or("", |point| point.at.as_str());
        *svg += &format!(
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\" font-size=\"11\">{}</text>\n",
            bottom + 18.0,
            escaped(&plain(&format!("{} {at}", series.over)))
        );
    }
    let steps = (series.points.len().max(2) - 1) as f64;
    let mut line = String::new();
    let mut is_broken = true;
    for (index, value) in values.iter().enumerate() {
        let x = left + width * index as f64 / steps;
        let Some(value) = value else {
            is_broken = true;
            continue;
        };
        let y = bottom - height * (value / top).clamp(0.0, 1.0);
        line += &format!("{}{x:.1} {y:.1}", if is_broken { 'M' } else { 'L' });
        is_broken = false;
        *svg += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"#0b5394\"/>\n");
    }
    if !line.is_empty() {
        *svg += &format!(
            "<path d=\"{line}\" fill=\"none\" stroke=\"#0b5394\" stroke-width=\"1.5\"/>\n"
        );
    }
}

/// A number of an axis, without zeros at its end.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
