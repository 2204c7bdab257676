//! The ERC-20 interface of a book, the same for GRAIN and for every asset.
//!
//! Allowances and nonces are in the asset's own storage, at the same slots for all.

use abi::{
    Erc20::{self, Erc20Calls as Calls},
    Erc20Errors as Errors, IssuedAsset, PERMIT_VERSION, Permit,
    convert::{account, address},
    permit_digest, permit_domain,
};
use alloy_primitives::{Address, B256, FixedBytes, U256, uint};
use alloy_sol_types::{Eip712Domain, SolCall, SolEvent};
use assets::{Approved, Book, Refused, Transferred};
use units::{AccountId, UnixSeconds};

use native_kit::{
    Failure, Function, Host, emit_of,
    slots::{Mapping, Value},
};

use crate::{
    ended::Ended,
    signature::{BadRecovery, RECOVER_GAS, recover},
};

/// The functions of every fungible asset.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Erc20::nameCall::SELECTOR),
    Function::view(Erc20::symbolCall::SELECTOR),
    Function::view(Erc20::decimalsCall::SELECTOR),
    Function::view(Erc20::totalSupplyCall::SELECTOR),
    Function::view(Erc20::balanceOfCall::SELECTOR),
    Function::view(Erc20::allowanceCall::SELECTOR),
    Function::view(Erc20::noncesCall::SELECTOR),
    Function::view(Erc20::DOMAIN_SEPARATORCall::SELECTOR),
    Function::view(Erc20::eip712DomainCall::SELECTOR),
    Function::view(Erc20::tokenURICall::SELECTOR),
    Function::view(Erc20::supportsInterfaceCall::SELECTOR),
    Function::nonpayable(Erc20::transferCall::SELECTOR),
    Function::nonpayable(Erc20::approveCall::SELECTOR),
    Function::nonpayable(Erc20::transferFromCall::SELECTOR),
    Function::nonpayable(Erc20::permitCall::SELECTOR),
];

/// `mapping(address owner => mapping(address spender => uint256))`.
const ALLOWANCES: Mapping<Address, Mapping<Address, Value<U256>>> = Mapping::new(uint!(1_U256));
/// `mapping(address owner => uint256)`.
const NONCES: Mapping<Address, Value<U256>> = Mapping::new(uint!(5_U256));
/// Gas for a domain or a permit's digest: four hashes of at most seven words each.
const DIGEST_GAS: u64 = 4 * (30 + 7 * 6);

/// A book with name, symbol and metadata.
pub(crate) trait Described: Book<Failure = Ended> {
    fn host(&mut self) -> &mut dyn Host;
    fn name(&mut self) -> Result<String, Failure>;
    fn symbol(&mut self) -> Result<String, Failure>;
    fn decimals(&mut self) -> Result<u8, Failure>;
    fn uri(&mut self) -> Result<String, Failure>;
    fn total_supply(&mut self) -> Result<U256, Failure>;
}

/// Executes a call.
pub(crate) fn call<B: Described>(book: &mut B, call: &Calls) -> Result<Vec<u8>, Failure> {
    match view(book, call)? {
        Some(output) => Ok(output),
        None => mutate(book, call),
    }
}

/// Executes a call that only reads; returns `None` for others.
fn view<B: Described>(book: &mut B, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::name(_) => Erc20::nameCall::abi_encode_returns(&book.name()?),
        Calls::symbol(_) => Erc20::symbolCall::abi_encode_returns(&book.symbol()?),
        Calls::decimals(_) => Erc20::decimalsCall::abi_encode_returns(&book.decimals()?),
        Calls::totalSupply(_) => Erc20::totalSupplyCall::abi_encode_returns(&book.total_supply()?),
        Calls::balanceOf(call) => {
            Erc20::balanceOfCall::abi_encode_returns(&book.balance(account(call.account))?)
        }
        Calls::allowance(call) => {
            let (owner, spender) = (account(call.owner), account(call.spender));
            Erc20::allowanceCall::abi_encode_returns(&book.allowance(owner, spender)?)
        }
        Calls::nonces(call) => {
            Erc20::noncesCall::abi_encode_returns(&book.nonce(account(call.owner))?)
        }
        Calls::DOMAIN_SEPARATOR(_) => {
            let separator = domain(book)?.separator();
            Erc20::DOMAIN_SEPARATORCall::abi_encode_returns(&separator)
        }
        Calls::eip712Domain(_) => {
            let answer = Erc20::eip712DomainReturn {
                fields: FixedBytes([0x0f]),
                name: book.name()?,
                version: PERMIT_VERSION.to_owned(),
                chainId: U256::from(book.host().chain_id()),
                verifyingContract: address(book.asset()),
                salt: B256::ZERO,
                extensions: Vec::new(),
            };
            Erc20::eip712DomainCall::abi_encode_returns(&answer)
        }
        Calls::tokenURI(_) => Erc20::tokenURICall::abi_encode_returns(&book.uri()?),
        Calls::supportsInterface(call) => {
            Erc20::supportsInterfaceCall::abi_encode_returns(&is_supported(call.interfaceId.0))
        }
        Calls::transfer(_) | Calls::approve(_) | Calls::transferFrom(_) | Calls::permit(_) => {
            return Ok(None);
        }
    }))
}

