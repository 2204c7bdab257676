//! What a tile asks for while it computes, so that it is there when the next tiles begin.
//!
//! One line at each step of depth: asked for all at once, they would wait for each other, and the tile for them.

use super::{Left, Size};
use crate::gemm::LINE;

/// Lines of memory, in columns: those of a column lie `stride` values apart, its neighbour begins one line further on. They may lie
/// anywhere: asking for one changes nothing.
#[derive(Clone, Copy)]
pub(crate) struct Lines {
    first: *const f32,
    columns: usize,
    rows: usize,
    stride: usize,
}

impl Lines {
    /// None.
    pub(crate) const NONE: Self = Self { first: std::ptr::null(), columns: 0, rows: 0, stride: 0 };

    /// The lines of a tile of the output that begins at `first`.
    #[inline]
    pub(crate) fn output(out: &[f32], first: usize, stride: usize, size: Size) -> Self {
        let first = out.as_ptr().wrapping_add(first);
        Self { first, columns: size.columns.div_ceil(LINE), rows: size.rows, stride }
    }

    /// Into how many steps of [`Lines::left`] a tile's left operand is cut, so that `parts` parts are all of it.
    #[inline]
    pub(crate) fn steps(left: Left<'_>, depth: usize, parts: usize) -> usize {
        let steps = if left.row_stride == 1 { depth } else { depth.div_ceil(LINE) };
        steps.div_ceil(parts)
    }

    /// Steps `begin..begin + steps` of a tile's left operand: a step is a line for each row, or one for all rows if those are adjacent.
    #[inline]
    pub(crate) fn left(left: Left<'_>, size: Size, (begin, steps): (usize, usize)) -> Self {
        let Size { rows, depth, .. } = size;
        let first = left.data.as_ptr();
        if left.row_stride == 1 {
            // One value for each row, a line or two: the first of two was the last of the tile before.
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

/// What the next tile of the output has, and what the next row of tiles reads.
#[derive(Clone, Copy)]
pub(crate) struct Ahead {
    pub(crate) output: Lines,
    pub(crate) left: Lines,
}

impl Ahead {
    /// Column `index` of the output's lines, then of the left operand's: its first line, the way to the next, and how many.
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
