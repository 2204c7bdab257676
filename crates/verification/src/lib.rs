//! One device-round as a reproducible job: execute it, commit to it, replay it.