fn mutate<B: Described>(book: &mut B, call: &Calls) -> Result<Vec<u8>, Failure> {
    let caller = account(book.host().caller());
    match call {
        Calls::transfer(call) => {
            let moved = assets::transfer(book, caller, account(call.to), call.value)?;
            emit_transfer(book, &moved)?;
            Ok(Erc20::transferCall::abi_encode_returns(&true))
        }
        Calls::transferFrom(call) => {
            let (from, to) = (account(call.from), account(call.to));
            let moved = assets::transfer_from(book, caller, from, to, call.value)?;
            emit_transfer(book, &moved)?;
            Ok(Erc20::transferFromCall::abi_encode_returns(&true))
        }
        Calls::approve(call) => {
            let approved = assets::approve(book, caller, account(call.spender), call.value)?;
            emit_approval(book, &approved)?;
            Ok(Erc20::approveCall::abi_encode_returns(&true))
        }
        Calls::permit(call) => {
            permit(book, call)?;
            Ok(Vec::new())
        }
        _ => unreachable!("answered by `view`"),
    }
}

fn permit<B: Described>(book: &mut B, call: &Erc20::permitCall) -> Result<(), Failure> {
    let (owner, spender) = (account(call.owner), account(call.spender));
    let allows = Approved { owner, spender, amount: call.value };
    let now = UnixSeconds::new(book.host().timestamp());
    let asked = assets::Permit { allows, deadline: call.deadline };
    let approved = assets::permit(book, now, &asked, |book, nonce| signer(book, call, nonce))?;
    emit_approval(book, &approved)
}

/// Returns the signer of a permit with that nonce.
fn signer<B: Described>(
    book: &mut B,
    call: &Erc20::permitCall,
    nonce: U256,
) -> Result<AccountId, Ended> {
    let Erc20::permitCall { owner, spender, value, deadline, v, r, s } = *call;
    let domain = domain(book)?;
    book.host().charge(DIGEST_GAS + RECOVER_GAS)?;
    let digest = permit_digest(&Permit { owner, spender, value, nonce, deadline }, &domain);
    match recover(digest, v, r, s) {
        Ok(signer) => Ok(account(signer)),
        Err(BadRecovery::HighS) => {
            Err(Refused::InvalidSignatureS { s: U256::from_be_bytes(s.0) }.into())
        }
        Err(BadRecovery::Malformed) => Err(Refused::InvalidSignature.into()),
    }
}

fn domain<B: Described>(book: &mut B) -> Result<Eip712Domain, Failure> {
    book.host().charge(DIGEST_GAS)?;
    let (name, asset) = (book.name()?, address(book.asset()));
    Ok(permit_domain(&name, book.host().chain_id(), asset))
}

/// ERC-165: itself, ERC-20, its metadata, EIP-2612, EIP-5267, ERC-1046.
fn is_supported(interface: [u8; 4]) -> bool {
    fn together(selectors: &[[u8; 4]]) -> [u8; 4] {
        selectors
            .iter()
            .fold([0; 4], |sum, selector| std::array::from_fn(|index| sum[index] ^ selector[index]))
    }
    let erc20 = [
        Erc20::totalSupplyCall::SELECTOR,
        Erc20::balanceOfCall::SELECTOR,
        Erc20::transferCall::SELECTOR,
        Erc20::allowanceCall::SELECTOR,
        Erc20::approveCall::SELECTOR,
        Erc20::transferFromCall::SELECTOR,
    ];
    let metadata =
        [Erc20::nameCall::SELECTOR, Erc20::symbolCall::SELECTOR, Erc20::decimalsCall::SELECTOR];
    let permit = [
        Erc20::permitCall::SELECTOR,
        Erc20::noncesCall::SELECTOR,
        Erc20::DOMAIN_SEPARATORCall::SELECTOR,
    ];
    [
        Erc20::supportsInterfaceCall::SELECTOR,
        Erc20::eip712DomainCall::SELECTOR,
        Erc20::tokenURICall::SELECTOR,
        together(&erc20),
        together(&metadata),
        together(&permit),
    ]
    .contains(&interface)
}

