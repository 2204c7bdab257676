//! GRAIN and assets: calls have the results of the rules, in state, logs and refusals.

use std::sync::LazyLock;

use ::assets::{
    Approved, Book, Offered, Pause, Permit, PlainBook, Powers, Refused, Terms, Transferred,
};
use abi::{
    ASSETS, Assets, Erc20, Erc20Errors, GRAIN, IssuedAsset, ModuleErrors, asset_address,
    convert::account, permit_digest, permit_domain,
};
use alloy_primitives::{Address, B256, Signature, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent, SolInterface};
use proptest::{collection::vec, prelude::*};
use units::{AccountId, UnixSeconds};

use crate::TABLE;
use native_kit::{
    Failure, Modules, Table,
    test_host::{CHAIN_ID, TestHost},
};
use revm::primitives::hardfork::SpecId;

fn signing_key(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(number)).unwrap()
}

/// Returns the account that a key signs for.
fn holder(number: u8) -> Address {
    static HOLDERS: LazyLock<[Address; 5]> =
        LazyLock::new(|| [1, 1, 2, 3, 4].map(|number| signing_key(number).address()));
    HOLDERS[usize::from(number)]
}

/// Returns a test account: 0 is the zero address, 1 to 4 have keys, 9 is the asset.
fn who(asset: Address, number: u8) -> Address {
    match number {
        0 => Address::ZERO,
        9 => asset,
        number => holder(number),
    }
}

fn id(address: Address) -> AccountId {
    account(address)
}

fn terms(cap: U256, powers: Powers) -> Terms {
    let issuer = id(holder(1));
    let (name, symbol, uri) =
        ("Barley from the lower field, 2026".into(), "BAR".into(), "ipfs://barley".into());
    Terms { name, symbol, decimals: 6, cap, uri, issuer, powers }
}

const ALL: Powers =
    Powers { pausable: true, burnable: true, transferable: true, renounceable: true };

fn create(terms: &Terms) -> Vec<u8> {
    let Powers { pausable, burnable, transferable, renounceable } = terms.powers;
    let asked = Assets::Terms {
        name: terms.name.clone(),
        symbol: terms.symbol.clone(),
        decimals: terms.decimals,
        cap: terms.cap,
        uri: terms.uri.clone(),
        issuer: Address::from(*terms.issuer.as_bytes()),
        pausable,
        burnable,
        transferable,
        renounceable,
    };
    Assets::createCall { terms: asked }.abi_encode()
}

/// Returns a ledger with one asset, and GRAIN in four accounts.
fn with_asset(terms: &Terms) -> (TestHost, Address) {
    let mut double = TestHost::new(TABLE);
    (1..=4).for_each(|number| double.give(holder(number), 1_000));
    let asset = double.transact(ASSETS, holder(4), 0, &create(terms)).unwrap();
    let asset = Assets::createCall::abi_decode_returns(&asset).unwrap();
    assert_eq!(asset, asset_address(1));
    (double, asset)
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Transfer(u8, u8, U256),
    TransferFrom(u8, u8, u8, U256),
    Approve(u8, u8, U256),
    Permit { signer: u8, owner: u8, spender: u8, amount: U256, deadline: u64, flaw: Flaw },
    Mint(u8, u8, U256),
    Burn(u8, U256),
    BurnFrom(u8, u8, U256),
    Pause(u8, bool),
    Offer(u8, u8),
    Accept(u8),
    Renounce(u8),
}

/// What is wrong with a signature.
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
        3 => (0_u64..16).prop_map(U256::from),
        2 => (0_u64..2_000).prop_map(U256::from),
        1 => (0_u64..4).prop_map(|less| U256::MAX - U256::from(less)),
        1 => (0_u64..4).prop_map(|more| (U256::ONE << 255) + U256::from(more)),
    ]
}

