//! The tokens of positions: ERC-721 with the lists of ERC-721 Enumerable.
//!
//! Storage, messages and the order of lists are those of OpenZeppelin Contracts 3.4, with which the original was made: a token that leaves a list is
//! replaced by the last one.

use abi::NonfungiblePositionManager as Manager;
use alloy_primitives::{Address, Bytes, U256, uint};
use alloy_sol_types::{SolCall as _, sol};
use native_kit::{
    Call, Failure, Host, Outcome, emit,
    slots::{Array, Layout as _, Mapping, Value},
    storage,
};

use super::{operator_of, set_operator};
use crate::uniswap_v3::empty;

sol! {
    interface Receiver {
        function onERC721Received(address operator, address from, uint256 tokenId, bytes calldata data) external returns (bytes4);
    }
}

storage! {
    /// `EnumerableSet.UintSet`
    struct Set {
        values: Array<Value<U256>>,
        /// Places of values, from 1 on.
        indexes: Mapping<U256, Value<U256>>,
    }
}

storage! {
    /// `EnumerableMap.MapEntry`
    struct Entry {
        key: Value<U256>,
        value: Value<U256>,
    }
}

storage! {
    /// `EnumerableMap.UintToAddressMap`
    struct Owners {
        entries: Array<Entry>,
        /// Places of entries, from 1 on.
        indexes: Mapping<U256, Value<U256>>,
    }
}

/// `mapping(address => EnumerableSet.UintSet) _holderTokens`.
const HOLDERS: Mapping<Address, Set> = Mapping::new(uint!(1_U256));
/// `EnumerableMap.UintToAddressMap _tokenOwners`.
const OWNERS_SLOT: U256 = uint!(2_U256);
/// `mapping(address => mapping(address => bool)) _operatorApprovals`.
const OPERATORS: Mapping<Address, Mapping<Address, Value<bool>>> = Mapping::new(uint!(5_U256));

fn owners() -> Owners {
    Owners::at(OWNERS_SLOT, 0)
}

/// Returns whether a token exists.
pub(super) fn exists(host: &mut dyn Host, token: U256) -> Result<bool, Failure> {
    Ok(!owners().indexes.of(host, token)?.get(host)?.is_zero())
}

/// Returns the owner of a token; `None` if it does not exist.
fn owner(host: &mut dyn Host, token: U256) -> Result<Option<Address>, Failure> {
    let place = owners().indexes.of(host, token)?.get(host)?;
    let Some(index) = place.checked_sub(U256::ONE) else { return Ok(None) };
    let entry = owners().entries.element(host, index.saturating_to())?.ok_or_else(broken)?;
    let word = entry.value.get(host)?;
    Ok(Some(Address::from_word(word.into())))
}

/// Returns the owner of a token.
///
/// # Errors
/// The original's message if it does not exist.
pub(super) fn owner_of(host: &mut dyn Host, token: U256) -> Result<Address, Failure> {
    let owner = owner(host, token)?;
    owner.ok_or_else(|| Failure::message("ERC721: owner query for nonexistent token"))
}

pub(super) fn balance(host: &mut dyn Host, holder: Address) -> Result<U256, Failure> {
    if holder.is_zero() {
        return Err(Failure::message("ERC721: balance query for the zero address"));
    }
    Ok(U256::from(HOLDERS.of(host, holder)?.values.len(host)?))
}

pub(super) fn supply(host: &mut dyn Host) -> Result<U256, Failure> {
    Ok(U256::from(owners().entries.len(host)?))
}

pub(super) fn at(host: &mut dyn Host, index: U256) -> Result<U256, Failure> {
    let entry = match u64::try_from(index) {
        Ok(index) => owners().entries.element(host, index)?,
        Err(_) => None,
    };
    let entry = entry.ok_or_else(|| Failure::message("EnumerableMap: index out of bounds"))?;
    entry.key.get(host)
}

