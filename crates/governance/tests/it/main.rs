//! The rules of governance, from outside.

mod brake;
mod treasury;
