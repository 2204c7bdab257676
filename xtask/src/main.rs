//! Checks of the house that no lint makes.

fn main() {}
