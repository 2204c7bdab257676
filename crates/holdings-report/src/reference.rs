//! Published reference values, computed anew from their data.
//!
//! `reference/published.txt` has the values of distributions, as printed; below are those of games and of blocs.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use concentration::{
    Groups, Holdings, Ratio, Summary, THRESHOLDS, Zeros,
    blocs::{Ballot, Blocs, Similarity},
    power::{Game, exact},
};

use crate::{SheetColumns, SheetError, csv::CsvError, read_sheet};

const PUBLISHED: &str = include_str!("reference/published.txt");

/// The files of the data folder that are read.
pub const FOLDER_FILES: [&str; 13] = [
    "solana/validators_epoch780.csv",
    "solana/validators_epoch860.csv",
    "sui/sui_validators.csv",
    "prisma/vecrv_vote394_values.csv",
    "prisma/stability_pool_values.csv",
    "prisma/trove_debt_values.csv",
    "prisma/lp_0x0Ae09f64_values.csv",
    "prisma/lp_0x3D56E0Ea_values.csv",
    "prisma/lp_0x5F8D4319_values.csv",
    "prisma/lp_0x6D3cD0dD_values.csv",
    "prisma/lp_0x71aD6c1d_values.csv",
    "prisma/lp_0xf6aA4686_values.csv",
    VOTES,
];
const VOTES: &str = "beanstalk/bip_votes.csv";

const FIGURES: [&str; 9] =
    ["n", "gini", "hhi", "entropy_bits", "nakamoto 1/3", "1/2", "2/3", "top1", "top10"];

/// Blocs of a window of votes, as published.
struct PublishedBlocs {
    first: u32,
    last: u32,
    /// Min-entropy in bits.
    entropy: &'static str,
    /// Voters and blocs, where they are published.
    counts: Option<(usize, usize)>,
}

const BLOCS: [PublishedBlocs; 7] = [
    PublishedBlocs::of(15, 19, "0.168202", Some((199, 11))),
    PublishedBlocs::of(10, 19, "0.172092", Some((237, 55))),
    PublishedBlocs::of(0, 19, "0.181841", Some((319, 142))),
    PublishedBlocs::of(19, 19, "0.000000", None),
    PublishedBlocs::of(13, 17, "1.447776", Some((215, 14))),
    PublishedBlocs::of(8, 17, "2.030904", Some((249, 76))),
    PublishedBlocs::of(0, 17, "2.520745", Some((317, 138))),
];

impl PublishedBlocs {
    const fn of(
        first: u32,
        last: u32,
        entropy: &'static str,
        counts: Option<(usize, usize)>,
    ) -> Self {
        Self { first, last, entropy, counts }
    }
}

/// Published figures that are known to be wrong in their last digit: set, figure, and why.
const ERRATA: [(&str, &str, &str); 1] = [(
    "Beanstalk blocs, votes 15-19",
    "min-entropy bits",
    "with 40 digits it is log2(434703988242/386865631100) = 0.1682007655, so the last printed digit is 1",
)];

/// A game whose power is published.
struct PublishedGame {
    name: &'static str,
    quota: u64,
    weights: &'static [u64],
    banzhaf: &'static str,
    shapley: &'static str,
}

const GAMES: [PublishedGame; 4] = [
    PublishedGame {
        name: "[4; 3,2,1]",
        quota: 4,
        weights: &[3, 2, 1],
        banzhaf: "3/5 1/5 1/5",
        shapley: "2/3 1/6 1/6",
    },
    PublishedGame {
        name: "[51; 50,49,1]",
        quota: 51,
        weights: &[50, 49, 1],
        banzhaf: "3/5 1/5 1/5",
        shapley: "2/3 1/6 1/6",
    },
    PublishedGame {
        name: "EEC 1958 [12; 4,4,4,2,2,1]",
        quota: 12,
        weights: &[4, 4, 4, 2, 2, 1],
        banzhaf: "5/21 5/21 5/21 1/7 1/7 0",
        shapley: "7/30 7/30 7/30 3/20 3/20 0",
    },
    PublishedGame {
        name: "UN Security Council [39; 7x5, 1x10]",
        quota: 39,
        weights: &[7, 7, 7, 7, 7, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        banzhaf: "848 swings 84 swings 0.16693 0.01654",
        shapley: "421/2145 4/2145",
    },
];

/// A figure of ours beside the published one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Compared {
    /// The distribution, game or window of votes.
    pub set: String,
    /// The figure.
    pub figure: String,
    /// Ours, rounded to as many digits as are published.
    pub ours: String,
    /// The published one.
    pub published: String,
    /// Whether they are the same, digit by digit.
    pub agrees: bool,
    /// Why they differ, where that is known.
    pub note: Option<&'static str>,
}

