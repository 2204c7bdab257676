//! Tiles of 12 rows of two AVX-512 vectors: 24 sums, two right vectors, and the left value from memory.
#![expect(unsafe_code, reason = "a micro-kernel handles pointers and vector instructions")]

use std::arch::x86_64::{
    __m512, __mmask16, _MM_HINT_T0, _mm_prefetch, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps,
};

use super::lanes::{self, DEPTH_ADJACENT, Lanes, ROWS_ADJACENT, Tile, choose_rows};
use super::{Ahead, Left, Right, Size};
use crate::gemm::Start;

#[derive(Clone, Copy)]
struct Vector(__m512);

impl Lanes for Vector {
    const COUNT: usize = 16;
    type Mask = __mmask16;

    #[inline(always)]
    unsafe fn mask(count: usize) -> __mmask16 {
        u16::MAX >> (16 - count)
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller has AVX-512F.
        unsafe { Self(_mm512_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has AVX-512F and 16 values there.
        unsafe { Self(_mm512_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, mask: __mmask16) -> Self {
        // SAFETY: the caller has AVX-512F and the values of the mask there.
        unsafe { Self(_mm512_maskz_loadu_ps(mask, from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has AVX-512F and space for 16 values there.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, mask: __mmask16) {
        // SAFETY: the caller has AVX-512F and space for the values of the mask there.
        unsafe { _mm512_mask_storeu_ps(to, mask, self.0) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: the caller has AVX-512F.
        unsafe { Self(_mm512_fmadd_ps(self.0, factor.0, sum.0)) }
    }

    #[inline(always)]
    unsafe fn ask(line: *const f32) {
        // SAFETY: every x86-64 has the instruction; it has no visible effect and does not fail.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) }
    }
}

/// # Safety
/// As [`lanes::run`].
#[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512dq")]
unsafe fn run<const ROWS: usize, const VECTORS: usize, const MASKED: bool, const ADJACENT: bool>(
    tile: Tile<'_>,
) {
    // SAFETY: the caller guarantees the tile, and this function has the instructions.
    unsafe { lanes::run::<Vector, ROWS, VECTORS, MASKED, ADJACENT>(tile) }
}

/// # Safety
/// The processor has AVX-512F, VL and DQ; operands and output contain the last element of a tile of at most 12 by 32.
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
            32 => {
                choose_rows!(run, size.rows, 2, false, adjacent, tile, [1 2 3 4 5 6 7 8 9 10 11 12])
            }
            17.. => {
                choose_rows!(run, size.rows, 2, true, adjacent, tile, [1 2 3 4 5 6 7 8 9 10 11 12])
            }
            _ => {
                choose_rows!(run, size.rows, 1, true, adjacent, tile, [1 2 3 4 5 6 7 8 9 10 11 12])
            }
        }
    }
}
