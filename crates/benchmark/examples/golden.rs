//! Prints the table of `src/golden.rs` as this machine computes it: `cargo run --release -p benchmark --example golden`.
#![expect(clippy::print_stdout, reason = "prints source text to paste")]

use benchmark::{OPERATORS, canonical, digests};
use model::instructions::Isa;

fn main() -> Result<(), benchmark::RunError> {
    let isa = Isa::detect();
    println!("const GOLDEN: &[(&str, &str)] = &[");
    for (name, digest) in OPERATORS.iter().zip(digests(isa)?) {
        println!("    (\"{name}\", \"{digest}\"),");
    }
    println!("    (\"canonical\", \"{}\"),\n];", canonical(isa, 2)?.found);
    Ok(())
}
