// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// What an asset with an issuer answers besides.
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

    /// the supply would become {increasedSupply} in the smallest unit, the cap is {cap}
    error ERC20ExceededCap(uint256 increasedSupply, uint256 cap);
    /// the asset is paused
    error EnforcedPause();
    /// the asset is not paused
    error ExpectedPause();
    /// {caller} is not the asset's issuer
    error NotIssuer(address caller);
    /// the issuer's role was not offered to {caller}
    error NotOffered(address caller);
    /// the asset's terms do not allow to {action}
    error Forbidden(string action);
}