/// Returns steps that GRAIN supports too.
fn holder_steps() -> impl Strategy<Value = Step> {
    let who = || prop_oneof![12 => 1_u8..=4, 1 => Just(0), 1 => Just(9)];
    let flaw = prop_oneof![
        6 => Just(Flaw::None),
        1 => prop::sample::select(vec![Flaw::Nonce, Flaw::HighS, Flaw::Version, Flaw::Zero]),
    ];
    let signed = prop_oneof![
        4 => (1_u8..=4).prop_map(|number| (number, number)),
        1 => (1_u8..=4, who()),
    ];
    let permit = (signed, who(), amounts(), 998_u64..1_003, flaw).prop_map(
        |((signer, owner), spender, amount, deadline, flaw)| Step::Permit {
            signer,
            owner,
            spender,
            amount,
            deadline,
            flaw,
        },
    );
    prop_oneof![
        6 => (who(), who(), amounts()).prop_map(|(from, to, amount)| Step::Transfer(from, to, amount)),
        6 => (who(), who(), who(), amounts())
            .prop_map(|(spender, from, to, amount)| Step::TransferFrom(spender, from, to, amount)),
        4 => (who(), who(), amounts()).prop_map(|(owner, to, amount)| Step::Approve(owner, to, amount)),
        4 => permit,
    ]
}

fn issued_steps() -> impl Strategy<Value = Step> {
    let who = || prop_oneof![12 => 1_u8..=4, 1 => Just(0), 1 => Just(9)];
    prop_oneof![
        20 => holder_steps(),
        8 => (1_u8..=2, who(), amounts()).prop_map(|(caller, to, amount)| Step::Mint(caller, to, amount)),
        3 => (who(), amounts()).prop_map(|(holder, amount)| Step::Burn(holder, amount)),
        3 => (who(), who(), amounts())
            .prop_map(|(spender, holder, amount)| Step::BurnFrom(spender, holder, amount)),
        2 => (1_u8..=2, any::<bool>()).prop_map(|(caller, on)| Step::Pause(caller, on)),
        1 => (1_u8..=2, who()).prop_map(|(caller, to)| Step::Offer(caller, to)),
        1 => who().prop_map(Step::Accept),
        1 => (1_u8..=2).prop_map(Step::Renounce),
    ]
}

/// The event according to the rules, or nothing to compare.
enum Happened {
    Moved(Transferred),
    Allowed(Approved),
    Paused(bool),
    Offered(Offered),
    Changed(Offered),
}

/// The module and, for comparison, the rules alone.
struct Pair {
    double: TestHost,
    asset: Address,
    name: String,
    book: PlainBook,
}

impl Pair {
    fn who(&self, number: u8) -> Address {
        who(self.asset, number)
    }

    fn step(&mut self, step: Step) {
        let (caller, call, ruled) = match step {
            Step::Transfer(..) | Step::TransferFrom(..) | Step::Approve(..) => self.plain(step),
            Step::Permit { .. } => self.permit(step),
            _ => self.issue(step),
        };
        let before = self.double.state();
        let called = self.double.transact(self.asset, caller, 0, &call);
        match (ruled, called) {
            (Ok(happened), Ok(_)) => self.check_log(caller, &happened),
            (Err(refused), Err(failure)) => {
                assert_eq!(Failure::from(crate::ended::Ended::from(refused)), failure, "{step:?}");
                assert!(self.double.state() == before, "something has changed");
            }
            (ruled, called) => {
                panic!("{step:?}: the rules say {:?}, the module {called:?}", ruled.err())
            }
        }
        self.compare();
    }

    fn plain(&mut self, step: Step) -> (Address, Vec<u8>, Result<Happened, Refused>) {
        match step {
            Step::Transfer(from, to, value) => {
                let (from, to) = (self.who(from), self.who(to));
                let ruled = ::assets::transfer(&mut self.book, id(from), id(to), value);
                let call = Erc20::transferCall { to, value }.abi_encode();
                (from, call, ruled.map(Happened::Moved))
            }
            Step::TransferFrom(spender, from, to, value) => {
                let [spender, from, to] = [spender, from, to].map(|number| self.who(number));
                let ruled =
                    ::assets::transfer_from(&mut self.book, id(spender), id(from), id(to), value);
                let call = Erc20::transferFromCall { from, to, value }.abi_encode();
                (spender, call, ruled.map(Happened::Moved))
            }
            Step::Approve(owner, spender, value) => {
                let (owner, spender) = (self.who(owner), self.who(spender));
                let ruled = ::assets::approve(&mut self.book, id(owner), id(spender), value);
                let call = Erc20::approveCall { spender, value }.abi_encode();
                (owner, call, ruled.map(Happened::Allowed))
            }
            _ => unreachable!("no plain step"),
        }
    }

