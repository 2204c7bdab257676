//! The newest events of a contract, from the history index.

use alloy_primitives::{Address, B256};
use history::{
    Coverage, EventEntry, EventFilter, PAGE_MAX, PageRequest, Position, Unavailable, View,
};
use maud::{Markup, html};
use node::Node;

use crate::NoPage;

/// The history index as far as a page about markets needs it: complete up to the head, or not at all.
pub(crate) struct Events {
    view: Result<View, String>,
}

/// Events, newest first.
pub(crate) struct Newest {
    pub(crate) events: Vec<EventEntry>,
    /// Where to go on, if there are older ones.
    pub(crate) next: Option<Position>,
}

impl Events {
    pub(crate) fn new(node: &Node) -> Result<Self, NoPage> {
        let view = match node.history_view() {
            Ok(view) if !view.kept().events => {
                Err("This node's history index does not hold events.".to_owned())
            }
            Ok(view) if view.coverage().is_current() => Ok(view),
            Ok(view) => {
                let Coverage { last, head, .. } = view.coverage();
                Err(format!("The history index is being built: it is at block {last} of {head}."))
            }
            Err(Unavailable::Index(error)) => return Err(error.into()),
            Err(error) => Err(sentence(&error)),
        };
        Ok(Self { view })
    }

    /// The index; `None` when it can't tell.
    pub(crate) fn view(&self) -> Option<&View> {
        self.view.as_ref().ok()
    }

    /// Why something is missing on the page: there is no index, or it begins late.
    pub(crate) fn note(&self) -> Markup {
        html! {
            @match &self.view {
                Err(why) => p class="quiet" { (why) " Trades, charts and lists of events are read from it." },
                Ok(view) if view.coverage().first > 1 => {
                    p class="quiet" { "From block " (view.coverage().first) " on: earlier ones are not in this node's history index." }
                }
                Ok(_) => {}
            }
        }
    }

    /// The newest events of a contract with one of these first topics, at most `most` of each.
    pub(crate) fn newest(
        &self,
        address: &Address,
        topics: &[B256],
        before: Option<Position>,
        most: usize,
    ) -> Result<Newest, NoPage> {
        let mut found = Newest { events: Vec::new(), next: None };
        for topic in topics {
            self.append(address, [Some(*topic), None, None, None], (before, most), &mut found)?;
        }
        found.events.sort_by_key(|event| std::cmp::Reverse(event.position));
        // What is older than the list that ends first may be missing.
        if topics.len() > 1 && found.events.len() > most {
            found.events.truncate(most);
            found.next = found.events.last().map(|event| event.position);
        }
        Ok(found)
    }

    /// The newest events of a contract with all of these topics.
    pub(crate) fn with_topics(
        &self,
        address: &Address,
        topics: [Option<B256>; 4],
        most: usize,
    ) -> Result<Newest, NoPage> {
        let mut found = Newest { events: Vec::new(), next: None };
        self.append(address, topics, (None, most), &mut found)?;
        Ok(found)
    }

    fn append(
        &self,
        address: &Address,
        topics: [Option<B256>; 4],
        (mut before, most): (Option<Position>, usize),
        found: &mut Newest,
    ) -> Result<(), NoPage> {
        let Ok(view) = &self.view else { return Ok(()) };
        let filter = EventFilter::Contract { address: *address, topics };
        let mut left = most;
        while left > 0 {
            let page = view.events(&filter, PageRequest { before, limit: left.min(PAGE_MAX) })?;
            left = left.saturating_sub(page.items.len());
            found.events.extend(page.items);
            before = page.next;
            if before.is_none() {
                return Ok(());
            }
        }
        found.next = found.next.max(before);
        Ok(())
    }
}

/// An error as a sentence of a page.
pub(crate) fn sentence(error: &Unavailable) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}
