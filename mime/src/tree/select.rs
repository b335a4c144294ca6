//! Which parts are the text, and which are attachments: the algorithm of RFC 8621
//! section 4.1.4, which mail readers follow more or less.

use alloc::vec::Vec;

use super::message::{Message, Part};
use crate::Content;

/// The parts of a message by use, as numbers.
#[derive(Default)]
struct Use {
    text: Vec<u32>,
    html: Vec<u32>,
    attachments: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Alternative,
    Related,
    Other,
}

impl<'a> Message<'a> {
    /// The part to show as plain text: the first `text/plain` of the body. `None`
    /// when there is none, for instance because all is HTML.
    #[must_use]
    pub fn text_body(&self) -> Option<Part<'_, 'a>> {
        self.first(self.by_use().text, "text/plain")
    }

    /// The part to show as HTML: the first `text/html` of the body.
    #[must_use]
    pub fn html_body(&self) -> Option<Part<'_, 'a>> {
        self.first(self.by_use().html, "text/html")
    }

    /// The parts that are neither text nor HTML to show: attachments, messages within,
    /// images that HTML refers to.
    pub fn attachments(&self) -> impl Iterator<Item = Part<'_, 'a>> {
        let numbers = self.by_use().attachments;
        numbers.into_iter().filter_map(|n| self.part_number(n))
    }

    fn first(&self, numbers: Vec<u32>, essence: &str) -> Option<Part<'_, 'a>> {
        let mut parts = numbers.into_iter().filter_map(|n| self.part_number(n));
        parts.find(|p| p.content_type().essence() == essence)
    }

    fn by_use(&self) -> Use {
        let mut by_use = Use::default();
        let start = State {
            within: Within::Other,
            in_alternative: false,
            text: true,
            html: true,
        };
        walk(alloc::vec![self.root()], start, &mut by_use);
        by_use
    }
}

#[derive(Clone, Copy)]
struct State {
    within: Within,
    in_alternative: bool,
    /// Parts still go to the text, to the HTML.
    text: bool,
    html: bool,
}

/// Recursion is bounded by [`Limits::MAX_DEPTH`](crate::Limits::MAX_DEPTH).
fn walk(parts: Vec<Part<'_, '_>>, mut state: State, out: &mut Use) {
    let within = state.within;
    let (text_before, html_before) = (out.text.len(), out.html.len());
    let both = state.text && state.html;
    for (i, part) in parts.into_iter().enumerate() {
        let content_type = part.content_type();
        let essence = content_type.essence();
        if part.content() == Content::Multipart {
            let within = match content_type.subtype() {
                "alternative" => Within::Alternative,
                "related" => Within::Related,
                _ => Within::Other,
            };
            let inner = State {
                within,
                in_alternative: state.in_alternative || within == Within::Alternative,
                ..state
            };
            walk(part.children().collect(), inner, out);
            continue;
        }
        let media = matches!(content_type.kind(), "image" | "audio" | "video");
        let attached = part.disposition().is_some_and(|d| d.is_attachment());
        let readable = part.content() == Content::Leaf
            && !part.is_opaque()
            && (media || matches!(essence, "text/plain" | "text/html"));
        let placed = i == 0 || (within != Within::Related && (media || part.filename().is_none()));
        if attached || !readable || !placed {
            out.attachments.push(part.number);
            continue;
        }
        if within == Within::Alternative {
            match essence {
                "text/plain" if state.text => out.text.push(part.number),
                "text/html" if state.html => out.html.push(part.number),
                "text/plain" | "text/html" => {}
                _ => out.attachments.push(part.number),
            }
            continue;
        }
        if state.in_alternative {
            match essence {
                "text/plain" => state.html = false,
                "text/html" => state.text = false,
                _ => {}
            }
        }
        if state.text {
            out.text.push(part.number);
        }
        if state.html {
            out.html.push(part.number);
        }
        if media && !(state.text && state.html) {
            out.attachments.push(part.number);
        }
    }
    if within == Within::Alternative && both {
        // Only one of the two was offered: it is both.
        let (text_now, html_now) = (out.text.len(), out.html.len());
        if text_now == text_before && html_now != html_before {
            let html = out.html.get(html_before..).unwrap_or_default();
            out.text.extend_from_slice(html);
        } else if html_now == html_before && text_now != text_before {
            let text = out.text.get(text_before..).unwrap_or_default();
            out.html.extend_from_slice(text);
        }
    }
}
