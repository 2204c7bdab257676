//! How concentrated GRAIN is.

use crate::error::{Answer, internal};
use alloy_primitives::U64;
use concentration::Ratio;
use node::{HoldersPoint, HoldersView, Node};
use serde_json::{Value, json};

/// Digits after the point of a share.
const DIGITS: usize = 6;

/// Returns the figures at the head. Shares are decimal texts, as fractions of integers they are exact up to their last digit.
pub(crate) fn figures(node: &Node) -> Answer<Value> {
    let view = node.holders().map_err(internal)?;
    let HoldersView { height, timestamp, count, total, in_modules, .. } = view;
    let text = |ratio: &Option<Ratio>| ratio.as_ref().map(|ratio| ratio.decimal(DIGITS));
    let coefficients = view
        .coefficients
        .iter()
        .map(|(threshold, passing)| (threshold.to_string(), json!(passing)));
    let point = |point: &HoldersPoint| {
        let HoldersPoint { height, timestamp, gini, top10, half } = *point;
        json!({
            "number": U64::from(height),
            "timestamp": U64::from(timestamp),
            "gini": gini,
            "top10": top10,
            "half": half,
        })
    };
    Ok(json!({
        "number": U64::from(height),
        "timestamp": U64::from(timestamp),
        "count": count,
        "total": total,
        "inModules": in_modules,
        "gini": text(&view.gini),
        "hhi": text(&view.hhi),
        "top1": text(&view.top1),
        "top10": text(&view.top10),
        "nakamoto": coefficients.collect::<serde_json::Map<_, _>>(),
        "series": view.points.iter().map(point).collect::<Vec<_>>(),
    }))
}
