//! Parts that refer to each other: `multipart/related` (RFC 2387), `cid:` and `mid:`
//! (RFC 2392), Content-Location (RFC 2557); and the fields of `multipart/form-data`
//! (RFC 7578).

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::message::Part;
use super::record::NONE;
use crate::value::lex::raw_text;
use crate::value::{parameter, uri};
use crate::{Content, Parent};

/// A set of parts that refer to each other, for instance HTML with its images: what
/// [`Part::related`] gives. Made once, it finds each part without a search.
#[derive(Clone, Debug)]
pub struct Related<'m, 'a> {
    container: Part<'m, 'a>,
    root: Part<'m, 'a>,
    message_id: Option<String>,
    /// By Content-ID.
    ids: BTreeMap<String, u32>,
    /// By absolute Content-Location.
    locations: BTreeMap<String, u32>,
    /// The base of what the root refers to.
    base: String,
}

/// What a relative reference is relative to where nothing else says (RFC 2557 5 (d)).
const THIS: &str = "thismessage:/";

impl<'m, 'a> Related<'m, 'a> {
    /// `container` and the parts within it, but not those of messages within.
    fn of(container: Part<'m, 'a>) -> Self {
        let message = container.message;
        let end = container.record.body_range().end;
        let (mut ids, mut locations) = (BTreeMap::new(), BTreeMap::new());
        let mut bases: BTreeMap<u32, String> = BTreeMap::new();
        // Parts of a message within have no entry for their parent, and so are told.
        bases.insert(container.number, container.base());
        if container.location().is_some() {
            locations.insert(container.base(), container.number);
        }
        if let Some(id) = container.content_id() {
            ids.insert(id.to_string(), container.number);
        }
        let parts = message.parts().skip(container.number as usize + 1);
        for part in parts.take_while(|p| p.offset() <= end && p.record.parent != NONE) {
            let Some(outer) = bases.get(&part.record.parent) else {
                continue;
            };
            let location = part.location();
            let base = match &location {
                Some(location) => uri::resolve(outer, location),
                None => outer.clone(),
            };
            if location.is_some() {
                locations.entry(base.clone()).or_insert(part.number);
            }
            if let Some(id) = part.content_id() {
                ids.entry(id.to_string()).or_insert(part.number);
            }
            if part.content() == Content::Multipart {
                bases.insert(part.number, base);
            }
        }
        let start = container.content_type();
        let start = start.parameter("start").map(bare_id);
        let root = start
            .and_then(|start| ids.get(start).copied())
            .filter(|number| *number != container.number)
            .and_then(|number| message.part_number(number))
            .or_else(|| container.children().next())
            .unwrap_or(container);
        let message_id = container.message_around().header().message_id();
        Related {
            message_id: message_id.map(|id| id.to_string()),
            base: root.base(),
            container,
            root,
            ids,
            locations,
        }
    }

    /// The multipart that holds the set.
    #[must_use]
    pub fn container(&self) -> Part<'m, 'a> {
        self.container
    }

    /// The part to be processed first: the one whose Content-ID is `start=` (RFC 2387
    /// 3.2), else the first.
    #[must_use]
    pub fn root(&self) -> Part<'m, 'a> {
        self.root
    }

    /// The part that a URI in the root means: `cid:` and `mid:` by Content-ID, others
    /// by Content-Location, where a relative one is relative to the Content-Location
    /// of the root, then of the multiparts around it, then to the message.
    #[must_use]
    pub fn resolve(&self, uri: &str) -> Option<Part<'m, 'a>> {
        self.container
            .message
            .part_number(self.number(&self.base, uri)?)
    }

    fn number(&self, base: &str, reference: &str) -> Option<u32> {
        // HTML allows white space around it.
        let reference = reference.trim_ascii();
        let scheme = uri::scheme(reference);
        let behind = scheme.map_or("", |s| reference.get(s.len() + 1..).unwrap_or_default());
        let id = match scheme {
            Some(s) if s.eq_ignore_ascii_case("cid") => behind,
            Some(s) if s.eq_ignore_ascii_case("mid") => {
                let (message, id) = behind.split_once('/')?;
                if self.message_id.as_deref() != Some(&decoded(message)) {
                    return None;
                }
                id
            }
            _ => return self.locations.get(&uri::resolve(base, reference)).copied(),
        };
        let exact = self.ids.get(bare_id(id));
        exact
            .or_else(|| self.ids.get(bare_id(&decoded(id))))
            .copied()
    }
}

