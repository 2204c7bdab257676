//! Systems without these protections.

use crate::report::{Bounds, Kernel, Places, Report};

/// Does nothing.
pub fn close_inherited() {}

/// Takes nothing, and says so.
#[must_use]
pub fn confine_computing(_bounds: Bounds, _kernel: Kernel) -> Report {
    Report::NOTHING
}

/// Takes nothing, and says so.
#[must_use]
pub fn confine_files(_places: &Places, _kernel: Kernel) -> Report {
    Report::NOTHING
}