/// All figures that could be compared.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Comparison {
    /// Number of figures that agree.
    pub agreeing: usize,
    /// Number of figures that differ, and nobody knows why.
    pub unexplained: usize,
    /// Number of figures compared.
    pub compared: usize,
    /// Files that are not in the folder: their sets are left out.
    pub missing_files: Vec<String>,
    /// Published sets whose data have no licence to be passed on, so that they can't be computed here.
    pub without_data: Vec<&'static str>,
    /// The figures.
    pub figures: Vec<Compared>,
}

/// Computes all published figures. `read` returns a file of the data folder, or nothing when it is not there.
///
/// # Errors
/// [`SheetError`] when a file is not as it was published.
pub fn compare(mut read: impl FnMut(&str) -> Option<Vec<u8>>) -> Result<Comparison, SheetError> {
    let mut figures: Vec<Compared> = GAMES.iter().flat_map(game).collect();
    let mut missing_files = Vec::new();
    let mut files = BTreeMap::new();
    for file in FOLDER_FILES {
        match read(file) {
            Some(bytes) => {
                files.insert(file, bytes);
            }
            None => missing_files.push(file.to_owned()),
        }
    }
    for line in PUBLISHED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let set = PublishedSet::of(line);
        if let Some(bytes) = files.get(set.file) {
            figures.extend(set.compare(bytes)?);
        }
    }
    if let Some(bytes) = files.get(VOTES) {
        figures.extend(blocs(bytes)?);
    }
    let agreeing = figures.iter().filter(|figure| figure.agrees).count();
    Ok(Comparison {
        unexplained: figures.iter().filter(|it| !it.agrees && it.note.is_none()).count(),
        agreeing,
        compared: figures.len(),
        missing_files,
        without_data: vec![
            "CRV without escrow",
            "CRV all rows",
            "SAFE allocation",
            "Ethereum consensus nodes by organisation (EDI)",
            "Bitcoin nodes by organisation (EDI), with and without Tor",
        ],
        figures,
    })
}

/// A line of the published values.
struct PublishedSet<'a> {
    name: &'a str,
    file: &'a str,
    value: &'a str,
    labels: &'a str,
    condition: &'a str,
    figures: Vec<&'a str>,
}

impl<'a> PublishedSet<'a> {
    fn of(line: &'a str) -> Self {
        let mut parts = line.split("; ");
        let mut next = || parts.next().expect("a line has five parts and nine figures");
        let (name, file, value, labels, condition) = (next(), next(), next(), next(), next());
        Self { name, file, value, labels, condition, figures: parts.collect() }
    }

    fn compare(&self, bytes: &[u8]) -> Result<Vec<Compared>, SheetError> {
        let holdings = self.holdings(bytes)?;
        let ours = figures(&holdings, &self.figures);
        let compared = FIGURES.iter().zip(ours).zip(&self.figures);
        Ok(compared
            .map(|((figure, ours), published)| compared_as(self.name, figure, ours, published))
            .collect())
    }

