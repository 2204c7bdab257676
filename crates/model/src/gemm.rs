//! Matrix products with one fixed chain of fused multiply-adds for each element.
//!
//! Operands are packed into panels as wide as a tile of the instruction set; a tile keeps its elements in registers for one block of
//! depth, and carries them through memory to the next. So the blocks below decide speed only. `(12, 32)` and `(6, 16)` are the shapes
//! that fill the registers of AVX-512 and AVX2 with accumulators and leave room for the operands.

use crate::instructions::{Checked, per_isa};

/// Depth of one block: `DEPTH_BLOCK · 32` values of the right operand stay in the first-level cache while tiles go by.
const DEPTH_BLOCK: usize = 256;
/// Rows of one block: its left panels stay in the second-level cache. A multiple of every tile height.
const ROW_BLOCK: usize = 192;
/// Columns of one block. A multiple of every tile width.
const COLUMN_BLOCK: usize = 768;

/// A matrix inside a slice, row- or column-major.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// Rows of `stride` values, one after the other.
    #[must_use]
    pub fn rows(data: &'a [f32], stride: usize) -> Self {
        Self { data, row_stride: stride, column_stride: 1 }
    }

    /// The same values with rows and columns exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { data: self.data, row_stride: self.column_stride, column_stride: self.row_stride }
    }
}

/// What an element's chain starts from.
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
    /// Terms of each element's chain.
    pub depth: usize,
    /// Columns of the output.
    pub columns: usize,
    /// What is added to.
    pub start: Start,
}

/// Room for the packed operands of one thread; allocated once, used by any number of products.
#[derive(Debug, Clone)]
pub struct Packing {
    left: Vec<f32>,
    right: Vec<f32>,
}

impl Packing {
    /// Room for one block of either operand.
    #[must_use]
    pub fn new() -> Self {
        Self {
            left: vec![0.0; ROW_BLOCK * DEPTH_BLOCK],
            right: vec![0.0; COLUMN_BLOCK * DEPTH_BLOCK],
        }
    }
}

impl Default for Packing {
    fn default() -> Self {
        Self::new()
    }
}

/// Computes `product` into rows of `stride` values of `out`.
///
/// Element `(i, j)` is `left(i, 0)·right(0, j) + …`, one chain of fused multiply-adds over ascending depth that begins at
/// [`Product::start`]: the same bits for every `isa`, and for every way to cut rows and columns into several products.
///
/// # Panics
/// When an operand or `out` is too short.
pub fn multiply(
    isa: Checked,
    product: Product<'_>,
    out: &mut [f32],
    stride: usize,
    packing: &mut Packing,
) {
    multiply_blocks(isa, product, out, stride, packing);
}

