#![expect(clippy::inline_always, reason = "a field is a few instructions, and a call would return it through memory")]

use super::CorruptRecord;
use crate::vocabulary::{Digest, InvalidValue, Timestamp};

/// Reads fields from a record whose checksum is right.
///
/// The checksum does not prove well-formed content, since every writer to the database can compute one. So each method
/// checks lengths and ranges, and a false length runs out of bytes before it runs out of memory.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    created_at: Timestamp,
}

impl<'a> Reader<'a> {
    /// Checks version and checksum, and reads the creation, to which all times relate.
    ///
    /// # Errors
    /// [`CorruptRecord`] when the bytes are empty, of another version, cut short, damaged, or stored under another key.
    pub(super) fn open(version: u8, key: &[u8; 16], bytes: &'a [u8]) -> Result<Self, CorruptRecord> {
        // The version first: a newer layout may have another checksum, and must not be reported as damaged.
        let found = *bytes.first().ok_or(CorruptRecord("it is empty"))?;
        if found != version {
            return Err(CorruptRecord("its version is not known to this release"));
        }
        let (content, found) = bytes.split_last_chunk::<4>().ok_or(CorruptRecord("it is cut short"))?;
        if super::checksum(key, content) != *found {
            return Err(CorruptRecord("its checksum does not match"));
        }
        // Four bytes can be version and checksum at once.
        let rest = content.get(1..).ok_or(CorruptRecord("it is cut short"))?;
        let mut from = Self { rest, created_at: Timestamp::default() };
        from.created_at = Timestamp::from_millis(i64::from_be_bytes(from.array()?));
        Ok(from)
    }

    /// Ends the reading. Bytes after the last field mean that writer and reader disagree about the layout.
    pub(super) const fn close(self) -> Result<(), CorruptRecord> {
        if self.rest.is_empty() { Ok(()) } else { Err(CorruptRecord("something follows its end")) }
    }

