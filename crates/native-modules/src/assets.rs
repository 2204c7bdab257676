//! `Assets`: creates assets. Slot 0 counts them; everything else of an asset is stored at its own address.

use ::assets::{DECIMALS_MAX, Powers, Terms, TermsError};
use abi::{
    Assets::{self, AssetsCalls as Calls},
    asset_address, asset_number,
    convert::account,
};
use alloy_primitives::U256;
use alloy_sol_types::SolCall;

use native_kit::{Failure, Function, Host, MODULE_CODE, emit};

pub(crate) mod issued;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Assets::countCall::SELECTOR),
    Function::view(Assets::assetAtCall::SELECTOR),
    Function::view(Assets::isAssetCall::SELECTOR),
    Function::nonpayable(Assets::createCall::SELECTOR),
];

/// `uint64 count`.
const COUNT: U256 = U256::ZERO;

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    match call {
        Calls::count(_) => Ok(Assets::countCall::abi_encode_returns(&count(host)?)),
        Calls::assetAt(call) => {
            let number = call.number;
            if number == 0 || number > count(host)? {
                return Err(Failure::revert(&Assets::NoSuchAsset { number }));
            }
            Ok(Assets::assetAtCall::abi_encode_returns(&asset_address(number)))
        }
        Calls::isAsset(call) => {
            let count = count(host)?;
            let number = asset_number(&call.account);
            let is_asset = number.is_some_and(|number| (1..=count).contains(&number));
            Ok(Assets::isAssetCall::abi_encode_returns(&is_asset))
        }
        Calls::create(call) => create(host, call.terms),
    }
}

fn count(host: &mut dyn Host) -> Result<u64, Failure> {
    Ok(host.load(COUNT)?.saturating_to())
}

fn create(host: &mut dyn Host, asked: Assets::Terms) -> Result<Vec<u8>, Failure> {
    let terms = rules_terms(asked.clone());
    terms.check().map_err(terms_error)?;
    let number = count(host)?.saturating_add(1);
    host.store(COUNT, U256::from(number))?;
    let asset = asset_address(number);
    host.create(asset, &MODULE_CODE)?;
    issued::write_terms(host, asset, &terms)?;
    let (creator, issuer) = (host.caller(), asked.issuer);
    emit(host, &Assets::AssetCreated { asset, creator, issuer, terms: asked })?;
    Ok(Assets::createCall::abi_encode_returns(&asset))
}

fn rules_terms(asked: Assets::Terms) -> Terms {
    let Assets::Terms { name, symbol, decimals, cap, uri, issuer, .. } = asked;
    let Assets::Terms { pausable, burnable, transferable, renounceable, .. } = asked;
    let powers = Powers { pausable, burnable, transferable, renounceable };
    Terms { name, symbol, decimals, cap, uri, issuer: account(issuer), powers }
}

/// Returns the Solidity error for refused terms.
fn terms_error(error: TermsError) -> Failure {
    match error {
        TermsError::Size { field, size, min, max } => Failure::revert(&Assets::TextSize {
            field: field.to_owned(),
            size: U256::from(size),
            min: U256::from(min),
            max: U256::from(max),
        }),
        TermsError::ControlCharacter { field } => {
            Failure::revert(&Assets::ControlCharacter { field: field.to_owned() })
        }
        TermsError::HiddenCharacter { field, character } => {
            Failure::revert(&Assets::HiddenCharacter {
                field: field.to_owned(),
                character: character.into(),
            })
        }
        TermsError::Decimals { given } => {
            Failure::revert(&Assets::TooManyDecimals { given, max: DECIMALS_MAX })
        }
        TermsError::NoCap => Failure::revert(&Assets::NoCap {}),
        TermsError::NoIssuer => Failure::revert(&Assets::NoIssuer {}),
    }
}
