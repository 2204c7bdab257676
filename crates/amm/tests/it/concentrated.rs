mod attacks;
mod math;
mod oracle;
mod play;
mod properties;
