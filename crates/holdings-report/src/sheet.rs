//! The columns of a table that a report needs.

use std::borrow::Cow;

use alloy_primitives::U256;

use crate::{
    amount::{Amount, AmountError},
    csv::{Cell, CsvError, Records, shown},
};

/// Most rows of a table.
const ROWS_MAX: usize = 50_000_000;
/// Most columns of a table.
const COLUMNS_MAX: usize = 10_000;
/// Most columns that an error lists.
const LISTED_MAX: usize = 30;

/// Which columns are wanted.
#[derive(Clone, Copy, Debug)]
pub struct SheetColumns<'a> {
    /// The column of amounts.
    pub value: &'a str,
    /// Columns of labels.
    pub labels: &'a [&'a str],
    /// What stands between two cells; `None` is a comma, or a semicolon or tab where the first line has no comma.
    pub delimiter: Option<u8>,
}

/// Amounts and labels, row by row.
#[derive(Clone, Debug)]
pub struct Sheet<'a> {
    /// The amounts, in units of `10^-decimals`.
    pub amounts: Vec<U256>,
    /// Decimals of the amounts: the most that a row has.
    pub decimals: usize,
    /// For each column of labels, the label of each row; empty where there is none.
    pub labels: Vec<Vec<Cow<'a, str>>>,
    /// Rows without an amount. They are left out.
    pub empty_count: usize,
}

/// Why a table can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// It is not a table.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// There is nothing in it.
    #[error("the file is empty: its first line must name the columns")]
    Empty,
    /// A column is missing.
    #[error("there is no column {column:?}: the file has {}", listed(columns))]
    NoSuchColumn {
        /// The column that was asked for.
        column: String,
        /// Those that there are.
        columns: Vec<String>,
    },
    /// A column is there twice.
    #[error("the file has more than one column {column:?}: rename all but one")]
    Ambiguous {
        /// The column.
        column: String,
    },
    /// A row is too short or too long.
    #[error(
        "line {line} has {found} cells, the first line has {expected}: quote cells with a delimiter inside"
    )]
    Ragged {
        /// The line.
        line: usize,
        /// Its cells.
        found: usize,
        /// Those of the first line.
        expected: usize,
    },
    /// A cell is not an amount.
    #[error("line {line}, column {column:?}: {text:?}: {reason}")]
    Amount {
        /// The line.
        line: usize,
        /// The column.
        column: String,
        /// The cell.
        text: String,
        /// Why not.
        reason: AmountError,
    },
    /// Too many rows or columns.
    #[error(
        "the file has more than {ROWS_MAX} rows or {COLUMNS_MAX} columns: measure a part of it"
    )]
    TooLarge,
}

/// Reads the columns that are wanted. Rows whose amount is empty are counted, and left out.
///
/// # Errors
/// [`SheetError`], with the line.
pub fn read_sheet<'a>(bytes: &'a [u8], columns: SheetColumns<'_>) -> Result<Sheet<'a>, SheetError> {
    let delimiter = columns.delimiter.unwrap_or_else(|| guess_delimiter(bytes));
    let mut records = Records::new(bytes, delimiter)?;
    let mut cells = Vec::new();
    let line = records.next(&mut cells)?.ok_or(SheetError::Empty)?;
    let names = cells.iter().map(|cell| cell.text(line)).collect::<Result<Vec<_>, _>>()?;
    if names.len() > COLUMNS_MAX {
        return Err(SheetError::TooLarge);
    }
    let value_index = find(&names, columns.value)?;
    let label_indexes =
        columns.labels.iter().map(|label| find(&names, label)).collect::<Result<Vec<_>, _>>()?;
    let mut rows = Rows {
        value: columns.value,
        amounts: Vec::new(),
        labels: vec![Vec::new(); label_indexes.len()],
        empty_count: 0,
    };
    while let Some(line) = records.next(&mut cells)? {
        if cells.len() != names.len() {
            return Err(SheetError::Ragged { line, found: cells.len(), expected: names.len() });
        }
        rows.add(line, cells[value_index], label_indexes.iter().map(|index| cells[*index]))?;
    }
    rows.finish()
}

/// What has been read so far.
struct Rows<'a, 'b> {
    value: &'b str,
    amounts: Vec<(usize, Amount)>,
    labels: Vec<Vec<Cow<'a, str>>>,
    empty_count: usize,
}

impl<'a> Rows<'a, '_> {
    fn add(
        &mut self,
        line: usize,
        value: Cell<'a>,
        labels: impl Iterator<Item = Cell<'a>>,
    ) -> Result<(), SheetError> {
        let text = value.text(line)?;
        if text.is_empty() {
            self.empty_count += 1;
            return Ok(());
        }
        if self.amounts.len() >= ROWS_MAX {
            return Err(SheetError::TooLarge);
        }
        let amount = Amount::parse(&text).map_err(|reason| self.refused(line, &text, reason))?;
        self.amounts.push((line, amount));
        for (column, cell) in self.labels.iter_mut().zip(labels) {
            column.push(cell.text(line)?);
        }
        Ok(())
    }

    fn refused(&self, line: usize, text: &str, reason: AmountError) -> SheetError {
        SheetError::Amount { line, column: self.value.to_owned(), text: shown(text), reason }
    }

    /// Brings all amounts to the same unit.
    fn finish(self) -> Result<Sheet<'a>, SheetError> {
        let decimals = self.amounts.iter().map(|(_, amount)| amount.decimals).max().unwrap_or(0);
        let scaled = self.amounts.iter().map(|(line, amount)| {
            let text = || crate::decimal_text(amount.units, amount.decimals);
            let too_large = || self.refused(*line, &text(), AmountError::TooLarge);
            amount.scaled(decimals).ok_or_else(too_large)
        });
        let amounts = scaled.collect::<Result<Vec<_>, _>>()?;
        Ok(Sheet { amounts, decimals, empty_count: self.empty_count, labels: self.labels })
    }
}

fn find(names: &[Cow<'_, str>], column: &str) -> Result<usize, SheetError> {
    let mut places = names.iter().enumerate().filter(|(_, name)| *name == column);
    match (places.next(), places.next()) {
        (Some((index, _)), None) => Ok(index),
        (Some(_), Some(_)) => Err(SheetError::Ambiguous { column: column.to_owned() }),
        (None, _) => Err(SheetError::NoSuchColumn {
            column: column.to_owned(),
            columns: names.iter().map(|name| shown(name)).collect(),
        }),
    }
}

/// The comma, or what the first line has outside of quotes instead.
fn guess_delimiter(bytes: &[u8]) -> u8 {
    let first = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    // Every second part is quoted: what is in it is a part of a name.
    let outside = first.split(|byte| *byte == b'"').step_by(2);
    let is_there = |delimiter: &u8| outside.clone().any(|part| part.contains(delimiter));
    [b',', b';', b'\t'].into_iter().find(is_there).unwrap_or(b',')
}

fn listed(columns: &[String]) -> String {
    let mut text = columns.iter().take(LISTED_MAX).cloned().collect::<Vec<_>>().join(", ");
    if columns.len() > LISTED_MAX {
        text += &format!(" and {} more", columns.len() - LISTED_MAX);
    }
    text
}
