use super::*;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxLegacy};
use alloy_primitives::{Bytes, Signature, TxKind};
use execution::{BaseFeeRule, MODULES, Schedule};
use proptest::prelude::*;
use revm::primitives::eip3860::MAX_INITCODE_SIZE;

const RULES: Rules = Rules {
    chain_id: 7,
    gas_limit: 1_000_000,
    base_fee: BaseFeeRule { initial: 100, minimum: 10, change_denominator: 8, elasticity: 2 },
    founding: Schedule::FIRST,
    schedule: Schedule::FIRST,
    modules: MODULES,
};
const LIMITS: PoolLimits = PoolLimits {
    transactions_max: 6,
    per_sender_max: 4,
    bytes_max: 10_000,
    unprotected: Unprotected::Refused,
};
const RICH: Sender = Sender { nonce: 0, balance: U256::MAX, is_contract: false };

fn plain(nonce: u64, max_fee: u128, tip: u128) -> TxEip1559 {
    TxEip1559 {
        chain_id: RULES.chain_id,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: max_fee,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(Address::repeat_byte(9)),
        ..TxEip1559::default()
    }
}

/// Returns a transaction with a given sender: the pool does not look at signatures.
fn from<T>(sender: u8, transaction: T) -> Recovered<Transaction>
where
    T: SignableTransaction<Signature>,
    alloy_consensus::Signed<T>: Into<Transaction>,
{
    let signature = Signature::test_signature();
    let r = signature.r() + U256::from(sender);
    let signature = Signature::new(r, signature.s(), signature.v());
    Recovered::new_unchecked(
        transaction.into_signed(signature).into(),
        Address::repeat_byte(sender),
    )
}

fn pool() -> Pool {
    Pool::new(LIMITS, RULES)
}

fn order(pool: &Pool, base_fee: u64) -> Vec<(u8, u64)> {
    let best = pool.best(base_fee, u64::MAX, usize::MAX);
    best.iter().map(|each| (each.signer().as_slice()[0], each.nonce())).collect()
}

fn account(nonce: u64, balance: u64) -> Change<Option<AccountState>> {
    let balance = U256::from(balance);
    let after = Some(AccountState { nonce, balance, code_hash: B256::ZERO });
    Change { before: None, after }
}

impl Pool {
    /// Checks the invariants, which hold after every step.
    fn check_invariants(&self) {
        let mut count = 0;
        let mut bytes = 0;
        for (address, queue) in &self.queues {
            assert!(!queue.waiting.is_empty(), "no empty queues");
            assert!(queue.waiting.len() <= self.limits.per_sender_max);
            for (nonce, waiting) in &queue.waiting {
                assert!(*nonce >= queue.nonce, "no used nonces");
                assert_eq!(waiting.transaction.nonce(), *nonce);
                assert_eq!(self.places[waiting.transaction.tx_hash()], (*address, *nonce));
                count += 1;
                bytes += waiting.size;
            }
        }
        assert_eq!((count, bytes), (self.places.len(), self.bytes));
        assert!(count <= self.limits.transactions_max && bytes <= self.limits.bytes_max);
        let all: Vec<_> = self.all(None).collect();
        assert_eq!(all.len(), count);
        for (transaction, is_ready) in all {
            assert_eq!(self.is_ready(transaction.tx_hash()), is_ready);
            let own = self.all(Some(transaction.signer()));
            assert!(own.into_iter().any(|(own, ready)| (own, ready) == (transaction, is_ready)));
        }
        for base_fee in [0, 10, 50, 100] {
            let best = self.best(base_fee, u64::MAX, usize::MAX);
            assert_eq!(self.has_best(base_fee), !best.is_empty());
            let mut next = BTreeMap::new();
            for transaction in best {
                let queue = &self.queues[&transaction.signer()];
                let nonce = next.entry(transaction.signer()).or_insert(queue.nonce);
                assert_eq!(
                    transaction.nonce(),
                    *nonce,
                    "each sender's transactions must be in order, without a gap"
                );
                assert!(transaction.max_fee_per_gas() >= u128::from(base_fee));
                *nonce += 1;
            }
        }
    }
}

#[test]
fn better_tips_go_first_but_never_before_an_earlier_nonce() {
    let mut pool = pool();
    pool.add(from(1, plain(0, 100, 1)), RICH).unwrap();
    pool.add(from(1, plain(1, 100, 50)), RICH).unwrap();
    pool.add(from(2, plain(0, 100, 10)), RICH).unwrap();
    pool.add(from(3, plain(0, 100, 10)), RICH).unwrap();
    pool.check_invariants();
    assert_eq!(order(&pool, 0), [(2, 0), (3, 0), (1, 0), (1, 1)]);
    assert_eq!(pool.best(0, 30_000, 9).len(), 2, "about as much gas as asked for");
    assert_eq!(pool.best(0, u64::MAX, 3).len(), 3);
    // At base fee 95 no transaction can tip more than 5.
    assert_eq!(order(&pool, 95), [(2, 0), (3, 0), (1, 0), (1, 1)]);
    assert_eq!(order(&pool, 101), []);
}