pub(super) fn of_holder(
    host: &mut dyn Host,
    holder: Address,
    index: U256,
) -> Result<U256, Failure> {
    let set = HOLDERS.of(host, holder)?;
    let value = match u64::try_from(index) {
        Ok(index) => set.values.element(host, index)?,
        Err(_) => None,
    };
    let value = value.ok_or_else(|| Failure::message("EnumerableSet: index out of bounds"))?;
    value.get(host)
}

pub(super) fn is_operator(
    host: &mut dyn Host,
    owner: Address,
    operator: Address,
) -> Result<bool, Failure> {
    OPERATORS.of(host, owner)?.of(host, operator)?.get(host)
}

/// Returns whether an account may move a token.
///
/// # Errors
/// The original's message if the token does not exist.
pub(super) fn may_move(host: &mut dyn Host, who: Address, token: U256) -> Result<bool, Failure> {
    let owner = owner(host, token)?;
    let owner =
        owner.ok_or_else(|| Failure::message("ERC721: operator query for nonexistent token"))?;
    Ok(who == owner || operator_of(host, token)? == who || is_operator(host, owner, who)?)
}

/// Returns whom the owner has approved for a token.
///
/// # Errors
/// The original's message if the token does not exist.
pub(super) fn approved(host: &mut dyn Host, token: U256) -> Result<Address, Failure> {
    if !exists(host, token)? {
        return Err(Failure::message("ERC721: approved query for nonexistent token"));
    }
    operator_of(host, token)
}

pub(super) fn approve(host: &mut dyn Host, to: Address, token: U256) -> Result<(), Failure> {
    let (owner, sender) = (owner_of(host, token)?, host.caller());
    if to == owner {
        return Err(Failure::message("ERC721: approval to current owner"));
    }
    if sender != owner && !is_operator(host, owner, sender)? {
        return Err(Failure::message("ERC721: approve caller is not owner nor approved for all"));
    }
    set_approved(host, owner, to, token)
}

/// Approves an account, which has been checked.
pub(super) fn set_approved(
    host: &mut dyn Host,
    owner: Address,
    approved: Address,
    token: U256,
) -> Result<(), Failure> {
    set_operator(host, token, approved)?;
    emit(host, &Manager::Approval { owner, approved, tokenId: token })
}

pub(super) fn set_approval_for_all(
    host: &mut dyn Host,
    operator: Address,
    approved: bool,
) -> Result<(), Failure> {
    let owner = host.caller();
    if operator == owner {
        return Err(Failure::message("ERC721: approve to caller"));
    }
    OPERATORS.of(host, owner)?.of(host, operator)?.set(host, approved)?;
    emit(host, &Manager::ApprovalForAll { owner, operator, approved })
}

pub(super) fn transfer_from(
    host: &mut dyn Host,
    (from, to): (Address, Address),
    token: U256,
) -> Result<(), Failure> {
    let sender = host.caller();
    if !may_move(host, sender, token)? {
        return Err(Failure::message("ERC721: transfer caller is not owner nor approved"));
    }
    if owner_of(host, token)? != from {
        return Err(Failure::message("ERC721: transfer of token that is not own"));
    }
    if to.is_zero() {
        return Err(Failure::message("ERC721: transfer to the zero address"));
    }
    set_approved(host, from, Address::ZERO, token)?;
    remove(host, from, token)?;
    add(host, to, token)?;
    set_owner(host, token, to)?;
    emit(host, &Manager::Transfer { from, to, tokenId: token })
}

/// Transfers, and asks a receiver with code whether it takes tokens.
pub(super) fn safe_transfer_from(
    host: &mut dyn Host,
    (from, to): (Address, Address),
    token: U256,
    data: Bytes,
) -> Result<(), Failure> {
    transfer_from(host, (from, to), token)?;
    if !host.has_code(to)? {
        return Ok(());
    }
    let refused = || Failure::message("ERC721: transfer to non ERC721Receiver implementer");
    let operator = host.caller();
    let call = Receiver::onERC721ReceivedCall { operator, from, tokenId: token, data };
    let output = match host.call(&Call::new(to, call.abi_encode()))? {
        Outcome::Returned(output) => output,
        Outcome::Reverted(reason) if !reason.is_empty() => return Err(Failure::Revert(reason)),
        Outcome::Reverted(_) | Outcome::Halted => return Err(refused()),
    };
    let word = output.get(..32).ok_or_else(empty)?;
    let is_taken = word.starts_with(&Receiver::onERC721ReceivedCall::SELECTOR);
    if is_taken { Ok(()) } else { Err(refused()) }
}

