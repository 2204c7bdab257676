//! How a server's parts learn that it stops.

use tokio::sync::watch;

/// Stops a server when it is told to, or dropped.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<()>);

/// Held by everything that has to end before the server has stopped.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<()>);

/// Makes both ends.
pub(crate) fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(());
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Tells everyone, and waits until all have ended.
    pub(crate) async fn stop(self) {
        // Without a receiver all have ended already.
        let _ = self.0.send(());
        self.0.closed().await;
    }
}

impl Stop {
    /// Waits until the server stops.
    pub(crate) async fn stopped(mut self) {
        // An error is the other end's drop, which stops the server, too.
        let _ = self.0.changed().await;
    }
}
