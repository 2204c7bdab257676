//! Instances: contracts that a module creates, such as pairs, pools and vaults.
//!
//! An instance has an address given by a documented formula, and a code that names its kind. Compilers and tools see
//! a contract there; the kit finds the row of the kind by the hash of the code.

use alloy_primitives::{Address, B256, b256, keccak256};

use crate::{Failure, Host};

/// Returns the code of an instance: `0xef`, and the kind's name in ASCII. It can't run as bytecode, and no contract can deploy it
/// (EIP-3541 refuses code that begins with `0xef`), so only a module makes an instance: nobody can forge one with a storage of his choice.
///
/// # Panics
/// At compile time, if the name does not have `N - 1` bytes.
#[must_use]
pub const fn instance_code<const N: usize>(kind: &str) -> [u8; N] {
    let kind = kind.as_bytes();
    assert!(kind.len() + 1 == N, "the code has one byte more than the kind's name");
    let mut code = [0xef; N];
    let mut index = 0;
    while index < kind.len() {
        code[index + 1] = kind[index];
        index += 1;
    }
    code
}

/// Returns the address of an instance by Ethereum's formula (EIP-1014): `keccak256(0xff ‖ factory ‖ salt ‖
/// init_code_hash)[12..]`.
///
/// `init_code_hash` is chosen: with the hash that existing software expects, that software finds the instance. Nobody
/// else can get the address, as `factory` is a module and executes no `CREATE2`.
///
/// # Errors
/// See [`Host`]; the hash is metered.
pub fn create2_address(
    host: &mut dyn Host,
    factory: Address,
    salt: B256,
    init_code_hash: B256,
) -> Result<Address, Failure> {
    let mut bytes = [0; 85];
    bytes[0] = 0xff;
    bytes[1..21].copy_from_slice(factory.as_slice());
    bytes[21..53].copy_from_slice(salt.as_slice());
    bytes[53..].copy_from_slice(init_code_hash.as_slice());
    Ok(Address::from_word(host.keccak256(&bytes)?))
}

/// Keccak-256 of [`crate::MODULE_CODE`].
pub(crate) const MODULE_CODE_HASH: B256 =
    b256!("0xbcc90f2d6dada5b18e155c17a1c0a55920aae94f39857d39d0d8ed07ae8f228b");

/// Returns Keccak-256 of the code of a kind of instances.
pub(crate) fn code_hash(code: &[u8]) -> B256 {
    keccak256(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MODULE_CODE, test_host::TestHost};
    use alloy_primitives::address;

    #[test]
    fn addresses_are_those_of_uniswap_v2_on_ethereum() {
        // Source: the factory, the init-code hash of UniswapV2Library.pairFor, and the DAI/WETH pair, all on Ethereum.
        let factory = address!("5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f");
        let dai = address!("6B175474E89094C44Da98b954EedeAC495271d0F");
        let weth = address!("C02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2");
        let salt = keccak256([dai.as_slice(), weth.as_slice()].concat());
        let hash = b256!("96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f");
        let mut host = TestHost::new(&[]);
        let pair = create2_address(&mut host, factory, salt, hash).unwrap();
        assert_eq!(pair, address!("A478c2975Ab1Ea89e8196811F51A7B7Ade33eB11"));
        assert_eq!(pair, factory.create2(salt, hash));
    }

    #[test]
    fn codes_differ_by_kind_and_are_not_executable() {
        const PAIR: [u8; 5] = instance_code("pair");
        assert_eq!(PAIR, *b"\xefpair");
        assert_eq!(code_hash(&MODULE_CODE), MODULE_CODE_HASH);
        assert_ne!(code_hash(&PAIR), MODULE_CODE_HASH);
    }
}
