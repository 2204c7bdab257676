//! Matrix products in which every element is one fixed chain of fused multiply-adds.
//!
//! The right operand is packed into panels as wide as a tile of the instruction set, so that a tile reads it
//! sequentially. The left operand is read in place: a tile needs only one value of each of its rows at a time. A tile
//! keeps its elements in registers for one block of depth and stores them in memory until the next block. So the
//! block sizes below affect speed only.

mod kernel;
mod pack;

use crate::instructions::Checked;
pub(crate) use kernel::Size;
use kernel::{Ahead, Left, Lines, Right, multiply_tile, tile_shape};
use pack::pack;

/// Depth of one block. A tile's rows of the left operand and a few panels of the right one fit the L1 cache.
const DEPTH_BLOCK: usize = 384;
/// Columns of one block: `DEPTH_BLOCK · COLUMN_BLOCK` values of the right operand fill half of an L2 cache of 1 MiB.
/// A multiple of every tile width.
const COLUMN_BLOCK: usize = 384;

/// A left operand whose rows are adjacent is copied tile by tile if tiles have at most this height: such a tile has
/// too few operations per cache line of the operand to hide the memory latency.
const COPIED_HEIGHT: usize = 6;
/// With at most this many rows the right operand is read in place: packing it costs more than it saves.
const ROWS_UNPACKED: usize = 48;
/// Number of values in a cache line.
pub(crate) const LINE: usize = 16;

/// Returns `values` from the start of a cache line on: a vector that crosses two cache lines needs two loads.
pub(crate) fn aligned(values: &mut [f32]) -> &mut [f32] {
    let skipped = values.as_ptr().align_offset(4 * LINE).min(values.len());
    &mut values[skipped..]
}

/// A matrix inside a slice, row- or column-major.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// Returns a matrix of rows that begin `stride` values apart; the matrix may be narrower than that.
    #[must_use]
    pub fn rows(data: &'a [f32], stride: usize) -> Self {
        Self { data, row_stride: stride, column_stride: 1 }
    }

    /// Returns the transposed matrix, on the same values.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { data: self.data, row_stride: self.column_stride, column_stride: self.row_stride }
    }

    /// Returns the matrix without its first rows and columns.
    pub(crate) fn from(self, row: usize, column: usize) -> Self {
        let first = row * self.row_stride + column * self.column_stride;
        let data = self.data.get(first..).expect("an operand contains its last block");
        Self { data, ..self }
    }

    fn left(self) -> Left<'a> {
        let Self { data, row_stride, column_stride } = self;
        Left { data, row_stride, depth_stride: column_stride }
    }
}

/// The value with which an element's chain starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Zero: the output is overwritten.
    Zero,
    /// The value in the output: the product is added.
    Existing,
}

/// `left (rows, depth) · right (depth, columns)`.
#[derive(Debug, Clone, Copy)]
pub struct Product<'a> {
    /// `(rows, depth)`.
    pub left: View<'a>,
    /// `(depth, columns)`.
    pub right: View<'a>,
    /// Rows of the output.
    pub rows: usize,
    /// Number of terms of each element's chain.
    pub depth: usize,
    /// Columns of the output.
    pub columns: usize,
    /// What the product is added to.
    pub start: Start,
}

/// Buffer for the packed operands of one thread; allocated once and reused for any number of products.
#[derive(Debug, Clone)]
pub struct Packing {
    right: Vec<f32>,
}

impl Packing {
    /// Number of values in the buffer.
    pub(crate) const SIZE: usize = COLUMN_BLOCK * DEPTH_BLOCK + LINE;

    /// Allocates the buffer for one block of a right operand and one tile of a left one.
    #[must_use]
    pub fn new() -> Self {
        Self { right: vec![0.0; Self::SIZE] }
    }
}

impl Default for Packing {
    fn default() -> Self {
        Self::new()
    }
}

