//! Puts an edited message together, in the order of its bytes.
//!
//! Only parts with an edit in them are walked. Recursion is as deep as parts are in
//! each other, which [`Limits::MAX_DEPTH`](crate::Limits::MAX_DEPTH) bounds.

use alloc::vec::Vec;
use core::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memmem};

use super::edited::{Edited, Eol, Piece, with_eol};
use super::header::NewHeader;
use super::{Change, Edit, EditError};
use crate::build;
use crate::build::content::Options;
use crate::build::write::{Boundaries, Boundary, entity};
use crate::build::written::Segment;
use crate::{Content, DefectKind, Parent, Part, tree_slice};

/// A header beyond this without a line end says nothing about how lines end.
const LINE: usize = 2 << 10;

impl<'m, 'a> Edit<'m, 'a> {
    /// The edited message.
    ///
    /// # Errors
    ///
    /// [`EditError::EmptyMultipart`], [`EditError::Boundary`],
    /// [`EditError::SharedBoundary`], [`EditError::Structure`], [`EditError::NotAField`]: what only all edits together
    /// show.
    pub fn finish(self) -> Result<Edited<'a>, EditError> {
        let root = self.message.root();
        let bytes = self.message.bytes();
        self.check_shared()?;
        let mut out = Out {
            boundaries: self.boundaries(),
            eol: eol_of(bytes).unwrap_or(Eol::Crlf),
            edit: self,
            pieces: Vec::new(),
            around: Vec::new(),
            last: b'\n',
        };
        out.part(&root)?;
        // What the root does not hold there is nothing of, but to be sure.
        let end = root.record.body_range().end;
        out.range(end..u64::MAX);
        out.check_lone_cr()?;
        Ok(Edited { pieces: out.pieces })
    }
}

impl Edit<'_, '_> {
    /// Where multiparts share a boundary none of them may get more or fewer parts.
    fn check_shared(&self) -> Result<(), EditError> {
        let removed = |c: &Change| matches!(c, Change::Removed);
        let mut defects = self.message.defects().iter();
        let shared = defects.find(|d| d.kind == DefectKind::SharedBoundary);
        match shared {
            Some(defect) if !self.inserted.is_empty() || self.changes.values().any(removed) => {
                Err(EditError::SharedBoundary {
                    offset: defect.offset,
                })
            }
            _ => Ok(()),
        }
    }

    /// Boundaries that are in nothing that they could be around: neither in the message
    /// nor in what is added.
    fn boundaries(&self) -> Option<Boundaries> {
        let is_wrap = |c: &Change| matches!(c, Change::Wrapped { .. });
        if !self.changes.values().any(is_wrap) {
            return None;
        }
        let mut added: Vec<&build::Part> = self.inserted.values().flatten().collect();
        for change in self.changes.values() {
            match change {
                Change::Removed => {}
                Change::Replaced(new) => added.push(new),
                Change::Wrapped { before, after } => added.extend(before.iter().chain(after)),
            }
        }
        let plain: Vec<Bytes> = added
            .into_iter()
            .flat_map(|part| entity(part.clone(), Options::default()).0.into_segments())
            .filter_map(|segment| match segment {
                Segment::Plain(bytes) => Some(bytes),
                _ => None,
            })
            .collect();
        let mut searched: Vec<&[u8]> = alloc::vec![self.message.bytes()];
        searched.extend(plain.iter().map(|b| &b[..]));
        Some(Boundaries::outside(&searched))
    }
}

struct Out<'m, 'a> {
    edit: Edit<'m, 'a>,
    pieces: Vec<Piece<'a>>,
    /// For what is wrapped.
    boundaries: Option<Boundaries>,
    /// The delimiters of the multiparts that are open, and where those are.
    around: Vec<(Vec<u8>, u64)>,
    /// Of the message.
    eol: Eol,
    /// The byte written last.
    last: u8,
}

impl<'m, 'a> Out<'m, 'a> {
    /// Writes a part from the first byte of its header to the last of its body.
    fn part(&mut self, part: &Part<'m, 'a>) -> Result<(), EditError> {
        if !self.edit.touched.contains(&part.number) {
            let range = part.offset()..part.record.body_range().end;
            self.range(range);
            return Ok(());
        }
        let eol = eol_of(part.raw()).unwrap_or(self.eol);
        match self.edit.changes.remove(&part.number) {
            Some(Change::Removed) => Ok(()),
            Some(Change::Replaced(new)) => self.replaced(part, new, eol),
            Some(Change::Wrapped { before, after }) => self.wrapped(part, before, after, eol),
            None => {
                self.header(part, eol)?;
                self.body(part)
            }
        }
    }

