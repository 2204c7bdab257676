//! The seal: a commitment to a root that stays secret until it is published.

use crate::{DeviceId, Digest};

const CONTEXT: &str = "gleaner 2026 commitment seal v1";

/// Hides `root` under a device's name, for a commitment or an auditor's claim: `BLAKE3(context, device ‖ root)` in key-derivation
/// mode with the context `gleaner 2026 commitment seal v1`.
///
/// Two devices with the same root have different seals, so a seal can't be copied.
#[must_use]
pub fn seal(device: &DeviceId, root: &Digest) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(device.as_bytes()).update(root.as_bytes());
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seal_is_pinned() {
        let [first, second] = [1, 2].map(|byte| DeviceId::from_bytes([byte; 32]));
        let root = Digest::from_bytes([3; 32]);
        let pinned = "4d8129a7d0e79d38687fe5ae10ea66bd4b8d6bf2870cf363a64da0a744ff7714";
        assert_eq!(seal(&first, &root).to_string(), pinned);
        assert_ne!(seal(&first, &root), seal(&second, &root));
    }
}
