//! The statements that wait for a transaction, with shares for devices and clients.

use super::{
    error::StatementError,
    limits::{Limits, Pace},
    statement::{Author, Statement},
};
use alloy_primitives::{B256, keccak256};
use std::{collections::BTreeMap, net::IpAddr};
use tokio::{sync::oneshot::Sender, time::Instant};

/// Most statements that wait.
pub const WAITING_MAX: usize = 4_096;
/// Most of them of one device.
pub const WAITING_PER_DEVICE_MAX: usize = 4;
/// Most of them from one address; an IPv6 network of 64 bits counts as one.
pub const WAITING_PER_CLIENT_MAX: usize = 1_024;
/// Most statements that nobody pays for and that wait, so that there is room for those of devices that work.
pub(crate) const GIFTS_WAITING_MAX: usize = 512;
/// Most of them from one address.
pub(crate) const GIFTS_PER_CLIENT_MAX: usize = 128;
/// Most of them that are sent at once, so that there is room in a block for what runs wait for.
pub(crate) const GIFTS_AT_ONCE: usize = 16;
/// Most callers that wait for the same statement.
const CALLERS_MAX: usize = 16;

pub(crate) type Answer = Sender<Result<B256, StatementError>>;

/// Who has to share: at a time, and per minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) author: Payer,
    pub(crate) client: Client,
    /// Whether nobody pays for it: then it takes of the client's allowance for that, too.
    pub(crate) is_gift: bool,
}

/// Whose allowance a statement takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Payer {
    /// The device's that signed.
    Device(B256),
    /// The client's: nobody signed.
    Client(Client),
}

/// An address, of IPv6 its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Client(u128);

impl Client {
    fn of(address: IpAddr) -> Self {
        let bits = match address.to_canonical() {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits() >> 64 << 64,
        };
        Self(bits)
    }
}

impl Share {
    pub(crate) fn of(statement: &Statement, address: IpAddr) -> Self {
        let client = Client::of(address);
        let author = match statement.author {
            Author::Device(device) => Payer::Device(device),
            Author::Anyone => Payer::Client(client),
        };
        Self { author, client, is_gift: statement.is_gift }
    }
}

/// A statement that the ledger would accept.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) statement: Statement,
    pub(crate) share: Share,
    /// Gas that it took on the state after the block at `height`.
    pub(crate) gas: u64,
    pub(crate) height: u64,
}

/// A statement that waits.
#[derive(Debug)]
struct Waiting {
    accepted: Accepted,
    /// Those who wait for its transaction.
    answers: Vec<Answer>,
}

/// The number of a statement in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrival(u64);