#[test]
fn a_gap_waits_until_it_is_filled() {
    let mut pool = pool();
    let sender = Sender { nonce: 5, ..RICH };
    pool.add(from(1, plain(7, 100, 1)), sender).unwrap();
    assert!(!pool.has_best(0));
    assert_eq!(pool.next_nonce(&Address::repeat_byte(1), 5), 5);
    pool.add(from(1, plain(5, 100, 1)), sender).unwrap();
    assert_eq!(order(&pool, 0), [(1, 5)]);
    pool.add(from(1, plain(6, 100, 1)), sender).unwrap();
    assert_eq!(order(&pool, 0), [(1, 5), (1, 6), (1, 7)]);
    assert_eq!(pool.next_nonce(&Address::repeat_byte(1), 5), 8);
    pool.check_invariants();
}

#[test]
fn a_replacement_must_raise_both_fees_by_a_tenth() {
    for (max_fee, tip, taken) in
        [(109, 11, false), (110, 10, false), (110, 11, true), (1_000, 10, false), (109, 50, false)]
    {
        let mut pool = pool();
        let old = from(1, plain(0, 100, 10));
        pool.add(old.clone(), RICH).unwrap();
        let new = from(1, plain(0, max_fee, tip));
        let result = pool.add(new.clone(), RICH);
        assert_eq!(result.is_ok(), taken, "{max_fee} {tip}: {result:?}");
        assert_eq!(pool.transaction(new.tx_hash()).is_some(), taken);
        assert_eq!(pool.transaction(old.tx_hash()).is_some(), !taken);
        pool.check_invariants();
    }
}

#[test]
fn included_transactions_leave_the_mempool() {
    let mut pool = pool();
    for nonce in 0..3 {
        pool.add(from(1, plain(nonce, 100, 1)), RICH).unwrap();
    }
    let second = from(1, plain(1, 100, 1));
    pool.settle(&BTreeMap::from([
        (Address::repeat_byte(1), account(2, u64::MAX)),
        (Address::repeat_byte(2), account(9, 0)),
    ]));
    pool.check_invariants();
    assert_eq!(order(&pool, 0), [(1, 2)]);
    assert_eq!(pool.add(second, Sender { nonce: 2, ..RICH }), Err(too_low(1, 2)));
    pool.settle(&BTreeMap::from([(Address::repeat_byte(1), account(3, 0))]));
    assert_eq!((pool.len(), pool.bytes), (0, 0));
}

#[test]
fn a_transaction_without_funds_waits() {
    let mut pool = pool();
    pool.add(from(1, plain(0, 100, 1)), RICH).unwrap();
    pool.settle(&BTreeMap::from([(Address::repeat_byte(1), account(0, 2_099_999))]));
    assert!(!pool.has_best(0));
    pool.settle(&BTreeMap::from([(Address::repeat_byte(1), account(0, 2_100_000))]));
    assert!(pool.has_best(0));
}

#[test]
fn a_block_not_yet_settled_does_not_count_twice() {
    let mut pool = pool();
    let balance = U256::from(2_100_000);
    let before = Sender { balance, ..RICH };
    pool.add(from(1, plain(0, 100, 1)), before).unwrap();
    // The first one is in a block and cost next to nothing, and the pool does not know it yet.
    pool.add(from(1, plain(1, 100, 1)), Sender { nonce: 1, ..before }).unwrap();
    assert_eq!(order(&pool, 0), [(1, 1)]);
    pool.check_invariants();
}

#[test]
fn a_full_pool_keeps_those_that_pay_and_can_run() {
    let mut pool = pool();
    for sender in 1..=5 {
        pool.add(from(sender, plain(0, 100, u128::from(sender) * 2)), RICH).unwrap();
    }
    let gap = from(6, plain(1, 100, 99));
    pool.add(gap.clone(), RICH).unwrap();
    // A transaction that can run replaces the one after a gap, whatever that pays.
    pool.add(from(7, plain(0, 100, 3)), RICH).unwrap();
    assert!(pool.transaction(gap.tx_hash()).is_none());
    pool.check_invariants();
    assert_eq!(pool.add(gap, RICH), Err(PoolRefusal::Full), "and it does not come back");
    assert_eq!(pool.add(from(8, plain(0, 100, 2)), RICH), Err(PoolRefusal::Full));
    pool.add(from(8, plain(0, 100, 4)), RICH).unwrap();
    assert_eq!(order(&pool, 0), [(5, 0), (4, 0), (3, 0), (2, 0), (8, 0), (7, 0)]);
    pool.check_invariants();
}

