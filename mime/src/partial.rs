//! Messages in pieces: `message/partial` (RFC 2046 section 5.2.2). Nothing is put
//! together but by an explicit call with limits.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::{Content, ContentType, Header, Limits, Message, Part, TransferEncoding};

/// Which piece of a message a part is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Partial {
    /// The same in all pieces of one message.
    pub id: String,
    /// From 1.
    pub number: u32,
    /// How many there are; the last piece always says so.
    pub total: Option<u32>,
}

/// Bounds on what is put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialLimits {
    /// Pieces. Default 1,000.
    pub fragments: u32,
    /// Bytes of the message. Default 50 MiB.
    pub octets: u64,
}

impl Default for PartialLimits {
    fn default() -> Self {
        PartialLimits {
            fragments: 1_000,
            octets: 50 << 20,
        }
    }
}

/// Why pieces are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartialError {
    /// One is no piece.
    #[error(
        "message {index} is no message/partial with an id and a number (RFC 2046 5.2.2); leave it out"
    )]
    NotPartial {
        /// Which of those given, from 0.
        index: usize,
    },
    /// A piece is encoded, which no piece may be.
    #[error("message {index} has a Content-Transfer-Encoding other than 7bit (RFC 2046 5.2.2)")]
    Encoded {
        /// Which of those given, from 0.
        index: usize,
    },
    /// One is of another message.
    #[error("message {index} has another id than the first one given (RFC 2046 5.2.2); sort by id")]
    OtherId {
        /// Which of those given, from 0.
        index: usize,
    },
    /// Pieces do not agree on how many there are, or one is behind the last.
    #[error("message {index} does not fit the total {total} (RFC 2046 5.2.2)")]
    Inconsistent {
        /// Which of those given, from 0.
        index: usize,
        /// What another said.
        total: u32,
    },
    /// A piece came twice.
    #[error("fragment {number} is there twice (RFC 2046 5.2.2); leave one out")]
    Duplicate {
        /// Its number.
        number: u32,
    },
    /// Some pieces are not there yet.
    #[error("fragment {first} is missing{} (RFC 2046 5.2.2); wait for it", also(*others))]
    Missing {
        /// The number of the first of them.
        first: u32,
        /// How many besides.
        others: u32,
    },
    /// No piece says how many there are: the last one is missing.
    #[error("no fragment names a total (RFC 2046 5.2.2); wait for the last one")]
    NoTotal,
    /// More than the limits allow.
    #[error("more than {limit} {what} (scop limit); refuse it, or raise the limit")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The first piece does not hold a header, so there is no message.
    #[error("the first fragment begins with no header field (RFC 2046 5.2.2.1)")]
    NoHeader,
}

/// How many fragments more are missing.
fn also(others: u32) -> String {
    match others {
        0 => String::new(),
        _ => alloc::format!(", and {others} more"),
    }
}

impl Partial {
    /// Reads the parameters of a `message/partial`. `None` for another type, without an
    /// id, and without a number from 1.
    #[must_use]
    pub fn of(content_type: &ContentType) -> Option<Self> {
        if content_type.essence() != "message/partial" {
            return None;
        }
        let number = |name| {
            let value = content_type.parameter(name)?.trim_ascii();
            value.parse::<u32>().ok().filter(|n| *n > 0)
        };
        Some(Partial {
            id: content_type.parameter("id")?.to_string(),
            number: number("number")?,
            total: number("total"),
        })
    }
}

impl Part<'_, '_> {
    /// Which piece of a message it is, if it is one. Its body is the piece.
    #[must_use]
    pub fn partial(&self) -> Option<Partial> {
        Partial::of(&self.content_type())
    }
}

/// A message put together, not copied yet: what [`reassemble`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassembled<'a> {
    chunks: Vec<&'a [u8]>,
}

impl<'a> Reassembled<'a> {
    /// The message, in chunks that borrow from the pieces.
    pub fn chunks(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.chunks.iter().copied()
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.chunks.iter().map(|c| c.len() as u64).sum()
    }

    /// It has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it at once.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.chunks.concat()
    }
}

