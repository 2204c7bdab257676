//! Figures that votes may change.

use abi::{PARAMETERS, Parameters};
use alloy_primitives::{B256, U256};
use governance::Class;

use crate::{Ask, Impossible, ViewError, batch, text};

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterView {
    /// What calls name it by.
    pub key: B256,
    /// What people name it by.
    pub name: String,
    /// What its value counts.
    pub unit: String,
    /// What it is for.
    pub about: String,
    /// Its value.
    pub value: U256,
    /// Its value until a vote changed it.
    pub initial: U256,
    /// The least that it can be.
    pub least: U256,
    /// The most that it can be.
    pub most: U256,
    /// How a change is decided.
    pub class: Class,
}

/// Reads all parameters, in the order of the module.
///
/// # Errors
/// [`ViewError`].
pub async fn parameters<A: Ask>(ledger: &A) -> Result<Vec<ParameterView>, ViewError<A::Error>> {
    batch::read(ledger, PARAMETERS, &Parameters::allCall {}, |all| {
        all.into_iter().map(view).collect()
    })
    .await
}

fn view(parameter: Parameters::Parameter) -> Result<ParameterView, Impossible> {
    let class = match parameter.class {
        Parameters::Class::Routine => Class::Routine,
        Parameters::Class::Ordinary => Class::Ordinary,
        Parameters::Class::Constitutional => Class::Constitutional,
        Parameters::Class::__Invalid => return Err(Impossible::new("class", "another number")),
    };
    Ok(ParameterView {
        key: parameter.key,
        name: text::one_line(&parameter.name),
        unit: text::one_line(&parameter.unit),
        about: text::one_line(&parameter.about),
        value: parameter.value,
        initial: parameter.initial,
        least: parameter.least,
        most: parameter.most,
        class,
    })
}
