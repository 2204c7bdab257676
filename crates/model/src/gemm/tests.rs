use super::*;
use crate::instructions::{Checked, Isa};

/// Numbers of many magnitudes and both signs, without a pattern.
fn noise(length: usize, seed: u32) -> Vec<f32> {
    let philox = crate::philox::Philox::new([seed, 1]);
    let words = (0..length).map(|i| philox.block_at(u64::try_from(i).unwrap())[0]);
    words
        .map(|w| f32::from_bits((w & 0x807f_ffff) | 0x3e00_0000 | ((w >> 4) & 0x0180_0000)))
        .collect()
}

/// The definition: one chain an element.
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
        for isa in
            [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Neon].into_iter().filter_map(Checked::new)
        {
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
fn blocks_of_rows_and_columns_meet() {
    check((200, 3, 7), Start::Existing);
    check((4, 5, COLUMN_BLOCK + 9), Start::Existing);
}

#[test]
fn no_depth_leaves_the_start() {
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
}
