//! Parts that are bytes: texts, files, messages that came from somewhere.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::BuildError;
use super::content::{Facts, canonical};
use super::part::{Content, Part, check_leaf, check_type};
use crate::flowed::{Paragraph, WIDTH, flow};

/// What is in memory. Among streamed parts it takes a [`lift`](Self::lift).
impl Part {
    /// A text, in lines that end in LF or CRLF. A last line without an end gets one. It
    /// is US-ASCII if that is enough, else UTF-8; as it is if it can be, else the
    /// shorter of quoted-printable and base64.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::of_text("text/plain", text.into())
    }

    /// A text whose paragraphs a reader may flow anew (RFC 3676): each line of `text` is
    /// a paragraph, and is cut into lines of up to 72 characters.
    ///
    /// ```
    /// use scop_mime::build::{Builder, Mailbox};
    /// # use scop_mime::DateTime;
    /// # let now = DateTime::from_unix(0, 0).unwrap();
    ///
    /// let built = Builder::new(Mailbox::new("a@b.test")?, now).flowed("Hello Bob").build();
    /// let text = String::from_utf8(built.to_vec())?;
    /// assert!(text.contains("text/plain; charset=us-ascii; format=flowed\r\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn flowed(text: &str) -> Self {
        let paragraphs = text.lines().map(|line| Paragraph {
            depth: 0,
            text: line.into(),
        });
        let flowed = flow(paragraphs, WIDTH, false);
        Self::of_text("text/plain", flowed).with_parameter("format", "flowed")
    }

    /// The same as HTML.
    #[must_use]
    pub fn html(text: impl Into<String>) -> Self {
        Self::of_text("text/html", text.into())
    }

    /// A text of another subtype: `csv` makes it `text/csv`.
    ///
    /// # Errors
    ///
    /// [`BuildError::ContentType`] for what is no name (RFC 6838 4.2).
    pub fn text_as(subtype: &str, text: impl Into<String>) -> Result<Self, BuildError> {
        let content_type = alloc::format!("text/{subtype}");
        check_type(&content_type)?;
        Ok(Self::of_text(content_type, text.into()))
    }

    fn of_text(content_type: impl Into<Cow<'static, str>>, text: String) -> Self {
        let (data, facts) = canonical(text.into_bytes());
        let mut part = Self::new(content_type, Content::data(data, Some(facts)));
        part.charset = Some(facts.charset());
        part
    }

    /// Bytes of a type, `application/pdf`; where nothing better is known,
    /// `application/octet-stream`. They are shared, not copied, and arrive as they are:
    /// in base64, or, if the type is a text's and its lines end in CRLF, as text. A text
    /// that is UTF-8 and not ASCII says so; of one in another charset only the caller
    /// knows which, and gives it as the [parameter](Self::parameter) `charset`.
    ///
    /// ```
    /// use scop_mime::build::{Builder, Mailbox, Part};
    /// # use scop_mime::DateTime;
    /// # let now = DateTime::from_unix(0, 0).unwrap();
    ///
    /// let old = Part::data("text/csv", &b"gr\xfcn;1\r\n"[..])?.parameter("charset", "iso-8859-1")?;
    /// let new = Part::data("text/csv", "grün;1\r\n")?; // charset=utf-8
    /// let built = Builder::new(Mailbox::new("a@b.test")?, now).attach(old).attach(new).build();
    /// let bytes = built.to_vec();
    /// let message = scop_mime::Message::parse(&bytes);
    /// assert!(message.attachments().all(|p| p.text().unwrap().text == "grün;1\r\n"));
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError::ContentType`] for a type that is none, that has parameters (see
    /// [`parameter`](Self::parameter)), and for `multipart/*` and `message/*`, which
    /// may not be in base64 (RFC 2045 6.4).
    pub fn data(content_type: &str, data: impl Into<Bytes>) -> Result<Self, BuildError> {
        check_leaf(content_type)?;
        let data = data.into();
        let is_text = content_type
            .get(..5)
            .is_some_and(|t| t.eq_ignore_ascii_case("text/"));
        let facts = is_text.then(|| Facts::of(&data));
        let content = Content::data(data, facts);
        Ok(Self::new(String::from(content_type), content))
    }

    /// A file to attach: [`data`](Self::data) with a [name](Self::file_name), as an
    /// [attachment](Self::attached).
    ///
    /// # Errors
    ///
    /// As those.
    pub fn attachment(
        name: &str,
        content_type: &str,
        data: impl Into<Bytes>,
    ) -> Result<Self, BuildError> {
        Self::data(content_type, data)?.attached().file_name(name)
    }

    /// A message that came from somewhere, to be passed on as it is; `message/global`
    /// if its header is in UTF-8. Line ends become CRLF.
    ///
    /// # Errors
    ///
    /// [`BuildError::Line`] for NUL and for a line over 998 bytes: no transfer encoding
    /// may hide them here (RFC 2046 5.2.1), so such a message can only go as
    /// [data](Self::data) of another type, or as its [header](Self::message_header).
    pub fn message_bytes(message: impl Into<Vec<u8>>) -> Result<Self, BuildError> {
        let (bytes, _) = canonical(message.into());
        let content_type = match is_utf8_header(&bytes) {
            true => "message/global",
            false => "message/rfc822",
        };
        Self::verbatim(content_type, bytes)
    }

    /// The header alone of a message that came from somewhere, as a text (RFC 6522 4,
    /// RFC 6533 5). What is behind the empty line is left out.
    #[must_use]
    pub fn message_header(message: &[u8]) -> Self {
        let end = header_end(message);
        let (header, facts) = canonical(message.get(..end).unwrap_or(message).into());
        let content_type = match is_utf8_header(&header) {
            true => "message/global-headers",
            false => "text/rfc822-headers",
        };
        Self::new(content_type, Content::data(header, Some(facts)))
    }

    /// `message/SUBTYPE` of bytes that are not encoded: the machine's part of a report.
    ///
    /// # Errors
    ///
    /// [`BuildError::ContentType`] for what is no name, and for `rfc822`, `global` and
    /// `news`: they are messages; [`BuildError::Line`] as for
    /// [`message_bytes`](Self::message_bytes).
    pub fn machine(subtype: &str, bytes: impl Into<Vec<u8>>) -> Result<Self, BuildError> {
        let content_type = alloc::format!("message/{subtype}");
        check_type(&content_type)?;
        let own = ["rfc822", "global", "news"];
        if own.iter().any(|o| subtype.eq_ignore_ascii_case(o)) {
            return Err(BuildError::ContentType("it has a constructor of its own"));
        }
        Self::verbatim(content_type, canonical(bytes.into()).0)
    }

    fn verbatim(
        content_type: impl Into<Cow<'static, str>>,
        bytes: Vec<u8>,
    ) -> Result<Self, BuildError> {
        check_lines("a message", &bytes)?;
        let eight_bit = !bytes.is_ascii();
        let bytes = bytes.into();
        let content = Content::Verbatim { bytes, eight_bit };
        let mut part = Self::new(content_type, content);
        part.depth = 1;
        Ok(part)
    }

    /// A part of another message as it is, header and all:
    /// [`Part::raw`](crate::Part::raw). Line ends become CRLF. Its header is its own:
    /// what is set here besides is not written.
    ///
    /// # Errors
    ///
    /// [`BuildError::Line`] for NUL and for a line over 998 bytes.
    pub fn entity(entity: impl Into<Vec<u8>>) -> Result<Self, BuildError> {
        let (bytes, _) = canonical(entity.into());
        check_lines("a part", &bytes)?;
        Ok(Self::of_entity(bytes.into()))
    }

    /// A text that is not called one: armour, for instance.
    pub(super) fn plain(content_type: &'static str, text: String) -> Self {
        let (data, facts) = canonical(text.into_bytes());
        Self::new(content_type, Content::data(data, Some(facts)))
    }
}

/// Refuses what cannot be sent as it is.
fn check_lines(what: &'static str, bytes: &[u8]) -> Result<(), BuildError> {
    if let Some(offset) = memchr::memchr(0, bytes) {
        return Err(BuildError::Line { what, offset });
    }
    let mut start = 0;
    for lf in memchr::memchr_iter(b'\n', bytes) {
        if lf - start > 999 {
            let offset = start;
            return Err(BuildError::Line { what, offset });
        }
        start = lf + 1;
    }
    Ok(())
}

/// Where the header of a message ends: at its empty line.
fn header_end(message: &[u8]) -> usize {
    let mut start = 0;
    for lf in memchr::memchr_iter(b'\n', message) {
        if matches!(message.get(start..lf), Some(b"" | b"\r")) {
            return start;
        }
        start = lf + 1;
    }
    message.len()
}

fn is_utf8_header(message: &[u8]) -> bool {
    let end = memchr::memmem::find(message, b"\r\n\r\n").unwrap_or(message.len());
    let header = message.get(..end).unwrap_or(message);
    !header.is_ascii() && core::str::from_utf8(header).is_ok()
}