#[test]
fn bytes_are_bounded_too() {
    let mut pool = pool();
    let large = |sender, tip| {
        let input = Bytes::from(vec![0; 4_000]);
        from(sender, TxEip1559 { input, gas_limit: 100_000, ..plain(0, 100, tip) })
    };
    pool.add(large(1, 1), RICH).unwrap();
    pool.add(large(2, 2), RICH).unwrap();
    assert_eq!(pool.add(large(3, 1), RICH), Err(PoolRefusal::Full));
    pool.add(large(4, 3), RICH).unwrap();
    assert_eq!(order(&pool, 0), [(4, 0), (2, 0)]);
    pool.check_invariants();
}

fn too_low(transaction: u64, account: u64) -> PoolRefusal {
    Refusal::NonceTooLow { transaction, account }.into()
}

#[test]
fn refusals_have_the_text_that_wallets_compare() {
    let check = |transaction, sender, expected: &str| {
        let mut pool = pool();
        let error = pool.add(transaction, sender).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert_eq!(pool.len(), 0, "a refused transaction must have no effect");
    };
    let one = plain(0, 100, 1);
    check(from(1, one.clone()), Sender { nonce: 1, ..RICH }, "nonce too low");
    let poor = Sender { balance: U256::from(2_099_999), ..RICH };
    check(from(1, one.clone()), poor, "insufficient funds for gas * price + value");
    let contract = Sender { is_contract: true, ..RICH };
    check(from(1, one.clone()), contract, "sender not an eoa");
    check(from(1, plain(0, 9, 1)), RICH, "transaction underpriced");
    check(from(1, plain(0, 10, 11)), RICH, "max priority fee per gas higher");
    let all = TxEip1559 { value: U256::MAX, ..one.clone() };
    let almost = Sender { balance: U256::MAX - U256::from(1), ..RICH };
    check(from(1, all), almost, "insufficient funds");
    let gas = |gas_limit| TxEip1559 { gas_limit, ..one.clone() };
    check(from(1, gas(20_999)), RICH, "intrinsic gas too low");
    check(from(1, gas(1_000_001)), RICH, "exceeds block gas limit");
    // 21 000 + 100 non-zero bytes at 40 each: EIP-7623's minimum, above the earlier cost of 22 600.
    let input = Bytes::from(vec![1; 100]);
    check(from(1, TxEip1559 { input: input.clone(), ..gas(24_999) }), RICH, "intrinsic gas");
    pool().add(from(1, TxEip1559 { input, ..gas(25_000) }), RICH).unwrap();
    let input = Bytes::from(vec![0; MAX_INITCODE_SIZE + 1]);
    let create = TxEip1559 { to: TxKind::Create, input, ..gas(1_000_000) };
    check(from(1, create), RICH, "max initcode size exceeded");
    check(from(1, TxEip1559 { chain_id: 8, ..one.clone() }), RICH, "invalid chain id");
    let last = Sender { nonce: u64::MAX - 1, ..RICH };
    check(from(1, TxEip1559 { nonce: u64::MAX, ..one.clone() }), last, "nonce has max value");
    let mut end = pool();
    end.add(from(1, TxEip1559 { nonce: u64::MAX - 1, ..one.clone() }), last).unwrap();
    let sender = from(1, one.clone()).signer();
    assert_eq!(end.next_nonce(&sender, u64::MAX - 1), u64::MAX);
    assert_eq!(end.best(10, u64::MAX, 9).len(), 1);
    let legacy = TxLegacy {
        chain_id: None,
        gas_price: 100,
        gas_limit: 21_000,
        to: one.to,
        ..TxLegacy::default()
    };
    check(from(1, legacy.clone()), RICH, "only replay-protected (EIP-155) transactions allowed");
    let limits = PoolLimits { unprotected: Unprotected::Taken, ..LIMITS };
    Pool::new(limits, RULES).add(from(1, legacy.clone()), RICH).unwrap();
    let other = TxLegacy { chain_id: Some(8), ..legacy.clone() };
    check(from(1, other.clone()), RICH, "invalid chain id: the transaction is for 8");
    Pool::new(limits, RULES).add(from(1, other), RICH).unwrap_err();
    pool().add(from(1, TxLegacy { chain_id: Some(7), ..legacy }), RICH).unwrap();
    let list = TxEip2930 { chain_id: 7, gas_limit: 60_000, gas_price: 9, ..TxEip2930::default() };
    check(from(1, list), RICH, "transaction underpriced");
}

