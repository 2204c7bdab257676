//! The whole state as a stream of its entries in path order: read from a commitment, or built into one.

use super::{
    Commitment, CommitmentError, State,
    bucket::{BUCKET_ENTRIES_MAX, Bucket, hash, hashed, put_entry, shares, take_entry},
    leaf::{Entry, Leaf},
    node::{Kept, Node, Place},
    update::read,
};
use alloy_primitives::B256;
use std::collections::VecDeque;

impl Entry {
    /// Appends the entry as it is encoded in buckets.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        put_entry(bytes, self);
    }

    /// Reads an entry from the front; returns `None` for bytes that [`Self::write`] does not write.
    #[must_use]
    pub fn read(bytes: &mut &[u8]) -> Option<Self> {
        take_entry(bytes)
    }
}

/// Entries in path order, read bucket by bucket. See [`Commitment::entries`].
#[derive(Debug)]
pub struct Entries<'a, S> {
    state: &'a S,
    rest: Vec<&'a Node>,
    bucket: std::vec::IntoIter<Leaf>,
}

/// Two entries do not ascend by their paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state's entries are not in order")]
pub struct OutOfOrder;

impl Commitment {
    /// Returns all accounts and slots.
    pub fn entries<'a, S: State>(&'a self, state: &'a S) -> Entries<'a, S> {
        Entries { state, rest: vec![&self.root], bucket: Vec::new().into_iter() }
    }

    /// Returns the commitment to `entries`, which must come in path order. Calls `keep` for each bucket with its id
    /// as soon as it is complete: only the tree above the buckets stays in memory.
    ///
    /// # Errors
    /// The first error of `entries` or `keep`, or [`OutOfOrder`].
    pub fn gather<E: From<OutOfOrder>>(
        entries: impl Iterator<Item = Result<Entry, E>>,
        keep: impl FnMut(u64, Vec<u8>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let ahead = VecDeque::with_capacity(BUCKET_ENTRIES_MAX + 1);
        let mut gathering =
            Gathering { entries: entries.fuse(), keep, ahead, last: None, next_id: 0 };
        let root = gathering.build(Place::TOP)?;
        let next_id = gathering.next_id;
        Ok(Self { root, next_id, live_count: next_id })
    }
}

impl<S: State> Iterator for Entries<'_, S> {
    type Item = Result<Entry, CommitmentError<S::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(leaf) = self.bucket.next() {
                return Some(Ok(leaf.entry));
            }
            match self.rest.pop()? {
                Node::Empty => {}
                Node::Inner(inner) => self.rest.extend(inner.halves.iter().rev()),
                Node::Bucket(kept) => match leaves(self.state, kept) {
                    Ok(leaves) => self.bucket = leaves.into_iter(),
                    Err(error) => return Some(Err(error)),
                },
            }
        }
    }
}

fn leaves<S: State>(state: &S, kept: &Kept) -> Result<Vec<Leaf>, CommitmentError<S::Error>> {
    read(state, kept)?.leaves().ok_or(CommitmentError::Bucket { id: kept.id })
}

/// A commitment being built, and the next entries: one more than fit a bucket.
struct Gathering<I, K> {
    entries: I,
    keep: K,
    ahead: VecDeque<Leaf>,
    last: Option<B256>,
    next_id: u64,
}

impl<E, I, K> Gathering<I, K>
where
    E: From<OutOfOrder>,
    I: Iterator<Item = Result<Entry, E>>,
    K: FnMut(u64, Vec<u8>) -> Result<(), E>,
{
    /// Returns the node at a place; all entries before it are consumed.
    fn build(&mut self, place: Place) -> Result<Node, E> {
        self.look_ahead()?;
        let count = self.ahead.iter().take_while(|leaf| shares(&leaf.path, &place)).count();
        if count > BUCKET_ENTRIES_MAX {
            let [left, right] = place.halves();
            return Ok(Node::inner([self.build(left)?, self.build(right)?]));
        }
        if count == 0 {
            return Ok(Node::Empty);
        }
        let leaves: Vec<Leaf> = self.ahead.drain(..count).collect();
        let id = self.next_id;
        self.next_id += 1;
        (self.keep)(id, Bucket::to_bytes(&place, &leaves))?;
        Ok(Node::Bucket(Kept { id, count, hash: hash(&hashed(&leaves), place.depth) }))
    }

    fn look_ahead(&mut self) -> Result<(), E> {
        while self.ahead.len() <= BUCKET_ENTRIES_MAX
            && let Some(entry) = self.entries.next()
        {
            let leaf = Leaf::new(entry?);
            if self.last.is_some_and(|last| leaf.path <= last) {
                return Err(OutOfOrder.into());
            }
            self.last = Some(leaf.path);
            self.ahead.push_back(leaf);
        }
        Ok(())
    }
}
