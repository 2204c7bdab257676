//! Converts ABI-encoded errors to text.

use abi::{
    Assets, Devices::DevicesErrors, Erc20Errors::Erc20ErrorsErrors, IssuedAsset::IssuedAssetErrors,
    ModuleErrors::ModuleErrorsErrors, TrainingRuns::TrainingRunsErrors,
};
use alloy_primitives::{B256, U256, hex};
use alloy_sol_types::{Panic, Revert, SolError as _, SolInterface as _};
use units::Wei;

/// Returns the text of a revert. Unknown errors are named by their selector.
pub(crate) fn in_words(data: &[u8]) -> String {
    let Some(selector) = data.get(..4) else { return "no reason was given".to_owned() };
    if let Ok(error) = TrainingRunsErrors::abi_decode(data) {
        of_runs(error)
    } else if let Ok(error) = DevicesErrors::abi_decode(data) {
        let DevicesErrors::StaleNonce(error) = error;
        format!(
            "device {} signed an old link: its next nonce is {}",
            plain(&error.device),
            error.expected
        )
    } else if let Ok(error) = ModuleErrorsErrors::abi_decode(data) {
        of_modules(error)
    } else if let Ok(error) = Erc20ErrorsErrors::abi_decode(data) {
        of_holders(&error)
    } else if let Ok(error) = IssuedAssetErrors::abi_decode(data) {
        of_issuers(error)
    } else if let Ok(error) = Assets::NoSuchAsset::abi_decode(data) {
        format!("asset {} does not exist", error.number)
    } else {
        // The error of Solidity's `revert` and `require`.
        let plain = Revert::abi_decode(data).map(|error| error.reason);
        let plain = plain.or_else(|_| Panic::abi_decode(data).map(|error| error.to_string()));
        plain.unwrap_or_else(|_| format!("unknown error 0x{}", hex::encode(selector)))
    }
}

fn of_runs(error: TrainingRunsErrors) -> String {
    match error {
        TrainingRunsErrors::NoSuchRun(error) => format!("run {} does not exist", error.run),
        TrainingRunsErrors::NotLinked(error) => {
            format!("device {} is not linked to an account", plain(&error.device))
        }
        TrainingRunsErrors::TooLong(error) => {
            format!("{} is longer than {} bytes", error.what, error.max)
        }
        TrainingRunsErrors::BadTerms(error) => format!("the terms are refused: {}", error.reason),
        TrainingRunsErrors::BudgetTooSmall(error) => format!(
            "a deposit of {} GRAIN does not cover the terms: give at least {} GRAIN",
            grain(error.deposit),
            grain(error.required)
        ),
        TrainingRunsErrors::DrawRearmed(error) => {
            format!(
                "round {} is drawn from a new block: draw it again two blocks later",
                error.round
            )
        }
        TrainingRunsErrors::Refused(error) => error.reason,
    }
}

fn of_modules(error: ModuleErrorsErrors) -> String {
    match error {
        ModuleErrorsErrors::DelegateCallNotAllowed(_) => {
            "a native module can't be called with DELEGATECALL".to_owned()
        }
        ModuleErrorsErrors::StaticCallNotAllowed(_) => {
            "a static call can't change the state".to_owned()
        }
        ModuleErrorsErrors::ValueNotAllowed(_) => "this function does not accept value".to_owned(),
        ModuleErrorsErrors::BadCall(_) => {
            "the module has no such function: check that client and node have the same version"
                .to_owned()
        }
        ModuleErrorsErrors::BadSignature(error) => {
            format!("the signature is not that of device {}", plain(&error.device))
        }
        ModuleErrorsErrors::ReentrancyGuardReentrantCall(_) => {
            "the module was called again while a call of it was running".to_owned()
        }
        ModuleErrorsErrors::SafeERC20FailedOperation(error) => {
            format!("the token {} has not moved what was asked", error.token)
        }
    }
}