    fn permit(&mut self, step: Step) -> (Address, Vec<u8>, Result<Happened, Refused>) {
        let Step::Permit { signer, owner, spender, amount: value, deadline, flaw } = step else {
            unreachable!("no permit")
        };
        let (owner, spender) = (self.who(owner), self.who(spender));
        let deadline = U256::from(deadline);
        let mut nonce = self.book.nonce(id(owner)).unwrap();
        nonce += U256::from(u8::from(flaw == Flaw::Nonce));
        let call = permit_call(
            signer,
            &abi::Permit { owner, spender, value, nonce, deadline },
            (&self.name, self.asset),
            flaw,
        );
        let asked = Permit {
            allows: Approved { owner: id(owner), spender: id(spender), amount: value },
            deadline,
        };
        let domain = permit_domain(&self.name, CHAIN_ID, self.asset);
        let now = UnixSeconds::new(self.double.time);
        let ruled = ::assets::permit(&mut self.book, now, &asked, |_, nonce| {
            let Erc20::permitCall { v, r, s, .. } = call;
            let permit = abi::Permit { owner, spender, value, nonce, deadline };
            let signature = Signature::from_scalars_and_parity(r, s, v == 28);
            if signature.normalize_s().is_some() {
                return Err(Refused::InvalidSignatureS { s: s.into() });
            }
            let digest = permit_digest(&permit, &domain);
            let signer = signature.recover_address_from_prehash(&digest).ok();
            signer.filter(|_| matches!(v, 27 | 28)).map(id).ok_or(Refused::InvalidSignature)
        });
        (self.who(3), call.abi_encode(), ruled.map(Happened::Allowed))
    }

    fn issue(&mut self, step: Step) -> (Address, Vec<u8>, Result<Happened, Refused>) {
        let asset = self.asset;
        let who = |number| who(asset, number);
        let book = &mut self.book;
        match step {
            Step::Mint(caller, to, value) => {
                let (caller, to) = (who(caller), who(to));
                let ruled = ::assets::mint(book, id(caller), id(to), value);
                let call = IssuedAsset::mintCall { to, value }.abi_encode();
                (caller, call, ruled.map(Happened::Moved))
            }
            Step::Burn(holder, value) => {
                let ruled = ::assets::burn(book, id(who(holder)), value);
                let call = IssuedAsset::burnCall { value }.abi_encode();
                (who(holder), call, ruled.map(Happened::Moved))
            }
            Step::BurnFrom(spender, holder, value) => {
                let (spender, holder) = (who(spender), who(holder));
                let ruled = ::assets::burn_from(book, id(spender), id(holder), value);
                let call = IssuedAsset::burnFromCall { account: holder, value }.abi_encode();
                (spender, call, ruled.map(Happened::Moved))
            }
            Step::Pause(caller, on) => {
                let (pause, call) = if on {
                    (Pause::On, IssuedAsset::pauseCall {}.abi_encode())
                } else {
                    (Pause::Off, IssuedAsset::unpauseCall {}.abi_encode())
                };
                let ruled = ::assets::set_pause(book, id(who(caller)), pause);
                (who(caller), call, ruled.map(|()| Happened::Paused(on)))
            }
            Step::Offer(caller, to) => {
                let ruled = ::assets::offer(book, id(who(caller)), id(who(to)));
                let call = IssuedAsset::offerIssuerCall { to: who(to) }.abi_encode();
                (who(caller), call, ruled.map(Happened::Offered))
            }
            Step::Accept(caller) => {
                let ruled = ::assets::accept(book, id(who(caller)));
                let call = IssuedAsset::acceptIssuerCall {}.abi_encode();
                (who(caller), call, ruled.map(Happened::Changed))
            }
            Step::Renounce(caller) => {
                let ruled = ::assets::renounce(book, id(who(caller)));
                let call = IssuedAsset::renounceIssuerCall {}.abi_encode();
                (who(caller), call, ruled.map(Happened::Changed))
            }
            _ => unreachable!("no step of an issuer"),
        }
    }

