//! Sections: `BODY[1.2.HEADER.FIELDS (FROM)]` and the bytes that they mean.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::str::FromStr;

use memchr::memchr_iter;
use thiserror::Error;

use crate::Index;

/// A section of a message (RFC 3501 6.4.5): what is in the brackets of `BODY[..]`.
///
/// ```
/// use scop_mime::{Section, SectionText};
///
/// let section: Section = "1.2.header.fields (From To)".parse()?;
/// assert_eq!(section.part, [1, 2]);
/// assert_eq!(section.text, SectionText::HeaderFields(vec!["From".into(), "To".into()]));
/// assert_eq!(section.to_string(), "1.2.HEADER.FIELDS (From To)");
/// # Ok::<(), scop_mime::ParseSectionError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Section {
    /// The numbers of the part, each from 1; none for the message itself.
    pub part: Vec<u32>,
    /// What of it.
    pub text: SectionText,
}

/// What of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum SectionText {
    /// The body of a part; all of the message itself.
    #[default]
    All,
    /// `HEADER`: of the message, or of the message in that part.
    Header,
    /// `HEADER.FIELDS`: the fields with these names, in any case.
    HeaderFields(Vec<String>),
    /// `HEADER.FIELDS.NOT`: the fields with other names.
    HeaderFieldsNot(Vec<String>),
    /// `TEXT`: the body of the message, or of the message in that part.
    Text,
    /// `MIME`: the header of the part.
    Mime,
}

/// A section that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no section as in RFC 3501 section 6.4.5, for instance 1.2.MIME or HEADER.FIELDS (From)")]
pub struct ParseSectionError;

impl FromStr for Section {
    type Err = ParseSectionError;

    fn from_str(text: &str) -> Result<Self, ParseSectionError> {
        let mut section = Section::default();
        let mut rest = text.trim();
        while rest.starts_with(|c: char| c.is_ascii_digit()) {
            let (number, behind) = rest.split_once('.').unwrap_or((rest, ""));
            let number: u32 = number.parse().map_err(|_| ParseSectionError)?;
            if number == 0 || (behind.is_empty() && rest.ends_with('.')) {
                return Err(ParseSectionError);
            }
            section.part.push(number);
            rest = behind;
        }
        let (word, list) = match rest.split_once('(') {
            Some((word, list)) => (word, Some(list)),
            None => (rest, None),
        };
        let names = || {
            let list = list.and_then(|l| l.trim_end().strip_suffix(')'));
            let names: Vec<String> = list
                .ok_or(ParseSectionError)?
                .split_ascii_whitespace()
                .map(|n| n.trim_matches('"').to_owned())
                .collect();
            match names.is_empty() {
                true => Err(ParseSectionError),
                false => Ok(names),
            }
        };
        section.text = match word.trim_end().to_ascii_uppercase().as_str() {
            "HEADER.FIELDS" => SectionText::HeaderFields(names()?),
            "HEADER.FIELDS.NOT" => SectionText::HeaderFieldsNot(names()?),
            _ if list.is_some() => return Err(ParseSectionError),
            "" => SectionText::All,
            "HEADER" => SectionText::Header,
            "TEXT" => SectionText::Text,
            "MIME" if !section.part.is_empty() => SectionText::Mime,
            _ => return Err(ParseSectionError),
        };
        Ok(section)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, number) in self.part.iter().enumerate() {
            let dot = if i > 0 { "." } else { "" };
            write!(f, "{dot}{number}")?;
        }
        let (word, names) = match &self.text {
            SectionText::All => return Ok(()),
            SectionText::Header => ("HEADER", None),
            SectionText::HeaderFields(names) => ("HEADER.FIELDS", Some(names)),
            SectionText::HeaderFieldsNot(names) => ("HEADER.FIELDS.NOT", Some(names)),
            SectionText::Text => ("TEXT", None),
            SectionText::Mime => ("MIME", None),
        };
        let dot = if self.part.is_empty() { "" } else { "." };
        write!(f, "{dot}{word}")?;
        match names {
            Some(names) => write!(f, " ({})", names.join(" ")),
            None => Ok(()),
        }
    }
}