pub(super) fn mint(host: &mut dyn Host, to: Address, token: U256) -> Result<(), Failure> {
    if to.is_zero() {
        return Err(Failure::message("ERC721: mint to the zero address"));
    }
    add(host, to, token)?;
    set_owner(host, token, to)?;
    emit(host, &Manager::Transfer { from: Address::ZERO, to, tokenId: token })
}

pub(super) fn burn(host: &mut dyn Host, token: U256) -> Result<(), Failure> {
    let from = owner_of(host, token)?;
    set_approved(host, from, Address::ZERO, token)?;
    remove(host, from, token)?;
    remove_owner(host, token)?;
    emit(host, &Manager::Transfer { from, to: Address::ZERO, tokenId: token })
}

/// Adds a token to a holder's list.
fn add(host: &mut dyn Host, holder: Address, token: U256) -> Result<(), Failure> {
    let set = HOLDERS.of(host, holder)?;
    set.values.push(host)?.set(host, token)?;
    let place = U256::from(set.values.len(host)?);
    set.indexes.of(host, token)?.set(host, place)
}

/// Removes a token from a holder's list: the last one takes its place.
fn remove(host: &mut dyn Host, holder: Address, token: U256) -> Result<(), Failure> {
    let set = HOLDERS.of(host, holder)?;
    let place = set.indexes.of(host, token)?;
    let index = place.get(host)?.checked_sub(U256::ONE).ok_or_else(broken)?;
    let last_index = set.values.len(host)?.checked_sub(1).ok_or_else(broken)?;
    let last = set.values.element(host, last_index)?.ok_or_else(broken)?;
    let moved = last.get(host)?;
    let hole = set.values.element(host, index.saturating_to())?.ok_or_else(broken)?;
    hole.set(host, moved)?;
    set.indexes.of(host, moved)?.set(host, index.wrapping_add(U256::ONE))?;
    last.set(host, U256::ZERO)?;
    set.values.pop(host)?;
    place.set(host, U256::ZERO)
}

fn set_owner(host: &mut dyn Host, token: U256, owner: Address) -> Result<(), Failure> {
    let word: U256 = owner.into_word().into();
    let place = owners().indexes.of(host, token)?;
    if let Some(index) = place.get(host)?.checked_sub(U256::ONE) {
        let entry = owners().entries.element(host, index.saturating_to())?;
        return entry.ok_or_else(broken)?.value.set(host, word);
    }
    let entry = owners().entries.push(host)?;
    entry.key.set(host, token)?;
    entry.value.set(host, word)?;
    let count = U256::from(owners().entries.len(host)?);
    place.set(host, count)
}

fn remove_owner(host: &mut dyn Host, token: U256) -> Result<(), Failure> {
    let place = owners().indexes.of(host, token)?;
    let index = place.get(host)?.checked_sub(U256::ONE).ok_or_else(broken)?;
    let last_index = owners().entries.len(host)?.checked_sub(1).ok_or_else(broken)?;
    let last = owners().entries.element(host, last_index)?.ok_or_else(broken)?;
    let (key, value) = (last.key.get(host)?, last.value.get(host)?);
    let hole = owners().entries.element(host, index.saturating_to())?.ok_or_else(broken)?;
    hole.key.set(host, key)?;
    hole.value.set(host, value)?;
    owners().indexes.of(host, key)?.set(host, index.wrapping_add(U256::ONE))?;
    last.key.set(host, U256::ZERO)?;
    last.value.set(host, U256::ZERO)?;
    owners().entries.pop(host)?;
    place.set(host, U256::ZERO)
}

fn broken() -> Failure {
    Failure::Broken("a list of positions is damaged".to_owned())
}
