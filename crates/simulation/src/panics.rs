//! Panics of tasks, which tokio keeps for those who wait for the task.

use std::{
    cell::RefCell,
    panic::{self, PanicHookInfo},
    sync::Once,
};

thread_local! {
    /// The panics of this thread, while somebody watches.
    static CAUGHT: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

static INSTALLED: Once = Once::new();

/// Watches this thread for panics until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch(());

/// Begins to watch this thread.
pub(crate) fn watch() -> Watch {
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !keep(info) {
                before(info);
            }
        }));
    });
    CAUGHT.set(Some(Vec::new()));
    Watch(())
}

fn keep(info: &PanicHookInfo<'_>) -> bool {
    CAUGHT.with_borrow_mut(|caught| match caught {
        Some(caught) => {
            caught.push(info.to_string().replace('\n', " "));
            true
        }
        None => false,
    })
}

impl Watch {
    /// Returns the first panic.
    pub(crate) fn first(&self) -> Option<String> {
        CAUGHT.with_borrow(|caught| caught.as_ref().and_then(|caught| caught.first().cloned()))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        CAUGHT.set(None);
    }
}
