//! Lists of what is numbered from 1, newest first, a part at a time.

/// Items of a page at most.
pub const ITEMS_MAX: u64 = 100;

/// Which part of a list to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The newest to show; the newest of all if it is absent or higher than that.
    pub newest: Option<u64>,
    /// How many to show; [`ITEMS_MAX`] if it is more.
    pub items: u64,
}

/// A part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// How many there are in the whole list.
    pub count: u64,
    /// [`Window::newest`] of the page before, if there is one.
    pub newer: Option<u64>,
    /// [`Window::newest`] of the page after, if there is one.
    pub older: Option<u64>,
}

impl Window {
    /// The first page of `items`.
    #[must_use]
    pub fn first(items: u64) -> Self {
        Self { newest: None, items }
    }

    /// The numbers shown of `count`, in the order of the page.
    pub(crate) fn numbers(self, count: u64) -> impl Iterator<Item = u64> + Clone {
        let newest = self.newest.map_or(count, |newest| newest.min(count));
        let oldest = newest.saturating_sub(self.items.min(ITEMS_MAX)).saturating_add(1);
        (oldest..=newest).rev()
    }
}

impl<T> Page<T> {
    /// The page of a window with what was read for its numbers.
    pub(crate) fn new(window: Window, count: u64, items: Vec<T>) -> Self {
        let mut numbers = window.numbers(count);
        let (newest, oldest) = (numbers.next(), numbers.last());
        let oldest = oldest.or(newest);
        let newer = newest.filter(|newest| *newest < count);
        Self {
            items,
            count,
            newer: newer
                .map(|newest| newest.saturating_add(window.items.min(ITEMS_MAX)).min(count)),
            older: oldest.and_then(|oldest| oldest.checked_sub(1)).filter(|older| *older > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(window: Window, count: u64, expected: (&[u64], Option<u64>, Option<u64>)) {
        let numbers: Vec<_> = window.numbers(count).collect();
        let page = Page::new(window, count, numbers);
        assert_eq!((&page.items[..], page.newer, page.older), expected, "{window:?} of {count}");
        assert_eq!(page.count, count);
    }

    #[test]
    fn pages_lead_to_each_other() {
        let from = |newest, items| Window { newest: Some(newest), items };
        check(Window::first(3), 7, (&[7, 6, 5], None, Some(4)));
        check(from(4, 3), 7, (&[4, 3, 2], Some(7), Some(1)));
        check(from(1, 3), 7, (&[1], Some(4), None));
        check(from(6, 3), 7, (&[6, 5, 4], Some(7), Some(3)));
        check(from(u64::MAX, 3), 7, (&[7, 6, 5], None, Some(4)));
        check(Window::first(3), 3, (&[3, 2, 1], None, None));
        check(Window::first(u64::MAX), 2, (&[2, 1], None, None));
        check(Window::first(3), 0, (&[], None, None));
        check(from(0, 3), 7, (&[], None, None));
        check(Window::first(0), 7, (&[], None, None));
        assert_eq!(Window::first(u64::MAX).numbers(u64::MAX).count(), 100);
    }
}
