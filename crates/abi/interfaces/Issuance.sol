// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// New GRAIN for work that was checked from outside, by a published schedule. One epoch is 7 days, one year 52 epochs.
interface Issuance {
    /// What a claim waits for.
    enum Stage {
        /// Nothing: rounds can be claimed.
        Idle,
        /// The hash of a block, which decides what is checked.
        Requested,
        /// The referees.
        Drawn
    }

    /// Why a claim is void.
    enum Cause {
        /// Nobody drew it within 256 blocks, or its rounds are not kept any more: only these rounds are lost.
        Late,
        /// The referees did not find what was committed to, or could not repeat it: nothing of the account in the run counts.
        Failed
    }

    /// What an epoch issues at most, in wei.
    struct Buckets {
        /// For work, in proportion.
        uint256 work;
        /// For devices that worked.
        uint256 floor;
        /// For what proved useful; to the treasury.
        uint256 retroactive;
        /// For users; to the treasury.
        uint256 rebates;
    }

    /// What was collected in an epoch, by all.
    struct Totals {
        /// Units of work.
        uint128 work;
        /// Shares of the floor, in wei; cut in proportion if they are more than the bucket.
        uint128 floor;
        /// Devices that collected work.
        uint32 devices;
        /// Whether the treasury has had its buckets.
        bool funded;
    }

    /// The work of a device in a run.
    struct Work {
        /// Who collects it: the account of its last claim; zero before the first.
        address account;
        Stage stage;
        /// Of a request: the first height at which the checks can be drawn.
        uint64 drawsFrom;
        /// The claimed rounds; once they are drawn, those that are checked.
        uint32[] rounds;
        /// Rounds below this one are claimed.
        uint32 nextRound;
        /// Pay for the rounds of the open claim.
        uint128 pay;
        /// Bond of the open claim.
        uint128 bond;
        /// Pay for rounds that were checked, in total.
        uint128 checkedPay;
        /// Pay for work that the run has released, in total, to others than its owner.
        uint128 releasedPay;
        /// Pay for work that was collected, in total.
        uint128 collectedPay;
        /// Pay that can be collected now.
        uint128 collectable;
        /// What collecting it burns.
        uint128 burn;
        /// Whether nothing of the account in this run counts any more.
        bool isVoid;
    }

    /// What can be claimed now.
    struct Quote {
        /// Rounds.
        uint32 rounds;
        /// Their pay.
        uint128 pay;
        /// What their checks cost.
        uint128 bond;
    }

    /// Rewards of an account, in wei, of epochs that are over.
    struct Rewards {
        uint256 earned;
        uint256 vested;
        uint256 paid;
        /// Vested and not paid.
        uint256 claimable;
        /// Earned and not vested.
        uint256 vesting;
        /// Units of work in the present epoch, whose rewards are known at its end.
        uint128 work;
    }

    /// Registers a run by its specification, whose BLAKE3 digest is in its terms. Anyone may. The first run that is registered begins epoch 0.
    function registerRun(uint64 run, bytes calldata specification) external;
    /// Claims all verified rounds of a device among the newest 56 that were not claimed before. By the account that is paid for them; the value is the bond, which pays the referees for the checks.
    function request(uint64 run, bytes32 device) external payable;
    /// Draws the rounds that are checked, with the hash of the block after the request, and brings them before the referees. Anyone may.
    function draw(uint64 run, bytes32 device) external;
    /// Counts a claim as checked when the referees have upheld every drawn round, or voids it. Anyone may.
    function conclude(uint64 run, bytes32 device) external;
    /// Collects work that was checked and whose pay was released, as much as the value covers. By the account; it burns a part of the pay and gives the account voice.
    function collect(uint64 run, bytes32 device) external payable;
    /// Pays the caller everything that has vested, of up to 1,024 epochs with work.
    function claim() external returns (uint256 amount);
    /// Issues the treasury's two buckets of an epoch, in the epoch after it; later they are lost. Anyone may.
    function fund(uint32 epoch) external;

