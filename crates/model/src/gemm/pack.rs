//! Packs right operands into panels as wide as a tile.

use crate::instructions::per_isa;

per_isa! {
    /// Copies a `(depth, extent)` matrix with the given strides into panels of a tile's width, depth-major inside a
    /// panel; a panel has `width · depth` values. The last panel is padded with zeros.
    pack(source: &[f32], strides: (usize, usize), size: (usize, usize), packed: &mut [f32]) =>
    scalar pack_panels::<16>, avx2 pack_panels::<16>, avx512 pack_panels::<32>
}

#[inline(always)]
fn pack_panels<const WIDTH: usize>(
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

/// Packs one panel from columns that begin `stride` apart, each contiguous in depth.
#[inline(always)]
fn pack_turned<const WIDTH: usize>(
    source: &[f32],
    stride: usize,
    width: usize,
    panel: &mut [[f32; WIDTH]],
) {
    const { assert!(matches!(WIDTH % SQUARE, 0 | 4 | 6), "the remainder is handled below") };
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

/// Packs `COLUMNS` columns of a panel, from column `first` on.
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

/// Packs the last panel, which has fewer columns than a tile, padded with zeros.
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

/// Transposes in three rounds that interleave row `i` with row `i + 4`: shuffles instead of strided stores.
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