    pub(super) const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    #[inline(always)]
    pub(super) fn byte(&mut self) -> Result<u8, CorruptRecord> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Reads a field of fixed length.
    #[inline(always)]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CorruptRecord> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(CorruptRecord("it ends too early"))?;
        self.rest = rest;
        Ok(*array)
    }

    #[inline(always)]
    pub(super) fn digest(&mut self) -> Result<Digest, CorruptRecord> {
        self.array().map(Digest::from_bytes)
    }

    /// Reads a number in LEB128.
    #[inline(always)]
    pub(super) fn number(&mut self) -> Result<u64, CorruptRecord> {
        // Lengths, flags and counts have one byte. Only times and high generations have more.
        if let [byte @ ..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok((*byte).into());
        }
        self.long_number()
    }

    /// Reads a number of several bytes: at most ten, which hold 64 bits.
    fn long_number(&mut self) -> Result<u64, CorruptRecord> {
        let mut number = 0;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                // The writer makes neither: a last byte without bits, and a tenth one with bits that would be lost.
                if byte == 0 || (index == 9 && byte > 1) {
                    break;
                }
                self.rest = &self.rest[index + 1..];
                return Ok(number);
            }
        }
        Err(CorruptRecord("a number is too large, too long, or cut short"))
    }

    /// Reads a number of at most 32 bits: a generation or a count.
    #[inline(always)]
    pub(super) fn small(&mut self) -> Result<u32, CorruptRecord> {
        u32::try_from(self.number()?).map_err(|_| CorruptRecord("a number is too large"))
    }

    /// Reads a time. The addition wraps, as the subtraction of the writer does, so every pair of times survives.
    #[inline(always)]
    pub(super) fn time(&mut self) -> Result<Timestamp, CorruptRecord> {
        let folded = self.number()?;
        let distance = (folded >> 1).cast_signed() ^ -((folded & 1).cast_signed());
        Ok(Timestamp::from_millis(self.created_at.as_millis().wrapping_add(distance)))
    }

    /// Reads bytes after their length, without copying them.
    #[inline(always)]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], CorruptRecord> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(CorruptRecord("it ends too early"))?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, CorruptRecord> {
        text(self.bytes()?)
    }

    /// Reads a text that has no grammar of its own.
    pub(super) fn string(&mut self) -> Result<String, CorruptRecord> {
        self.text().map(str::to_owned)
    }

    /// Reads a text and checks its grammar by the constructor of its type.
    pub(super) fn parsed<T>(
        &mut self,
        parse: impl FnOnce(&'a str) -> Result<T, InvalidValue>,
    ) -> Result<T, CorruptRecord> {
        parsed(self.bytes()?, parse)
    }

    /// Returns `known` when the record repeats its text. Parses any other text.
    pub(super) fn shared<T: Clone>(
        &mut self,
        known: Option<&T>,
        as_str: fn(&T) -> &str,
        parse: impl FnOnce(&'a str) -> Result<T, InvalidValue>,
    ) -> Result<T, CorruptRecord> {
        let bytes = self.bytes()?;
        match known.filter(|known| as_str(known).as_bytes() == bytes) {
            Some(known) => Ok(known.clone()),
            None => parsed(bytes, parse),
        }
    }

    /// Reads a value after its flag.
    #[inline(always)]
    pub(super) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CorruptRecord>,
    ) -> Result<Option<T>, CorruptRecord> {
        let is_present = self.flag()?;
        self.present(is_present, read)
    }

    /// Reads a flag. Any byte but 0 and 1 means that writer and reader disagree about the layout.
    #[inline(always)]
    pub(super) fn flag(&mut self) -> Result<bool, CorruptRecord> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(CorruptRecord("a flag is neither 0 nor 1")),
        }
    }

    /// Reads two flags in one byte.
    #[inline(always)]
    pub(super) fn flags(&mut self) -> Result<(bool, bool), CorruptRecord> {
        match self.byte()? {
            flags @ 0..=3 => Ok((flags & 1 != 0, flags & 2 != 0)),
            _ => Err(CorruptRecord("two flags are more than 3")),
        }
    }

    /// Reads a value whose flag was read before.
    #[inline(always)]
    pub(super) fn present<T>(
        &mut self,
        is_present: bool,
        read: impl FnOnce(&mut Self) -> Result<T, CorruptRecord>,
    ) -> Result<Option<T>, CorruptRecord> {
        if is_present { read(self).map(Some) } else { Ok(None) }
    }

    /// Reads a list. The memory grows with the items: a false length runs out of bytes first.
    pub(super) fn list<T, L: FromIterator<T>>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, CorruptRecord>,
    ) -> Result<L, CorruptRecord> {
        (0..self.number()?).map(|_| read(self)).collect()
    }
}

fn text(bytes: &[u8]) -> Result<&str, CorruptRecord> {
    std::str::from_utf8(bytes).map_err(|_| CorruptRecord("a text is not UTF-8"))
}

fn parsed<'a, T>(bytes: &'a [u8], parse: impl FnOnce(&'a str) -> Result<T, InvalidValue>) -> Result<T, CorruptRecord> {
    parse(text(bytes)?).map_err(|_| CorruptRecord("a value has the wrong form"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::codec::writer::Writer;

    #[test]
    fn a_checksum_alone_is_no_record_though_it_begins_like_a_version() {
        let checksum = |id: &u128| crate::grant::codec::checksum(&id.to_be_bytes(), &[]);
        let id = (0..1 << 16).find(|id| checksum(id)[0] == 1).unwrap();
        assert!(Reader::open(1, &id.to_be_bytes(), &checksum(&id)).is_err());
    }

    #[test]
    fn a_number_has_one_spelling_and_at_most_64_bits() {
        let number = |bytes: &[u8]| Reader { rest: bytes, created_at: Timestamp::default() }.number();
        for expected in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX >> 1, u64::MAX] {
            let mut out = Writer::new(1, Timestamp::default());
            out.number(expected);
            let written = out.seal(&[0; 16]);
            assert_eq!(number(&written[9..written.len() - 4]), Ok(expected));
        }
        let beyond = [&[0xff; 9][..], &[0x03]].concat();
        for refused in [&beyond[..], &[0x80; 11], &[0x81, 0x00], &[0x80, 0x80, 0x00], &[0x80]] {
            assert!(number(refused).is_err(), "{refused:?}");
        }
    }
}
