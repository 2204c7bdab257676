//! What a trainer allocates, and when.

#![expect(unsafe_code, reason = "a counting allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use model::instructions::Isa;
use model::{Activations, Config, Execution, Trainer, initial_parameters};

const CONFIG: Config =
    Config { layers: 3, width: 48, heads: 4, context: 64, vocabulary: 60, hidden: 128 };

/// The system's allocator, which also counts calls and bytes of each thread.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call is passed to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (calls, bytes) = ALLOCATED.get();
        ALLOCATED.set((calls + 1, bytes + layout.size()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `alloc` is that of the system.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Runs `work` and counts the calls and bytes that the calling thread allocates.
fn allocated<R>(work: impl FnOnce() -> R) -> (R, usize, usize) {
    let (calls, bytes) = ALLOCATED.get();
    let result = work();
    let (calls_after, bytes_after) = ALLOCATED.get();
    (result, calls_after - calls, bytes_after - bytes)
}

#[test]
fn everything_is_allocated_before_the_first_step() {
    let params = initial_parameters(&CONFIG, &[4; 32]);
    let mut gradient = vec![0.0; params.len()];
    let tokens = vec![7; 2 * CONFIG.context];
    for activations in [Activations::Keep, Activations::Recompute] {
        for threads in [1, 2] {
            let execution = Execution { batch: 2, threads, isa: Isa::detect(), activations };
            let (trainer, _, bytes) = allocated(|| Trainer::new(&CONFIG, execution));
            let mut trainer = trainer.unwrap();
            let promised = Trainer::memory_bytes(&CONFIG, execution);
            let slack = bytes.checked_sub(promised);
            assert!(slack.is_some_and(|slack| slack < 16_384), "{bytes}, promised {promised}");
            let (_, calls, _) = allocated(|| {
                trainer.loss(&params, &tokens, &tokens);
                trainer.loss_and_gradient(&params, &tokens, &tokens, &mut gradient)
            });
            assert_eq!(calls, 0, "{threads} threads, {activations:?}");
        }
    }
}
