use std::sync::Arc;

use crate::vocabulary::Timestamp;

/// Appends fields to a record. Each method is the counterpart of one of `Reader`, by the same name.
pub(super) struct Writer {
    created_at: Timestamp,
    /// The record while it is short, as most are. The result is then allocated once, with its exact length.
    stack: [u8; 512],
    /// The number of bytes in `stack`.
    length: usize,
    /// The whole record once it is longer.
    heap: Vec<u8>,
}

impl Writer {
    /// Starts a record with its version and the creation of the grant.
    pub(super) fn new(version: u8, created_at: Timestamp) -> Self {
        let mut out = Self { created_at, stack: [0; 512], length: 0, heap: Vec::new() };
        out.byte(version);
        out.array(&created_at.as_millis().to_be_bytes());
        out
    }

    /// Appends the checksum over the key of the record and everything written, and returns the bytes.
    pub(super) fn seal(mut self, key: &[u8; 16]) -> Arc<[u8]> {
        self.array(&super::checksum(key, self.written()));
        self.written().into()
    }

    fn written(&self) -> &[u8] {
        if self.heap.is_empty() { &self.stack[..self.length] } else { &self.heap }
    }

    fn append(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        match self.stack.get_mut(self.length..end) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.length = end;
            }
            None => self.append_to_heap(bytes),
        }
    }

    #[cold]
    fn append_to_heap(&mut self, bytes: &[u8]) {
        if self.heap.is_empty() {
            self.heap.extend_from_slice(&self.stack[..self.length]);
            // No room is left, so all that follows is appended here.
            self.length = self.stack.len();
        }
        self.heap.extend_from_slice(bytes);
    }

    /// Writes one byte: a tag, a flag or a key id.
    pub(super) fn byte(&mut self, byte: u8) {
        self.append(&[byte]);
    }

    /// Writes a field of fixed length, without its length.
    pub(super) fn array<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.append(bytes);
    }

    /// Writes LEB128: seven bits a byte, the low ones first.
    pub(super) fn number(&mut self, mut number: u64) {
        while let low @ 0x80.. = number {
            self.byte(low.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.byte(number.to_le_bytes()[0]);
    }

    /// Writes the distance to the creation, with its sign in the lowest bit.
    pub(super) fn time(&mut self, at: Timestamp) {
        let distance = at.as_millis().wrapping_sub(self.created_at.as_millis());
        self.number(((distance << 1) ^ (distance >> 63)).cast_unsigned());
    }

    /// Writes bytes after their length.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.append(bytes);
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

    /// Writes two flags in one byte, and the values that are there.
    pub(super) fn two<T, U>(
        &mut self,
        first: Option<&T>,
        write_first: impl FnOnce(&mut Self, &T),
        second: Option<&U>,
        write_second: impl FnOnce(&mut Self, &U),
    ) {
        self.byte(u8::from(first.is_some()) | u8::from(second.is_some()) << 1);
        if let Some(first) = first {
            write_first(self, first);
        }
        if let Some(second) = second {
            write_second(self, second);
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
