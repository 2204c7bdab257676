//! The balances that the contracts of Uniswap v3 look at.

use alloy_primitives::{Address, Bytes, U256};
use native_kit::{Failure, Host};

use crate::tokens;

/// Returns the module's balance of an asset, as `UniswapV3Pool.balance0`: refuses without a message where the asset does not answer a word.
pub(super) fn balance(host: &mut dyn Host, token: Address) -> Result<U256, Failure> {
    let module = host.module();
    tokens::balance_of(host, token, module).map_err(|failure| match failure {
        Failure::Revert(_) => Failure::Revert(Bytes::new()),
        other => other,
    })
}
