//! Figures that follow every change of a balance.
//!
//! The amounts are in the leaves of a balanced tree, in order. Each branch knows, of each of its children, how many amounts it has and what they
//! add up to. So the rank of an amount, and the sum of those above it, take one path from the root, and so does what a change of one amount
//! does to the Gini coefficient.

use alloy_primitives::{U256, U512};

use crate::{
    Holdings, Ratio, Strictness, Threshold,
    holdings::TooLarge,
    inequality::{effective_count_of, gini_of, hhi_of, square},
    ratio::{Wide, wide},
};

/// Most amounts in a leaf.
const LEAF_MAX: usize = 64;
/// Most children of a branch.
const BRANCH_MAX: usize = 32;

/// The index does not hold this amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody holds {amount}: give the balance that the holder had before")]
pub struct Missing {
    /// The amount.
    pub amount: U256,
}

/// Why a change was refused. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Nobody holds so much.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The sum would be too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// The amounts of all holders of anything, and the figures of their distribution after each change.
///
/// A change takes logarithmic time; Gini and HHI are read at once, shares and coefficients in logarithmic time.
///
/// ```
/// use alloy_primitives::U256;
/// use concentration::LiveIndex;
/// let amounts = [3_u64, 2, 1].map(U256::from);
/// let mut index = LiveIndex::new(amounts)?;
/// index.change(U256::from(1), U256::from(4))?; // a holder of 1 has 4 now
/// assert_eq!(index.top_share(1).unwrap().decimal(4), "0.4444");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LiveIndex {
    root: Node,
    count: usize,
    total: U256,
    squares: U512,
    /// Sum over all ranks of the sum of the amounts up to it, from the smallest.
    partial_sums: U512,
}

#[derive(Clone, Debug)]
enum Node {
    Leaf(Vec<U256>),
    Branch(Vec<Child>),
}

#[derive(Clone, Debug)]
struct Child {
    count: usize,
    sum: U256,
    largest: U256,
    node: Node,
}

/// What lies below a place in the order.
#[derive(Clone, Copy, Default)]
struct Before {
    count: usize,
    sum: U256,
}

impl LiveIndex {
    /// Builds the index; amounts of 0 are left out.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn new(amounts: impl IntoIterator<Item = U256>) -> Result<Self, TooLarge> {
        let holdings = Holdings::new(amounts, crate::Zeros::Drop)?;
        let (mut sum, mut partial_sums, mut squares) = (U256::ZERO, U512::ZERO, U512::ZERO);
        for amount in holdings.ascending() {
            sum += *amount;
            partial_sums += U512::from(sum);
            squares += square(amount);
        }
        let root = build(holdings.ascending());
        Ok(Self { root, count: holdings.count(), total: sum, squares, partial_sums })
    }

    /// Replaces one holder's amount by another: 0 before for a new holder, 0 after for one who leaves.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing has changed then.
    pub fn change(&mut self, before: U256, after: U256) -> Result<(), ChangeError> {
        if before == after {
            return if before.is_zero() || self.contains(before) {
                Ok(())
            } else {
                Err(Missing { amount: before }.into())
            };
        }
        let rest = self.total.checked_sub(before).ok_or(Missing { amount: before })?;
        rest.checked_add(after).ok_or(TooLarge)?;
        if !before.is_zero() {
            self.remove(before)?;
        }
        if !after.is_zero() {
            self.insert(after);
        }
        Ok(())
    }

    /// Returns the number of holders of anything.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the sum.
    #[must_use]
    pub fn total(&self) -> U256 {
        self.total
    }

    /// As [`Holdings::gini`].
    #[must_use]
    pub fn gini(&self) -> Option<Ratio> {
        gini_of(Wide::from(self.count), Wide::from(self.total), wide(&self.partial_sums))
    }

    /// As [`Holdings::hhi`].
    #[must_use]
    pub fn hhi(&self) -> Option<Ratio> {
        hhi_of(Wide::from(self.total), wide(&self.squares))
    }

    /// As [`Holdings::effective_count`].
    #[must_use]
    pub fn effective_count(&self) -> Option<Ratio> {
        effective_count_of(Wide::from(self.total), wide(&self.squares))
    }

    /// As [`Holdings::top_share`].
    #[must_use]
    pub fn top_share(&self, count: usize) -> Option<Ratio> {
        let smaller = self.root.sum_of_first(self.count.saturating_sub(count));
        Ratio::new(self.total - smaller, self.total)
    }

    /// As [`Holdings::threshold`].
    #[must_use]
    pub fn threshold(&self, threshold: Threshold, strictness: Strictness) -> Option<usize> {
        let least = threshold.least_passing(self.total, strictness)?;
        // The largest pass as soon as those below them have at most this.
        let rest = self.total.checked_sub(least)?;
        (self.count > 0).then(|| self.count - self.root.count_within(rest))
    }

    fn contains(&self, amount: U256) -> bool {
        let Before { count, .. } = self.root.below(amount);
        self.root.at(count) == Some(amount)
    }

    fn remove(&mut self, amount: U256) -> Result<(), Missing> {
        let before = self.root.remove(amount).ok_or(Missing { amount })?;
        // Its own partial sum goes, and it leaves each of those above it.
        let above = self.count - 1 - before.count;
        let gone = U512::from(before.sum + amount) + U512::from(amount) * U512::from(above);
        self.partial_sums -= gone;
        self.count -= 1;
        self.total -= amount;
        self.squares -= square(&amount);
        self.root.shrink();
        Ok(())
    }

    fn insert(&mut self, amount: U256) {
        let (before, split) = self.root.insert(amount);
        if let Some(right) = split {
            let left = std::mem::replace(&mut self.root, Node::Leaf(Vec::new()));
            self.root = Node::Branch(vec![Child::of(left), Child::of(right)]);
        }
        let above = self.count - before.count;
        let added = U512::from(before.sum + amount) + U512::from(amount) * U512::from(above);
        self.partial_sums += added;
        self.count += 1;
        self.total += amount;
        self.squares += square(&amount);
    }
}

