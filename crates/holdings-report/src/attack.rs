//! What it costs to win a vote.

use alloy_primitives::U256;
use concentration::{
    Holdings, Ratio, Threshold,
    attack::{Way, cheapest, cost_by_value},
    turnout::{Rule, amount_to_win},
};
use serde::Serialize;

use crate::{
    amount::decimal_text,
    report::{DRAWS, SEED, number},
    text::{aligned, cleaned, holders, plain},
};

/// Decimals of money.
pub const MONEY_DECIMALS: usize = 18;

/// What is asked.
#[derive(Clone, Debug)]
pub struct AttackQuestion<'a> {
    /// Where the amounts come from.
    pub source: String,
    /// What a holder is.
    pub unit: &'a str,
    /// What is held, in units of `10^-decimals`.
    pub holdings: &'a Holdings,
    /// Decimals of the amounts.
    pub decimals: usize,
    /// When a proposal passes.
    pub rule: Rule,
    /// With which probability each holder votes; it is for with probability ½.
    pub turnout: Threshold,
    /// With which probability the attacker wants to win.
    pub confidence: Threshold,
    /// Ways to get votes, with their names. Money in units of `10^-18`.
    pub ways: &'a [(String, Way)],
    /// What the winner disposes of, in the same money.
    pub controls: Option<U256>,
}

/// What it costs to win a vote.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttackReport {
    /// Where the amounts come from.
    pub source: String,
    /// What a holder is.
    pub unit: String,
    /// Number of holders.
    pub count: usize,
    /// Sum of all amounts.
    pub total: String,
    /// When a proposal passes, in words.
    pub rule: String,
    /// With which probability each holder votes.
    pub turnout: f64,
    /// With which probability the attacker wins.
    pub confidence: f64,
    /// What must be added to those for it, as a share of everything that is held; null when nothing is enough.
    pub share_needed: Option<f64>,
    /// The same as an amount; it may be more than everything.
    pub needed: Option<String>,
    /// How many of the largest holders have so much together; null when all have less.
    pub holders_needed: Option<usize>,
    /// The ways, as they were given.
    pub ways: Vec<WayDocument>,
    /// The cheapest way.
    pub cheapest: Option<String>,
    /// What it costs.
    pub cost: Option<String>,
    /// Its cost by what the winner disposes of: below 1, an attack can pay.
    pub cost_by_value: Option<f64>,
}

/// A way to get votes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WayDocument {
    /// Its name.
    pub name: String,
    /// What the needed votes cost; null when so many can't be had this way.
    pub cost: Option<String>,
}

/// Estimates how many votes win, and what they cost.
#[must_use]
pub fn measure_attack(question: &AttackQuestion<'_>) -> AttackReport {
    let AttackQuestion { holdings, decimals, rule, turnout, confidence, ways, .. } = question;
    let total = holdings.total();
    let voters = (*holdings, turnout.to_f64());
    let needed = amount_to_win(voters, *rule, confidence.to_f64(), DRAWS, SEED);
    let money = |cost: U256| decimal_text(cost, MONEY_DECIMALS);
    let cost = |way: &Way| needed.and_then(|needed| way.cost_up(needed));
    let of_ways = ways
        .iter()
        .map(|(name, way)| WayDocument { name: name.clone(), cost: cost(way).map(money) });
    let plain_ways: Vec<Way> = ways.iter().map(|(_, way)| way.clone()).collect();
    let best = needed.and_then(|needed| cheapest(&plain_ways, needed));
    let controls = question.controls;
    let by_value = best.and_then(|best| cost_by_value(best.cost, controls?));
    AttackReport {
        source: question.source.clone(),
        unit: question.unit.to_owned(),
        count: holdings.count(),
        total: decimal_text(total, *decimals),
        rule: in_words(*rule),
        turnout: turnout.to_f64(),
        confidence: confidence.to_f64(),
        share_needed: number(needed.and_then(|needed| Ratio::new(needed, total))),
        needed: needed.map(|needed| decimal_text(needed, *decimals)),
        holders_needed: needed.and_then(|needed| holders_with(holdings, needed)),
        ways: of_ways.collect(),
        cheapest: best.and_then(|best| ways.get(best.way)).map(|(name, _)| name.clone()),
        cost: best.map(|best| money(best.cost)),
        cost_by_value: number(by_value),
    }
}

/// How many of the largest have so much together.
fn holders_with(holdings: &Holdings, needed: U256) -> Option<usize> {
    let mut left = needed;
    let mut count = 0;
    for amount in holdings.descending() {
        if left.is_zero() {
            break;
        }
        left = left.saturating_sub(amount);
        count += 1;
    }
    left.is_zero().then_some(count)
}

fn in_words(rule: Rule) -> String {
    match rule {
        Rule::Governor { quorum: None } => "more for than against".to_owned(),
        Rule::Governor { quorum: Some(quorum) } => {
            format!("more for than against, and {quorum} of everything for")
        }
        Rule::PartOfVotes(part) => format!("at least {part} of the votes for"),
    }
}

impl AttackReport {
    /// Writes the report for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!(
                "{}: {} by {}, {} in all",
                cleaned(&self.source),
                holders(self.count),
                plain(&self.unit),
                self.total
            ),
            format!(
                "passes with {}; each holder votes with probability {:.1} %, for or against alike",
                self.rule,
                self.turnout * 100.0
            ),
        ];
        let confidence = format!("{:.1} %", self.confidence * 100.0);
        lines.push(match (&self.needed, self.share_needed) {
            (Some(needed), Some(share)) => {
                let holders = match self.holders_needed {
                    None => ", more than there is".to_owned(),
                    Some(0) => String::new(),
                    Some(1) => "; the largest holder has so much".to_owned(),
                    Some(count) => format!("; the {count} largest holders have so much"),
                };
                format!(
                    "to win with probability {confidence}: {needed} more for it, {:.3} % of everything{holders}",
                    share * 100.0
                )
            }
            _ => format!("nothing is enough to win with probability {confidence}"),
        });
        if !self.ways.is_empty() {
            let row = |way: &WayDocument| {
                let cost = way.cost.clone().unwrap_or_else(|| "not to be had".to_owned());
                vec![plain(&way.name), cost]
            };
            lines.push(String::new());
            let rows: Vec<_> = self.ways.iter().map(row).collect();
            lines.push(aligned(&rows, &[1]));
        }
        if let (Some(name), Some(cost)) = (&self.cheapest, &self.cost) {
            let value = self.cost_by_value.map_or_else(String::new, |part| {
                format!(", {part:.4} of what the winner disposes of")
            });
            lines.push(format!("\ncheapest: {} for {cost}{value}", plain(name)));
        }
        lines.join("\n")
    }
}
