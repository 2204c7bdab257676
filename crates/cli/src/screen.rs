//! Shows the progress of a run on stderr: bars in a terminal, lines elsewhere.

use std::collections::BTreeMap;

use coordinator::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc;
use training_run::Cause;
use units::{DeviceId, Wei};

use crate::output::Output;

/// The state of a run, derived from its events.
pub(crate) struct Screen {
    output: Output,
    bar: ProgressBar,
    speeds: BTreeMap<DeviceId, u32>,
    losses: BTreeMap<DeviceId, f32>,
    validation: Option<f64>,
    audits: u32,
    paid: Wei,
}

impl Screen {
    /// Returns the display for a run with this number of rounds.
    pub(crate) fn new(output: Output, rounds: u32) -> Self {
        let target = if output.is_live() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(rounds.into()), target);
        let style = ProgressStyle::with_template("{bar:24} round {pos}/{len}  {elapsed}  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let (speeds, losses) = (BTreeMap::new(), BTreeMap::new());
        Self { output, bar, speeds, losses, validation: None, audits: 0, paid: Wei::ZERO }
    }

    /// Shows events until there are no more; calls `also` for each of them.
    pub(crate) async fn follow(
        mut self,
        mut events: mpsc::UnboundedReceiver<Event>,
        mut also: impl FnMut(&Event) + Send,
    ) {
        while let Some(event) = events.recv().await {
            also(&event);
            self.show(&event);
        }
        self.bar.finish_and_clear();
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Step { device, loss, tokens_per_second, .. } => {
                self.speeds.insert(*device, *tokens_per_second);
                self.losses.insert(*device, *loss);
            }
            Event::Measured { loss, .. } => self.validation = Some(*loss),
            Event::Advanced { round, updates, .. } => {
                self.bar.set_position(u64::from(*round) + 1);
                if !self.output.is_live() {
                    self.say(&format!(
                        "round {} done: {updates} updates  {}",
                        round + 1,
                        self.figures()
                    ));
                }
            }
            Event::Left { device } => {
                self.speeds.remove(device);
                self.losses.remove(device);
                self.say(&format!("device {} left", short(device)));
            }
            Event::AuditPassed { .. } => self.audits += 1,
            Event::Paid { amount, .. } => {
                self.paid = self.paid.checked_add(*amount).unwrap_or(self.paid)
            }
            other => {
                if let Some(words) = self.words(other) {
                    self.say(&words);
                }
            }
        }
        self.bar.set_message(self.figures());
    }

    fn words(&mut self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Opened { run, deposited, price_per_token, rounds, resumed: false, .. } => {
                format!(
                    "project {run} is open: {rounds} rounds at {} GRAIN per million tokens, {} GRAIN in escrow; what is not earned comes back",
                    per_million(*price_per_token),
                    deposited.to_grain()
                )
            }
            Event::Opened { run, price_per_token, round, rounds, .. } => {
                format!(
                    "project {run} continues: {round} of {rounds} rounds are done, {} GRAIN per million tokens",
                    per_million(*price_per_token)
                )
            }
            Event::Stopped { run, escrow } => format!(
                "project {run} stays open with {} GRAIN in escrow: the same command continues it, `gleaner project cancel {run}` ends it and returns what is not owed",
                escrow.to_grain()
            ),
            Event::Gathered { count, needed } => {
                format!("{count} of {needed} workers are here; training starts with {needed}")
            }
            Event::Listening { endpoint } => format!("waiting for workers at {endpoint}"),
            Event::Enrolled { device, account } => {
                format!("device {} joined, paid to {account}", short(device))
            }
            Event::Disputed { round, subject, accuser } if *accuser == DeviceId::ZERO => {
                format!(
                    "round {}: the work of device {} is disputed; the referee decides",
                    round + 1,
                    short(subject)
                )
            }
            Event::Disputed { round, subject, accuser } => {
                format!(
                    "round {}: device {} did not arrive at what device {} committed to; the referee decides",
                    round + 1,
                    short(accuser),
                    short(subject)
                )
            }
            Event::Upheld { round, subject, is_replayed } => {
                let why = if *is_replayed {
                    "the referee arrived at the same"
                } else {
                    "the data for a replay can't be had"
                };
                format!("round {}: the work of device {} counts: {why}", round + 1, short(subject))
            }
            Event::Expelled { round, device, account, cause, forfeited } => {
                let why = match cause {
                    Cause::Convicted => "was convicted of made-up work",
                    Cause::FalseAudit => "claimed a mismatch that does not exist",
                    Cause::Vouched => "passed work that was made up",
                };
                let (device, forfeited) = (short(device), forfeited.to_grain());
                format!(
                    "round {}: device {device} of {account} {why} and is expelled, {forfeited} GRAIN forfeited",
                    round + 1
                )
            }
            Event::Note(words) => words.clone(),
            _ => return None,
        })
    }

    fn figures(&self) -> String {
        let speed: u64 = self.speeds.values().map(|speed| u64::from(*speed)).sum();
        if self.losses.is_empty() {
            return String::new();
        }
        let count = u16::try_from(self.losses.len()).unwrap_or(u16::MAX);
        let loss = self.losses.values().sum::<f32>() / f32::from(count);
        let validation =
            self.validation.map_or_else(String::new, |loss| format!(" (validation {loss:.3})"));
        let (audits, paid) = (self.audits, self.paid.to_grain());
        format!("loss {loss:.3}{validation}  {speed} tokens/s  {audits} audits  {paid} GRAIN paid")
    }

    fn say(&self, words: &str) {
        self.bar.suspend(|| self.output.say(words));
    }
}

/// Returns the price of a million tokens, in GRAIN.
fn per_million(price_per_token: Wei) -> String {
    Wei::new(price_per_token.as_u128().saturating_mul(1_000_000)).to_grain()
}

/// Returns the first digits of a device's key, enough to tell a few apart.
pub(crate) fn short(device: &DeviceId) -> String {
    device.to_string().chars().take(8).collect()
}
