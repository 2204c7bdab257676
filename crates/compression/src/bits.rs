//! Bits in bytes, the lowest first.

/// Writes bits into bytes.
pub(crate) struct BitWriter<'a> {
    bytes: &'a mut Vec<u8>,
    pending: u32,
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
        self.pending |= value << self.pending_count;
        self.pending_count += count;
        while self.pending_count >= 8 {
            self.flush_byte();
            self.pending_count -= 8;
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
    pub(crate) fn pad(mut self) {
        if self.pending_count > 0 {
            self.flush_byte();
        }
    }

    fn flush_byte(&mut self) {
        let [lowest, ..] = self.pending.to_le_bytes();
        self.bytes.push(lowest);
        self.pending >>= 8;
    }
}

/// Reads bits from bytes; it takes no byte before it needs one.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    pending: u32,
    pending_count: u32,
}

impl<'a> BitReader<'a> {
    /// Returns a reader of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pending: 0, pending_count: 0 }
    }

    /// Returns the next `count` bits, at most 24, or `None` at the end of the bytes.
    pub(crate) fn take(&mut self, count: u32) -> Option<u32> {
        while self.pending_count < count {
            self.load()?;
        }
        let taken = self.pending & ((1 << count) - 1);
        self.pending >>= count;
        self.pending_count -= count;
        Some(taken)
    }

    /// Returns the number of zeros before the next one, and takes both; `None` at the end of the bytes.
    pub(crate) fn take_unary(&mut self) -> Option<usize> {
        let mut zeros: usize = 0;
        while self.pending == 0 {
            zeros += usize::try_from(self.pending_count).ok()?;
            self.pending_count = 0;
            self.load()?;
        }
        let count = self.pending.trailing_zeros();
        self.pending >>= count + 1;
        self.pending_count -= count + 1;
        Some(zeros + usize::try_from(count).ok()?)
    }

    /// Returns the bytes after the one that was begun, or `None` when a bit is set in the rest of that one.
    pub(crate) fn end(self) -> Option<&'a [u8]> {
        (self.pending == 0).then_some(self.bytes)
    }

    fn load(&mut self) -> Option<()> {
        let next = *self.bytes.split_off_first()?;
        self.pending |= u32::from(next) << self.pending_count;
        self.pending_count += 8;
        Some(())
    }
}
