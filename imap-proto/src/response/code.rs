//! Response codes (RFC 3501 section 7.1, RFC 4315, RFC 5530).

use alloc::vec::Vec;
use core::num::NonZeroU32;

use bytes::Bytes;

use super::{
    InvalidText, Text,
    cursor::Cursor,
    data,
    text::breaks,
    write::{self, display},
};
use crate::types::{Atom, Capability, Flag, SequenceSet, write as strings};

/// What stands in brackets before a response's text, for programs.
///
/// A code says what the server says; none is acted on by itself. A `REFERRAL` (RFC
/// 2221) is [`Unknown`](Code::Unknown) like any other code that is not listed: it
/// names a host of the server's choice, and nothing here ever goes there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// The text must be shown to the user: it is from the server, say so.
    Alert,
    /// `BADCHARSET`, with the charsets that would do, if they were named.
    BadCharset(Vec<Bytes>),
    /// The capabilities, unasked.
    Capability(Vec<Capability<'static>>),
    /// A message could not be parsed.
    Parse,
    /// The flags that can be changed for good; [`Flag::Any`] if new ones can be made.
    PermanentFlags(Vec<Flag<'static>>),
    /// The mailbox is selected for reading only.
    ReadOnly,
    /// The mailbox is selected for reading and writing.
    ReadWrite,
    /// APPEND or COPY would work if the mailbox were created first.
    TryCreate,
    /// The UID the next message will get at the least.
    UidNext(NonZeroU32),
    /// The mailbox's unique identifier validity.
    UidValidity(NonZeroU32),
    /// Number of the first message without `\Seen`.
    Unseen(NonZeroU32),
    /// RFC 4315: where an APPEND put its message.
    AppendUid {
        /// UIDVALIDITY of the mailbox.
        uid_validity: NonZeroU32,
        /// UID of the message (of the messages after a MULTIAPPEND).
        uids: SequenceSet,
    },
    /// RFC 4315: where a COPY or MOVE put its messages; both sets have the same
    /// order and size.
    CopyUid {
        /// UIDVALIDITY of the destination.
        uid_validity: NonZeroU32,
        /// UIDs copied from.
        source: SequenceSet,
        /// UIDs copied to.
        destination: SequenceSet,
    },
    /// RFC 4315: UIDs of this mailbox do not last.
    UidNotSticky,
    /// RFC 7162: the mailbox was closed by selecting another.
    Closed,
    /// RFC 7162: the highest mod-sequence of the mailbox.
    HighestModSeq(u64),
    /// RFC 7162: the mailbox has no mod-sequences.
    NoModSeq,
    /// RFC 5530.
    Unavailable,
    /// RFC 5530.
    AuthenticationFailed,
    /// RFC 5530.
    AuthorizationFailed,
    /// RFC 5530.
    Expired,
    /// RFC 5530: not without TLS.
    PrivacyRequired,
    /// RFC 5530.
    ContactAdmin,
    /// RFC 5530.
    NoPerm,
    /// RFC 5530.
    InUse,
    /// RFC 5530.
    ExpungeIssued,
    /// RFC 5530.
    Corruption,
    /// RFC 5530.
    ServerBug,
    /// RFC 5530.
    ClientBug,
    /// RFC 5530.
    Cannot,
    /// RFC 5530.
    Limit,
    /// RFC 5530.
    OverQuota,
    /// RFC 5530.
    AlreadyExists,
    /// RFC 5530.
    NonExistent,
    /// Any other, or one of these in a form that its RFC does not know.
    Unknown(UnknownCode),
}

/// A code that is not in [`Code`]: what stood in the brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode(Text);

impl UnknownCode {
    /// A code of this name, with an argument if there is one.
    ///
    /// # Errors
    ///
    /// [`InvalidText`] for a `]`, CR, LF or NUL in the argument.
    pub fn new(name: Atom<'_>, argument: Option<&[u8]>) -> Result<UnknownCode, InvalidText> {
        let mut all = name.as_str().as_bytes().to_vec();
        if let Some(argument) = argument {
            if argument.is_empty() || argument.iter().any(|&b| b == b']' || breaks(b)) {
                return Err(InvalidText {
                    what: "nothing, or `]`, CR, LF or NUL in a response code",
                });
            }
            all.push(b' ');
            all.extend_from_slice(argument);
        }
        Ok(UnknownCode(Text::new(all)?))
    }

    /// The code's name, in the case it came in.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        let all = self.0.as_bytes();
        all.split(|&b| b == b' ').next().unwrap_or_default()
    }

    /// All of it, name and argument.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The codes that are a word and nothing else.
const WORDS: &[(&str, Code)] = &[
    ("ALERT", Code::Alert),
    ("PARSE", Code::Parse),
    ("READ-ONLY", Code::ReadOnly),
    ("READ-WRITE", Code::ReadWrite),
    ("TRYCREATE", Code::TryCreate),
    ("UIDNOTSTICKY", Code::UidNotSticky),
    ("CLOSED", Code::Closed),
    ("NOMODSEQ", Code::NoModSeq),
    ("UNAVAILABLE", Code::Unavailable),
    ("AUTHENTICATIONFAILED", Code::AuthenticationFailed),
    ("AUTHORIZATIONFAILED", Code::AuthorizationFailed),
    ("EXPIRED", Code::Expired),
    ("PRIVACYREQUIRED", Code::PrivacyRequired),
    ("CONTACTADMIN", Code::ContactAdmin),
    ("NOPERM", Code::NoPerm),
    ("INUSE", Code::InUse),
    ("EXPUNGEISSUED", Code::ExpungeIssued),
    ("CORRUPTION", Code::Corruption),
    ("SERVERBUG", Code::ServerBug),
    ("CLIENTBUG", Code::ClientBug),
    ("CANNOT", Code::Cannot),
    ("LIMIT", Code::Limit),
    ("OVERQUOTA", Code::OverQuota),
    ("ALREADYEXISTS", Code::AlreadyExists),
    ("NONEXISTENT", Code::NonExistent),
];

impl Code {
    /// From the byte behind `[` to the byte behind `]`. What has the brackets but
    /// not the grammar is `Unknown`; `None` if there is no `]`.
    pub(crate) fn parse(c: &mut Cursor<'_>) -> Option<Code> {
        let start = c.at();
        let known = Self::known(c);
        c.spaces();
        if let Some(code) = known
            && c.eat(b']').is_some()
        {
            return Some(code);
        }
        c.rewind(start);
        let all = c.run(|b| b != b']')?;
        c.eat(b']')?;
        Some(Code::Unknown(UnknownCode(Text::lossy(all))))
    }

    fn known(c: &mut Cursor<'_>) -> Option<Code> {
        let name = c.word()?;
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        if let Some((_, code)) = WORDS.iter().find(|(word, _)| is(word)) {
            return Some(code.clone());
        }
        c.spaces();
        Some(if is("UIDNEXT") {
            Code::UidNext(c.nz_number()?)
        } else if is("UIDVALIDITY") {
            Code::UidValidity(c.nz_number()?)
        } else if is("UNSEEN") {
            Code::Unseen(c.nz_number()?)
        } else if is("PERMANENTFLAGS") {
            Code::PermanentFlags(data::flags(c)?)
        } else if is("CAPABILITY") {
            Code::Capability(data::capabilities(c)?)
        } else if is("APPENDUID") {
            Code::AppendUid {
                uid_validity: c.nz_number()?,
                uids: uid_set(c)?,
            }
        } else if is("COPYUID") {
            Code::CopyUid {
                uid_validity: c.nz_number()?,
                source: uid_set(c)?,
                destination: uid_set(c)?,
            }
        } else if is("HIGHESTMODSEQ") {
            Code::HighestModSeq(c.number64()?)
        } else if is("BADCHARSET") {
            let mut charsets = Vec::new();
            if c.peek() == Some(b'(') {
                c.list(|c| {
                    charsets.push(c.astring()?);
                    Some(())
                })?;
            }
            Code::BadCharset(charsets)
        } else {
            return None;
        })
    }

    /// Without the brackets.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Code::BadCharset(charsets) => {
                out.extend_from_slice(b"BADCHARSET");
                if !charsets.is_empty() {
                    out.push(b' ');
                    // A literal would not be understood here, nor would a `]`.
                    write::list(out, charsets, |out, charset| {
                        let safe = |b: &u8| b.is_ascii_graphic() && *b != b']';
                        let name: Vec<u8> = charset.iter().copied().filter(safe).collect();
                        strings::astring(out, &name);
                    });
                }
            }
            Code::Capability(all) => {
                out.extend_from_slice(b"CAPABILITY");
                all.iter().for_each(|c| {
                    out.push(b' ');
                    display(out, c);
                });
            }
            Code::PermanentFlags(flags) => {
                out.extend_from_slice(b"PERMANENTFLAGS ");
                write::list(out, flags, display);
            }
            Code::UidNext(n) => numbered(out, "UIDNEXT", *n),
            Code::UidValidity(n) => numbered(out, "UIDVALIDITY", *n),
            Code::Unseen(n) => numbered(out, "UNSEEN", *n),
            Code::AppendUid { uid_validity, uids } => {
                numbered(out, "APPENDUID", *uid_validity);
                out.push(b' ');
                display(out, uids);
            }
            Code::CopyUid {
                uid_validity,
                source,
                destination,
            } => {
                numbered(out, "COPYUID", *uid_validity);
                out.push(b' ');
                display(out, source);
                out.push(b' ');
                display(out, destination);
            }
            Code::HighestModSeq(n) => {
                out.extend_from_slice(b"HIGHESTMODSEQ ");
                write::number(out, *n);
            }
            Code::Unknown(code) => out.extend_from_slice(code.as_bytes()),
            word => {
                let name = WORDS.iter().find(|(_, code)| code == word);
                out.extend_from_slice(name.map_or("", |(name, _)| name).as_bytes());
            }
        }
    }
}

fn numbered(out: &mut Vec<u8>, name: &str, number: NonZeroU32) {
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    write::number(out, number.get());
}

/// A space and a `uid-set`: ranges of UIDs without `*` (RFC 4315 section 4).
fn uid_set(c: &mut Cursor<'_>) -> Option<SequenceSet> {
    c.sp()?;
    let set = c.run(|b| b.is_ascii_digit() || matches!(b, b':' | b','))?;
    core::str::from_utf8(set).ok()?.parse().ok()
}
