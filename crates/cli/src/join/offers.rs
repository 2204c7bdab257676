//! `gleaner join --offers`: what open projects would pay this machine.

use ::agent::earn::{Closing, Schedule, rounded};
use alloy_primitives::U256;
use execution::MODULES;
use ledger_client::Ledger;
use ledger_views::feeds::{self, FeedStanding};
use ledger_views::{Ask, ViewError, governance, runs};
use serde::{Deserialize, Serialize};
use units::Wei;

use super::choice::{Measuring, Speeds};
use super::{Args, Search, news};
use crate::ledger;
use crate::output::{Output, table};

/// Projects in one list.
pub(crate) const OFFERS_MAX: usize = 64;

/// Letters of a name or a reason that are kept.
const TEXT_MAX: usize = 200;

/// Keys of `gleaner join --offers --json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offers {
    /// Open projects that suit this machine, those that pay best first.
    pub(crate) offers: Vec<Offered>,
    /// Open projects that do not.
    pub(crate) refused: Vec<Refused>,
    /// Hash of the ledger's first block; empty if the node does not keep that.
    pub(crate) ledger: String,
    /// The revision of the ledger's rules.
    pub(crate) revision: u32,
    /// What the feed of `--grain-feed` says that one GRAIN is worth, in millionths; `null` where its answer can't be relied on.
    pub(crate) grain_price: Option<u64>,
    /// The revisions that have not begun; `null` where the rules have no schedule.
    pub(crate) schedule: Option<Schedule>,
    /// Those of `--watch` that have ended.
    pub(crate) ended: Vec<Closing>,
}

/// A project that this machine could work for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offered {
    pub(crate) project: u64,
    pub(crate) name: String,
    /// Words of the name, and `project-N`: what an owner's interests can name.
    pub(crate) tags: Vec<String>,
    /// What it would pay this machine for an hour, in the smallest unit; `null` where the speed has not been measured.
    pub(crate) per_hour: Option<String>,
    pub(crate) tokens_per_second: Option<u64>,
    /// How this device's seat stands, if it has one.
    pub(crate) standing: Option<String>,
}

/// A project that does not suit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) project: u64,
    pub(crate) name: String,
    pub(crate) reason: String,
    pub(crate) standing: Option<String>,
}

/// Prints them.
pub(super) async fn offers(
    args: &Args,
    search: &Search<'_>,
    speeds: &mut Speeds,
    output: &Output,
) -> anyhow::Result<()> {
    let measuring =
        if args.measured_only { Measuring::Never } else { Measuring::OfAProcessHeldDown };
    let mut document = Offers::default();
    let open = search.open(|run| args.project.is_none_or(|only| only == run)).await?;
    let found = search.offers(&open).await;
    for (run, offer) in open.into_iter().zip(found) {
        let name = shortened(&runs::run(search.ledger, run).await?.name);
        let device = search.device.device();
        let seat = runs::standpoint(search.ledger, run, &device).await?.seat;
        let seat = seat.map(|(_, seat)| seat);
        let standing = seat.as_ref().map(|seat| ledger::standing(seat).to_owned());
        let is_expelled =
            matches!(seat.map(|seat| seat.standing), Some(training_run::Standing::Expelled { .. }));
        let estimate = match offer {
            Err(error) => Err(error),
            Ok(_) if is_expelled => Err(anyhow::anyhow!("it has expelled this device")),
            Ok(offer) => match speeds.of(&offer, args, measuring).await {
                Err(error) => Err(error),
                Ok(None) => Ok(None),
                Ok(Some(speed)) => offer.estimate(speed).map(Some).map_err(Into::into),
            },
        };
        match estimate {
            Ok(estimate) => document.offers.push(Offered {
                project: run,
                tags: tags(run, &name),
                name,
                per_hour: estimate.map(|estimate| estimate.pay_per_hour.to_string()),
                tokens_per_second: estimate.map(|estimate| estimate.tokens_per_second),
                standing,
            }),
            Err(error) => document.refused.push(Refused {
                project: run,
                name,
                reason: shortened(&format!("{error:#}")),
                standing,
            }),
        }
    }
    document.ledger = ledger::identity(search.ledger).await?;
    let view = governance::revisions(search.ledger).await?;
    document.revision = match &view {
        Some(view) => view.current,
        None => revision(search.ledger).await?,
    };
    if let Some(view) = &view {
        document.schedule = Some(news::schedule(search.ledger, view).await?);
    }
    let watched = args.watch.get(..OFFERS_MAX).unwrap_or(&args.watch);
    document.ended = news::ended(search.ledger, &search.device.device(), watched).await?;
    if let Some(feed) = args.grain_feed {
        document.grain_price = grain_price(search.ledger, feed).await?;
    }
    document.offers.sort_by_key(|offer| std::cmp::Reverse(offer.pay()));
    output.print(&document, &text(&document))
}