    fn holdings(&self, bytes: &[u8]) -> Result<Holdings, SheetError> {
        let by_largest = self.labels.strip_suffix('!');
        let label = by_largest.unwrap_or(self.labels);
        let condition = self.condition.split_once('=');
        let label_column = (label != "-").then_some(label);
        let columns: Vec<&str> =
            label_column.into_iter().chain(condition.map(|(column, _)| column)).collect();
        let wanted = SheetColumns { value: self.value, labels: &columns, delimiter: Some(b',') };
        let sheet = read_sheet(bytes, wanted)?;
        let window = condition.map(|(_, values)| window(values));
        let is_in = |row: &usize| match (&window, sheet.labels.last()) {
            (Some(window), Some(numbers)) => {
                numbers[*row].parse().is_ok_and(|number: u32| window.contains(&number))
            }
            _ => true,
        };
        let rows: Vec<usize> = (0..sheet.amounts.len()).filter(is_in).collect();
        let amounts = rows.iter().map(|row| sheet.amounts[*row]);
        let holdings = if label == "-" {
            Holdings::new(amounts, Zeros::Drop)
        } else if by_largest.is_some() {
            let mut largest: BTreeMap<&str, U256> = BTreeMap::new();
            for (row, amount) in rows.iter().zip(amounts) {
                let most = largest.entry(&sheet.labels[0][*row]).or_default();
                *most = (*most).max(amount);
            }
            Holdings::new(largest.into_values(), Zeros::Drop)
        } else {
            let labelled = rows.iter().map(|row| sheet.labels[0][*row].as_ref()).zip(amounts);
            // What has no label is one group: that is how these values were published.
            Groups::new(labelled, Zeros::Drop).holdings(Zeros::Drop).map(|ends| ends.one_entity)
        };
        // Amounts that have been published add up.
        Ok(holdings.expect("published amounts add up to less than 2^256"))
    }
}

/// `5` or `0-17`.
fn window(values: &str) -> std::ops::RangeInclusive<u32> {
    let (first, last) = values.split_once('-').unwrap_or((values, values));
    let number = |text: &str| text.parse().expect("a window has numbers");
    number(first)..=number(last)
}

/// Our figures, each to as many digits as the published one has.
fn figures(holdings: &Holdings, published: &[&str]) -> Vec<String> {
    let digits = |index: usize| {
        published.get(index).and_then(|text| text.split_once('.')).map_or(0, |(_, part)| part.len())
    };
    let summary = Summary::of(holdings, &THRESHOLDS);
    let ratio = |ratio: Option<Ratio>, index: usize| {
        ratio.map_or_else(|| "none".to_owned(), |ratio| ratio.decimal(digits(index)))
    };
    let count = |index: usize| {
        let coefficient = summary.coefficients[index].more_than;
        coefficient.map_or_else(|| "none".to_owned(), |count| count.to_string())
    };
    vec![
        summary.count.to_string(),
        ratio(summary.gini, 1),
        ratio(summary.hhi, 2),
        format!("{:.*}", digits(3), summary.entropy_bits.unwrap_or(f64::NAN)),
        count(0),
        count(1),
        count(2),
        ratio(summary.top1, 7),
        ratio(summary.top10, 8),
    ]
}

fn game(published: &PublishedGame) -> Vec<Compared> {
    let game = Game::of_integers(published.quota, published.weights);
    let power = exact(&game.expect("a published game has a quota")).expect("it is small");
    let shapley = power.shapley.clone().unwrap_or_default();
    let fraction = |(numerator, denominator): &(u128, u128)| match numerator {
        0 => "0".to_owned(),
        _ => format!("{numerator}/{denominator}"),
    };
    let fractions = |all: &[(u128, u128)]| all.iter().map(fraction).collect::<Vec<_>>().join(" ");
    let [first, .., last] = power.swings[..] else { return Vec::new() };
    let is_council = published.weights.len() == 15;
    let (banzhaf, indices) = if is_council {
        let all: u128 = power.swings.iter().sum();
        let share = |swings: u128| {
            let ratio = Ratio::new(U256::from(swings), U256::from(all));
            ratio.map_or_else(String::new, |ratio| ratio.decimal(5))
        };
        (
            format!("{first} swings {last} swings {} {}", share(first), share(last)),
            fractions(&[shapley[0], shapley[14]]),
        )
    } else {
        (fractions(&power.banzhaf_normalised()), fractions(&shapley))
    };
    vec![
        compared_as(published.name, "Banzhaf", banzhaf, published.banzhaf),
        compared_as(published.name, "Shapley-Shubik", indices, published.shapley),
    ]
}