    fn check_log(&self, caller: Address, happened: &Happened) {
        let address = |id: AccountId| Address::from(*id.as_bytes());
        let expected = match *happened {
            Happened::Moved(Transferred { from, to, amount }) => {
                Erc20::Transfer { from: address(from), to: address(to), value: amount }
                    .encode_log_data()
            }
            Happened::Allowed(Approved { owner, spender, amount }) => {
                Erc20::Approval { owner: address(owner), spender: address(spender), value: amount }
                    .encode_log_data()
            }
            Happened::Paused(true) => IssuedAsset::Paused { account: caller }.encode_log_data(),
            Happened::Paused(false) => IssuedAsset::Unpaused { account: caller }.encode_log_data(),
            Happened::Offered(Offered { issuer, to }) => {
                IssuedAsset::IssuerOffered { issuer: address(issuer), to: address(to) }
                    .encode_log_data()
            }
            Happened::Changed(Offered { issuer, to }) => {
                IssuedAsset::IssuerChanged { previous: address(issuer), issuer: address(to) }
                    .encode_log_data()
            }
        };
        let (asset, topics, data) = self.double.last_log().unwrap();
        let expected = (self.asset, expected.topics().to_vec(), expected.data);
        assert_eq!((*asset, topics.clone(), data.clone()), expected);
    }

    /// Compares what calls read with the state of the rules.
    fn compare(&mut self) {
        let mut checked = self.double.clone();
        for owner in 0..=4 {
            let owner = self.who(owner);
            let call = Erc20::balanceOfCall { account: owner };
            let balance = self.book.balance(id(owner)).unwrap();
            assert_eq!(read(&mut checked, self.asset, &call), balance);
            let nonce = self.book.nonce(id(owner)).unwrap();
            assert_eq!(read(&mut checked, self.asset, &Erc20::noncesCall { owner }), nonce);
            for spender in 1..=4 {
                let spender = self.who(spender);
                let call = Erc20::allowanceCall { owner, spender };
                let allowance = self.book.allowance(id(owner), id(spender)).unwrap();
                assert_eq!(read(&mut checked, self.asset, &call), allowance);
            }
        }
        assert!(checked.state() == self.double.state(), "reading changes something");
    }
}

fn read<C: SolCall>(double: &mut TestHost, module: Address, call: &C) -> C::Return {
    C::abi_decode_returns(&double.read(module, &call.abi_encode()).unwrap()).unwrap()
}

fn permit_call(
    signer: u8,
    permit: &abi::Permit,
    (name, asset): (&str, Address),
    flaw: Flaw,
) -> Erc20::permitCall {
    let abi::Permit { owner, spender, value, deadline, .. } = *permit;
    let digest = permit_digest(permit, &permit_domain(name, CHAIN_ID, asset));
    let signature = signing_key(signer).sign_hash_sync(&digest).unwrap();
    let (mut v, mut r, mut s) = (27 + u8::from(signature.v()), signature.r(), signature.s());
    match flaw {
        Flaw::None | Flaw::Nonce => {}
        Flaw::HighS => {
            s = order() - s;
            v = 55 - v;
        }
        Flaw::Version => v -= 27,
        Flaw::Zero => r = U256::ZERO,
    }
    Erc20::permitCall { owner, spender, value, deadline, v, r: r.into(), s: s.into() }
}

/// Order of secp256k1. Source: SEC 2, section 2.4.1.
fn order() -> U256 {
    U256::from_be_bytes(alloy_primitives::hex!(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    ))
}

