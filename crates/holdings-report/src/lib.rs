//! Reads tables of amounts, and reports their concentration as text, JSON and SVG.
//!
//! 1. [`read_sheet`] reads the columns that are asked for from a CSV file, each amount exactly.
//! 2. [`Report`] measures them with the crate `concentration`, and is a JSON document with stable keys; [`Report::text`] is a table.
//! 3. [`Series`] has the same figures at many times.
//! 4. [`draw`] draws the Lorenz curve, and power against holdings, [`draw_series`] figures over time, as SVG.
//! 5. [`RecentVotes`] says what the newest votes warn of; [`replay`] plays the votes of a table again, and says after which of them it does.
//! 6. [`measure_attack`] says what it costs to win a vote, [`ProcessReport`] how fair the process around votes is.
//! 7. [`compare`] computes published reference values anew, and puts ours beside them.
//!
//! It computes no figure itself, and opens no file: bytes come in, text goes out.

mod alarms;
mod amount;
mod attack;
mod csv;
mod document;
mod drawing;
mod process;
mod reference;
mod replay;
mod report;
mod series;
mod sheet;
mod text;

pub use alarms::{ALARM_VOTES, RecentVotes, Window};
pub use amount::{AmountError, decimal_text};
pub use attack::{AttackQuestion, AttackReport, MONEY_DECIMALS, WayDocument, measure_attack};
pub use csv::CsvError;
pub use document::{
    AlarmDocument, CoefficientsDocument, DecisivenessDocument, DelegateDocument, HolderDocument,
    PowerDocument, Report, SubsystemDocument,
};
pub use drawing::{draw, draw_series};
pub use process::ProcessReport;
pub use reference::{Compared, Comparison, FOLDER_FILES, compare};
pub use replay::{BallotColumns, Replay, ReplayError, ReplayedVote, replay};
pub use report::{Question, ReportError, SubsystemQuestion, measure};
pub use series::{Series, SeriesPoint, TimedRows};
pub use sheet::{Sheet, SheetColumns, SheetError, read_sheet};
