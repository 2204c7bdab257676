//! Takes rights from this process that it does not need.
//!
//! 1. [`close_inherited`] closes what a parent left open by mistake.
//! 2. [`confine_computing`] leaves a process that computes with nothing but processor, memory and the descriptors that it has: no
//!    file, socket, program, signal or tracing of others.
//! 3. [`confine_files`] leaves a process that talks to a network with the files that it names.
//! 4. Both return a [`Report`]: which protection is in force, and which this kernel does not have. Whoever calls them decides
//!    whether that is enough, and says it to the owner.
//!
//! Invariants: what is taken can't be had again, by this process or one that it starts; a protection counts as in force only when
//! the kernel has confirmed it; a failure never gives a right back.
//!
//! Call them before the first thread is started: Landlock holds for the calling thread and those that it starts.
//!
//! The crate does not decide what a process needs. Elsewhere than on Linux it takes nothing, and the report says so.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
mod report;

#[cfg(target_os = "linux")]
pub use linux::{close_inherited, confine_computing, confine_files};
#[cfg(not(target_os = "linux"))]
pub use other::{close_inherited, confine_computing, confine_files};
pub use report::{Bounds, Kernel, Places, Protection, Report, State, UnknownReport};
