//! Causal attention, one head of one sequence at a time, in blocks of queries.
//!
//! Probabilities are not kept for the backward pass: computing them again costs less than storing `context` values
//! per token, head and layer.

use crate::gemm::{
    LINE, Packing, Panels, Size, Start, View, aligned, multiply_panels, pack_right, panels_size,
};
use crate::instructions::Checked;
use crate::rows::{softmax, softmax_back};
use crate::stopwatch::Stopwatch;

/// Number of queries in one group. Part of the definition of the result: keys past the end of a group are not part of
/// its sums. A multiple of every tile height.
pub const CAUSAL_ROWS: usize = 12;
/// Number of queries whose scores are in memory at a time. Affects speed only; a multiple of [`CAUSAL_ROWS`].
const QUERY_BLOCK: usize = 96;

/// The shape of the attention of a model for sequences of `time` tokens.
#[derive(Clone, Copy)]
pub(crate) struct Heads {
    pub(crate) heads: usize,
    pub(crate) head_width: usize,
    pub(crate) time: usize,
}

/// Buffers for one head: the scores of one block of queries, twice, and the operands that products read more than once.
pub(crate) struct Scores {
    probabilities: Vec<f32>,
    gradient: Vec<f32>,
    panels: [Vec<f32>; 5],
}

impl Scores {
    pub(crate) fn new(context: usize, head_width: usize) -> Self {
        let (scores, panels) = Self::sizes(context, head_width);
        Self {
            probabilities: vec![0.0; scores],
            gradient: vec![0.0; scores],
            panels: std::array::from_fn(|_| vec![0.0; panels]),
        }
    }

    /// Returns the number of values of one block's scores, and of one operand; each with space to start at a cache line.
    fn sizes(context: usize, head_width: usize) -> (usize, usize) {
        let panels = panels_size(context, head_width).max(panels_size(head_width, context));
        (QUERY_BLOCK * context + LINE, panels + LINE)
    }

    /// Returns the total number of values.
    pub(crate) fn size(context: usize, head_width: usize) -> usize {
        let (scores, panels) = Self::sizes(context, head_width);
        2 * scores + 5 * panels
    }
}

/// What a thread needs to run kernels.
pub(crate) struct Tools<'a> {
    pub(crate) isa: Checked,
    pub(crate) packing: &'a mut Packing,
    pub(crate) scores: &'a mut Scores,
    pub(crate) watch: &'a Stopwatch,
}

/// A block of queries: the first query and their number.
#[derive(Clone, Copy)]
struct Block {
    first: usize,
    rows: usize,
}

impl Block {
    /// Returns the number of keys that some query of the block sees.
    fn depth(self) -> usize {
        self.first + self.rows
    }

    /// Returns the groups of [`CAUSAL_ROWS`] queries: first row inside the block, and number of rows.
    fn groups(self) -> impl Iterator<Item = (usize, usize)> {
        let rows = self.rows;
        (0..rows).step_by(CAUSAL_ROWS).map(move |row| (row, CAUSAL_ROWS.min(rows - row)))
    }
}

impl Heads {
    fn width(self) -> usize {
        self.heads * self.head_width
    }

