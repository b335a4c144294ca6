//! The parts of a message as a mail reader uses them (RFC 8621 section 4.1.4).

use alloc::string::String;
use alloc::vec::Vec;

use super::choose::{Chooser, Offered};
use super::message::{Message, Part};
use super::record::NONE;
use super::related::bare_id;
use crate::{Content, ContentType};

/// The parts of a message by use, each list in the order of the message: what
/// [`Message::bodies`] gives. Every part that is no multipart is in at least one.
#[derive(Clone, Debug, Default)]
pub struct Bodies<'m, 'a> {
    /// To be shown one after the other as the message, with a preference for plain
    /// text: `text/plain`, `text/html`, images, sound and video.
    pub text: Vec<Part<'m, 'a>>,
    /// The same with a preference for HTML.
    pub html: Vec<Part<'m, 'a>>,
    /// Parts in neither list, messages within among them; and images, sound and video
    /// that are not in both.
    pub attachments: Vec<Part<'m, 'a>>,
}

impl<'a> Message<'a> {
    /// The parts by use: exactly the lists `textBody`, `htmlBody` and `attachments` of
    /// JMAP (RFC 8621 4.1.4). Messages within are attachments as a whole.
    ///
    /// Where that algorithm would fail (a part in an alternative of an alternative for
    /// a list that is closed) the part is an attachment; and so is what
    /// [is opaque](Part::is_opaque), but for a multipart without a delimiter, which
    /// counts as `text/plain`. Cost: the headers of all parts, once.
    ///
    /// ```
    /// let message = scop_mime::Message::parse(b"Content-Type: multipart/mixed; boundary=b\n\n\
    ///     --b\n\nSee there.\n--b\nContent-Type: image/png\n\n..\n--b\n\nBye.\n--b--\n");
    /// let bodies = message.bodies();
    /// let ids = |parts: &[scop_mime::Part]| parts.iter().map(|p| p.id().to_string()).collect::<Vec<_>>();
    /// assert_eq!(ids(&bodies.text), ["1", "2", "3"]);
    /// assert!(bodies.attachments.is_empty());
    /// ```
    #[must_use]
    pub fn bodies(&self) -> Bodies<'_, 'a> {
        let mut bodies = Bodies::default();
        let mut chooser = Chooser::new();
        // What is open, by number, and whether the chooser was told.
        let mut open: Vec<(u32, bool)> = Vec::new();
        for part in self.parts() {
            while let Some((_, entered)) = open.pop_if(|top| top.0 != part.record.parent) {
                if entered {
                    leave(&mut chooser, &mut bodies);
                }
            }
            if open.last().is_some_and(|top| !top.1) {
                open.push((part.number, false)); // of a message within
                continue;
            }
            let content_type = part.shown_type();
            if part.content() == Content::Multipart {
                chooser.enter(&content_type);
                open.push((part.number, true));
                continue;
            }
            open.push((part.number, false));
            let readable = part.content() == Content::Leaf
                && (!part.is_opaque() || part.content_type().kind() == "multipart");
            let named = part.filename().is_some();
            let disposition = part.disposition();
            let by_use = chooser.leaf(&content_type, disposition.as_ref(), named, readable);
            if by_use.text {
                bodies.text.push(part);
            }
            if by_use.html {
                bodies.html.push(part);
            }
            if by_use.attachment {
                bodies.attachments.push(part);
            }
        }
        while let Some((_, entered)) = open.pop() {
            if entered {
                leave(&mut chooser, &mut bodies);
            }
        }
        bodies
    }

    /// The part to show where only plain text can be: the first `text/plain` of
    /// [`Bodies::text`]. `None` when there is none, for instance because all is HTML.
    #[must_use]
    pub fn text_body(&self) -> Option<Part<'_, 'a>> {
        let mut parts = self.bodies().text.into_iter();
        parts.find(|p| p.shown_type().essence() == "text/plain")
    }

    /// The part to show as HTML: the first `text/html` of [`Bodies::html`]; failing
    /// that, one that a `multipart/related` names as its [root](super::Related::root)
    /// although it is not its first part; and where it names none, the first that is no
    /// attachment, if the `type` of the multipart allows it (RFC 2387 3.1). Some programs
    /// put images in front.
    #[must_use]
    pub fn html_body(&self) -> Option<Part<'_, 'a>> {
        let bodies = self.bodies();
        let is_html = |p: &Part<'_, 'a>| p.content_type().essence() == "text/html";
        let mut parts = bodies.html.into_iter();
        parts.find(is_html).or_else(|| {
            let mut others = bodies.attachments.into_iter();
            let mut last = (NONE, None);
            others.find(|part| {
                if last.0 != part.record.parent {
                    let outer = part.enclosing().map(|p| p.content_type());
                    last = (part.record.parent, outer.and_then(Root::of_related));
                }
                is_html(part) && last.1.as_ref().is_some_and(|root| root.may_be(part))
            })
        })
    }

    /// The parts that are not shown as the message: [`Bodies::attachments`]. Files that are
    /// within a text by uuencode are none of them: [`uuencoded`](crate::uuencoded) finds them.
    pub fn attachments(&self) -> impl Iterator<Item = Part<'_, 'a>> {
        self.bodies().attachments.into_iter()
    }

    /// Whether a reader should show a paper clip: one of the attachments is not
    /// `inline` (`hasAttachment`, RFC 8621 4.1.4).
    #[must_use]
    pub fn has_attachment(&self) -> bool {
        let inline = |p: Part<'_, '_>| p.disposition().is_some_and(|d| d.kind() == "inline");
        self.attachments().any(|p| !inline(p))
    }
}

/// What a `multipart/related` says about the part that it begins with.
enum Root {
    /// Its id (RFC 2387 3.2).
    Id(String),
    /// Nothing, or that it is HTML (RFC 2387 3.1).
    Html,
}

impl Root {
    fn of_related(content_type: ContentType) -> Option<Self> {
        if content_type.essence() != "multipart/related" {
            return None;
        }
        let root_type = content_type.parameter("type");
        match content_type.parameter("start") {
            Some(start) => Some(Root::Id(String::from(bare_id(start)))),
            None => root_type
                .is_none_or(|t| t.trim().eq_ignore_ascii_case("text/html"))
                .then_some(Root::Html),
        }
    }

    fn may_be(&self, part: &Part<'_, '_>) -> bool {
        match self {
            Root::Id(start) => part.content_id().is_some_and(|id| *id == **start),
            Root::Html => !part.disposition().is_some_and(|d| d.is_attachment()),
        }
    }
}

fn leave(chooser: &mut Chooser, bodies: &mut Bodies<'_, '_>) {
    match chooser.leave() {
        Offered::Enough => {}
        Offered::Html(from) => {
            let html = bodies.html.get(from..).unwrap_or_default();
            bodies.text.extend_from_slice(html);
        }
        Offered::Text(from) => {
            let text = bodies.text.get(from..).unwrap_or_default();
            bodies.html.extend_from_slice(text);
        }
    }
}
