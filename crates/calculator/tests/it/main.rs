//! Rounds in real children, and children that break the protocol.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

mod children;
mod messages;

use std::sync::Arc;

use calculator::Order;
use model::{Activations, Config, instructions::Isa};
use units::DeviceId;
use verification::{InnerKind, RunSpec};

/// Returns the smallest round that uses every part, with one byte that makes it another one.
fn order(byte: u8, optimizer: InnerKind) -> Order {
    let spec = RunSpec {
        model: Config { layers: 1, width: 16, heads: 2, context: 16, vocabulary: 256, hidden: 32 },
        warmup_rounds: 0,
        steps_per_round: 4,
        batch: 2,
        shards_per_round: 2,
        segments: 2,
        optimizer,
        ..RunSpec::small(3, [byte; 32])
    };
    let base = model::initial_parameters(&spec.model, &spec.seed.0);
    let line = "It is a melancholy of mine own, compounded of many simples. ";
    Order {
        base_digest: model::state_digest(&base),
        spec: Arc::new(spec),
        round: 1,
        device: DeviceId::from_bytes([byte; 32]),
        base: Arc::new(base),
        shards: [5, 9].map(|lines| Arc::new(line.repeat(lines).into_bytes())).to_vec(),
        leaves: None,
        threads: 2,
        isa: Isa::detect(),
        activations: Activations::Keep,
        spare: None,
        is_saved: true,
    }
}
