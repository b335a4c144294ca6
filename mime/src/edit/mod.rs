//! Edit a message: add, remove and replace fields and parts, and leave every other
//! byte as it was.
//!
//! What is added has the line ends of what it is added to. What an edit would break is
//! refused: a field that changes how a body is read, a part in which a line would be
//! taken for a delimiter around it. Signatures are the caller's business: an edit
//! within signed content breaks the signature, one around it does not.
//!
//! ```
//! use scop_mime::Message;
//! use scop_mime::build::{Field, Part};
//! use scop_mime::edit::{At, Edit};
//!
//! let stored = b"Subject: hi\r\nX-Spam: no\r\n\r\nHi!\r\n";
//! let message = Message::parse(stored);
//! let mut edit = Edit::new(&message);
//! edit.add_field(&message.root(), At::Top, Field::text("X-Checked", "yes")?)?;
//! edit.remove_fields(&message.root(), "X-Spam")?;
//! edit.attach(Part::attachment("a.pdf", "application/pdf", &b"%PDF"[..])?)?;
//! let edited = edit.finish()?.to_vec();
//! assert!(edited.starts_with(b"X-Checked: yes\r\nSubject: hi\r\nMIME-Version: 1.0\r\n"));
//! let message = Message::parse(&edited);
//! assert_eq!(message.text_body().unwrap().decoded(), &b"Hi!\r\n"[..]);
//! assert_eq!(message.attachments().next().unwrap().filename().as_deref(), Some("a.pdf"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod edited;
mod header;
mod write;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use thiserror::Error;

pub use edited::{EditChunk, EditChunks, Edited};

use crate::build::{self, Field};
use crate::{Content, DefectKind, Message, Parent, Part};

/// An edit that makes no sense. The call changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EditError {
    /// The part is of another message.
    #[error("the part is of another message than the edit; take it from the edit's message")]
    OtherMessage,
    /// The part, or one that it is in, was removed or replaced.
    #[error("the part at byte {offset} was removed, replaced or wrapped already")]
    PartGone {
        /// Where the part is.
        offset: u64,
    },
    /// There is no such field.
    #[error("the part at byte {offset} has no such field; count them with Header::all")]
    NoField {
        /// Where the part is.
        offset: u64,
    },
    /// The field would change how the body is read.
    #[error(
        "with that the body of the part at byte {offset} would be read as something else (RFC 2045 5, 6.4); replace the part"
    )]
    Structure {
        /// Where the part is.
        offset: u64,
    },
    /// A line that is no field would begin the header, or go on with another field.
    #[error(
        "the line at byte {offset} is no field, and would be read otherwise than now (RFC 5322 2.2); remove it too: its name is empty"
    )]
    NotAField {
        /// Where the line is.
        offset: u64,
    },
    /// The header was not read to its end.
    #[error("the header at byte {offset} was not read to its end, by a limit; raise the limit")]
    Limit {
        /// Where the part is.
        offset: u64,
    },
    /// The part stands alone, or has no parts.
    #[error("the part at byte {offset} is not part of a multipart, or no multipart that has parts")]
    NotInMultipart {
        /// Where the part is.
        offset: u64,
    },
    /// All parts of a multipart were removed.
    #[error(
        "the multipart at byte {offset} would have no part left (RFC 2046 5.1.1); remove it instead"
    )]
    EmptyMultipart {
        /// Where the multipart is.
        offset: u64,
    },
    /// A line of what is added would be taken for a delimiter.
    #[error(
        "a line of what is added would be taken for a delimiter of the multipart at byte {offset} (RFC 2046 5.1.1), and cannot be encoded"
    )]
    Boundary {
        /// Where the multipart is.
        offset: u64,
    },
    /// A multipart within another of the same boundary: which of both a delimiter is of
    /// depends on the parts before it.
    #[error(
        "the multipart at byte {offset} has the boundary of one around it (RFC 2046 5.1.2): with parts added or removed its delimiters would be read otherwise; replace it, or sanitise the message first"
    )]
    SharedBoundary {
        /// Where the body of the multipart is.
        offset: u64,
    },
    /// The message itself cannot be removed.
    #[error("a message cannot be removed; replace it, or remove the part that it is in")]
    Root,
}

