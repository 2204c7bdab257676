//! The thread that starts workers.
//!
//! The kernel kills a worker when the *thread* that started it ends, so that thread lives as long as the hold. Threads of an executor don't.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rustix::process::Pid;

use crate::hold::{Pipes, child};

type Started = io::Result<Child>;
type Order = (Command, Vec<PathBuf>, Sender<Started>);

/// Starts workers, and keeps the one that runs.
#[derive(Debug)]
pub(super) struct Holder {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    child: Option<Child>,
}

impl Holder {
    /// Begins the thread.
    pub(super) fn begin() -> Self {
        let (orders, received): (_, Receiver<Order>) = channel();
        let thread = std::thread::Builder::new().name("holder".into()).spawn(move || {
            while let Ok((command, groups, answer)) = received.recv() {
                let started = child::start(command, groups.iter().map(PathBuf::as_path));
                // Nobody waits any more only if the caller panicked; the child is killed with this thread.
                let _nobody = answer.send(started);
            }
        });
        Self { orders: Some(orders), thread: thread.ok(), child: None }
    }

    /// Starts a worker in these groups.
    pub(super) fn start(
        &mut self,
        command: Command,
        groups: Vec<PathBuf>,
    ) -> io::Result<(Pid, Pipes)> {
        let gone = || io::Error::other("the thread that starts workers could not be started");
        let (answer, started) = channel();
        let orders = self.orders.as_ref().filter(|_| self.thread.is_some()).ok_or_else(gone)?;
        orders.send((command, groups, answer)).map_err(|_| gone())?;
        let mut child = started.recv().map_err(|_| gone())??;
        let pipes = Pipes {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
        };
        let process = Pid::from_child(&child);
        self.child = Some(child);
        Ok((process, pipes))
    }

    /// Returns how the worker ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().ok().flatten()
    }

    /// Waits for a worker that has been killed.
    pub(super) fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It is a child of this process, so waiting for it can't fail unless somebody else has.
            let _waited = child.wait();
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // Its panic has been told when a start failed.
            let _panicked = thread.join();
        }
    }
}
