//! Compares a created asset with one built from OpenZeppelin's contracts (`testdata/erc20`): same return data, errors
//! and events, step by step.
//!
//! Left out, because we differ intentionally: sending to the asset itself; changes of the issuer. A mint that
//! overflows 256 bits is a panic there and `ERC20ExceededCap` here.

use crate::chain::{Chain, key, plain, sign};
use abi::{
    ASSETS, Assets, Erc20, IssuedAsset, Permit, asset_address, permit_digest, permit_domain,
};
use alloy_consensus::TxEip1559;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_sol_types::{Panic, PanicKind, SolCall, SolError, SolValue};
use execution::{Call, CallOutcome, Environment, call};
use proptest::{collection::vec, prelude::*};

const NAME: &str = "Barley";
const CREATION_CODE: &str = include_str!("../../../../testdata/erc20/openzeppelin.hex");

/// Returns a test account: 0 is the zero address, 1 the issuer.
fn who(number: u8) -> Address {
    if number == 0 { Address::ZERO } else { key(number).address() }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Transfer(u8, U256),
    TransferFrom(u8, u8, U256),
    Approve(u8, U256),
    Permit { signer: u8, owner: u8, spender: u8, value: U256, in_seconds: u64, flaw: Flaw },
    Mint(u8, U256),
    Burn(U256),
    BurnFrom(u8, U256),
    Pause,
    Unpause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    Nonce,
    HighS,
    Version,
    Zero,
}

fn amounts() -> impl Strategy<Value = U256> {
    prop_oneof![
        4 => (0_u64..16).prop_map(U256::from),
        2 => (0_u64..2_000).prop_map(U256::from),
        1 => (0_u64..4).prop_map(|less| U256::MAX - U256::from(less)),
    ]
}

/// Returns the caller and the call of each step.
fn steps() -> impl Strategy<Value = Vec<(u8, Step)>> {
    let who = || prop_oneof![12 => 1_u8..=3, 1 => Just(0)];
    let flaw = prop_oneof![
        6 => Just(Flaw::None),
        1 => prop::sample::select(vec![Flaw::Nonce, Flaw::HighS, Flaw::Version, Flaw::Zero]),
    ];
    let signed = prop_oneof![
        4 => (1_u8..=3).prop_map(|number| (number, number)),
        1 => (1_u8..=3, who()),
    ];
    let permit = (signed, who(), amounts(), 0_u64..4, flaw).prop_map(
        |((signer, owner), spender, value, in_seconds, flaw)| Step::Permit {
            signer,
            owner,
            spender,
            value,
            in_seconds,
            flaw,
        },
    );
    let step = prop_oneof![
        6 => (who(), amounts()).prop_map(|(to, value)| Step::Transfer(to, value)),
        6 => (who(), who(), amounts()).prop_map(|(from, to, value)| Step::TransferFrom(from, to, value)),
        4 => (who(), amounts()).prop_map(|(spender, value)| Step::Approve(spender, value)),
        4 => permit,
        6 => (who(), amounts()).prop_map(|(to, value)| Step::Mint(to, value)),
        2 => amounts().prop_map(Step::Burn),
        3 => (who(), amounts()).prop_map(|(from, value)| Step::BurnFrom(from, value)),
        1 => Just(Step::Pause),
        2 => Just(Step::Unpause),
    ];
    vec((prop_oneof![12 => 1_u8..=3, 1 => Just(0)], step), 1..50)
}

struct Pair {
    chain: Chain,
    /// Ours, then theirs.
    assets: [Address; 2],
}

impl Pair {
    fn new(cap: U256) -> Self {
        let mut chain = Chain::new();
        let terms = Assets::Terms {
            name: NAME.into(),
            symbol: "BAR".into(),
            decimals: 18,
            cap,
            uri: String::new(),
            issuer: who(1),
            pausable: true,
            burnable: true,
            transferable: false,
            renounceable: false,
        };
        let mut code = hex::decode(CREATION_CODE.trim()).unwrap();
        code.extend_from_slice(&(NAME, cap).abi_encode_params());
        let ours = TxEip1559 {
            to: TxKind::Call(ASSETS),
            input: Assets::createCall { terms }.abi_encode().into(),
            gas_limit: 1_000_000,
            ..plain(0)
        };
        let theirs =
            TxEip1559 { to: TxKind::Create, input: code.into(), gas_limit: 5_000_000, ..plain(1) };
        let built = chain.build(&[sign(1, ours), sign(1, theirs)]);
        assert!(built.block.receipts.iter().all(|receipt| receipt.status()));
        Self { chain, assets: [asset_address(1), who(1).create(1)] }
    }