fn powers() -> impl Strategy<Value = Powers> {
    any::<[bool; 4]>().prop_map(|[pausable, burnable, transferable, renounceable]| Powers {
        pausable: pausable || renounceable,
        burnable,
        transferable,
        renounceable,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn an_asset_does_what_the_rules_say(
        cap in prop_oneof![Just(U256::from(1_500)), Just(U256::MAX), Just(U256::ONE << 255)],
        powers in powers(),
        steps in vec(issued_steps(), 1..60),
    ) {
        let terms = terms(cap, powers);
        let (double, asset) = with_asset(&terms);
        let book = PlainBook::new(id(asset), &terms);
        let mut pair = Pair { double, asset, name: terms.name, book };
        for step in steps {
            pair.step(step);
        }
        let supply = read(&mut pair.double, asset, &Erc20::totalSupplyCall {});
        let sum = pair.book.balances().values().fold(U256::ZERO, |sum, balance| sum + balance);
        prop_assert_eq!(supply, sum);
    }

    #[test]
    fn grain_does_what_the_rules_say(steps in vec(holder_steps(), 1..60)) {
        let (double, _) = with_asset(&terms(U256::MAX, ALL));
        let mut book = PlainBook::new(id(GRAIN), &terms(U256::MAX, ALL));
        for number in 1..=4 {
            let (issuer, to) = (id(holder(1)), id(holder(number)));
            ::assets::mint(&mut book, issuer, to, U256::from(1_000)).unwrap();
        }
        let mut pair = Pair { double, asset: GRAIN, name: "Grain".into(), book };
        for step in steps {
            pair.step(step);
        }
    }
}

fn calldata() -> impl Strategy<Value = Vec<u8>> {
    let selectors: Vec<[u8; 4]> = Erc20::Erc20Calls::selectors()
        .chain(IssuedAsset::IssuedAssetCalls::selectors())
        .chain(Assets::AssetsCalls::selectors())
        .collect();
    let words = vec(prop_oneof![Just(0_u64), Just(1), Just(32), Just(64), any::<u64>()], 0..24);
    let of_words = (prop::sample::select(selectors), words).prop_map(|(selector, words)| {
        let words = words.into_iter().flat_map(|word| U256::from(word).to_be_bytes::<32>());
        selector.into_iter().chain(words).collect()
    });
    let damaged = (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte): (_, _)| {
        let mut call = create(&terms(U256::MAX, ALL));
        let at = at.index(call.len());
        call[at] ^= byte;
        call
    });
    prop_oneof![vec(any::<u8>(), 0..200), of_words, damaged]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_calldata_is_answered_and_what_is_refused_changes_nothing(
        module in 0_usize..3,
        input in calldata(),
        value in prop_oneof![Just(0_u64), 1_u64..1_000],
    ) {
        let (mut double, asset) = with_asset(&terms(U256::MAX, ALL));
        let (module, caller) = ([GRAIN, ASSETS, asset][module], holder(1));
        let before = double.state();
        if double.read(module, &input).is_ok() || double.transact(module, caller, value, &input).is_err() {
            prop_assert!(double.state() == before, "something has changed");
        }
    }

    #[test]
    fn texts_are_read_as_they_were_written(
        name in "[a-zÀ-ÿ ]{1,32}",
        symbol in "[A-Z]{1,16}",
        uri in "[ -~]{0,256}",
    ) {
        let terms = Terms { name, symbol, uri, ..terms(U256::MAX, ALL) };
        let (mut double, asset) = with_asset(&terms);
        prop_assert_eq!(read(&mut double, asset, &Erc20::nameCall {}), terms.name);
        prop_assert_eq!(read(&mut double, asset, &Erc20::symbolCall {}), terms.symbol);
        prop_assert_eq!(read(&mut double, asset, &Erc20::tokenURICall {}), terms.uri);
    }
}

#[test]
fn creation_emits_counts_and_is_refused_by_the_terms() {
    let terms = terms(U256::from(77), Powers { burnable: false, ..ALL });
    let (mut double, asset) = with_asset(&terms);
    let (emitter, topics, data) = double.last_log().unwrap().clone();
    let created = Assets::AssetCreated::decode_raw_log(topics, &data).unwrap();
    assert_eq!((emitter, created.asset, created.creator), (ASSETS, asset, holder(4)));
    assert_eq!((created.issuer, created.terms.cap), (holder(1), terms.cap));
    assert_eq!((created.terms.pausable, created.terms.burnable), (true, false));

    assert_eq!(read(&mut double, ASSETS, &Assets::countCall {}), 1);
    assert_eq!(read(&mut double, ASSETS, &Assets::assetAtCall { number: 1 }), asset);
    for number in [0, 2] {
        let call = Assets::assetAtCall { number }.abi_encode();
        let refused = Err(Failure::revert(&Assets::NoSuchAsset { number }));
        assert_eq!(double.read(ASSETS, &call), refused);
    }
    for (account, expected) in
        [(asset, true), (asset_address(2), false), (asset_address(0), false), (GRAIN, false)]
    {
        assert_eq!(read(&mut double, ASSETS, &Assets::isAssetCall { account }), expected);
    }
    let bad = Terms { symbol: String::new(), ..terms.clone() };
    let field = "symbol".to_owned();
    let (size, min, max) = (U256::ZERO, U256::ONE, U256::from(16));
    let refused = Err(Failure::revert(&Assets::TextSize { field, size, min, max }));
    assert_eq!(double.transact(ASSETS, holder(4), 0, &create(&bad)), refused);
    assert_eq!(read(&mut double, asset, &IssuedAsset::issuerCall {}), holder(1));
    assert_eq!(read(&mut double, asset, &IssuedAsset::capCall {}), terms.cap);
    assert_eq!(read(&mut double, asset, &Erc20::decimalsCall {}), 6);
    let powers = read(&mut double, asset, &IssuedAsset::powersCall {});
    assert_eq!(
        [powers.pausable, powers.burnable, powers.transferable, powers.renounceable],
        [true, false, true, true]
    );
}

#[test]
fn an_address_without_an_asset_is_no_module() {
    let modules = Modules::new(SpecId::OSAKA, Table::new(TABLE), 1);
    let code = keccak256(native_kit::MODULE_CODE);
    for address in [GRAIN, ASSETS, asset_address(1)] {
        assert!(modules.find(&address, &code).is_some());
        // The hash of an account without code, and of one that does not exist.
        assert!(modules.find(&address, &keccak256([])).is_none());
        assert!(modules.find(&address, &B256::ZERO).is_none());
    }
    assert!(modules.find(&Address::repeat_byte(0x6c), &code).is_none());
}

/// Compares with the slots of a Solidity compiler, computed by hand, as tools that read storage expect them.
#[test]
fn storage_has_soliditys_layout() {
    let (mut double, asset) = with_asset(&terms(U256::from(99), ALL));
    let (one, two) = (holder(1), holder(2));
    let mint = IssuedAsset::mintCall { to: two, value: U256::from(5) }.abi_encode();
    double.transact(asset, one, 0, &mint).unwrap();
    let approve = Erc20::approveCall { spender: one, value: U256::from(3) }.abi_encode();
    double.transact(asset, two, 0, &approve).unwrap();
    double.transact(asset, one, 0, &IssuedAsset::pauseCall {}.abi_encode()).unwrap();
    let hash = |parts: [B256; 2]| keccak256(parts.concat());
    let number = |number: u64| B256::from(U256::from(number));
    let slot = |hash: B256| double.slot(asset, hash.into());
    assert_eq!(slot(hash([two.into_word(), number(0)])), U256::from(5), "balances");
    let inner = hash([two.into_word(), number(1)]);
    assert_eq!(slot(hash([one.into_word(), inner])), U256::from(3), "allowances");
    assert_eq!(slot(number(2)), U256::from(5), "totalSupply");
    assert_eq!(slot(number(3)), U256::from(2 * 33 + 1), "a name of 33 bytes");
    let start = U256::from_be_bytes(keccak256(number(3)).0);
    assert_eq!(double.slot(asset, start).to_be_bytes::<32>(), *b"Barley from the lower field, 202");
    assert_eq!(double.slot(asset, start + U256::ONE), U256::from(b'6') << 248);
    let symbol = (U256::from_be_slice(b"BAR") << 232) | U256::from(6);
    assert_eq!(slot(number(4)), symbol, "a symbol of 3 bytes");
    let standing = U256::from_be_bytes(one.into_word().0)
        | (U256::from(6) << 160)
        | (U256::from(0x01_01_01_01_01_u64) << 168);
    assert_eq!(slot(number(6)), standing, "issuer, decimals, four powers, paused");
    assert_eq!(slot(number(8)), U256::from(99), "cap");
}

#[test]
fn whatever_gas_is_missing_nothing_is_left_behind() {
    let terms = terms(U256::MAX, ALL);
    let (mut double, asset) = with_asset(&terms);
    let (one, two) = (holder(1), holder(2));
    let mint = IssuedAsset::mintCall { to: one, value: U256::from(50) }.abi_encode();
    double.transact(asset, one, 0, &mint).unwrap();
    let transfer = Erc20::transferCall { to: two, value: U256::from(5) }.abi_encode();
    let (value, nonce, deadline) = (U256::from(1), U256::ZERO, U256::MAX);
    let permit = abi::Permit { owner: two, spender: one, value, nonce, deadline };
    let permit = |name, asset| permit_call(2, &permit, (name, asset), Flaw::None).abi_encode();
    let calls = [
        (ASSETS, create(&terms)),
        (asset, mint),
        (asset, transfer.clone()),
        (GRAIN, transfer),
        (asset, permit(&terms.name, asset)),
        (GRAIN, permit("Grain", GRAIN)),
    ];
    for (module, call) in calls {
        let mut enough = double.clone();
        enough.transact(module, one, 0, &call).unwrap();
        let used = enough.gas_used;
        for part in 0..40 {
            let mut short = double.clone();
            short.gas_limit = used * part / 40;
            let before = short.state();
            assert_eq!(short.transact(module, one, 0, &call), Err(Failure::OutOfGas));
            assert!(short.state() == before, "something has changed");
        }
    }
}

#[test]
fn standards_are_answered() {
    let terms = terms(U256::MAX, ALL);
    let (mut double, asset) = with_asset(&terms);
    for (module, name, symbol) in [(asset, &terms.name[..], "BAR"), (GRAIN, "Grain", "GRAIN")] {
        assert_eq!(read(&mut double, module, &Erc20::nameCall {}), name);
        assert_eq!(read(&mut double, module, &Erc20::symbolCall {}), symbol);
        let domain = read(&mut double, module, &Erc20::eip712DomainCall {});
        assert_eq!((&domain.name[..], &domain.version[..], domain.fields.0), (name, "1", [0x0f]));
        assert_eq!((domain.chainId, domain.verifyingContract), (U256::from(CHAIN_ID), module));
        let separator = read(&mut double, module, &Erc20::DOMAIN_SEPARATORCall {});
        assert_eq!(separator, permit_domain(name, CHAIN_ID, module).separator());
        // ERC-165 itself, ERC-20, ERC-20's metadata, EIP-2612, EIP-5267, ERC-1046: as their texts give them.
        for interface in
            [0x01ff_c9a7_u32, 0x3637_2b07, 0xa219_a025, 0x9d8f_f7da, 0x84b0_196e, 0x3c13_0d90]
        {
            let call = Erc20::supportsInterfaceCall { interfaceId: interface.to_be_bytes().into() };
            assert!(read(&mut double, module, &call), "{interface:#x}");
        }
        let nothing = Erc20::supportsInterfaceCall { interfaceId: [0xff; 4].into() };
        assert!(!read(&mut double, module, &nothing));
    }
    let uri = read(&mut double, GRAIN, &Erc20::tokenURICall {});
    assert!(uri.starts_with("data:application/json,%7B%22name%22"), "{uri}");
    assert!(!uri.contains(char::is_whitespace), "{uri}");
}

#[test]
fn value_static_calls_and_strange_calls_are_refused() {
    let (mut double, asset) = with_asset(&terms(U256::MAX, ALL));
    let one = holder(1);
    let transfer = Erc20::transferCall { to: one, value: U256::ZERO }.abi_encode();
    for (module, call) in [
        (GRAIN, transfer.clone()),
        (asset, transfer.clone()),
        (ASSETS, create(&terms(U256::MAX, ALL))),
    ] {
        let refused = Err(Failure::revert(&ModuleErrors::ValueNotAllowed {}));
        assert_eq!(double.transact(module, one, 1, &call), refused);
        let refused = Err(Failure::revert(&ModuleErrors::StaticCallNotAllowed {}));
        assert_eq!(double.read(module, &call), refused);
    }
    let refused = Err(Failure::revert(&ModuleErrors::StaticCallNotAllowed {}));
    assert_eq!(double.read(asset, &IssuedAsset::pauseCall {}.abi_encode()), refused);
    let bad = Err(Failure::revert(&ModuleErrors::BadCall {}));
    assert_eq!(double.transact(GRAIN, one, 0, &IssuedAsset::pauseCall {}.abi_encode()), bad);
    assert_eq!(double.transact(asset, one, 0, &[]), bad);
    assert_eq!(double.transact(asset, one, 0, &transfer[..67]), bad);
    let too_much = Erc20::transferCall { to: GRAIN, value: U256::from(1) }.abi_encode();
    let refused = Err(Failure::revert(&Erc20Errors::ERC20InvalidReceiver { receiver: GRAIN }));
    assert_eq!(double.transact(GRAIN, one, 0, &too_much), refused);
}
