//! The calls that a proposal is to make, as they are written: `--set`, `--revision`, `--grant`, `--stream`, `--call`, in the order in which they are given.

use abi::{GOVERNOR, PARAMETERS, Parameters, REVISIONS, Revisions, TREASURY, Treasury, convert};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use anyhow::{Context as _, anyhow, ensure};
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use ledger_client::Ledger;
use ledger_views::governance::{self as views, ProposedCall};
use units::AccountId;

use crate::failure::Hint as _;
use crate::market::{self, parse_seconds};
use crate::options::{checksummed, parse_account, parse_payee};

/// Calls of a proposal at most, as the Governor allows.
const CALLS_MAX: usize = governance::proposal::two_houses::CALLS_MAX;

/// What a proposal is to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedArgs {
    wanted: Vec<Wanted>,
    is_beyond_budget: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    kind: Kind,
    words: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Set,
    Revision,
    Grant,
    Stream,
    Call,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Set, Self::Revision, Self::Grant, Self::Stream, Self::Call];

    fn flag(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Revision => "revision",
            Self::Grant => "grant",
            Self::Stream => "stream",
            Self::Call => "call",
        }
    }

    /// Names of the words after the flag, how many there are at least, and what it does.
    fn usage(self) -> (&'static [&'static str], usize, &'static str) {
        match self {
            Self::Set => {
                (&["NAME=VALUE"], 1, "Set a parameter: `gleaner proposals parameters` lists them")
            }
            Self::Revision => (
                &["NUMBER=HEIGHT"],
                1,
                "Let a revision of the rules begin at a height, or move it there, or with NUMBER=never withdraw it: `gleaner proposals revisions` lists them",
            ),
            Self::Grant => (
                &["TO", "AMOUNT", "TOKEN"],
                2,
                "Pay from the treasury at once; without TOKEN in GRAIN",
            ),
            Self::Stream => (
                &["TO", "AMOUNT", "FROM", "TIME", "TOKEN"],
                4,
                "Pay from the treasury over TIME such as 30d, beginning FROM such as 20d from now",
            ),
            Self::Call => (
                &["TARGET", "CALLDATA", "VALUE"],
                2,
                "Call any contract, with VALUE in GRAIN of the Governor",
            ),
        }
    }
}

