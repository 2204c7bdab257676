mod attacks;
mod broken;
mod fees;
mod liquidity;
mod math;
mod oracle;
mod play;
mod properties;
