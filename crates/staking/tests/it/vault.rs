//! Vault shares: rounding for the vault, and what a donation can do.

use std::collections::BTreeMap;

use alloy_primitives::{U256, U512};
use fixed_point::ArithmeticError;
use proptest::{collection::vec, prelude::*};
use staking::vault::{Offset, Vault};

use crate::{amounts, number};

#[derive(Clone, Copy, Debug)]
enum Step {
    Deposit(u8, U256),
    Mint(u8, U256),
    Withdraw(u8, U256),
    Redeem(u8, U256),
    Donate(U256),
}

#[derive(Clone, Debug, PartialEq)]
struct World {
    vault: Vault,
    shares: BTreeMap<u8, U256>,
    /// Of each account: assets paid in and out.
    paid: BTreeMap<u8, (U256, U256)>,
}

fn offset(decimals: u8) -> Offset {
    Offset::new(decimals).unwrap()
}

impl World {
    fn new(offset: Offset) -> Self {
        let vault = Vault { assets: U256::ZERO, shares: U256::ZERO, offset };
        Self { vault, shares: BTreeMap::new(), paid: BTreeMap::new() }
    }

    fn balance(&self, who: u8) -> U256 {
        self.shares.get(&who).copied().unwrap_or_default()
    }

    fn enter(&mut self, who: u8, assets: U256, shares: U256) -> Result<(), ArithmeticError> {
        // A token's supply, and the supply of shares, have 256 bits.
        let all_assets = self.vault.assets.checked_add(assets).ok_or(ArithmeticError::Overflow)?;
        let all_shares = self.vault.shares.checked_add(shares).ok_or(ArithmeticError::Overflow)?;
        let paid = self.paid.entry(who).or_default();
        let (put, _) = paid;
        *put = put.checked_add(assets).ok_or(ArithmeticError::Overflow)?;
        (self.vault.assets, self.vault.shares) = (all_assets, all_shares);
        *self.shares.entry(who).or_default() += shares;
        Ok(())
    }

