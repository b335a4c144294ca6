//! Names of fields that the reader or the index acts upon.

macro_rules! known {
    ($($known:ident = $name:literal;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Known { $($known,)+ }

        impl Known {
            const ALL: &'static [(Known, &'static [u8])] = &[$((Known::$known, $name),)+];
        }
    };
}

known! {
    ContentType = b"content-type";
    ContentTransferEncoding = b"content-transfer-encoding";
    ContentDisposition = b"content-disposition";
    ContentId = b"content-id";
    ContentDescription = b"content-description";
    ContentMd5 = b"content-md5";
    ContentLanguage = b"content-language";
    ContentLocation = b"content-location";
    MimeVersion = b"mime-version";
    Date = b"date";
    From = b"from";
    Sender = b"sender";
    ReplyTo = b"reply-to";
    To = b"to";
    Cc = b"cc";
    Bcc = b"bcc";
    MessageId = b"message-id";
    InReplyTo = b"in-reply-to";
    References = b"references";
    Subject = b"subject";
    ReturnPath = b"return-path";
}

/// The longest name of them.
const LONGEST: usize = 25;

/// For each length of a name those that have it, by bit.
const BY_LENGTH: [u32; LONGEST + 1] = {
    let mut by_length = [0; LONGEST + 1];
    let mut n = 0;
    while n < Known::ALL.len() {
        by_length[Known::ALL[n].1.len()] |= 1 << n;
        n += 1;
    }
    by_length
};

/// The [ends](Key::ends) of each name.
const ENDS: [(u64, u64); Known::ALL.len()] = {
    let mut ends = [(0, 0); Known::ALL.len()];
    let mut n = 0;
    while n < ends.len() {
        ends[n] = Key::ends(Known::ALL[n].1);
        n += 1;
    }
    ends
};

/// The ends of what is between the ends of each name, where there is something.
const MIDDLES: [(u64, u64); Known::ALL.len()] = {
    assert!(LONGEST <= 32);
    let mut middles = [(0, 0); Known::ALL.len()];
    let mut n = 0;
    while n < middles.len() {
        let name = Known::ALL[n].1;
        if name.len() > 16 {
            middles[n] = Key::ends(name.split_at(name.len() - 8).0.split_at(8).1);
        }
        n += 1;
    }
    middles
};

/// A name that fields are looked for by.
#[derive(Clone, Copy)]
pub(crate) struct Key<'n> {
    name: &'n [u8],
    ends: (u64, u64),
    /// A name that has the same ends is the same.
    is_all: bool,
}

/// What makes letters small, and no other byte of a name one of those that names are of
/// but for a few marks.
const SMALL: u64 = 0x2020_2020_2020_2020;

impl<'n> Key<'n> {
    pub(crate) const fn new(name: &'n str) -> Self {
        let name = name.as_bytes();
        let mut is_all = name.len() <= 16;
        let mut n = 0;
        while n < name.len() {
            is_all &= name[n].is_ascii_alphanumeric() || name[n] == b'-';
            n += 1;
        }
        Key {
            name,
            ends: Self::ends(name),
            is_all,
        }
    }

    /// The first eight bytes of a name (with 0 behind a shorter one) and the last eight,
    /// letters small.
    const fn ends(name: &[u8]) -> (u64, u64) {
        let (mut first, mut last) = (0, 0);
        let mut at = if name.len() < 8 { name.len() } else { 8 };
        while at > 0 {
            at -= 1;
            first = first << 8 | name[at] as u64 | 0x20;
        }
        if let Some(chunk) = name.last_chunk() {
            last = u64::from_le_bytes(*chunk) | SMALL;
        }
        (first, last)
    }

    /// Whether a name of that length may be this one; a line that is no field has none.
    #[inline]
    pub(crate) fn has_length(&self, length: u32) -> bool {
        length as usize == self.name.len() && length > 0
    }

    /// Whether the name with which a field begins is this one, in any case; they are of
    /// the same length.
    #[inline]
    pub(crate) fn is_of(&self, raw: &[u8]) -> bool {
        let same = || {
            raw.get(..self.name.len())?
                .eq_ignore_ascii_case(self.name)
                .then_some(())
        };
        ends(raw, self.name.len()) == Some(self.ends) && (self.is_all || same().is_some())
    }
}

