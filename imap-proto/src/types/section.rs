use alloc::{string::String, vec::Vec};
use core::{fmt, num::NonZeroU32};

use super::{Cursor, Invalid, ParseError, write};

const RULE: &str = "RFC 3501 9 section";

/// Which part of a message: what stands between the brackets of `BODY[...]`
/// (RFC 3501 section 6.4.5).
///
/// ```
/// use scop_imap_proto::types::{Section, SectionText};
///
/// assert_eq!(Section::whole().to_string(), "");
/// let section = Section::header_fields(&[], ["DATE", "FROM"])?;
/// assert_eq!(section.to_string(), "HEADER.FIELDS (DATE FROM)");
/// assert!(Section::new(&[], Some(SectionText::Mime)).is_err()); // only of a part
/// # Ok::<(), scop_imap_proto::types::Invalid>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Section {
    part: Vec<NonZeroU32>,
    text: Option<SectionText>,
}

/// What of the part a [`Section`] means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SectionText {
    /// `HEADER`: the header of the message, the empty line included.
    Header,
    /// `HEADER.FIELDS (...)`: these fields of it, or with `not` all others.
    HeaderFields {
        /// `HEADER.FIELDS.NOT`.
        not: bool,
        /// The names, at least one.
        names: FieldNames,
    },
    /// `TEXT`: the body of the message.
    Text,
    /// `MIME`: the header of a part.
    Mime,
}

/// Names of header fields: at least one; each is printable ASCII without `:`, and
/// not empty. Compare them regardless of case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldNames(Vec<String>);

impl FieldNames {
    /// These names.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if there are none, or one is no field name (RFC 5322 section
    /// 3.6.8).
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Result<Self, Invalid> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let is_name =
            |n: &String| !n.is_empty() && n.bytes().all(|b| matches!(b, 0x21..=0x7e) && b != b':');
        if names.is_empty() || !names.iter().all(is_name) {
            return Err(Invalid {
                what: "no header field name, or one that is empty or not printable ASCII without `:`",
                rule: "RFC 5322 3.6.8",
            });
        }
        Ok(FieldNames(names))
    }

    /// Them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether `name` is among them, in any case.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.0
            .iter()
            .any(|n| n.as_bytes().eq_ignore_ascii_case(name))
    }
}

impl Section {
    /// The deepest part: numbers in `1.2.3`.
    pub const MAX_DEPTH: usize = 100;

    /// `[]`: all of the message.
    #[must_use]
    pub const fn whole() -> Self {
        Section {
            part: Vec::new(),
            text: None,
        }
    }

    /// What of which part; an empty `part` is the message itself.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for [`SectionText::Mime`] without a part, or a part of more than
    /// [`MAX_DEPTH`](Self::MAX_DEPTH) numbers.
    pub fn new(part: &[NonZeroU32], text: Option<SectionText>) -> Result<Self, Invalid> {
        if part.is_empty() && text == Some(SectionText::Mime) {
            return Err(Invalid {
                what: "MIME without a part number",
                rule: RULE,
            });
        }
        if part.len() > Self::MAX_DEPTH {
            return Err(Invalid {
                what: "a part more than 100 levels deep",
                rule: "limit",
            });
        }
        Ok(Section {
            part: part.to_vec(),
            text,
        })
    }

    /// `part.HEADER.FIELDS (names)`.
    ///
    /// # Errors
    ///
    /// [`Invalid`] as [`new`](Self::new) and [`FieldNames::new`].
    pub fn header_fields<S: Into<String>>(
        part: &[NonZeroU32],
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, Invalid> {
        let names = FieldNames::new(names)?;
        Self::new(part, Some(SectionText::HeaderFields { not: false, names }))
    }

    /// The part's number, level by level; empty for the message itself.
    #[must_use]
    pub fn part(&self) -> &[NonZeroU32] {
        &self.part
    }

    /// What of it; `None` is all of the message, or a part's content.
    #[must_use]
    pub fn text(&self) -> Option<&SectionText> {
        self.text.as_ref()
    }

    /// `section`, brackets included.
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        cursor.expect(b'[', "expected `[`", RULE)?;
        let mut part = Vec::new();
        let mut text_due = true;
        while cursor.peek().is_some_and(|b| b.is_ascii_digit()) {
            if part.len() == Self::MAX_DEPTH {
                return Err(cursor.error("a part more than 100 levels deep", "limit"));
            }
            part.push(cursor.nz_number()?);
            text_due = cursor.eat(b'.');
            if !text_due {
                break;
            }
        }
        let text = if text_due && (cursor.peek() != Some(b']') || !part.is_empty()) {
            Some(section_text(cursor, !part.is_empty())?)
        } else {
            None
        };
        cursor.expect(b']', "expected `]` behind a section", RULE)?;
        Ok(Section { part, text })
    }
}

fn section_text(cursor: &mut Cursor<'_>, of_part: bool) -> Result<SectionText, ParseError> {
    // Longest first.
    for (word, not) in [("HEADER.FIELDS.NOT", true), ("HEADER.FIELDS", false)] {
        if cursor.eat_word(word) {
            cursor.space()?;
            let names = field_names(cursor)?;
            return Ok(SectionText::HeaderFields { not, names });
        }
    }
    if cursor.eat_word("HEADER") {
        Ok(SectionText::Header)
    } else if cursor.eat_word("TEXT") {
        Ok(SectionText::Text)
    } else if of_part && cursor.eat_word("MIME") {
        Ok(SectionText::Mime)
    } else {
        Err(cursor.error(
            "expected HEADER, HEADER.FIELDS, TEXT, MIME or a part number",
            RULE,
        ))
    }
}

