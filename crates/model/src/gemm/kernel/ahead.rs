//! Prefetches, during a tile, what the next tiles read and write.
//!
//! One cache line at each step of depth: requested all at once, they would delay each other and the tile.

use super::{Left, Size};
use crate::gemm::LINE;

/// Cache lines in columns: those of a column are `stride` values apart, and the next column begins one line further
/// on. Any address is allowed: a prefetch of an invalid one has no effect.
#[derive(Clone, Copy)]
pub(crate) struct Lines {
    first: *const f32,
    columns: usize,
    rows: usize,
    stride: usize,
}

impl Lines {
    /// No lines.
    pub(crate) const NONE: Self = Self { first: std::ptr::null(), columns: 0, rows: 0, stride: 0 };

    /// Returns the lines of a tile of the output that begins at `first`.
    #[inline]
    pub(crate) fn output(out: &[f32], first: usize, stride: usize, size: Size) -> Self {
        let first = out.as_ptr().wrapping_add(first);
        Self { first, columns: size.columns.div_ceil(LINE), rows: size.rows, stride }
    }

    /// Returns the number of steps of [`Lines::left`] for each of `parts` parts that together cover a tile's left
    /// operand.
    #[inline]
    pub(crate) fn steps(left: Left<'_>, depth: usize, parts: usize) -> usize {
        let steps = if left.row_stride == 1 { depth } else { depth.div_ceil(LINE) };
        steps.div_ceil(parts)
    }

    /// Returns steps `begin..begin + steps` of a tile's left operand: a step is a line for each row, or one for all
    /// rows if those are adjacent.
    #[inline]
    pub(crate) fn left(left: Left<'_>, size: Size, (begin, steps): (usize, usize)) -> Self {
        let Size { rows, depth, .. } = size;
        let first = left.data.as_ptr();
        if left.row_stride == 1 {
            // One value for each row, in one or two lines: the first of two is the last line of the tile before.
            let first = first.wrapping_add(begin * left.depth_stride + rows - 1);
            let rows = steps.min(depth.saturating_sub(begin));
            Self { first, columns: usize::from(rows > 0), rows, stride: left.depth_stride }
        } else {
            let columns = steps.min(depth.div_ceil(LINE).saturating_sub(begin));
            let first = first.wrapping_add(begin * LINE);
            Self { first, columns, rows, stride: left.row_stride }
        }
    }
}

/// The lines of the next tile of the output, and those that the next row of tiles reads.
#[derive(Clone, Copy)]
pub(crate) struct Ahead {
    pub(crate) output: Lines,
    pub(crate) left: Lines,
}

impl Ahead {
    /// Returns column `index` of the output's lines, then of the left operand's: first line, distance to the next,
    /// and number.
    #[inline(always)]
    pub(super) fn column(&self, index: usize) -> Option<(*const f32, usize, usize)> {
        let Self { output, left } = self;
        let (lines, index) = match index.checked_sub(output.columns) {
            None => (output, index),
            Some(index) if index < left.columns => (left, index),
            Some(_) => return None,
        };
        Some((lines.first.wrapping_add(index * LINE), lines.stride, lines.rows))
    }
}
