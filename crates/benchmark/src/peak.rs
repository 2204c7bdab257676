//! Measures the peak speed of a core: fused multiply-adds on registers, nothing else.
//!
//! This is the only unsafe code of the crate: calls of functions that are compiled for instructions that the crate as
//! a whole does not require. A [`Checked`] proves that the processor has them. The functions use intrinsics, since
//! LLVM prefers vectors of 256 bits even where it may use 512.

use std::hint::black_box;
use std::time::Duration;

use model::instructions::{Checked, Isa};

use crate::measure::now;

/// Number of independent chains: more than latency times instructions per cycle (4 · 2) on every current core, and
/// few enough that sums and operands fit the sixteen registers of AVX2.
const CHAINS: usize = 12;

/// Multiply-adds of each chain between two readings of the clock: about a tenth of a millisecond.
const ROUNDS: usize = 1 << 14;

/// How long to measure: long enough for a core to change its frequency.
const TIME: Duration = Duration::from_millis(150);

/// Returns the peak speed of one core with these instructions, in billions of f32 operations per second; a
/// multiply-add counts as two.
///
/// For [`Isa::Scalar`] on x86 it is low: the fused multiply-add is then a function call.
#[must_use]
pub fn peak_gflops(isa: Checked) -> f64 {
    let started = now();
    let mut best = 0.0_f64;
    while started.elapsed() < TIME {
        let before = now();
        let operations = multiply_add(isa);
        best = best.max(operations / before.elapsed().as_secs_f64() / 1e9);
    }
    best
}

/// Runs all chains once; returns the number of operations.
#[cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "calls code compiled for instructions that the crate does not require"
    )
)]
fn multiply_add(isa: Checked) -> f64 {
    match isa.isa() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Checked` is only made when the processor has AVX-512F.
        Isa::Avx512 => unsafe { x86::avx512() },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Checked` is only made when the processor has AVX2 and FMA.
        Isa::Avx2 => unsafe { x86::avx2() },
        // Each multiply-add is a function call: fewer rounds, or it takes minutes.
        Isa::Scalar if cfg!(target_arch = "x86_64") => plain::<1>(ROUNDS / 64),
        // If a multiply-add is an instruction, the compiler vectorizes it.
        _ => plain::<4>(ROUNDS),
    }
}

/// Runs the chains in portable code, in vectors of `LANES` if the compiler vectorizes.
fn plain<const LANES: usize>(rounds: usize) -> f64 {
    let (factor, term) = (black_box(0.999_f32), black_box(0.001_f32));
    let mut sums = [[black_box(1.0_f32); LANES]; CHAINS];
    for _ in 0..rounds {
        for sum in sums.as_flattened_mut() {
            *sum = sum.mul_add(factor, term);
        }
    }
    black_box(sums);
    operations(LANES, rounds)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn operations(lanes: usize, rounds: usize) -> f64 {
    (2 * lanes * CHAINS * rounds) as f64
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm256_castps256_ps128, _mm256_fmadd_ps, _mm256_set1_ps, _mm512_castps512_ps128,
        _mm512_fmadd_ps, _mm512_set1_ps,
    };
    use std::hint::black_box;

    use super::{CHAINS, ROUNDS, operations};

    #[target_feature(enable = "avx512f")]
    pub(super) fn avx512() -> f64 {
        let (factor, term) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(0.001)));
        let mut sums = [_mm512_set1_ps(black_box(1.0)); CHAINS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, term);
            }
        }
        black_box(sums.map(|sum| _mm512_castps512_ps128(sum)));
        operations(16, ROUNDS)
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2() -> f64 {
        let (factor, term) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(0.001)));
        let mut sums = [_mm256_set1_ps(black_box(1.0)); CHAINS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, term);
            }
        }
        black_box(sums.map(|sum| _mm256_castps256_ps128(sum)));
        operations(8, ROUNDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_of_this_machine_has_a_peak() {
        for isa in [Isa::Scalar, Isa::detect()].into_iter().filter_map(Checked::new) {
            let peak = peak_gflops(isa);
            assert!(0.001 < peak && peak < 10_000.0, "{isa:?}: {peak} GFLOP/s");
        }
    }
}
