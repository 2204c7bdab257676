//! Tests of the replay and of the outer step.

mod audits;
mod jobs;
mod outer;
mod replay;
mod resumed;

use model::Config;
use units::DeviceId;
use verification::RunSpec;

/// Returns the smallest run that uses every part: two segments, both densities, both levels.
fn tiny() -> RunSpec {
    RunSpec {
        model: Config { layers: 1, width: 16, heads: 2, context: 16, vocabulary: 256, hidden: 32 },
        warmup_rounds: 1,
        warmup_steps: 2,
        steps_per_round: 4,
        batch: 2,
        shards_per_round: 2,
        segments: 2,
        density_per_chunk: 512,
        ..RunSpec::small(3, [7; 32])
    }
}

fn device(byte: u8) -> DeviceId {
    DeviceId::from_bytes([byte; 32])
}

fn text() -> Vec<u8> {
    let line = "It is a melancholy of mine own, compounded of many simples. ";
    line.repeat(20).into_bytes()
}
