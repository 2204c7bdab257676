//! `gleaner measure reference`: published values, computed anew.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use holdings_report::{Comparison, FOLDER_FILES, compare};

use crate::failure::Hint as _;
use crate::output::{Output, table};

/// Flags of `gleaner measure reference`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the data sets
    #[arg(value_name = "DATA_FOLDER")]
    folder: PathBuf,
}

/// Prints our figures beside the published ones.
///
/// # Errors
/// When a file can't be read or is not as published, or a figure differs.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let shown = args.folder.display();
    let mut files = Vec::new();
    for file in FOLDER_FILES {
        let path = args.folder.join(file);
        match fs::read(&path) {
            Ok(bytes) => files.push((file, bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("{}: can't be read", path.display()));
            }
        }
    }
    if files.is_empty() {
        return Err(anyhow::anyhow!(
            "{shown}: has none of the data sets, such as {}",
            FOLDER_FILES[0]
        ))
        .hint("give the folder that has the folders solana, sui, prisma and beanstalk");
    }
    let read =
        |name: &str| files.iter().find(|(file, _)| *file == name).map(|(_, bytes)| bytes.clone());
    let comparison = compare(read).with_context(|| shown.to_string())?;
    output.print(&comparison, &text(&comparison))?;
    if comparison.unexplained > 0 {
        bail!("figures that differ: {}", comparison.unexplained);
    }
    Ok(())
}

fn text(comparison: &Comparison) -> String {
    let rows: Vec<Vec<String>> = comparison
        .figures
        .iter()
        .map(|figure| {
            let verdict = match figure.note {
                _ if figure.agrees => "same",
                Some(_) => "known erratum",
                None => "DIFFERS",
            };
            let cells = [&figure.set, &figure.figure, &figure.ours, &figure.published];
            cells.into_iter().cloned().chain([verdict.to_owned()]).collect()
        })
        .collect();
    let mut text = table(&["set", "figure", "ours", "published", ""], &rows);
    for figure in &comparison.figures {
        if let Some(note) = figure.note {
            text += &format!("\n\n{}, {}: {note}", figure.set, figure.figure);
        }
    }
    if !comparison.missing_files.is_empty() {
        text += &format!("\n\nnot in the folder: {}", comparison.missing_files.join(", "));
    }
    text += &format!(
        "\nnot computed, as their data may not be passed on: {}",
        comparison.without_data.join("; ")
    );
    text + &format!("\n{} of {} figures are the same", comparison.agreeing, comparison.compared)
}