/// `header-list`.
fn field_names(cursor: &mut Cursor<'_>) -> Result<FieldNames, ParseError> {
    let at = cursor.clone();
    cursor.expect(
        b'(',
        "expected `(` before field names",
        "RFC 3501 9 header-list",
    )?;
    let mut names = Vec::new();
    loop {
        let name = cursor.astring()?;
        // What is no text is no field name either; FieldNames says so.
        names.push(String::from_utf8(name.into_owned()).unwrap_or_default());
        if cursor.eat(b')') {
            return FieldNames::new(names).map_err(|e| at.error(e.what, e.rule));
        }
        cursor.space()?;
    }
}

/// As it stands between the brackets.
impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, n) in self.part.iter().enumerate() {
            let dot = if i > 0 { "." } else { "" };
            write!(f, "{dot}{n}")?;
        }
        let Some(text) = &self.text else {
            return Ok(());
        };
        if !self.part.is_empty() {
            f.write_str(".")?;
        }
        match text {
            SectionText::Header => f.write_str("HEADER"),
            SectionText::Text => f.write_str("TEXT"),
            SectionText::Mime => f.write_str("MIME"),
            SectionText::HeaderFields { not, names } => {
                f.write_str(if *not {
                    "HEADER.FIELDS.NOT ("
                } else {
                    "HEADER.FIELDS ("
                })?;
                for (i, name) in names.iter().enumerate() {
                    let mut text = Vec::new();
                    // Printable ASCII: never a literal.
                    write::astring(&mut text, name.as_bytes());
                    let space = if i > 0 { " " } else { "" };
                    write!(
                        f,
                        "{space}{}",
                        core::str::from_utf8(&text).unwrap_or_default()
                    )?;
                }
                f.write_str(")")
            }
        }
    }
}

/// `<offset.length>`: a stretch of bytes of a section (RFC 3501 section 6.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Partial {
    /// From this byte on.
    pub offset: u32,
    /// At most so many.
    pub length: NonZeroU32,
}

impl Partial {
    /// The stretch cut to what there is of `size` bytes; empty beyond the end.
    #[must_use]
    pub fn of(&self, size: u64) -> core::ops::Range<u64> {
        let start = u64::from(self.offset).min(size);
        start..(start + u64::from(self.length.get())).min(size)
    }

    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Option<Self>, ParseError> {
        if !cursor.eat(b'<') {
            return Ok(None);
        }
        let offset = cursor.number()?;
        cursor.expect(b'.', "expected `.` in a partial", "RFC 3501 9 fetch-att")?;
        let length = cursor.nz_number()?;
        cursor.expect(
            b'>',
            "expected `>` behind a partial",
            "RFC 3501 9 fetch-att",
        )?;
        Ok(Some(Partial { offset, length }))
    }
}

/// Angle brackets included.
impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}>", self.offset, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};

    fn section(text: &str) -> Result<Section, ParseError> {
        let mut cursor = Cursor::new(text.as_bytes());
        let section = Section::parse(&mut cursor)?;
        assert!(cursor.is_done());
        Ok(section)
    }

    #[test]
    fn sections_come_back() {
        for text in [
            "[]",
            "[HEADER]",
            "[TEXT]",
            "[1]",
            "[1.2.3]",
            "[4.1.MIME]",
            "[4.2.HEADER]",
            "[4.2.2.1]",
            "[HEADER.FIELDS (DATE FROM)]",
            "[HEADER.FIELDS.NOT (X)]",
            "[2.HEADER.FIELDS (\"a(b\" c)]",
            "[1.TEXT]",
        ] {
            assert_eq!(format!("[{}]", section(text).unwrap()), text);
        }
        assert_eq!(
            section("[header.fields (\"date\" {4}\r\nfrom)]")
                .unwrap()
                .to_string(),
            "HEADER.FIELDS (date from)"
        );
        for bad in [
            "",
            "[",
            "[MIME]",
            "[0]",
            "[1.]",
            "[1.0]",
            "[.1]",
            "[HEADER.FIELDS]",
            "[HEADER.FIELDS ()]",
            "[HEADER.FIELDS (a:b)]",
            "[HEADER.FIELDS (\"\")]",
            "[FOO]",
            "[1 ]",
            "[1.HEADER",
            "[HEADER.FIELDS ({3}\r\na\r\n)]",
            "[4294967296]",
        ] {
            assert!(section(bad).is_err(), "{bad}");
        }
        let deep = |n: usize| format!("[{}]", "1.".repeat(n - 1) + "1");
        assert!(section(&deep(Section::MAX_DEPTH)).is_ok());
        assert!(section(&deep(Section::MAX_DEPTH + 1)).is_err());
    }

    #[test]
    fn partials_are_cut_to_what_there_is() {
        let partial = Partial::parse(&mut Cursor::new(b"<10.20>"))
            .unwrap()
            .unwrap();
        assert_eq!(partial.of(100), 10..30);
        assert_eq!(partial.of(15), 10..15);
        assert_eq!(partial.of(5), 5..5);
        assert_eq!(partial.to_string(), "<10.20>");
        for bad in ["<", "<1>", "<1.0>", "<1.2", "<.1>", "<1.4294967296>"] {
            assert!(
                Partial::parse(&mut Cursor::new(bad.as_bytes())).is_err(),
                "{bad}"
            );
        }
    }
}
