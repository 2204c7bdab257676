//! Tokens as they describe themselves.

use std::collections::{BTreeMap, BTreeSet};

use abi::{Erc20, GRAIN, WRAPPED_GRAIN, asset_address, convert};
use alloy_primitives::{Address, U256};
use units::AccountId;

use super::pairs;
use crate::{
    Ask, ITEMS_MAX, ViewError, Window, assets,
    batch::{Answers, Asked, Batch},
};

/// Characters of a name that are kept at most.
const NAME_MAX: usize = 64;
/// Characters of a symbol that are kept at most.
const SYMBOL_MAX: usize = 32;
/// Decimals of a readable token at most, as of an asset.
const DECIMALS_MAX: u8 = 36;

/// Assets that are looked through for a symbol at most.
pub const ASSETS_MAX: u64 = 5_000;

/// A token, as it describes itself. Its texts have no control characters, line ends included, and none that are invisible or reverse text: each of these is
/// replaced by U+FFFD, so that a token can't forge lines of a screen. Two tokens may still look alike: only the address says which is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenView {
    /// Where it answers.
    pub address: AccountId,
    /// Its name, cut to 64 characters; empty when it is not readable.
    pub name: String,
    /// Its symbol, cut to 32 characters; the first digits of the address when it is not readable.
    pub symbol: String,
    /// Decimals of a whole unit; 0 when it is not readable, so that amounts are shown in the smallest unit.
    pub decimals: u8,
    /// Whether it answers as an ERC-20 with metadata, with at most 36 decimals.
    pub is_readable: bool,
}

impl TokenView {
    /// An amount in whole units, exact, without trailing zeros.
    #[must_use]
    pub fn amount_text(&self, amount: U256) -> String {
        abi::amount_text(amount, self.decimals)
    }

    fn unreadable(address: Address) -> Self {
        let symbol = address.to_string().chars().take(10).collect();
        let address = convert::account(address);
        Self { address, name: String::new(), symbol, decimals: 0, is_readable: false }
    }
}

/// Reads a token. One that does not answer is not readable, which is no error.
///
/// # Errors
/// [`ViewError::Unanswered`].
pub async fn token<A: Ask>(
    ledger: &A,
    address: &AccountId,
) -> Result<TokenView, ViewError<A::Error>> {
    let address = convert::address(*address);
    Ok(found(&tokens(ledger, [address]).await?, address))
}

/// Reads tokens, each once, by address.
///
/// # Errors
/// [`ViewError::Unanswered`].
pub async fn tokens<A: Ask>(
    ledger: &A,
    addresses: impl IntoIterator<Item = Address>,
) -> Result<BTreeMap<Address, TokenView>, ViewError<A::Error>> {
    let addresses: BTreeSet<Address> = addresses.into_iter().collect();
    let is_native = |address: &Address| abi::Module::at(address).is_some();
    let (native, foreign): (Vec<Address>, Vec<_>) = addresses.into_iter().partition(is_native);
    let mut batch = Batch::default();
    let asked: Vec<_> =
        native.into_iter().map(|address| TokenCalls::new(&mut batch, address)).collect();
    let answers = batch.ask(ledger).await?;
    let mut views: BTreeMap<_, _> =
        asked.iter().map(|asked| (asked.address, asked.read(&answers))).collect();
    for address in foreign {
        let mut batch = Batch::default();
        let asked = TokenCalls::new(&mut batch, address);
        // Code that runs out of gas is no answer either. It must not hide all other tokens, and a ledger that is gone does not answer the next question.
        let answers = batch.ask(ledger).await;
        let view =
            answers.map_or_else(|_| TokenView::unreadable(address), |answers| asked.read(&answers));
        views.insert(address, view);
    }
    Ok(views)
}