impl clap::Args for WantedArgs {
    fn augment_args(command: Command) -> Command {
        let flag = |kind: Kind| {
            let (names, least, help) = kind.usage();
            Arg::new(kind.flag())
                .long(kind.flag())
                .value_names(names.iter().copied())
                .num_args(least..=names.len())
                .action(ArgAction::Append)
                .help(format!("{help}; may be repeated"))
        };
        let command = command.args(Kind::ALL.map(flag));
        let help = "Let --grant and --stream spend more than the treasury's budget of this window; the proposal is constitutional then";
        let flag = Arg::new("beyond-budget").long("beyond-budget").action(ArgAction::SetTrue);
        command.arg(flag.help(help))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for WantedArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut placed = Vec::new();
        for kind in Kind::ALL {
            let mut places = matches.indices_of(kind.flag()).into_iter().flatten();
            for words in matches.get_occurrences::<String>(kind.flag()).into_iter().flatten() {
                let words: Vec<_> = words.cloned().collect();
                // Each word has its place; the first one's orders the flags.
                let place = places.by_ref().take(words.len()).min();
                placed.push((place, Wanted { kind, words }));
            }
        }
        placed.sort_by_key(|(place, _)| *place);
        let wanted = placed.into_iter().map(|(_, wanted)| wanted).collect();
        Ok(Self { wanted, is_beyond_budget: matches.get_flag("beyond-budget") })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl WantedArgs {
    /// Returns the calls.
    ///
    /// # Errors
    /// When there are none or too many, or one is not what it should be.
    pub(super) async fn calls(&self, ledger: &Ledger) -> anyhow::Result<Vec<ProposedCall>> {
        let count = self.wanted.len();
        if count == 0 {
            return Err(anyhow!(
                "the proposal does nothing: give --set, --revision, --grant, --stream or --call"
            ))
            .hint("gleaner propose --set NAME=VALUE --description TEXT");
        }
        ensure!(count <= CALLS_MAX, "the proposal has {count} calls: give at most {CALLS_MAX}");
        let mut calls = Vec::with_capacity(count);
        for wanted in &self.wanted {
            let words: Vec<_> = wanted.words.iter().map(String::as_str).collect();
            let call = match wanted.kind {
                Kind::Set => set(ledger, &words).await,
                Kind::Revision => revision(ledger, &words).await,
                Kind::Grant => self.grant(ledger, &words).await,
                Kind::Stream => self.stream(ledger, &words).await,
                Kind::Call => any(&words),
            };
            let given = || format!("--{} {}", wanted.kind.flag(), words.join(" "));
            calls.push(call.with_context(given)?);
        }
        Ok(calls)
    }

    async fn grant(&self, ledger: &Ledger, words: &[&str]) -> anyhow::Result<ProposedCall> {
        let [to, amount, rest @ ..] = words else { return Err(anyhow!("give TO and AMOUNT")) };
        let (to, (token, amount)) = (payee(to)?, amount_of(ledger, amount, rest).await?);
        Ok(if self.is_beyond_budget {
            encoded(TREASURY, &Treasury::grantBeyondBudgetCall { token, to, amount })
        } else {
            encoded(TREASURY, &Treasury::grantCall { token, to, amount })
        })
    }

    async fn stream(&self, ledger: &Ledger, words: &[&str]) -> anyhow::Result<ProposedCall> {
        let [to, amount, from, time, rest @ ..] = words else {
            return Err(anyhow!("give TO, AMOUNT, FROM and TIME"));
        };
        let (to, (token, total)) = (payee(to)?, amount_of(ledger, amount, rest).await?);
        let seconds = |text: &str| {
            // Longer than what other commands take: streams last for years.
            let days = text.strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
            let days = days.and_then(|days| days.checked_mul(86_400));
            days.map_or_else(|| parse_seconds(text).map_err(|error| anyhow!(error)), Ok)
        };
        let now = ledger.next_time().await?.as_u64();
        let start = now.saturating_add(seconds(from)?);
        let stop = start.saturating_add(seconds(time)?);
        Ok(if self.is_beyond_budget {
            let call = Treasury::streamBeyondBudgetCall { token, to, total, start, stop };
            encoded(TREASURY, &call)
        } else {
            encoded(TREASURY, &Treasury::streamCall { token, to, total, start, stop })
        })
    }
}

fn encoded<C: SolCall>(target: Address, call: &C) -> ProposedCall {
    ProposedCall { target, value: U256::ZERO, data: call.abi_encode().into() }
}

async fn set(ledger: &Ledger, words: &[&str]) -> anyhow::Result<ProposedCall> {
    let (name, value) = words
        .first()
        .and_then(|word| word.split_once('='))
        .context("write NAME=VALUE, such as training-runs.audit-rate-floor=600")?;
    let value: U256 =
        value.parse().map_err(|_| anyhow!("{value:?} is not a whole number: give one"))?;
    let all = views::parameters(ledger).await?;
    let Some(parameter) = all.iter().find(|parameter| parameter.name == name) else {
        return Err(anyhow!("there is no parameter {name:?}")).hint("gleaner proposals parameters");
    };
    ensure!(
        parameter.least <= value && value <= parameter.most,
        "{name} would be {value} {unit}: give {} to {}",
        parameter.least,
        parameter.most,
        unit = parameter.unit
    );
    Ok(encoded(PARAMETERS, &Parameters::setCall { key: parameter.key, value }))
}

async fn revision(ledger: &Ledger, words: &[&str]) -> anyhow::Result<ProposedCall> {
    let (number, height) =
        words.first().and_then(|word| word.split_once('=')).context("write NUMBER=HEIGHT")?;
    let revision: u32 = number
        .parse()
        .map_err(|_| anyhow!("{number:?} is not the number of a revision: give one, such as 5"))?;
    let Some(view) = views::revisions(&ledger.next()).await? else {
        return Err(anyhow!(
            "votes can't change the rules of this ledger yet: that begins with revision 4"
        ));
    };
    let is_voted = view.voted.iter().any(|entry| entry.revision == revision);
    if height == "never" {
        let none = || anyhow!("no vote has scheduled revision {revision}");
        ensure!(is_voted, none());
        return Ok(encoded(REVISIONS, &Revisions::cancelCall { revision }));
    }
    let height: u64 = height.parse().map_err(|_| {
        anyhow!("{height:?} is not a height: give the number of a block, or \"never\"")
    })?;
    if is_voted {
        return Ok(encoded(REVISIONS, &Revisions::rescheduleCall { revision, height }));
    }
    let (least, most) = view.band;
    ensure!(
        (least..=most).contains(&height),
        "revision {revision} would begin at height {height}: now {least} to {most} is allowed, and what counts is the block that executes the proposal"
    );
    Ok(encoded(REVISIONS, &Revisions::scheduleCall { revision, height }))
}

fn payee(text: &str) -> anyhow::Result<Address> {
    let account: AccountId = parse_payee(text).map_err(|error| anyhow!("{text}: {error}"))?;
    Ok(convert::address(account))
}

/// An amount of a token, which is GRAIN if none is named.
async fn amount_of(
    ledger: &Ledger,
    amount: &str,
    token: &[&str],
) -> anyhow::Result<(Address, U256)> {
    let token = market::named(ledger, token.first().unwrap_or(&"GRAIN")).await?;
    let amount = market::amount(amount, &token)?;
    Ok((convert::address(token.address), amount))
}

fn any(words: &[&str]) -> anyhow::Result<ProposedCall> {
    let [target, data, rest @ ..] = words else { return Err(anyhow!("give TARGET and CALLDATA")) };
    let target = match abi::Module::named(target).map(|module| module.place) {
        Some(abi::Place::Fixed(address)) => address,
        _ => convert::address(parse_account(target).map_err(|error| anyhow!("{target}: {error}"))?),
    };
    let bytes = data.starts_with("0x").then(|| data.parse::<Bytes>().ok()).flatten();
    let data = bytes
        .with_context(|| format!("{data:?} is no calldata: give 0x and hexadecimal digits"))?;
    let value = match rest.first() {
        Some(text) => abi::parse_amount(text, 18)
            .with_context(|| format!("{text:?} is not an amount of GRAIN: write 12 or 0.5"))?,
        None => U256::ZERO,
    };
    let is_own = target == GOVERNOR && data.is_empty();
    let account = checksummed(&convert::account(target));
    ensure!(
        !is_own,
        "{account} is the Governor itself: a call without calldata does nothing there"
    );
    Ok(ProposedCall { target, value, data })
}

#[cfg(test)]
mod tests {
    use clap::Args as _;

    use super::*;

    fn parsed(words: &str) -> Result<Vec<String>, String> {
        let command = WantedArgs::augment_args(Command::new("propose"));
        let words = std::iter::once("propose").chain(words.split_whitespace());
        let matches = command.try_get_matches_from(words).map_err(|error| error.to_string())?;
        let args = WantedArgs::from_arg_matches(&matches).map_err(|error| error.to_string())?;
        let text = |wanted: &Wanted| format!("{}:{}", wanted.kind.flag(), wanted.words.join(","));
        Ok(args.wanted.iter().map(text).collect())
    }

    #[test]
    fn calls_are_in_the_order_in_which_they_are_written() {
        let mixed = "--call A 0x1 --set a=1 --grant B 5 GOLD --call C 0x2 3 --set b=2 --stream D 1 2d 3d --grant E 6";
        let expected = [
            "call:A,0x1",
            "set:a=1",
            "grant:B,5,GOLD",
            "call:C,0x2,3",
            "set:b=2",
            "stream:D,1,2d,3d",
            "grant:E,6",
        ];
        assert_eq!(parsed(mixed).unwrap(), expected);
        assert_eq!(parsed("").unwrap(), [""; 0]);
        for wrong in ["--grant A", "--grant A 1 B C", "--set", "--set a=1 b=2", "--stream A 1 2d"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn any_call_can_be_written() {
        let call = any(&["Treasury", "0x01020304", "0.5"]).unwrap();
        let half = U256::from(500_000_000_000_000_000_u64);
        assert_eq!((call.target, call.value, call.data.len()), (TREASURY, half, 4));
        let other = "0x00000000000000000000000000000000000000aa";
        assert_eq!(any(&[other, "0x"]).unwrap().target, Address::left_padding_from(&[0xaa]));
        for wrong in [["Treasure", "0x"], [other, "0x1"], [other, "12"], ["Governor", "0x"]] {
            assert!(any(&wrong).is_err(), "{wrong:?}");
        }
        assert!(any(&[other, "0x", "-1"]).is_err());
    }
}
