//! The instances of a factory: their addresses, and which accounts are of them.

use alloy_primitives::{Address, B256, U256};
use native_kit::{
    Failure, Host, create2_address,
    slots::{Array, Layout as _, Mapping, Value},
    storage,
};

/// Longest name or symbol of an instance's token, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 64;

storage! {
    /// `address[] instances; mapping(address => bool) isInstance;`
    struct Storage {
        instances: Array<Value<Address>>,
        is_instance: Mapping<Address, Value<bool>>,
    }
}

/// The instances of the factory that was called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registry(Storage);

impl Registry {
    pub(crate) fn new() -> Self {
        Self(Storage::at(U256::ZERO, 0))
    }

    pub(crate) fn count(self, host: &mut dyn Host) -> Result<U256, Failure> {
        Ok(U256::from(self.0.instances.len(host)?))
    }

    /// Returns the instance with that number; the zero address from the end on.
    pub(crate) fn at(self, host: &mut dyn Host, index: U256) -> Result<Address, Failure> {
        let Ok(index) = u64::try_from(index) else { return Ok(Address::ZERO) };
        match self.0.instances.element(host, index)? {
            Some(instance) => instance.get(host),
            None => Ok(Address::ZERO),
        }
    }

    pub(crate) fn is_instance(
        self,
        host: &mut dyn Host,
        account: Address,
    ) -> Result<bool, Failure> {
        self.0.is_instance.of(host, account)?.get(host)
    }

    /// Creates the next instance, and notes it.
    pub(crate) fn create(
        self,
        host: &mut dyn Host,
        code: &'static [u8],
    ) -> Result<Address, Failure> {
        let number = self.0.instances.len(host)?;
        let instance = create_numbered(host, code, number)?;
        self.0.instances.push(host)?.set(host, instance)?;
        self.0.is_instance.of(host, instance)?.set(host, true)?;
        Ok(instance)
    }
}

/// Creates an instance of the factory that was called: CREATE2 with `number` as salt, and the code's hash as that of the
/// creation code.
pub(crate) fn create_numbered(
    host: &mut dyn Host,
    code: &'static [u8],
    number: u64,
) -> Result<Address, Failure> {
    let (factory, hash) = (host.module(), host.keccak256(code)?);
    let instance = create2_address(host, factory, B256::from(U256::from(number)), hash)?;
    host.create(instance, code)?;
    Ok(instance)
}

/// Returns which of two texts is too long, and its size.
pub(crate) fn text_too_long(name: &str, symbol: &str) -> Option<(&'static str, U256)> {
    [("name", name), ("symbol", symbol)]
        .into_iter()
        .find(|(_, text)| text.len() > TEXT_BYTES_MAX)
        .map(|(field, text)| (field, U256::from(text.len())))
}
