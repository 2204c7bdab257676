//! Why a pool refuses.

use fixed_point::ArithmeticError;

/// Why a call of a pool is refused. The comment names the message of the Solidity original; many have none there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// `LOK`
    #[error("the pool is locked: it has no price yet, or a call of it is running")]
    Locked,
    /// `AI`
    #[error("the pool has a price already")]
    AlreadyInitialized,
    /// `TLU`
    #[error("the lower tick must be below the upper one")]
    TickOrder,
    /// `TLM`
    #[error("the lower tick is below -887272")]
    LowerTickTooLow,
    /// `TUM`
    #[error("the upper tick is above 887272")]
    UpperTickTooHigh,
    /// `T`
    #[error("the tick is beyond 887272 either way")]
    TickOutOfRange,
    /// `R`
    #[error("the square root of the price is outside of what ticks express")]
    PriceOutOfRange,
    /// `LO`
    #[error("the tick would have more liquidity than one tick may have")]
    TickLiquidity,
    /// `LS`
    #[error("there is less liquidity than is taken")]
    LiquidityUnderflow,
    /// `LA`
    #[error("the liquidity needs more than 128 bits")]
    LiquidityOverflow,
    /// `NP`
    #[error("the position has no liquidity")]
    NoPosition,
    /// `AS`
    #[error("the amount of the swap is 0")]
    SwapAmount,
    /// `SPL`
    #[error("the price limit is on the wrong side of the price, or beyond what ticks express")]
    PriceLimit,
    /// `M0`
    #[error("less of asset 0 was paid than the liquidity needs")]
    MintUnderpaid0,
    /// `M1`
    #[error("less of asset 1 was paid than the liquidity needs")]
    MintUnderpaid1,
    /// `IIA`
    #[error("less was paid than the swap takes")]
    SwapUnderpaid,
    /// `L`
    #[error("the pool has no active liquidity")]
    NoLiquidity,
    /// `F0`
    #[error("less of asset 0 was paid back than was lent, with its fee")]
    FlashUnderpaid0,
    /// `F1`
    #[error("less of asset 1 was paid back than was lent, with its fee")]
    FlashUnderpaid1,
    /// `I`
    #[error("the pool has no observation")]
    NoObservation,
    /// `OLD`
    #[error("the time is before the oldest observation")]
    TooOld,
    /// No message.
    #[error("the tick is not a multiple of the tick spacing")]
    TickSpacing,
    /// No message.
    #[error("no position begins or ends at the tick")]
    TickNotInitialized,
    /// No message.
    #[error("the amount of liquidity is 0")]
    LiquidityAmount,
    /// No message.
    #[error("a protocol fee is 0, or a part from a fourth to a tenth")]
    ProtocolFee,
    /// No message.
    #[error("a result does not fit its type, or a division by 0")]
    Arithmetic,
}

impl Refused {
    /// Returns the message that the Solidity original reverts with, if it has one.
    #[must_use]
    pub const fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Locked => "LOK",
            Self::AlreadyInitialized => "AI",
            Self::TickOrder => "TLU",
            Self::LowerTickTooLow => "TLM",
            Self::UpperTickTooHigh => "TUM",
            Self::TickOutOfRange => "T",
            Self::PriceOutOfRange => "R",
            Self::TickLiquidity => "LO",
            Self::LiquidityUnderflow => "LS",
            Self::LiquidityOverflow => "LA",
            Self::NoPosition => "NP",
            Self::SwapAmount => "AS",
            Self::PriceLimit => "SPL",
            Self::MintUnderpaid0 => "M0",
            Self::MintUnderpaid1 => "M1",
            Self::SwapUnderpaid => "IIA",
            Self::NoLiquidity => "L",
            Self::FlashUnderpaid0 => "F0",
            Self::FlashUnderpaid1 => "F1",
            Self::NoObservation => "I",
            Self::TooOld => "OLD",
            Self::TickSpacing
            | Self::TickNotInitialized
            | Self::LiquidityAmount
            | Self::ProtocolFee
            | Self::Arithmetic => return None,
        })
    }
}

impl From<ArithmeticError> for Refused {
    fn from(_: ArithmeticError) -> Self {
        Self::Arithmetic
    }
}