    /// Returns `1/√head_width`.
    fn scale(self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "head widths are below 2^24")]
        let width = self.head_width as f32;
        1.0 / width.sqrt()
    }

    fn blocks(self) -> impl Iterator<Item = Block> {
        let time = self.time;
        (0..time)
            .step_by(QUERY_BLOCK)
            .map(move |first| Block { first, rows: QUERY_BLOCK.min(time - first) })
    }

    /// Computes the scores of a block with `keys (head_width, T)`; keys past the end of a group of queries are left out.
    fn scores(
        self,
        isa: Checked,
        (queries, keys): (View<'_>, Panels<'_>),
        block: Block,
        scores: &mut [f32],
    ) {
        let depth = block.depth();
        for (row, rows) in block.groups() {
            let size = Size { rows, depth: self.head_width, columns: block.first + row + rows };
            let operands = (queries.from(block.first + row, 0), keys);
            let out = (&mut scores[row * depth..], depth);
            multiply_panels(isa, operands, size, Start::Zero, out);
        }
    }

    /// Computes `weights · values` for each group of a block, over the keys up to its end; `values (T, head_width)`.
    fn weighted(
        self,
        isa: Checked,
        (weights, values): (&[f32], Panels<'_>),
        block: Block,
        (out, stride): (&mut [f32], usize),
    ) {
        let depth = block.depth();
        for (row, rows) in block.groups() {
            let size = Size { rows, depth: block.first + row + rows, columns: self.head_width };
            let operands = (View::rows(&weights[row * depth..], depth), values);
            let out = (&mut out[row * stride..], stride);
            multiply_panels(isa, operands, size, Start::Zero, out);
        }
    }

    /// Adds `weightsᵀ · values` of a block to the keys it sees: each key gets the queries from its group's first on.
    fn weighted_back(
        self,
        isa: Checked,
        (weights, values): (&[f32], Panels<'_>),
        block: Block,
        (out, stride): (&mut [f32], usize),
    ) {
        let (depth, columns) = (block.depth(), self.head_width);
        let weights = View::rows(weights, depth);
        let before = Size { rows: block.first, depth: block.rows, columns };
        let operands = (weights.transposed(), values.rows_from(block.first));
        multiply_panels(isa, operands, before, Start::Existing, (&mut *out, stride));
        for (row, rows) in block.groups() {
            let key = block.first + row;
            let size = Size { rows, depth: block.rows - row, columns };
            let operands = (weights.from(row, key).transposed(), values.rows_from(key));
            let out = (&mut out[key * stride..], stride);
            multiply_panels(isa, operands, size, Start::Zero, out);
        }
    }
}

/// Computes `attended (T, C)` from `qkv (T, 3C)` of one sequence.
///
/// `softmax(Q Kᵀ / √d) V` for each head. Source: arXiv 1706.03762, section 3.2.1.
pub(crate) fn attend(heads: Heads, qkv: &[f32], attended: &mut [f32], tools: &mut Tools<'_>) {
    let Heads { head_width, time, .. } = heads;
    let (isa, width) = (tools.isa, heads.width());
    let Scores { probabilities, panels: [keys, values, ..], .. } = &mut *tools.scores;
    let probabilities = aligned(probabilities);
    for head in 0..heads.heads {
        let column = head * head_width;
        let part = |index: usize| View::rows(&qkv[index * width + column..], 3 * width);
        let keys = pack_right(isa, part(1).transposed(), (head_width, time), aligned(keys));
        let values = pack_right(isa, part(2), (time, head_width), aligned(values));
        for block in heads.blocks() {
            let probabilities = &mut probabilities[..block.rows * block.depth()];
            heads.scores(isa, (part(0), keys), block, probabilities);
            softmax(isa, probabilities, block.depth(), block.first + 1, heads.scale());
            let out = &mut attended[block.first * width + column..];
            heads.weighted(isa, (probabilities, values), block, (out, width));
        }
    }
}

/// Computes the gradient of `qkv (T, 3C)` from that of `attended (T, C)`, for one sequence.
pub(crate) fn attend_back(
    heads: Heads,
    qkv: &[f32],
    upstream: &[f32],
    gradient: &mut [f32],
    tools: &mut Tools<'_>,
) {
    let Heads { head_width, time, .. } = heads;
    let (isa, width) = (tools.isa, heads.width());
    let Scores { probabilities, gradient: slopes, panels } = &mut *tools.scores;
    let (probabilities, slopes) = (aligned(probabilities), aligned(slopes));
    let (flat, turned) = ((time, head_width), (head_width, time));
    for head in 0..heads.heads {
        let column = head * head_width;
        let part = |index: usize| View::rows(&qkv[index * width + column..], 3 * width);
        let upstream = View::rows(&upstream[column..], width);
        let [a, b, c, d, e] = panels.each_mut().map(|panels| aligned(panels));
        let queries = pack_right(isa, part(0), flat, a);
        let keys = pack_right(isa, part(1), flat, b);
        let keys_turned = pack_right(isa, part(1).transposed(), turned, c);
        let values_turned = pack_right(isa, part(2).transposed(), turned, d);
        let upstream_flat = pack_right(isa, upstream, flat, e);
        for block in heads.blocks() {
            let (first, depth) = (block.first, block.depth());
            let probabilities = &mut probabilities[..block.rows * depth];
            heads.scores(isa, (part(0), keys_turned), block, probabilities);
            softmax(isa, probabilities, depth, first + 1, heads.scale());
            let slopes = &mut slopes[..block.rows * depth];
            heads.scores(isa, (upstream, values_turned), block, slopes);
            softmax_back(isa, probabilities, slopes, (depth, first + 1), heads.scale());
            let mut to = |index: usize, row: usize, weights: &[f32], values, run: Weighted| {
                let out = &mut gradient[row * 3 * width + index * width + column..];
                run(heads, isa, (weights, values), block, (out, 3 * width));
            };
            to(0, first, slopes, keys, Heads::weighted);
            to(1, 0, slopes, queries, Heads::weighted_back);
            to(2, 0, probabilities, upstream_flat, Heads::weighted_back);
        }
    }
}

/// The type of [`Heads::weighted`] and [`Heads::weighted_back`].
type Weighted = fn(Heads, Checked, (&[f32], Panels<'_>), Block, (&mut [f32], usize));