fn build(ascending: &[U256]) -> Node {
    // Three quarters full, so that the first inserts split nothing.
    let leaves = ascending.chunks(LEAF_MAX * 3 / 4).map(|amounts| Node::Leaf(amounts.to_vec()));
    let mut level: Vec<Node> = leaves.collect();
    while level.len() > 1 {
        let mut nodes = level.into_iter().map(Child::of).peekable();
        let mut above = Vec::new();
        while nodes.peek().is_some() {
            above.push(Node::Branch(nodes.by_ref().take(BRANCH_MAX * 3 / 4).collect()));
        }
        level = above;
    }
    level.pop().unwrap_or(Node::Leaf(Vec::new()))
}

impl Child {
    fn of(node: Node) -> Self {
        let (mut count, mut sum, mut largest) = (0, U256::ZERO, U256::ZERO);
        match &node {
            Node::Leaf(amounts) => {
                count = amounts.len();
                sum = amounts.iter().fold(sum, |sum, amount| sum + *amount);
                largest = amounts.last().copied().unwrap_or_default();
            }
            Node::Branch(children) => {
                for child in children {
                    count += child.count;
                    sum += child.sum;
                    largest = child.largest;
                }
            }
        }
        Self { count, sum, largest, node }
    }
}

impl Node {
    fn len(&self) -> usize {
        match self {
            Self::Leaf(amounts) => amounts.len(),
            Self::Branch(children) => children.len(),
        }
    }

    /// What lies below the first place of `amount`.
    fn below(&self, amount: U256) -> Before {
        match self {
            Self::Leaf(amounts) => Before::first_of(amounts, |other| other < amount),
            Self::Branch(children) => {
                let mut before = Before::default();
                for child in children {
                    if child.largest >= amount {
                        return before.and(child.node.below(amount));
                    }
                    before = before.and(Before { count: child.count, sum: child.sum });
                }
                before
            }
        }
    }

    fn at(&self, mut place: usize) -> Option<U256> {
        match self {
            Self::Leaf(amounts) => amounts.get(place).copied(),
            Self::Branch(children) => {
                for child in children {
                    if place < child.count {
                        return child.node.at(place);
                    }
                    place -= child.count;
                }
                None
            }
        }
    }

    /// The sum of the `count` smallest.
    fn sum_of_first(&self, mut count: usize) -> U256 {
        let mut sum = U256::ZERO;
        match self {
            Self::Leaf(amounts) => {
                let first = &amounts[..count.min(amounts.len())];
                first.iter().fold(sum, |sum, amount| sum + *amount)
            }
            Self::Branch(children) => {
                for child in children {
                    if count < child.count {
                        return sum + child.node.sum_of_first(count);
                    }
                    count -= child.count;
                    sum += child.sum;
                }
                sum
            }
        }
    }

    /// How many of the smallest add up to at most `bound`.
    fn count_within(&self, mut bound: U256) -> usize {
        let mut count = 0;
        match self {
            Self::Leaf(amounts) => {
                for amount in amounts {
                    let Some(rest) = bound.checked_sub(*amount) else { break };
                    bound = rest;
                    count += 1;
                }
            }
            Self::Branch(children) => {
                for child in children {
                    let Some(rest) = bound.checked_sub(child.sum) else {
                        return count + child.node.count_within(bound);
                    };
                    bound = rest;
                    count += child.count;
                }
            }
        }
        count
    }

