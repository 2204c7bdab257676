//! Any series of steps on a pair with a constant product: the invariants hold, refused steps change nothing, and only burns and what an asset takes
//! away lower the product.
#![no_main]

use alloy_primitives::U256;
use amm::constant_product::{Amounts, Fee, Pool, Refused, product};
use libfuzzer_sys::fuzz_target;

/// An amount of any magnitude up to 114 bits, from 16 bits and a shift.
fn amount(number: u16, shift: u8) -> U256 {
    U256::from(number) << usize::from(shift % 99)
}

fuzz_target!(|steps: Vec<(u8, [u16; 4], [u8; 4], u8)>| {
    let (mut pool, mut now) = (Pool::default(), 1_u32);
    for (kind, numbers, shifts, seconds) in steps {
        let of = |index: usize| amount(numbers[index], shifts[index]);
        let first = Amounts { amount0: of(0), amount1: of(1) };
        let second = Amounts { amount0: of(2), amount1: of(3) };
        now = now.wrapping_add(u32::from(seconds));
        let before = pool.clone();
        let result: Result<(), Refused> = match kind % 8 {
            0 => pool.receive(first),
            1 => pool.lose(first),
            2 => pool.mint(now).map(drop),
            3 => pool.burn(first.amount0.min(pool.held_shares), now).map(drop),
            4 => pool.swap(first, second, now).map(drop),
            5 => pool.skim().map(drop),
            6 => pool.sync(now),
            _ => {
                pool.fee = if seconds % 2 == 0 { Fee::Off } else { Fee::On };
                Ok(())
            }
        };
        assert_eq!(pool.invariants(), Ok(()));
        if result.is_err() {
            assert_eq!(pool, before);
        }
        if matches!(kind % 8, 2 | 4 | 5) {
            assert!(product(before.reserves) <= product(pool.reserves));
        }
    }
});