/// Computes `product` into rows of `stride` values of `out`; values between `columns` and `stride` are not changed.
///
/// Element `(i, j)` is `left(i, 0)·right(0, j) + …`, one chain of fused multiply-adds over ascending depth that begins at
/// [`Product::start`]: the same bits for every `isa`, and for every division of rows and columns into several products.
///
/// # Panics
/// When an operand or `out` is too short, or `stride` is less than the columns of more than one row.
pub fn multiply(
    isa: Checked,
    product: Product<'_>,
    out: &mut [f32],
    stride: usize,
    packing: &mut Packing,
) {
    let Product { left, right, rows, depth, columns, start } = product;
    assert!(
        stride >= columns || rows <= 1,
        "rows of {columns} values overlap: they begin {stride} values apart"
    );
    if rows == 0 || columns == 0 {
        return;
    }
    if depth == 0 && start == Start::Zero {
        (0..rows).for_each(|row| out[row * stride..][..columns].fill(0.0));
    }
    let packed = aligned(&mut packing.right);
    let (_, width) = tile_shape(isa.isa());
    for first_depth in (0..depth).step_by(DEPTH_BLOCK) {
        let depth = DEPTH_BLOCK.min(depth - first_depth);
        let start = if first_depth == 0 { start } else { Start::Existing };
        let left = left.from(0, first_depth);
        for first_column in (0..columns).step_by(COLUMN_BLOCK) {
            let columns = COLUMN_BLOCK.min(columns - first_column);
            let view = right.from(first_depth, first_column);
            let panels = if right.column_stride == 1 && rows <= ROWS_UNPACKED {
                Panels { data: view.data, next: width, stride: right.row_stride }
            } else {
                pack_right(isa, view, (depth, columns), packed)
            };
            let size = Size { rows, depth, columns };
            multiply_panels(isa, (left, panels), size, start, (&mut out[first_column..], stride));
        }
    }
}

/// A right operand packed into panels.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    data: &'a [f32],
    /// Number of values from one panel to the next.
    next: usize,
    /// Number of values from one row of a panel to the next.
    stride: usize,
}

impl Panels<'_> {
    /// Returns the operand without its first rows.
    pub(crate) fn rows_from(self, first: usize) -> Self {
        Self { data: &self.data[first * self.stride..], ..self }
    }
}

/// Returns the largest number of values in the panels of a `(depth, columns)` matrix, for any instructions.
pub(crate) fn panels_size(depth: usize, columns: usize) -> usize {
    depth * columns.next_multiple_of(32)
}

/// Packs a `(depth, columns)` right operand that is used more than once; a product may use a part of its rows and
/// columns, from the first on.
pub(crate) fn pack_right<'a>(
    isa: Checked,
    right: View<'_>,
    (depth, columns): (usize, usize),
    packed: &'a mut [f32],
) -> Panels<'a> {
    let (_, width) = tile_shape(isa.isa());
    let strides = (right.row_stride, right.column_stride);
    pack(isa, right.data, strides, (depth, columns), packed);
    Panels { data: packed, next: width * depth, stride: width }
}

/// Computes all tiles of a product whose depth is one block.
pub(crate) fn multiply_panels(
    isa: Checked,
    (left, panels): (View<'_>, Panels<'_>),
    size: Size,
    start: Start,
    (out, stride): (&mut [f32], usize),
) {
    let Size { rows: all_rows, depth, columns } = size;
    let (height, width) = tile_shape(isa.isa());
    let count = columns.div_ceil(width);
    let is_copied = height <= COPIED_HEIGHT && left.row_stride == 1;
    let is_copied = is_copied && count > 2 && depth <= DEPTH_BLOCK;
    let mut copied = if is_copied { Some([0.0; COPIED_HEIGHT * DEPTH_BLOCK]) } else { None };
    let steps = Lines::steps(left.left(), depth, count);
    for first_row in (0..all_rows).step_by(height) {
        let rows = height.min(all_rows - first_row);
        let mut tile_left = left.from(first_row, 0).left();
        if let Some(copied) = &mut copied {
            let source = tile_left.data.chunks(tile_left.depth_stride);
            let (whole, _) = copied.as_chunks_mut::<COPIED_HEIGHT>();
            for (to, from) in whole.iter_mut().zip(source).take(depth) {
                match from.first_chunk() {
                    Some(from) if rows == COPIED_HEIGHT => *to = *from,
                    _ => to[..rows].copy_from_slice(&from[..rows]),
                }
            }
            tile_left = Left { data: copied, row_stride: 1, depth_stride: height };
        }
        let next = first_row + height;
        let next = (next < all_rows).then(|| {
            let size = Size { rows: height.min(all_rows - next), depth, columns };
            (left.from(next, 0).left(), size)
        });
        for index in 0..count {
            let first_column = index * width;
            let size = Size { rows, depth, columns: width.min(columns - first_column) };
            let right = Right { data: &panels.data[index * panels.next..], stride: panels.stride };
            let first = first_row * stride + first_column;
            let ahead = Ahead {
                output: match columns.checked_sub(first_column + width) {
                    Some(columns) if columns > 0 => {
                        let size = Size { columns: width.min(columns), ..size };
                        Lines::output(out, first + width, stride, size)
                    }
                    _ => Lines::NONE,
                },
                left: match next {
                    Some((left, size)) => Lines::left(left, size, (index * steps, steps)),
                    None => Lines::NONE,
                },
            };
            let out = (&mut out[first..], stride);
            multiply_tile(isa, (tile_left, right), size, start, out, &ahead);
        }
    }
}

#[cfg(test)]
mod tests;
