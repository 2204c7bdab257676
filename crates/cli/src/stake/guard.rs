//! Limits of what a vault gives or takes. A vault of ERC-4626 has none itself, so they are checked right before sending and after it.

use abi::{Vault, convert};
use alloy_primitives::{Address, U256, U512};
use alloy_sol_types::SolEvent as _;
use anyhow::{anyhow, ensure};
use ledger_client::Ledger;
use ledger_views::{markets::TokenView, stakes::VaultView};
use units::AccountId;

use crate::failure::Hint as _;
use crate::market::{Sender, parse_bps};

/// Basis points of the whole.
const WHOLE_BPS: u16 = 10_000;
/// Shares of a vault, the virtual ones included, below which a small donation can make a deposit worthless.
const SHARES_LEAST: u64 = 1_000;

/// The flag that limits what a vault may give less, or take more, than shown.
#[derive(Debug, clap::Args)]
pub(super) struct SlippageArgs {
    /// Of a vault: how much worse than shown the result may be; checked right before sending, as the vault itself has no limits
    #[arg(long, value_name = "PERCENT", default_value = "0.5%", value_parser = parse_slippage)]
    pub(super) slippage: u16,
}

fn parse_slippage(text: &str) -> Result<u16, String> {
    if text == "0%" { Ok(0) } else { parse_bps(text) }
}

/// What is exchanged in a vault. Amounts are in the smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    /// Assets for shares.
    Deposit { assets: U256 },
    /// Shares for assets.
    Redeem { shares: U256 },
    /// Exact assets for shares.
    Withdraw { assets: U256 },
}

/// The limit of an exchange with a vault.
pub(super) struct Guard {
    vault: AccountId,
    exchange: Exchange,
    /// What the limit is an amount of.
    token: TokenView,
    /// What the exchange gave or took when it was planned.
    shown: U256,
    limit: U256,
}

impl Guard {
    /// Asks the vault what an exchange gives or takes now, and sets the limit.
    ///
    /// # Errors
    /// When the vault does not answer, or gives nothing.
    pub(super) async fn new(
        ledger: &Ledger,
        vault: &VaultView,
        exchange: Exchange,
        slippage: u16,
    ) -> anyhow::Result<Self> {
        let at = vault.shares.address;
        let shown = preview(ledger, convert::address(at), exchange).await?;
        ensure!(
            !shown.is_zero(),
            "the vault gives nothing for that amount: give more, nothing was sent"
        );
        Ok(Self::of(vault, exchange, shown, slippage))
    }

    fn of(vault: &VaultView, exchange: Exchange, shown: U256, slippage: u16) -> Self {
        let (token, limit) = match exchange {
            Exchange::Deposit { .. } => (&vault.shares, least(shown, slippage)),
            Exchange::Redeem { .. } => (&vault.asset, least(shown, slippage)),
            Exchange::Withdraw { .. } => (&vault.shares, most(shown, slippage)),
        };
        Self { vault: vault.shares.address, exchange, token: token.clone(), shown, limit }
    }

    /// Describes what is shown and its limit.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            ("for", format!("{} at the price now", self.text(self.shown))),
            (self.side(), self.text(self.limit)),
            ("", "checked right before sending: the vault itself enforces no limit".to_owned()),
        ]
    }

    /// The limit in the smallest unit.
    pub(super) fn limit(&self) -> U256 {
        self.limit
    }

    /// Asks the vault again.
    ///
    /// # Errors
    /// When the limit is not met any longer.
    pub(super) async fn check(&self, ledger: &Ledger) -> anyhow::Result<()> {
        self.judge(preview(ledger, convert::address(self.vault), self.exchange).await?)
    }

    fn judge(&self, now: U256) -> anyhow::Result<()> {
        if self.is_met(now) {
            return Ok(());
        }
        let (now, limit) = (self.text(now), self.text(self.limit));
        Err(anyhow!(
            "the vault's price has changed: it is {now} now, and {} {limit} was to be accepted: the vault was not called",
            self.side()
        ))
        .hint("look who has sent tokens to the vault; run it again for the new price, or allow more with --slippage")
    }

    /// Returns a warning when what was really exchanged does not meet the limit.
    pub(super) fn warning(&self, sender: &Sender<'_>, account: &AccountId) -> Option<String> {
        let Some(done) = self.exchanged(sender, account) else {
            return Some("the vault has not told what it exchanged".to_owned());
        };
        (!self.is_met(done)).then(|| {
            format!(
                "the price changed while it was sent: {} instead of {} {}",
                self.text(done),
                self.side(),
                self.text(self.limit)
            )
        })
    }

    /// What the vault's event says.
    fn exchanged(&self, sender: &Sender<'_>, account: &AccountId) -> Option<U256> {
        let (vault, owner) = (convert::address(self.vault), convert::address(*account));
        let logs = || sender.logs().filter(move |log| log.address == vault);
        if matches!(self.exchange, Exchange::Deposit { .. }) {
            let found = logs().filter_map(|log| Vault::Deposit::decode_log(log).ok());
            return found.map(|log| log.data).find(|it| it.owner == owner).map(|it| it.shares);
        }
        let found = logs().filter_map(|log| Vault::Withdraw::decode_log(log).ok());
        let found = found.map(|log| log.data).find(|it| it.owner == owner)?;
        let is_redeemed = matches!(self.exchange, Exchange::Redeem { .. });
        Some(if is_redeemed { found.assets } else { found.shares })
    }

    fn is_met(&self, amount: U256) -> bool {
        match self.exchange {
            Exchange::Deposit { .. } | Exchange::Redeem { .. } => self.limit <= amount,
            Exchange::Withdraw { .. } => amount <= self.limit,
        }
    }

    fn side(&self) -> &'static str {
        match self.exchange {
            Exchange::Deposit { .. } | Exchange::Redeem { .. } => "at least",
            Exchange::Withdraw { .. } => "at most",
        }
    }

    fn text(&self, amount: U256) -> String {
        format!("{} {}", self.token.amount_text(amount), self.token.symbol)
    }
}