/// Puts the pieces of a message together: whole messages of type `message/partial`, in
/// any order. Fields are merged by RFC 2046 5.2.2.1: those of the first piece but
/// `Content-*`, Subject, Message-ID, Encrypted and MIME-Version; then these, of the
/// message within. Where a piece does not end in a line end, it gets one: pieces are cut
/// between lines.
///
/// What comes out may be a piece again (RFC 2046 5.2.2); it is the caller's to go on.
/// Cost: one pass over the headers of the pieces; nothing is copied.
///
/// ```
/// use scop_mime::{Message, partial::{PartialLimits, reassemble}};
///
/// let one = b"From: a@b.test\nSubject: 1 of 2\nContent-Type: message/partial; id=x; number=1\n\n\
///     Subject: Hello\nFrom: dropped@b.test\n\nFirst\n";
/// let two = b"Subject: 2 of 2\nContent-Type: message/partial; id=x; number=2; total=2\n\nSecond\n";
/// let whole = reassemble(&[two, one], &PartialLimits::default())?.to_vec();
/// assert_eq!(whole, b"From: a@b.test\nSubject: Hello\n\nFirst\nSecond\n");
/// # Ok::<(), scop_mime::partial::PartialError>(())
/// ```
///
/// # Errors
///
/// [`PartialError`], each for what it says.
pub fn reassemble<'a>(
    messages: &[&'a [u8]],
    limits: &PartialLimits,
) -> Result<Reassembled<'a>, PartialError> {
    let too_large = |what, limit| PartialError::TooLarge { what, limit };
    let most = limits.fragments as usize;
    if messages.len() > most {
        return Err(too_large("fragments", u64::from(limits.fragments)));
    }
    // Only the header of a piece counts here: its body is bytes.
    let shallow = Limits {
        depth: 0,
        ..Limits::default()
    };
    let parsed = |bytes: &'a [u8]| Message::parse_with(bytes, &shallow);
    let mut pieces: Vec<(u32, usize, &'a [u8])> = Vec::new();
    let mut id: Option<String> = None;
    let mut total: Option<u32> = None;
    let mut octets = 0u64;
    for (index, bytes) in messages.iter().enumerate() {
        let message = parsed(bytes);
        let root = message.root();
        let partial = root.partial().ok_or(PartialError::NotPartial { index })?;
        if matches!(
            root.encoding(),
            TransferEncoding::Base64
                | TransferEncoding::QuotedPrintable
                | TransferEncoding::Uuencode
        ) {
            return Err(PartialError::Encoded { index });
        }
        if *id.get_or_insert_with(|| partial.id.clone()) != partial.id {
            return Err(PartialError::OtherId { index });
        }
        let said = partial.total.unwrap_or(total.unwrap_or(u32::MAX));
        if partial.total.is_some() && *total.get_or_insert(said) != said {
            let total = total.unwrap_or_default();
            return Err(PartialError::Inconsistent { index, total });
        }
        octets = octets.saturating_add(bytes.len() as u64);
        pieces.push((partial.number, index, root.body()));
    }
    let total = total.ok_or(PartialError::NoTotal)?;
    if total > limits.fragments {
        return Err(too_large("fragments", u64::from(limits.fragments)));
    }
    if octets > limits.octets {
        return Err(too_large("octets", limits.octets));
    }
    pieces.sort_unstable_by_key(|p| (p.0, p.1));
    let mut expected = 1;
    let mut missing: Option<u32> = None;
    for (number, index, _) in &pieces {
        let (number, index) = (*number, *index);
        if number > total {
            return Err(PartialError::Inconsistent { index, total });
        }
        if number < expected {
            return Err(PartialError::Duplicate { number });
        }
        if number > expected {
            missing = missing.or(Some(expected));
        }
        expected = number + 1;
    }
    let there = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
    if there < total {
        let first = missing.unwrap_or(expected);
        let others = total - there - 1;
        return Err(PartialError::Missing { first, others });
    }
    let first = pieces.first().and_then(|p| Some((messages.get(p.1)?, p.2)));
    let Some((outer, body)) = first else {
        return Err(PartialError::NoTotal);
    };
    let (outer, inner) = (parsed(outer), parsed(body));
    let mut chunks: Vec<&'a [u8]> = Vec::new();
    merge(&outer.header(), false, &mut chunks);
    let before = chunks.len();
    merge(&inner.header(), true, &mut chunks);
    if chunks.len() == before && inner.header().fields().all(|f| f.name().is_empty()) {
        return Err(PartialError::NoHeader);
    }
    // The empty line behind the header is of the message within, if it has one.
    let body_at = usize::try_from(inner.root().body_offset()).unwrap_or(usize::MAX);
    let header_end = inner.header().fields().last();
    let header_end = header_end.map_or(0, |f| f.offset() + f.raw().len() as u64);
    let separator = body.get(usize::try_from(header_end).unwrap_or(usize::MAX)..body_at);
    chunks.push(separator.filter(|s| !s.is_empty()).unwrap_or(b"\r\n"));
    chunks.push(body.get(body_at..).unwrap_or_default());
    for (_, _, body) in pieces.iter().skip(1) {
        if chunks
            .last()
            .is_some_and(|c| !c.ends_with(b"\n") && !c.is_empty())
        {
            chunks.push(b"\r\n");
        }
        chunks.push(body);
    }
    chunks.retain(|c| !c.is_empty());
    Ok(Reassembled { chunks })
}