/// The [ends](Key::ends) of the first `length` bytes of `raw`.
#[inline(always)]
fn ends(raw: &[u8], length: usize) -> Option<(u64, u64)> {
    let first = match raw.first_chunk() {
        Some(first) => u64::from_le_bytes(*first),
        None => (raw.iter().rev()).fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    Some(match length.checked_sub(8) {
        Some(last) => {
            let last = raw.get(last..)?.first_chunk()?;
            (first | SMALL, u64::from_le_bytes(*last) | SMALL)
        }
        None => ((first | SMALL) & !(u64::MAX << (8 * length)), 0),
    })
}

impl Known {
    /// The field whose name is the first `length` bytes of `raw`, in any case.
    ///
    /// They are of those that a name may have.
    #[inline]
    pub(super) fn of(raw: &[u8], length: usize) -> Option<Known> {
        let mut candidates = *BY_LENGTH.get(length)?;
        if candidates == 0 {
            return None;
        }
        let ends = ends(raw, length)?;
        while candidates != 0 {
            let n = candidates.trailing_zeros() as usize;
            if *ENDS.get(n)? == ends {
                if length > 16 && self::ends(raw.get(8..)?, length - 16)? != *MIDDLES.get(n)? {
                    return None;
                }
                return Known::ALL.get(n).map(|(known, _)| *known);
            }
            candidates &= candidates - 1;
        }
        None
    }

    #[inline]
    pub(super) fn bit(self) -> u32 {
        1 << self as u32
    }

    /// Those that come once at most (RFC 5322 3.6, RFC 2045 3, RFC 2183 2), or of which only
    /// the first says something (RFC 7103 7.5.3), by bit.
    pub(super) const SINGLE: u32 =
        !(1 << Known::ContentLanguage as u32 | 1 << Known::ContentLocation as u32);

    /// Those that say how a body is read.
    pub(super) const OF_BODY: u32 =
        1 << Known::ContentType as u32 | 1 << Known::ContentTransferEncoding as u32;

    /// It is [one](Self::OF_BODY) of these.
    #[inline]
    pub(super) fn is_of_body(self) -> bool {
        self.bit() & Self::OF_BODY != 0
    }

    /// The structure of a part is made of it.
    #[inline]
    pub(crate) fn is_of_part(self) -> bool {
        (self as u32) < Known::MimeVersion as u32
    }

    /// IMAP's ENVELOPE is made of it (RFC 3501 7.4.2).
    #[inline]
    pub(crate) fn is_of_envelope(self) -> bool {
        self as u32 > Known::MimeVersion as u32
            && !matches!(self, Known::References | Known::ReturnPath)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Envelope;

    #[test]
    fn keys_are_of_names_in_any_case() {
        for name in [
            "to",
            "a^",
            "x`",
            "x-priority",
            "list-unsubscribe",
            "list-unsubscribe-post",
            "",
        ] {
            let key = Key::new(name);
            let field = [&name.to_ascii_uppercase(), ": x"].concat();
            assert!(key.is_of(field.as_bytes()) && key.is_of(name.as_bytes()));
            for n in 0..name.len() {
                for bit in [1, 0x20] {
                    let mut other = field.clone().into_bytes();
                    other[n] ^= bit;
                    let same = other[..name.len()].eq_ignore_ascii_case(name.as_bytes());
                    // A byte that no name has is none of them.
                    let is_name = other[..name.len()].iter().all(u8::is_ascii_graphic);
                    assert!(key.is_of(&other) == same || !is_name, "{name} {n}");
                }
            }
        }
    }

    #[test]
    fn names_are_known_in_any_case() {
        assert_eq!(Known::of(b"Content-TYPE", 12), Some(Known::ContentType));
        assert_eq!(Known::of(b"to", 2), Some(Known::To));
        assert_eq!(Known::of(b"Cc", 2), Some(Known::Cc));
        assert_eq!(Known::of(b"", 0), None);
        assert_eq!(Known::of(b"x-mailer", 8), None);
        for (known, name) in Known::ALL {
            assert_eq!(Known::of(name, name.len()), Some(*known));
            let field = [&name.to_ascii_uppercase()[..], b": x"].concat();
            assert_eq!(Known::of(&field, name.len()), Some(*known));
            for n in 0..name.len() {
                let mut other = field.clone();
                other[n] ^= 1;
                assert_eq!(Known::of(&other, name.len()), None);
            }
            let in_envelope = Envelope::FIELDS.iter().any(|f| f.as_bytes() == *name);
            assert_eq!(known.is_of_envelope(), in_envelope);
        }
    }
}
