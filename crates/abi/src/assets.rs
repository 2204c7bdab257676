//! Fungible assets from outside: the ERC-20 interface that each answers, and the module that creates them.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Eip712Domain, SolStruct};

use crate::{ASSET_PREFIX, Permit, catalogue::numbered};

/// Version of the domain that permits are signed for.
pub const PERMIT_VERSION: &str = "1";

/// The address of the asset with that number.
#[must_use]
pub fn asset_address(number: u64) -> Address {
    numbered(&ASSET_PREFIX, number)
}

/// The number of the asset at an address, if there is one: `None` for addresses where none can be.
#[must_use]
#[inline]
pub fn asset_number(address: &Address) -> Option<u64> {
    let (prefix, number) = address.split_first_chunk::<12>()?;
    (*prefix == ASSET_PREFIX).then_some(())?;
    number.try_into().ok().map(u64::from_be_bytes)
}

/// The EIP-712 domain of an asset's permits.
#[must_use]
pub fn permit_domain(name: &str, chain_id: u64, asset: Address) -> Eip712Domain {
    let (name, version) = (name.to_owned().into(), PERMIT_VERSION.into());
    Eip712Domain::new(Some(name), Some(version), Some(U256::from(chain_id)), Some(asset), None)
}

/// What the owner signs to allow `spender` so much (EIP-2612).
#[must_use]
pub fn permit_digest(permit: &Permit, domain: &Eip712Domain) -> B256 {
    permit.eip712_signing_hash(domain)
}

/// An amount in whole units of an asset, exact, without trailing zeros: `1.5`.
#[must_use]
pub fn amount_text(amount: U256, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    let digits = format!("{:0>width$}", amount.to_string(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    match part.trim_end_matches('0') {
        "" => whole.to_owned(),
        part => format!("{whole}.{part}"),
    }
}

/// Reads an amount in whole units: `12`, `0.5`, `.5`. `None` with a sign, an exponent, more decimals than the asset has, or more than fits.
#[must_use]
pub fn parse_amount(text: &str, decimals: u8) -> Option<U256> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let decimals = usize::from(decimals);
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_amount = is_digits(whole) && is_digits(part) && part.len() <= decimals;
    if !is_amount || (whole.is_empty() && part.is_empty()) {
        return None;
    }
    U256::from_str_radix(&format!("0{whole}{part:0<decimals$}"), 10).ok()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{address, keccak256, uint};
    use alloy_sol_types::SolValue;

    use super::*;
    use crate::{ASSETS, GRAIN};

    #[test]
    fn an_assets_address_contains_its_number() {
        for number in [1, 0xbeef, u64::MAX] {
            assert_eq!(asset_number(&asset_address(number)), Some(number));
        }
        let first = address!("0x6ca55e7000000000000000000000000000000001");
        assert_eq!(asset_address(1), first);
        assert_eq!([GRAIN, ASSETS].map(|module| asset_number(&module)), [None, None]);
    }

    #[test]
    fn amounts_are_read_and_written_exactly() {
        let check = |text: &str, decimals, amount: U256| {
            assert_eq!(parse_amount(text, decimals), Some(amount));
            assert_eq!(amount_text(amount, decimals), text);
        };
        check("0", 6, U256::ZERO);
        check("0.000001", 6, uint!(1_U256));
        check("1.5", 6, uint!(1500000_U256));
        check("20", 6, uint!(20000000_U256));
        check("1200", 0, uint!(1200_U256));
        check("0.000000000000000000000000000000000007", 36, uint!(7_U256));
        check(&U256::MAX.to_string(), 0, U256::MAX);
        assert_eq!(parse_amount(".50", 2), Some(uint!(50_U256)));
        assert_eq!(parse_amount("7.", 2), Some(uint!(700_U256)));
        let too_much = format!("{}0", U256::MAX);
        for refused in
            ["", ".", "-1", "+1", "1e3", "0x10", "1_000", "1.234", " 1", "1 ", "١", &too_much]
        {
            assert_eq!(parse_amount(refused, 2), None, "{refused}");
        }
        assert_eq!(parse_amount(&U256::MAX.to_string(), 1), None);
        assert_eq!(parse_amount("1.0", 0), None);
    }

    /// EIP-712 and EIP-2612 by hand.
    #[test]
    fn a_permit_is_signed_as_the_standards_say() {
        let asset = asset_address(3);
        let domain = permit_domain("Barley", 7, asset);
        let domain_type =
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
        let separator = keccak256(
            (keccak256(domain_type), keccak256("Barley"), keccak256("1"), uint!(7_U256), asset)
                .abi_encode(),
        );
        assert_eq!(domain.separator(), separator);
        let (owner, spender) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let [value, nonce, deadline] = [uint!(5_U256), uint!(6_U256), uint!(70_U256)];
        let permit_type =
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)";
        let fields = (keccak256(permit_type), owner, spender, value, nonce, deadline).abi_encode();
        let digest = keccak256([&[0x19, 0x01], &separator[..], &keccak256(fields)[..]].concat());
        let permit = Permit { owner, spender, value, nonce, deadline };
        assert_eq!(permit_digest(&permit, &domain), digest);
    }
}
