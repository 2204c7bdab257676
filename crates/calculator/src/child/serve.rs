//! The child's side: gives up its rights, reads the order, computes, answers.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek as _, SeekFrom},
    ops::ControlFlow,
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
};

use sandbox::{Bounds, Kernel};
use verification::{Comparison, Job, Outcome, Resume, SAVED_HEAD_SIZE, Standing, saved_step};

use super::{
    Needs,
    memory::{self, Mapped},
};
use crate::codec::{self, Answer, Done, Received};

/// Memory beside that of the round: code, buffers, stacks.
const MEMORY_MARGIN: u64 = 128 << 20;
/// Address space that is reserved and not used: the C library's for each thread, the program, the shared parameters.
const ADDRESS_MARGIN: u64 = 64 << 30;

/// The main function of a child: it has one order, from the socket that is its stdin, and ends with it. Nothing of the process may
/// be open yet, and no thread started.
#[must_use]
pub fn serve(needs: Needs) -> ExitCode {
    sandbox::close_inherited();
    match serve_order(needs) {
        Ok(()) => ExitCode::SUCCESS,
        // The parent is gone, or is told.
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve_order(needs: Needs) -> io::Result<()> {
    // As a file: a confined process reads and writes, and has no calls of sockets.
    let socket = File::from(rustix::io::dup(rustix::stdio::stdin())?);
    let commands = socket.try_clone()?;
    // One byte, which is no part of the order.
    let mut handed = memory::take_over(&socket)?.into_iter();
    let base = Mapped::new(&handed.next().ok_or(io::ErrorKind::InvalidInput)?)?;
    let slots: Vec<File> = handed.map(File::from).collect();
    let mut answering = socket.try_clone()?;
    let bounds = Bounds {
        memory: needs.memory.saturating_add(MEMORY_MARGIN),
        address_space: needs.memory.saturating_mul(2).saturating_add(ADDRESS_MARGIN),
        file: needs.file,
    };
    let report = sandbox::confine_computing(bounds, Kernel::THIS);
    codec::write_answer(&mut answering, &Answer::Ready(report))?;
    let mut reader = BufReader::new(socket);
    let order = match codec::read_order(&mut reader) {
        Ok(order) => order,
        Err(error) => {
            return codec::write_answer(&mut answering, &Answer::Broken(error.to_string()));
        }
    };
    let command = Arc::new(AtomicU8::new(0));
    listen(reader.buffer().to_vec(), commands, Arc::clone(&command))?;
    // What a panic says goes to stderr, which is closed; the parent is told here.
    let computed = panic::catch_unwind(AssertUnwindSafe(|| {
        compute(&order, &base, &slots, &command, &mut answering)
    }));
    let answer = match computed {
        Ok(answer) => answer?,
        Err(panicked) => {
            let text = panicked.downcast_ref::<String>().cloned();
            let fixed = panicked.downcast_ref::<&str>().map(|text| (*text).to_owned());
            Answer::Broken(text.or(fixed).unwrap_or_else(|| "it panicked".to_owned()))
        }
    };
    codec::write_answer(&mut answering, &answer)
}

/// Keeps the newest command in `command`, and ends the process when the parent is gone.
fn listen(early: Vec<u8>, mut commands: File, command: Arc<AtomicU8>) -> io::Result<()> {
    let obey = move || {
        for byte in early {
            command.store(byte, Ordering::Relaxed);
        }
        let mut byte = [0];
        while matches!(commands.read(&mut byte), Ok(1)) {
            command.store(byte[0], Ordering::Relaxed);
        }
        std::process::exit(1);
    };
    thread::Builder::new().name("commands".to_owned()).spawn(obey)?;
    Ok(())
}

/// Computes the round, and saves it when it is told to.
fn compute(
    order: &Received,
    base: &[f32],
    slots: &[File],
    command: &AtomicU8,
    answering: &mut File,
) -> io::Result<Answer> {
    let shards: Vec<&[u8]> = order.shards.iter().map(Vec::as_slice).collect();
    let job = Job {
        spec: &order.spec,
        round: order.round,
        device: order.device,
        base,
        shards: &shards,
        threads: order.threads,
        isa: order.isa,
        activations: order.activations,
        spare: None,
    };
    let mut found = newest_first(slots)?;
    // In turn, the newest last: a kill while one is written leaves the other.
    let newest = found.first().copied();
    let is_newest = |slot: &File| newest.is_some_and(|newest| std::ptr::eq(newest, slot));
    let skipped = slots.iter().position(|slot| !is_newest(slot)).unwrap_or(0);
    let mut turn = slots.iter().cycle().skip(skipped);
    let saved = found.iter_mut().map(|slot| slot as &mut dyn Read).collect();
    let from = Resume { leaves: order.leaves.as_deref(), saved };
    let mut told = Ok(());
    let result = verification::resume(&job, from, &mut |report, standing| {
        told = codec::write_answer(answering, &Answer::Paced(report)).and_then(|()| {
            let command = command.swap(0, Ordering::Relaxed);
            if command != 0
                && let Some(slot) = turn.next()
                // A full disk is no reason to stop.
                && save(standing, slot).is_ok()
            {
                codec::write_answer(answering, &Answer::Saved(report.step))?;
            }
            if command == codec::END { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        });
        if told.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    Ok(match result {
        Ok(Comparison::Whole(Outcome { leaves, update, loss_mean, .. })) => {
            Answer::Whole(Done { leaves, update, loss_mean })
        }
        Ok(Comparison::Differs { leaf }) => Answer::Differs(leaf),
        Err(error) => Answer::Failed(error),
    })
}

fn save(standing: &Standing<'_>, mut slot: &File) -> io::Result<()> {
    slot.seek(SeekFrom::Start(0))?;
    standing.save(&mut slot)
}

/// Returns the files in which there is a round, the one with most steps first.
fn newest_first(slots: &[File]) -> io::Result<Vec<&File>> {
    let mut found = Vec::new();
    for mut slot in slots {
        let mut head = Vec::new();
        slot.seek(SeekFrom::Start(0))?;
        slot.take(SAVED_HEAD_SIZE).read_to_end(&mut head)?;
        slot.seek(SeekFrom::Start(0))?;
        if let Some(step) = saved_step(&head) {
            found.push((std::cmp::Reverse(step), slot));
        }
    }
    found.sort_by_key(|(step, _)| *step);
    Ok(found.into_iter().map(|(_, slot)| slot).collect())
}
