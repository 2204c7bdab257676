//! Approval by signature (EIP-712), of an account or of a contract (ERC-1271).

use abi::NonfungiblePositionManager as Manager;
use alloy_primitives::{Address, B256, Bytes, U256, aliases::U96};
use alloy_sol_types::{SolCall as _, SolValue as _, sol};
use native_kit::{Call, Failure, Host};

use super::{NAME, POSITIONS, tokens};
use crate::{
    signature::{RECOVER_GAS, signer},
    uniswap_v3::empty,
};

sol! {
    interface Signer {
        function isValidSignature(bytes32 hash, bytes memory signature) external view returns (bytes4);
    }
}

const TYPE: &[u8] = b"Permit(address spender,uint256 tokenId,uint256 nonce,uint256 deadline)";
const DOMAIN_TYPE: &[u8] =
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const VERSION: &[u8] = b"1";

pub(super) fn type_hash(host: &mut dyn Host) -> Result<B256, Failure> {
    host.keccak256(TYPE)
}

pub(super) fn domain(host: &mut dyn Host) -> Result<B256, Failure> {
    let (chain, module) = (U256::from(host.chain_id()), host.module());
    let hashes = (host.keccak256(DOMAIN_TYPE)?, host.keccak256(NAME.as_bytes())?);
    let version = host.keccak256(VERSION)?;
    host.keccak256(&(hashes.0, hashes.1, version, chain, module).abi_encode())
}

pub(super) fn permit(host: &mut dyn Host, call: &Manager::permitCall) -> Result<(), Failure> {
    let Manager::permitCall { spender, tokenId: token, deadline, v, r, s } = *call;
    if U256::from(host.timestamp()) > deadline {
        return Err(Failure::message("Permit expired"));
    }
    let stored = POSITIONS.of(host, token)?;
    let nonce = stored.nonce.get(host)?;
    stored.nonce.set(host, nonce.wrapping_add(U96::ONE))?;
    let hashed = (type_hash(host)?, spender, token, U256::from(nonce), deadline).abi_encode();
    let statement = host.keccak256(&hashed)?;
    let domain = domain(host)?;
    let digest = [&[0x19, 0x01], domain.as_slice(), statement.as_slice()].concat();
    let digest = host.keccak256(&digest)?;
    let owner = tokens::owner_of(host, token)?;
    if spender == owner {
        return Err(Failure::message("ERC721Permit: approval to current owner"));
    }
    let is_signed = if host.has_code(owner)? {
        is_valid(host, owner, digest, [r.as_slice(), s.as_slice(), &[v]].concat().into())?
    } else {
        host.charge(RECOVER_GAS)?;
        let signer = signer(&digest, v, &r, &s).unwrap_or_default();
        if signer.is_zero() {
            return Err(Failure::message("Invalid signature"));
        }
        signer == owner
    };
    if !is_signed {
        return Err(Failure::message("Unauthorized"));
    }
    tokens::set_approved(host, owner, spender, token)
}

/// Asks a contract whether a signature is its own.
fn is_valid(
    host: &mut dyn Host,
    owner: Address,
    hash: B256,
    signature: Bytes,
) -> Result<bool, Failure> {
    let call = Signer::isValidSignatureCall { hash, signature }.abi_encode();
    let output = host.call(&Call::reading(owner, call))?.returned()?;
    let word = output.get(..32).ok_or_else(empty)?;
    Ok(word.starts_with(&Signer::isValidSignatureCall::SELECTOR))
}
