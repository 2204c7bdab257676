//! What a page calls the addresses and tokens that it shows.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use abi::{Erc20, GRAIN, Module, Place, UniswapV2Pair, asset_number, convert};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use ledger_views::markets::TokenView;
use maud::{Markup, html};
use node::Node;
use store::StoreError;

use crate::{bounded::Bounded, figures, layout};

/// Tokens that a page asks for their names at most; further ones are shown by their addresses.
const TOKENS_MAX: usize = 100;
/// Characters of a symbol that are shown at most.
const SYMBOL_CHARS_MAX: usize = 16;
/// Decimals of a token at most: those that an issued asset may have. Whoever claims more is shown in the smallest unit.
const DECIMALS_MAX: u8 = 36;

/// What a token calls itself, as far as it is usable. Nothing of it is to be trusted, and two tokens may call themselves the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) symbol: Option<String>,
    pub(crate) decimals: Option<u8>,
}

/// The names of one page. Each address is asked once; a failure of the disk is kept for [`Names::finish`], so that whoever writes a page need not stop at each name.
pub(crate) struct Names<'a> {
    ledger: Bounded<'a>,
    modules: RefCell<BTreeMap<Address, Option<&'static Module>>>,
    tokens: RefCell<BTreeMap<Address, Token>>,
    pairs: RefCell<BTreeMap<Address, Option<[Address; 2]>>>,
    failure: RefCell<Option<StoreError>>,
    /// How many calls inside of calls were decoded.
    pub(crate) nested: Cell<usize>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(node: &'a Node) -> Result<Self, StoreError> {
        Ok(Self {
            ledger: Bounded::new(node)?,
            modules: RefCell::default(),
            tokens: RefCell::default(),
            pairs: RefCell::default(),
            failure: RefCell::default(),
            nested: Cell::default(),
        })
    }

    /// The ledger whose names these are.
    pub(crate) fn ledger(&self) -> &Bounded<'a> {
        &self.ledger
    }

    /// Says whether everything could be read.
    pub(crate) fn finish(&self) -> Result<(), StoreError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// The answer of a contract; `None` when it gives none that is usable.
    pub(crate) fn ask<C: SolCall>(&self, to: Address, call: &C) -> Option<C::Return> {
        self.read(self.ledger.ask(to, call)).flatten()
    }

    fn read<T>(&self, result: Result<T, StoreError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.failure.borrow_mut().get_or_insert(error);
                None
            }
        }
    }

    /// The native module that answers at an address: by its place, or for instances that a factory has created by the code there.
    pub(crate) fn module(&self, address: &Address) -> Option<&'static Module> {
        if let Some(module) = Module::at(address) {
            return Some(module);
        }
        if let Some(known) = self.modules.borrow().get(address) {
            return *known;
        }
        let code = self.read(self.ledger.code(address)).unwrap_or_default();
        let module = Module::of(address, &code);
        self.modules.borrow_mut().insert(*address, module);
        module
    }

    /// Whether the instance of a module with that name answers at an address.
    pub(crate) fn is(&self, address: &Address, name: &str) -> bool {
        self.module(address).is_some_and(|module| module.name == name)
    }

    /// What a token calls itself.
    pub(crate) fn token(&self, address: &Address) -> Token {
        if *address == GRAIN {
            return Token { symbol: Some("GRAIN".to_owned()), decimals: Some(18) };
        }
        if let Some(known) = self.tokens.borrow().get(address) {
            return known.clone();
        }
        if self.tokens.borrow().len() >= TOKENS_MAX {
            return Token::default();
        }
        let token = self.read(self.asked(*address)).unwrap_or_default();
        self.tokens.borrow_mut().insert(*address, token.clone());
        token
    }

    /// Remembers what tokens have answered to a view, so that they are not asked twice.
    pub(crate) fn know<'t>(&self, tokens: impl IntoIterator<Item = &'t TokenView>) {
        for token in tokens.into_iter().filter(|token| token.is_readable) {
            let symbol = one_line(&token.symbol);
            let known = Token { symbol, decimals: Some(token.decimals) };
            self.tokens.borrow_mut().insert(convert::address(token.address), known);
        }
    }

    fn asked(&self, address: Address) -> Result<Token, StoreError> {
        let symbol = self.ledger.output(address, &Erc20::symbolCall {})?;
        let decimals = self.ledger.output(address, &Erc20::decimalsCall {})?;
        let decimals =
            decimals.and_then(|output| Erc20::decimalsCall::abi_decode_returns(&output).ok());
        Ok(Token {
            symbol: symbol.and_then(|output| symbol_text(&output)),
            decimals: decimals.filter(|decimals| *decimals <= DECIMALS_MAX),
        })
    }

    /// The two assets of a pair or pool.
    pub(crate) fn pair(&self, address: &Address) -> Option<[Address; 2]> {
        if let Some(known) = self.pairs.borrow().get(address) {
            return *known;
        }
        let is_pool = self.is(address, "UniswapV2Pair") || self.is(address, "UniswapV3Pool");
        // Both kinds answer these two.
        let assets = is_pool.then(|| {
            let asset0 = self.ask(*address, &UniswapV2Pair::token0Call {})?;
            Some([asset0, self.ask(*address, &UniswapV2Pair::token1Call {})?])
        });
        let assets = assets.flatten();
        self.pairs.borrow_mut().insert(*address, assets);
        assets
    }

    /// A token's symbol, which leads to it, with something that tells it from others of that symbol.
    pub(crate) fn symbol(&self, address: &Address) -> Markup {
        let whole = address.to_checksum(None);
        if self.pair(address).is_some() {
            return html! { a href=(format!("/pool/{address:#x}")) title=(whole) { (self.symbol_plain(address)) } };
        }
        let Token { symbol, .. } = self.token(address);
        let Some(symbol) = symbol else {
            return html! { a class="mono" href=(format!("/token/{address:#x}")) title=(whole) { (layout::short_address(address)) } };
        };
        let number = asset_number(address).map(|number| format!(" asset {number}"));
        let tag = match (*address == GRAIN, number) {
            (true, _) => String::new(),
            (false, Some(number)) => number,
            // Of the many tokens that may have this symbol.
            (false, None) => match Module::at(address) {
                Some(module) => format!(" {}", module.name),
                None => format!(" {}", layout::short_address(address)),
            },
        };
        html! {
            a href=(format!("/token/{address:#x}")) title=(whole) { (symbol) }
            @if !tag.is_empty() { span class="quiet small" { (tag) } }
        }
    }

    /// A token's symbol as plain text, or its shortened address: for drawings and titles. All pairs have one symbol, so theirs is followed by those of their assets.
    pub(crate) fn symbol_plain(&self, address: &Address) -> String {
        let own = |address: &Address| {
            self.token(address).symbol.unwrap_or_else(|| layout::short_address(address))
        };
        // One level: a pair's asset may be the share of another pair.
        match self.pair(address) {
            Some([asset0, asset1]) => {
                format!("{} {}/{}", own(address), own(&asset0), own(&asset1))
            }
            None => own(address),
        }
    }

    /// An amount in whole units, exact; in the smallest unit for a token that does not say how many decimals it has.
    pub(crate) fn amount_plain(&self, token: &Address, amount: U256) -> String {
        match self.token(token).decimals {
            Some(decimals) => abi::amount_text(amount, decimals),
            None => format!("{amount} smallest units"),
        }
    }

    /// An amount in whole units, shortened; the exact one is its title.
    pub(crate) fn amount(&self, token: &Address, amount: U256) -> Markup {
        let exact = self.amount_plain(token, amount);
        let short = figures::shortened(&exact);
        html! { @if short == exact { (exact) } @else { span title=(exact) { (short) } } }
    }

    /// An amount and its symbol.
    pub(crate) fn amount_of(&self, token: &Address, amount: U256) -> Markup {
        html! { (self.amount(token, amount)) " " (self.symbol(token)) }
    }

    /// An amount and its symbol without a link: where a page says which tokens it is about.
    pub(crate) fn amount_in_words(&self, token: &Address, amount: U256) -> Markup {
        html! { (self.amount(token, amount)) " " (self.symbol_plain(token)) }
    }

    /// An address, by the name of the module that answers there if there is one.
    pub(crate) fn account(&self, address: &Address) -> Markup {
        match self.module(address) {
            Some(module) if matches!(module.place, Place::Created(_)) => {
                let whole = address.to_checksum(None);
                html! { a href=(format!("/account/{address:#x}")) title=(whole) { (module.name) " " span class="mono" { (layout::short_address(address)) } } }
            }
            _ => layout::account(address),
        }
    }
}

