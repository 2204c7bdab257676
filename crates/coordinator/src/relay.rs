//! Relays statements that devices have signed to the ledger, in batches.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use abi::{
    Devices, STATEMENTS_MAX, convert, decode_error,
    signed::{About, about},
};
use ledger_client::{Ledger, LedgerError, Signature};
use ledger_views::runs::RunEvent;
use tokio::time::Instant;
use units::DeviceId;

/// Largest number of statements of one device that wait to be relayed: more than it signs in a round. More are
/// dropped, and the device sends them again.
const WAITING_PER_DEVICE_MAX: usize = 16;

/// Largest number of devices whose refused statements are remembered.
const REFUSED_MAX: usize = 4_096;

/// Pause of a device after its first refused statement; twice as long after each further one, up to 2^9 times as long.
const PAUSE: Duration = Duration::from_millis(200);

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
    /// The statements on their way to the ledger, one of a device at most: what follows may depend on it.
    under_way: BTreeMap<DeviceId, Statement>,
    /// Devices whose last statements were refused: how many, and from when on the next is taken. What is refused costs the owner
    /// gas, and identities are free.
    refused: BTreeMap<DeviceId, (u32, Instant)>,
}

impl Relay {
    /// Adds a statement about `run`; returns whether it is a new one.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn add(&mut self, statement: Statement, run: u64) -> Result<bool, String> {
        check(&statement, run)?;
        let is_under_way = self.under_way.get(&statement.device) == Some(&statement);
        let queue = self.waiting.entry(statement.device).or_default();
        let is_full = queue.len() >= WAITING_PER_DEVICE_MAX;
        if is_under_way || is_full || queue.contains(&statement) {
            return Ok(false);
        }
        queue.push_back(statement);
        Ok(true)
    }

    /// Puts a statement back that [`Self::take`] has returned: it is the next of its device.
    pub(crate) fn put_back(&mut self, statement: Statement) {
        self.under_way.remove(&statement.device);
        self.waiting.entry(statement.device).or_default().push_front(statement);
    }

    /// Returns the oldest statement of each device of which none is under way, at most one batch. So a device that signs many
    /// delays the others by one.
    pub(crate) fn take(&mut self, now: Instant) -> Vec<Statement> {
        let (refused, under_way) = (&self.refused, &self.under_way);
        let is_free = |device: &DeviceId| {
            let is_resting = refused.get(device).is_some_and(|(_, until)| now < *until);
            !is_resting && !under_way.contains_key(device)
        };
        let free = self.waiting.iter_mut().filter(|(device, _)| is_free(device));
        let taken: Vec<Statement> =
            free.take(STATEMENTS_MAX).filter_map(|(_, queue)| queue.pop_front()).collect();
        self.waiting.retain(|_, queue| !queue.is_empty());
        self.under_way.extend(taken.iter().map(|taken| (taken.device, taken.clone())));
        taken
    }

    /// No statement is under way, whatever became of those that were.
    pub(crate) fn end(&mut self) {
        self.under_way.clear();
    }

    /// Records which of the statements of a batch were refused: their devices have to wait, longer each time.
    pub(crate) fn record(&mut self, batch: &[Statement], refused: &[Refused], now: Instant) {
        for statement in batch {
            self.under_way.remove(&statement.device);
            if !refused.iter().any(|refused| refused.device == statement.device) {
                self.refused.remove(&statement.device);
            }
        }
        for Refused { device, .. } in refused {
            if self.refused.len() >= REFUSED_MAX && !self.refused.contains_key(device) {
                self.refused.pop_first();
            }
            let (count, until) = self.refused.entry(*device).or_insert((0, now));
            *until = now + PAUSE.saturating_mul(1 << (*count).min(9));
            *count = count.saturating_add(1);
        }
    }
}

