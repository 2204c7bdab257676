//! Votes, cast by their voter or by signature.
//!
//! A signature is over EIP-712 data with the voter's next nonce, so that it counts once; a contract signs by ERC-1271.

use abi::{GovernorCore as Core, GovernorCore::GovernorCoreCalls as Calls};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall as _, SolValue as _, sol};
use governance::proposal::State;
use native_kit::{Call, Failure, Host, Outcome, emit};

use super::{Ballot, Mode, VERSION, check_state, name, stored};
use crate::{
    openzeppelin::answer,
    signature::{RECOVER_GAS, recover},
};

pub(super) const BALLOT_TYPE: &str =
    "Ballot(uint256 proposalId,uint8 support,address voter,uint256 nonce)";
pub(super) const EXTENDED_BALLOT_TYPE: &str = "ExtendedBallot(uint256 proposalId,uint8 support,address voter,uint256 nonce,string reason,bytes params)";
const DOMAIN_TYPE: &str =
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

sol! {
    interface Signer {
        function isValidSignature(bytes32 hash, bytes memory signature) external view returns (bytes4);
    }
}

pub(super) fn type_hash(host: &mut dyn Host, text: &str) -> Result<B256, Failure> {
    host.keccak256(text.as_bytes())
}

/// Casts a vote; `None` for other calls.
pub(super) fn call(
    host: &mut dyn Host,
    mode: &dyn Mode,
    call: &Calls,
) -> Result<Option<Vec<u8>>, Failure> {
    let voter = host.caller();
    let none = (String::new(), Bytes::new());
    let weight = match call {
        Calls::castVote(call) => {
            let ballot = Ballot { id: call.proposalId, voter, support: call.support };
            cast(host, mode, &ballot, none)
        }
        Calls::castVoteWithReason(call) => {
            let ballot = Ballot { id: call.proposalId, voter, support: call.support };
            cast(host, mode, &ballot, (call.reason.clone(), Bytes::new()))
        }
        Calls::castVoteWithReasonAndParams(call) => {
            let ballot = Ballot { id: call.proposalId, voter, support: call.support };
            cast(host, mode, &ballot, (call.reason.clone(), call.params.clone()))
        }
        Calls::castVoteBySig(call) => {
            let Core::castVoteBySigCall { proposalId, support, voter, signature } = call.clone();
            let ballot = Ballot { id: proposalId, voter, support };
            check_signed(host, &ballot, None, signature)?;
            cast(host, mode, &ballot, none)
        }
        Calls::castVoteWithReasonAndParamsBySig(call) => {
            let ballot = Ballot { id: call.proposalId, voter: call.voter, support: call.support };
            let words = (call.reason.clone(), call.params.clone());
            check_signed(host, &ballot, Some(&words), call.signature.clone())?;
            cast(host, mode, &ballot, words)
        }
        _ => return Ok(None),
    }?;
    Ok(Some(answer(weight)))
}

fn cast(
    host: &mut dyn Host,
    mode: &dyn Mode,
    ballot: &Ballot,
    (reason, params): (String, Bytes),
) -> Result<U256, Failure> {
    let Ballot { id, voter, support } = *ballot;
    check_state(host, mode, id, State::Active.bit())?;
    mode.count(host, ballot, &mut |host, weight| {
        let (reason, params) = (reason.clone(), params.clone());
        if params.is_empty() {
            return emit(host, &Core::VoteCast { voter, proposalId: id, support, weight, reason });
        }
        let event =
            Core::VoteCastWithParams { voter, proposalId: id, support, weight, reason, params };
        emit(host, &event)
    })
}

/// Checks that the voter has signed this vote with the next nonce, and uses the nonce.
fn check_signed(
    host: &mut dyn Host,
    ballot: &Ballot,
    words: Option<&(String, Bytes)>,
    signature: Bytes,
) -> Result<(), Failure> {
    let Ballot { id, voter, support } = *ballot;
    let slot = stored().nonces.of(host, voter)?;
    let nonce = slot.get(host)?;
    slot.set(host, nonce.wrapping_add(U256::ONE))?;
    let support = U256::from(support);
    let encoded = match words {
        None => (type_hash(host, BALLOT_TYPE)?, id, support, voter, nonce).abi_encode(),
        Some((reason, params)) => {
            let kind = type_hash(host, EXTENDED_BALLOT_TYPE)?;
            let hashes = (host.keccak256(reason.as_bytes())?, host.keccak256(params)?);
            (kind, id, support, voter, nonce, hashes.0, hashes.1).abi_encode()
        }
    };
    let (statement, domain) = (host.keccak256(&encoded)?, domain(host)?);
    let digest = [&[0x19, 0x01], domain.as_slice(), statement.as_slice()].concat();
    let digest = host.keccak256(&digest)?;
    if is_signed(host, voter, digest, signature)? {
        return Ok(());
    }
    Err(Failure::revert(&Core::GovernorInvalidSignature { voter }))
}

fn domain(host: &mut dyn Host) -> Result<B256, Failure> {
    let name = name(host)?;
    let (chain, module) = (U256::from(host.chain_id()), host.module());
    let (kind, name) = (type_hash(host, DOMAIN_TYPE)?, host.keccak256(name.as_bytes())?);
    let version = host.keccak256(VERSION.as_bytes())?;
    host.keccak256(&(kind, name, version, chain, module).abi_encode())
}

/// Returns whether an account has signed a digest: `SignatureChecker.isValidSignatureNow`.
fn is_signed(
    host: &mut dyn Host,
    account: Address,
    hash: B256,
    signature: Bytes,
) -> Result<bool, Failure> {
    if host.has_code(account)? {
        let call = Signer::isValidSignatureCall { hash, signature }.abi_encode();
        let Outcome::Returned(output) = host.call(&Call::reading(account, call))? else {
            return Ok(false);
        };
        let expected = B256::right_padding_from(&Signer::isValidSignatureCall::SELECTOR);
        return Ok(output.get(..32) == Some(expected.as_slice()));
    }
    let Ok(bytes) = <[u8; 65]>::try_from(signature.as_ref()) else { return Ok(false) };
    host.charge(RECOVER_GAS)?;
    let [r, s] = [B256::from_slice(&bytes[..32]), B256::from_slice(&bytes[32..64])];
    Ok(recover(hash, bytes[64], r, s).is_ok_and(|signer| signer == account))
}