/// Reads a symbol as tokens answer it: a string, or as some old ones do, 32 bytes that end in zeros. What is left has one line and a bounded length.
fn symbol_text(output: &[u8]) -> Option<String> {
    let text = match Erc20::symbolCall::abi_decode_returns_validate(output) {
        Ok(text) => text,
        Err(_) => {
            let bytes: &[u8; 32] = output.try_into().ok()?;
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            String::from_utf8(bytes.get(..end)?.to_vec()).ok()?
        }
    };
    one_line(&text)
}

/// A symbol without what breaks a line, and without most of a long one.
fn one_line(text: &str) -> Option<String> {
    let mut letters = text.trim().chars().map(|letter| match letter {
        '\n' | '\r' | '\t' => ' ',
        letter => letter,
    });
    let mut shown: String = letters.by_ref().take(SYMBOL_CHARS_MAX).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    (!shown.trim().is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_read_as_tokens_write_them() {
        let string = |text: &str| Erc20::symbolCall::abi_encode_returns(&text.to_owned());
        let check = |output: &[u8], expected: Option<&str>| {
            assert_eq!(symbol_text(output).as_deref(), expected);
        };
        check(&string("GOLD"), Some("GOLD"));
        check(&string(" a\nb "), Some("a b"));
        check(&string(""), None);
        check(&string("   "), None);
        check(&string(&"x".repeat(10_000)), Some("xxxxxxxxxxxxxxxx…"));
        let mut word = [0; 32];
        word[..3].copy_from_slice(b"MKR");
        check(&word, Some("MKR"));
        check(&[0; 32], None);
        check(&[0xff; 32], None);
        check(&[], None);
        check(&[1; 31], None);
    }
}