    /// The header, its edits applied, and the empty line.
    fn header(&mut self, part: &Part<'m, 'a>, eol: Eol) -> Result<(), EditError> {
        let (start, body) = (part.offset(), part.body_offset());
        let Some(edit) = self.edit.headers.remove(&part.number) else {
            self.range(start..body);
            return Ok(());
        };
        let header = NewHeader::of(part, Some(&edit), eol)?;
        header.check(part, self.is_in_digest(part))?;
        let empty = header.is_empty();
        if !empty {
            self.line_start(eol);
        }
        header
            .into_pieces(eol)
            .into_iter()
            .for_each(|p| self.push(p));
        self.separator(part, empty, eol);
        Ok(())
    }

    /// The empty line: a body that had none gets one, lest it be read as header.
    fn separator(&mut self, part: &Part<'m, 'a>, empty: bool, eol: Eol) {
        let (end, body) = (part.record.header_end, part.body_offset());
        self.range(end..body);
        if end == body && part.body_length() > 0 && !empty {
            self.line_start(eol);
            self.new_bytes(eol.bytes());
        }
    }

    fn body(&mut self, part: &Part<'m, 'a>) -> Result<(), EditError> {
        let body = part.record.body_range();
        match part.content() {
            Content::Leaf => self.range(body),
            Content::Message => {
                let mut at = body.start;
                for child in part.children() {
                    if part.record.header_end == body.start {
                        // What the message gets is not to be read as this header.
                        let eol = eol_of(part.raw()).unwrap_or(self.eol);
                        self.line_start(eol);
                        self.new_bytes(eol.bytes());
                    }
                    self.range(at..child.offset());
                    self.part(&child)?;
                    at = child.record.body_range().end;
                }
                self.range(at..body.end);
            }
            Content::Multipart => return self.multipart(part),
        }
        Ok(())
    }

    /// The parts of a multipart: those that stay with the delimiters that are before
    /// them, new ones with new delimiters.
    fn multipart(&mut self, part: &Part<'m, 'a>) -> Result<(), EditError> {
        let body = part.record.body_range();
        let children: Vec<_> = part.children().collect();
        let Some(first) = children.first() else {
            self.range(body);
            return Ok(());
        };
        let (offset, eol) = (part.offset(), eol_of(part.raw()).unwrap_or(self.eol));
        let opening = tree_slice(self.edit.message.bytes(), body.start..first.offset());
        let delimiter = Vec::from(last_line(opening));
        self.around.push((delimiter.clone(), offset));
        self.range(body.start..first.offset());
        let (mut any, mut stays) = (false, None);
        for slot in 0..=children.len() {
            let inserted = self.edit.inserted.remove(&(part.number, slot));
            for new in inserted.into_iter().flatten() {
                match any {
                    true => self.delimiter(&delimiter, eol),
                    false => self.line_start(eol),
                }
                (any, stays) = (true, None);
                self.new_part(new, eol)?;
            }
            let Some(child) = children.get(slot) else {
                break;
            };
            if let Some(Change::Removed) = self.edit.changes.get(&child.number) {
                continue;
            }
            let before = slot.checked_sub(1).and_then(|b| children.get(b));
            match before {
                _ if !any => {}
                Some(before) => self.old_delimiter(before, child.offset(), stays, eol),
                None => self.delimiter(&delimiter, eol),
            }
            any = true;
            let replaced = matches!(
                self.edit.changes.get(&child.number),
                Some(Change::Replaced(_))
            );
            stays = (!replaced).then_some(child.number);
            self.part(child)?;
        }
        self.around.pop();
        if !any {
            return Err(EditError::EmptyMultipart { offset });
        }
        if let Some(last) = children.last() {
            self.old_delimiter(last, body.end, stays, eol);
        }
        Ok(())
    }

