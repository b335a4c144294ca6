//! The keywords of service extensions.

/// A service extension this crate knows the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extension {
    /// `8BITMIME` (RFC 6152)
    EightBitMime,
    /// `AUTH` (RFC 4954), and `AUTH=` as it was before
    Auth,
    /// `BINARYMIME` (RFC 3030)
    BinaryMime,
    /// `CHUNKING` (RFC 3030)
    Chunking,
    /// `DELIVERBY` (RFC 2852)
    DeliverBy,
    /// `DSN` (RFC 3461)
    Dsn,
    /// `ENHANCEDSTATUSCODES` (RFC 2034)
    EnhancedStatusCodes,
    /// `ETRN` (RFC 1985)
    Etrn,
    /// `EXPN` (RFC 5321)
    Expn,
    /// `FUTURERELEASE` (RFC 4865)
    FutureRelease,
    /// `HELP` (RFC 5321)
    Help,
    /// `LIMITS` (RFC 9422)
    Limits,
    /// `MT-PRIORITY` (RFC 6710)
    MtPriority,
    /// `PIPELINING` (RFC 2920)
    Pipelining,
    /// `REQUIRETLS` (RFC 8689)
    RequireTls,
    /// `SIZE` (RFC 1870)
    Size,
    /// `SMTPUTF8` (RFC 6531)
    SmtpUtf8,
    /// `STARTTLS` (RFC 3207)
    StartTls,
    /// `VRFY` (RFC 5321)
    Vrfy,
}

impl Extension {
    /// Each.
    pub(super) const ALL: [Extension; 19] = [
        Extension::EightBitMime,
        Extension::Auth,
        Extension::BinaryMime,
        Extension::Chunking,
        Extension::DeliverBy,
        Extension::Dsn,
        Extension::EnhancedStatusCodes,
        Extension::Etrn,
        Extension::Expn,
        Extension::FutureRelease,
        Extension::Help,
        Extension::Limits,
        Extension::MtPriority,
        Extension::Pipelining,
        Extension::RequireTls,
        Extension::Size,
        Extension::SmtpUtf8,
        Extension::StartTls,
        Extension::Vrfy,
    ];

    /// The keyword as it is advertised.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match self {
            Extension::EightBitMime => "8BITMIME",
            Extension::Auth => "AUTH",
            Extension::BinaryMime => "BINARYMIME",
            Extension::Chunking => "CHUNKING",
            Extension::DeliverBy => "DELIVERBY",
            Extension::Dsn => "DSN",
            Extension::EnhancedStatusCodes => "ENHANCEDSTATUSCODES",
            Extension::Etrn => "ETRN",
            Extension::Expn => "EXPN",
            Extension::FutureRelease => "FUTURERELEASE",
            Extension::Help => "HELP",
            Extension::Limits => "LIMITS",
            Extension::MtPriority => "MT-PRIORITY",
            Extension::Pipelining => "PIPELINING",
            Extension::RequireTls => "REQUIRETLS",
            Extension::Size => "SIZE",
            Extension::SmtpUtf8 => "SMTPUTF8",
            Extension::StartTls => "STARTTLS",
            Extension::Vrfy => "VRFY",
        }
    }

    /// The extension of that keyword, in any case.
    #[must_use]
    pub fn from_keyword(keyword: &[u8]) -> Option<Self> {
        let found = Keyword::at_start(keyword)?;
        (found.name.len() == keyword.len()).then_some(found.extension)
    }

    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// What a line is compared with that may begin with a keyword.
pub(super) struct Keyword {
    pub(super) extension: Extension,
    pub(super) name: &'static [u8],
    /// The first eight bytes as a number, the first the lowest, and which of their bits count:
    /// not those that tell small letters from large ones, nor those behind the keyword.
    start: u64,
    letters: u64,
}

impl Keyword {
    /// The one that `text` starts with.
    #[inline(always)]
    pub(super) fn at_start(text: &[u8]) -> Option<&'static Self> {
        let [first, second, ..] = *text else {
            return None;
        };
        let keyword = KEYWORDS.get(slot(first, second))?.as_ref()?;
        let word = match text.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => (text.iter().rev()).fold(0, |word, &byte| word << 8 | u64::from(byte)),
        };
        if word & keyword.letters != keyword.start {
            return None;
        }
        if let Some(rest @ [_, ..]) = keyword.name.get(8..) {
            let found = text.get(8..keyword.name.len())?;
            if found != rest && !found.eq_ignore_ascii_case(rest) {
                return None;
            }
        }
        Some(keyword)
    }
}

/// Where the two first letters of a keyword put it in [`KEYWORDS`]; the factor was found by
/// trying, so that each has a place of its own.
const fn slot(first: u8, second: u8) -> usize {
    let letters = u16::from_le_bytes([first | 0x20, second | 0x20]);
    (letters.wrapping_mul(1129) >> 11) as usize
}

static KEYWORDS: [Option<Keyword>; 32] = {
    let mut keywords = [const { None }; 32];
    let mut n = 0;
    while n < Extension::ALL.len() {
        let extension = Extension::ALL[n];
        let name = extension.keyword().as_bytes();
        let (mut start, mut letters, mut i) = (0, 0, 0);
        while i < name.len() && i < 8 {
            let counts = if name[i].is_ascii_alphabetic() {
                !0x20
            } else {
                !0u8
            };
            start |= (name[i] as u64) << (8 * i);
            letters |= (counts as u64) << (8 * i);
            i += 1;
        }
        let place = slot(name[0], name[1]);
        assert!(keywords[place].is_none(), "two keywords in one place");
        keywords[place] = Some(Keyword {
            extension,
            name,
            start,
            letters,
        });
        n += 1;
    }
    keywords
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_found_in_any_case_and_nothing_else_is_one() {
        let plainly = |text: &[u8]| {
            let starts = |e: &Extension| {
                let name = e.keyword().as_bytes();
                (text.get(..name.len())).is_some_and(|start| start.eq_ignore_ascii_case(name))
            };
            Extension::ALL.into_iter().find(starts)
        };
        for extension in Extension::ALL {
            let name = extension.keyword().as_bytes();
            for (place, &letter) in name.iter().enumerate() {
                for byte in 0..=u8::MAX {
                    for behind in [&b""[..], b"\nSIZE 1", b" and more than eight bytes"] {
                        let mut text = [name, behind].concat();
                        text[place] = byte;
                        let found = Keyword::at_start(&text).map(|k| k.extension);
                        assert_eq!(found, plainly(&text), "{}", text.escape_ascii());
                        if byte.eq_ignore_ascii_case(&letter) {
                            assert_eq!(found, Some(extension));
                        }
                    }
                }
            }
            let short = name.split_last().unwrap().1;
            assert_eq!(Extension::from_keyword(short), None);
            assert_eq!(Extension::from_keyword(&[name, b"X"].concat()), None);
        }
    }
}
