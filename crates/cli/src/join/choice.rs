//! Chooses the project that pays this machine best.

mod speeds;

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use ::agent::earn::rounded;
use anyhow::Context as _;
use ledger_client::Ledger;
use ledger_views::{
    ITEMS_MAX, Window,
    runs::{self, RunView},
};
use transport::Network;
use units::Wei;
use wallet::DeviceKey;
use worker::{Estimate, Inquiry, Offer, Stretch};

use super::Args;
use super::skips::Skips;
use crate::output::Output;

/// How long to wait for a coordinator's answer before the next project is asked.
const PATIENCE: Duration = Duration::from_secs(5);

/// Number of projects whose coordinators are asked in one search; those with the highest price per token.
const ASKED_MAX: usize = 16;

/// A project that suits this machine.
pub(super) struct Chosen {
    pub(super) offer: Offer,
    pub(super) estimate: Estimate,
}

pub(super) use speeds::{Measuring, Speeds};

/// What a search needs.
pub(super) struct Search<'a> {
    pub(super) args: &'a Args,
    pub(super) ledger: &'a Ledger,
    pub(super) device: &'a DeviceKey,
    pub(super) network: &'a Arc<dyn Network>,
    pub(super) output: &'a Output,
}

impl Search<'_> {
    /// Returns what one project asks for and pays.
    ///
    /// # Errors
    /// When it does not suit this machine, or its coordinator does not answer.
    pub(super) async fn examine(&self, run: u64, speeds: &mut Speeds) -> anyhow::Result<Chosen> {
        self.appraise(self.offer(run).await?, speeds).await
    }

    /// Returns open projects, at most [`ASKED_MAX`]: those with the highest price per token, in this order.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub(super) async fn open(&self, is_wanted: impl Fn(u64) -> bool) -> anyhow::Result<Vec<u64>> {
        let mut open = Vec::new();
        let mut next = Some(Window::first(ITEMS_MAX));
        while let Some(window) = next {
            let page = runs::list(self.ledger, window).await?;
            for RunView { run, phase, .. } in page.items {
                if phase.is_open() && is_wanted(run) {
                    let price = runs::terms(self.ledger, run).await?.price_per_token;
                    open.push((std::cmp::Reverse(price), run));
                }
            }
            next = page.older.map(|older| Window { newest: Some(older), items: ITEMS_MAX });
        }
        open.sort_unstable();
        open.truncate(ASKED_MAX);
        Ok(open.into_iter().map(|(_, run)| run).collect())
    }

    /// Asks projects at once, so that those that don't answer are waited for together; the results are in their order.
    pub(super) async fn offers(&self, projects: &[u64]) -> Vec<anyhow::Result<Offer>> {
        all(projects.iter().map(|run| self.offer(*run)).collect()).await
    }

    async fn offer(&self, run: u64) -> anyhow::Result<Offer> {
        let args = self.args;
        let inquiry = Inquiry {
            ledger: self.ledger,
            network: self.network.as_ref(),
            device: self.device,
            threads: args.threads.into(),
            isa: args.isa.choose()?,
            memory_max: args.memory_max(),
            disk_max: args.disk_max(),
            patience: PATIENCE,
        };
        inquiry.offer(run).await
    }

    async fn appraise(&self, offer: Offer, speeds: &mut Speeds) -> anyhow::Result<Chosen> {
        let speed = speeds.of(&offer, self.args, Measuring::Usual).await?;
        let estimate = offer.estimate(speed.context("this machine's speed was not measured")?)?;
        enough(estimate.pay_per_hour, self.args.min_per_hour)?;
        Ok(Chosen { offer, estimate })
    }

    /// Returns the project that pays best per hour among those that suit this machine; those that don't are skipped
    /// for a while, and the owner is told why.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub(super) async fn best(
        &self,
        is_wanted: impl Fn(u64) -> bool,
        skips: &mut Skips,
        speeds: &mut Speeds,
    ) -> anyhow::Result<Option<Chosen>> {
        let open = self.open(|run| is_wanted(run) && skips.is_due(run, now())).await?;
        let offers = self.offers(&open).await;
        let mut best: Option<Chosen> = None;
        for (run, offer) in open.into_iter().zip(offers) {
            let examined = match offer {
                Ok(offer) => self.appraise(offer, speeds).await,
                Err(error) => Err(error),
            };
            match examined {
                Ok(chosen) if best.as_ref().is_none_or(|best| best.pays_less_than(&chosen)) => {
                    best = Some(chosen);
                }
                Ok(_) => {}
                Err(error) => {
                    if let Some(text) = skips.add(run, format!("{error:#}"), now()) {
                        self.output.say(&text);
                    }
                }
            }
        }
        Ok(best)
    }
}

