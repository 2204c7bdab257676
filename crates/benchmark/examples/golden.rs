//! Prints the constants of `src/golden.rs`, as this machine computes them: `cargo run --release -p benchmark --example golden`.
#![expect(clippy::print_stdout, reason = "prints source for a person to paste")]

use benchmark::{OPERATORS, canonical, digests};
use model::instructions::Isa;

fn main() -> Result<(), benchmark::RunError> {
    let isa = Isa::detect();
    println!("pub(crate) const OPERATORS: [&str; crate::OPERATORS.len()] = [");
    for (name, digest) in OPERATORS.iter().zip(digests(isa)?) {
        println!("    // {name}\n    \"{digest}\",");
    }
    println!("];\n\npub(crate) const CANONICAL: &str =\n    \"{}\";", canonical(isa, 2)?.found);
    Ok(())
}
