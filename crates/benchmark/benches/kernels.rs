//! Measures each kernel on its own, on one core: `cargo bench -p benchmark`, then `-- avx2` for other instructions.
//!
//! A plain program: Criterion would add some forty crates to every clippy and test build of the workspace for a table
//! of a dozen rows. The best of many short runs shows what a kernel can reach; on a busy machine the mean depends on
//! the other load.
//!
//! The shapes are those of the canonical workload. Of `model` only matrix products can be called from outside; its
//! other kernels are timed inside a step.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "prints a measurement")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use model::gemm::{Packing, Product, Start, View, multiply};
use model::instructions::{Checked, Isa};
use optimizer::{AdamW, HyperParameters};

/// How long to measure one kernel.
const TIME: Duration = Duration::from_millis(400);

fn main() {
    // Cargo passes `--bench`.
    let name = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let isas = [Isa::Scalar, Isa::Avx2, Isa::Avx512];
    let named = name.map(|name| isas.into_iter().find(|isa| isa.to_string() == name));
    let isa = named.map_or(Isa::detect(), |isa| isa.expect("the argument names instructions"));
    let checked = Checked::new(isa).expect("this processor has the instructions");
    let peak = benchmark::peak_gflops(checked);
    println!("isa={isa} peak={peak:.1} GFLOP/s");
    products(checked, peak);
    adamw();
}

/// Measures the products of a step, each with rows, depth and columns.
fn products(isa: Checked, peak: f64) {
    let tokens = 2048;
    for (name, rows, depth, columns) in [
        ("qkv", tokens, 256, 768),
        ("attention_output", tokens, 256, 256),
        ("gate_up", tokens, 256, 1376),
        ("down", tokens, 688, 256),
        ("logits", tokens, 256, 256),
    ] {
        let (left, right) = (vec![0.5; rows * depth], vec![0.25; depth * columns]);
        let slope = vec![0.125; rows * columns];
        let mut packing = Packing::new();
        let mut time = |layout: &str, product: Product<'_>| {
            let stride = product.columns;
            let mut out = vec![0.0; product.rows * stride];
            let seconds = best(|| multiply(isa, product, &mut out, stride, &mut packing));
            black_box(&out);
            let gflops = 2e-9 * count(product.rows * product.depth * product.columns) / seconds;
            let share = gflops / peak * 100.0;
            let Product { rows, depth, columns, .. } = product;
            println!(
                "model::gemm/{name}={layout} rows={rows} depth={depth} columns={columns}  {:9.1} µs  {gflops:6.1} GFLOP/s  {share:5.1} % of peak",
                seconds * 1e6
            );
        };
        let start = Start::Zero;
        let weights = View::rows(&right, depth);
        let forward = View::rows(&left, depth);
        let right = weights.transposed();
        time("forward", Product { left: forward, right, rows, depth, columns, start });
        let (left, right) = (View::rows(&slope, columns), weights);
        time(
            "input_gradient",
            Product { left, right, rows, depth: columns, columns: depth, start },
        );
        let (left, right) = (left.transposed(), forward);
        time(
            "weight_gradient",
            Product { left, right, rows: columns, depth: rows, columns: depth, start },
        );
    }
}

fn adamw() {
    let length = 1 << 20;
    let hyper = HyperParameters {
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weight_decay: 0.1,
        clip_norm: 1.0,
    };
    let mut state = AdamW::new(length, hyper, std::iter::once(0..length).collect());
    let (mut params, gradient) = (vec![0.5; length], vec![0.25; length]);
    let seconds = best(|| {
        state.step(&mut params, &gradient, 1e-3);
    });
    println!("optimizer::adamw  {:9.2} ns a parameter", seconds / count(length) * 1e9);
}

/// Returns the seconds of the fastest of many calls.
fn best(mut work: impl FnMut()) -> f64 {
    let started = Instant::now();
    let mut best = f64::INFINITY;
    while started.elapsed() < TIME {
        let before = Instant::now();
        work();
        best = best.min(before.elapsed().as_secs_f64());
    }
    best
}

#[expect(clippy::cast_precision_loss, reason = "a figure for display")]
fn count(number: usize) -> f64 {
    number as f64
}
