//! Computers that take virtual time.

use std::time::Duration;

use machine::{Effort, Ended, Machine, Work};
use tokio::time::sleep;

/// What takes less than a step takes this long.
const MOMENT: Duration = Duration::from_millis(5);

/// A computer that computes in the thread of the simulation, when the time that it takes is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VirtualMachine {
    /// Time of a training step.
    pub(crate) step: Duration,
}

impl Machine for VirtualMachine {
    fn run(&self, effort: Effort, work: Work) -> Ended {
        let step = self.step;
        // A task of its own: it goes on when nobody waits any more.
        let computing = tokio::spawn(async move {
            sleep(MOMENT).await;
            for _ in 0..effort.steps {
                if effort.is_called_off() {
                    return;
                }
                sleep(step).await;
            }
            work();
        });
        Box::pin(async move {
            // A panic is noted where all panics are; then the work has no result.
            let _ended = computing.await;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use machine::Interrupted;
    use tokio::time::Instant;

    use super::*;

    const MACHINE: VirtualMachine = VirtualMachine { step: Duration::from_secs(60) };

    #[tokio::test(start_paused = true)]
    async fn a_computation_takes_the_time_of_its_steps() {
        let started = Instant::now();
        let result = machine::run(&MACHINE, Effort::of(10), || 7).await;
        assert!(matches!(result, Ok(7)), "{result:?}");
        assert_eq!(started.elapsed(), Duration::from_secs(600) + MOMENT);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_called_off_ends_with_its_step() {
        let (started, called_off) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let effort = Effort { called_off: Arc::clone(&called_off), ..Effort::of(10) };
        let stop = async {
            sleep(Duration::from_secs(90)).await;
            called_off.store(true, Ordering::Relaxed);
        };
        let (result, ()) = tokio::join!(machine::run(&MACHINE, effort, || 7), stop);
        assert!(matches!(result, Err(Interrupted::Dropped)), "{result:?}");
        assert_eq!(started.elapsed(), Duration::from_secs(120) + MOMENT);
    }
}