/// Without brackets, which `start=` has and `cid:` should not have.
pub(super) fn bare_id(id: &str) -> &str {
    let id = id.trim_ascii();
    let id = id.strip_prefix('<').unwrap_or(id);
    id.strip_suffix('>').unwrap_or(id)
}

fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::new();
    parameter::percent_decode(text.as_bytes(), &mut bytes);
    Cow::Owned(raw_text(&bytes).into_owned())
}

/// A field of a form (RFC 7578): what [`Part::form_fields`] gives.
#[derive(Clone, Debug)]
pub struct FormField<'m, 'a> {
    /// The name of the field, `%22`, `%0D` and `%0A` as HTML writes them decoded.
    pub name: String,
    /// The name of the file, if it is one. It is the sender's: see
    /// [`safe_filename`](crate::safe_filename).
    pub filename: Option<String>,
    /// Its content.
    pub part: Part<'m, 'a>,
}

/// As HTML encodes names in a form: these three and nothing else.
fn html_decoded(text: &str) -> String {
    let text = text.replace("%22", "\"");
    text.replace("%0D", "\r").replace("%0A", "\n")
}

impl<'m, 'a> Part<'m, 'a> {
    /// What the part is in: a multipart, or the part whose message it is.
    #[must_use]
    pub fn enclosing(&self) -> Option<Part<'m, 'a>> {
        self.message.part_number(self.record.parent)
    }

    /// The message that it is a part of: the innermost one.
    fn message_around(&self) -> Part<'m, 'a> {
        let mut part = *self;
        while part.record.parent_kind == Parent::Multipart
            && let Some(outer) = part.enclosing()
        {
            part = outer;
        }
        part
    }

    /// The Content-Location, without white space and folds (RFC 2557 4.4.1).
    #[must_use]
    pub fn location(&self) -> Option<String> {
        let field = self.header().get("content-location")?;
        let value = field.unfolded();
        let text = raw_text(&value);
        let location: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        (!location.is_empty()).then_some(location)
    }

    /// What relative references in it are relative to (RFC 2557 5).
    fn base(&self) -> String {
        let mut locations = Vec::new();
        let mut at = Some(*self);
        while let Some(part) = at {
            if let Some(location) = part.location() {
                let absolute = uri::scheme(&location).is_some();
                locations.push(location);
                if absolute {
                    break;
                }
            }
            at = match part.record.parent_kind {
                Parent::Multipart => part.enclosing(),
                Parent::Root | Parent::Message => None,
            };
        }
        let base = locations.pop().map(|l| uri::resolve(THIS, &l));
        let base = base.unwrap_or_else(|| THIS.to_string());
        locations
            .iter()
            .rev()
            .fold(base, |base, l| uri::resolve(&base, l))
    }

    /// The set of parts that it belongs to: of the innermost `multipart/related` that
    /// it is or is in, within its message. Cost: the headers of that multipart's parts.
    ///
    /// ```
    /// let message = scop_mime::Message::parse(b"Content-Type: multipart/related; boundary=b; start=\"<h@x>\"\n\n\
    ///     --b\nContent-Type: image/png\nContent-ID: <a%1@x>\n\n..\n\
    ///     --b\nContent-Type: text/html\nContent-ID: <h@x>\n\n<img src=\"cid:a%251@x\">\n--b--\n");
    /// let related = message.html_body().unwrap().related().unwrap();
    /// assert_eq!(related.root().id().to_string(), "2");
    /// assert_eq!(related.resolve("cid:a%251@x").unwrap().id().to_string(), "1");
    /// assert!(related.resolve("cid:b@x").is_none());
    /// ```
    #[must_use]
    pub fn related(&self) -> Option<Related<'m, 'a>> {
        let mut part = *self;
        loop {
            let is_related =
                part.content() == Content::Multipart && part.content_type().subtype() == "related";
            if is_related {
                return Some(Related::of(part));
            }
            if part.record.parent_kind != Parent::Multipart {
                return None;
            }
            part = part.enclosing()?;
        }
    }

