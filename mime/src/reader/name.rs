//! Names of fields: those that the reader or the index acts upon, and how all are told apart.

macro_rules! known {
    ($($known:ident = $name:literal;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
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

/// A name as it is looked up.
#[derive(Clone, Copy)]
struct Entry {
    known: Known,
    length: usize,
    /// Its [ends](Key::ends).
    ends: (u64, u64),
    /// The ends of what is between its ends, where there is something.
    middle: (u64, u64),
}

/// The names by their [slots](slot), each of which has one at most.
const ENTRIES: [Entry; 1 << SLOT_BITS] = {
    // No name is as long as that of an empty slot.
    let empty = Entry {
        known: Known::ContentType,
        length: usize::MAX,
        ends: (0, 0),
        middle: (0, 0),
    };
    let mut entries = [empty; 1 << SLOT_BITS];
    let mut n = 0;
    while n < Known::ALL.len() {
        let (known, name) = Known::ALL[n];
        assert!(name.len() <= 32);
        let ends = Key::ends(name);
        let entry = &mut entries[slot(ends)];
        assert!(
            entry.length == usize::MAX,
            "two names have one slot: want another factor"
        );
        *entry = Entry {
            known,
            length: name.len(),
            ends,
            middle: match name.len() > 16 {
                true => Key::ends(name.split_at(name.len() - 8).0.split_at(8).1),
                false => (0, 0),
            },
        };
        n += 1;
    }
    entries
};

const SLOT_BITS: u32 = 5;

/// Where the name with these ends is looked for. The factor was found by trial: with it no two
/// names have the same slot, so a lookup is one comparison.
#[inline]
const fn slot(ends: (u64, u64)) -> usize {
    (hash(ends) >> (u32::BITS - SLOT_BITS)) as usize
}

/// A number made of the ends of a name. Its highest bits are best.
#[inline]
const fn hash((first, last): (u64, u64)) -> u32 {
    const FACTOR: u64 = 0x5afd_d308_a06d_9ec9;
    (first.wrapping_add(last).wrapping_mul(FACTOR) >> u32::BITS) as u32
}

/// What of the name of a field tells it from others, in any case. Not for others than scop's
/// own crates, which need not look at each name again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameTag {
    pub(crate) known: Option<Known>,
    hash: u32,
}

impl NameTag {
    /// How many names have a [`number`](Self::number) of their own.
    pub const NUMBERS: usize = Known::ALL.len();

    /// That of the name that is the first `length` bytes of `raw`. They are of those that a
    /// name may have.
    #[inline(always)]
    #[must_use]
    pub fn within(raw: &[u8], length: usize) -> Self {
        let Some(ends) = ends(raw, length) else {
            return NameTag::default();
        };
        let hash = hash(ends);
        let entry = ENTRIES.get((hash >> (u32::BITS - SLOT_BITS)) as usize);
        let known = entry.and_then(|entry| {
            let same = entry.length == length && entry.ends == ends;
            let is_it = same && (length <= 16 || has_middle(raw, length, entry.middle));
            is_it.then_some(entry.known)
        });
        NameTag { known, hash }
    }

    /// That of a name.
    #[inline]
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        Self::within(name, name.len())
    }

    /// A number that names have in common that differ in case alone, and few others. Its
    /// highest bits are best.
    #[inline]
    #[must_use]
    pub fn hash(self) -> u32 {
        self.hash
    }

    /// That number alone, of the name that is the first `length` bytes of `raw`, whatever
    /// they are.
    #[inline(always)]
    #[must_use]
    pub fn hash_within(raw: &[u8], length: usize) -> u32 {
        ends(raw, length).map_or(0, hash)
    }

    /// The number of a name that has one, below [`NUMBERS`](Self::NUMBERS); that of all others.
    #[inline]
    #[must_use]
    pub fn number(self) -> usize {
        self.known.map_or(Self::NUMBERS, |known| known as usize)
    }

    /// The same, where it is not for code that runs.
    #[must_use]
    pub const fn number_of(name: &str) -> usize {
        let (name, mut n) = (name.as_bytes(), 0);
        while n < Known::ALL.len() {
            let known = Known::ALL[n].1;
            let mut same = if known.len() == name.len() {
                name.len()
            } else {
                0
            };
            while same > 0 && known[same - 1] == name[same - 1].to_ascii_lowercase() {
                same -= 1;
            }
            if same == 0 && known.len() == name.len() {
                return n;
            }
            n += 1;
        }
        Self::NUMBERS
    }
}

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
        None => few(raw),
    };
    Some(match length.checked_sub(8) {
        Some(last) => {
            let last = raw.get(last..)?.first_chunk()?;
            (first | SMALL, u64::from_le_bytes(*last) | SMALL)
        }
        None => ((first | SMALL) & !(u64::MAX << (8 * length)), 0),
    })
}

