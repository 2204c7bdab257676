//! Rows with labels: entities, and what belongs to nobody known.

use std::{cmp::Reverse, collections::BTreeMap};

use alloy_primitives::U256;

use crate::{Holdings, Zeros, entropy::share, float::ln, holdings::TooLarge, ratio::Ratio};

/// The two ends of what a figure can be while some rows have no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval<T> {
    /// Every row without a label is an entity of its own.
    pub all_distinct: T,
    /// All rows without a label are one entity.
    pub one_entity: T,
}

impl<T> Interval<T> {
    /// Returns what `read` makes of both ends.
    pub fn map<U>(&self, read: impl Fn(&T) -> U) -> Interval<U> {
        Interval { all_distinct: read(&self.all_distinct), one_entity: read(&self.one_entity) }
    }
}

/// Rows by label.
#[derive(Clone, Debug)]
pub struct Groups<'a> {
    labelled: BTreeMap<&'a str, Vec<U256>>,
    unlabelled: Vec<U256>,
}

/// Theil's T as the sum of two parts, in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TheilParts {
    /// Between groups: as if each member of a group held its mean.
    pub between: f64,
    /// Within groups: the mean of their own indices, weighted by what they hold.
    pub within: f64,
}

impl<'a> Groups<'a> {
    /// Puts rows together by label; a label that is empty or white space is none.
    pub fn new(rows: impl IntoIterator<Item = (&'a str, U256)>, zeros: Zeros) -> Self {
        let mut groups = Self { labelled: BTreeMap::new(), unlabelled: Vec::new() };
        for (label, amount) in rows {
            if zeros == Zeros::Drop && amount.is_zero() {
                continue;
            }
            match label.trim() {
                "" => groups.unlabelled.push(amount),
                label => groups.labelled.entry(label).or_default().push(amount),
            }
        }
        groups
    }

    /// Returns how many rows have no label.
    #[must_use]
    pub fn unlabelled_count(&self) -> usize {
        self.unlabelled.len()
    }

    /// Returns the share of the sum that has no label; `None` when the sum is 0.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn unlabelled_share(&self) -> Result<Option<Ratio>, TooLarge> {
        let unlabelled = sum(&self.unlabelled)?;
        let labelled = self.entities()?.iter().try_fold(U256::ZERO, |total, (_, amount)| {
            total.checked_add(*amount).ok_or(TooLarge)
        })?;
        let all = labelled.checked_add(unlabelled).ok_or(TooLarge)?;
        Ok(Ratio::new(unlabelled, all))
    }

    /// Returns the labelled entities, largest first; those that hold the same, by name.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn entities(&self) -> Result<Vec<(&'a str, U256)>, TooLarge> {
        let sums = self.labelled.iter().map(|(label, amounts)| Ok((*label, sum(amounts)?)));
        let mut entities = sums.collect::<Result<Vec<_>, _>>()?;
        entities.sort_by_key(|(_, amount)| Reverse(*amount));
        Ok(entities)
    }

    /// Returns what entities hold, at both ends.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn holdings(&self, zeros: Zeros) -> Result<Interval<Holdings>, TooLarge> {
        let entities: Vec<U256> = self.entities()?.into_iter().map(|(_, amount)| amount).collect();
        let distinct = entities.iter().chain(&self.unlabelled).copied();
        let all_distinct = Holdings::new(distinct, zeros)?;
        Ok(Interval { all_distinct, one_entity: self.one_entity(zeros)? })
    }

    /// Returns what entities hold, those without a label being one: the largest holder that they could be.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn one_entity(&self, zeros: Zeros) -> Result<Holdings, TooLarge> {
        let entities = self.entities()?.into_iter().map(|(_, amount)| amount);
        let rest = (!self.unlabelled.is_empty()).then(|| sum(&self.unlabelled)).transpose()?;
        Holdings::new(entities.chain(rest), zeros)
    }

    /// Returns Theil's T of the rows in two parts; those without a label are one group. The parts add up to the index of all rows.
    ///
    /// `between = Σ s_g ln(s_g·n / n_g)`, `within = Σ s_g T_g`, with group g's share s_g of the sum and n_g of n rows.
    /// `None` when the sum is 0. Source: Theil, "Economics and Information Theory", 1967, section 4.2.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn theil_parts(&self) -> Result<Option<TheilParts>, TooLarge> {
        let groups = self.labelled.values().chain(std::iter::once(&self.unlabelled));
        let groups = groups.filter(|rows| !rows.is_empty());
        let groups = groups.map(|rows| Holdings::new(rows.iter().copied(), Zeros::Keep));
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        let mut total = U256::ZERO;
        for group in &groups {
            total = total.checked_add(group.total()).ok_or(TooLarge)?;
        }
        if total.is_zero() {
            return Ok(None);
        }
        let count: usize = groups.iter().map(Holdings::count).sum();
        let mut parts = TheilParts { between: 0.0, within: 0.0 };
        for group in groups.iter().filter(|group| !group.total().is_zero()) {
            let held = share(&group.total(), &total);
            parts.between += held * ln(held * count as f64 / group.count() as f64);
            parts.within += held * group.theil_nats().unwrap_or(0.0);
        }
        Ok(Some(parts))
    }
}

/// Returns what holders hold: each row is one, or where rows have labels all those with one label, and those without one together.
///
/// Nobody knows whether rows without a label are one holder; it is the largest that they could be.
///
/// # Errors
/// [`TooLarge`].
pub fn holders<'a, L: IntoIterator<Item = &'a str>>(
    amounts: impl IntoIterator<Item = U256>,
    labels: Option<L>,
    zeros: Zeros,
) -> Result<Holdings, TooLarge> {
    match labels {
        None => Holdings::new(amounts, zeros),
        Some(labels) => Groups::new(labels.into_iter().zip(amounts), zeros).one_entity(zeros),
    }
}

fn sum(amounts: &[U256]) -> Result<U256, TooLarge> {
    amounts.iter().try_fold(U256::ZERO, |sum, amount| sum.checked_add(*amount).ok_or(TooLarge))
}
