//! A day as a chart: temperature, and how much of its cores the worker had.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

/// Minutes of the chart.
pub const MINUTES: usize = 24 * 60;

/// Width and height of the drawing, without its labels.
const WIDTH: u32 = 720;
const HEIGHT: u32 = 120;

/// Minutes that one point of the chart stands for: the warmest and the busiest of them is drawn.
const STEP: usize = 5;

/// One minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minute {
    /// The warmest sensor, in degrees Celsius; `None` if it is not known.
    pub celsius: Option<i32>,
    /// Cores that the worker was allowed, in percent of all; `None` if the agent did not run.
    pub share_percent: Option<u8>,
}

/// Draws the last day; `minutes` from the oldest, of which the last [`MINUTES`] count.
pub(crate) fn day(minutes: &[Minute]) -> Markup {
    let first = minutes.len().saturating_sub(MINUTES);
    let minutes = &minutes[first..];
    let missing = MINUTES - minutes.len();
    let points: Vec<(usize, Minute)> = minutes
        .chunks(STEP)
        .enumerate()
        .map(|(index, chunk)| (missing + index * STEP, most(chunk)))
        .collect();
    let celsius = path(&points, |minute| minute.celsius.map(|celsius| celsius.clamp(0, 110)), 110);
    let share =
        path(&points, |minute| minute.share_percent.map(|share| i32::from(share.min(100))), 100);
    let warmest = minutes.iter().filter_map(|minute| minute.celsius).max();
    let worked =
        minutes.iter().filter(|minute| minute.share_percent.is_some_and(|share| 0 < share));
    let hours = worked.count();
    // What was before the agent was started is not known.
    let of = if missing == 0 {
        "of the last day".to_owned()
    } else {
        format!(
            "of the {} h {} min since the agent was started",
            minutes.len() / 60,
            minutes.len() % 60
        )
    };
    let text = format!(
        "It worked in {} h {} min {of}; {}.",
        hours / 60,
        hours % 60,
        warmest.map_or("no temperature was seen".to_owned(), |celsius| {
            format!("the warmest sensor was at {celsius} °C at most")
        })
    );
    html! {
        p { (text) }
        div class="wide" {
            svg viewBox="-56 -10 828 160" role="img" aria-label=(text) {
                @for (percent, celsius) in [(0, 0), (50, 55), (100, 110)] {
                    @let y = HEIGHT - HEIGHT * percent / 100;
                    line class="grid" x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
                    text class="celsius" x="-6" y=(y + 4) text-anchor="end" { (celsius) " °C" }
                    text class="share" x=(WIDTH + 6) y=(y + 4) { (percent) " %" }
                }
                @for hours in [0_u32, 6, 12, 18, 24] {
                    text x=(WIDTH * hours / 24) y=(HEIGHT + 18) text-anchor="middle" {
                        @if hours == 24 { "now" } @else { "-" (24 - hours) " h" }
                    }
                }
                path class="share" d=(PreEscaped(share)) {}
                path class="celsius dashed" d=(PreEscaped(celsius)) {}
            }
        }
        p class="quiet" { "Solid: cores that the work was allowed, in percent of all. Dashed: the warmest sensor, in degrees Celsius." }
    }
}

fn most(chunk: &[Minute]) -> Minute {
    Minute {
        celsius: chunk.iter().filter_map(|minute| minute.celsius).max(),
        share_percent: chunk.iter().filter_map(|minute| minute.share_percent).max(),
    }
}

/// Returns a line through what is known; it breaks where nothing is.
fn path(points: &[(usize, Minute)], value: impl Fn(&Minute) -> Option<i32>, most: i32) -> String {
    let mut path = String::new();
    let mut is_broken = true;
    for (minute, point) in points {
        let Some(value) = value(point) else {
            is_broken = true;
            continue;
        };
        let x = u32::try_from(*minute).unwrap_or(u32::MAX).saturating_mul(WIDTH) / 1_440;
        let height = i32::try_from(HEIGHT).unwrap_or(i32::MAX);
        let y = height - value * height / most;
        let mark = if is_broken { 'M' } else { 'L' };
        // Writing to a string can't fail.
        let _ = write!(path, "{mark}{x} {y}");
        is_broken = false;
    }
    path
}
