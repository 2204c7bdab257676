//! Tiles of 6 rows of four NEON vectors: 24 sums, four right vectors, one left value.
#![expect(unsafe_code, reason = "a micro-kernel handles pointers and vector instructions")]

use std::arch::aarch64::{float32x4_t, vdupq_n_f32, vfmaq_f32, vld1q_f32, vst1q_f32};

use super::lanes::{self, DEPTH_ADJACENT, Lanes, ROWS_ADJACENT, Tile, choose_rows};
use super::{Ahead, Left, Right, Size};
use crate::gemm::Start;

#[derive(Clone, Copy)]
struct Vector(float32x4_t);

impl Lanes for Vector {
    const COUNT: usize = 4;
    /// Number of values to use: NEON has no masks, so the ends of rows go through a small array.
    type Mask = usize;

    #[inline(always)]
    unsafe fn mask(count: usize) -> usize {
        count
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller has NEON.
        unsafe { Self(vdupq_n_f32(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has NEON and 4 values there.
        unsafe { Self(vld1q_f32(from)) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut values = [0.0; 4];
        // SAFETY: the caller has NEON and `count` values there, at most 4.
        unsafe {
            std::ptr::copy_nonoverlapping(from, values.as_mut_ptr(), count);
            Self(vld1q_f32(values.as_ptr()))
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has NEON and space for 4 values there.
        unsafe { vst1q_f32(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        let mut values = [0.0; 4];
        // SAFETY: the caller has NEON and space for `count` values there, at most 4.
        unsafe {
            vst1q_f32(values.as_mut_ptr(), self.0);
            std::ptr::copy_nonoverlapping(values.as_ptr(), to, count);
        }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: the caller has NEON.
        unsafe { Self(vfmaq_f32(sum.0, self.0, factor.0)) }
    }

    /// Does nothing: there is no stable way to prefetch.
    #[inline(always)]
    unsafe fn ask(_: *const f32) {}
}

/// # Safety
/// As [`lanes::run`].
#[target_feature(enable = "neon")]
unsafe fn run<const ROWS: usize, const VECTORS: usize, const MASKED: bool, const ADJACENT: bool>(
    tile: Tile<'_>,
) {
    // SAFETY: the caller guarantees the tile, and this function has the instructions.
    unsafe { lanes::run::<Vector, ROWS, VECTORS, MASKED, ADJACENT>(tile) }
}

/// # Safety
/// The processor has NEON; operands and output contain the last element of a tile of at most 6 by 16.
pub(super) unsafe fn multiply(
    (left, right): (Left<'_>, Right<'_>),
    size: Size,
    start: Start,
    (out, stride): (&mut [f32], usize),
    ahead: &Ahead,
) {
    let tile = Tile::new((left, right), size, start, (out, stride), ahead);
    let adjacent = left.row_stride == 1;
    // SAFETY: the caller guarantees the conditions above.
    unsafe {
        match size.columns {
            16 => choose_rows!(run, size.rows, 4, false, adjacent, tile, [1 2 3 4 5 6]),
            13.. => choose_rows!(run, size.rows, 4, true, adjacent, tile, [1 2 3 4 5 6]),
            9.. => choose_rows!(run, size.rows, 3, true, adjacent, tile, [1 2 3 4 5 6]),
            5.. => choose_rows!(run, size.rows, 2, true, adjacent, tile, [1 2 3 4 5 6]),
            _ => choose_rows!(run, size.rows, 1, true, adjacent, tile, [1 2 3 4 5 6]),
        }
    }
}