/// Reads what an account holds of each token, in the smallest unit; `None` of a token that does not answer.
///
/// # Errors
/// [`ViewError::Unanswered`].
pub async fn balances_of<A: Ask>(
    ledger: &A,
    holder: &AccountId,
    tokens: &[AccountId],
) -> Result<Vec<Option<U256>>, ViewError<A::Error>> {
    let call = Erc20::balanceOfCall { account: convert::address(*holder) };
    let mut balances = Vec::with_capacity(tokens.len());
    for token in tokens {
        let token = convert::address(*token);
        let mut batch = Batch::default();
        let asked = batch.add_to_token(token, &call);
        let balance = match batch.ask(ledger).await {
            Ok(answers) => answers.take::<_, A::Error>(&asked).ok(),
            Err(error) if abi::Module::at(&token).is_some() => return Err(error),
            // As in `tokens`.
            Err(_) => None,
        };
        balances.push(balance);
    }
    Ok(balances)
}

/// Finds the tokens with a symbol among GRAIN, wrapped GRAIN and all assets. Symbols of GRAIN and wrapped GRAIN always mean these two, whatever others call
/// themselves. `None` when there are more than [`ASSETS_MAX`] assets, so that not all can be looked at.
///
/// Deployed tokens are not among them: they have no list, and of those that somebody lists anybody may push one out and put another of the same
/// symbol in ([`deployed_alike`]).
///
/// # Errors
/// [`ViewError`].
pub async fn named<A: Ask>(
    ledger: &A,
    symbol: &str,
) -> Result<Option<Vec<TokenView>>, ViewError<A::Error>> {
    for native in [GRAIN, WRAPPED_GRAIN] {
        let native = token(ledger, &convert::account(native)).await?;
        if native.symbol.eq_ignore_ascii_case(symbol) {
            return Ok(Some(vec![native]));
        }
    }
    let count = assets::count(ledger).await?;
    if ASSETS_MAX < count {
        return Ok(None);
    }
    let mut batch = Batch::default();
    let ask = |number: u64| {
        let address = asset_address(number);
        (address, batch.add(address, &Erc20::symbolCall {}))
    };
    let asked: Vec<_> = (1..=count).map(ask).collect();
    let answers = batch.ask(ledger).await?;
    let mut found = BTreeSet::new();
    for (address, asked) in &asked {
        if answers.take(asked)? == symbol {
            found.insert(*address);
        }
    }
    Ok(Some(tokens(ledger, found).await?.into_values().collect()))
}