/// Emits an event of the asset.
fn emit<B: Described>(book: &mut B, event: &impl SolEvent) -> Result<(), Failure> {
    let asset = address(book.asset());
    emit_of(book.host(), asset, event)
}

pub(crate) fn emit_transfer<B: Described>(
    book: &mut B,
    moved: &Transferred,
) -> Result<(), Failure> {
    let Transferred { from, to, amount: value } = *moved;
    emit(book, &Erc20::Transfer { from: address(from), to: address(to), value })
}

pub(crate) fn emit_approval<B: Described>(
    book: &mut B,
    approved: &Approved,
) -> Result<(), Failure> {
    let Approved { owner, spender, amount: value } = *approved;
    emit(book, &Erc20::Approval { owner: address(owner), spender: address(spender), value })
}

/// Returns the allowances and nonces of an asset, in its own storage. A trait's methods would be the book's own;
/// these are shared by all books.
pub(crate) fn allowance(
    host: &mut dyn Host,
    asset: Address,
    owner: AccountId,
    spender: AccountId,
) -> Result<U256, Failure> {
    let of_owner = ALLOWANCES.of(host, address(owner))?;
    of_owner.of(host, address(spender))?.get_of(host, asset)
}

pub(crate) fn set_allowance(
    host: &mut dyn Host,
    asset: Address,
    approved: &Approved,
) -> Result<(), Failure> {
    let of_owner = ALLOWANCES.of(host, address(approved.owner))?;
    of_owner.of(host, address(approved.spender))?.set_of(host, asset, approved.amount)
}

pub(crate) fn nonce(
    host: &mut dyn Host,
    asset: Address,
    owner: AccountId,
) -> Result<U256, Failure> {
    NONCES.of(host, address(owner))?.get_of(host, asset)
}

pub(crate) fn set_nonce(
    host: &mut dyn Host,
    asset: Address,
    owner: AccountId,
    nonce: U256,
) -> Result<(), Failure> {
    NONCES.of(host, address(owner))?.set_of(host, asset, nonce)
}

/// Converts a refusal of the rules to the error that callers get.
impl From<Refused> for Ended {
    fn from(refused: Refused) -> Self {
        Self(match refused {
            Refused::InvalidSender { sender } => {
                Failure::revert(&Errors::ERC20InvalidSender { sender: address(sender) })
            }
            Refused::InvalidReceiver { receiver } => {
                Failure::revert(&Errors::ERC20InvalidReceiver { receiver: address(receiver) })
            }
            Refused::InvalidApprover { approver } => {
                Failure::revert(&Errors::ERC20InvalidApprover { approver: address(approver) })
            }
            Refused::InvalidSpender { spender } => {
                Failure::revert(&Errors::ERC20InvalidSpender { spender: address(spender) })
            }
            Refused::InsufficientBalance { sender, balance, needed } => {
                let sender = address(sender);
                Failure::revert(&Errors::ERC20InsufficientBalance { sender, balance, needed })
            }
            Refused::InsufficientAllowance { spender, allowance, needed } => {
                let spender = address(spender);
                Failure::revert(&Errors::ERC20InsufficientAllowance { spender, allowance, needed })
            }
            Refused::ExpiredSignature { deadline } => {
                Failure::revert(&Errors::ERC2612ExpiredSignature { deadline })
            }
            Refused::InvalidSignature => Failure::revert(&Errors::ECDSAInvalidSignature {}),
            Refused::InvalidSignatureS { s } => {
                Failure::revert(&Errors::ECDSAInvalidSignatureS { s: s.into() })
            }
            Refused::InvalidSigner { signer, owner } => {
                let (signer, owner) = (address(signer), address(owner));
                Failure::revert(&Errors::ERC2612InvalidSigner { signer, owner })
            }
            Refused::ExceededCap { increased, cap } => {
                Failure::revert(&IssuedAsset::ERC20ExceededCap { increasedSupply: increased, cap })
            }
            Refused::Paused => Failure::revert(&IssuedAsset::EnforcedPause {}),
            Refused::NotPaused => Failure::revert(&IssuedAsset::ExpectedPause {}),
            Refused::NotIssuer { caller } => {
                Failure::revert(&IssuedAsset::NotIssuer { caller: address(caller) })
            }
            Refused::NotOffered { caller } => {
                Failure::revert(&IssuedAsset::NotOffered { caller: address(caller) })
            }
            Refused::Forbidden { action } => {
                Failure::revert(&IssuedAsset::Forbidden { action: action.to_owned() })
            }
        })
    }
}
