//! The vector instructions of the kernels. The choice changes the time, never the result.
//!
//! A kernel is written once, as safe code over slices that is always inlined. The macro `per_isa` compiles that code
//! once for each instruction set and calls the chosen one. This is sound because of [`Checked`], which exists only
//! for instructions that the processor has. The only other unsafe code of the crate are the micro-kernels of
//! [`crate::gemm`].

use std::fmt;
use std::str::FromStr;

/// A set of vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Scalar code, available on every machine: the reference. Slow on x86, since the fused multiply-add is then a
    /// function call.
    Scalar,
    /// AVX2 and FMA, 8 lanes.
    Avx2,
    /// AVX-512F, 16 lanes.
    Avx512,
    /// NEON of 64-bit ARM, 4 lanes.
    Neon,
}

/// The name is not an instruction set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown instructions `{name}`: give scalar, avx2, avx512 or neon")]
pub struct IsaError {
    /// The given name.
    pub name: String,
}

impl Isa {
    /// Every set, the reference first.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Avx2, Self::Avx512, Self::Neon];

    /// Returns the widest set that this processor has.
    #[must_use]
    pub fn detect() -> Self {
        [Self::Avx512, Self::Avx2, Self::Neon]
            .into_iter()
            .find(|isa| isa.is_available())
            .unwrap_or(Self::Scalar)
    }

    /// Returns whether this processor has the set.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
            // Part of every 64-bit ARM target of the standard library.
            Self::Neon => cfg!(all(target_arch = "aarch64", target_feature = "neon")),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        })
    }
}

impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(name: &str) -> Result<Self, IsaError> {
        let mut all = Self::ALL.into_iter();
        all.find(|isa| isa.to_string() == name).ok_or_else(|| IsaError { name: name.to_owned() })
    }
}

/// Proof that the processor has certain instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked(Isa);

impl Checked {
    /// Returns the proof, or `None` when the processor lacks the instructions.
    #[must_use]
    pub fn new(isa: Isa) -> Option<Self> {
        isa.is_available().then_some(Self(isa))
    }

    /// Returns the instructions.
    #[must_use]
    pub fn isa(self) -> Isa {
        self.0
    }
}

/// Defines `fn name(isa: Checked, …)` that runs `scalar`, `avx2` or `avx512`: the same always-inlined safe function,
/// compiled for each instruction set.
macro_rules! per_isa {
    (
        $(#[$meta:meta])*
        $name:ident($($argument:ident: $kind:ty),* $(,)?) =>
        scalar $scalar:expr, avx2 $avx2:expr, avx512 $avx512:expr
    ) => {
        $(#[$meta])*
        pub(crate) fn $name(isa: $crate::instructions::Checked, $($argument: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $kind),*) {
                $avx2($($argument),*);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512dq")]
            fn avx512($($argument: $kind),*) {
                $avx512($($argument),*);
            }
            match isa.isa() {
                #[cfg(target_arch = "x86_64")]
                #[expect(unsafe_code, reason = "calls code compiled for instructions that the crate does not require")]
                // SAFETY: `Checked` is only made when the processor has AVX2 and FMA.
                $crate::instructions::Isa::Avx2 => unsafe { avx2($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                #[expect(unsafe_code, reason = "calls code compiled for instructions that the crate does not require")]
                // SAFETY: `Checked` is only made when the processor has AVX-512F, VL and DQ.
                $crate::instructions::Isa::Avx512 => unsafe { avx512($($argument),*) },
                _ => $scalar($($argument),*),
            }
        }
    };
    (
        $(#[$meta:meta])*
        $name:ident($($argument:ident: $kind:ty),* $(,)?) => $body:expr
    ) => {
        $crate::instructions::per_isa! {
            $(#[$meta])*
            $name($($argument: $kind),*) => scalar $body, avx2 $body, avx512 $body
        }
    };
}
pub(crate) use per_isa;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for isa in Isa::ALL {
            assert_eq!(isa.to_string().parse(), Ok(isa));
        }
        let error = "AVX512".parse::<Isa>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown instructions `AVX512`: give scalar, avx2, avx512 or neon"
        );
    }
}
