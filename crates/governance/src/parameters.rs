//! Parameters of modules that a vote may change, and how far.

use thiserror::Error;

use crate::Class;

/// A figure that a module reads each time it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name: the module, a dot, and what it is. At most 32 bytes of ASCII, so that it is its own key.
    pub name: &'static str,
    /// What the figure counts.
    pub unit: &'static str,
    /// What it decides, in one sentence.
    pub docs: &'static str,
    /// Its value until a vote changes it.
    pub default: u128,
    /// Its smallest value.
    pub least: u128,
    /// Its largest value.
    pub most: u128,
    /// How a change within the band is decided. The band itself changes only with a revision of the rules.
    pub class: Class,
}

/// The smallest audit rate that the terms of a new run may name.
pub const AUDIT_RATE_FLOOR: Parameter = Parameter {
    name: "training-runs.audit-rate-floor",
    unit: "basis points",
    docs: "The smallest audit rate that the terms of a new run may name.",
    default: 500,
    least: 500,
    most: 5_000,
    class: Class::Routine,
};

/// The share of the pay for claimed work that is burnt with the claim.
pub const BURN_SHARE: Parameter = Parameter {
    name: "issuance.burn-share",
    unit: "basis points",
    docs: "The share of the pay for claimed work that is burnt with the claim.",
    default: 2_000,
    least: 2_000,
    most: 5_000,
    class: Class::Constitutional,
};

/// How many commitments of a claim the referees repeat.
pub const SAMPLES: Parameter = Parameter {
    name: "issuance.samples",
    unit: "commitments",
    docs: "How many commitments of a claim the referees repeat.",
    default: 3,
    least: 3,
    most: 10,
    class: Class::Constitutional,
};

/// The least that is burnt with claimed work, whatever its pay.
pub const LEAST_BURN: Parameter = Parameter {
    name: "issuance.least-burn",
    unit: "wei for a million floating-point operations",
    docs: "The least that is burnt with claimed work, whatever its pay.",
    default: 1_000_000_000,
    least: 0,
    most: 1_000_000_000_000_000,
    class: Class::Constitutional,
};

/// The share of the Stake House that votes delegated to one account count up to.
pub const RECEIVED_CAP: Parameter = Parameter {
    name: "stake-house.received-cap",
    unit: "basis points",
    docs: "The share of the Stake House that votes delegated to one account count up to.",
    default: 300,
    least: 100,
    most: 1_000,
    class: Class::Constitutional,
};

/// All parameters. A vote on anything outside this list is a call of the module concerned.
pub const PARAMETERS: &[Parameter] =
    &[AUDIT_RATE_FLOOR, BURN_SHARE, SAMPLES, LEAST_BURN, RECEIVED_CAP];

/// Why a parameter is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParameterError {
    /// No parameter has that name.
    #[error("there is no parameter with this name: `gleaner proposals parameters` lists them")]
    Unknown,
    /// The value is outside the band.
    #[error("{name} would be {value}: give {least} to {most}")]
    OutOfBand {
        /// The parameter.
        name: &'static str,
        /// The proposed value.
        value: u128,
        /// The smallest value.
        least: u128,
        /// The largest value.
        most: u128,
    },
}

impl Parameter {
    /// Checks that a value is within the band.
    ///
    /// # Errors
    /// [`ParameterError::OutOfBand`].
    pub fn check(&self, value: u128) -> Result<(), ParameterError> {
        let Self { name, least, most, .. } = *self;
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(ParameterError::OutOfBand { name, value, least, most })
    }

    /// Returns the key that stands for it in calls and storage: its name, filled up with zeros.
    #[must_use]
    pub const fn key(&self) -> [u8; 32] {
        let (name, mut key) = (self.name.as_bytes(), [0; 32]);
        assert!(name.len() <= 32, "a name is its own key");
        let (start, _) = key.split_at_mut(name.len());
        start.copy_from_slice(name);
        key
    }
}

/// Returns the parameter with this key.
///
/// # Errors
/// [`ParameterError::Unknown`].
pub fn parameter(key: &[u8; 32]) -> Result<&'static Parameter, ParameterError> {
    PARAMETERS.iter().find(|parameter| parameter.key() == *key).ok_or(ParameterError::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_starts_within_its_band_and_is_found_by_its_key() {
        for named in PARAMETERS {
            assert!(named.name.is_ascii() && named.name.contains('.'), "{}", named.name);
            named.check(named.default).unwrap();
            assert_eq!(parameter(&named.key()), Ok(named));
        }
        assert_eq!(parameter(&[0; 32]), Err(ParameterError::Unknown));
    }

    #[test]
    fn a_value_outside_the_band_is_refused_on_both_sides() {
        for named in PARAMETERS {
            let Parameter { name, least, most, .. } = *named;
            named.check(least).unwrap();
            named.check(most).unwrap();
            for value in [least.checked_sub(1), most.checked_add(1)].into_iter().flatten() {
                let error = ParameterError::OutOfBand { name, value, least, most };
                assert_eq!(named.check(value), Err(error));
            }
        }
    }
}
