use super::*;
use crate::instructions::{Checked, Isa};

/// Returns numbers of many magnitudes and both signs, without a pattern.
fn noise(length: usize, seed: u32) -> Vec<f32> {
    let philox = crate::philox::Philox::new([seed, 1]);
    let words = (0..length).map(|i| philox.block_at(u64::try_from(i).unwrap())[0]);
    words
        .map(|w| f32::from_bits((w & 0x807f_ffff) | 0x3e00_0000 | ((w >> 4) & 0x0180_0000)))
        .collect()
}

/// Computes the definition: one chain per element.
fn chains(product: Product<'_>, out: &mut [f32], stride: usize) {
    let at = |view: View<'_>, i: usize, j: usize| {
        view.data[i * view.row_stride + j * view.column_stride]
    };
    for i in 0..product.rows {
        for j in 0..product.columns {
            let out = &mut out[i * stride + j];
            let start = if product.start == Start::Zero { 0.0 } else { *out };
            *out = (0..product.depth)
                .fold(start, |sum, k| at(product.left, i, k).mul_add(at(product.right, k, j), sum));
        }
    }
}

fn check((rows, depth, columns): (usize, usize, usize), start: Start) {
    let (wide_left, wide_right, stride) =
        (rows.max(depth) + 3, depth.max(columns) + 5, columns + 2);
    let left = noise(wide_left * wide_left, 1);
    let right = noise(wide_right * wide_right, 2);
    let before = noise(rows * stride, 3);
    let mut packing = Packing::new();
    for (left_turned, right_turned) in [(false, false), (false, true), (true, false), (true, true)]
    {
        let turn = |view: View<'static>, turned| if turned { view.transposed() } else { view };
        let left: &'static [f32] = left.clone().leak();
        let right: &'static [f32] = right.clone().leak();
        let product = Product {
            left: turn(View::rows(left, wide_left), left_turned),
            right: turn(View::rows(right, wide_right), right_turned),
            rows,
            depth,
            columns,
            start,
        };
        let mut expected = before.clone();
        chains(product, &mut expected, stride);
        for isa in Isa::ALL.into_iter().filter_map(Checked::new) {
            let mut out = before.clone();
            multiply(isa, product, &mut out, stride, &mut packing);
            let same = out.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "{rows}x{depth}x{columns} {isa:?} {left_turned} {right_turned}");
        }
    }
}

#[test]
fn every_element_is_one_chain() {
    for shape in
        [(1, 1, 1), (12, 16, 32), (13, 17, 33), (5, 3, 47), (50, 7, 9), (24, 300, 40), (3, 513, 2)]
    {
        check(shape, Start::Zero);
        check(shape, Start::Existing);
    }
}

#[test]
fn edges_of_tiles_are_exact() {
    for rows in [1, 5, 6, 7, 11, 12, 13, 49] {
        for columns in [1, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 23, 31, 32, 33] {
            check((rows, 3, columns), Start::Existing);
        }
    }
}

#[test]
fn products_larger_than_one_block_are_exact() {
    for shape in [
        (200, 3, 7),
        (4, 5, COLUMN_BLOCK + 9),
        (ROWS_UNPACKED + 1, DEPTH_BLOCK + 1, 33),
        (7, 2 * DEPTH_BLOCK + 5, 11),
        (61, 67, 71),
    ] {
        check(shape, Start::Zero);
        check(shape, Start::Existing);
    }
}

/// Checks that only the output's columns are written, and that a packed operand can be used for a part of its rows
/// and columns.
#[test]
fn a_part_of_a_packed_operand_is_an_operand() {
    let (rows, depth, columns) = (13, 50, 70);
    let (left, right) = (noise(rows * depth, 4), noise(depth * columns, 5));
    for isa in Isa::ALL.into_iter().filter_map(Checked::new) {
        let mut packed = vec![f32::NAN; panels_size(depth, columns)];
        let view = View::rows(&right, columns);
        let panels = pack_right(isa, view, (depth, columns), &mut packed);
        for (first, size) in
            [(0, Size { rows, depth: 31, columns: 33 }), (7, Size { rows, depth: 43, columns: 70 })]
        {
            let left = View::rows(&left, depth);
            let mut out = vec![0.25; rows * 80];
            let mut expected = out.clone();
            let operands = (left, panels.rows_from(first));
            multiply_panels(isa, operands, size, Start::Existing, (&mut out, 80));
            let Size { rows, depth, columns } = size;
            let right = view.from(first, 0);
            let product = Product { left, right, rows, depth, columns, start: Start::Existing };
            chains(product, &mut expected, 80);
            assert_eq!(out, expected, "{isa:?}");
        }
    }
}

#[test]
fn depth_zero_gives_the_start() {
    let product = Product {
        left: View::rows(&[], 1),
        right: View::rows(&[], 1),
        rows: 2,
        depth: 0,
        columns: 1,
        start: Start::Existing,
    };
    let mut out = [1.0, 2.0];
    let isa = Checked::new(Isa::Scalar).unwrap();
    multiply(isa, product, &mut out, 1, &mut Packing::new());
    assert_eq!(out, [1.0, 2.0]);
    multiply(isa, Product { start: Start::Zero, ..product }, &mut out, 1, &mut Packing::new());
    assert_eq!(out, [0.0, 0.0]);
    // A single row has no next one, so its stride does not matter.
    let product = Product { rows: 1, columns: 2, start: Start::Zero, ..product };
    let mut out = [1.0, 2.0];
    multiply(isa, product, &mut out, 1, &mut Packing::new());
    assert_eq!(out, [0.0, 0.0]);
}
