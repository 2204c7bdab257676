//! Measures the time of each kind of work in a training step, compared with the peak of fused multiply-adds of a core.
//!
//! `cargo run --release -p model --example speed -- [small|medium|large] [isa] [threads] [steps] [recompute]`
//!
//! Times are CPU times of the threads, the minimum over all steps for each kind of work: so other programs hardly
//! affect them.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "prints a measurement")]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use model::instructions::Isa;
use model::{Activations, Config, Execution, Layout, Operator, Trainer, initial_parameters};
use optimizer::{AdamW, HyperParameters};

const HYPER: HyperParameters =
    HyperParameters { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 1.0 };

fn config(name: &str) -> Option<(Config, usize)> {
    let base =
        Config { layers: 6, width: 256, heads: 8, context: 256, vocabulary: 256, hidden: 688 };
    match name {
        "small" => Some((base, 8)),
        "medium" => Some((Config { layers: 8, width: 512, heads: 8, hidden: 1376, ..base }, 8)),
        "large" => Some((
            Config { layers: 12, width: 768, heads: 12, context: 512, hidden: 2048, ..base },
            4,
        )),
        _ => None,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "small".to_owned());
    let (config, batch) = config(&name).ok_or("unknown size: give small, medium or large")?;
    let isa = arguments.next().map_or(Ok(Isa::detect()), |name| name.parse())?;
    let threads = arguments.next().map_or(Ok(1), |threads| threads.parse())?;
    let steps = arguments.next().map_or(Ok(5), |steps| steps.parse())?;

    let activations = match arguments.next().as_deref() {
        Some("recompute") => Activations::Recompute,
        _ => Activations::Keep,
    };
    let execution = Execution { batch, threads, isa, activations };
    let mut params = initial_parameters(&config, &[1; 32]);
    let count = batch * config.context;
    let tokens: Vec<u8> = (0..=255_u8).cycle().map(|i| i.wrapping_mul(37)).take(count).collect();
    let mut gradient = vec![0.0; params.len()];
    let mut adam = AdamW::new(params.len(), HYPER, Layout::new(&config).decayed());
    let mut trainer = Trainer::new(&config, execution)?;
    let mut least = [u64::MAX; Operator::ALL.len()];
    let (mut peaks, mut best, mut least_busiest) = (Vec::new(), 0.0_f64, u64::MAX);
    let (mut least_adam, mut least_step, mut least_wall) = (u64::MAX, u64::MAX, f64::INFINITY);
    for _ in 0..steps {
        let before = peak(isa);
        trainer.measure(clock);
        let wall = Instant::now();
        trainer.loss_and_gradient(&params, &tokens, &tokens, &mut gradient);
        let start = clock();
        adam.step(&mut params, &gradient, 1e-3);
        let spent_adam = clock() - start;
        least_wall = least_wall.min(wall.elapsed().as_secs_f64());
        let mut step = [0; Operator::ALL.len()];
        let mut busiest = 0;
        for spent in trainer.spent() {
            busiest = busiest.max(spent.iter().map(|(_, spent)| spent).sum::<u64>());
            step.iter_mut().zip(spent).for_each(|(sum, (_, spent))| *sum += spent);
        }
        let spent = step.iter().sum::<u64>() + spent_adam;
        least_busiest = least_busiest.min(busiest + spent_adam);
        let now = (before + peak(isa)) / 2.0;
        best = best.max(config.training_flops(count) / spent as f64 / now);
        peaks.push(now);
        least_step = least_step.min(spent);
        least.iter_mut().zip(step).for_each(|(least, step)| *least = step.min(*least));
        least_adam = least_adam.min(spent_adam);
    }
    println!("{name} {config:?} batch={batch} parameters={}", params.len());
    println!("{activations:?}: {} MB", Trainer::memory_bytes(&config, execution) / 1_000_000);
    let total = (least.iter().sum::<u64>() + least_adam) as f64;
    let rows = Operator::ALL.iter().map(Operator::to_string).zip(least);
    for (name, spent) in rows.chain([("adamw".to_owned(), least_adam)]) {
        println!("{name:20} {:8.2} ms {:5.1} %", spent as f64 / 1e6, spent as f64 / total * 100.0);
    }
    let peak = peaks.iter().copied().fold(0.0, f64::max);
    let flops = config.training_flops(count);
    for (name, nanoseconds) in [("sum of the least", total), ("least step", least_step as f64)] {
        let speed = flops / nanoseconds;
        println!(
            "{name:20} {:8.2} ms  {speed:.1} GFLOP/s a core, {:.1} % of {peak:.1}",
            nanoseconds / 1e6,
            speed / peak * 100.0
        );
    }
    println!("best step, against the peak at its time: {:.1} %", best * 100.0);
    println!("{:20} {:8.2} ms", "busiest thread", least_busiest as f64 / 1e6);
    println!("{:20} {:8.2} ms  isa={isa} threads={threads}", "least wall", least_wall * 1e3);
    Ok(())
}

