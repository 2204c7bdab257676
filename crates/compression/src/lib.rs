//! Makes a pseudo-gradient small: top-k in chunks, 2-bit values, error feedback.
