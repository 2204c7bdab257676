use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolError;

/// A value that no ledger of ours gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}, which is not possible")]
pub struct Impossible {
    /// The field of the answer or log.
    pub field: &'static str,
    /// What stands there.
    pub value: String,
}

impl Impossible {
    pub(crate) fn new(field: &'static str, value: impl ToString) -> Self {
        Self { field, value: value.to_string() }
    }
}

/// Why a view could not be read: what was asked, of whom, what came back.
#[derive(Debug, thiserror::Error)]
pub enum ViewError<E: std::error::Error + 'static> {
    /// Nobody answered.
    #[error(transparent)]
    Unanswered(#[from] E),
    /// The contract reverted: there is no such thing, as a rule.
    #[error("{of} refuses {call} with {}", reverted(.data))]
    Refused {
        /// Signature of the function.
        call: &'static str,
        /// The contract.
        of: Address,
        /// The ABI-encoded error, for [`ViewError::refusal`].
        data: Bytes,
    },
    /// What came back is not what the function returns.
    #[error(
        "{of} answers {call} with {size} bytes that can't be decoded ({source}): is it another contract?"
    )]
    Undecodable {
        /// Signature of the function.
        call: &'static str,
        /// The contract.
        of: Address,
        /// Bytes returned.
        size: usize,
        /// What is wrong with them.
        source: Box<alloy_sol_types::Error>,
    },
    /// What came back says what can't be.
    #[error("{of} answers {call} with what can't be: {source}")]
    Impossible {
        /// Signature of the function or event.
        call: &'static str,
        /// The contract.
        of: Address,
        /// Which value.
        source: Impossible,
    },
}

impl<E: std::error::Error + 'static> ViewError<E> {
    /// The contract's error, if it is an `R`.
    #[must_use]
    pub fn refusal<R: SolError>(&self) -> Option<R> {
        match self {
            Self::Refused { data, .. } => R::abi_decode(data).ok(),
            Self::Unanswered(_) | Self::Undecodable { .. } | Self::Impossible { .. } => None,
        }
    }
}

/// The selector of a revert's error; whoever knows the interface puts it into words.
fn reverted(data: &Bytes) -> String {
    match data.get(..4) {
        Some(selector) => format!("custom error {}", Bytes::copy_from_slice(selector)),
        None => "no reason".to_owned(),
    }
}
