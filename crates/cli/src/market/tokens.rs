//! Tokens by symbol or address, and amounts of them.

use abi::parse_amount;
use alloy_primitives::U256;
use anyhow::anyhow;
use ledger_client::Ledger;
use ledger_views::markets::{self, ASSETS_MAX, TokenView};
use serde::Serialize;
use units::AccountId;

use crate::failure::{Hint as _, WrongUsage};
use crate::options::{checksummed, parse_account};

/// An amount and a token, as they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    pub(crate) amount: Option<&'a str>,
    pub(crate) token: &'a str,
}

/// A token in documents.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TokenDocument {
    address: String,
    symbol: String,
    decimals: u8,
}

impl From<&TokenView> for TokenDocument {
    fn from(token: &TokenView) -> Self {
        Self {
            address: checksummed(&token.address),
            symbol: token.symbol.clone(),
            decimals: token.decimals,
        }
    }
}

/// Returns what an account has of each token.
///
/// # Errors
/// When a token does not say it, or the ledger does not answer.
pub(crate) async fn balances<const COUNT: usize>(
    ledger: &Ledger,
    account: &AccountId,
    tokens: [&TokenView; COUNT],
) -> anyhow::Result<[U256; COUNT]> {
    let addresses = tokens.map(|token| token.address);
    let held = markets::balances_of(ledger, account, &addresses).await?;
    let held: Option<Vec<U256>> = held.into_iter().collect();
    let held = held.and_then(|held| held.try_into().ok());
    held.ok_or_else(|| anyhow!("a token does not answer `balanceOf`: it can't be traded"))
}

/// Returns a balance before and after a change, as previews show it; of one that is too small, what is missing.
pub(crate) fn balance_text(token: &TokenView, held: U256, spent: U256, got: U256) -> String {
    let (symbol, shown) = (&token.symbol, token.amount_text(held));
    match held.saturating_add(got).checked_sub(spent) {
        Some(after) if spent <= held => format!("{shown} -> {} {symbol}", token.amount_text(after)),
        _ => format!(
            "{shown} {symbol}: {} too little",
            token.amount_text(spent.saturating_sub(held))
        ),
    }
}

/// Returns whether a word is written as a number, so that it is no token.
pub(crate) fn is_number(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    0 < digits && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Reads two tokens, each with an amount before it or without: `100 GRAIN 50 BAR`, `GRAIN 50 BAR`, `GRAIN BAR`.
///
/// # Errors
/// [`WrongUsage`] for other words; `usage` says what is right.
pub(crate) fn two<'a>(words: &'a [String], usage: &str) -> anyhow::Result<[Named<'a>; 2]> {
    let mut named = Vec::with_capacity(2);
    let mut amount = None;
    for word in words {
        if is_number(word) && amount.is_none() {
            amount = Some(word.as_str());
        } else {
            named.push(Named { amount: amount.take(), token: word });
        }
    }
    match (<[Named<'_>; 2]>::try_from(named), amount) {
        (Ok(two), None) => Ok(two),
        _ => Err(WrongUsage(format!("{:?} is not understood: {usage}", words.join(" "))).into()),
    }
}

/// Finds a token by its address or symbol.
///
/// # Errors
/// When no token, or more than one, has that name.
pub(crate) async fn named(ledger: &Ledger, name: &str) -> anyhow::Result<TokenView> {
    if name.starts_with("0x") {
        let address = parse_account(name).map_err(|error| anyhow!("{name}: {error}"))?;
        let token = markets::token(ledger, &address).await?;
        if !token.is_readable {
            return Err(anyhow!(
                "{name} does not answer as an ERC-20 token with symbol and decimals: check the address"
            ));
        }
        return Ok(token);
    }
    let Some(mut found) = markets::named(ledger, name).await? else {
        return Err(anyhow!(
            "the ledger has more than {ASSETS_MAX} assets, too many to look for {name:?}: give the token's address"
        ));
    };
    match (found.pop(), found.is_empty()) {
        (Some(token), true) => Ok(token),
        (Some(last), false) => {
            found.push(last);
            let addresses: Vec<_> = found.iter().map(|token| checksummed(&token.address)).collect();
            Err(anyhow!(
                "{} tokens have the symbol {name:?}: give the address of the one you mean: {}",
                found.len(),
                addresses.join(", ")
            ))
        }
        (None, _) => unknown(ledger, name).await,
    }
}

/// Says why a symbol is none. Deployed tokens are named by their address, because anybody may deploy another one with the same symbol.
async fn unknown(ledger: &Ledger, name: &str) -> anyhow::Result<TokenView> {
    let alike = markets::deployed_alike(ledger, name).await.unwrap_or_default();
    if alike.is_empty() {
        return Err(anyhow!(
            "no asset has the symbol {name:?}: symbols are case-sensitive and mean GRAIN, WGRAIN and assets; an address always works"
        ))
        .hint("gleaner asset list, or gleaner pool list");
    }
    let addresses: Vec<_> = alike.iter().map(|token| checksummed(&token.address)).collect();
    Err(anyhow!(
        "no asset has the symbol {name:?}, and deployed tokens are named by their address, because anybody may deploy another one with this symbol: compare {} with what its issuer publishes",
        addresses.join(", ")
    ))
}

/// Parses an amount of a token in whole units; 0 is refused.
///
/// # Errors
/// When it is not an amount of that token.
pub(crate) fn amount(text: &str, token: &TokenView) -> anyhow::Result<U256> {
    let (symbol, decimals) = (&token.symbol, token.decimals);
    let amount = parse_amount(text, decimals).ok_or_else(|| {
        anyhow!("{text:?} is not an amount of {symbol}: write a number such as 12 or 0.5, with at most {decimals} decimals")
    })?;
    if amount.is_zero() {
        return Err(anyhow!("the amount of {symbol} is 0: give more"));
    }
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_stand_before_their_tokens() {
        let check = |text: &str, expected: Option<[(Option<&str>, &str); 2]>| {
            let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
            let found = two(&words, "write it so").ok();
            let found = found.map(|two| two.map(|named| (named.amount, named.token)));
            assert_eq!(found, expected, "{text}");
        };
        check("100 GRAIN 50 BAR", Some([(Some("100"), "GRAIN"), (Some("50"), "BAR")]));
        check("100 GRAIN BAR", Some([(Some("100"), "GRAIN"), (None, "BAR")]));
        check("GRAIN .5 BAR", Some([(None, "GRAIN"), (Some(".5"), "BAR")]));
        check("GRAIN 0x12", Some([(None, "GRAIN"), (None, "0x12")]));
        // A symbol of digits stands where no number can.
        check("5 7 BAR", Some([(Some("5"), "7"), (None, "BAR")]));
        for wrong in ["GRAIN", "5", "GRAIN BAR 5", "1 GRAIN 2 BAR 3", "GRAIN BAR BAZ"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_number_is_no_token() {
        for number in ["1", "0.5", ".5", "5."] {
            assert!(is_number(number), "{number}");
        }
        for word in ["", ".", "0x1", "1INCH", "GRAIN", "-1", "1,5"] {
            assert!(!is_number(word), "{word}");
        }
    }
}
