//! Measures training steps on this machine, without the optimizer: the best of many, for each instruction set and thread count.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement for people")]

use std::time::Instant;

use model::instructions::Isa;
use model::{Config, Execution, Trainer, initial_parameters};

const STEPS: usize = 20;

fn main() -> Result<(), model::TrainerError> {
    let batch = 8;
    let config =
        Config { layers: 4, width: 128, heads: 4, context: 128, vocabulary: 256, hidden: 344 };
    let params = initial_parameters(&config, &[1; 32]);
    let count = batch * config.context;
    let tokens: Vec<u8> = (0..=255_u8).cycle().map(|i| i.wrapping_mul(37)).take(count).collect();
    let mut gradient = vec![0.0; params.len()];
    println!("{config:?} batch={batch} parameters={}", params.len());
    for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|isa| isa.is_available()) {
        for threads in [1, 2] {
            let mut trainer = Trainer::new(&config, Execution { batch, threads, isa })?;
            let mut best = f64::INFINITY;
            for _ in 0..STEPS {
                let start = Instant::now();
                trainer.loss_and_gradient(&params, &tokens, &tokens, &mut gradient);
                best = best.min(start.elapsed().as_secs_f64());
            }
            let tokens_per_second = config.training_flops(count) / config.training_flops(1) / best;
            let gigaflops = config.training_flops(count) / best / 1e9;
            println!(
                "isa={isa} threads={threads} ms={:.1} tokens_per_second={tokens_per_second:.0} gflops={gigaflops:.1}",
                best * 1e3
            );
        }
    }
    Ok(())
}
