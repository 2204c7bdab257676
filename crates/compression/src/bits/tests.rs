use proptest::{collection::vec, prelude::*};

use super::*;

/// Reads bit after bit, as the module's first line says where each is.
struct Plain<'a> {
    bytes: &'a [u8],
    next: usize,
}

impl Plain<'_> {
    fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.next / 8)?;
        self.next += 1;
        Some((byte >> ((self.next - 1) % 8)) & 1 == 1)
    }

    fn take(&mut self, count: u32) -> Option<u32> {
        let before = self.next;
        let bits: Option<Vec<bool>> = (0..count).map(|_| self.bit()).collect();
        if bits.is_none() {
            self.next = before;
        }
        Some(bits?.iter().rev().fold(0, |value, bit| value << 1 | u32::from(*bit)))
    }

    fn take_unary(&mut self) -> Option<usize> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
        }
        Some(zeros)
    }

    fn end(mut self) -> Option<usize> {
        while !self.next.is_multiple_of(8) {
            if self.bit()? {
                return None;
            }
        }
        Some(self.bytes.len() - self.next / 8)
    }
}

#[derive(Clone, Copy, Debug)]
enum Read {
    Take(u32),
    All(u32, usize),
    Unary,
}

fn reads() -> impl Strategy<Value = Vec<Read>> {
    let read = prop_oneof![
        (0_u32..=24).prop_map(Read::Take),
        (1_u32..=4, 0_usize..90).prop_map(|(count, number)| Read::All(count, number)),
        Just(Read::Unary),
    ];
    vec(read, 0..12)
}

/// Long runs of zeros, and bits of every density.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![3 => Just(0_u8), 1 => Just(0x80), 2 => any::<u8>()], 0..60)
}

proptest! {
    #[test]
    fn words_are_read_as_single_bits(bytes in bytes(), reads in reads()) {
        let (mut words, mut plain) = (BitReader::new(&bytes), Plain { bytes: &bytes, next: 0 });
        for read in reads {
            let is_there = match read {
                Read::Take(count) => {
                    let expected = plain.take(count);
                    prop_assert_eq!(words.take(count), expected);
                    expected.is_some()
                }
                Read::All(count, number) => {
                    let expected: Option<Vec<u32>> = (0..number).map(|_| plain.take(count)).collect();
                    let mut found = Vec::new();
                    let taken = words.take_all(count, number, &mut found);
                    prop_assert_eq!(taken.is_some(), expected.is_some());
                    if let Some(expected) = &expected {
                        let found: Vec<u32> = found.into_iter().map(u32::from).collect();
                        prop_assert_eq!(&found, expected);
                    }
                    expected.is_some()
                }
                Read::Unary => {
                    let expected = plain.take_unary();
                    prop_assert_eq!(words.take_unary(), expected);
                    expected.is_some()
                }
            };
            // The decoder stops at the first read that fails.
            if !is_there {
                return Ok(());
            }
        }
        prop_assert_eq!(words.end().map(<[u8]>::len), plain.end());
    }

    #[test]
    fn what_is_written_is_read(values in vec((any::<u32>(), 0_u32..=24, 0_u32..70), 0..40)) {
        let mut bytes = vec![0xab];
        let mut writer = BitWriter::new(&mut bytes);
        for &(value, count, zeros) in &values {
            writer.put(value & ((1 << count) - 1), count);
            writer.put_unary(zeros);
        }
        writer.pad();
        bytes.push(0xcd);
        let mut reader = BitReader::new(&bytes[1..]);
        for &(value, count, zeros) in &values {
            prop_assert_eq!(reader.take(count), Some(value & ((1 << count) - 1)));
            prop_assert_eq!(reader.take_unary(), Some(usize::try_from(zeros).unwrap()));
        }
        prop_assert_eq!(reader.end(), Some(&[0xcd][..]));
    }
}
