use crate::vocabulary::Timestamp;

/// Appends fields to a record. Each method is the counterpart of one of `Reader`, by the same name.
pub(super) struct Writer {
    bytes: Vec<u8>,
    created_at: Timestamp,
}

impl Writer {
    /// Starts a record with its version and the creation of the grant.
    pub(super) fn new(version: u8, created_at: Timestamp) -> Self {
        // The capacity of a typical record, so that writing one allocates once.
        let mut bytes = Vec::with_capacity(512);
        bytes.push(version);
        bytes.extend_from_slice(&created_at.as_millis().to_be_bytes());
        Self { bytes, created_at }
    }

    /// Appends the checksum over the key of the record and everything written, and returns the bytes.
    pub(super) fn seal(mut self, key: &[u8; 16]) -> Vec<u8> {
        let checksum = super::checksum(key, &self.bytes);
        self.bytes.extend_from_slice(&checksum);
        self.bytes
    }

    /// Writes one byte: a tag, a flag or a key id.
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes a field of fixed length, without its length.
    pub(super) fn array<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes LEB128: seven bits a byte, the low ones first.
    pub(super) fn number(&mut self, mut number: u64) {
        while let low @ 0x80.. = number {
            self.bytes.push(low.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
    }

    /// Writes the distance to the creation, with its sign in the lowest bit.
    pub(super) fn time(&mut self, at: Timestamp) {
        let distance = at.as_millis().wrapping_sub(self.created_at.as_millis());
        self.number(((distance << 1) ^ (distance >> 63)).cast_unsigned());
    }

    /// Writes bytes after their length.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes a text in UTF-8 after its length in bytes.
    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Writes a flag, and the value if there is one.
    pub(super) fn optional<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.byte(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// Writes the number of items, and the items.
    pub(super) fn list<'a, T: 'a>(
        &mut self,
        items: impl ExactSizeIterator<Item = &'a T>,
        mut write: impl FnMut(&mut Self, &T),
    ) {
        self.number(items.len() as u64);
        items.for_each(|item| write(self, item));
    }
}