#[test]
fn a_sender_is_limited_in_count_and_by_its_balance() {
    let mut pool = pool();
    for nonce in 0..4 {
        pool.add(from(1, plain(nonce, 100, 1)), RICH).unwrap();
    }
    let fifth = pool.add(from(1, plain(4, 100, 1)), RICH).unwrap_err();
    assert!(matches!(fifth, PoolRefusal::SenderFull { count: 4, .. }), "{fifth}");
    pool.add(from(1, plain(3, 200, 2)), RICH).expect("a replacement is no fifth one");
    let two = Sender { balance: U256::from(2 * 2_100_000), ..RICH };
    pool.add(from(2, plain(0, 100, 1)), two).unwrap();
    pool.add(from(2, plain(1, 100, 1)), two).unwrap();
    pool.check_invariants();
    let third = pool.add(from(2, plain(2, 100, 1)), two).unwrap_err();
    assert!(third.to_string().starts_with("insufficient funds"), "{third}");
    let again = pool.add(from(2, plain(1, 100, 1)), two).unwrap_err();
    assert_eq!(again, PoolRefusal::AlreadyKnown);
}

#[derive(Clone, Debug)]
enum Step {
    Add { sender: u8, nonce: u64, max_fee: u128, tip: u128, data: usize },
    Settle { sender: u8, nonce: u64, balance: u64 },
    Remove { index: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u8..5, 0_u64..6, 5_u128..150, 0_u128..60, 0_usize..3_000).prop_map(
            |(sender, nonce, max_fee, tip, data)| Step::Add { sender, nonce, max_fee, tip, data }
        ),
        1 => (1_u8..5, 0_u64..6, 0_u64..1 << 40)
            .prop_map(|(sender, nonce, balance)| Step::Settle { sender, nonce, balance }),
        1 => (0_usize..8).prop_map(|index| Step::Remove { index }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_books_balance_after_every_step(steps in prop::collection::vec(step(), 1..60)) {
        let mut pool = pool();
        let mut accounts: BTreeMap<u8, Sender> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Add { sender, nonce, max_fee, tip, data } => {
                    let input = Bytes::from(vec![0; data]);
                    let transaction =
                        TxEip1559 { input, gas_limit: 60_000, ..plain(nonce, max_fee, tip) };
                    let transaction = from(sender, transaction);
                    let hash = *transaction.tx_hash();
                    let known = *accounts.entry(sender).or_insert(RICH);
                    if pool.add(transaction, known).is_ok() {
                        prop_assert!(pool.transaction(&hash).is_some());
                    }
                }
                Step::Settle { sender, nonce, balance } => {
                    let known = accounts.entry(sender).or_insert(RICH);
                    *known = Sender {
                        nonce: known.nonce.max(nonce),
                        balance: U256::from(balance),
                        is_contract: false,
                    };
                    let change = account(known.nonce, balance);
                    pool.settle(&BTreeMap::from([(Address::repeat_byte(sender), change)]));
                }
                Step::Remove { index } => {
                    let hash = pool.places.keys().nth(index).copied();
                    if let Some(hash) = hash {
                        pool.remove(&hash);
                    }
                }
            }
            pool.check_invariants();
        }
    }
}

#[test]
fn the_relay_account_goes_first_and_always_has_room() {
    let mut pool = pool();
    pool.set_first(Address::repeat_byte(9));
    for sender in 1..=6 {
        pool.add(from(sender, plain(0, 1_000, u128::from(sender))), RICH).unwrap();
    }
    let error = pool.add(from(8, plain(0, 1_000, 0)), RICH).unwrap_err();
    assert_eq!(error, PoolRefusal::Full);
    pool.add(from(9, plain(0, 1_000, 0)), RICH).unwrap();
    pool.add(from(9, plain(1, 1_000, 0)), RICH).unwrap();
    assert_eq!(order(&pool, 100), [(9, 0), (9, 1), (6, 0), (5, 0), (4, 0), (3, 0)]);
    assert_eq!(pool.cost_of(&Address::repeat_byte(9)), U256::from(2 * 21_000 * 1_000));
    // Nobody takes its place, whatever they pay.
    for sender in 10..=20 {
        let _ = pool.add(from(sender, plain(0, 1_000, 900)), RICH);
    }
    assert_eq!(&order(&pool, 100)[..2], [(9, 0), (9, 1)]);
    pool.check_invariants();
}