/// Returns the GFLOP/s of one core that only does fused multiply-adds: the best of many runs.
fn peak(isa: Isa) -> f64 {
    const ROUNDS: usize = 1 << 15;
    let one = || {
        let start = clock();
        let flops = match isa {
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "calls code compiled for other instructions")]
            // SAFETY: `main` has made a trainer with these instructions.
            Isa::Avx512 => unsafe { chains_avx512(ROUNDS) },
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "calls code compiled for other instructions")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { chains_avx2(ROUNDS) },
            _ => chains::<4, 16>(ROUNDS / 16),
        };
        flops / (clock() - start) as f64
    };
    (0..4).map(|_| one()).fold(0.0, f64::max)
}

/// Uses intrinsics, since LLVM prefers vectors of 256 bits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn chains_avx512(rounds: usize) -> f64 {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps};
    let (factor, term) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(0.001)));
    let mut sums: [_; 12] = std::array::from_fn(|i| _mm512_set1_ps(black_box(i as f32)));
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, term);
        }
    }
    black_box(sums.map(|sum| _mm512_reduce_add_ps(sum)));
    (2 * 16 * 12 * rounds) as f64
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn chains_avx2(rounds: usize) -> f64 {
    chains::<8, 12>(rounds)
}

/// Runs `CHAINS` vectors of fused multiply-adds that stay in registers; returns the number of operations.
#[inline(always)]
fn chains<const LANES: usize, const CHAINS: usize>(rounds: usize) -> f64 {
    let factor = black_box([0.999_f32; LANES]);
    let mut sums = black_box([[1.0_f32; LANES]; CHAINS]);
    for _ in 0..rounds {
        for sum in &mut sums {
            for (sum, factor) in sum.iter_mut().zip(factor) {
                *sum = sum.mul_add(factor, 0.001);
            }
        }
    }
    black_box(sums);
    (2 * rounds * LANES * CHAINS) as f64
}

#[repr(C)]
struct Time {
    seconds: i64,
    nanoseconds: i64,
}

/// Returns the CPU time of the calling thread.
#[cfg(target_os = "linux")]
fn clock() -> u64 {
    #[expect(
        unsafe_code,
        reason = "the standard library has no clock for the CPU time of a thread"
    )]
    // SAFETY: this is its signature on 64-bit Linux; it writes only `time`.
    unsafe extern "C" {
        safe fn clock_gettime(clock: i32, time: &mut Time) -> i32;
    }
    let mut time = Time { seconds: 0, nanoseconds: 0 };
    const THREAD: i32 = 3;
    clock_gettime(THREAD, &mut time);
    #[expect(clippy::cast_sign_loss, reason = "a clock is never negative")]
    let nanoseconds = time.seconds as u64 * 1_000_000_000 + time.nanoseconds as u64;
    nanoseconds
}

/// Returns the time since the start of the program, on systems without a clock for CPU time of a thread.
#[cfg(not(target_os = "linux"))]
fn clock() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}