/// Awaits all futures at once; the results are in their order.
async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| Err(Box::pin(future))).collect();
    std::future::poll_fn(|context| {
        for slot in &mut running {
            if let Err(future) = slot
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *slot = Ok(output);
            }
        }
        if running.iter().any(Result::is_err) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(Result::ok).collect()
}

impl Chosen {
    fn pays_less_than(&self, other: &Self) -> bool {
        self.estimate.pay_per_hour < other.estimate.pay_per_hour
    }

    /// Describes what the owner can expect.
    pub(super) fn text(&self) -> String {
        let Self { offer, estimate } = self;
        let price = offer.terms.price_per_token.checked_mul_count(1_000_000);
        format!(
            "project {}: {} of {} rounds left, {} GRAIN a million tokens; this machine does {} tokens a second, a round in {} s: about {} GRAIN an hour in all{}",
            offer.run,
            offer.rounds_left(),
            offer.terms.rounds,
            price.map_or_else(|_| "very many".to_owned(), Wei::to_grain),
            estimate.tokens_per_second,
            estimate.round_seconds,
            rounded(estimate.pay_per_hour),
            stretches(estimate),
        )
    }
}

/// Describes the rounds whose pay is held back, and those after them.
fn stretches(estimate: &Estimate) -> String {
    let Estimate { first, later, .. } = estimate;
    let each = |stretch: &Stretch| {
        format!(
            "about {} GRAIN an hour, with {} repeated rounds of others for each own one",
            rounded(stretch.pay_per_hour),
            hundredths(stretch.audits),
        )
    };
    let mut text = String::new();
    if first.rounds > 0 {
        let (rounds, each) = (first.rounds, each(first));
        text.push_str(&format!(
            "; the pay of the first {rounds} rounds is held back until it ends or this device leaves: {each}"
        ));
    }
    if later.rounds > 0 {
        let then = if first.rounds > 0 { "then each round is paid" } else { "each round is paid" };
        text.push_str(&format!("; {then}: {}", each(later)));
    }
    text
}

/// Returns millionths as a number with two decimals.
fn hundredths(millionths: u64) -> String {
    let rounded = millionths.saturating_add(5_000) / 10_000;
    format!("{}.{:02}", rounded / 100, rounded % 100)
}

/// # Errors
/// When a project pays less than its owner wants.
fn enough(pay_per_hour: Wei, wanted: Option<Wei>) -> anyhow::Result<()> {
    match wanted.filter(|wanted| pay_per_hour < *wanted) {
        None => Ok(()),
        Some(wanted) => anyhow::bail!(
            "it would pay about {} GRAIN an hour, less than the {} GRAIN of --min-per-hour",
            rounded(pay_per_hour),
            wanted.to_grain()
        ),
    }
}

#[expect(clippy::disallowed_methods, reason = "pauses between searches")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn futures_are_awaited_together_and_answer_in_their_order() {
        let (meeting, called) = (tokio::sync::Barrier::new(3), AtomicU32::new(0));
        let arrive = async |number: u32| {
            // Nobody passes before all are here.
            meeting.wait().await;
            called.fetch_add(1, Ordering::Relaxed);
            number
        };
        assert_eq!(all((0..3).map(arrive).collect()).await, [0, 1, 2]);
        assert_eq!(called.into_inner(), 3);
        assert!(all(Vec::<std::future::Ready<u32>>::new()).await.is_empty());
    }

    #[test]
    fn a_project_that_pays_too_little_is_refused() {
        let [low, high] = [Wei::new(5), Wei::new(6)];
        assert!(enough(low, None).is_ok() && enough(high, Some(high)).is_ok());
        let text = enough(low, Some(high)).unwrap_err().to_string();
        assert!(text.contains("less than") && text.contains("--min-per-hour"), "{text}");
    }
}
