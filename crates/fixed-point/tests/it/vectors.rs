use alloy_primitives::{U256, uint};
use fixed_point::{
    ArithmeticError, BPS, Q96, Q112, Q128, RAY, Scale, WAD, isqrt_down, mul_div_down, mul_div_up,
    ray_to_wad_half_up, sqrt_ratio_down, wad_to_ray,
};

/// The expectations of Aave's own tests of `WadRayMath` and `PercentageMath`.
#[test]
fn aave() {
    let a = uint!(134534543232342353231234_U256);
    let b = uint!(13265462389132757665657_U256);
    assert_eq!(WAD.mul_half_up(a, b), Ok(uint!(1784662923287792467070443765_U256)));
    assert_eq!(WAD.div_half_up(a, b), Ok(uint!(10141715327055228122_U256)));
    assert_eq!(RAY.mul_half_up(a, b), Ok(uint!(1784662923287792467_U256)));
    assert_eq!(RAY.div_half_up(a, b), Ok(uint!(10141715327055228122033939726_U256)));
    let ray = RAY.one() * U256::from(10);
    let half = uint!(500000000_U256);
    assert_eq!(ray_to_wad_half_up(ray + half - U256::ONE), WAD.one() * U256::from(10));
    assert_eq!(ray_to_wad_half_up(ray + half), WAD.one() * U256::from(10) + U256::ONE);
    assert_eq!(wad_to_ray(WAD.one() * U256::from(10)), Ok(ray));
    // 45.005 % of 10 at basis points: the half goes up.
    assert_eq!(BPS.mul_half_up(U256::from(100), U256::from(4550)), Ok(U256::from(46)));
    assert_eq!(BPS.mul_down(U256::from(100), U256::from(4550)), Ok(U256::from(45)));
}

/// Aave reverts although the quotient would fit: the product, or the half that is added to it, does not.
#[test]
fn a_scale_refuses_where_the_contract_reverts() {
    let most = (U256::MAX - (RAY.one() >> 1)) / RAY.one();
    assert!(RAY.mul_half_up(most, RAY.one()).is_ok());
    assert_eq!(RAY.mul_half_up(most + U256::ONE, RAY.one()), Err(ArithmeticError::Overflow));
    let product = U256::MAX / U256::from(3);
    assert!(Scale::new(U256::from(2)).mul_half_up(product, U256::from(3)).is_err());
    assert!(Scale::new(U256::from(2)).mul_down(product, U256::from(3)).is_ok());
    assert!(mul_div_down(U256::MAX, RAY.one(), RAY.one()).is_ok(), "512 bits");
    for refused in [
        RAY.div_down(U256::ZERO, U256::ZERO),
        RAY.div_up(U256::MAX, U256::ZERO),
        RAY.div_half_up(U256::MAX, U256::ZERO),
        Scale::new(U256::ZERO).mul_down(U256::ONE, U256::ONE),
        Scale::new(U256::ZERO).mul_up(U256::ONE, U256::ONE),
        Scale::new(U256::ZERO).mul_half_up(U256::ONE, U256::ONE),
        Scale::new(U256::ZERO).pow_half_up(U256::ONE, U256::ONE),
        mul_div_up(U256::MAX, U256::MAX, U256::ZERO),
        sqrt_ratio_down(U256::ONE, U256::ZERO),
    ] {
        assert_eq!(refused, Err(ArithmeticError::DivisionByZero));
    }
}

/// Rates of MakerDAO: 5 % a year by the second, 5 % a day. The last digits show each step's rounding; they were
/// computed independently of this code.
#[test]
fn makerdao() {
    let year = U256::from(31_536_000);
    let rate = uint!(1000000001547125957863212448_U256);
    assert_eq!(RAY.pow_half_up(rate, year), Ok(uint!(1049999999999999999961070145_U256)));
    let rate = uint!(1000000564701133626865910626_U256);
    let power = RAY.pow_half_up(rate, U256::from(86_400));
    assert_eq!(power, Ok(uint!(1050000000000000000000016038_U256)));
    assert_eq!(RAY.pow_half_up(U256::ZERO, U256::ZERO), Ok(RAY.one()));
    assert_eq!(RAY.pow_half_up(U256::ZERO, year), Ok(U256::ZERO));
    assert_eq!(RAY.pow_half_up(U256::MAX, U256::ONE), Ok(U256::MAX), "no step, no product");
    assert_eq!(RAY.pow_half_up(U256::MAX, U256::from(2)), Err(ArithmeticError::Overflow));
}

/// The expectations of Uniswap's own tests: the first liquidity of a v2 pair of 5e18 and 10e18, initial prices of v3 pools.
#[test]
fn uniswap() {
    let square = uint!(50_000000000000000000_000000000000000000_U256);
    assert_eq!(isqrt_down(square), uint!(7071067811865475244_U256));
    let check = |numerator: u64, denominator: u64, root: U256| {
        let found = sqrt_ratio_down(U256::from(numerator), U256::from(denominator));
        assert_eq!(found, Ok(root), "{numerator}/{denominator}");
    };
    check(1, 1, uint!(79228162514264337593543950336_U256));
    check(100, 1, uint!(792281625142643375935439503360_U256));
    check(1, 100, uint!(7922816251426433759354395033_U256));
    check(111, 333, uint!(45742400955009932534161870629_U256));
    check(333, 111, uint!(137227202865029797602485611888_U256));
    // `FullMath`: phantom overflow, repeating decimals, the largest result and the first that overflows.
    let tenth = U256::from(500) * Q128.one() / U256::from(1000);
    let tenth = mul_div_down(Q128.one(), tenth, U256::from(1500) * Q128.one() / U256::from(1000));
    assert_eq!(tenth, Ok(Q128.one() / U256::from(3)));
    assert_eq!(mul_div_down(U256::MAX, U256::MAX, U256::MAX), Ok(U256::MAX));
    assert_eq!(mul_div_down(Q128.one(), Q128.one(), U256::ONE), Err(ArithmeticError::Overflow));
    let largest = U256::MAX - U256::ONE;
    assert_eq!(mul_div_down(U256::MAX, U256::MAX, largest), Err(ArithmeticError::Overflow));
    // Rounding up overflows (a vector of `mulDivRoundingUp`).
    let (a, b) = (
        uint!(535006138814359_U256),
        uint!(432862656469423142931042426214547535783388063929571229938474969_U256),
    );
    assert_eq!(mul_div_down(a, b, U256::from(2)), Ok(U256::MAX));
    assert_eq!(mul_div_up(a, b, U256::from(2)), Err(ArithmeticError::Overflow));
    assert_eq!(Q96.one(), uint!(79228162514264337593543950336_U256));
    assert_eq!(Q112.div_down(U256::from(10), U256::from(4)), Ok((Q112.one() * U256::from(5)) >> 1));
}