    /// The part that a URI in this one means: looked for in the innermost
    /// `multipart/related` around it, then in its whole message. For more than one
    /// URI, keep [`related`](Self::related). Cost: the headers of the message's parts.
    #[must_use]
    pub fn resolve(&self, uri: &str) -> Option<Part<'m, 'a>> {
        let base = self.base();
        let related = self.related().and_then(|r| r.number(&base, uri));
        let number = match related {
            Some(number) => number,
            None => Related::of(self.message_around()).number(&base, uri)?,
        };
        self.message.part_number(number)
    }

    /// The fields of a `multipart/form-data` (RFC 7578 4.2), in order. Parts without a
    /// name are not among them; nothing for another type.
    ///
    /// ```
    /// let body = b"--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x.txt\"\r\n\r\nyes\r\n--b--\r\n";
    /// let form = [&b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"[..], body].concat();
    /// let message = scop_mime::Message::parse(&form);
    /// let field = message.root().form_fields().next().unwrap();
    /// assert_eq!((&*field.name, field.filename.as_deref()), ("a", Some("x.txt")));
    /// assert_eq!(field.part.body(), b"yes");
    /// ```
    pub fn form_fields(&self) -> impl Iterator<Item = FormField<'m, 'a>> + use<'m, 'a> {
        let is_form = self.content_type().essence() == "multipart/form-data";
        let parts = is_form.then(|| self.children()).into_iter().flatten();
        parts.filter_map(|part| {
            let disposition = part.disposition()?;
            let name = disposition.parameter("name")?;
            if disposition.kind() != "form-data" {
                return None;
            }
            Some(FormField {
                name: html_decoded(name),
                filename: disposition.filename().map(html_decoded),
                part,
            })
        })
    }

    /// What a multipart has before its first delimiter, for readers that know no MIME
    /// (RFC 2046 5.1.1), without the line end that belongs to the delimiter. Nothing
    /// for another part. Cost: its length and the delimiter line's.
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let text = b"Content-Type: multipart/mixed; boundary=b\r\n\r\nYours is old.\r\n--b\r\n\r\nHi\r\n--b--\r\nThe end\r\n";
    /// let message = Message::parse(text);
    /// assert_eq!(message.root().preamble(), b"Yours is old.");
    /// assert_eq!(message.root().epilogue(), b"The end\r\n");
    /// ```
    #[must_use]
    pub fn preamble(&self) -> &'a [u8] {
        self.around_parts().0
    }

    /// What a multipart has behind its close delimiter, without the line end that ends
    /// that. Nothing for another part. Cost: as [`preamble`](Self::preamble).
    #[must_use]
    pub fn epilogue(&self) -> &'a [u8] {
        self.around_parts().1
    }

    fn around_parts(&self) -> (&'a [u8], &'a [u8]) {
        if self.record.content != Content::Multipart {
            return (&[], &[]);
        }
        let body = self.body();
        let within = |offset: u64| {
            let at = offset.saturating_sub(self.record.body);
            usize::try_from(at).unwrap_or(usize::MAX).min(body.len())
        };
        let mut children = self.children();
        let Some(first) = children.next() else {
            return (&[], &[]); // only where an index was damaged
        };
        // The delimiter's line ends where the part begins.
        let head = body.get(..within(first.offset())).unwrap_or_default();
        let line = head.strip_suffix(b"\n").unwrap_or(head);
        let start = memchr::memrchr(b'\n', line).map_or(0, |lf| lf + 1);
        let last = children.last().unwrap_or(first);
        let end = within(last.record.body_range().end);
        let tail = body.get(end..).unwrap_or_default();
        let delimiter = match tail {
            [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => rest,
            rest => rest,
        };
        (without_line_end(body, start), behind_line(delimiter, 0))
    }
}

/// What is before `at` without the line end there.
fn without_line_end(body: &[u8], at: usize) -> &[u8] {
    let before = body.get(..at).unwrap_or_default();
    let before = before.strip_suffix(b"\n").unwrap_or(before);
    // A CR belongs to the line end only where its LF was.
    match at > before.len() {
        true => before.strip_suffix(b"\r").unwrap_or(before),
        false => before,
    }
}

/// What is behind the line that begins at `at`.
fn behind_line(body: &[u8], at: usize) -> &[u8] {
    let line = body.get(at..).unwrap_or_default();
    let end = memchr::memchr(b'\n', line).map_or(line.len(), |lf| lf + 1);
    line.get(end..).unwrap_or_default()
}
