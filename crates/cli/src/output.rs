//! The output of commands: data on stdout, messages on stderr.
//!
//! The only module that may write to stdout. With `--json` a command prints one document and nothing else there. A
//! closed pipe, as in `gleaner project list | head -1`, is not a failure.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Context as _;
use serde::Serialize;

/// Where a command prints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
    is_live: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

impl Output {
    /// Checks the terminal once; `json` is the global flag.
    pub(crate) fn new(json: bool) -> Self {
        let is_live = io::stderr().is_terminal() && crate::shell::variable("NO_COLOR").is_none();
        Self { format: if json { Format::Json } else { Format::Text }, is_live }
    }

    /// Prints the result of a command: `document` with `--json`, else `text`. A missing final newline is added. Others may have written
    /// parts of the text: what could steer the terminal is replaced.
    ///
    /// # Errors
    /// When stdout can't be written, unless the pipe is closed.
    pub(crate) fn print(&self, document: &impl Serialize, text: &str) -> anyhow::Result<()> {
        let mut bytes = match self.format {
            Format::Json => serde_json::to_vec_pretty(document)
                .context("the document can't be written as JSON")?,
            Format::Text => plain_lines(text).into_bytes(),
        };
        if !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        let mut stdout = io::stdout().lock();
        match stdout.write_all(&bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(error).context("stdout can't be written")
            }
            _ => Ok(()),
        }
    }

    /// Prints a line of JSON for the program that started this one.
    #[expect(clippy::unused_self, reason = "lines are printed by the same object as data")]
    pub(crate) fn line(&self, document: &impl Serialize) {
        if let Ok(text) = serde_json::to_string(document) {
            // Whoever started it may have gone.
            let _ = writeln!(io::stdout().lock(), "{text}");
        }
    }

    /// Prints a message for the user on stderr, of one or more lines. Others may have written parts of it.
    #[expect(clippy::unused_self, reason = "messages are printed by the same object as data")]
    pub(crate) fn say(&self, words: &str) {
        // A closed stderr is no reason to stop.
        let _ = writeln!(io::stderr(), "{}", plain_lines(words));
    }

    /// Returns whether stderr may carry progress bars and colour: a terminal, and `NO_COLOR` is not set.
    pub(crate) fn is_live(&self) -> bool {
        self.is_live
    }
}

/// Aligns `rows` below `head`; columns of numbers to the right.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let numbers: Vec<bool> = (0..head.len())
        .map(|column| !rows.is_empty() && rows.iter().all(|row| is_number(&row[column])))
        .collect();
    let all: Vec<_> = std::iter::once(head).chain(rows.iter().cloned()).collect();
    align(&all, &numbers)
}

/// Aligns `rows` without headings.
pub(crate) fn lines(rows: &[Vec<String>]) -> String {
    align(rows, &[])
}

fn is_number(cell: &str) -> bool {
    !cell.is_empty() && cell.chars().all(|digit| digit.is_ascii_digit() || digit == '.')
}

/// Aligns the cells of column `i` to the right if `numbers[i]`, else to the left.
fn align(rows: &[Vec<String>], numbers: &[bool]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = widths[column];
            if numbers.get(column) == Some(&true) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Removes control characters, and characters that hide or reverse text, from text that others wrote, for example
/// names of projects.
fn plain(text: &str) -> String {
    let is_shown = |character: char| !character.is_control() && !units::is_hidden(character);
    text.chars().map(|character| if is_shown(character) { character } else { '\u{fffd}' }).collect()
}

/// As [`plain`], but keeps the ends of lines and tabs.
fn plain_lines(text: &str) -> String {
    let words = |line: &str| line.split('\t').map(plain).collect::<Vec<_>>().join("\t");
    text.split('\n').map(words).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_aligned_to_the_right() {
        let rows = [
            vec!["0xab".into(), "5".into(), "open".into()],
            vec!["0x1".into(), "1234".into(), "x".into()],
        ];
        assert_eq!(
            table(&["account", "paid", "state"], &rows),
            "account  paid  state\n0xab        5  open\n0x1      1234  x"
        );
        assert_eq!(table(&["account", "paid"], &[]), "account  paid");
    }

    #[test]
    fn a_name_can_not_steer_the_terminal() {
        assert_eq!(
            lines(&[vec!["\u{1b}[2Jgone".into(), "x\ny".into()]]),
            "\u{fffd}[2Jgone  x\u{fffd}y"
        );
        assert_eq!(lines(&[vec!["a\u{202e}b\u{200b}".into()]]), "a\u{fffd}b\u{fffd}");
        assert_eq!(plain_lines("a\u{1b}[2J\n\tb\r"), "a\u{fffd}[2J\n\tb\u{fffd}");
    }
}
