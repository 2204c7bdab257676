//! Writes what the fuzzer begins with for `order` and `answer`: their specifications and texts are not found by chance. Give a folder.

use std::path::Path;
use std::sync::Arc;
use std::{env, fs, io};

use calculator::Order;
use calculator::codec::{Answer, Done, write_answer, write_order};
use model::{Activations, Config, instructions::Isa};
use sandbox::Report;
use units::{DeviceId, Digest};
use verification::{InnerKind, JobError, RunSpec, StepReport};

/// Leaves and largest update that the seeds of answers are for, as the target reads them.
const LEAVES: u8 = 4;
const UPDATE_MAX: u16 = 300;

fn order(optimizer: InnerKind, leaves: Option<Vec<Digest>>) -> Order {
    let spec = RunSpec {
        model: Config { layers: 1, width: 16, heads: 2, context: 16, vocabulary: 256, hidden: 32 },
        steps_per_round: 4,
        batch: 2,
        shards_per_round: 2,
        segments: 2,
        warmup_rounds: 0,
        optimizer,
        ..RunSpec::small(3, [7; 32])
    };
    Order {
        spec: Arc::new(spec),
        round: 1,
        device: DeviceId::from_bytes([7; 32]),
        base: Arc::default(),
        base_digest: Digest::ZERO,
        shards: vec![Arc::new(b"barley and oats".to_vec()), Arc::default()],
        leaves,
        threads: 2,
        isa: Isa::Scalar,
        activations: Activations::Keep,
        spare: None,
        is_saved: true,
    }
}

fn answers() -> Vec<Answer> {
    let leaves = vec![Digest::ZERO; usize::from(LEAVES)];
    vec![
        Answer::Ready(Report::from_bytes([0; Report::SIZE]).expect("a report")),
        Answer::Paced(StepReport { step: 3, steps: 100, loss: 2.5 }),
        Answer::Saved(3),
        Answer::Whole(Done { leaves, update: vec![9; 40], loss_mean: 2.5 }),
        Answer::Differs(2),
        Answer::Failed(JobError::CalledOff { step: 3 }),
        Answer::Failed(JobError::Diverged { step: 3 }),
        Answer::Broken("no memory".to_owned()),
    ]
}

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).ok_or_else(|| io::Error::other("give a folder"))?;
    let folder = Path::new(&folder);
    let write = |name: String, bytes: Vec<u8>| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, bytes)
    };
    let orders = [
        order(InnerKind::AdamW, None),
        order(InnerKind::Muon, Some(vec![Digest::ZERO; usize::from(LEAVES)])),
    ];
    for (index, order) in orders.iter().enumerate() {
        let mut bytes = Vec::new();
        write_order(&mut bytes, order)?;
        write(format!("order/seed-{index}"), bytes)?;
    }
    let [low, high] = UPDATE_MAX.to_le_bytes();
    let mut all = vec![LEAVES, low, high];
    for (index, answer) in answers().iter().enumerate() {
        let mut bytes = vec![LEAVES, low, high];
        write_answer(&mut bytes, answer)?;
        write_answer(&mut all, answer)?;
        write(format!("answer/seed-{index}"), bytes)?;
    }
    write("answer/seed-all".to_owned(), all)
}
