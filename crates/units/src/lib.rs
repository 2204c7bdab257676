//! Amounts, rates, times and digests: the words every layer shares.