/// Where a field is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At<'n> {
    /// Above all fields, where trace fields go (RFC 5321 4.4); what is added last is on
    /// top. Lines that are no fields (the `From ` of an mbox) stay above.
    Top,
    /// Below all fields.
    Bottom,
    /// Above the field of that name and number, from 0.
    Before(&'n str, usize),
    /// Below the field of that name and number, from 0.
    After(&'n str, usize),
}

/// Edits of a message: see the [module](self).
///
/// Parts are named by the message's own [`Part`]s, and stay named so whatever is
/// edited. The order of edits does not matter, but that what was removed or replaced
/// cannot be edited any more. Nothing is copied from the message. Memory: what is
/// added.
#[derive(Clone, Debug)]
pub struct Edit<'m, 'a> {
    message: &'m Message<'a>,
    /// By part.
    headers: BTreeMap<u32, HeaderEdit>,
    /// By part.
    changes: BTreeMap<u32, Change>,
    /// By multipart and the number of the child that they come before.
    inserted: BTreeMap<(u32, usize), Vec<build::Part>>,
    /// Parts with an edit in them.
    touched: BTreeSet<u32>,
}

#[derive(Clone, Debug, Default)]
struct HeaderEdit {
    removed: BTreeSet<usize>,
    /// By the number of the field that they come before.
    added: BTreeMap<usize, Vec<Field>>,
}

#[derive(Clone, Debug)]
enum Change {
    Removed,
    Replaced(build::Part),
    Wrapped {
        before: Vec<build::Part>,
        after: Vec<build::Part>,
    },
}

impl<'m, 'a> Edit<'m, 'a> {
    /// No edit yet.
    #[must_use]
    pub fn new(message: &'m Message<'a>) -> Self {
        Edit {
            message,
            headers: BTreeMap::new(),
            changes: BTreeMap::new(),
            inserted: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }

    /// Adds a field to the header of a part.
    ///
    /// # Errors
    ///
    /// [`EditError::NoField`] where there is no field to add it beside;
    /// [`EditError::OtherMessage`], [`EditError::PartGone`], [`EditError::Limit`].
    /// What it does to the body is checked by [`finish`](Self::finish).
    pub fn add_field(
        &mut self,
        part: &Part<'_, '_>,
        at: At<'_>,
        field: Field,
    ) -> Result<(), EditError> {
        let number = self.header_of(part)?;
        let slot = match at {
            At::Top => part
                .header()
                .fields()
                .take_while(|f| f.name().is_empty())
                .count(),
            At::Bottom => part.header().fields().count(),
            At::Before(name, n) => find(part, name, n)?,
            At::After(name, n) => find(part, name, n)? + 1,
        };
        let fields = self.touch_header(number).added.entry(slot).or_default();
        match at {
            At::Top => fields.insert(0, field),
            _ => fields.push(field),
        }
        Ok(())
    }

    /// Removes the field of that name and number, from 0. Lines that are no fields have
    /// an empty name.
    ///
    /// # Errors
    ///
    /// As [`add_field`](Self::add_field).
    pub fn remove_field(
        &mut self,
        part: &Part<'_, '_>,
        name: &str,
        n: usize,
    ) -> Result<(), EditError> {
        let number = self.header_of(part)?;
        let field = find(part, name, n)?;
        self.touch_header(number).removed.insert(field);
        Ok(())
    }

    /// Removes all fields of that name; gives how many.
    ///
    /// # Errors
    ///
    /// As [`add_field`](Self::add_field), but [`EditError::NoField`].
    pub fn remove_fields(&mut self, part: &Part<'_, '_>, name: &str) -> Result<usize, EditError> {
        let number = self.header_of(part)?;
        let all: Vec<usize> = numbers(part, name).collect();
        if !all.is_empty() {
            self.touch_header(number).removed.extend(&all);
        }
        Ok(all.len())
    }

    /// Puts a field in the place of the one of that name and number, from 0.
    ///
    /// # Errors
    ///
    /// As [`add_field`](Self::add_field).
    pub fn replace_field(
        &mut self,
        part: &Part<'_, '_>,
        name: &str,
        n: usize,
        field: Field,
    ) -> Result<(), EditError> {
        let number = self.header_of(part)?;
        let at = find(part, name, n)?;
        let header = self.touch_header(number);
        header.removed.insert(at);
        header.added.entry(at).or_default().push(field);
        Ok(())
    }

    /// Puts a block of Resent- fields on top, for the message to be passed on as it is
    /// (RFC 5322 3.6.6), and removes Return-Path, with which nothing may be sent
    /// (RFC 5321 4.4).
    ///
    /// # Errors
    ///
    /// [`EditError::PartGone`], [`EditError::Limit`].
    pub fn resend(&mut self, block: &build::Resent) -> Result<(), EditError> {
        let root = self.message.root();
        self.remove_fields(&root, "Return-Path")?;
        for field in block.fields().into_iter().rev() {
            self.add_field(&root, At::Top, field)?;
        }
        Ok(())
    }

    /// Puts a new part in the place of one. Of a message - the message itself, or one
    /// within - that is its body and its Content-* fields; its other fields stay.
    ///
    /// # Errors
    ///
    /// [`EditError::OtherMessage`], [`EditError::PartGone`], [`EditError::Limit`].
    pub fn replace_part(&mut self, part: &Part<'_, '_>, new: build::Part) -> Result<(), EditError> {
        let number = self.whole(part)?;
        self.change(number, Change::Replaced(new));
        Ok(())
    }

    /// Removes a part of a multipart.
    ///
    /// # Errors
    ///
    /// [`EditError::Root`] for a message; [`EditError::OtherMessage`],
    /// [`EditError::PartGone`]. That a part is left is checked by
    /// [`finish`](Self::finish).
    pub fn remove_part(&mut self, part: &Part<'_, '_>) -> Result<(), EditError> {
        let number = self.known(part)?;
        if part.parent() != Parent::Multipart {
            return Err(EditError::Root);
        }
        if self.changes.contains_key(&number) {
            return Err(gone(part));
        }
        self.change(number, Change::Removed);
        Ok(())
    }

    /// Adds a part to a multipart, before one of its parts.
    ///
    /// # Errors
    ///
    /// [`EditError::NotInMultipart`], [`EditError::OtherMessage`],
    /// [`EditError::PartGone`] if the multipart is gone.
    pub fn insert_before(
        &mut self,
        part: &Part<'_, '_>,
        new: build::Part,
    ) -> Result<(), EditError> {
        self.insert(part, 0, new)
    }

    /// Adds a part to a multipart, behind one of its parts.
    ///
    /// # Errors
    ///
    /// As [`insert_before`](Self::insert_before).
    pub fn insert_after(&mut self, part: &Part<'_, '_>, new: build::Part) -> Result<(), EditError> {
        self.insert(part, 1, new)
    }

    fn insert(
        &mut self,
        part: &Part<'_, '_>,
        behind: usize,
        new: build::Part,
    ) -> Result<(), EditError> {
        if !core::ptr::eq(part.message, self.message) {
            return Err(EditError::OtherMessage);
        }
        if part.parent() != Parent::Multipart {
            let offset = part.offset();
            return Err(EditError::NotInMultipart { offset });
        }
        let parent = part.record.parent;
        self.check_chain(parent)?;
        let slot = (part.record.ordinal as usize).saturating_sub(1) + behind;
        self.inserted.entry((parent, slot)).or_default().push(new);
        self.touch(parent);
        Ok(())
    }

    /// Adds a part to a multipart, behind all of its parts.
    ///
    /// # Errors
    ///
    /// [`EditError::NotInMultipart`] for what is no multipart with parts;
    /// [`EditError::OtherMessage`], [`EditError::PartGone`].
    pub fn append(&mut self, multipart: &Part<'_, '_>, new: build::Part) -> Result<(), EditError> {
        let number = self.known(multipart)?;
        let children = multipart.record.children as usize;
        if multipart.content() != Content::Multipart || children == 0 {
            let offset = multipart.offset();
            return Err(EditError::NotInMultipart { offset });
        }
        let slots = self.inserted.entry((number, children));
        slots.or_default().push(new);
        self.touch(number);
        Ok(())
    }

    /// Puts a part into a `multipart/mixed` with others before and behind it: to add a
    /// note above or below whatever is there. Of a message, the Content-* fields go
    /// with the body that they describe. Within a digest it is a `multipart/digest`, so that
    /// a part without a type stays a message (RFC 2046 section 5.1.5).
    ///
    /// # Errors
    ///
    /// [`EditError::OtherMessage`], [`EditError::Limit`], [`EditError::PartGone`] also
    /// for a part that was wrapped already.
    pub fn wrap(
        &mut self,
        part: &Part<'_, '_>,
        before: Vec<build::Part>,
        after: Vec<build::Part>,
    ) -> Result<(), EditError> {
        let number = self.whole(part)?;
        self.change(number, Change::Wrapped { before, after });
        Ok(())
    }

    /// Adds an attachment to the message: at the end of its `multipart/mixed`, or by
    /// [wrapping](Self::wrap) what it is.
    ///
    /// # Errors
    ///
    /// As [`wrap`](Self::wrap).
    pub fn attach(&mut self, new: build::Part) -> Result<(), EditError> {
        let root = self.message.root();
        let number = self.known(&root)?;
        if let Some(Change::Wrapped { after, .. }) = self.changes.get_mut(&number) {
            after.push(new);
            return Ok(());
        }
        let mixed = root.content_type().essence() == "multipart/mixed";
        match mixed && root.content() == Content::Multipart && root.record.children > 0 {
            true => self.append(&root, new),
            false => self.wrap(&root, Vec::new(), alloc::vec![new]),
        }
    }

    /// The number of a part that can be edited inside.
    fn known(&self, part: &Part<'_, '_>) -> Result<u32, EditError> {
        if !core::ptr::eq(part.message, self.message) {
            return Err(EditError::OtherMessage);
        }
        self.check_chain(part.number)?;
        Ok(part.number)
    }

    /// Of one that is not changed as a whole yet.
    fn whole(&self, part: &Part<'_, '_>) -> Result<u32, EditError> {
        match self.header_of(part)? {
            number if self.changes.contains_key(&number) => Err(gone(part)),
            number => Ok(number),
        }
    }

    /// Of one whose header was read to its end.
    fn header_of(&self, part: &Part<'_, '_>) -> Result<u32, EditError> {
        let number = self.known(part)?;
        let limits = [DefectKind::HeaderTooLong, DefectKind::TooManyFields];
        let end = part.record.header_end;
        let mut defects = self.message.defects().iter();
        match part.is_opaque() && defects.any(|d| d.offset == end && limits.contains(&d.kind)) {
            true => Err(EditError::Limit {
                offset: part.offset(),
            }),
            false => Ok(number),
        }
    }

    /// Nothing that it is in is gone.
    fn check_chain(&self, number: u32) -> Result<(), EditError> {
        let mut at = number;
        while let Some(record) = self.message.index.part(at) {
            if let Some(Change::Removed | Change::Replaced(_)) = self.changes.get(&at) {
                let offset = record.offset;
                return Err(EditError::PartGone { offset });
            }
            at = record.parent;
        }
        Ok(())
    }

    fn change(&mut self, number: u32, change: Change) {
        self.changes.insert(number, change);
        self.touch(number);
    }

    fn touch_header(&mut self, number: u32) -> &mut HeaderEdit {
        self.touch(number);
        self.headers.entry(number).or_default()
    }

    /// It and all that it is in are to be written anew.
    fn touch(&mut self, number: u32) {
        let mut at = number;
        while let Some(record) = self.message.index.part(at) {
            if !self.touched.insert(at) {
                return;
            }
            at = record.parent;
        }
    }
}

fn gone(part: &Part<'_, '_>) -> EditError {
    EditError::PartGone {
        offset: part.offset(),
    }
}

/// The numbers of the fields of that name.
fn numbers(part: &Part<'_, '_>, name: &str) -> impl Iterator<Item = usize> {
    part.header()
        .fields()
        .enumerate()
        .filter(move |(_, f)| f.name().eq_ignore_ascii_case(name))
        .map(|(n, _)| n)
}

fn find(part: &Part<'_, '_>, name: &str, n: usize) -> Result<usize, EditError> {
    numbers(part, name).nth(n).ok_or(EditError::NoField {
        offset: part.offset(),
    })
}
