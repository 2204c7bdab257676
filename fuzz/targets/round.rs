//! What workers and coordinators send each other: updates, manifests, specifications. What is taken is encoded in one way.
#![no_main]

use compression::Density;
use corpus::Manifest;
use libfuzzer_sys::fuzz_target;
use verification::RunSpec;

fuzz_target!(|input: (u16, u16, &[u8])| {
    let (count, density, bytes) = input;
    let count = usize::from(count);
    if let Ok(density) = Density::new(density % 4096 + 1)
        && let Ok(values) = compression::decompress(bytes, count, density)
    {
        assert!(values.iter().all(|value| value.is_finite()));
    }
    if let Ok(spec) = RunSpec::from_bytes(bytes) {
        assert_eq!(RunSpec::from_bytes(&spec.to_bytes()).ok(), Some(spec));
    }
    let _ = Manifest::decode(bytes);
});
