//! Executes a block of transactions as a pure function.
//!
//! It decides which transactions a block may include, how they change the accounts, what they cost, and what the
//! header contains. It reads a snapshot ([`State`]) and returns the differences; it opens no file, reads no clock and
//! draws no random number. The same snapshot and input give the same bytes.
//!
//! One block, in order:
//! 1. [`execute_block`] derives the environment from the parent header and the [`BlockInput`]; the base fee follows
//!    EIP-1559, the [`Revision`] of the rules follows from the height, by the genesis file and by what votes have scheduled in the parent's state. In the first block
//!    of a revision its new native modules are added as accounts.
//! 2. Each transaction runs on top of the ones before it. One that cannot be included is reported as [`Refused`] and
//!    changes nothing; one that reverts is included, pays, and changes nothing else.
//! 3. The differences to the snapshot become [`StateChanges`], in address order, and update the [`Commitment`]. The
//!    supply of GRAIN, which the module GRAIN returns, follows the balances by the rules in `supply`.
//! 4. The header is sealed: transaction and receipt roots are Ethereum's tries, the state root is the commitment's.
//!
//! Invariants: value is conserved except for the burnt base fee (and a contract that destroys itself in favour of
//! itself in the transaction that created it); the state root updated by differences equals the one computed from all
//! accounts; gas used ≤ gas limit.
//!
//! It does not order transactions, keep a mempool, store anything, or check a producer's signature.
//!
//! Deviations from Ethereum (Osaka rules otherwise):
//! - The state root is not a Merkle-Patricia root but that of a binary trie with BLAKE3 ([`Commitment`]) that holds
//!   accounts and slots together: `eth_getProof` has no proof; [`StateProof`] and [`ProofDocument`] replace it.
//! - No blobs (EIP-4844), withdrawals, beacon roots (EIP-4788) or history contract (EIP-2935): their header fields
//!   have the values of an empty block. A transaction may use the whole gas of a block (EIP-7825's cap is raised),
//!   because module calls can be large.
//! - Two blocks may have the same second, because blocks are produced on demand.
//! - Transactions without a chain id (before EIP-155) are refused: they could be replayed from another chain.

mod access;
mod amendment;
mod block;
mod call;
mod changes;
mod commitment;
mod environment;
mod evm;
mod fees;
mod frames;
mod genesis;
mod halt;
mod modules;
mod overlay;
mod overrides;
mod pending;
mod prestate;
mod revision;
mod rules;
mod simulate;
mod stateless;
mod steps;
mod supply;
mod trace;
mod transaction;
mod transfers;

pub use access::Accesses;
pub use amendment::{Amendment, AmendmentError, amend};
pub use block::{
    BlockError, Built, EXTRA_DATA_SIZE_MAX, ExecutedBlock, PROOF_SIZE_MAX, Parent, execute_block,
    execute_pending, execute_unsealed,
};
pub use call::{Call, CallContext, CallError, CallOutcome, EstimateError, call, estimate_gas};
pub use changes::{AccountState, Change, StateChanges};
pub use commitment::{
    AccountDocument, AncestryError, BUCKET_ENTRIES_MAX, Commitment, CommitmentError, DocumentError,
    Entries, Entry, LeafDocument, Moved, OutOfOrder, PROVEN_SLOTS_MAX, PathDocument, PathEnd,
    ProofDocument, ProofError, Proven, Replayed, RestoreError, Restored, SlotDocument, State,
    StateKey, StateProof, ancestor, encoded_header,
};
pub use environment::{BlockInput, Deviations, Environment};
pub use fees::{BaseFeeRule, next_base_fee};
pub use frames::{Frame, FrameKind, FrameLog, FrameOptions, TREE_SIZE_MAX};
pub use genesis::{Genesis, GenesisAccount, GenesisError, GenesisPriceReporters, GenesisReferees};
pub use halt::OUT_OF_GAS;
pub use modules::MODULES;
/// The native modules that a program knows, and its newest revision.
pub use native_kit::Table as ModuleTable;
/// Returns whether an address is reserved for native modules, now or later; a module exists there when the account
/// has code.
pub use native_modules::is_reserved as is_native;
/// The module whose storage extends the schedule by votes, and how it is read.
pub use native_modules::revisions::{ADDRESS as REVISIONS, scheduled as voted_schedule};
/// What the storage of `Juries` says of a case, for who has words of it from proofs, and the draw of its seats.
pub use native_modules::{
    JuryCase as ProvenJuryCase, SeatDrawn as RedrawnSeat, SeatError as RedrawError,
    jury_case as proven_jury_case, jury_commitment, jury_seat as redrawn_jury_seat,
    jury_seats as proven_jury_seats,
};
/// What the Governor's storage says of a proposal, for who has words of it from proofs.
pub use native_modules::{proposal as proven_proposal, proposal_id as proven_proposal_id};
pub use overrides::{AccountOverride, BlockOverrides, Overrides, StorageOverride, is_precompile};
pub use pending::{PendingBlock, StateAfter};
pub use prestate::{AccountSeen, PRESTATE_SIZE_MAX, Prestate, PrestateOptions};
pub use revision::{
    ACTIVATIONS_MAX, Activation, Revision, Schedule, ScheduleError, UnknownRevision,
};
pub use rules::Rules;
pub use simulate::{
    BlockPlan, Message, SIMULATED_BLOCKS_MAX, SIMULATED_GAS_BLOCKS_MAX, SIMULATED_SIZE_MAX,
    SimulateError, SimulatedBlock, SimulatedCall, Simulation, simulate,
};
pub use stateless::{NONCE_MAX, check_stateless};
pub use steps::{STEPS_SIZE_MAX, Step, StepOptions};
pub use supply::SupplyError;
pub use trace::{Replay, Trace, TraceError, Tracer};
pub use transaction::{
    DecodeError, Refusal, Refused, TRANSACTION_SIZE_MAX, Transaction, decode_transaction,
};
pub use transfers::TRANSFERS;
