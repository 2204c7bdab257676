//! Invariants after arbitrary steps, refused steps included.

use alloy_primitives::U256;
use assets::{
    Approved, Book, IssuedBook, Pause, Permit, PlainBook, Powers, Refused, Terms, accept, approve,
    burn, burn_from, mint, offer, permit, renounce, set_pause, transfer, transfer_from,
};
use proptest::{collection::vec, prelude::*};
use units::{AccountId, UnixSeconds};

/// Returns a test account: 0 is the zero account, 1 the first issuer, 9 the asset.
pub(crate) fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 20])
}

pub(crate) const ASSET: u8 = 9;
const NOW: u64 = 1_000;

pub(crate) fn terms(cap: U256, powers: Powers) -> Terms {
    let (name, symbol, uri) = ("Barley".into(), "BAR".into(), String::new());
    Terms { name, symbol, decimals: 6, cap, uri, issuer: account(1), powers }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Transfer(u8, u8, U256),
    TransferFrom(u8, u8, u8, U256),
    Approve(u8, u8, U256),
    /// Arguments: signer, owner, spender, amount, deadline.
    Permit(u8, u8, u8, U256, u64),
    Mint(u8, u8, U256),
    Burn(u8, U256),
    BurnFrom(u8, u8, U256),
    Pause(u8, bool),
    Offer(u8, u8),
    Accept(u8),
    Renounce(u8),
}

fn amounts() -> impl Strategy<Value = U256> {
    prop_oneof![
        3 => (0_u64..16).prop_map(U256::from),
        2 => (0_u64..2_000).prop_map(U256::from),
        1 => (0_u64..4).prop_map(|less| U256::MAX - U256::from(less)),
        1 => (0_u64..4).prop_map(|more| (U256::ONE << 255) + U256::from(more)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || prop_oneof![12 => 1_u8..=4, 1 => Just(0), 1 => Just(ASSET)];
    let step = prop_oneof![
        6 => (who(), who(), amounts()).prop_map(|(from, to, amount)| Step::Transfer(from, to, amount)),
        6 => (who(), who(), who(), amounts())
            .prop_map(|(spender, from, to, amount)| Step::TransferFrom(spender, from, to, amount)),
        4 => (who(), who(), amounts()).prop_map(|(owner, to, amount)| Step::Approve(owner, to, amount)),
        4 => (who(), who(), who(), amounts(), 998_u64..1_003)
            .prop_map(|(signer, owner, to, amount, deadline)| Step::Permit(signer, owner, to, amount, deadline)),
        8 => (1_u8..=2, who(), amounts()).prop_map(|(caller, to, amount)| Step::Mint(caller, to, amount)),
        3 => (who(), amounts()).prop_map(|(holder, amount)| Step::Burn(holder, amount)),
        3 => (who(), who(), amounts())
            .prop_map(|(spender, holder, amount)| Step::BurnFrom(spender, holder, amount)),
        2 => (1_u8..=2, any::<bool>()).prop_map(|(caller, on)| Step::Pause(caller, on)),
        1 => (1_u8..=2, who()).prop_map(|(caller, to)| Step::Offer(caller, to)),
        1 => who().prop_map(Step::Accept),
        1 => (1_u8..=2).prop_map(Step::Renounce),
    ];
    vec(step, 1..80)
}

fn apply(book: &mut PlainBook, step: Step) -> Result<(), Refused> {
    match step {
        Step::Transfer(from, to, amount) => {
            transfer(book, account(from), account(to), amount).map(drop)
        }
        Step::TransferFrom(spender, from, to, amount) => {
            transfer_from(book, account(spender), account(from), account(to), amount).map(drop)
        }
        Step::Approve(owner, spender, amount) => {
            approve(book, account(owner), account(spender), amount).map(drop)
        }
        Step::Permit(signer, owner, spender, amount, deadline) => {
            let allows = Approved { owner: account(owner), spender: account(spender), amount };
            let request = Permit { allows, deadline: U256::from(deadline) };
            permit(book, UnixSeconds::new(NOW), &request, |_, _| Ok(account(signer))).map(drop)
        }
        Step::Mint(caller, to, amount) => {
            mint(book, account(caller), account(to), amount).map(drop)
        }
        Step::Burn(holder, amount) => burn(book, account(holder), amount).map(drop),
        Step::BurnFrom(spender, holder, amount) => {
            burn_from(book, account(spender), account(holder), amount).map(drop)
        }
        Step::Pause(caller, on) => {
            set_pause(book, account(caller), if on { Pause::On } else { Pause::Off })
        }
        Step::Offer(caller, to) => offer(book, account(caller), account(to)).map(drop),
        Step::Accept(caller) => accept(book, account(caller)).map(drop),
        Step::Renounce(caller) => renounce(book, account(caller)).map(drop),
    }
}

/// Checks what a step that was accepted may have changed.
fn check_taken(before: &PlainBook, after: &PlainBook, step: Step) {
    let (mut old, mut new) = (before.clone(), after.clone());
    let powers = old.standing().unwrap().powers;
    if old.is_paused().unwrap() {
        assert_eq!(old.balances(), new.balances(), "a balance moved while paused: {step:?}");
    }
    let issuer = old.standing().unwrap().issuer;
    match step {
        Step::Mint(caller, ..) => assert_eq!(issuer, account(caller)),
        Step::Pause(caller, _) => assert!(powers.pausable && issuer == account(caller)),
        Step::Burn(..) | Step::BurnFrom(..) => {
            assert!(powers.burnable && new.supply().unwrap() <= old.supply().unwrap());
        }
        Step::Renounce(_) => {
            assert!(powers.renounceable && new.standing().unwrap().issuer == AccountId::ZERO);
        }
        Step::Offer(..) | Step::Accept(_) => assert!(powers.transferable),
        Step::Transfer(..) | Step::TransferFrom(..) | Step::Approve(..) | Step::Permit(..) => {
            assert_eq!(old.supply(), new.supply());
        }
    }
    if let Step::TransferFrom(spender, owner, _, amount) | Step::BurnFrom(spender, owner, amount) =
        step
    {
        let [was, is] = [&mut old, &mut new]
            .map(|book| book.allowance(account(owner), account(spender)).unwrap());
        let expected = if was == U256::MAX { was } else { was - amount };
        assert_eq!(is, expected, "{step:?}");
    }
    if let Step::Permit(signer, owner, ..) = step {
        assert_eq!(signer, owner);
        let [was, is] = [&mut old, &mut new].map(|book| book.nonce(account(owner)).unwrap());
        assert_eq!(is, was + U256::ONE);
    }
}

fn powers() -> impl Strategy<Value = Powers> {
    any::<[bool; 4]>().prop_map(|[pausable, burnable, transferable, renounceable]| Powers {
        pausable,
        burnable,
        transferable,
        renounceable,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn value_is_conserved_under_any_steps(
        cap in prop_oneof![Just(U256::from(1_500)), Just(U256::MAX), Just(U256::ONE << 255)],
        powers in powers(),
        steps in steps(),
    ) {
        let mut book = PlainBook::new(account(ASSET), &terms(cap, powers));
        for step in steps {
            let before = book.clone();
            match apply(&mut book, step) {
                Ok(()) => check_taken(&before, &book, step),
                Err(_) => prop_assert_eq!(&before, &book, "a refused step changed something"),
            }
            prop_assert_eq!(book.invariants(), Ok(()));
        }
    }
}
