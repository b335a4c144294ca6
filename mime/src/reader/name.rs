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

impl Known {
    /// The field of this name, in any case.
    pub(super) fn of(name: &[u8]) -> Option<Known> {
        let mut candidates = *BY_LENGTH.get(name.len())?;
        while candidates != 0 {
            let (known, spelt) = *Known::ALL.get(candidates.trailing_zeros() as usize)?;
            if is_spelt(name, spelt) {
                return Some(known);
            }
            candidates &= candidates - 1;
        }
        None
    }

    pub(super) fn bit(self) -> u32 {
        1 << self as u32
    }

    /// It comes once at most (RFC 5322 3.6, RFC 2045 3, RFC 2183 2), or only the first
    /// says something (RFC 7103 7.5.3).
    pub(super) fn is_single(self) -> bool {
        !matches!(self, Known::ContentLanguage | Known::ContentLocation)
    }

    /// The structure of a part is made of it.
    pub(crate) fn is_of_part(self) -> bool {
        (self as u32) < Known::MimeVersion as u32
    }

    /// IMAP's ENVELOPE is made of it (RFC 3501 7.4.2).
    pub(crate) fn is_of_envelope(self) -> bool {
        self as u32 > Known::MimeVersion as u32
            && !matches!(self, Known::References | Known::ReturnPath)
    }
}

/// Whether a name, of bytes that a name may have, is `spelt`, which is in lower case
/// and as long. The bit that makes a letter small makes no other of those bytes one.
fn is_spelt(name: &[u8], spelt: &[u8]) -> bool {
    const SMALL: u64 = 0x2020_2020_2020_2020;
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let is = |name: &[u8; 8], spelt: &[u8; 8]| word(name) | SMALL == word(spelt);
    match (name.last_chunk(), spelt.last_chunk()) {
        (Some(a), Some(b)) => {
            let firsts = name.as_chunks().0.iter().zip(spelt.as_chunks().0);
            is(a, b) && firsts.into_iter().all(|(a, b)| is(a, b))
        }
        _ => name.iter().zip(spelt).all(|(a, b)| a | 0x20 == *b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Envelope;

    #[test]
    fn names_are_known_in_any_case() {
        assert_eq!(Known::of(b"Content-TYPE"), Some(Known::ContentType));
        assert_eq!(Known::of(b"to"), Some(Known::To));
        assert_eq!(Known::of(b"Cc"), Some(Known::Cc));
        assert_eq!(Known::of(b""), None);
        assert_eq!(Known::of(b"x-mailer"), None);
        for (known, name) in Known::ALL {
            assert_eq!(Known::of(name), Some(*known));
            let in_envelope = Envelope::FIELDS.iter().any(|f| f.as_bytes() == *name);
            assert_eq!(known.is_of_envelope(), in_envelope);
        }
    }
}
