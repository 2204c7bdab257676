//! Converts ABI-encoded errors to text.

use alloy_primitives::hex;
use alloy_sol_types::{Panic, Revert, SolError as _};

/// Returns the text of a revert. Errors of native modules have the text of their interfaces; unknown errors are named
/// by their selector.
pub(crate) fn in_words(data: &[u8]) -> String {
    let Some(selector) = data.get(..4) else { return "no reason was given".to_owned() };
    if let Some((_, words)) = abi::decode_error(data) {
        return words;
    }
    // The errors that compilers emit.
    let plain = Revert::abi_decode(data).map(|error| error.reason);
    let plain = plain.or_else(|_| Panic::abi_decode(data).map(|error| error.to_string()));
    plain.unwrap_or_else(|_| format!("unknown error 0x{}", hex::encode(selector)))
}

#[cfg(test)]
mod tests {
    use abi::{Assets, Devices, Erc20Errors, IssuedAsset, ModuleErrors, TrainingRuns};
    use alloy_primitives::{Address, B256, U256};

    use super::*;

    #[track_caller]
    fn check(data: &[u8], says: &str) {
        assert_eq!(in_words(data), says);
    }

    #[test]
    fn every_error_has_words() {
        let device = B256::repeat_byte(0xab);
        let shown = "ab".repeat(32);
        check(&TrainingRuns::NoSuchRun { run: 7 }.abi_encode(), "run 7 does not exist");
        check(
            &TrainingRuns::NotLinked { device }.abi_encode(),
            &format!("device {shown} is not linked to an account"),
        );
        check(
            &TrainingRuns::TooLong { what: "name".to_owned(), max: U256::from(64) }.abi_encode(),
            "name is longer than 64 bytes",
        );
        check(
            &TrainingRuns::TermOutOfRange {
                field: "rounds".to_owned(),
                value: 0,
                allowed: "1 to 100000".to_owned(),
            }
            .abi_encode(),
            "the terms are invalid: rounds is 0: give 1 to 100000",
        );
        let deposit = U256::from(1_500_000_000_000_000_000_u64);
        check(
            &TrainingRuns::BudgetTooSmall { deposit, required: deposit + deposit }.abi_encode(),
            "a deposit of 1.5 GRAIN does not cover the terms: give at least 3 GRAIN",
        );
        check(
            &TrainingRuns::NothingToDraw { round: 4 }.abi_encode(),
            "round 4 has nothing to draw now",
        );
        check(
            &TrainingRuns::NoQuorum { committed: 1, quorum: 2 }.abi_encode(),
            "1 devices have committed, the quorum is 2: wait for more",
        );
        check(
            &Devices::StaleNonce { device, expected: 3 }.abi_encode(),
            &format!("device {shown} signed an old link: its next nonce is 3"),
        );
        check(
            &ModuleErrors::BadSignature { device }.abi_encode(),
            &format!("the signature is not that of device {shown}"),
        );
        check(
            &ModuleErrors::ValueNotAllowed {}.abi_encode(),
            "this function does not accept value",
        );
    }

    #[test]
    fn every_error_of_assets_has_words() {
        let (one, units) = (Address::repeat_byte(1), U256::from(5));
        let shown = "01".repeat(20);
        let needed = units + units;
        check(
            &Erc20Errors::ERC20InsufficientBalance { sender: one, balance: units, needed }
                .abi_encode(),
            &format!("0x{shown} has a balance of 5 in the smallest unit, 10 is needed"),
        );
        check(
            &Erc20Errors::ERC20InvalidReceiver { receiver: one }.abi_encode(),
            &format!("0x{shown} cannot hold this asset"),
        );
        check(
            &Erc20Errors::ERC2612InvalidSigner { signer: Address::ZERO, owner: one }.abi_encode(),
            &format!("0x{} signed the permit, not 0x{shown}", "00".repeat(20)),
        );
        check(
            &IssuedAsset::ERC20ExceededCap { increasedSupply: needed, cap: units }.abi_encode(),
            "the supply would become 10 in the smallest unit, the cap is 5",
        );
        check(
            &IssuedAsset::NotIssuer { caller: one }.abi_encode(),
            &format!("0x{shown} is not the asset's issuer"),
        );
        check(
            &IssuedAsset::Forbidden { action: "burn".to_owned() }.abi_encode(),
            "the asset's terms do not allow to burn",
        );
        check(&Assets::NoSuchAsset { number: 4 }.abi_encode(), "asset 4 does not exist");
        check(
            &Assets::TextSize {
                field: "name".to_owned(),
                size: U256::ZERO,
                min: U256::ONE,
                max: U256::from(64),
            }
            .abi_encode(),
            "the terms are invalid: name has 0 bytes: 1 to 64 are allowed",
        );
    }

    #[test]
    fn what_is_not_ours_is_told_as_far_as_possible() {
        check(&[], "no reason was given");
        check(&[1, 2, 3], "no reason was given");
        check(&[1, 2, 3, 4], "unknown error 0x01020304");
        check(&Revert::from("no").abi_encode(), "no");
        assert!(in_words(&Panic::from(0x11).abi_encode()).contains("overflow"));
        // Our selector, cut short.
        let cut = &TrainingRuns::NoSuchRun { run: 7 }.abi_encode()[..20];
        assert!(in_words(cut).starts_with("unknown error 0x"));
    }
}