/// Returns the revision of the ledger's rules: as it says itself, or, before it does, the newest of those that this program knows of
/// which it has a module.
///
/// # Errors
/// When the ledger does not answer.
pub(crate) async fn revision(ledger: &Ledger) -> anyhow::Result<u32> {
    if let Some(schedule) = governance::revisions(ledger).await? {
        return Ok(schedule.current);
    }
    for revision in (2..=MODULES.newest()).rev() {
        for (address, _) in MODULES.accounts_since(revision) {
            if !Ask::account(ledger, address).await?.code.is_empty() {
                return Ok(revision);
            }
        }
    }
    Ok(1)
}

/// Returns what a feed says that one GRAIN is worth, in millionths.
async fn grain_price(ledger: &Ledger, number: u64) -> anyhow::Result<Option<u64>> {
    // An idle ledger's newest block is old: the next one is asked.
    let feed = match feeds::feed(&ledger.next(), number).await {
        Err(ViewError::Refused { .. }) => anyhow::bail!("price feed {number} does not exist"),
        feed => feed?,
    };
    let answer = feed.round.filter(|_| feed.standing == FeedStanding::Reliable);
    Ok(answer.and_then(|round| millionths(round.answer, feed.decimals)))
}

/// Returns an answer of a feed in millionths, rounded down.
fn millionths(answer: U256, decimals: u8) -> Option<u64> {
    let one = U256::from(10).checked_pow(U256::from(decimals))?;
    let millionths = answer.checked_mul(U256::from(1_000_000))?.checked_div(one)?;
    u64::try_from(millionths).ok()
}

impl Offered {
    /// Returns what it would pay for an hour, if that is known.
    pub(crate) fn pay(&self) -> Option<Wei> {
        self.per_hour.as_ref()?.parse().ok().map(Wei::new)
    }
}

/// Returns the words of a project's name in lower case, and `project-N`.
fn tags(project: u64, name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let is_inside = |letter: char| letter.is_alphanumeric() || letter == '-' || letter == '_';
    let words = lower.split(|letter| !is_inside(letter)).filter(|word| !word.is_empty());
    let mut tags = vec![format!("project-{project}")];
    for word in words {
        // A name that says the number of another project does not get its share.
        let is_number =
            word.strip_prefix("project-").is_some_and(|rest| rest.parse::<u64>().is_ok());
        if !is_number && !tags.iter().any(|tag| tag == word) {
            tags.push(word.to_owned());
        }
    }
    tags.truncate(::agent::earn::TAGS_MAX);
    tags
}

/// Returns the beginning of a text that others have written.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

fn text(document: &Offers) -> String {
    let pay = |offer: &Offered| offer.pay().map_or_else(|| "?".to_owned(), rounded);
    let row = |offer: &Offered| vec![offer.project.to_string(), offer.name.clone(), pay(offer)];
    let rows: Vec<_> = document.offers.iter().map(row).collect();
    let mut text = table(&["project", "name", "GRAIN an hour"], &rows);
    for Refused { project, name, reason, .. } in &document.refused {
        text += &format!("\nproject {project} ({name}) does not suit: {reason}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_feeds_become_millionths() {
        let check = |answer: u64, decimals, expected| {
            assert_eq!(millionths(U256::from(answer), decimals), expected);
        };
        check(52_000_000, 8, Some(520_000));
        check(7, 0, Some(7_000_000));
        check(1_999_999, 12, Some(1));
        check(u64::MAX, 0, None);
        assert_eq!(millionths(U256::MAX, 8), None);
        assert_eq!(millionths(U256::from(1), 255), None);
    }

    #[test]
    fn tags_are_the_words_of_a_name_and_its_own_number() {
        let check = |name: &str, expected: &[&str]| assert_eq!(tags(7, name), expected, "{name}");
        check("Barley: yeast & Biology", &["project-7", "barley", "yeast", "biology"]);
        check("", &["project-7"]);
        check("project-8 Project-9 open-source", &["project-7", "open-source"]);
        check("Öl öl", &["project-7", "öl"]);
        let many: String = (0..100).map(|word| format!("w{word} ")).collect();
        assert_eq!(tags(7, &many).len(), ::agent::earn::TAGS_MAX);
    }
}
