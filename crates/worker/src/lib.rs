//! Does the steps assigned to this device, and audits those of others.
