//! Checks that every instruction set and any number of threads give the same bits.

use model::instructions::Isa;
use model::{
    Activations, Config, Execution, Layout, Trainer, TrainerError, initial_parameters, state_digest,
};
use optimizer::{AdamW, HyperParameters};

/// No size is a multiple of a tile or of a vector, and the context is longer than one block of queries.
const CONFIG: Config =
    Config { layers: 2, width: 36, heads: 3, context: 53, vocabulary: 45, hidden: 50 };

fn batch(sequences: u32) -> (Vec<u8>, Vec<u8>) {
    let size = sequences * 53;
    let text: Vec<u8> = (0..=size).map(|i| u8::try_from((i * i / 7 + i) % 45).unwrap()).collect();
    (text[..text.len() - 1].to_vec(), text[1..].to_vec())
}

/// Does three steps of plain gradient descent; returns losses and the digest of the state.
fn train(execution: Execution, sequences: u32) -> (Vec<u32>, String) {
    let mut trainer = Trainer::new(&CONFIG, execution).unwrap();
    let mut params = initial_parameters(&CONFIG, &[4; 32]);
    let (tokens, targets) = batch(sequences);
    let mut gradient = vec![0.0; params.len()];
    let mut losses = Vec::new();
    for _ in 0..3 {
        let before = trainer.loss(&params, &tokens, &targets);
        let loss = trainer.loss_and_gradient(&params, &tokens, &targets, &mut gradient);
        assert_eq!(before.to_bits(), loss.to_bits(), "both functions must give the same loss");
        losses.push(loss.to_bits());
        params.iter_mut().zip(&gradient).for_each(|(p, g)| *p -= 0.5 * g);
    }
    let values: Vec<f32> = losses.iter().map(|bits| f32::from_bits(*bits)).collect();
    assert!(values[2] < values[0], "the loss must fall: {values:?}");
    (losses, state_digest(&params).to_string())
}

/// Pinned: every machine, compiler and release must give it. A change here is a change of the protocol.
#[test]
fn every_machine_arrives_at_the_same_state() {
    let scalar = train(
        Execution { batch: 5, threads: 1, isa: Isa::Scalar, activations: Activations::Keep },
        5,
    );
    assert_eq!(scalar.1, "31bf493b90e10abfcd4b6748e61efa62de29d74b8febb941263dcf4b53e0330b");
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
        for threads in [1, 2, 3, 7] {
            if (isa, threads) != (Isa::Scalar, 1) {
                let found =
                    train(Execution { batch: 5, threads, isa, activations: Activations::Keep }, 5);
                assert_eq!(found, scalar, "{isa} with {threads} threads");
            }
        }
    }
}

/// Checks whole steps with the optimizer of runs: parameters and losses after each.
#[test]
fn steps_of_adamw_are_the_same_everywhere() {
    let hyper = HyperParameters {
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weight_decay: 0.1,
        clip_norm: 1.0,
    };
    let (tokens, targets) = batch(3);
    let run = |isa, threads, activations| {
        let execution = Execution { batch: 3, threads, isa, activations };
        let mut trainer = Trainer::new(&CONFIG, execution).unwrap();
        let mut params = initial_parameters(&CONFIG, &[5; 32]);
        let mut adam = AdamW::new(params.len(), hyper, Layout::new(&CONFIG).decayed());
        let mut gradient = vec![0.0; params.len()];
        let mut steps = Vec::new();
        for _ in 0..3 {
            let loss = trainer.loss_and_gradient(&params, &tokens, &targets, &mut gradient);
            adam.step(&mut params, &gradient, 1e-2);
            steps.push((loss.to_bits(), state_digest(&params).to_string()));
        }
        steps
    };
    let scalar = run(Isa::Scalar, 1, Activations::Keep);
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
        for (threads, activations) in [(1, Activations::Recompute), (2, Activations::Keep)] {
            assert_eq!(run(isa, threads, activations), scalar, "{isa} {threads} {activations:?}");
        }
    }
}

#[test]
fn computing_activations_again_changes_nothing() {
    let keep =
        Execution { batch: 3, threads: 1, isa: Isa::detect(), activations: Activations::Keep };
    let expected = train(keep, 3);
    for threads in [1, 2] {
        let execution = Execution { threads, activations: Activations::Recompute, ..keep };
        assert_eq!(train(execution, 3), expected);
        let (kept, again) = (Execution { threads, ..keep }, execution);
        assert!(Trainer::memory_bytes(&CONFIG, again) < Trainer::memory_bytes(&CONFIG, kept));
    }
}

#[test]
fn a_part_of_a_batch_is_a_batch_of_its_own() {
    let isa = Isa::detect();
    let whole = train(Execution { batch: 2, threads: 1, isa, activations: Activations::Keep }, 2);
    for threads in [1, 2, 3] {
        assert_eq!(
            train(Execution { batch: 9, threads, isa, activations: Activations::Keep }, 2),
            whole
        );
    }
}

#[test]
fn a_diverged_run_returns_nan() {
    let execution =
        Execution { batch: 1, threads: 1, isa: Isa::detect(), activations: Activations::Keep };
    let mut trainer = Trainer::new(&CONFIG, execution).unwrap();
    let mut params = initial_parameters(&CONFIG, &[4; 32]);
    params[45 * 36 + 40] = f32::NAN;
    let (tokens, targets) = batch(1);
    let mut gradient = vec![0.0; params.len()];
    assert!(trainer.loss_and_gradient(&params, &tokens, &targets, &mut gradient).is_nan());
    assert!(gradient.iter().any(|value| value.is_nan()));
}

#[test]
fn wrong_arguments_are_named() {
    let execution =
        Execution { batch: 1, threads: 0, isa: Isa::Scalar, activations: Activations::Keep };
    let error = Trainer::new(&CONFIG, execution).err();
    assert_eq!(error, Some(TrainerError::Empty { batch: 1, threads: 0 }));
    let odd = Config { heads: 4, width: 36, ..CONFIG };
    let error = Trainer::new(&odd, Execution { threads: 1, ..execution }).err().unwrap();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("multiple of 8"));
}
