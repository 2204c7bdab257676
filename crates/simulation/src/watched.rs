//! A value that others wait for.

use std::{
    pin::pin,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;

/// A value, and those who wait until it is another one: they are woken in the order in which they began to wait. Those of tokio's
/// `watch` are woken in an order that is drawn without a seed.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T: Clone> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Notify::new() }
    }

    pub(crate) fn get(&self) -> T {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the value; `change` returns whether it did, and so does this.
    pub(crate) fn change(&self, change: impl FnOnce(&mut T) -> bool) -> bool {
        let is_changed = change(&mut self.value.lock().unwrap_or_else(PoisonError::into_inner));
        if is_changed {
            self.changed.notify_waiters();
        }
        is_changed
    }

    /// Waits until the value is one that is meant, and returns it. Looks again after each change.
    pub(crate) async fn wait_for(&self, is_meant: impl Fn(&T) -> bool) -> T {
        loop {
            let mut changed = pin!(self.changed.notified());
            // What changes after the look wakes this.
            changed.as_mut().enable();
            let value = self.get();
            if is_meant(&value) {
                return value;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn those_who_wait_are_woken_in_their_order() {
        let (watched, woken) = (Arc::new(Watched::new(0)), Arc::new(Mutex::new(Vec::new())));
        let wait = |number: usize| {
            let (watched, woken) = (Arc::clone(&watched), Arc::clone(&woken));
            tokio::spawn(async move {
                let value = watched.wait_for(|value| *value == 2).await;
                woken.lock().unwrap().push((number, value));
            })
        };
        let waiting: Vec<_> = (0..20).map(wait).collect();
        yield_now().await;
        assert!(watched.change(|value| {
            *value = 1;
            true
        }));
        assert!(!watched.change(|_| false));
        yield_now().await;
        assert!(woken.lock().unwrap().is_empty());
        watched.change(|value| {
            *value = 2;
            true
        });
        for waiting in waiting {
            waiting.await.unwrap();
        }
        let expected: Vec<_> = (0..20).map(|number| (number, 2)).collect();
        assert_eq!(*woken.lock().unwrap(), expected);
        assert_eq!(watched.wait_for(|_| true).await, 2, "at once");
    }
}
