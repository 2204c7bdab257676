//! The definition of a tile.

use super::{Left, Right, Size};
use crate::gemm::Start;

/// Computes every element as one chain of fused multiply-adds over the depth, ascending.
pub(super) fn multiply(
    (left, right): (Left<'_>, Right<'_>),
    Size { rows, depth, columns }: Size,
    start: Start,
    (out, stride): (&mut [f32], usize),
) {
    for i in 0..rows {
        for (j, out) in out[i * stride..][..columns].iter_mut().enumerate() {
            let start = if start == Start::Zero { 0.0 } else { *out };
            *out = (0..depth).fold(start, |sum, k| {
                let left = left.data[i * left.row_stride + k * left.depth_stride];
                left.mul_add(right.data[k * right.stride + j], sum)
            });
        }
    }
}
