//! Headers with edits in them.

use alloc::vec::Vec;

use super::edited::{Eol, Piece, with_eol};
use super::{EditError, HeaderEdit};
use crate::value::content::{self, BodyType};
use crate::{Content, Message, Part, TransferEncoding};

/// The fields of a header as they will be.
#[derive(Debug, Default)]
pub(super) struct NewHeader<'a> {
    lines: Vec<Line<'a>>,
}

/// A field, with its line end, if it has one.
#[derive(Debug)]
struct Line<'a> {
    piece: Piece<'a>,
    /// It describes the body.
    is_content: bool,
    /// It is no field, and there are none above it.
    leading: bool,
    /// Where it is, if it is no field and there are fields above it.
    stray: Option<u64>,
}

impl Line<'_> {
    fn bytes(&self) -> &[u8] {
        match &self.piece {
            Piece::Old(bytes, _) => bytes,
            Piece::New(bytes) | Piece::Base64(bytes, _) => bytes,
        }
    }
}

impl<'a> NewHeader<'a> {
    /// Applies the edits to the header of `part`.
    pub(super) fn of(
        part: &Part<'_, 'a>,
        edit: Option<&HeaderEdit>,
        eol: Eol,
    ) -> Result<Self, EditError> {
        let empty = HeaderEdit::default();
        let edit = edit.unwrap_or(&empty);
        let mut header = NewHeader::default();
        let mut after_field = false;
        let mut count = 0;
        for (n, field) in part.header().fields().enumerate() {
            count = n + 1;
            header.add(edit, n, eol);
            if edit.removed.contains(&n) {
                after_field |= !field.name().is_empty();
                continue;
            }
            // It would go on with the line above.
            let offset = field.offset();
            let folds = matches!(field.raw(), [b' ' | b'\t', ..]);
            if folds && !header.lines.is_empty() {
                return Err(EditError::NotAField { offset });
            }
            let stray = field.name().is_empty() && after_field;
            let leading = field.name().is_empty() && !after_field;
            after_field |= !field.name().is_empty();
            header.lines.push(Line {
                piece: Piece::Old(field.raw(), offset),
                is_content: is_content(field.name()),
                leading,
                stray: stray.then_some(offset),
            });
        }
        header.add(edit, count, eol);
        header.check_strays(false)?;
        Ok(header)
    }

    /// A line that is no field is read as one only behind a field, or above all; and one or
    /// two CR alone, with which a message may end, would be the empty line with a line end
    /// behind them: where fields `follow`, behind the last line too.
    fn check_strays(&self, follow: bool) -> Result<(), EditError> {
        let ended = self.lines.len() - usize::from(!follow && !self.lines.is_empty());
        let is_cr = |l: &&Line<'_>| matches!(l.bytes(), b"\r" | b"\r\r");
        if let Some(cr) = self.lines.iter().take(ended).find(is_cr) {
            let offset = cr.stray.unwrap_or_default();
            return Err(EditError::NotAField { offset });
        }
        let above = |l: &&Line<'_>| l.leading || l.stray.is_some();
        let strays = self.lines.iter().take_while(above);
        match strays.filter_map(|l| l.stray).next() {
            Some(offset) => Err(EditError::NotAField { offset }),
            None => Ok(()),
        }
    }

    fn add(&mut self, edit: &HeaderEdit, slot: usize, eol: Eol) {
        for field in edit.added.get(&slot).into_iter().flatten() {
            let mut out = Vec::new();
            field.write(&mut out, field.needs_utf8());
            let out = with_eol(out, eol);
            self.lines.push(Line {
                piece: Piece::New(out.into()),
                is_content: is_content(field.name()),
                leading: false,
                stray: None,
            });
        }
    }

    /// Those that describe the body, and the others.
    pub(super) fn split(self) -> Result<(Self, Self), EditError> {
        let (content, others): (Vec<_>, Vec<_>) =
            self.lines.into_iter().partition(|l| l.is_content);
        let others = NewHeader { lines: others };
        others.check_strays(true)?;
        Ok((NewHeader { lines: content }, others))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        let named = |l: &Line<'_>| {
            let bytes = l.bytes();
            let head = bytes.get(..name.len()).unwrap_or_default();
            let colon = bytes
                .get(name.len()..)
                .unwrap_or_default()
                .trim_ascii_start();
            head.eq_ignore_ascii_case(name.as_bytes()) && colon.starts_with(b":")
        };
        self.lines.iter().any(named)
    }

    /// The fields, with a line end between them.
    pub(super) fn into_pieces(self, eol: Eol) -> Vec<Piece<'a>> {
        let mut out: Vec<Piece<'a>> = Vec::with_capacity(self.lines.len());
        let mut ended = true;
        for line in self.lines {
            if !ended {
                out.push(Piece::New(eol.bytes().into()));
            }
            ended = line.bytes().ends_with(b"\n");
            out.push(line.piece);
        }
        out
    }

    /// Refuses a header with which the body of `part` would be read otherwise.
    pub(super) fn check(&self, part: &Part<'_, '_>, in_digest: bool) -> Result<(), EditError> {
        let mut bytes = Vec::new();
        for line in &self.lines {
            bytes.extend_from_slice(line.bytes());
            if !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
        }
        let limits = &part.message.limits;
        let message = Message::parse_with(&bytes, limits);
        let new = kind(&message.root(), in_digest);
        match new == kind(part, in_digest) {
            true => Ok(()),
            false => Err(EditError::Structure {
                offset: part.offset(),
            }),
        }
    }
}

/// How the header says that the body is read.
fn kind(part: &Part<'_, '_>, in_digest: bool) -> Option<(Content, Vec<u8>)> {
    let header = part.header();
    let limit = part.message.limits.parameters;
    let field = header.get("content-type");
    let body_type = field.and_then(|f| content::body_type(f.value(), limit).0);
    let encoding = header.get("content-transfer-encoding");
    let encoding = encoding.map_or(TransferEncoding::SevenBit, |f| f.transfer_encoding());
    match body_type {
        Some(BodyType::Multipart { boundary, .. }) => {
            Some((Content::Multipart, boundary.into_owned()))
        }
        Some(BodyType::Message) => Some((Content::Message, encoded(&encoding))),
        None if in_digest => Some((Content::Message, encoded(&encoding))),
        Some(BodyType::Other) | None => None,
    }
}

/// A message in a transfer encoding is no message to a reader.
fn encoded(encoding: &TransferEncoding) -> Vec<u8> {
    Vec::from(match encoding.is_identity() {
        true => "",
        false => "encoded",
    })
}

fn is_content(name: &str) -> bool {
    let prefix = name.get(..8).unwrap_or_default();
    prefix.eq_ignore_ascii_case("content-")
}
