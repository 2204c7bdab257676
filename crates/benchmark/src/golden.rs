//! The digests that every machine must compute.
//!
//! `cargo run --release -p benchmark --example golden` prints this table. It changes only when the specification of a
//! result changes: then the commit says which and why, and later versions can't replay earlier runs.

use units::Digest;

/// Operators and workloads with their digests.
const GOLDEN: &[(&str, &str)] = &[
    ("exp, ln, sigmoid", "165b26a7af0f6317395f4ae130e9b1a3e21b65439538a1f9f00f6a0c40dcfa39"),
    ("sine, cosine", "ea94e2ad2c9346510dbf73d6070cc61c14a19e4a8cc90528640bdde33de9cde1"),
    ("gemm", "50dcf1a489a041382896b2bc8359f87d833e44477b4dec272dd62e9a99c5bf4e"),
    ("cross entropy", "7ed06f4937ca9f2f10d6707f5ad41832e252472cd1345e50666142e3bcc9c479"),
    ("norm", "95c8dea8ffc9056c2c5af35c72d4666d44e67c931003044b41e7326292695677"),
    ("swiglu", "393ba3620e560fe178a27e978884c2a9995d80c9f26f8265b7b4ad0f29f8b7e4"),
    ("attention", "b84e945211477c755c55e50a7948499853b463e2a6d40f2040497049bcf56aea"),
    ("rotary", "0b8fef0e6afdbd8aee5609b74b6a0ed3f8508fe92c8aaf7e644929806580c4bc"),
    ("sharp attention", "97d746b8ffed43e49f94d85ad146bf957cb4d84a0c4e949a8ad6374acbde3d0b"),
    ("adamw", "0532c8eb92f1178fd0940e58079e72dc08ad695ca9ea3c1d90e6355e12e6a8c4"),
    ("muon", "6c2e088bf5d427845fb9a9643fec27bdf588130499cd1d885be1b31ebdeb86ac"),
    ("training", "858683011f9fb1e26ad76992942445e9d93e3916cf2eb8545855cdbf4dc92ef6"),
    ("training with muon", "d225dc34d374f5b583573e9a842e87557b89479abe9b8458440a60eb34275b72"),
    ("canonical", "790c3476845cac803db7805bcb179fe66f2e448a19725f6013401c4e6e5ac8fa"),
];

/// Returns the committed digest; if none is committed, zero, which is never computed.
///
/// # Panics
/// When the committed text is not a digest.
pub(crate) fn digest(name: &str) -> Digest {
    GOLDEN.iter().find(|(known, _)| *known == name).map_or(Digest::ZERO, |(_, text)| {
        text.parse().expect("a committed digest has 64 hexadecimal digits")
    })
}