    /// Inserts above all equal amounts. Returns what lies below, and the right part of a node that was full.
    fn insert(&mut self, amount: U256) -> (Before, Option<Self>) {
        match self {
            Self::Leaf(amounts) => {
                let before = Before::first_of(amounts, |other| other <= amount);
                amounts.insert(before.count, amount);
                let split = (amounts.len() > LEAF_MAX)
                    .then(|| Self::Leaf(amounts.split_off(amounts.len() / 2)));
                (before, split)
            }
            Self::Branch(children) => {
                let (mut before, mut place) = (Before::default(), 0);
                while place + 1 < children.len() && children[place].largest <= amount {
                    let Child { count, sum, .. } = children[place];
                    before = before.and(Before { count, sum });
                    place += 1;
                }
                let child = &mut children[place];
                let (inner, right) = child.node.insert(amount);
                child.count += 1;
                child.sum += amount;
                child.largest = child.largest.max(amount);
                if let Some(right) = right {
                    let right = Child::of(right);
                    child.count -= right.count;
                    child.sum -= right.sum;
                    child.largest = child.node.largest();
                    children.insert(place + 1, right);
                }
                let split = (children.len() > BRANCH_MAX)
                    .then(|| Self::Branch(children.split_off(children.len() / 2)));
                (before.and(inner), split)
            }
        }
    }

    /// Takes away the first of the equal amounts. Returns what lies below it; `None` when there is none.
    fn remove(&mut self, amount: U256) -> Option<Before> {
        match self {
            Self::Leaf(amounts) => {
                let before = Before::first_of(amounts, |other| other < amount);
                if amounts.get(before.count) != Some(&amount) {
                    return None;
                }
                amounts.remove(before.count);
                Some(before)
            }
            Self::Branch(children) => {
                let (mut before, mut place) = (Before::default(), 0);
                while children.get(place)?.largest < amount {
                    let Child { count, sum, .. } = children[place];
                    before = before.and(Before { count, sum });
                    place += 1;
                }
                let child = &mut children[place];
                let inner = child.node.remove(amount)?;
                child.count -= 1;
                child.sum -= amount;
                child.largest = child.node.largest();
                merge(children, place);
                Some(before.and(inner))
            }
        }
    }

    fn largest(&self) -> U256 {
        match self {
            Self::Leaf(amounts) => amounts.last().copied().unwrap_or_default(),
            Self::Branch(children) => children.last().map_or(U256::ZERO, |child| child.largest),
        }
    }

    /// A root with one child is not needed.
    fn shrink(&mut self) {
        while let Self::Branch(children) = self {
            match children.len() {
                0 => *self = Self::Leaf(Vec::new()),
                1 => {
                    let only = children.pop().expect("there is one child");
                    *self = only.node;
                }
                _ => return,
            }
        }
    }

    fn is_small(&self, other: &Self) -> bool {
        let most = match self {
            Self::Leaf(_) => LEAF_MAX,
            Self::Branch(_) => BRANCH_MAX,
        };
        self.len() + other.len() <= most / 2
    }
}

/// Joins the child at `place` with a neighbour where both together are half a node or less, and takes an empty one away.
fn merge(children: &mut Vec<Child>, place: usize) {
    if children[place].count == 0 {
        children.remove(place);
        return;
    }
    for left in [place.checked_sub(1), Some(place)].into_iter().flatten() {
        let is_pair = left + 1 < children.len();
        if is_pair && children[left].node.is_small(&children[left + 1].node) {
            let right = children.remove(left + 1);
            let child = &mut children[left];
            match (&mut child.node, right.node) {
                (Node::Leaf(amounts), Node::Leaf(more)) => amounts.extend(more),
                (Node::Branch(nodes), Node::Branch(more)) => nodes.extend(more),
                _ => unreachable!("all leaves of a tree have one depth"),
            }
            child.count += right.count;
            child.sum += right.sum;
            child.largest = right.largest;
            return;
        }
    }
}

impl Before {
    /// The first of these that pass, of which there are none behind one that does not. One pass in order reads memory faster than a search by
    /// halves, each of whose steps waits for memory.
    fn first_of(amounts: &[U256], passes: impl Fn(U256) -> bool) -> Self {
        let mut before = Self::default();
        for amount in amounts.iter().copied().take_while(|amount| passes(*amount)) {
            before = before.and(Self { count: 1, sum: amount });
        }
        before
    }

    fn and(self, further: Self) -> Self {
        Self { count: self.count + further.count, sum: self.sum + further.sum }
    }
}
