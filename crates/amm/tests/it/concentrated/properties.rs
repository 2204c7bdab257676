//! Random sequences of everything that a pool offers.

use alloy_primitives::{I256, U160, U256};
use amm::concentrated::{Direction, Owed, TICK_MAX, Terms, sqrt_price_at_tick};
use proptest::{collection::vec, prelude::*};

use super::play::{Game, Step};

fn terms() -> impl Strategy<Value = Terms> {
    prop_oneof![
        Just(Terms { fee: 500, tick_spacing: 10 }),
        Just(Terms { fee: 3_000, tick_spacing: 60 }),
        Just(Terms { fee: 10_000, tick_spacing: 200 }),
        Just(Terms { fee: 0, tick_spacing: 1 }),
        Just(Terms { fee: 999_999, tick_spacing: 16_383 }),
    ]
}

/// Ticks in units of the spacing, often the same ones, sometimes the ends of the range or not allowed.
fn ticks(spacing: i32) -> impl Strategy<Value = (i32, i32)> {
    let end = TICK_MAX / spacing * spacing;
    let tick = move || {
        prop_oneof![
            8 => (-4_i32..5).prop_map(move |it| it * spacing),
            2 => (-300_i32..300).prop_map(move |it| it * spacing),
            1 => prop::sample::select(vec![-end, end, -end - spacing, end + spacing, 1, i32::MIN, i32::MAX]),
        ]
    };
    (tick(), tick()).prop_map(|(one, other)| {
        if one == other { (one, other) } else { (one.min(other), one.max(other)) }
    })
}

fn liquidity() -> impl Strategy<Value = u128> {
    prop_oneof![
        2 => 0_u128..4,
        4 => 0_u128..1_000_000,
        4 => (20_u32..100).prop_map(|bits| 1 << bits),
        1 => prop::sample::select(vec![u128::MAX, 1 << 127, (1 << 127) - 1]),
    ]
}

fn amount() -> impl Strategy<Value = I256> {
    let size = prop_oneof![
        2 => (0_u64..20).prop_map(U256::from),
        4 => (0_u64..1_000_000).prop_map(U256::from),
        4 => (20_usize..120).prop_map(|bits| U256::ONE << bits),
        1 => prop::sample::select(vec![U256::MAX >> 1, U256::ONE << 255]),
    ];
    (size, any::<bool>()).prop_map(|(size, is_output)| {
        let raw = I256::from_raw(size);
        if is_output { raw.wrapping_neg() } else { raw }
    })
}

fn owed() -> impl Strategy<Value = Owed> {
    let most = || prop_oneof![Just(u128::MAX), Just(0), 0_u128..1_000];
    (most(), most()).prop_map(|(of0, of1)| Owed { of0, of1 })
}

fn steps(spacing: i32) -> impl Strategy<Value = Vec<Step>> {
    let owner = || 1_u8..3;
    let direction = prop_oneof![Just(Direction::ZeroForOne), Just(Direction::OneForZero)];
    // A limit on a tick, or one unit beside it.
    let limit = prop_oneof![
        3 => Just(None),
        2 => (-5_i32..6, -1_i32..2).prop_map(move |(tick, beside)| {
            let price = sqrt_price_at_tick(tick * spacing).unwrap();
            Some(match beside {
                -1 => price - U160::ONE,
                0 => price,
                _ => price + U160::ONE,
            })
        }),
    ];
    let step = prop_oneof![
        6 => (owner(), ticks(spacing), liquidity())
            .prop_map(|(owner, (lower, upper), amount)| Step::Mint { owner, lower, upper, amount }),
        4 => (owner(), ticks(spacing), liquidity())
            .prop_map(|(owner, (lower, upper), amount)| Step::Burn { owner, lower, upper, amount }),
        2 => (owner(), ticks(spacing), owed())
            .prop_map(|(owner, (lower, upper), most)| Step::Collect { owner, lower, upper, most }),
        8 => (direction, amount(), limit)
            .prop_map(|(direction, amount, limit)| Step::Swap { direction, amount, limit }),
        2 => (0_u64..5_000, 0_u64..5_000, 0_u64..3, 0_u64..1_000).prop_map(|(one, other, tip0, tip1)| {
            Step::Flash { amount0: U256::from(one), amount1: U256::from(other), tip0, tip1 }
        }),
        1 => (0_u8..12, 0_u8..12).prop_map(|(of0, of1)| Step::ProtocolFee { of0, of1 }),
        1 => owed().prop_map(|most| Step::CollectProtocol { most }),
        1 => (0_u16..12).prop_map(Step::Cardinality),
        3 => prop_oneof![Just(0_u32), Just(1), 1_u32..100_000, Just(u32::MAX)].prop_map(Step::Wait),
    ];
    vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_after_every_step(
        (terms, steps) in terms().prop_flat_map(|terms| (Just(terms), steps(terms.tick_spacing))),
        start in -200_i32..200,
    ) {
        let mut game = Game::new(terms, sqrt_price_at_tick(start).unwrap());
        for step in steps {
            let before = game.clone();
            if game.step(step).is_err() {
                prop_assert_eq!(&before, &game, "a refused step changes nothing");
            }
        }
    }

    /// Balancer, November 2025: a long sequence of swaps of a few units, with tiny reserves, must not take value out of the pool.
    #[test]
    fn swaps_there_and_back_never_gain(
        liquidity in prop_oneof![1_u128..50, 1_u128..1_000_000],
        start in -2_000_i32..2_000,
        amounts in vec((1_u64..30, any::<bool>(), any::<bool>()), 1..65),
        fee in prop_oneof![Just(0_u32), Just(500)],
    ) {
        let terms = Terms { fee, tick_spacing: 10 };
        let mut game = Game::new(terms, sqrt_price_at_tick(start).unwrap());
        let (owner, lower, upper) = (1, -887_270, 887_270);
        game.step(Step::Mint { owner, lower, upper, amount: liquidity }).unwrap();
        let start = game.price();
        let held = game.held;
        for (amount, is_output, is_zero) in amounts {
            let amount = I256::try_from(amount).unwrap();
            let amount = if is_output { -amount } else { amount };
            let direction = if is_zero { Direction::ZeroForOne } else { Direction::OneForZero };
            let _ = game.step(Step::Swap { direction, amount, limit: None });
        }
        // Back to the first price: the pool has at least what it had.
        let direction = if game.price() > start { Direction::ZeroForOne } else { Direction::OneForZero };
        let amount = I256::MAX;
        let _ = game.step(Step::Swap { direction, amount, limit: Some(start) });
        prop_assert_eq!(game.price(), start);
        prop_assert!(game.held.0 >= held.0 && game.held.1 >= held.1, "{:?} < {:?}", game.held, held);
    }
}
