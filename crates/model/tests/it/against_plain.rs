//! Compares every element of the gradient with central differences of the plain model in f64.

use model::instructions::Isa;
use model::philox::Philox;
use model::{Activations, Config, Execution, Layout, Trainer, initial_parameters};

use crate::plain;

const CONFIG: Config =
    Config { layers: 2, width: 8, heads: 2, context: 5, vocabulary: 11, hidden: 13 };
const STEP: f64 = 1e-4;
/// Allowed error of a gradient, relative to the largest in its tensor. Central differences are off by about `STEP²`.
const TOLERANCE: f64 = 1e-5;

#[test]
fn gradient_is_the_slope_of_the_plain_loss() {
    let mut params = initial_parameters(&CONFIG, &[9; 32]);
    let noise = Philox::new([3, 4]);
    for (index, value) in (0..).zip(&mut params) {
        // Different norms and a larger embedding, so that no gradient is tiny.
        *value = *value * 1.5
            + f32::from(i8::from_le_bytes([noise.block_at(index)[0].to_le_bytes()[0]])) / 512.0;
    }
    let tokens = [1, 10, 3, 3, 7, 0, 2, 9, 10, 4];
    let targets = [10, 3, 3, 7, 5, 2, 9, 1, 4, 10];
    let execution =
        Execution { batch: 2, threads: 1, isa: Isa::detect(), activations: Activations::Keep };
    let mut trainer = Trainer::new(&CONFIG, execution).unwrap();
    let mut gradient = vec![f32::NAN; params.len()];
    let loss = trainer.loss_and_gradient(&params, &tokens, &targets, &mut gradient);

    let mut exact: Vec<f64> = params.iter().copied().map(f64::from).collect();
    let plain = plain::loss(&CONFIG, &exact, &tokens, &targets);
    assert!((f64::from(loss) - plain).abs() < 1e-6, "{loss}, expected {plain}");
    for tensor in Layout::new(&CONFIG).tensors() {
        let slopes: Vec<f64> = tensor
            .range
            .clone()
            .map(|i| {
                let mut at = |value| {
                    exact[i] = value;
                    plain::loss(&CONFIG, &exact, &tokens, &targets)
                };
                let here = f64::from(params[i]);
                let slope = (at(here + STEP) - at(here - STEP)) / (2.0 * STEP);
                exact[i] = here;
                slope
            })
            .collect();
        let largest = slopes.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(largest > 1e-3, "the gradient of {} must not be almost zero", tensor.name);
        for (found, slope) in gradient[tensor.range.clone()].iter().zip(&slopes) {
            let off = (f64::from(*found) - slope).abs() / largest;
            assert!(off < TOLERANCE, "{}: {found}, expected {slope}, off by {off:e}", tensor.name);
        }
    }
}
