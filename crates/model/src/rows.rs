//! Row-wise operations: norms, activation, rotation, softmax, cross entropy.

use crate::functions::{exp, ln, sigmoid};
use crate::instructions::per_isa;

/// Number of partial sums of a row; part of the definition of every sum.
const LANES: usize = 16;
/// Logarithm of 2^-40: probabilities that are smaller than this share of the row's largest are zero. In a sum of f32 they are lost
/// anyway; multiplied with gradients they would become subnormal, and most processors take a hundred cycles for each product with a
/// subnormal number. A model that has learned to attend sharply would train a third slower.
const SHARE_MIN: f32 = -27.725_887;
/// Added to the mean square before the square root, as in Llama.
pub(crate) const NORM_EPSILON: f32 = 1e-5;

/// Adds sixteen partial sums by halves.
#[inline(always)]
fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Returns `Σ a·b`.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..LANES {
            lanes[i] = a[i].mul_add(b[i], lanes[i]);
        }
    }
    for ((a, b), lane) in a_rest.iter().zip(b_rest).zip(&mut lanes) {
        *lane = a.mul_add(*b, *lane);
    }
    fold(lanes)
}

/// Returns `Σ a·b·c`, with the product `a·b` rounded first.
#[inline(always)]
fn dot3(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let (c_chunks, c_rest) = c.as_chunks::<LANES>();
    for ((a, b), c) in a_chunks.iter().zip(b_chunks).zip(c_chunks) {
        for i in 0..LANES {
            lanes[i] = (a[i] * b[i]).mul_add(c[i], lanes[i]);
        }
    }
    for (((a, b), c), lane) in a_rest.iter().zip(b_rest).zip(c_rest).zip(&mut lanes) {
        *lane = (a * b).mul_add(*c, *lane);
    }
    fold(lanes)
}

/// Returns `Σ values`.
#[inline(always)]
fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += chunk[i];
        }
    }
    for (value, lane) in rest.iter().zip(&mut lanes) {
        *lane += *value;
    }
    fold(lanes)
}

/// Returns the largest value, ignoring NaN.
#[inline(always)]
fn maximum(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = if chunk[i] > lanes[i] { chunk[i] } else { lanes[i] };
        }
    }
    let mut largest = f32::NEG_INFINITY;
    for value in lanes.iter().chain(rest) {
        largest = if *value > largest { *value } else { largest };
    }
    largest
}

#[expect(clippy::cast_precision_loss, reason = "row lengths are below 2^24, where f32 is exact")]
fn count(length: usize) -> f32 {
    length as f32
}

per_isa! {
    /// Computes `out = x · scale · gain` with `scale = 1/√(mean x² + ε)` for each row; keeps the scales for the
    /// backward pass.
    ///
    /// Source: arXiv 1910.07467, equation 4.
    norm(x: &[f32], gain: &[f32], out: &mut [f32], scales: &mut [f32]) => norm_rows
}

#[inline(always)]
fn norm_rows(x: &[f32], gain: &[f32], out: &mut [f32], scales: &mut [f32]) {
    let width = gain.len();
    let rows = x.chunks_exact(width).zip(out.chunks_exact_mut(width)).zip(scales);
    for ((x, out), scale) in rows {
        *scale = 1.0 / (dot(x, x) / count(width) + NORM_EPSILON).sqrt();
        for ((out, x), gain) in out.iter_mut().zip(x).zip(gain) {
            *out = x * *scale * gain;
        }
    }
}

/// The operands of the backward pass of a norm.
pub(crate) struct NormBack<'a> {
    /// Gradient of the norm's output.
    pub(crate) upstream: &'a [f32],
    /// The norm's input.
    pub(crate) x: &'a [f32],
    pub(crate) scales: &'a [f32],
    pub(crate) gain: &'a [f32],
    /// Gradient that reaches the input through the residual stream, around the norm; empty if there is none.
    pub(crate) residual: &'a [f32],
}