async fn preview(ledger: &Ledger, at: Address, exchange: Exchange) -> anyhow::Result<U256> {
    Ok(match exchange {
        Exchange::Deposit { assets } => {
            ledger.read(at, &Vault::previewDepositCall { assets }).await?
        }
        Exchange::Redeem { shares } => {
            ledger.read(at, &Vault::previewRedeemCall { shares }).await?
        }
        Exchange::Withdraw { assets } => {
            ledger.read(at, &Vault::previewWithdrawCall { assets }).await?
        }
    })
}

/// Why a donation to the vault can take a deposit away at little cost; none if it can't.
pub(super) fn donation_risk(vault: &VaultView) -> Option<String> {
    let offset = vault.offset();
    let virtual_shares = U256::from(10).saturating_pow(U256::from(offset));
    let shares = vault.supply.saturating_add(virtual_shares);
    if offset == 0 {
        return Some("its shares have no more decimals than its asset".to_owned());
    }
    (shares < U256::from(SHARES_LEAST))
        .then(|| format!("it has only {shares} of the smallest shares, the virtual ones included"))
}

/// Returns the least of `amount` to accept, rounded down, but never nothing.
fn least(amount: U256, bps: u16) -> U256 {
    amount.saturating_sub(part_up(amount, bps)).max(U256::ONE)
}

/// Returns the most of `amount` to give, rounded down.
fn most(amount: U256, bps: u16) -> U256 {
    let kept = amount.saturating_sub(part_up(amount, WHOLE_BPS.saturating_sub(bps)));
    amount.saturating_add(kept)
}

/// Returns `amount · bps / 10,000`, rounded up. The part is at most the whole.
fn part_up(amount: U256, bps: u16) -> U256 {
    let product: U512 = amount.widening_mul(U256::from(bps.min(WHOLE_BPS)));
    product.div_ceil(U512::from(WHOLE_BPS)).wrapping_to()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(share_decimals: u8, supply: u64) -> VaultView {
        let token = |byte, decimals| TokenView {
            address: AccountId::from_bytes([byte; 20]),
            name: String::new(),
            symbol: "T".to_owned(),
            decimals,
            is_readable: true,
        };
        let (shares, asset) = (token(1, share_decimals), token(2, 6));
        VaultView { shares, asset, assets: None, supply: U256::from(supply), locked: None }
    }

    #[test]
    fn a_price_that_got_worse_is_refused() {
        let amount = U256::from(1_000);
        let guard = |exchange, bps| Guard::of(&vault(9, 0), exchange, amount, bps);
        let deposit = Exchange::Deposit { assets: U256::from(7) };
        let redeem = Exchange::Redeem { shares: U256::from(7) };
        for exchange in [deposit, redeem] {
            assert!(guard(exchange, 50).judge(U256::from(995)).is_ok());
            let error = guard(exchange, 50).judge(U256::from(994)).unwrap_err();
            assert!(error.to_string().contains("at least"), "{error}");
            assert!(guard(exchange, 0).judge(U256::from(999)).is_err());
            // A donation before the deposit can leave nothing at all, which no slippage allows.
            assert!(guard(exchange, 10_000).judge(U256::ZERO).is_err());
        }
        let withdraw = Exchange::Withdraw { assets: U256::from(7) };
        assert!(guard(withdraw, 50).judge(U256::from(1_005)).is_ok());
        assert!(guard(withdraw, 50).judge(U256::from(1_006)).is_err());
        assert!(guard(withdraw, 0).judge(U256::from(1_001)).is_err());
    }

    #[test]
    fn limits_are_rounded_down_and_never_nothing() {
        assert_eq!(least(U256::ONE, 50), U256::ONE);
        assert_eq!(least(U256::from(1_999), 50), U256::from(1_989));
        assert_eq!(most(U256::from(1_999), 50), U256::from(2_008));
        assert_eq!(most(U256::MAX, 10_000), U256::MAX);
        assert_eq!(least(U256::MAX, 0), U256::MAX);
    }

    #[test]
    fn a_vault_with_few_virtual_shares_is_a_risk() {
        assert!(donation_risk(&vault(9, 0)).is_none());
        assert!(donation_risk(&vault(7, 0)).is_some());
        assert!(donation_risk(&vault(7, 990)).is_none());
        // Its owner can redeem all shares but one before a donation.
        assert!(donation_risk(&vault(6, u64::MAX)).is_some());
    }
}
