//! How hard it is to change something.

/// How a proposal is decided. A later class is stricter.
///
/// Source: `concentration.md`, section 2.3, rule 3; the idea of a class that follows from what a proposal touches is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It passes by itself after some days, unless a tenth of either house objects; then an ordinary vote decides.
    Routine,
    /// Both houses must agree by majority, each with a quorum.
    Ordinary,
    /// Both houses must agree with three fifths, and the timelock is longer.
    Constitutional,
}

impl Class {
    /// All classes, from the least strict on.
    pub const ALL: [Self; 3] = [Self::Routine, Self::Ordinary, Self::Constitutional];

    /// Returns the number that stands for it in calls and storage.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Routine => 0,
            Self::Ordinary => 1,
            Self::Constitutional => 2,
        }
    }

    /// Returns the class that a number stands for.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_one_class_and_rises_with_strictness() {
        for class in Class::ALL {
            assert_eq!(Class::of(class.number()), Some(class));
        }
        assert_eq!(Class::of(3), None);
        assert!(Class::ALL.is_sorted_by(|a, b| a < b && a.number() < b.number()));
    }
}