/// The fields of one of the two headers that count (RFC 2046 5.2.2.1 (2), (3)).
fn merge<'a>(header: &Header<'_, 'a>, within: bool, out: &mut Vec<&'a [u8]>) {
    for field in header.fields() {
        let name = field.name();
        let own = ["subject", "message-id", "encrypted", "mime-version"];
        let of_content = name
            .get(..8)
            .is_some_and(|n| n.eq_ignore_ascii_case("content-"));
        let of_inner = of_content || own.iter().any(|o| name.eq_ignore_ascii_case(o));
        if of_inner == within && !name.is_empty() {
            out.push(field.raw());
            if !field.raw().ends_with(b"\n") {
                out.push(b"\r\n");
            }
        }
    }
}

/// Data that is somewhere else: `message/external-body` (RFC 2046 5.2.3, RFC 2017). It
/// is described, never fetched.
#[derive(Clone, Debug)]
pub struct ExternalBody<'a> {
    content_type: ContentType,
    body: &'a [u8],
}

impl<'a> ExternalBody<'a> {
    /// `access-type` in lower case: `url`, `anon-ftp`, `local-file`, `mail-server`;
    /// empty where it is missing.
    #[must_use]
    pub fn access_type(&self) -> String {
        let text = self
            .content_type
            .parameter("access-type")
            .unwrap_or_default();
        text.trim_ascii().to_ascii_lowercase()
    }

    /// `URL` of access type `url`, without white space (RFC 2017 3).
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let url = self.content_type.parameter("url")?;
        Some(url.chars().filter(|c| !c.is_ascii_whitespace()).collect())
    }

    /// `name`: of the file.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.content_type.parameter("name")
    }

    /// `site`: the host, or hosts, that have it.
    #[must_use]
    pub fn site(&self) -> Option<&str> {
        self.content_type.parameter("site")
    }

    /// `directory`: where the file is there.
    #[must_use]
    pub fn directory(&self) -> Option<&str> {
        self.content_type.parameter("directory")
    }

    /// `mode` of FTP, in lower case.
    #[must_use]
    pub fn mode(&self) -> Option<String> {
        Some(self.content_type.parameter("mode")?.to_ascii_lowercase())
    }

    /// `server`: whom to write to, for access type `mail-server`.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        self.content_type.parameter("server")
    }

    /// `subject`: of that mail.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.content_type.parameter("subject")
    }

    /// `expiration`: until when it is there.
    #[must_use]
    pub fn expiration(&self) -> Option<crate::DateTime> {
        let date = self.content_type.parameter("expiration")?;
        crate::DateTime::parse(date.as_bytes())
    }

    /// `size` in bytes, as the sender says.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.content_type
            .parameter("size")?
            .trim_ascii()
            .parse()
            .ok()
    }

    /// `permission`: a copy may be written back (`read-write`).
    #[must_use]
    pub fn is_writable(&self) -> bool {
        let permission = self.content_type.parameter("permission");
        permission.is_some_and(|p| p.trim_ascii().eq_ignore_ascii_case("read-write"))
    }

    /// All parameters, by name in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.content_type.parameter(name)
    }

    /// The header of the data: its type, its Content-ID. The body of it, the phantom
    /// body, is not the data; for `mail-server` it is the text to send.
    #[must_use]
    pub fn phantom(&self) -> Message<'a> {
        let shallow = Limits {
            depth: 0,
            ..Limits::default()
        };
        Message::parse_with(self.body, &shallow)
    }
}

impl<'a> Part<'_, 'a> {
    /// Where its data is, if it is a `message/external-body`.
    ///
    /// ```
    /// let message = scop_mime::Message::parse(b"Content-Type: message/external-body;\n\
    ///     \taccess-type=local-file; name=\"/u/nsb/Me.jpeg\"\n\n\
    ///     Content-type: image/jpeg\nContent-ID: <id42@guppylake.bellcore.com>\n\nNOT THE BODY\n");
    /// let external = message.root().external_body().unwrap();
    /// assert_eq!((&*external.access_type(), external.name()), ("local-file", Some("/u/nsb/Me.jpeg")));
    /// assert_eq!(external.phantom().root().content_type().essence(), "image/jpeg");
    /// ```
    #[must_use]
    pub fn external_body(&self) -> Option<ExternalBody<'a>> {
        let content_type = self.content_type();
        let is = content_type.essence() == "message/external-body";
        (is && self.content() == Content::Leaf).then(|| ExternalBody {
            content_type,
            body: self.body(),
        })
    }
}
