//! Inner steps on one machine, outer steps over many.