    /// A body that is one CR, at the end of a message and without an empty line before it, would
    /// be that line with a line end behind it.
    fn check_lone_cr(&self) -> Result<(), EditError> {
        let message = self.edit.message;
        let (end, last) = (message.bytes().len() as u64, message.parts().last());
        let is_lone = |part: &Part<'_, '_>| {
            let offset = part.body_offset();
            part.body() == b"\r" && part.record.header_end == offset && offset + 1 == end
        };
        let Some(lone) = last.filter(is_lone) else {
            return Ok(());
        };
        let is_end = |piece: &Piece<'_>| match piece {
            Piece::Old(bytes, at) => at + bytes.len() as u64 == end,
            _ => false,
        };
        match self.pieces.iter().position(is_end) {
            Some(at) if at + 1 < self.pieces.len() => Err(EditError::NotAField {
                offset: lone.body_offset(),
            }),
            _ => Ok(()),
        }
    }

    /// The bytes from the end of a part to `end`. Of a part that is empty, the line end
    /// before a delimiter is that of the line above: `stays` is the part that is still
    /// above, if it is an old one.
    fn old_delimiter(&mut self, before: &Part<'m, 'a>, end: u64, stays: Option<u32>, eol: Eol) {
        let start = before.record.body_range().end;
        if tree_slice(self.edit.message.bytes(), start..end).starts_with(b"--") {
            match stays == Some(before.number) {
                true => self.line_start(eol),
                false => self.line_end(eol),
            }
        } else if self.last == b'\r' && stays != Some(before.number) {
            self.line_end(Eol::Crlf);
            return self.range(start + self.eol_length(start)..end);
        }
        self.range(start..end);
    }

    fn delimiter(&mut self, delimiter: &[u8], eol: Eol) {
        self.line_end(eol);
        for piece in [delimiter, eol.bytes()] {
            self.new_bytes(piece);
        }
    }

    /// The length of the line end at `offset`.
    fn eol_length(&self, offset: u64) -> u64 {
        match tree_slice(self.edit.message.bytes(), offset..offset + 2) {
            b"\r\n" => 2,
            [b'\n', ..] => 1,
            _ => 0,
        }
    }

    /// Another body, with the fields that describe it.
    fn replaced(
        &mut self,
        part: &Part<'m, 'a>,
        new: build::Part,
        eol: Eol,
    ) -> Result<(), EditError> {
        if part.parent() != Parent::Multipart {
            let edit = self.edit.headers.remove(&part.number);
            let (_, others) = NewHeader::of(part, edit.as_ref(), eol)?.split()?;
            self.own_header(others, eol);
        }
        self.line_start(eol);
        self.new_part(new, eol)
    }

    /// The fields of a message that do not describe its body.
    fn own_header(&mut self, header: NewHeader<'a>, eol: Eol) {
        let versioned = header.has("MIME-Version");
        header
            .into_pieces(eol)
            .into_iter()
            .for_each(|p| self.push(p));
        self.line_start(eol);
        if !versioned {
            self.new_bytes(b"MIME-Version: 1.0");
            self.new_bytes(eol.bytes());
        }
    }

    fn wrapped(
        &mut self,
        part: &Part<'m, 'a>,
        before: Vec<build::Part>,
        after: Vec<build::Part>,
        eol: Eol,
    ) -> Result<(), EditError> {
        let offset = part.offset();
        let before: Result<Vec<_>, _> = before.into_iter().map(|p| self.render(p)).collect();
        let after: Result<Vec<_>, _> = after.into_iter().map(|p| self.render(p)).collect();
        let (before, after) = (before?, after?);
        let boundary = self.boundaries.as_mut().map(Boundaries::take);
        let boundary = boundary.as_ref().map_or("", Boundary::as_str);
        let delimiter = alloc::format!("--{boundary}").into_bytes();
        // One of which this is the start would take its lines for its own.
        let taken = |around: &&(Vec<u8>, u64)| delimiter.starts_with(&around.0);
        if let Some((_, offset)) = self.around.iter().find(taken) {
            return Err(EditError::Boundary { offset: *offset });
        }
        let edit = self.edit.headers.remove(&part.number);
        let inner = match part.parent() {
            Parent::Multipart => {
                self.edit.headers.extend(edit.map(|e| (part.number, e)));
                None
            }
            Parent::Root | Parent::Message => {
                let header = NewHeader::of(part, edit.as_ref(), eol)?;
                header.check(part, false)?;
                let (content, others) = header.split()?;
                self.own_header(others, eol);
                Some(content)
            }
        };
        self.line_start(eol);
        // Within another kind a part without a type would be a text.
        let kind = match self.is_in_digest(part) {
            true => "digest",
            false => "mixed",
        };
        let head = alloc::format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"");
        for piece in [head.as_bytes(), eol.bytes()] {
            self.new_bytes(piece);
        }
        for segments in before {
            self.delimiter(&delimiter, eol);
            self.segments(segments, eol);
        }
        self.delimiter(&delimiter, eol);
        self.around.push((delimiter.clone(), offset));
        match inner {
            None => {
                self.header(part, eol)?;
                // Without an empty line of its own, none of the delimiter behind it.
                self.body(part)?;
            }
            Some(content) => {
                let pieces = content.into_pieces(eol);
                pieces.into_iter().for_each(|p| self.push(p));
                self.line_start(eol);
                self.new_bytes(eol.bytes());
                self.body(part)?;
            }
        }
        self.around.pop();
        for segments in after {
            self.delimiter(&delimiter, eol);
            self.segments(segments, eol);
        }
        self.line_end(eol);
        for piece in [&delimiter, &b"--"[..], eol.bytes()] {
            self.new_bytes(piece);
        }
        Ok(())
    }

    /// A new part among old ones.
    fn new_part(&mut self, new: build::Part, eol: Eol) -> Result<(), EditError> {
        let segments = self.render(new)?;
        self.segments(segments, eol);
        Ok(())
    }

    /// The bytes of a new part. Where a line of it would be a delimiter of what it is
    /// put into, texts are in base64, in which there is none; what may not be encoded
    /// is refused.
    fn render(&self, new: build::Part) -> Result<Vec<Segment>, EditError> {
        if self.around.is_empty() {
            return Ok(entity(new, Options::default()).0.into_segments());
        }
        let armoured = Options {
            armoured: true,
            ..Options::default()
        };
        let segments = entity(new.clone(), Options::default()).0.into_segments();
        if self.breaks(&segments).is_none() {
            return Ok(segments);
        }
        let segments = entity(new, armoured).0.into_segments();
        match self.breaks(&segments) {
            None => Ok(segments),
            Some(offset) => Err(EditError::Boundary { offset }),
        }
    }

    /// The multipart around of which a line would be a delimiter.
    fn breaks(&self, segments: &[Segment]) -> Option<u64> {
        let mut line_start = true;
        for segment in segments {
            let Segment::Plain(bytes) = segment else {
                line_start = false;
                continue;
            };
            for (delimiter, offset) in &self.around {
                let mut found = memmem::find_iter(bytes, delimiter);
                let starts = |at: usize| match at.checked_sub(1) {
                    None => line_start,
                    Some(before) => bytes.get(before) == Some(&b'\n'),
                };
                if found.any(starts) {
                    return Some(*offset);
                }
            }
            line_start = bytes.ends_with(b"\n");
        }
        None
    }

    fn segments(&mut self, segments: Vec<Segment>, eol: Eol) {
        for segment in segments {
            match segment {
                Segment::Plain(bytes) if eol == Eol::Crlf => self.push(Piece::New(bytes)),
                Segment::Plain(bytes) => {
                    let bytes = with_eol(bytes.into(), eol);
                    self.push(Piece::New(bytes.into()));
                }
                Segment::Base64(bytes) => self.push(Piece::Base64(bytes, eol)),
                Segment::Source(..) => {} // there is none
            }
        }
    }

    fn is_in_digest(&self, part: &Part<'m, 'a>) -> bool {
        let parent = self.edit.message.part_number(part.record.parent);
        let digest = |p: Part<'_, '_>| p.content_type().essence() == "multipart/digest";
        part.parent() == Parent::Multipart && parent.is_some_and(digest)
    }

    fn range(&mut self, range: Range<u64>) {
        let bytes = tree_slice(self.edit.message.bytes(), range.clone());
        self.old(bytes, range.start);
    }

    /// Bytes of the message; together with those before them, if they lie so.
    fn old(&mut self, bytes: &'a [u8], at: u64) {
        let Some(last) = bytes.last() else { return };
        self.last = *last;
        if let Some(Piece::Old(before, start)) = self.pieces.last_mut()
            && *start + before.len() as u64 == at
        {
            let end = at + bytes.len() as u64;
            *before = tree_slice(self.edit.message.bytes(), *start..end);
            return;
        }
        self.pieces.push(Piece::Old(bytes, at));
    }

    fn push(&mut self, piece: Piece<'a>) {
        match piece {
            Piece::Old(bytes, at) => self.old(bytes, at),
            Piece::New(bytes) => {
                if let Some(last) = bytes.last() {
                    self.last = *last;
                    self.pieces.push(Piece::New(bytes));
                }
            }
            Piece::Base64(..) => {
                self.last = b'=';
                self.pieces.push(piece);
            }
        }
    }

    fn new_bytes(&mut self, bytes: &[u8]) {
        self.push(Piece::New(Bytes::copy_from_slice(bytes)));
    }

    /// What comes now begins a line.
    fn line_start(&mut self, eol: Eol) {
        if self.last != b'\n' {
            self.line_end(eol);
        }
    }

    /// A line end; CRLF behind a CR that is none.
    fn line_end(&mut self, eol: Eol) {
        let eol = match self.last {
            b'\r' => Eol::Crlf,
            _ => eol,
        };
        self.new_bytes(eol.bytes());
    }
}

/// How the first line ends.
fn eol_of(bytes: &[u8]) -> Option<Eol> {
    let head = bytes.get(..LINE).unwrap_or(bytes);
    let lf = memchr(b'\n', head)?;
    match lf.checked_sub(1).and_then(|cr| head.get(cr)) {
        Some(b'\r') => Some(Eol::Crlf),
        _ => Some(Eol::Lf),
    }
}

/// The last line, without its end and the white space before it.
fn last_line(bytes: &[u8]) -> &[u8] {
    let line = bytes.trim_ascii_end();
    let start = memchr::memrchr(b'\n', line).map_or(0, |lf| lf + 1);
    line.get(start..).unwrap_or_default()
}
