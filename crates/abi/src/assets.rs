//! Fungible assets from outside: the ERC-20 interface that each answers, and the module that creates them.

use alloy_primitives::{Address, B256, U256, address};
use alloy_sol_types::{Eip712Domain, SolStruct};

pub use interfaces::{Assets, Erc20, Erc20Errors, IssuedAsset, Permit};

/// Where GRAIN answers [`Erc20`].
pub const GRAIN: Address = address!("0x6c00000000000000000000000000000000000003");
/// Where [`Assets`] answers.
pub const ASSETS: Address = address!("0x6c00000000000000000000000000000000000004");

/// First 12 bytes of the address of every asset that [`Assets`] created; its number follows.
const PREFIX: [u8; 12] = [0x6c, 0xa5, 0x5e, 0x70, 0, 0, 0, 0, 0, 0, 0, 0];

/// Version of the domain that permits are signed for.
pub const PERMIT_VERSION: &str = "1";

/// The address of the asset with that number.
#[must_use]
pub fn asset_address(number: u64) -> Address {
    let mut bytes = [0; 20];
    bytes[..12].copy_from_slice(&PREFIX);
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    bytes.into()
}

/// The number of the asset at an address, if there is one: `None` for addresses where none can be.
#[must_use]
pub fn asset_number(address: &Address) -> Option<u64> {
    let (prefix, number) = address.split_at(12);
    (prefix == PREFIX).then_some(())?;
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

mod interfaces {
    alloy_sol_types::sol! {
        /// What GRAIN and every asset answer: ERC-20 with metadata, EIP-2612 permits, EIP-5267, ERC-1046, ERC-165. Amounts are in the smallest unit.
        #[derive(Debug, PartialEq, Eq)]
        interface Erc20 {
            function name() external view returns (string memory);
            function symbol() external view returns (string memory);
            function decimals() external view returns (uint8);
            /// Of an asset: what exists now. Of GRAIN: what existed after the last block; base fees burnt in this one are not yet subtracted.
            function totalSupply() external view returns (uint256);
            function balanceOf(address account) external view returns (uint256);
            function allowance(address owner, address spender) external view returns (uint256);
            function transfer(address to, uint256 value) external returns (bool);
            function approve(address spender, uint256 value) external returns (bool);
            /// An allowance of 2^256 - 1 is not used up.
            function transferFrom(address from, address to, uint256 value) external returns (bool);

            /// Allows with the owner's signature over `Permit`. `deadline` is the last second in which it can be used.
            function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
            function nonces(address owner) external view returns (uint256);
            function DOMAIN_SEPARATOR() external view returns (bytes32);
            function eip712Domain() external view returns (bytes1 fields, string memory name, string memory version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] memory extensions);

            /// Where the metadata lies; empty when there is none.
            function tokenURI() external view returns (string memory);
            function supportsInterface(bytes4 interfaceId) external view returns (bool);

            /// The zero address sends what is minted and receives what is burnt. Plain sends of GRAIN make no such event.
            event Transfer(address indexed from, address indexed to, uint256 value);
            event Approval(address indexed owner, address indexed spender, uint256 value);
        }

        /// Why a transfer, an allowance or a permit is refused: ERC-6093, and for permits the names of OpenZeppelin Contracts 5.
        #[derive(Debug, PartialEq, Eq)]
        interface Erc20Errors {
            error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
            error ERC20InvalidSender(address sender);
            /// The zero address, or the asset's own.
            error ERC20InvalidReceiver(address receiver);
            error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
            error ERC20InvalidApprover(address approver);
            error ERC20InvalidSpender(address spender);
            error ERC2612ExpiredSignature(uint256 deadline);
            error ERC2612InvalidSigner(address signer, address owner);
            /// `v`, `r` and `s` are no signature.
            error ECDSAInvalidSignature();
            /// Of the two `s` that fit a signature this is the higher.
            error ECDSAInvalidSignatureS(bytes32 s);
        }

        /// What an asset with an issuer answers besides.
        #[derive(Debug, PartialEq, Eq)]
        interface IssuedAsset {
            /// Who may mint; zero when nobody may any more.
            function issuer() external view returns (address);
            /// To whom the issuer's role is offered.
            function offeredTo() external view returns (address);
            /// The most that may exist at a time.
            function cap() external view returns (uint256);
            function paused() external view returns (bool);
            /// What the terms allow, fixed at creation.
            function powers() external view returns (bool pausable, bool burnable, bool transferable, bool renounceable);

            /// By the issuer.
            function mint(address to, uint256 value) external;
            function burn(uint256 value) external;
            function burnFrom(address account, uint256 value) external;
            /// By the issuer: no balance moves until `unpause`.
            function pause() external;
            function unpause() external;
            /// By the issuer: `to` may take its role over with `acceptIssuer`. Zero takes the offer back.
            function offerIssuer(address to) external;
            function acceptIssuer() external;
            /// By the issuer, for good.
            function renounceIssuer() external;

            event Paused(address account);
            event Unpaused(address account);
            event IssuerOffered(address indexed issuer, address indexed to);
            event IssuerChanged(address indexed previous, address indexed issuer);

            error ERC20ExceededCap(uint256 increasedSupply, uint256 cap);
            error EnforcedPause();
            error ExpectedPause();
            error NotIssuer(address caller);
            error NotOffered(address caller);
            /// The asset's terms allow this to nobody.
            error Forbidden(string action);
        }

        /// Creates assets. Each answers `Erc20` and `IssuedAsset` at its own address.
        #[derive(Debug, PartialEq, Eq)]
        interface Assets {
            struct Terms {
                /// 1 to 64 bytes, without control characters.
                string name;
                /// 1 to 16 bytes, without control characters.
                string symbol;
                /// At most 36.
                uint8 decimals;
                /// The most that may exist at a time; not 0.
                uint256 cap;
                /// Where the metadata lies (ERC-1046), at most 256 bytes; may be empty.
                string uri;
                /// Who may mint.
                address issuer;
                /// The issuer may pause.
                bool pausable;
                /// Holders may burn.
                bool burnable;
                /// The issuer may hand its role over.
                bool transferable;
                /// The issuer may give its role up.
                bool renounceable;
            }

            /// By anyone. Nothing of the asset exists until its issuer mints.
            function create(Terms calldata terms) external returns (address asset);
            /// Number of assets; they are numbered from 1.
            function count() external view returns (uint64);
            function assetAt(uint64 number) external view returns (address asset);
            function isAsset(address account) external view returns (bool);

            event AssetCreated(address indexed asset, address indexed creator, address indexed issuer, Terms terms);

            error NoSuchAsset(uint64 number);
            error BadTerms(string reason);
        }

        /// What an owner signs (EIP-712).
        #[derive(Debug, PartialEq, Eq)]
        struct Permit {
            address owner;
            address spender;
            uint256 value;
            uint256 nonce;
            uint256 deadline;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{keccak256, uint};
    use alloy_sol_types::SolValue;

    use super::*;

    #[test]
    fn an_assets_address_tells_its_number() {
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
