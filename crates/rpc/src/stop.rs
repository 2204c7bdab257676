//! Tells the parts of a server that it stops.

use tokio::sync::watch;

/// Stops a server when it is called or dropped.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<()>);

/// Held by every task that must end before the server has stopped.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<()>);

/// Returns both ends.
pub(crate) fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(());
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Notifies all tasks, and waits until they have ended.
    pub(crate) async fn stop(self) {
        // The send fails only when all tasks have ended already.
        let _ = self.0.send(());
        self.0.closed().await;
    }
}

impl Stop {
    /// Waits until the server stops.
    pub(crate) async fn stopped(mut self) {
        // An error means that the other end was dropped, which also stops the server.
        let _ = self.0.changed().await;
    }
}
