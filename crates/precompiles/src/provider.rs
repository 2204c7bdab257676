//! Our modules beside Ethereum's precompiles.

use abi::{ASSETS, DEVICES, GRAIN, ModuleErrors, TRAINING_RUNS, asset_number};
use alloy_primitives::{Address, B256, Bytes, b256};
use revm::{
    context::{Cfg, ContextTr},
    handler::{EthPrecompiles, PrecompileProvider, precompile_output_to_interpreter_result},
    interpreter::{CallInputs, CallScheme, InterpreterResult},
    precompile::{PrecompileHalt, PrecompileOutput, PrecompileStatus},
    primitives::{AddressSet, hardfork::SpecId},
};

use crate::{
    asset, devices, grain,
    host::{Failure, Host, MODULE_CODE},
    journal::Frame,
    registry, runs,
};

/// How a module is called: host, calldata, whether the call may change nothing; ABI-encoded output.
pub(crate) type Entrance = fn(&mut dyn Host, &[u8], bool) -> Result<Vec<u8>, Failure>;

/// Gas of any call of a module.
const BASE_GAS: u64 = 200;
/// Gas for a word of calldata: it is read, decoded and copied.
const WORD_GAS: u64 = 6;

/// Addresses where modules answer from genesis on.
pub(crate) const ADDRESSES: [Address; 4] = [DEVICES, TRAINING_RUNS, GRAIN, ASSETS];
/// Keccak-256 of [`MODULE_CODE`].
const MODULE_CODE_HASH: B256 =
    b256!("0xbcc90f2d6dada5b18e155c17a1c0a55920aae94f39857d39d0d8ed07ae8f228b");

/// The module addresses and the code they carry in genesis: one invalid opcode, so that the accounts exist and compilers see code there.
#[must_use]
pub fn genesis_accounts() -> Vec<(Address, Bytes)> {
    ADDRESSES.map(|module| (module, Bytes::from_static(&MODULE_CODE))).to_vec()
}

/// Whether only modules may be at an address, now or later.
#[must_use]
pub fn is_reserved(address: &Address) -> bool {
    ADDRESSES.contains(address) || asset_number(address).is_some()
}

/// What answers at an address whose code has that hash. Without the module's code there is an account like any other: an asset that was not created
/// yet, or a ledger whose genesis is older than the module.
pub(crate) fn entrance(address: &Address, code_hash: &B256) -> Option<Entrance> {
    if *code_hash != MODULE_CODE_HASH {
        return None;
    }
    match *address {
        DEVICES => Some(devices::call),
        TRAINING_RUNS => Some(runs::call),
        GRAIN => Some(grain::call),
        ASSETS => Some(registry::call),
        _ => asset_number(address).map(|_| asset::call as Entrance),
    }
}

/// Precompile provider with the native modules.
#[derive(Clone, Debug)]
pub struct Modules {
    ethereum: EthPrecompiles,
    warm: AddressSet,
}

impl Modules {
    /// The modules beside the precompiles of `spec`.
    #[must_use]
    pub fn new(spec: SpecId) -> Self {
        let ethereum = EthPrecompiles::new(spec);
        let warm = warm(&ethereum);
        Self { ethereum, warm }
    }
}

fn warm(ethereum: &EthPrecompiles) -> AddressSet {
    let mut warm = ethereum.warm_addresses().clone();
    warm.extend(ADDRESSES);
    warm
}

impl<CTX: ContextTr<Cfg: Cfg<Spec = SpecId>>> PrecompileProvider<CTX> for Modules {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: SpecId) -> bool {
        // A new journal asks for the addresses anyway; this comes before each transaction.
        let is_changed = PrecompileProvider::<CTX>::set_spec(&mut self.ethereum, spec);
        if is_changed {
            self.warm = warm(&self.ethereum);
        }
        is_changed
    }

    fn run(
        &mut self,
        context: &mut CTX,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        let Some(module) = entrance(&inputs.bytecode_address, &inputs.known_bytecode.0) else {
            return self.ethereum.run(context, inputs);
        };
        // Copied out: it may lie in memory that the journal's work moves.
        let input: Bytes = inputs.input.bytes(context);
        let mut frame = Frame::new(context, inputs, inputs.bytecode_address);
        let result = guarded(&mut frame, inputs, &input, module);
        let tracker = frame.gas();
        let output = match result {
            Ok(bytes) => {
                PrecompileOutput::from_gas_tracker(PrecompileStatus::Success, bytes.into(), tracker)
            }
            Err(Failure::Revert(bytes)) => {
                let mut tracker = tracker;
                tracker.set_refunded(0);
                PrecompileOutput::from_gas_tracker(PrecompileStatus::Revert, bytes, tracker)
            }
            Err(Failure::OutOfGas) => {
                PrecompileOutput::halt(PrecompileHalt::OutOfGas, inputs.reservoir)
            }
            Err(Failure::Database(reason)) => return Err(reason),
        };
        Ok(Some(precompile_output_to_interpreter_result(output, inputs.gas_limit)))
    }

    fn warm_addresses(&self) -> &AddressSet {
        &self.warm
    }
}

/// What holds for every module: how it may be called, and what each call costs.
fn guarded(
    host: &mut dyn Host,
    inputs: &CallInputs,
    input: &[u8],
    module: Entrance,
) -> Result<Vec<u8>, Failure> {
    let words = u64::try_from(input.len().div_ceil(32)).unwrap_or(u64::MAX);
    host.charge(BASE_GAS.saturating_add(words.saturating_mul(WORD_GAS)))?;
    let is_own = inputs.target_address == inputs.bytecode_address;
    if !is_own || !matches!(inputs.scheme, CallScheme::Call | CallScheme::StaticCall) {
        return Err(Failure::revert(&ModuleErrors::DelegateCallNotAllowed {}));
    }
    module(host, input, inputs.is_static)
}
