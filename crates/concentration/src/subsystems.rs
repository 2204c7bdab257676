//! The Nakamoto coefficient of a system of several subsystems.

use crate::{Holdings, Strictness, Threshold};

/// One part of a system that a few could capture: who makes blocks, holds stake, writes the client, hosts the machines, has the keys.
#[derive(Clone, Debug)]
pub struct Subsystem<'a> {
    /// Its name.
    pub name: &'a str,
    /// What each entity has of it.
    pub holdings: &'a Holdings,
    /// What part gives control: a third to stop a Byzantine agreement, two thirds to decide it, a half for a majority, m/n for a multisig.
    pub threshold: Threshold,
    /// Whether exactly that part is enough; of a multisig it is.
    pub strictness: Strictness,
}

/// The subsystem that the fewest can capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weakest<'a> {
    /// Its name.
    pub name: &'a str,
    /// How many entities can capture it.
    pub coefficient: usize,
}

impl Subsystem<'_> {
    /// Returns how many of its largest entities together have control; `None` when nobody has anything of it.
    #[must_use]
    pub fn coefficient(&self) -> Option<usize> {
        self.holdings.threshold(self.threshold, self.strictness)
    }
}

/// Returns the least coefficient of all subsystems, with the name of the first that has it. `None` when no subsystem has one.
///
/// It does not compare across systems: it depends on which subsystems are looked at.
/// Source: Srinivasan and Lee, "Quantifying Decentralization", 2017.
#[must_use]
pub fn weakest<'a>(subsystems: &[Subsystem<'a>]) -> Option<Weakest<'a>> {
    let weak = subsystems.iter().filter_map(|subsystem| {
        subsystem.coefficient().map(|coefficient| Weakest { name: subsystem.name, coefficient })
    });
    weak.min_by_key(|weak| weak.coefficient)
}
