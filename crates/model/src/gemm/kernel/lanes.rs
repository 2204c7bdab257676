//! The loops of a tile over vectors of any width.
#![expect(unsafe_code, reason = "a micro-kernel handles pointers, to avoid checks inside its loop")]

use super::{Ahead, Left, Right, Size};
use crate::gemm::Start;

/// A vector of f32, and the operations of a tile on it.
///
/// # Safety of its functions
/// The processor has the instructions of the implementation, and pointers are valid for what is read or written.
pub(super) trait Lanes: Copy {
    /// Number of values in a vector.
    const COUNT: usize;
    /// Selects the first values of a vector.
    type Mask: Copy;

    unsafe fn mask(count: usize) -> Self::Mask;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// Loads the values of `mask`; the others are zero and not read.
    unsafe fn load_first(from: *const f32, mask: Self::Mask) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn store_first(self, to: *mut f32, mask: Self::Mask);
    /// Returns `self · factor + sum`, rounded once.
    unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self;
    /// Prefetches a cache line; an invalid address has no effect.
    unsafe fn ask(line: *const f32);
}

/// The operands of one tile, as pointers.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a> {
    left: *const f32,
    /// The stride of the left operand that is not 1.
    left_stride: usize,
    right: *const f32,
    right_stride: usize,
    out: *mut f32,
    out_stride: usize,
    depth: usize,
    columns: usize,
    start: Start,
    ahead: &'a Ahead,
}

/// The left operand's row stride is 1.
pub(super) const ROWS_ADJACENT: bool = true;
/// The left operand's depth stride is 1: each row is contiguous in depth.
pub(super) const DEPTH_ADJACENT: bool = false;

impl<'a> Tile<'a> {
    pub(super) fn new(
        (left, right): (Left<'_>, Right<'_>),
        size: Size,
        start: Start,
        (out, stride): (&mut [f32], usize),
        ahead: &'a Ahead,
    ) -> Self {
        let adjacent = left.row_stride == 1;
        Self {
            left: left.data.as_ptr(),
            left_stride: if adjacent { left.depth_stride } else { left.row_stride },
            right: right.data.as_ptr(),
            right_stride: right.stride,
            out: out.as_mut_ptr(),
            out_stride: stride,
            depth: size.depth,
            columns: size.columns,
            start,
            ahead,
        }
    }
}

/// Computes `ROWS` rows of `VECTORS` vectors; if `MASKED`, the last vector of a row ends at the tile's last column.
///
/// # Safety
/// The processor has the instructions of `V`; operands and output contain the last element of the tile.
#[inline(always)]
pub(super) unsafe fn run<
    V: Lanes,
    const ROWS: usize,
    const VECTORS: usize,
    const MASKED: bool,
    const ADJACENT: bool,
>(
    tile: Tile<'_>,
) {
    // SAFETY: every pointer below is that of an element of the tile, which the caller guarantees.
    unsafe {
        let last = VECTORS - 1;
        let mask = V::mask(if MASKED { tile.columns - last * V::COUNT } else { V::COUNT });
        let whole = |vector: usize| !MASKED || vector < last;
        let load = |from: *const f32, vector: usize| {
            if whole(vector) { V::load(from) } else { V::load_first(from, mask) }
        };
        let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
        if tile.start == Start::Existing {
            for (row, sums) in sums.iter_mut().enumerate() {
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = load(tile.out.add(row * tile.out_stride + vector * V::COUNT), vector);
                }
            }
        }
        let (mut left, mut right) = (tile.left, tile.right);
        let (mut depth, mut column) = (tile.depth, 0);
        while depth > 0 {
            let (mut line, stride, steps) = tile.ahead.column(column).unwrap_or((right, 0, depth));
            let steps = steps.min(depth);
            (depth, column) = (depth - steps, column + 1);
            for _ in 0..steps {
                let mut values = [V::splat(0.0); VECTORS];
                for (vector, value) in values.iter_mut().enumerate() {
                    *value = load(right.add(vector * V::COUNT), vector);
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let offset = if ADJACENT { row } else { row * tile.left_stride };
                    let factor = V::splat(*left.add(offset));
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum = factor.multiply_add(value, *sum);
                    }
                }
                V::ask(line);
                line = line.wrapping_add(stride);
                left = left.wrapping_add(if ADJACENT { tile.left_stride } else { 1 });
                right = right.wrapping_add(tile.right_stride);
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (vector, sum) in sums.into_iter().enumerate() {
                let to = tile.out.add(row * tile.out_stride + vector * V::COUNT);
                if whole(vector) {
                    sum.store(to);
                } else {
                    sum.store_first(to, mask);
                }
            }
        }
    }
}

/// Calls `run::<ROWS, VECTORS, MASKED, ADJACENT>(tile)` for the `rows` of a tile at run time.
macro_rules! choose_rows {
    ($run:ident, $rows:expr, $vectors:expr, $masked:expr, $adjacent:expr, $tile:expr, [$($row:literal)+]) => {
        match ($rows, $adjacent) {
            $(
                ($row, ROWS_ADJACENT) => $run::<$row, $vectors, $masked, ROWS_ADJACENT>($tile),
                ($row, DEPTH_ADJACENT) => $run::<$row, $vectors, $masked, DEPTH_ADJACENT>($tile),
            )+
            _ => unreachable!("a tile has at most this many rows"),
        }
    };
}
pub(super) use choose_rows;