impl Index {
    /// Where the section is in the message as stored; `None` when the message has no
    /// such part, or the part no such text. For `HEADER.FIELDS` and its `NOT` it is
    /// where the whole header is: see [`select_fields`].
    #[must_use]
    pub fn range(&self, section: &Section) -> Option<Range<u64>> {
        let number = self.find(&section.part)?;
        let part = self.part(number)?;
        let entity = match section.text {
            SectionText::All if section.part.is_empty() => return Some(0..self.size.octets),
            SectionText::All => return Some(part.body_range()),
            SectionText::Mime if section.part.is_empty() => return None,
            SectionText::Mime => return Some(part.header_range()),
            // The header or text of a message: the one itself, or the one in a part.
            _ if section.part.is_empty() => part,
            _ => self.part(self.message_in(number)?)?,
        };
        Some(match section.text {
            SectionText::Text => entity.body_range(),
            _ => entity.header_range(),
        })
    }

    /// The bytes of the section, given the message as stored: borrowed but for
    /// `HEADER.FIELDS` and its `NOT`. `None` when the message has no such part, or
    /// the part no such text. Bytes that are not there are left out.
    ///
    /// Line ends are as stored: see [`to_crlf`] for a store that keeps bare LF.
    ///
    /// ```
    /// use scop_mime::{Limits, Message};
    ///
    /// let text = b"From: a@b.test\r\nX: y\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHi\r\n--b--\r\n";
    /// let index = Message::parse(text).index();
    /// let get = |section: &str| index.section(text, &section.parse().unwrap());
    /// assert_eq!(get("1").unwrap(), &b"Hi"[..]);
    /// assert_eq!(get("HEADER.FIELDS (FROM)").unwrap(), &b"From: a@b.test\r\n\r\n"[..]);
    /// assert_eq!(get("2"), None);
    /// ```
    #[must_use]
    pub fn section<'a>(&self, message: &'a [u8], section: &Section) -> Option<Cow<'a, [u8]>> {
        let range = self.range(section)?;
        let bytes = crate::tree_slice(message, range);
        Some(match &section.text {
            SectionText::HeaderFields(names) => Cow::Owned(select_fields(bytes, names, false)),
            SectionText::HeaderFieldsNot(names) => Cow::Owned(select_fields(bytes, names, true)),
            _ => Cow::Borrowed(bytes),
        })
    }
}

/// The fields of a header whose names are in `names` (in any case), or are not, with
/// the empty line that ends the header, if it has one: `HEADER.FIELDS` and
/// `HEADER.FIELDS.NOT`. Lines that are no field are never given.
///
/// `header` is what [`Index::range`] gives for it.
#[must_use]
pub fn select_fields<S: AsRef<str>>(header: &[u8], names: &[S], not: bool) -> Vec<u8> {
    let mut out = Vec::new();
    // What is in front of the first field is none.
    let mark = "\u{feff}".as_bytes();
    let header = header.strip_prefix(mark).unwrap_or(header);
    let mut start = 0;
    let mut taken = false;
    for lf in memchr_iter(b'\n', header).chain(core::iter::once(header.len())) {
        let line = header.get(start..=lf).or(header.get(start..lf));
        let line = line.unwrap_or_default();
        start = lf + 1;
        match line {
            [] => {}
            b"\n" | b"\r\n" => out.extend_from_slice(line),
            [b' ' | b'\t', ..] => {
                if taken {
                    out.extend_from_slice(line);
                }
            }
            _ => {
                let name = line.split(|b| *b == b':').next().unwrap_or_default();
                let name = name.trim_ascii_end();
                let field = name.len() < line.len()
                    && !name.is_empty()
                    && name.iter().all(u8::is_ascii_graphic)
                    && line.contains(&b':');
                let named = names
                    .iter()
                    .any(|n| n.as_ref().as_bytes().eq_ignore_ascii_case(name));
                taken = field && named != not;
                if taken {
                    out.extend_from_slice(line);
                }
            }
        }
    }
    out
}

/// The bytes with every bare LF made a CRLF: what IMAP sends of a message that is
/// stored with bare LF. Borrowed where there is none.
///
/// ```
/// assert_eq!(scop_mime::to_crlf(b"a\nb\r\n"), &b"a\r\nb\r\n"[..]);
/// ```
#[must_use]
pub fn to_crlf(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let mut start = 0;
    for lf in memchr_iter(b'\n', bytes) {
        let before = lf.checked_sub(1).and_then(|i| bytes.get(i));
        if before != Some(&b'\r') {
            out.extend_from_slice(bytes.get(start..lf).unwrap_or_default());
            out.push(b'\r');
            start = lf;
        }
    }
    if start == 0 && out.is_empty() {
        return Cow::Borrowed(bytes);
    }
    out.extend_from_slice(bytes.get(start..).unwrap_or_default());
    Cow::Owned(out)
}