    fn leave(&mut self, who: u8, assets: U256, shares: U256) -> Result<(), ArithmeticError> {
        let left = self.balance(who).checked_sub(shares).ok_or(ArithmeticError::Overflow)?;
        let (_, got) = self.paid.entry(who).or_default();
        *got = got.checked_add(assets).ok_or(ArithmeticError::Overflow)?;
        self.vault.assets = self.vault.assets.checked_sub(assets).expect("every share is covered");
        self.vault.shares -= shares;
        self.shares.insert(who, left);
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<(), ArithmeticError> {
        match step {
            Step::Deposit(who, assets) => self.enter(who, assets, self.vault.shares_down(assets)?),
            Step::Mint(who, shares) => self.enter(who, self.vault.assets_up(shares)?, shares),
            Step::Withdraw(who, assets) => {
                // `maxWithdraw`
                if self.vault.assets_down(self.balance(who))? < assets {
                    return Err(ArithmeticError::Overflow);
                }
                let shares = self.vault.shares_up(assets)?;
                self.leave(who, assets, shares)
            }
            Step::Redeem(who, shares) => {
                if self.balance(who) < shares {
                    return Err(ArithmeticError::Overflow);
                }
                self.leave(who, self.vault.assets_down(shares)?, shares)
            }
            Step::Donate(assets) => {
                let all = self.vault.assets.checked_add(assets).ok_or(ArithmeticError::Overflow)?;
                self.vault.assets = all;
                Ok(())
            }
        }
    }

    fn redeem_all(&mut self, who: u8) -> U256 {
        let before = self.paid.get(&who).copied().unwrap_or_default().1;
        self.step(Step::Redeem(who, self.balance(who))).unwrap();
        self.paid[&who].1 - before
    }
}

/// Compares prices of a share, `(assets + 1) / (shares + 10^offset)`, exactly.
fn price_is_lower(after: &Vault, before: &Vault) -> bool {
    let price = |vault: &Vault| {
        (
            U512::from(vault.assets) + U512::from(1),
            U512::from(vault.shares) + U512::from(vault.offset.virtual_shares()),
        )
    };
    let ((assets, shares), (old_assets, old_shares)) = (price(after), price(before));
    // Below 2^257 each: the products are compared at 1,024 bits only if they need it.
    let product = |a: U512, b: U512| -> alloy_primitives::Uint<1024, 16> { a.widening_mul(b) };
    product(assets, old_shares) < product(old_assets, shares)
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0_u8..3;
    prop_oneof![
        4 => (who(), amounts()).prop_map(|(who, amount)| Step::Deposit(who, amount)),
        4 => (who(), amounts()).prop_map(|(who, amount)| Step::Mint(who, amount)),
        4 => (who(), amounts()).prop_map(|(who, amount)| Step::Withdraw(who, amount)),
        4 => (who(), amounts()).prop_map(|(who, amount)| Step::Redeem(who, amount)),
        2 => amounts().prop_map(Step::Donate),
    ]
}

fn offsets() -> impl Strategy<Value = Offset> {
    prop_oneof![Just(0_u8), Just(3), Just(6), 0..=Offset::MAX].prop_map(offset)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_share_never_loses_value_and_every_share_is_covered(
        offset in offsets(),
        steps in vec(step(), 1..60),
    ) {
        let mut world = World::new(offset);
        for step in steps {
            let before = world.clone();
            if world.step(step).is_err() {
                // Balances are entered when they are first looked at.
                prop_assert_eq!(world.vault, before.vault);
                continue;
            }
            prop_assert!(!price_is_lower(&world.vault, &before.vault), "{step:?}");
            let supply: U256 = world.shares.values().copied().sum();
            prop_assert_eq!(supply, world.vault.shares);
            let redeemable = world.shares.values().map(|shares| U512::from(world.vault.assets_down(*shares).unwrap_or_default()));
            prop_assert!(redeemable.sum::<U512>() <= U512::from(world.vault.assets));
        }
    }

    /// Somebody deposits first, donates, lets another deposit, and redeems: he never gains, and the other loses at most
    /// the price of one share, which the donation has raised by a `10^offset`th of itself.
    #[test]
    fn a_donation_before_a_deposit_wins_nothing(
        offset in prop_oneof![Just(0_u8), Just(3), Just(6)].prop_map(offset),
        first in prop_oneof![0_u64..4, 0_u64..1 << 40],
        donation in prop_oneof![0_u64..100, 0_u64..1 << 60],
        deposit in prop_oneof![1_u64..100, 1_u64..1 << 60],
    ) {
        let (attacker, victim) = (0, 1);
        let mut world = World::new(offset);
        world.step(Step::Deposit(attacker, number(first))).unwrap();
        world.step(Step::Donate(number(donation))).unwrap();
        world.step(Step::Deposit(victim, number(deposit))).unwrap();
        let mut other_order = world.clone();
        let taken = world.redeem_all(attacker);
        prop_assert!(taken <= number(first) + number(donation), "the attacker gains");
        for got in [world.redeem_all(victim), other_order.redeem_all(victim)] {
            let lost = number(deposit).saturating_sub(got);
            let share = (number(first) + number(donation) + number(1)).div_ceil(offset.virtual_shares());
            prop_assert!(lost <= share + number(1), "{lost} lost, a share costs at most {share}");
        }
    }

    /// What the victim loses costs the attacker `10^offset − 1` times as much.
    #[test]
    fn an_attack_costs_the_attacker_more_than_the_victim(
        decimals in prop_oneof![Just(0_u8), Just(3), Just(6)],
        first in 0_u64..1 << 40,
        donation in 0_u64..1 << 60,
        deposit in 1_u64..1 << 50,
    ) {
        let mut world = World::new(offset(decimals));
        world.step(Step::Deposit(0, number(first))).unwrap();
        world.step(Step::Donate(number(donation))).unwrap();
        world.step(Step::Deposit(1, number(deposit))).unwrap();
        let cost = number(first) + number(donation) - world.redeem_all(0);
        let lost = number(deposit).saturating_sub(world.redeem_all(1));
        // Rounding takes up to two units without any attack.
        let factor = offset(decimals).virtual_shares() - number(1);
        let least = lost.saturating_sub(number(2)) * factor;
        prop_assert!(least <= cost + number(2), "{lost} lost for {cost}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// OpenZeppelin issue 5223: several deposits, each just below the price of one more share, are each rounded against. With up to
    /// `10^offset` of them, the attacker still does not gain.
    #[test]
    fn a_donation_wins_nothing_from_few_deposits(
        decimals in prop_oneof![Just(0_u8), Just(3), Just(6)],
        first in prop_oneof![0_u64..4, 0_u64..1 << 40],
        donation in 0_u64..1 << 60,
        deposits in vec((0_u64..3, 0_u64..3), 1..40),
    ) {
        let mut world = World::new(offset(decimals));
        world.step(Step::Deposit(0, number(first))).unwrap();
        world.step(Step::Donate(number(donation))).unwrap();
        let few = if decimals == 0 { 1 } else { deposits.len() };
        for (shares, less) in &deposits[..few] {
            let price = world.vault.assets_up(number(shares + 1)).unwrap();
            world.step(Step::Deposit(1, price.saturating_sub(number(*less)))).unwrap();
        }
        let taken = world.redeem_all(0);
        prop_assert!(taken <= number(first) + number(donation), "the attacker gains");
    }
}

/// The figures of OpenZeppelin issue 5223: 1 is deposited and 10,000 tokens are donated, then three times 5,000 are deposited.
#[test]
fn many_deposits_need_an_offset() {
    let token = U256::from(10).pow(U256::from(18));
    for (decimals, gains) in [(0_u8, true), (3, false), (6, false)] {
        let mut world = World::new(offset(decimals));
        world.step(Step::Deposit(0, number(1))).unwrap();
        world.step(Step::Donate(token * number(10_000))).unwrap();
        for _ in 0..3 {
            world.step(Step::Deposit(1, token * number(5_000))).unwrap();
        }
        let taken = world.redeem_all(0);
        let put = token * number(10_000) + number(1);
        assert_eq!(put < taken, gains, "offset {decimals}");
        if gains {
            assert_eq!(taken - put, token * number(2_500));
        }
    }
}

/// The attack on an empty vault without virtual shares would take everything; this is what is left of it.
#[test]
fn the_known_attack_with_its_figures() {
    let wad = U256::from(10).pow(U256::from(18));
    // (offset, what the victim of 1 token loses, what the attacker loses who donates 2 tokens)
    for (decimals, victim_loses, attacker_loses) in [
        (0_u8, wad, wad / number(2)),
        (3, number(666_888_962_987_662), number(999_666_555_518_506_170)),
        (6, number(666_666_888_889), number(999_999_666_666_555_556)),
    ] {
        let mut world = World::new(offset(decimals));
        world.step(Step::Deposit(0, number(1))).unwrap();
        world.step(Step::Donate(wad * number(2))).unwrap();
        world.step(Step::Deposit(1, wad)).unwrap();
        let taken = world.redeem_all(0);
        let got = world.redeem_all(1);
        let (lost, cost) = (wad - got, wad * number(2) + number(1) - taken);
        assert_eq!((decimals, lost, cost), (decimals, victim_loses, attacker_loses));
    }
}
