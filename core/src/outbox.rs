//! What waits to be sent.

use alloc::{collections::VecDeque, vec::Vec};
use core::mem;

use bytes::Bytes;

/// Bytes on their way out, in order, coalesced here and nowhere else.
///
/// Small writes share one buffer; a [`Bytes`] of [`Outbox::UNCOPIED`] or more
/// passes as it is. The limit is a high-water mark: a machine checks
/// [`is_full`](Outbox::is_full) *before* it takes on more work, so what it holds
/// overshoots by one reply at the most. An empty outbox owns no memory.
///
/// ```
/// use scop_core::Outbox;
///
/// let mut out = Outbox::new(64 * 1024);
/// out.push(b"250-localhost\r\n");
/// out.push(b"250 SIZE\r\n");
/// assert_eq!(out.pop().unwrap(), "250-localhost\r\n250 SIZE\r\n");
/// assert!(out.is_empty());
/// ```
#[derive(Debug, Default)]
pub struct Outbox {
    chunks: VecDeque<Bytes>,
    tail: Vec<u8>,
    sealed: usize,
    limit: usize,
}

impl Outbox {
    /// From this size on a [`Bytes`] is passed on uncopied, in bytes.
    pub const UNCOPIED: usize = 2048;

    /// An empty outbox that calls itself full from `limit` bytes on.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Outbox {
            chunks: VecDeque::new(),
            tail: Vec::new(),
            sealed: 0,
            limit,
        }
    }

    /// Bytes waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sealed + self.tail.len()
    }

    /// Nothing waits: all was handed over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At or past the limit: stop making more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    /// Bytes that may be added before it is full.
    #[must_use]
    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.len())
    }

    /// Adds a copy of `bytes`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
    }

    /// Adds `bytes`, uncopied when it is large enough to be worth a write of its
    /// own.
    pub fn push_bytes(&mut self, bytes: Bytes) {
        if bytes.len() < Self::UNCOPIED {
            self.push(&bytes);
        } else {
            self.seal();
            self.sealed += bytes.len();
            self.chunks.push_back(bytes);
        }
    }

    /// The buffer that small writes share, to format into directly.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Takes the next chunk. Chunks keep their order; their borders mean nothing.
    pub fn pop(&mut self) -> Option<Bytes> {
        if let Some(chunk) = self.chunks.pop_front() {
            self.sealed -= chunk.len();
            if self.chunks.is_empty() {
                self.chunks = VecDeque::new();
            }
            return Some(chunk);
        }
        if self.tail.is_empty() {
            return None;
        }
        Some(Bytes::from(mem::take(&mut self.tail)))
    }

    /// Throws away what waits.
    pub fn clear(&mut self) {
        *self = Outbox::new(self.limit);
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.sealed += self.tail.len();
            self.chunks
                .push_back(Bytes::from(mem::take(&mut self.tail)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn small_writes_share_a_chunk_and_large_ones_pass_uncopied() {
        let big = Bytes::from(vec![7u8; Outbox::UNCOPIED]);
        let mut out = Outbox::new(4096);
        out.push(b"a");
        out.push_bytes(Bytes::from_static(b"b"));
        out.push_bytes(big.clone());
        out.push(b"c");
        assert_eq!(out.len(), 3 + big.len());
        assert_eq!(out.pop().unwrap(), "ab");
        let passed = out.pop().unwrap();
        assert_eq!(passed.as_ptr(), big.as_ptr(), "the same memory, not a copy");
        assert_eq!(out.pop().unwrap(), "c");
        assert_eq!(out.pop(), None);
    }

    #[test]
    fn fullness_is_a_high_water_mark() {
        let mut out = Outbox::new(4);
        out.push(b"abc");
        assert!(!out.is_full());
        assert_eq!(out.room(), 1);
        out.push(b"de");
        assert!(out.is_full());
        assert_eq!(out.room(), 0);
        assert_eq!(out.len(), 5);
        out.clear();
        assert!(out.is_empty() && out.pop().is_none());
    }

    #[test]
    fn an_empty_outbox_owns_no_memory() {
        let mut out = Outbox::new(1 << 20);
        out.push(&[1; 1000]);
        out.push_bytes(Bytes::from(vec![0; 5000]));
        while out.pop().is_some() {}
        assert_eq!(out.tail.capacity() + out.chunks.capacity(), 0);
    }
}