/// Finds deployed tokens with a symbol among those of the newest 100 pairs: candidates for a person who looks for an address, never an answer.
///
/// # Errors
/// [`ViewError`].
pub async fn deployed_alike<A: Ask>(
    ledger: &A,
    symbol: &str,
) -> Result<Vec<TokenView>, ViewError<A::Error>> {
    let mut found = BTreeMap::new();
    for pair in pairs(ledger, Window::first(ITEMS_MAX)).await?.items {
        for token in [pair.token0, pair.token1] {
            let is_native = abi::Module::at(&convert::address(token.address)).is_some();
            if !is_native && token.is_readable && token.symbol == symbol {
                found.insert(token.address, token);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Returns the token that was read, or what stands for it.
pub(crate) fn found(tokens: &BTreeMap<Address, TokenView>, address: Address) -> TokenView {
    tokens.get(&address).cloned().unwrap_or_else(|| TokenView::unreadable(address))
}

/// The first characters of a text that others wrote, without what could steer a terminal or hide something.
fn plain(text: &str, most: usize) -> String {
    let is_shown = |character: char| !character.is_control() && !units::is_hidden(character);
    let shown = |character| if is_shown(character) { character } else { '\u{fffd}' };
    text.chars().take(most).map(shown).collect()
}

/// The calls that make up the view of a token.
struct TokenCalls {
    address: Address,
    name: Asked<Erc20::nameCall>,
    symbol: Asked<Erc20::symbolCall>,
    decimals: Asked<Erc20::decimalsCall>,
}

impl TokenCalls {
    fn new(batch: &mut Batch, address: Address) -> Self {
        Self {
            address,
            name: batch.add_to_token(address, &Erc20::nameCall {}),
            symbol: batch.add_to_token(address, &Erc20::symbolCall {}),
            decimals: batch.add_to_token(address, &Erc20::decimalsCall {}),
        }
    }

    fn read(&self, answers: &Answers) -> TokenView {
        type Never = std::convert::Infallible;
        let symbol = answers.take::<_, Never>(&self.symbol).ok();
        let decimals = answers.take::<_, Never>(&self.decimals).ok();
        let (Some(symbol), Some(decimals @ 0..=DECIMALS_MAX)) = (symbol, decimals) else {
            return TokenView::unreadable(self.address);
        };
        TokenView {
            address: convert::account(self.address),
            name: plain(&answers.take::<_, Never>(&self.name).unwrap_or_default(), NAME_MAX),
            symbol: plain(&symbol, SYMBOL_MAX),
            decimals,
            is_readable: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use abi::{Assets, UniswapV2Factory, UniswapV2Pair};
    use alloy_sol_types::{SolCall, SolValue as _};

    use super::*;
    use crate::{AccountState, Call, Head, LogFilter, Outcome, PlacedLog, ready};

    /// A ledger with GRAIN, a token whose symbol is endless, one with too many decimals, and one that no call of returns.
    struct Odd;

    #[derive(Debug, thiserror::Error)]
    #[error("out of gas")]
    struct OutOfGas;

    const ENDLESS: Address = Address::repeat_byte(1);
    const FINE: Address = Address::repeat_byte(2);
    const HALTS: Address = Address::repeat_byte(3);

    impl Ask for Odd {
        type Error = OutOfGas;

        async fn head(&self) -> Result<Head, OutOfGas> {
            unreachable!("no view of tokens asks for it")
        }

        async fn block(&self, _: u64) -> Result<Option<Head>, OutOfGas> {
            unreachable!("none of these views asks for it")
        }

        async fn calls(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, OutOfGas> {
            let outcome = |call: &Call| {
                // What strangers have deployed gets little gas.
                assert_eq!(call.gas.is_some(), call.to != GRAIN, "{call:?}");
                let of = |symbol: &str, decimals: u8| match &call.input[..4] {
                    selector if selector == Erc20::decimalsCall::SELECTOR => {
                        Outcome::Returned(U256::from(decimals).abi_encode().into())
                    }
                    selector if selector == Erc20::balanceOfCall::SELECTOR => {
                        Outcome::Returned(U256::from(7).abi_encode().into())
                    }
                    _ => Outcome::Returned(symbol.to_owned().abi_encode().into()),
                };
                match call.to {
                    GRAIN => Ok(of("GRAIN", 18)),
                    ENDLESS => Ok(of(&"x".repeat(1_000), 6)),
                    FINE => Ok(of("FINE", 37)),
                    HALTS => Err(OutOfGas),
                    _ => Ok(Outcome::Returned(Vec::new().into())),
                }
            };
            calls.iter().map(outcome).collect()
        }

        async fn account(&self, _: Address) -> Result<AccountState, OutOfGas> {
            unreachable!("no view of tokens asks for it")
        }

        async fn logs(&self, _: LogFilter) -> Result<Vec<PlacedLog>, OutOfGas> {
            unreachable!("no view of tokens asks for it")
        }
    }

    #[test]
    fn one_odd_token_hides_no_other() {
        let nothing = Address::repeat_byte(4);
        let read = ready(tokens(&Odd, [HALTS, GRAIN, ENDLESS, FINE, nothing])).unwrap();
        let shown = |address: Address| {
            let token = &read[&address];
            (token.symbol.as_str(), token.decimals, token.is_readable)
        };
        assert_eq!(shown(GRAIN), ("GRAIN", 18, true));
        assert_eq!(shown(ENDLESS), (&"x".repeat(SYMBOL_MAX)[..], 6, true));
        assert_eq!(shown(FINE), ("0x02020202", 0, false));
        assert_eq!(shown(HALTS), ("0x03030303", 0, false));
        assert_eq!(shown(nothing), ("0x04040404", 0, false));
        assert_eq!(read[&HALTS].amount_text(U256::from(12)), "12");
    }

    #[test]
    fn a_token_can_not_forge_what_is_shown() {
        assert_eq!(
            plain("A\u{1b}[2J\nyes\r\u{9b}1m\u{202e}R\u{200b}", 64),
            "A\u{fffd}[2J\u{fffd}yes\u{fffd}\u{fffd}1m\u{fffd}R\u{fffd}"
        );
        assert_eq!(plain("Grün 麦", 64), "Grün 麦");
        assert_eq!(plain("abcdef", 3), "abc");
    }

    /// A ledger with the asset BAR, and one pair of it and a deployed token, whose symbol is the second.
    struct Listed(&'static str);

    const PAIR: Address = Address::repeat_byte(5);

    impl Listed {
        fn answer(&self, call: &Call) -> Vec<u8> {
            type Reserves = <UniswapV2Pair::getReservesCall as SolCall>::Return;
            let selector: [u8; 4] = call.input[..4].try_into().unwrap();
            let is = |asked: [u8; 4]| selector == asked;
            let symbol = || match call.to {
                GRAIN => "GRAIN",
                WRAPPED_GRAIN => "WGRAIN",
                FINE => self.0,
                at => {
                    assert_eq!(at, asset_address(1));
                    "BAR"
                }
            };
            match call.to {
                _ if is(Assets::countCall::SELECTOR) => 1_u64.abi_encode(),
                _ if is(UniswapV2Factory::allPairsLengthCall::SELECTOR) => U256::ONE.abi_encode(),
                _ if is(UniswapV2Factory::allPairsCall::SELECTOR) => PAIR.abi_encode(),
                _ if is(UniswapV2Pair::token0Call::SELECTOR) => FINE.abi_encode(),
                _ if is(UniswapV2Pair::token1Call::SELECTOR) => asset_address(1).abi_encode(),
                PAIR if is(UniswapV2Pair::getReservesCall::SELECTOR) => {
                    let reserves = Reserves {
                        _reserve0: Default::default(),
                        _reserve1: Default::default(),
                        _blockTimestampLast: 0,
                    };
                    UniswapV2Pair::getReservesCall::abi_encode_returns(&reserves)
                }
                PAIR => U256::ONE.abi_encode(),
                _ if is(UniswapV2Factory::feeToCall::SELECTOR) => Address::ZERO.abi_encode(),
                _ if is(Erc20::decimalsCall::SELECTOR) => U256::from(18).abi_encode(),
                _ => symbol().to_owned().abi_encode(),
            }
        }
    }

    impl Ask for Listed {
        type Error = OutOfGas;

        async fn head(&self) -> Result<Head, OutOfGas> {
            unreachable!("no view of tokens asks for it")
        }

        async fn block(&self, _: u64) -> Result<Option<Head>, OutOfGas> {
            unreachable!("none of these views asks for it")
        }

        async fn calls(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, OutOfGas> {
            Ok(calls.iter().map(|call| Outcome::Returned(self.answer(call).into())).collect())
        }

        async fn account(&self, _: Address) -> Result<AccountState, OutOfGas> {
            unreachable!("no view of tokens asks for it")
        }

        async fn logs(&self, _: LogFilter) -> Result<Vec<PlacedLog>, OutOfGas> {
            unreachable!("no view of tokens asks for it")
        }
    }

    #[test]
    fn a_symbol_never_means_a_deployed_token() {
        let found = |ledger: &Listed, symbol| {
            let addresses = |tokens: Vec<TokenView>| -> Vec<_> {
                tokens.iter().map(|token| convert::address(token.address)).collect()
            };
            let named = ready(named(ledger, symbol)).unwrap().unwrap();
            (addresses(named), addresses(ready(deployed_alike(ledger, symbol)).unwrap()))
        };
        let bar = asset_address(1);
        // One that has a symbol of its own is a hint, and never an answer.
        assert_eq!(found(&Listed("USD"), "USD"), (vec![], vec![FINE]));
        // Nor does it stand in the way of an asset.
        assert_eq!(found(&Listed("BAR"), "BAR"), (vec![bar], vec![FINE]));
        assert_eq!(found(&Listed("GRAIN"), "GRAIN"), (vec![GRAIN], vec![FINE]));
        assert_eq!(found(&Listed("wgrain"), "wgrain"), (vec![WRAPPED_GRAIN], vec![FINE]));
    }

    #[test]
    fn a_balance_that_nobody_tells_is_unknown() {
        let holder = AccountId::from_bytes([9; 20]);
        let asked = [GRAIN, HALTS, Address::repeat_byte(4)].map(convert::account);
        let held = ready(balances_of(&Odd, &holder, &asked)).unwrap();
        assert_eq!(held, [Some(U256::from(7)), None, None]);
    }
}