fn blocs(bytes: &[u8]) -> Result<Vec<Compared>, SheetError> {
    let labels = ["bip", "voter", "choice"];
    let sheet =
        read_sheet(bytes, SheetColumns { value: "vp", labels: &labels, delimiter: Some(b',') })?;
    let mut compared = Vec::new();
    for PublishedBlocs { first, last, entropy, counts } in BLOCS {
        let mut ballots = Vec::new();
        for (row, weight) in sheet.amounts.iter().enumerate() {
            let [election, voter, choice] =
                [0, 1, 2].map(|column| sheet.labels[column][row].as_ref());
            let Ok(election) = election.parse::<u32>() else {
                return Err(CsvError::NotText { line: row + 2 }.into());
            };
            if (first..=last).contains(&election) {
                ballots.push(Ballot { election, voter, choice, weight: *weight });
            }
        }
        let found = Blocs::of(&ballots, U256::ZERO, Similarity::Identical);
        let found = found.expect("published weights add up to less than 2^256");
        let set = format!("Beanstalk blocs, votes {first}-{last}");
        let bits = format!("{:.6}", found.min_entropy_bits().unwrap_or(f64::NAN));
        compared.push(compared_as(&set, "min-entropy bits", bits, entropy));
        if let Some((voters, blocs)) = counts {
            let counted = [("voters", found.voters, voters), ("blocs", found.count(), blocs)];
            compared.extend(counted.map(|(figure, ours, published)| {
                compared_as(&set, figure, ours.to_string(), &published.to_string())
            }));
        }
    }
    Ok(compared)
}

fn compared_as(set: &str, figure: &str, ours: String, published: &str) -> Compared {
    let agrees = ours == published;
    let erratum = ERRATA.iter().find(|erratum| !agrees && (erratum.0, erratum.1) == (set, figure));
    Compared {
        note: erratum.map(|erratum| erratum.2),
        set: set.to_owned(),
        figure: figure.to_owned(),
        ours,
        published: published.to_owned(),
        agrees,
    }
}

#[cfg(test)]
mod tests {
    use concentration::Strictness;

    use super::*;

    #[test]
    fn every_line_of_the_published_values_can_be_read() {
        let mut count = 0;
        for line in PUBLISHED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let set = PublishedSet::of(line);
            assert_eq!(set.figures.len(), FIGURES.len(), "{line}");
            assert!(FOLDER_FILES.contains(&set.file), "{line}");
            count += 1;
        }
        assert_eq!(count, 50);
    }

    #[test]
    fn the_games_agree_without_any_file() {
        let comparison = compare(|_| None).unwrap();
        assert_eq!((comparison.compared, comparison.agreeing), (8, 8), "{comparison:#?}");
        assert_eq!(comparison.missing_files.len(), FOLDER_FILES.len());
    }

    #[test]
    fn a_figure_that_differs_is_reported() {
        let data = b"lp_wei_at_block_18480405\n1\n2\n";
        let file = "prisma/lp_0x3D56E0Ea_values.csv";
        let comparison = compare(|name| (name == file).then(|| data.to_vec())).unwrap();
        assert_eq!(comparison.compared, 8 + 9);
        // Of two rows, two coefficients and the share of the ten largest are as published.
        assert!(comparison.agreeing < 8 + 5, "{comparison:#?}");
        assert_eq!(comparison.unexplained, comparison.compared - comparison.agreeing);
        let refused = compare(|name| (name == file).then(|| b"other\n1\n".to_vec()));
        assert!(refused.unwrap_err().to_string().contains("the file has other"));
    }

    #[test]
    fn two_thirds_are_not_66_percent() {
        let holdings = Holdings::of_integers(&[33, 33, 1, 33], Zeros::Drop).unwrap();
        let loose = "0.66".parse().unwrap();
        assert_eq!(holdings.threshold(loose, Strictness::AtLeast), Some(2));
        assert_eq!(holdings.threshold(THRESHOLDS[2], Strictness::MoreThan), Some(3));
    }
}
