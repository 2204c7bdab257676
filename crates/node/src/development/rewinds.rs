//! How often a ledger went back, and how far.

/// Rewinds of a ledger, counted from 1.
#[derive(Debug, Default)]
pub(super) struct Rewinds {
    count: u64,
    /// Number and height of rewinds, both rising: one that went as far or further makes an earlier one forgotten.
    lowest: Vec<(u64, u64)>,
}

impl Rewinds {
    /// Remembers that the ledger went back to `height`.
    pub(super) fn add(&mut self, height: u64) {
        self.count += 1;
        while self.lowest.pop_if(|(_, earlier)| *earlier >= height).is_some() {}
        self.lowest.push((self.count, height));
    }

    /// Returns how many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the lowest height that the ledger went back to after its first `seen` rewinds.
    pub(super) fn lowest_after(&self, seen: u64) -> Option<u64> {
        self.lowest.iter().find(|(number, _)| *number > seen).map(|(_, height)| *height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_height_since_a_look_is_known() {
        let mut rewinds = Rewinds::default();
        assert_eq!(rewinds.lowest_after(0), None);
        for height in [7, 3, 5, 5, 9] {
            rewinds.add(height);
        }
        let lowest: Vec<_> = (0..=rewinds.count()).map(|seen| rewinds.lowest_after(seen)).collect();
        assert_eq!(lowest, [Some(3), Some(3), Some(5), Some(5), Some(9), None]);
        assert_eq!(rewinds.lowest.len(), 3, "what no look needs is forgotten");
    }
}