per_isa! {
    /// Computes the gradient of the norm's input, plus that of the residual stream.
    norm_back(back: NormBack<'_>, out: &mut [f32]) => norm_back_rows
}

#[inline(always)]
fn norm_back_rows(back: NormBack<'_>, out: &mut [f32]) {
    let NormBack { upstream, x, scales, gain, residual } = back;
    let width = gain.len();
    let rows = upstream.chunks_exact(width).zip(x.chunks_exact(width)).zip(scales);
    for (row, (((upstream, x), scale), out)) in rows.zip(out.chunks_exact_mut(width)).enumerate() {
        let slope = dot3(upstream, gain, x) * (scale * scale * scale) / count(width);
        if residual.is_empty() {
            out.fill(0.0);
        } else {
            out.copy_from_slice(&residual[row * width..][..width]);
        }
        for (((out, upstream), x), gain) in out.iter_mut().zip(upstream).zip(x).zip(gain) {
            let direct = (upstream * gain).mul_add(*scale, *out);
            *out = x.mul_add(-slope, direct);
        }
    }
}

per_isa! {
    /// Adds the gradient of the gain: one chain over the rows, ascending, for each column.
    gain_back(upstream: &[f32], x: &[f32], scales: &[f32], gradient: &mut [f32]) => gain_back_rows
}

#[inline(always)]
fn gain_back_rows(upstream: &[f32], x: &[f32], scales: &[f32], gradient: &mut [f32]) {
    let width = gradient.len();
    for ((upstream, x), scale) in
        upstream.chunks_exact(width).zip(x.chunks_exact(width)).zip(scales)
    {
        for ((gradient, upstream), x) in gradient.iter_mut().zip(upstream).zip(x) {
            *gradient = (x * scale).mul_add(*upstream, *gradient);
        }
    }
}

per_isa! {
    /// Computes `hidden = silu(gate) · up` from rows `(gate | up)`, twice as wide as those of `hidden`.
    ///
    /// Source: arXiv 2002.05202, equation 6.
    swiglu(gate_up: &[f32], hidden: &mut [f32], width: usize) => swiglu_rows
}

#[inline(always)]
fn swiglu_rows(gate_up: &[f32], hidden: &mut [f32], width: usize) {
    for (gate_up, hidden) in gate_up.chunks_exact(2 * width).zip(hidden.chunks_exact_mut(width)) {
        let (gate, up) = gate_up.split_at(width);
        for ((hidden, gate), up) in hidden.iter_mut().zip(gate).zip(up) {
            *hidden = gate * sigmoid(*gate) * up;
        }
    }
}

per_isa! {
    /// Computes the gradient of `(gate | up)` from that of `hidden`.
    swiglu_back(gate_up: &[f32], upstream: &[f32], gradient: &mut [f32], width: usize) => swiglu_back_rows
}

#[inline(always)]
fn swiglu_back_rows(gate_up: &[f32], upstream: &[f32], gradient: &mut [f32], width: usize) {
    let rows = gate_up.chunks_exact(2 * width).zip(upstream.chunks_exact(width));
    for ((gate_up, upstream), gradient) in rows.zip(gradient.chunks_exact_mut(2 * width)) {
        let (gate, up) = gate_up.split_at(width);
        let (gate_gradient, up_gradient) = gradient.split_at_mut(width);
        let gradients = gate_gradient.iter_mut().zip(up_gradient);
        for (((gate, up), upstream), (to_gate, to_up)) in
            gate.iter().zip(up).zip(upstream).zip(gradients)
        {
            let s = sigmoid(*gate);
            *to_up = upstream * (gate * s);
            *to_gate = upstream * up * (s * (gate * (1.0 - s) + 1.0));
        }
    }
}

/// Direction of the rotation of positions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Forward,
    /// The transposed rotation, for gradients.
    Back,
}

/// The tables of the rotary positions and the shape they apply to.
#[derive(Clone, Copy)]
pub(crate) struct Rotary<'a> {
    pub(crate) cosines: &'a [f32],
    pub(crate) sines: &'a [f32],
    pub(crate) head_width: usize,
    /// Number of tokens in a sequence.
    pub(crate) time: usize,
}

