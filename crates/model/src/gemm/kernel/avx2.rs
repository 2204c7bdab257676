//! Tiles of 6 rows of two AVX2 vectors: 12 sums, two right vectors, one left value.
#![expect(unsafe_code, reason = "a micro-kernel handles pointers and vector instructions")]

use std::arch::x86_64::{
    __m256, __m256i, _MM_HINT_T0, _mm_prefetch, _mm256_cmpgt_epi32, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_maskload_ps, _mm256_maskstore_ps, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setr_epi32, _mm256_storeu_ps,
};

use super::lanes::{self, DEPTH_ADJACENT, Lanes, ROWS_ADJACENT, Tile, choose_rows};
use super::{Ahead, Left, Right, Size};
use crate::gemm::Start;

#[derive(Clone, Copy)]
struct Vector(__m256);

impl Lanes for Vector {
    const COUNT: usize = 8;
    type Mask = __m256i;

    #[inline(always)]
    unsafe fn mask(count: usize) -> __m256i {
        let count = i32::try_from(count).expect("at most 8");
        // SAFETY: the caller has AVX2.
        unsafe {
            _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
        }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller has AVX2.
        unsafe { Self(_mm256_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has AVX2 and 8 values there.
        unsafe { Self(_mm256_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, mask: __m256i) -> Self {
        // SAFETY: the caller has AVX2 and the values of the mask there.
        unsafe { Self(_mm256_maskload_ps(from, mask)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has AVX2 and space for 8 values there.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, mask: __m256i) {
        // SAFETY: the caller has AVX2 and space for the values of the mask there.
        unsafe { _mm256_maskstore_ps(to, mask, self.0) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: the caller has FMA.
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, sum.0)) }
    }

    #[inline(always)]
    unsafe fn ask(line: *const f32) {
        // SAFETY: every x86-64 has the instruction; it has no visible effect and does not fail.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) }
    }
}

/// # Safety
/// As [`lanes::run`].
#[target_feature(enable = "avx2,fma")]
unsafe fn run<const ROWS: usize, const VECTORS: usize, const MASKED: bool, const ADJACENT: bool>(
    tile: Tile<'_>,
) {
    // SAFETY: the caller guarantees the tile, and this function has the instructions.
    unsafe { lanes::run::<Vector, ROWS, VECTORS, MASKED, ADJACENT>(tile) }
}

/// # Safety
/// The processor has AVX2 and FMA; operands and output contain the last element of a tile of at most 6 by 16.
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
            16 => choose_rows!(run, size.rows, 2, false, adjacent, tile, [1 2 3 4 5 6]),
            9.. => choose_rows!(run, size.rows, 2, true, adjacent, tile, [1 2 3 4 5 6]),
            _ => choose_rows!(run, size.rows, 1, true, adjacent, tile, [1 2 3 4 5 6]),
        }
    }
}
