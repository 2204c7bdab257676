//! Which vector instructions run the kernels. The choice changes the time, never a bit.
//!
//! A kernel is written once, as safe code over slices that is always inlined. The macro `per_isa` compiles that code once for each
//! instruction set and calls the one that was chosen; it is the only unsafe code of the crate. What makes it sound is [`Checked`],
//! which can only be had for instructions the processor has.

use std::fmt;

/// A set of vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// What every machine has: the reference. On x86 slow, since the fused multiply-add is then a function call.
    Scalar,
    /// AVX2 and FMA, 8 lanes.
    Avx2,
    /// AVX-512F, 16 lanes.
    Avx512,
}

impl Isa {
    /// The widest set this processor has.
    #[must_use]
    pub fn detect() -> Self {
        [Self::Avx512, Self::Avx2]
            .into_iter()
            .find(|isa| isa.is_available())
            .unwrap_or(Self::Scalar)
    }

    /// Whether this processor has the set.
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
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

/// Proof that the processor has the instructions named inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked(Isa);

impl Checked {
    /// None when the processor lacks the instructions.
    #[must_use]
    pub fn new(isa: Isa) -> Option<Self> {
        isa.is_available().then_some(Self(isa))
    }

    /// The instructions.
    #[must_use]
    pub fn isa(self) -> Isa {
        self.0
    }
}

/// Defines `fn name(isa: Checked, …)` that runs `scalar`, `avx2` or `avx512`, each an always-inlined safe function of the same arguments,
/// compiled for its instruction set.
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
                #[expect(unsafe_code, reason = "calls code compiled for more instructions than the crate is")]
                // SAFETY: `Checked` is only made when the processor has AVX2 and FMA.
                $crate::instructions::Isa::Avx2 => unsafe { avx2($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                #[expect(unsafe_code, reason = "calls code compiled for more instructions than the crate is")]
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
