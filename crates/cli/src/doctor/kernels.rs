//! `gleaner doctor kernels`: checks that this machine computes the expected results, with every instruction set.

use benchmark::Finding;
use model::instructions::Isa;
use serde::Serialize;

use crate::failure::Hint as _;
use crate::output::{self, Output};

/// Flags of `gleaner doctor kernels`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Threads to train with
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
}

/// Keys of `gleaner doctor kernels --json`.
#[derive(Serialize)]
struct Document {
    processor: Option<String>,
    is_match: bool,
    instructions: Vec<Checkup>,
}

/// The result for one instruction set.
#[derive(Serialize)]
struct Checkup {
    isa: String,
    is_available: bool,
    /// The first operator that differs; later ones use it.
    first_difference: Option<&'static str>,
    findings: Vec<FindingDocument>,
}

#[derive(Serialize)]
struct FindingDocument {
    name: &'static str,
    is_match: bool,
    expected: String,
    found: String,
}

/// Compares every instruction set of this machine.
///
/// # Errors
/// When something differs, after it was printed.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let instructions: anyhow::Result<Vec<Checkup>> =
        Isa::ALL.into_iter().map(|isa| checkup(isa, args, output)).collect();
    let instructions = instructions?;
    let is_match = instructions.iter().all(|checkup| checkup.first_difference.is_none());
    let document = Document { processor: benchmark::processor(), is_match, instructions };
    output.print(&document, &text(&document))?;
    if is_match {
        return Ok(());
    }
    Err(anyhow::anyhow!("the kernels of this machine compute different bytes: its rounds would be refused"))
        .hint(
            "GLEANER_ISA=scalar uses the reference kernels; please report the difference and the processor",
        )
}

fn checkup(isa: Isa, args: &Args, output: &Output) -> anyhow::Result<Checkup> {
    let mut findings = Vec::new();
    if isa.is_available() {
        output.say(&format!("checking {isa}"));
        findings = benchmark::findings(isa)?;
        // Without a multiply-add instruction the scalar kernels would take minutes.
        if isa != Isa::Scalar {
            findings.push(benchmark::canonical(isa, args.threads.into())?);
        }
    }
    Ok(Checkup {
        isa: isa.to_string(),
        is_available: isa.is_available(),
        first_difference: findings
            .iter()
            .find(|finding| !finding.is_match())
            .map(|finding| finding.name),
        findings: findings.iter().map(finding_document).collect(),
    })
}

fn finding_document(finding: &Finding) -> FindingDocument {
    FindingDocument {
        name: finding.name,
        is_match: finding.is_match(),
        expected: finding.expected.to_string(),
        found: finding.found.to_string(),
    }
}

fn text(document: &Document) -> String {
    let row = |checkup: &Checkup| {
        let words = match checkup.first_difference {
            _ if !checkup.is_available => "not available on this processor".to_owned(),
            None => format!("all {} checks pass", checkup.findings.len()),
            Some(name) => {
                let others = checkup.findings.iter().filter(|finding| !finding.is_match);
                let others: Vec<_> = others.map(|finding| finding.name).collect();
                format!("DIFFERS, first in {name}; all differences: {}", others.join("; "))
            }
        };
        vec![checkup.isa.clone(), words]
    };
    output::lines(&document.instructions.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let finding = |name, is_match| FindingDocument {
            name,
            is_match,
            expected: "a".to_owned(),
            found: "b".to_owned(),
        };
        let document = Document {
            processor: None,
            is_match: false,
            instructions: vec![
                Checkup {
                    isa: "scalar".to_owned(),
                    is_available: true,
                    first_difference: None,
                    findings: vec![finding("gemm", true)],
                },
                Checkup {
                    isa: "avx2".to_owned(),
                    is_available: true,
                    first_difference: Some("norm"),
                    findings: vec![finding("norm", false), finding("training", false)],
                },
                Checkup {
                    isa: "avx512".to_owned(),
                    is_available: false,
                    first_difference: None,
                    findings: vec![],
                },
            ],
        };
        assert_eq!(
            text(&document),
            "scalar  all 1 checks pass\navx2    DIFFERS, first in norm; all differences: norm; training\navx512  not available on this processor"
        );
    }
}