per_isa! {
    /// Rotates the first `turned` values of each row of `stride`, head by head, by the angles of the row's position
    /// in its sequence. Value `i` of a head is paired with `i + head_width / 2`, as in Llama.
    ///
    /// Source: arXiv 2104.09864, section 3.4.2.
    rotate(values: &mut [f32], shape: (usize, usize), rotary: Rotary<'_>, turn: Turn) => rotate_rows
}

#[inline(always)]
fn rotate_rows(
    values: &mut [f32],
    (stride, turned): (usize, usize),
    rotary: Rotary<'_>,
    turn: Turn,
) {
    let Rotary { cosines, sines, head_width, time } = rotary;
    let pairs = head_width / 2;
    let sign = if turn == Turn::Forward { 1.0 } else { -1.0 };
    for sequence in values.chunks_exact_mut(stride * time) {
        let angles = cosines.chunks_exact(pairs).zip(sines.chunks_exact(pairs));
        for (row, (cosines, sines)) in sequence.chunks_exact_mut(stride).zip(angles) {
            for head in row[..turned].chunks_exact_mut(head_width) {
                let (low, high) = head.split_at_mut(pairs);
                for (((low, high), cosine), sine) in
                    low.iter_mut().zip(high).zip(cosines).zip(sines)
                {
                    let sine = sign * sine;
                    let (a, b) = (*low, *high);
                    *low = b.mul_add(-sine, a * cosine);
                    *high = a.mul_add(sine, b * cosine);
                }
            }
        }
    }
}

per_isa! {
    /// Computes the softmax of the first `first_length + row` scaled scores of each row; sets the rest of the row
    /// to zero.
    softmax(scores: &mut [f32], depth: usize, first_length: usize, scale: f32) => softmax_rows
}

#[inline(always)]
fn softmax_rows(scores: &mut [f32], depth: usize, first_length: usize, scale: f32) {
    for (row, scores) in scores.chunks_exact_mut(depth).enumerate() {
        let (seen, hidden) = scores.split_at_mut(first_length + row);
        hidden.fill(0.0);
        exp_above(seen, maximum(seen), scale);
        let inverse = 1.0 / sum(seen);
        for value in seen {
            *value *= inverse;
        }
    }
}

/// Computes `value = exp((value − largest) · scale)`, and zero below [`SHARE_MIN`].
#[inline(always)]
fn exp_above(values: &mut [f32], largest: f32, scale: f32) {
    for value in values {
        let exponent = (*value - largest) * scale;
        let share = exp(exponent);
        *value = if exponent < SHARE_MIN { 0.0 } else { share };
    }
}

per_isa! {
    /// Replaces the gradient of probabilities by that of unscaled scores, row by row, for the first `first_length +
    /// row` of `depth`; sets the rest of the row to zero.
    softmax_back(probabilities: &[f32], gradient: &mut [f32], lengths: (usize, usize), scale: f32) => softmax_back_rows
}

#[inline(always)]
fn softmax_back_rows(
    probabilities: &[f32],
    gradient: &mut [f32],
    (depth, first_length): (usize, usize),
    scale: f32,
) {
    let rows = probabilities.chunks_exact(depth).zip(gradient.chunks_exact_mut(depth));
    for (row, (p, gradient)) in rows.enumerate() {
        let (gradient, hidden) = gradient.split_at_mut(first_length + row);
        hidden.fill(0.0);
        let mean = dot(&p[..gradient.len()], gradient);
        for (gradient, p) in gradient.iter_mut().zip(p) {
            *gradient = p * (*gradient - mean) * scale;
        }
    }
}

per_isa! {
    /// Computes the loss of each row in nats and replaces the logits by their gradient, times `scale`.
    cross_entropy(logits: &mut [f32], targets: &[u8], losses: &mut [f32], scale: f32) => cross_entropy_rows
}

#[inline(always)]
fn cross_entropy_rows(logits: &mut [f32], targets: &[u8], losses: &mut [f32], scale: f32) {
    let vocabulary = logits.len() / targets.len();
    let rows = logits.chunks_exact_mut(vocabulary).zip(targets).zip(losses);
    for ((logits, target), loss) in rows {
        let target = usize::from(*target);
        let largest = maximum(logits);
        let chosen = logits[target] - largest;
        exp_above(logits, largest, 1.0);
        let total = sum(logits);
        *loss = ln(total) - chosen;
        let inverse = 1.0 / total;
        for value in logits.iter_mut() {
            *value = *value * inverse * scale;
        }
        logits[target] -= scale;
    }
}

#[cfg(test)]
mod tests;
