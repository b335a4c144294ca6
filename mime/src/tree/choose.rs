//! Which parts are the text, and which are attachments: the algorithm of RFC 8621
//! section 4.1.4, told part by part, so that the tree and a stream share it.

use alloc::vec::Vec;

use crate::{ContentType, Disposition};

/// Walks over a message, multiparts entered and left, leaves one by one. Messages
/// within are leaves.
#[derive(Clone, Debug)]
pub(crate) struct Chooser {
    open: Vec<Level>,
    text: usize,
    html: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Alternative,
    Related,
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    within: Within,
    in_alternative: bool,
    /// Parts still go to the text, to the HTML.
    text: bool,
    html: bool,
    /// Nothing came before in this multipart.
    first: bool,
    /// The lengths of both lists when it was entered.
    before: (usize, usize),
    /// It was the first in what it is in.
    was_first: bool,
}

/// The lists that a part is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) text: bool,
    pub(crate) html: bool,
    pub(crate) attachment: bool,
}

/// What becomes of the lists when a multipart is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// Nothing.
    Enough,
    /// Only HTML: what is in that list from here on is text as well.
    Html(usize),
    /// Only text: what is in that list from here on is HTML as well.
    Text(usize),
}

impl Chooser {
    pub(crate) fn new() -> Self {
        Chooser {
            open: alloc::vec![Level {
                within: Within::Other,
                in_alternative: false,
                text: true,
                html: true,
                first: true,
                before: (0, 0),
                was_first: true,
            }],
            text: 0,
            html: 0,
        }
    }

    pub(crate) fn enter(&mut self, content_type: &ContentType) {
        let within = match content_type.subtype() {
            "alternative" => Within::Alternative,
            "related" => Within::Related,
            _ => Within::Other,
        };
        let before = (self.text, self.html);
        let Some(outer) = self.open.last_mut() else {
            return;
        };
        let was_first = core::mem::take(&mut outer.first);
        let inner = Level {
            was_first,
            within,
            in_alternative: outer.in_alternative || within == Within::Alternative,
            first: true,
            before,
            ..*outer
        };
        self.open.push(inner);
    }

    pub(crate) fn leave(&mut self) -> Offered {
        // The level around the message stays.
        if self.open.len() < 2 {
            return Offered::Enough;
        }
        let Some(level) = self.open.pop() else {
            return Offered::Enough;
        };
        let (text, html) = level.before;
        if level.within != Within::Alternative || !level.text || !level.html {
            return Offered::Enough;
        }
        match (self.text > text, self.html > html) {
            (false, true) => {
                self.text += self.html - html;
                Offered::Html(html)
            }
            (true, false) => {
                self.html += self.text - text;
                Offered::Text(text)
            }
            _ => Offered::Enough,
        }
    }

    /// What was entered turns out to have no part: as if it had been a leaf, a text.
    pub(crate) fn leave_as_text(&mut self, disposition: Option<&Disposition>, named: bool) {
        if self.open.len() < 2 {
            return;
        }
        let left = self.open.pop();
        if let (Some(left), Some(outer)) = (left, self.open.last_mut()) {
            outer.first = left.was_first;
        }
        let _ = self.leaf(&ContentType::fallback(false), disposition, named, true);
    }

    /// A part that is no multipart: in which lists it is, which is at least one.
    ///
    /// `readable`: it is whole, and no message within.
    pub(crate) fn leaf(
        &mut self,
        content_type: &ContentType,
        disposition: Option<&Disposition>,
        named: bool,
        readable: bool,
    ) -> Use {
        let Some(level) = self.open.last_mut() else {
            return Use::default();
        };
        let first = core::mem::take(&mut level.first);
        let essence = content_type.essence();
        let media = matches!(content_type.kind(), "image" | "audio" | "video");
        let attached = disposition.is_some_and(|d| d.kind() == "attachment");
        let shown = media || matches!(essence, "text/plain" | "text/html");
        let placed = first || (level.within != Within::Related && (media || !named));
        let mut found = Use::default();
        if attached || !readable || !shown || !placed {
            found.attachment = true;
        } else if level.within == Within::Alternative {
            found.text = level.text && essence == "text/plain";
            found.html = level.html && essence == "text/html";
            // In an alternative of an alternative the other list may be closed; the
            // part must not be in none.
            found.attachment = !found.text && !found.html;
        } else {
            if level.in_alternative {
                match essence {
                    "text/plain" => level.html = false,
                    "text/html" => level.text = false,
                    _ => {}
                }
            }
            (found.text, found.html) = (level.text, level.html);
            let both = found.text && found.html;
            found.attachment = !(found.text || found.html) || (media && !both);
        }
        self.text += usize::from(found.text);
        self.html += usize::from(found.html);
        found
    }
}