per_isa! {
    /// [`multiply`], compiled for each instruction set.
    multiply_blocks(product: Product<'_>, out: &mut [f32], stride: usize, packing: &mut Packing) =>
    scalar multiply_tiled::<4, 16>, avx2 multiply_tiled::<6, 16>, avx512 multiply_tiled::<12, 32>
}

#[inline(always)]
fn multiply_tiled<const HEIGHT: usize, const WIDTH: usize>(
    product: Product<'_>,
    out: &mut [f32],
    stride: usize,
    packing: &mut Packing,
) {
    const { assert!(ROW_BLOCK.is_multiple_of(HEIGHT) && COLUMN_BLOCK.is_multiple_of(WIDTH)) };
    let Product { left, right, rows, depth, columns, start } = product;
    for first_depth in (0..depth).step_by(DEPTH_BLOCK) {
        let block_depth = DEPTH_BLOCK.min(depth - first_depth);
        let start = if first_depth == 0 { start } else { Start::Existing };
        for first_column in (0..columns).step_by(COLUMN_BLOCK) {
            let block_columns = COLUMN_BLOCK.min(columns - first_column);
            let source = right
                .data
                .get(first_depth * right.row_stride + first_column * right.column_stride..);
            pack::<WIDTH>(
                source.expect("the right operand reaches to its last block"),
                (right.row_stride, right.column_stride),
                (block_depth, block_columns),
                &mut packing.right,
            );
            for first_row in (0..rows).step_by(ROW_BLOCK) {
                let block_rows = ROW_BLOCK.min(rows - first_row);
                let source =
                    left.data.get(first_row * left.row_stride + first_depth * left.column_stride..);
                pack::<HEIGHT>(
                    source.expect("the left operand reaches to its last block"),
                    (left.column_stride, left.row_stride),
                    (block_depth, block_rows),
                    &mut packing.left,
                );
                let out = &mut out[first_row * stride + first_column..];
                let size = (block_rows, block_depth, block_columns);
                multiply_block::<HEIGHT, WIDTH>(packing, size, start, (out, stride));
            }
        }
    }
}

/// All tiles of one packed block.
#[inline(always)]
fn multiply_block<const HEIGHT: usize, const WIDTH: usize>(
    packing: &Packing,
    (rows, depth, columns): (usize, usize, usize),
    start: Start,
    (out, stride): (&mut [f32], usize),
) {
    for (column_panel, right) in packing.right.chunks_exact(WIDTH * depth).enumerate() {
        let first_column = column_panel * WIDTH;
        if first_column >= columns {
            break;
        }
        let width = WIDTH.min(columns - first_column);
        for (row_panel, left) in packing.left.chunks_exact(HEIGHT * depth).enumerate() {
            let first_row = row_panel * HEIGHT;
            if first_row >= rows {
                break;
            }
            let height = HEIGHT.min(rows - first_row);
            let out = &mut out[first_row * stride + first_column..];
            if (height, width) == (HEIGHT, WIDTH) {
                multiply_whole::<HEIGHT, WIDTH>((left, right), start, (out, stride));
            } else {
                multiply_edge::<HEIGHT, WIDTH>(
                    (left, right),
                    start,
                    (out, stride),
                    (height, width),
                );
            }
        }
    }
}

/// A tile that lies inside the output: copies of fixed size, which need no call.
#[inline(always)]
fn multiply_whole<const HEIGHT: usize, const WIDTH: usize>(
    (left, right): (&[f32], &[f32]),
    start: Start,
    (out, stride): (&mut [f32], usize),
) {
    let mut tile = [[0.0; WIDTH]; HEIGHT];
    if start == Start::Existing {
        for (row, out) in tile.iter_mut().zip(out.chunks(stride)) {
            *row = *out.first_chunk().expect("a whole tile lies inside the output");
        }
    }
    multiply_tile(left, right, &mut tile);
    for (row, out) in tile.iter().zip(out.chunks_mut(stride)) {
        *out.first_chunk_mut().expect("a whole tile lies inside the output") = *row;
    }
}

/// A tile of which only `height` rows and `width` columns lie inside the output.
#[inline(always)]
fn multiply_edge<const HEIGHT: usize, const WIDTH: usize>(
    (left, right): (&[f32], &[f32]),
    start: Start,
    (out, stride): (&mut [f32], usize),
    (height, width): (usize, usize),
) {
    let mut tile = [[0.0; WIDTH]; HEIGHT];
    if start == Start::Existing {
        for (row, out) in tile.iter_mut().zip(out.chunks(stride)).take(height) {
            row[..width].copy_from_slice(&out[..width]);
        }
    }
    multiply_tile(left, right, &mut tile);
    for (row, out) in tile.iter().zip(out.chunks_mut(stride)).take(height) {
        out[..width].copy_from_slice(&row[..width]);
    }
}

/// The chains of one tile through one block of depth.
///
/// The tile is copied to a local, and both panels are cut into arrays, so that the compiler keeps every element in a register.
#[inline(always)]
fn multiply_tile<const HEIGHT: usize, const WIDTH: usize>(
    left: &[f32],
    right: &[f32],
    tile: &mut [[f32; WIDTH]; HEIGHT],
) {
    let mut sums = *tile;
    let (left, _) = left.as_chunks::<HEIGHT>();
    let (right, _) = right.as_chunks::<WIDTH>();
    for (left, right) in left.iter().zip(right) {
        for i in 0..HEIGHT {
            for j in 0..WIDTH {
                sums[i][j] = left[i].mul_add(right[j], sums[i][j]);
            }
        }
    }
    *tile = sums;
}

/// Copies a `(depth, extent)` matrix with the given strides into panels of `WIDTH` columns, depth-major inside a panel. The last panel
/// is filled up with zeros.
#[inline(always)]
fn pack<const WIDTH: usize>(
    source: &[f32],
    (depth_stride, stride): (usize, usize),
    (depth, extent): (usize, usize),
    packed: &mut [f32],
) {
    for (panel, out) in packed.chunks_exact_mut(WIDTH * depth).enumerate() {
        let first = panel * WIDTH;
        if first >= extent {
            break;
        }
        let width = WIDTH.min(extent - first);
        let source = &source[first * stride..];
        let (out, _) = out.as_chunks_mut::<WIDTH>();
        if stride == 1 {
            for (out, source) in out.iter_mut().zip(source.chunks(depth_stride)) {
                match source.first_chunk::<WIDTH>() {
                    Some(source) if width == WIDTH => *out = *source,
                    _ => {
                        out[..width].copy_from_slice(&source[..width]);
                        out[width..].fill(0.0);
                    }
                }
            }
        } else {
            assert!(depth_stride == 1, "one of the strides of an operand is 1");
            pack_turned(source, stride, width, out);
        }
    }
}

/// One panel from columns that lie `stride` apart, each contiguous in depth.
#[inline(always)]
fn pack_turned<const WIDTH: usize>(
    source: &[f32],
    stride: usize,
    width: usize,
    panel: &mut [[f32; WIDTH]],
) {
    const { assert!(matches!(WIDTH % SQUARE, 0 | 4 | 6), "what is left over is handled below") };
    if width < WIDTH {
        pack_turned_edge(source, stride, width, panel);
        return;
    }
    let mut first = 0;
    while first + SQUARE <= WIDTH {
        pack_columns::<WIDTH, SQUARE>(&source[first * stride..], stride, first, panel);
        first += SQUARE;
    }
    match WIDTH % SQUARE {
        4 => pack_columns::<WIDTH, 4>(&source[first * stride..], stride, first, panel),
        6 => pack_columns::<WIDTH, 6>(&source[first * stride..], stride, first, panel),
        _ => {}
    }
}

/// `COLUMNS` columns of a panel, from column `first` on.
#[inline(always)]
fn pack_columns<const WIDTH: usize, const COLUMNS: usize>(
    source: &[f32],
    stride: usize,
    first: usize,
    panel: &mut [[f32; WIDTH]],
) {
    let depth = panel.len();
    let sides: [&[f32]; COLUMNS] =
        std::array::from_fn(|column| &source[column * stride..][..depth]);
    let sides = sides.map(|side| side.as_chunks::<SQUARE>());
    let (squares, rest) = panel.as_chunks_mut::<SQUARE>();
    for (index, rows) in squares.iter_mut().enumerate() {
        let mut square = [[0.0; SQUARE]; SQUARE];
        for (out, (side, _)) in square.iter_mut().zip(sides) {
            *out = side[index];
        }
        for (row, values) in rows.iter_mut().zip(transposed(square)) {
            let out: &mut [f32; COLUMNS] =
                row[first..].first_chunk_mut().expect("inside the panel");
            *out = std::array::from_fn(|column| values[column]);
        }
    }
    for (index, row) in rest.iter_mut().enumerate() {
        for (out, (_, side)) in row[first..].iter_mut().zip(sides) {
            *out = side[index];
        }
    }
}

/// The last panel, which has fewer columns than a tile: filled up with zeros.
#[inline(always)]
fn pack_turned_edge<const WIDTH: usize>(
    source: &[f32],
    stride: usize,
    width: usize,
    panel: &mut [[f32; WIDTH]],
) {
    panel.as_flattened_mut().fill(0.0);
    for (column, side) in source.chunks(stride).take(width).enumerate() {
        for (row, value) in panel.iter_mut().zip(side) {
            row[column] = *value;
        }
    }
}

/// Side of the squares that are transposed in registers.
const SQUARE: usize = 8;

/// Rows become columns, in three rounds that interleave row `i` with row `i + 4`: shuffles instead of strided stores.
#[inline(always)]
fn transposed(mut square: [[f32; SQUARE]; SQUARE]) -> [[f32; SQUARE]; SQUARE] {
    for _ in 0..3 {
        let [a, b, c, d, e, f, g, h] = square;
        let ([a0, a1], [b0, b1]) = (interleaved(a, e), interleaved(b, f));
        let ([c0, c1], [d0, d1]) = (interleaved(c, g), interleaved(d, h));
        square = [a0, a1, b0, b1, c0, c1, d0, d1];
    }
    square
}

#[inline(always)]
fn interleaved(a: [f32; SQUARE], b: [f32; SQUARE]) -> [[f32; SQUARE]; 2] {
    [
        [a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]],
        [a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7]],
    ]
}

#[cfg(test)]
mod tests;