    fn ask(&self, from: u8, to: Address, data: &[u8]) -> CallOutcome {
        let message = Call {
            from: who(from),
            to: TxKind::Call(to),
            value: U256::ZERO,
            data: Bytes::copy_from_slice(data),
            gas_limit: None,
            max_fee_per_gas: None,
            max_priority_fee_per_gas: None,
            chain_id: None,
            access_list: AccessList::default(),
            authorization_list: Vec::new(),
        };
        let environment = Environment::of(&self.chain.head, &self.chain.rules);
        call(&self.chain.state, &self.chain.rules, &environment, &message).unwrap()
    }

    fn read<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        match self.ask(1, to, &call.abi_encode()) {
            CallOutcome::Returned { output, .. } => C::abi_decode_returns(&output).unwrap(),
            outcome => panic!("{outcome:?}"),
        }
    }

    fn calldata(&self, asset: Address, step: Step) -> Vec<u8> {
        match step {
            Step::Transfer(to, value) => Erc20::transferCall { to: who(to), value }.abi_encode(),
            Step::TransferFrom(from, to, value) => {
                Erc20::transferFromCall { from: who(from), to: who(to), value }.abi_encode()
            }
            Step::Approve(spender, value) => {
                Erc20::approveCall { spender: who(spender), value }.abi_encode()
            }
            Step::Mint(to, value) => IssuedAsset::mintCall { to: who(to), value }.abi_encode(),
            Step::Burn(value) => IssuedAsset::burnCall { value }.abi_encode(),
            Step::BurnFrom(account, value) => {
                IssuedAsset::burnFromCall { account: who(account), value }.abi_encode()
            }
            Step::Pause => IssuedAsset::pauseCall {}.abi_encode(),
            Step::Unpause => IssuedAsset::unpauseCall {}.abi_encode(),
            Step::Permit { .. } => self.permit(asset, step),
        }
    }

    fn permit(&self, asset: Address, step: Step) -> Vec<u8> {
        let Step::Permit { signer, owner, spender, value, in_seconds, flaw } = step else {
            unreachable!("no permit")
        };
        let (owner, spender) = (who(owner), who(spender));
        let mut nonce = self.read(asset, &Erc20::noncesCall { owner });
        nonce += U256::from(u8::from(flaw == Flaw::Nonce));
        let deadline = U256::from(self.chain.head.timestamp - 1 + in_seconds);
        let permit = Permit { owner, spender, value, nonce, deadline };
        let digest = permit_digest(&permit, &permit_domain(NAME, self.chain.rules.chain_id, asset));
        let signature = key(signer).sign_hash_sync(&digest).unwrap();
        let (mut v, mut r, mut s) = (27 + u8::from(signature.v()), signature.r(), signature.s());
        match flaw {
            Flaw::None | Flaw::Nonce => {}
            Flaw::HighS => {
                // Order of secp256k1. Source: SEC 2, section 2.4.1.
                let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
                s = U256::from_str_radix(order, 16).unwrap() - s;
                v = 55 - v;
            }
            Flaw::Version => v -= 27,
            Flaw::Zero => r = U256::ZERO,
        }
        Erc20::permitCall { owner, spender, value, deadline, v, r: r.into(), s: s.into() }
            .abi_encode()
    }

    /// Calls both without a transaction and compares the answers, then executes both in one block and compares the results.
    fn step(&mut self, from: u8, step: Step) {
        let data = self.assets.map(|asset| self.calldata(asset, step));
        let outcomes: Vec<_> = self
            .assets
            .iter()
            .zip(&data)
            .map(|(asset, data)| self.ask(from, *asset, data))
            .collect();
        let names_signature = matches!(step, Step::Permit { flaw: Flaw::Nonce | Flaw::HighS, .. });
        match &outcomes[..] {
            [
                CallOutcome::Returned { output: ours, .. },
                CallOutcome::Returned { output: theirs, .. },
            ] => {
                assert_eq!(ours, theirs, "{step:?}");
            }
            [
                CallOutcome::Reverted { output: ours, .. },
                CallOutcome::Reverted { output: theirs, .. },
            ] => {
                let overflow = Panic::from(PanicKind::UnderOverflow).abi_encode();
                if matches!(step, Step::Mint(..)) && theirs[..] == overflow {
                    let error = IssuedAsset::ERC20ExceededCap::abi_decode(ours).unwrap();
                    assert_eq!(error.increasedSupply, U256::MAX);
                } else if names_signature {
                    // The signer in the error depends on the digest, and so on the asset's address.
                    assert_eq!(ours[..4], theirs[..4], "{step:?}");
                } else {
                    assert_eq!(ours, theirs, "{step:?}");
                }
            }
            _ => panic!("{step:?} by {from}: {outcomes:?}"),
        }
        if from == 0 {
            return;
        }
        let nonce = self.chain.state.nonce(&who(from));
        let transactions =
            self.assets.iter().zip(data).zip(nonce..).map(|((asset, data), nonce)| {
                let to = TxKind::Call(*asset);
                sign(from, TxEip1559 { to, input: data.into(), gas_limit: 500_000, ..plain(nonce) })
            });
        let built = self.chain.build(&transactions.collect::<Vec<_>>());
        let [ours, theirs] = &built.block.receipts[..] else { panic!("{:?}", built.refused) };
        assert_eq!(ours.status(), theirs.status(), "{step:?}");
        let data = |receipt: &alloy_consensus::ReceiptEnvelope| {
            receipt.logs().iter().map(|log| log.data.clone()).collect::<Vec<_>>()
        };
        assert_eq!(data(ours), data(theirs), "{step:?}");
    }

    fn compare(&self) {
        let agree = |data: Vec<u8>| {
            let [ours, theirs] = self.assets.map(|asset| match self.ask(1, asset, &data) {
                CallOutcome::Returned { output, .. } => output,
                outcome => panic!("{outcome:?}"),
            });
            assert_eq!(ours, theirs);
        };
        agree(Erc20::nameCall {}.abi_encode());
        agree(Erc20::symbolCall {}.abi_encode());
        agree(Erc20::decimalsCall {}.abi_encode());
        agree(Erc20::totalSupplyCall {}.abi_encode());
        agree(IssuedAsset::capCall {}.abi_encode());
        agree(IssuedAsset::pausedCall {}.abi_encode());
        agree(IssuedAsset::issuerCall {}.abi_encode());
        for owner in (0..=3).map(who) {
            agree(Erc20::balanceOfCall { account: owner }.abi_encode());
            agree(Erc20::noncesCall { owner }.abi_encode());
            for spender in (0..=3).map(who) {
                agree(Erc20::allowanceCall { owner, spender }.abi_encode());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_asset_answers_as_openzeppelins_does(
        cap in prop_oneof![Just(U256::from(2_500)), Just(U256::MAX)],
        steps in steps(),
    ) {
        let mut pair = Pair::new(cap);
        for (from, step) in steps {
            pair.step(from, step);
        }
        pair.compare();
    }
}

#[test]
fn the_domain_of_permits_is_openzeppelins() {
    let pair = Pair::new(U256::from(1));
    for asset in pair.assets {
        let expected = permit_domain(NAME, pair.chain.rules.chain_id, asset);
        assert_eq!(pair.read(asset, &Erc20::DOMAIN_SEPARATORCall {}), expected.separator());
        let domain = pair.read(asset, &Erc20::eip712DomainCall {});
        assert_eq!((domain.fields.0, &domain.name[..], &domain.version[..]), ([0x0f], NAME, "1"));
        assert_eq!((domain.verifyingContract, domain.salt.is_zero()), (asset, true));
        assert!(domain.extensions.is_empty());
    }
}

/// The same storage is written, so the gas differs by the code that is not interpreted, and by the slot with the
/// pause flag.
#[test]
fn gas_is_about_what_openzeppelins_takes() {
    let mut pair = Pair::new(U256::MAX);
    let one = U256::from(1);
    let steps = [
        ("mint", 1, Step::Mint(1, U256::from(100))),
        ("transfer to a new holder", 1, Step::Transfer(2, one)),
        ("transfer", 1, Step::Transfer(2, one)),
        ("approve", 1, Step::Approve(2, one)),
        ("transferFrom", 2, Step::TransferFrom(1, 3, one)),
        ("burn", 1, Step::Burn(one)),
    ];
    for (name, from, step) in steps {
        let nonce = pair.chain.state.nonce(&who(from));
        let gas = pair.assets.map(|asset| {
            let (to, input) = (TxKind::Call(asset), pair.calldata(asset, step).into());
            let transaction = TxEip1559 { to, input, ..plain(nonce) };
            pair.chain.execute(&[sign(from, transaction)]).block.header.gas_used
        });
        let [ours, theirs] = gas;
        assert!(ours.abs_diff(theirs) * 20 < theirs, "{name}: {ours}, OpenZeppelin's {theirs}");
        pair.step(from, step);
    }
}