/// The statements that wait, in the order of arrival, and those that were sent and are in no block yet.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: BTreeMap<Arrival, Waiting>,
    arrivals: u64,
    places: BTreeMap<B256, Arrival>,
    sent: BTreeMap<B256, B256>,
    devices: Limits<B256>,
    clients: Limits<Client>,
    gifts: Limits<Client>,
    gifts_of_all: Limits<()>,
    is_stopping: bool,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            arrivals: 0,
            places: BTreeMap::new(),
            sent: BTreeMap::new(),
            devices: Limits::new(Pace::DEVICE),
            clients: Limits::new(Pace::CLIENT),
            gifts: Limits::new(Pace::GIFTS),
            gifts_of_all: Limits::new(Pace::GIFTS_OF_ALL),
            is_stopping: false,
        }
    }
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Joins those who wait for the same statement; `None` when `answer` was taken.
    pub(crate) fn join(&mut self, statement: &Statement, answer: Answer) -> Option<Answer> {
        let id = id(statement);
        if let Some(hash) = self.sent.get(&id) {
            let _ = answer.send(Ok(*hash));
            return None;
        }
        let place = self.places.get(&id);
        let Some(waiting) = place.and_then(|place| self.waiting.get_mut(place)) else {
            return Some(answer);
        };
        if waiting.answers.len() >= CALLERS_MAX {
            waiting.answers.retain(|answer| !answer.is_closed());
        }
        if waiting.answers.len() < CALLERS_MAX {
            waiting.answers.push(answer);
        } else {
            let full = StatementError::Full { of: "this text", waiting: CALLERS_MAX };
            let _ = answer.send(Err(full));
        }
        None
    }

    /// Checks that a statement of this share may wait.
    pub(crate) fn check_room(&self, share: &Share, now: Instant) -> Result<(), StatementError> {
        if self.is_stopping {
            return Err(StatementError::Stopping);
        }
        let full = |of, waiting| Err(StatementError::Full { of, waiting });
        if self.waiting.len() >= WAITING_MAX {
            return full("everyone together", self.waiting.len());
        }
        let count = |belongs: &dyn Fn(&Share) -> bool| {
            self.waiting.values().filter(|waiting| belongs(&waiting.accepted.share)).count()
        };
        let of_client = count(&|other| other.client == share.client);
        if of_client >= WAITING_PER_CLIENT_MAX {
            return full("this address", of_client);
        }
        let of_author = count(&|other| other.author == share.author);
        if of_author >= WAITING_PER_DEVICE_MAX {
            return full("this device", of_author);
        }
        if share.is_gift {
            let of_all = count(&|other| other.is_gift);
            if of_all >= GIFTS_WAITING_MAX {
                return full("everyone, for which nobody pays,", of_all);
            }
            let of_client = count(&|other| other.is_gift && other.client == share.client);
            if of_client >= GIFTS_PER_CLIENT_MAX {
                return full("this address, for which nobody pays,", of_client);
            }
        }
        self.check_pace(share, now)
    }

    /// Checks that a statement is within all allowances that it takes of.
    fn check_pace(&self, share: &Share, now: Instant) -> Result<(), StatementError> {
        if share.is_gift {
            self.gifts.check(&share.client, now)?;
            self.gifts_of_all.check(&(), now)?;
        }
        match &share.author {
            Payer::Device(device) => self.devices.check(device, now),
            Payer::Client(client) => self.clients.check(client, now),
        }
    }

    /// Takes one statement of the share's allowances; of none if one of them is used up.
    pub(crate) fn charge(&mut self, share: &Share, now: Instant) -> Result<(), StatementError> {
        self.check_pace(share, now)?;
        if share.is_gift {
            self.gifts.take(&share.client, now)?;
            self.gifts_of_all.take(&(), now)?;
        }
        match &share.author {
            Payer::Device(device) => self.devices.take(device, now),
            Payer::Client(client) => self.clients.take(client, now),
        }
    }

    /// Adds a statement.
    pub(crate) fn push(
        &mut self,
        accepted: Accepted,
        answer: Answer,
        now: Instant,
    ) -> Result<(), StatementError> {
        // Another thread may have added the same one since the check.
        let Some(answer) = self.join(&accepted.statement, answer) else { return Ok(()) };
        self.check_room(&accepted.share, now)?;
        self.charge(&accepted.share, now)?;
        let arrival = Arrival(self.arrivals);
        self.arrivals += 1;
        self.places.insert(id(&accepted.statement), arrival);
        self.waiting.insert(arrival, Waiting { accepted, answers: vec![answer] });
        Ok(())
    }

    /// Returns what waits in its fair order, at most `count_max`: the first of each device before the second of any, among those
    /// the first of each client before the second of any, then by arrival. Of what nobody pays for, no more than [`GIFTS_AT_ONCE`].
    pub(crate) fn next(&self, count_max: usize) -> Vec<(Arrival, Accepted)> {
        let mut of_author: BTreeMap<Payer, usize> = BTreeMap::new();
        let mut of_client: BTreeMap<(usize, Client), usize> = BTreeMap::new();
        let mut rank = |share: &Share| {
            let turn = of_author.entry(share.author).or_default();
            *turn += 1;
            let place = of_client.entry((*turn, share.client)).or_default();
            *place += 1;
            (*turn, *place)
        };
        let ranks = self.waiting.iter();
        let ranks = ranks.map(|(arrival, waiting)| (rank(&waiting.accepted.share), *arrival));
        let mut order: Vec<_> = ranks.collect();
        order.sort_unstable();
        let waiting = order.into_iter().filter_map(|(_, arrival)| {
            self.waiting.get(&arrival).map(|waiting| (arrival, &waiting.accepted))
        });
        let mut gifts = 0;
        let is_next = |(_, accepted): &(Arrival, &Accepted)| {
            gifts += usize::from(accepted.share.is_gift);
            !accepted.share.is_gift || gifts <= GIFTS_AT_ONCE
        };
        let next = waiting.filter(is_next).take(count_max);
        next.map(|(arrival, accepted)| (arrival, accepted.clone())).collect()
    }

    /// Removes a statement, and tells those who wait that it was sent in a transaction, or why not.
    pub(crate) fn answer(&mut self, arrival: Arrival, outcome: &Result<B256, StatementError>) {
        let Some(Waiting { accepted, answers }) = self.waiting.remove(&arrival) else { return };
        let id = id(&accepted.statement);
        self.places.remove(&id);
        if let Ok(hash) = outcome {
            self.sent.insert(id, *hash);
        }
        for answer in answers {
            // It does not matter if the caller has gone.
            let _ = answer.send(outcome.clone());
        }
    }

    /// The transaction of a statement is in a block, or won't be; `is_refused` says whether the ledger refused it there.
    pub(crate) fn settle(&mut self, accepted: &Accepted, is_refused: bool, now: Instant) {
        self.sent.remove(&id(&accepted.statement));
        // Others may have made a call that nobody signs before: that is no fault.
        let Payer::Device(device) = &accepted.share.author else { return };
        match is_refused {
            true => self.devices.slow(device, now),
            false => self.devices.absolve(device),
        }
    }

    /// Takes no more statements, and tells all who wait why.
    pub(crate) fn stop(&mut self, error: &StatementError) {
        self.is_stopping = true;
        for arrival in self.waiting.keys().copied().collect::<Vec<_>>() {
            self.answer(arrival, &Err(error.clone()));
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping
    }
}

/// Returns what a statement is known by here.
fn id(statement: &Statement) -> B256 {
    keccak256([statement.to.as_slice(), &statement.data].concat())
}

#[cfg(test)]
mod tests;
