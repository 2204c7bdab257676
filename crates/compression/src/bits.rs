//! Bits in bytes, the lowest first.

/// Writes bits into bytes.
pub(crate) struct BitWriter<'a> {
    bytes: &'a mut Vec<u8>,
    /// Fewer than 32 bits between calls.
    pending: u64,
    pending_count: u32,
}

impl<'a> BitWriter<'a> {
    /// Returns a writer that appends to `bytes`.
    pub(crate) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes, pending: 0, pending_count: 0 }
    }

    /// Appends the lowest `count` bits of `value`, at most 24; the others are 0.
    pub(crate) fn put(&mut self, value: u32, count: u32) {
        debug_assert!(count <= 24 && value >> count == 0, "{value} has more than {count} bits");
        self.pending |= u64::from(value) << self.pending_count;
        self.pending_count += count;
        if self.pending_count >= 32 {
            let [a, b, c, d, ..] = self.pending.to_le_bytes();
            self.bytes.extend([a, b, c, d]);
            self.pending >>= 32;
            self.pending_count -= 32;
        }
    }

    /// Appends the lowest `count` bits, at most 8, of each value; the others are 0.
    pub(crate) fn put_all(&mut self, values: &[u8], count: u32) {
        let together = usize::try_from(24 / count).unwrap_or(1);
        for values in values.chunks(together) {
            let (bits, bits_count) = values.iter().fold((0, 0), |(bits, before), value| {
                (bits | u32::from(*value) << before, before + count)
            });
            self.put(bits, bits_count);
        }
    }

    /// Appends `value` zeros and a one.
    pub(crate) fn put_unary(&mut self, mut value: u32) {
        while value >= 16 {
            self.put(0, 16);
            value -= 16;
        }
        self.put(1 << value, value + 1);
    }

    /// Fills the last byte with zero bits.
    pub(crate) fn pad(self) {
        let size = usize::try_from(self.pending_count.div_ceil(8)).unwrap_or(usize::MAX);
        self.bytes.extend(self.pending.to_le_bytes().into_iter().take(size));
    }
}

/// Reads bits from bytes.
pub(crate) struct BitReader<'a> {
    /// From the byte of the next bit on.
    bytes: &'a [u8],
    /// Number of bits of the first byte that were taken, below 8.
    taken: u32,
}

impl<'a> BitReader<'a> {
    /// Returns a reader of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, taken: 0 }
    }

    /// Returns the next `count` bits, at most 24, or `None` at the end of the bytes.
    pub(crate) fn take(&mut self, count: u32) -> Option<u32> {
        let (ahead, ahead_count) = self.ahead();
        if count > ahead_count {
            return None;
        }
        self.skip(count);
        let mask = (1 << count) - 1;
        u32::try_from(ahead & mask).ok()
    }

    /// Takes `number` times `count` bits, at most 8, and appends each to `to`; `None` at the end of the bytes.
    pub(crate) fn take_all(&mut self, count: u32, number: usize, to: &mut Vec<u8>) -> Option<()> {
        let mut left = u32::try_from(number).ok()?;
        while left > 0 {
            let (mut ahead, ahead_count) = self.ahead();
            let now = left.min(ahead_count / count);
            if now == 0 {
                return None;
            }
            for _ in 0..now {
                let [lowest, ..] = ahead.to_le_bytes();
                to.push(lowest & ((1 << count) - 1));
                ahead >>= count;
            }
            self.skip(now * count);
            left -= now;
        }
        Some(())
    }

    /// Returns the number of zeros before the next one, and takes both; `None` at the end of the bytes.
    pub(crate) fn take_unary(&mut self) -> Option<usize> {
        let mut zeros: usize = 0;
        loop {
            let (ahead, ahead_count) = self.ahead();
            let count = ahead.trailing_zeros();
            if count < ahead_count {
                self.skip(count + 1);
                return Some(zeros + usize::try_from(count).ok()?);
            }
            if ahead_count == 0 {
                return None;
            }
            zeros += usize::try_from(ahead_count).ok()?;
            self.skip(ahead_count);
        }
    }

    /// Returns the bytes after the one that was begun, or `None` when a bit is set in the rest of that one.
    pub(crate) fn end(self) -> Option<&'a [u8]> {
        match self.bytes.split_first() {
            Some((begun, rest)) if self.taken > 0 => (begun >> self.taken == 0).then_some(rest),
            _ => Some(self.bytes),
        }
    }

    /// Returns the next bits, the first one lowest and the others zero, and their number: 57 or more, unless the bytes end before.
    fn ahead(&self) -> (u64, u32) {
        let (word, count) = match self.bytes.first_chunk() {
            Some(bytes) => (u64::from_le_bytes(*bytes), 64),
            None => {
                let add = |word, (byte, shift): (&u8, u32)| word | (u64::from(*byte) << shift);
                let word = self.bytes.iter().zip((0..64).step_by(8)).fold(0, add);
                (word, u32::try_from(self.bytes.len() * 8).unwrap_or_default())
            }
        };
        (word >> self.taken, count - self.taken)
    }

    /// Passes over bits that are there.
    fn skip(&mut self, count: u32) {
        let passed = self.taken + count;
        let size = usize::try_from(passed / 8).unwrap_or(usize::MAX);
        (self.bytes, self.taken) = (self.bytes.get(size..).unwrap_or_default(), passed % 8);
    }
}

#[cfg(test)]
mod tests;
