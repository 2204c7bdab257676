//! How a rule ends early, for rules that load and store through a host.

use native_kit::Failure;

/// Ends a rule early: a refusal of the rule, which its adapter has put into the words of its interface, or a failure of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended(pub(crate) Failure);

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        ended.0
    }
}