    /// Beginning of epoch 0, and the supply that the schedule is a share of; zero before the first run was registered. The epoch of this block.
    function schedule() external view returns (uint64 start, uint256 supply, uint32 epoch);
    function buckets(uint32 epoch) external view returns (Buckets memory);
    function totals(uint32 epoch) external view returns (Totals memory);
    /// Floating-point operations of a token of a run; 0 before it is registered.
    function operationsPerToken(uint64 run) external view returns (uint128);
    function work(uint64 run, bytes32 device) external view returns (Work memory);
    function quote(uint64 run, bytes32 device) external view returns (Quote memory);
    function rewards(address account) external view returns (Rewards memory);
    /// All that was ever issued.
    function issued() external view returns (uint256);

    event RunRegistered(uint64 indexed run, uint128 operationsPerToken);
    event Begun(uint64 start, uint256 supply);
    event ChecksRequested(uint64 indexed run, bytes32 indexed device, address indexed account, uint32 rounds, uint256 pay, uint256 bond);
    event ChecksDrawn(uint64 indexed run, bytes32 indexed device, uint32[] rounds);
    event ChecksPassed(uint64 indexed run, bytes32 indexed device, uint256 pay);
    event ClaimVoided(uint64 indexed run, bytes32 indexed device, address indexed account, Cause cause);
    event Collected(uint64 indexed run, bytes32 indexed device, address indexed account, uint32 epoch, uint64 tokens, uint256 work, uint256 burnt);
    event RewardPaid(address indexed account, uint256 amount);
    event Funded(uint32 indexed epoch, uint256 retroactive, uint256 rebates);
    /// GRAIN that was taken out of the supply.
    event Burnt(uint256 amount);

    /// run {run} is not registered: register its specification first
    error NotRegistered(uint64 run);
    /// run {run} is registered already
    error RegisteredAlready(uint64 run);
    /// these bytes are not the specification in the terms of run {run}
    error WrongSpecification(uint64 run);
    /// the specification is not in its canonical form at byte {at}
    error SpecificationNotCanonical(uint256 at);
    /// the specification says {field} = {value}: give 1 to {most}
    error SpecificationOutOfBounds(string field, uint64 value, uint64 most);
    /// the terms say {field} = {paid}, the specification computes {computed}: such a run counts for nothing
    error TermsDisagree(string field, uint64 paid, uint64 computed);
    /// run {run} pays nothing for a token: what is not paid for counts for nothing
    error PaysNothing(uint64 run);
    /// only {account}, which is paid for this device, may do this
    error NotTheAccount(address account);
    /// account {account} owns the run: what it pays itself counts for nothing
    error OwnWork(address account);
    /// device {device:plain} has no seat in run {run}
    error DeviceWithoutSeat(uint64 run, bytes32 device);
    /// device {device:plain} was expelled from run {run}
    error DeviceBarred(uint64 run, bytes32 device);
    /// a check of account {account} in run {run} has failed: nothing of it counts there
    error AccountVoid(uint64 run, address account);
    /// a claim of this device is being checked: draw or conclude it first
    error ClaimOpen();
    /// no claim of this device can be drawn or concluded now
    error NoClaim();
    /// no verified round of this device is left to claim: wait for the next one
    error NothingToCheck();
    /// the checks cost {required:grain} GRAIN, {given:grain} GRAIN given
    error CheckBondTooSmall(uint256 given, uint256 required);
    /// too early: the checks can be drawn from block {from} on
    error DrawTooEarly(uint64 from);
    /// the referees have not decided on round {round}
    error CheckUndecided(uint32 round);
    /// nothing to collect: work counts when it was checked and its pay was released
    error NothingToCollect();
    /// collecting burns {least:grain} GRAIN for each token, {given:grain} GRAIN given
    error BurnTooSmall(uint256 given, uint256 least);
    /// nothing has vested that was not paid
    error NothingVested();
    /// epoch {epoch} can't be funded in epoch {current}: only in the one after it
    error WrongEpoch(uint32 epoch, uint32 current);
    /// the treasury has had its part of epoch {epoch}
    error FundedAlready(uint32 epoch);
    /// the first epoch has not begun: no run is registered
    error NotBegun();
    /// the amount is out of range
    error OutOfRange();
}
