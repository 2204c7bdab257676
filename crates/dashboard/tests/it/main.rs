//! The page as browsers get it.

mod page;