/// Less than eight bytes, with 0 behind them.
#[inline]
fn few(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            // What both have is the same.
            let [first, last] = [first, last].map(|word| u64::from(u32::from_le_bytes(*word)));
            first | last << (8 * (bytes.len() - 4))
        }
        _ => (bytes.iter().rev()).fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Whether these are the ends of what is between the ends of a name of more than 16 bytes.
fn has_middle(raw: &[u8], length: usize, middle: (u64, u64)) -> bool {
    raw.get(8..).and_then(|raw| ends(raw, length - 16)) == Some(middle)
}

impl Known {
    /// A bit for each of them, and one for all others.
    #[inline]
    pub(super) fn bit(known: Option<Known>) -> u32 {
        1 << known.map_or(Known::ALL.len() as u32, |known| known as u32)
    }

    /// Those that come once at most (RFC 5322 3.6, RFC 2045 3, RFC 2183 2), or of which only
    /// the first says something (RFC 7103 7.5.3), by bit.
    pub(super) const SINGLE: u32 = {
        let all = (1 << Known::ALL.len()) - 1;
        all & !(1 << Known::ContentLanguage as u32 | 1 << Known::ContentLocation as u32)
    };

    /// Those that say how a body is read.
    pub(super) const OF_BODY: u32 =
        1 << Known::ContentType as u32 | 1 << Known::ContentTransferEncoding as u32;

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
    fn tags_do_not_depend_on_what_follows_a_name() {
        let text = b"Abcdefghijklmnopqrstuvwxyz-Abcdefghijklmnopqrstuvwxyz: x";
        for start in 0..20 {
            for end in start..text.len() - 3 {
                let name = &text[start..end];
                let tag = NameTag::of(name);
                assert_eq!(tag, NameTag::within(&text[start..], name.len()));
                assert_eq!(tag.hash(), NameTag::hash_within(&text[start..], name.len()));
                assert_eq!(tag, NameTag::of(&name.to_ascii_uppercase()));
            }
        }
    }

    #[test]
    fn names_are_known_in_any_case() {
        let known = |name: &[u8]| NameTag::of(name).known;
        assert_eq!(known(b"Content-TYPE"), Some(Known::ContentType));
        assert_eq!(known(b"to"), Some(Known::To));
        assert_eq!(known(b"Cc"), Some(Known::Cc));
        assert_eq!(known(b""), None);
        assert_eq!(known(b"x-mailer"), None);
        assert_eq!(NameTag::number_of("x-mailer"), NameTag::NUMBERS);
        assert_eq!(NameTag::number_of("Cc"), Known::Cc as usize);
        assert_eq!(NameTag::of(b"x-mailer").number(), NameTag::NUMBERS);
        for (known, name) in Known::ALL {
            let tag = NameTag::of(name);
            assert_eq!(tag.known, Some(*known));
            let text = core::str::from_utf8(name).unwrap();
            assert_eq!(tag.number(), NameTag::number_of(text));
            let field = [&name.to_ascii_uppercase()[..], b": x"].concat();
            assert_eq!(NameTag::within(&field, name.len()), tag);
            for n in 0..name.len() {
                let mut other = field.clone();
                other[n] ^= 1;
                assert_eq!(NameTag::within(&other, name.len()).known, None);
            }
            let in_envelope = Envelope::FIELDS.iter().any(|f| f.as_bytes() == *name);
            assert_eq!(known.is_of_envelope(), in_envelope);
        }
    }
}