/// Amounts are in the smallest unit, because the error does not name the asset.
fn of_holders(error: &Erc20ErrorsErrors) -> String {
    use Erc20ErrorsErrors as Error;
    match error {
        Error::ERC20InsufficientBalance(error) => format!(
            "{:#x} has a balance of {} in the smallest unit, {} is needed",
            error.sender, error.balance, error.needed
        ),
        Error::ERC20InsufficientAllowance(error) => format!(
            "{:#x} has an allowance of {} in the smallest unit, {} is needed",
            error.spender, error.allowance, error.needed
        ),
        Error::ERC20InvalidSender(error) => format!("{:#x} can't send", error.sender),
        Error::ERC20InvalidReceiver(error) => {
            format!("{:#x} can't hold this asset", error.receiver)
        }
        Error::ERC20InvalidApprover(error) => format!("{:#x} can't approve", error.approver),
        Error::ERC20InvalidSpender(error) => {
            format!("{:#x} can't be approved as a spender", error.spender)
        }
        Error::ERC2612ExpiredSignature(error) => {
            format!("the permit expired at {}", error.deadline)
        }
        Error::ECDSAInvalidSignature(_) => "the permit's signature is malformed".to_owned(),
        Error::ECDSAInvalidSignatureS(error) => {
            format!("the permit's s is {}, the higher of two: sign with the lower", error.s)
        }
        Error::ERC2612InvalidSigner(error) => {
            format!("{:#x} signed the permit, not {:#x}", error.signer, error.owner)
        }
    }
}

fn of_issuers(error: IssuedAssetErrors) -> String {
    use IssuedAssetErrors as Error;
    match error {
        Error::ERC20ExceededCap(error) => format!(
            "the supply would become {} in the smallest unit, the cap is {}",
            error.increasedSupply, error.cap
        ),
        Error::EnforcedPause(_) => "the asset is paused".to_owned(),
        Error::ExpectedPause(_) => "the asset is not paused".to_owned(),
        Error::NotIssuer(error) => format!("{:#x} is not the asset's issuer", error.caller),
        Error::NotOffered(error) => {
            format!("the issuer's role was not offered to {:#x}", error.caller)
        }
        Error::Forbidden(error) => format!("the asset's terms don't allow to {}", error.action),
    }
}

/// Formats a device as everywhere else.
fn plain(device: &B256) -> String {
    hex::encode(device)
}

fn grain(amount: U256) -> String {
    u128::try_from(amount).map_or_else(|_| amount.to_string(), |amount| Wei::new(amount).to_grain())
}

#[cfg(test)]
mod tests {
    use abi::{Devices, Erc20Errors, IssuedAsset, ModuleErrors, TrainingRuns};
    use alloy_primitives::Address;

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
            &TrainingRuns::BadTerms { reason: "rounds = 0".to_owned() }.abi_encode(),
            "the terms are refused: rounds = 0",
        );
        let deposit = U256::from(1_500_000_000_000_000_000_u64);
        check(
            &TrainingRuns::BudgetTooSmall { deposit, required: deposit + deposit }.abi_encode(),
            "a deposit of 1.5 GRAIN does not cover the terms: give at least 3 GRAIN",
        );
        check(
            &TrainingRuns::DrawRearmed { round: 4 }.abi_encode(),
            "round 4 is drawn from a new block: draw it again two blocks later",
        );
        check(&TrainingRuns::Refused { reason: "too late".to_owned() }.abi_encode(), "too late");
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
            &format!("0x{shown} can't hold this asset"),
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
            "the asset's terms don't allow to burn",
        );
        check(&Assets::NoSuchAsset { number: 4 }.abi_encode(), "asset 4 does not exist");
        check(
            &Assets::BadTerms { reason: "name has 0 bytes".to_owned() }.abi_encode(),
            "the terms are refused: name has 0 bytes",
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
        let cut = &TrainingRuns::Refused { reason: "too late".to_owned() }.abi_encode()[..20];
        assert!(in_words(cut).starts_with("unknown error 0x"));
    }
}
