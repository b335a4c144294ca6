//! The boundary of a multipart, and whether a line may begin with it.

use alloc::boxed::Box;

/// The longest boundary that RFC 2046 5.1.1 allows: it lies where it is asked for, and
/// nothing is allocated for it.
const USUAL_BOUNDARY: usize = 70;

/// A boundary, of any length.
#[derive(Debug)]
pub(super) enum Boundary {
    Usual {
        bytes: [u8; USUAL_BOUNDARY],
        length: u8,
    },
    Long(Box<[u8]>),
}

impl Boundary {
    pub(super) fn new(boundary: &[u8]) -> Self {
        let mut bytes = [0; USUAL_BOUNDARY];
        match bytes.get_mut(..boundary.len()) {
            Some(to) => {
                to.copy_from_slice(boundary);
                let length = boundary.len() as u8;
                Boundary::Usual { bytes, length }
            }
            None => Boundary::Long(boundary.into()),
        }
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Boundary::Usual { bytes, length } => {
                bytes.get(..usize::from(*length)).unwrap_or_default()
            }
            Boundary::Long(bytes) => bytes,
        }
    }
}

/// The last bytes of a boundary, as many as there are in a word. Boundaries of one message
/// mostly begin the same, and a line is compared with all that are open.
#[derive(Debug)]
pub(super) struct Tail {
    /// Where they end.
    length: usize,
    word: u64,
    mask: u64,
}

impl Tail {
    pub(super) fn of(boundary: &[u8]) -> Self {
        let length = boundary.len();
        Tail {
            length,
            word: match boundary.last_chunk() {
                Some(word) => u64::from_le_bytes(*word),
                None => first_word(boundary),
            },
            mask: match length {
                0 => 0,
                1..8 => u64::MAX >> (64 - 8 * length),
                _ => u64::MAX,
            },
        }
    }

    /// Whether they are where they should be in a line that begins with `first`.
    #[inline]
    pub(super) fn is_in(&self, line: &[u8], first: u64) -> bool {
        let word = match self.length {
            ..=8 => first,
            length => match line.get(length - 8..).and_then(<[u8]>::first_chunk) {
                Some(word) => u64::from_le_bytes(*word),
                None => return false,
            },
        };
        word & self.mask == self.word
    }
}

/// The first bytes, zeros for those that are not there.
pub(super) fn first_word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => bytes
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}
