mod attacks;
mod math;
mod oracle;
pub(crate) mod play;
mod properties;
