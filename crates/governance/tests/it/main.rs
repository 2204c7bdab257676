//! The rules of governance, from outside.

mod brake;
mod breakers;
mod jury;
mod treasury;
