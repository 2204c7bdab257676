//! Causal attention, one head of one sequence at a time, in blocks of queries.
//!
//! Probabilities are not kept for the way back: computing them again costs less than storing `context` values a token, head and layer.

use crate::gemm::{Packing, Product, Start, View, multiply};
use crate::instructions::Checked;
use crate::rows::{softmax, softmax_back};
use crate::stopwatch::Stopwatch;

/// Queries in one block. Part of the definition of the result: keys past the end of a block take no part in its sums.
pub const CAUSAL_ROWS: usize = 48;

/// The shape of the attention of a model for sequences of `time` tokens.
#[derive(Clone, Copy)]
pub(crate) struct Heads {
    pub(crate) heads: usize,
    pub(crate) head_width: usize,
    pub(crate) time: usize,
}

/// Room for the scores of one block of queries, twice.
pub(crate) struct Scores {
    probabilities: Vec<f32>,
    gradient: Vec<f32>,
}

impl Scores {
    pub(crate) fn new(context: usize) -> Self {
        let size = CAUSAL_ROWS * context;
        Self { probabilities: vec![0.0; size], gradient: vec![0.0; size] }
    }
}

/// What a thread needs to run kernels.
pub(crate) struct Tools<'a> {
    pub(crate) isa: Checked,
    pub(crate) packing: &'a mut Packing,
    pub(crate) scores: &'a mut Scores,
    pub(crate) watch: &'a Stopwatch,
}

impl Heads {
    fn width(self) -> usize {
        self.heads * self.head_width
    }

    /// `1/√head_width`.
    fn scale(self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "head widths are below 2^24")]
        let width = self.head_width as f32;
        1.0 / width.sqrt()
    }

    /// Blocks of queries: first row and row count.
    fn blocks(self) -> impl Iterator<Item = (usize, usize)> {
        let time = self.time;
        (0..time).step_by(CAUSAL_ROWS).map(move |first| (first, CAUSAL_ROWS.min(time - first)))
    }
}

/// `attended (T, C)` from `qkv (T, 3C)` of one sequence.
///
/// `softmax(Q Kᵀ / √d) V` for each head. Source: arXiv 1706.03762, section 3.2.1.
pub(crate) fn attend(heads: Heads, qkv: &[f32], attended: &mut [f32], tools: &mut Tools<'_>) {
    let width = heads.width();
    for head in 0..heads.heads {
        let column = head * heads.head_width;
        let values = View::rows(&qkv[2 * width + column..], 3 * width);
        for (first, rows) in heads.blocks() {
            let depth = first + rows;
            probabilities(heads, qkv, (column, first, rows), tools);
            let product = Product {
                left: View::rows(&tools.scores.probabilities, depth),
                right: values,
                rows,
                depth,
                columns: heads.head_width,
                start: Start::Zero,
            };
            let out = &mut attended[first * width + column..];
            multiply(tools.isa, product, out, width, tools.packing);
        }
    }
}

/// Gradient of `qkv (T, 3C)` from that of `attended (T, C)`, for one sequence.
pub(crate) fn attend_back(
    heads: Heads,
    qkv: &[f32],
    upstream: &[f32],
    gradient: &mut [f32],
    tools: &mut Tools<'_>,
) {
    gradient.fill(0.0);
    for head in 0..heads.heads {
        let column = head * heads.head_width;
        for block in heads.blocks() {
            attend_back_block(heads, (column, block), (qkv, upstream), gradient, tools);
        }
    }
}

/// What one block of queries of one head adds to the gradients of its queries, and of the keys and values it saw.
fn attend_back_block(
    heads: Heads,
    (column, (first, rows)): (usize, (usize, usize)),
    (qkv, upstream): (&[f32], &[f32]),
    gradient: &mut [f32],
    tools: &mut Tools<'_>,
) {
    let (width, head_width, depth) = (heads.width(), heads.head_width, first + rows);
    let (query, key, value) = (column, width + column, 2 * width + column);
    probabilities(heads, qkv, (column, first, rows), tools);
    let Tools { isa, packing, scores, .. } = tools;
    let upstream = View::rows(&upstream[first * width + column..], width);
    let product = Product {
        left: upstream,
        right: View::rows(&qkv[value..], 3 * width).transposed(),
        rows,
        depth: head_width,
        columns: depth,
        start: Start::Zero,
    };
    multiply(*isa, product, &mut scores.gradient, depth, packing);
    let size = rows * depth;
    let p = &scores.probabilities[..size];
    softmax_back(*isa, p, &mut scores.gradient[..size], depth, heads.scale());

    let slope = View::rows(&scores.gradient[..size], depth);
    let to_query = Product {
        left: slope,
        right: View::rows(&qkv[key..], 3 * width),
        rows,
        depth,
        columns: head_width,
        start: Start::Zero,
    };
    multiply(*isa, to_query, &mut gradient[first * 3 * width + query..], 3 * width, packing);
    let to_key = Product {
        left: slope.transposed(),
        right: View::rows(&qkv[first * 3 * width + query..], 3 * width),
        rows: depth,
        depth: rows,
        columns: head_width,
        start: Start::Existing,
    };
    multiply(*isa, to_key, &mut gradient[key..], 3 * width, packing);
    let to_value = Product { left: View::rows(p, depth).transposed(), right: upstream, ..to_key };
    multiply(*isa, to_value, &mut gradient[value..], 3 * width, packing);
}

/// The probabilities of one block of queries over the keys up to its end, into `scores.probabilities`.
fn probabilities(
    heads: Heads,
    qkv: &[f32],
    (column, first, rows): (usize, usize, usize),
    tools: &mut Tools<'_>,
) {
    let (width, depth) = (heads.width(), first + rows);
    let product = Product {
        left: View::rows(&qkv[first * 3 * width + column..], 3 * width),
        right: View::rows(&qkv[width + column..], 3 * width).transposed(),
        rows,
        depth: heads.head_width,
        columns: depth,
        start: Start::Zero,
    };
    let scores = &mut tools.scores.probabilities[..rows * depth];
    multiply(tools.isa, product, scores, depth, tools.packing);
    softmax(tools.isa, scores, depth, first + 1, heads.scale());
}
