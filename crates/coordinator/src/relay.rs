//! Relays statements that devices have signed to the ledger, in batches.

use std::collections::{BTreeMap, VecDeque};

use abi::{
    Devices, STATEMENTS_MAX, convert, decode_error,
    signed::{About, about},
};
use ledger_client::{Ledger, LedgerError, Signature};
use ledger_views::runs::RunEvent;
use units::DeviceId;

/// Largest number of statements of one device that wait to be relayed: more than it signs in a round. More are
/// dropped, and the device sends them again.
const WAITING_PER_DEVICE_MAX: usize = 16;

/// A statement, and the device that sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) device: DeviceId,
    pub(crate) call: Vec<u8>,
}

/// A statement that the ledger refused.
pub(crate) struct Refused {
    pub(crate) device: DeviceId,
    pub(crate) reason: String,
}

/// The statements that wait to be relayed: a queue for each device. They come from connected devices only, whose number
/// `transport` bounds.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    waiting: BTreeMap<DeviceId, VecDeque<Statement>>,
}

impl Relay {
    /// Adds a statement about `run`.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn add(&mut self, statement: Statement, run: u64) -> Result<(), String> {
        check(&statement.call, run)?;
        let queue = self.waiting.entry(statement.device).or_default();
        if queue.len() < WAITING_PER_DEVICE_MAX && !queue.contains(&statement) {
            queue.push_back(statement);
        }
        Ok(())
    }

    /// Puts a statement back that [`Self::take`] has returned: it is the next of its device.
    pub(crate) fn put_back(&mut self, statement: Statement) {
        self.waiting.entry(statement.device).or_default().push_front(statement);
    }

    /// Returns the oldest statement of each device, at most one batch. So a device that signs many delays the others by
    /// one.
    pub(crate) fn take(&mut self) -> Vec<Statement> {
        let queues = self.waiting.values_mut().take(STATEMENTS_MAX);
        let taken = queues.filter_map(VecDeque::pop_front).collect();
        self.waiting.retain(|_, queue| !queue.is_empty());
        taken
    }
}

/// Checks that a call is a statement about `run`, or a link.
fn check(call: &[u8], run: u64) -> Result<(), String> {
    match about(call) {
        Some(About::Link(_)) => Ok(()),
        Some(About::Run { run: about, .. }) if about == run => Ok(()),
        Some(About::Run { .. }) => Err(format!("the coordinator drives run {run}")),
        None => Err("this is not a statement of a device".to_owned()),
    }
}

/// Sends statements to the ledger: links one by one, the others in one transaction. Returns those that were refused.
///
/// # Errors
/// When the ledger can't be reached.
pub(crate) async fn relay(
    ledger: &Ledger,
    statements: &[Statement],
) -> Result<Vec<Refused>, LedgerError> {
    let mut refused = Vec::new();
    let mut batch = Vec::new();
    for statement in statements {
        match about(&statement.call) {
            Some(About::Link(link)) => {
                refused.extend(relay_link(ledger, statement.device, &link).await?);
            }
            Some(About::Run { .. }) | None => batch.push(statement),
        }
    }
    if batch.is_empty() {
        return Ok(refused);
    }
    let calls: Vec<Vec<u8>> = batch.iter().map(|statement| statement.call.clone()).collect();
    let receipt = match ledger.relay(&calls).await {
        Ok(receipt) => receipt,
        Err(LedgerError::Refused { reason, .. }) => {
            let all = batch.iter().map(|statement| statement.device);
            refused.extend(all.map(|device| Refused { device, reason: reason.clone() }));
            return Ok(refused);
        }
        Err(error) => return Err(error),
    };
    for (_, event) in receipt.events().unwrap_or_default() {
        if let RunEvent::NotRelayed { index, error } = event
            && let Some(statement) = usize::try_from(index).ok().and_then(|index| batch.get(index))
        {
            let reason = decode_error(&error).map(|(_, words)| words);
            let reason = reason.unwrap_or_else(|| format!("error {error}"));
            refused.push(Refused { device: statement.device, reason });
        }
    }
    Ok(refused)
}

async fn relay_link(
    ledger: &Ledger,
    device: DeviceId,
    link: &Devices::linkCall,
) -> Result<Option<Refused>, LedgerError> {
    let Ok(signature) = Signature::try_from(link.signature.as_ref()) else {
        return Ok(Some(Refused { device, reason: "a signature has 64 bytes".to_owned() }));
    };
    let (linked, account) = (convert::device(link.device), convert::account(link.account));
    match ledger.link_device(&linked, &account, link.nonce, &signature).await {
        Ok(_) => Ok(None),
        Err(LedgerError::Refused { reason, .. }) => Ok(Some(Refused { device, reason })),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use abi::signed::Signer;

    use super::*;

    fn leave(run: u64, nonce: u64) -> Vec<u8> {
        let sign = |_: &[u8]| [0; 64];
        Signer { device: [1; 32].into(), chain_id: 1, sign: &sign }.leave(run, nonce)
    }

    #[test]
    fn a_device_that_signs_many_statements_delays_the_others_by_one() {
        let [loud, quiet] = [1, 2].map(|byte| DeviceId::from_bytes([byte; 32]));
        let mut relay = Relay::default();
        for nonce in 0..1000 {
            relay.add(Statement { device: loud, call: leave(7, nonce) }, 7).unwrap();
        }
        relay.add(Statement { device: quiet, call: leave(7, 1) }, 7).unwrap();
        let taken = relay.take();
        assert_eq!(taken.iter().map(|taken| taken.device).collect::<Vec<_>>(), [loud, quiet]);
        let rest: usize =
            std::iter::from_fn(|| Some(relay.take().len()).filter(|count| *count > 0)).sum();
        assert_eq!(rest, WAITING_PER_DEVICE_MAX - 1);
    }

    #[test]
    fn only_statements_about_the_run_are_relayed() {
        let device = DeviceId::from_bytes([1; 32]);
        let mut relay = Relay::default();
        for call in [leave(8, 1), vec![], vec![0; 4], vec![0; 5000]] {
            assert!(relay.add(Statement { device, call }, 7).is_err());
        }
        assert!(relay.take().is_empty());
    }
}
