//! Takes rights from this process that it does not need.
