//! What workers and coordinators send each other: updates, manifests, specifications. What is taken is encoded in one way.
#![no_main]

use compression::{Bits, Density, Format};
use corpus::Manifest;
use libfuzzer_sys::fuzz_target;
use verification::RunSpec;

fuzz_target!(|input: (u16, u16, &[u8])| {
    let (count, format, bytes) = input;
    let count = usize::from(count);
    if let Ok(density) = Density::new(format % 4096 + 1)
        && let Ok(bits) = Bits::new(1 + (format >> 12).to_le_bytes()[0] % 4)
        && let Ok(values) = compression::decompress(bytes, count, Format { density, bits })
    {
        assert!(values.iter().all(|value| value.is_finite()));
        assert!(bytes.len() <= compression::encoded_size_max(count, Format { density, bits }));
    }
    if let Ok(spec) = RunSpec::from_bytes(bytes) {
        assert_eq!(RunSpec::from_bytes(&spec.to_bytes()).ok(), Some(spec));
    }
    let _ = Manifest::decode(bytes);
});
