//! Brings the statements of devices to the ledger, beside everything else: none waits for the block of another.

use ledger_client::{Ledger, LedgerError};
use tokio::{task::JoinSet, time::Instant};
use transport::message::ToWorker;

use super::{
    Driver,
    trouble::{Respite, Trouble},
};
use crate::{
    Event,
    relay::{self, Refused, Statement},
};

/// Largest number of transactions with statements that wait for a block at once.
const RUNNING_MAX: usize = 4;

/// Statements, and which of them were refused.
pub(super) struct Relayed {
    statements: Vec<Statement>,
    refused: Result<Vec<Refused>, LedgerError>,
}

/// The transactions on their way.
#[derive(Default)]
pub(super) struct Relays {
    running: JoinSet<Relayed>,
    trouble: Trouble,
}

impl Relays {
    fn has_room(&self) -> bool {
        self.running.len() < RUNNING_MAX && !self.trouble.is_resting()
    }

    fn start(&mut self, ledger: &Ledger, statements: Vec<Statement>) {
        let ledger = ledger.clone();
        self.running.spawn(async move {
            let refused = relay::relay(&ledger, &statements).await;
            Relayed { statements, refused }
        });
    }

    /// Waits until statements are on the ledger, or refused.
    pub(super) async fn done(&mut self) -> Relayed {
        loop {
            match self.running.join_next().await {
                None => std::future::pending().await,
                Some(Ok(relayed)) => return relayed,
                Some(Err(error)) => tracing::error!(%error, "relaying statements panicked"),
            }
        }
    }
}

impl Driver<'_> {
    /// Starts to bring the statements to the ledger that wait.
    pub(super) fn relay_statements(&mut self) {
        if self.relays.has_room() {
            let statements = self.relay.take(Instant::now());
            if !statements.is_empty() {
                self.relays.start(&self.ledger, statements);
            }
        }
    }

    /// Tells devices what became of their statements. Those whose transaction failed are tried again later, and hold up no others.
    pub(super) fn hear_relayed(&mut self, relayed: Relayed) -> anyhow::Result<()> {
        let heard = self.hear_fate(relayed);
        if self.relays.running.is_empty() {
            self.relay.end();
        }
        heard
    }

    fn hear_fate(&mut self, relayed: Relayed) -> anyhow::Result<()> {
        let Relayed { statements, refused } = relayed;
        let refused = match refused {
            Ok(refused) => refused,
            Err(error) => {
                // The transaction may or may not have arrived, so it is tried again.
                statements.into_iter().for_each(|statement| self.relay.put_back(statement));
                let Respite { note, .. } = self.relays.trouble.endure(error.into())?;
                note.into_iter().for_each(|note| self.emit(Event::Note(note)));
                return Ok(());
            }
        };
        self.relays.trouble.end();
        self.relay.record(&statements, &refused, Instant::now());
        for Statement { device, .. } in &statements {
            if !refused.iter().any(|refused| refused.device == *device) {
                self.send(device, &ToWorker::Relayed);
            }
        }
        // A device that has just connected waits for the answer to its first message: another refusal than that would turn it
        // away. It hears of this one from a node.
        for Refused { device, reason } in refused {
            if self.peers.get(&device).is_some_and(|peer| peer.role.is_some()) {
                self.refuse(&device, &reason);
            }
        }
        Ok(())
    }
}