/// Checks that a call is a statement about `run`, or a link, of the device that sent it: the connection proves its key.
fn check(statement: &Statement, run: u64) -> Result<(), String> {
    let device = match about(&statement.call) {
        Some(About::Link(link)) => link.device,
        Some(About::Run { run: about, device }) if about == run => device,
        Some(About::Run { .. }) => return Err(format!("the coordinator drives run {run}")),
        None => return Err("this is not a statement of a device".to_owned()),
    };
    if convert::device(device) == statement.device {
        Ok(())
    } else {
        Err("this is the statement of another device: give it to a node".to_owned())
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

    fn leave(device: DeviceId, run: u64, nonce: u64) -> Statement {
        let sign = |_: &[u8]| [0; 64];
        let signer = Signer { device: device.as_bytes().into(), chain_id: 1, sign: &sign };
        Statement { device, call: signer.leave(run, nonce) }
    }

    #[test]
    fn a_device_that_signs_many_statements_delays_the_others_by_one() {
        let [loud, quiet] = [1, 2].map(|byte| DeviceId::from_bytes([byte; 32]));
        let mut relay = Relay::default();
        for nonce in 0..1000 {
            relay.add(leave(loud, 7, nonce), 7).unwrap();
        }
        relay.add(leave(quiet, 7, 1), 7).unwrap();
        let now = Instant::now();
        let taken = relay.take(now);
        assert_eq!(taken.iter().map(|taken| taken.device).collect::<Vec<_>>(), [loud, quiet]);
        let mut last = taken;
        let next = || {
            relay.record(&last, &[], now);
            last = relay.take(now);
            Some(last.len()).filter(|count| *count > 0)
        };
        assert_eq!(std::iter::from_fn(next).sum::<usize>(), WAITING_PER_DEVICE_MAX - 1);
    }

    /// A device that connects again sends what is under way once more, and what depends on it would be refused.
    #[test]
    fn one_statement_of_a_device_is_under_way() {
        let device = DeviceId::from_bytes([1; 32]);
        let (mut relay, now) = (Relay::default(), Instant::now());
        let [first, second] = [1, 2].map(|nonce| leave(device, 7, nonce));
        assert_eq!(relay.add(first.clone(), 7), Ok(true));
        let taken = relay.take(now);
        assert_eq!(taken, std::slice::from_ref(&first));
        assert_eq!(relay.add(first.clone(), 7), Ok(false), "it is under way");
        assert_eq!(relay.add(second.clone(), 7), Ok(true));
        assert_eq!(relay.take(now), []);
        relay.put_back(first.clone());
        let again = relay.take(now);
        assert_eq!(again, [first], "in their order, whatever fails");
        relay.record(&again, &[], now);
        assert_eq!(relay.take(now), [second]);
    }

    #[test]
    fn only_statements_about_the_run_are_relayed() {
        let device = DeviceId::from_bytes([1; 32]);
        let mut relay = Relay::default();
        let other = DeviceId::from_bytes([2; 32]);
        let of_another = Statement { device, call: leave(other, 7, 1).call };
        assert!(relay.add(of_another, 7).is_err());
        for call in [leave(device, 8, 1).call, vec![], vec![0; 4], vec![0; 5000]] {
            assert!(relay.add(Statement { device, call }, 7).is_err());
        }
        assert!(relay.take(Instant::now()).is_empty());
    }

    #[test]
    fn refused_statements_cost_their_device_time() {
        let [bad, good] = [1, 2].map(|byte| DeviceId::from_bytes([byte; 32]));
        let mut relay = Relay::default();
        let (mut bad_sent, mut good_sent) = (0, 0);
        let start = Instant::now();
        for nonce in 0..200_u64 {
            let now = start + Duration::from_millis(100) * u32::try_from(nonce).unwrap();
            relay.add(leave(bad, 7, nonce), 7).unwrap();
            relay.add(leave(good, 7, nonce), 7).unwrap();
            let batch = relay.take(now);
            let refused: Vec<Refused> = batch
                .iter()
                .filter(|statement| statement.device == bad)
                .map(|statement| Refused { device: statement.device, reason: String::new() })
                .collect();
            bad_sent += refused.len();
            good_sent += batch.len() - refused.len();
            relay.record(&batch, &refused, now);
        }
        assert_eq!(good_sent, 200);
        assert!(bad_sent < 9, "{bad_sent}");
    }
}
