//! Splitting, listing and drawing.

mod cutting;
mod drawing;
mod listing;
