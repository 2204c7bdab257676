//! One tile of a product, whose elements stay in registers for the whole depth of a block.
//!
//! `scalar` is the definition. The others do the same chain of fused multiply-adds for several elements in parallel;
//! each is compared with `scalar` byte for byte. They are the only code here that handles pointers, and are called
//! only by [`multiply_tile`], which checks that every element they access lies inside its slice.

mod ahead;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

use crate::gemm::Start;
use crate::instructions::{Checked, Isa};
pub(crate) use ahead::{Ahead, Lines};

/// Returns the rows and columns of a full tile.
pub(crate) const fn tile_shape(isa: Isa) -> (usize, usize) {
    match isa {
        Isa::Avx512 => (12, 32),
        Isa::Avx2 | Isa::Neon | Isa::Scalar => (6, 16),
    }
}

/// The left operand of a tile: element `(i, k)` at `i · row_stride + k · depth_stride`; one of the strides is 1.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) depth_stride: usize,
}

/// The right operand of a tile: element `(k, j)` at `k · stride + j`.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) stride: usize,
}

/// Rows, depth and columns of a tile; rows and columns are at most those of a full one.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    pub(crate) columns: usize,
}

/// Computes one tile into rows of `stride` values of `out`, and prefetches the lines of `ahead`.
#[inline]
pub(crate) fn multiply_tile(
    isa: Checked,
    (left, right): (Left<'_>, Right<'_>),
    size: Size,
    start: Start,
    (out, stride): (&mut [f32], usize),
    ahead: &Ahead,
) {
    let Size { rows, depth, columns } = size;
    let (height, width) = tile_shape(isa.isa());
    assert!(
        0 < rows && rows <= height && 0 < columns && columns <= width && 0 < depth,
        "the tile has a valid size"
    );
    assert!(left.row_stride == 1 || left.depth_stride == 1, "one of the left strides is 1");
    let left_end = (rows - 1) * left.row_stride + (depth - 1) * left.depth_stride;
    assert!(left_end < left.data.len(), "the left operand contains its last element");
    let right_end = (depth - 1) * right.stride + columns;
    assert!(right_end <= right.data.len(), "the right operand contains its last element");
    let out_end = (rows - 1) * stride + columns;
    assert!(out_end <= out.len(), "the output contains its last element");
    match isa.isa() {
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "the micro-kernel handles pointers")]
        // SAFETY: `Checked` proves that the processor has the instructions; the assertions above are the conditions
        // of the kernel.
        Isa::Avx512 => unsafe {
            avx512::multiply((left, right), size, start, (out, stride), ahead)
        },
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "the micro-kernel handles pointers")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { avx2::multiply((left, right), size, start, (out, stride), ahead) },
        #[cfg(target_arch = "aarch64")]
        #[expect(unsafe_code, reason = "the micro-kernel handles pointers")]
        // SAFETY: as above.
        Isa::Neon => unsafe { neon::multiply((left, right), size, start, (out, stride), ahead) },
        _ => scalar::multiply((left, right), size, start, (out, stride)),
    }
}
