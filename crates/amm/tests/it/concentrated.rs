mod attacks;
mod broken;
mod fees;
mod liquidity;
mod math;
mod oracle;
pub(crate) mod play;
mod properties;
