//! The end of a header, and how the body behind it is read.

use super::engine::{Engine, Sink, State, Step, take};
use super::event::{BodyStart, Content, Event, Parent};
use super::head::Body;
use super::mode::Mode;
use super::open::BOUNDARY;
use crate::DefectKind;

/// Why a header is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// An empty line, or the end of input.
    Separator,
    /// The body begins although no empty line came.
    Cut,
    /// A limit.
    Limit(DefectKind),
}

impl Engine {
    /// At an empty line of `length` bytes.
    #[inline]
    pub(super) fn separator<'i, S: Sink<'i>>(
        &mut self,
        length: usize,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> Step {
        let header_end = self.mark.offset;
        self.pass_lines(take(input, length), 1, u64::from(length == 1));
        self.end_header_at(header_end, Over::Separator, sink)
    }

    pub(super) fn end_header<'i, S: Sink<'i>>(&mut self, over: Over, sink: &mut S) -> Step {
        self.end_header_at(self.mark.offset, over, sink)
    }

    pub(super) fn end_header_at<'i, S: Sink<'i>>(
        &mut self,
        header_end: u64,
        over: Over,
        sink: &mut S,
    ) -> Step {
        let offset = self.mark.offset;
        let limit = match over {
            Over::Limit(kind) => Some((kind, header_end)),
            Over::Cut => {
                sink.defect(DefectKind::MissingSeparator, header_end);
                None
            }
            Over::Separator => None,
        };
        let body = match (self.head.body.take(), self.head.default_message) {
            _ if self.mode.is_raw() => Body::Other,
            (Some(body), _) => body,
            (None, true) => Body::Message,
            (None, false) => Body::Other,
        };
        let refused = limit.or_else(|| Some((self.refuse(body)?, offset)));
        if let Some((kind, offset)) = refused {
            sink.defect(kind, offset);
        }
        let content = match body {
            _ if refused.is_some() => Content::Leaf,
            Body::Multipart { .. } => Content::Multipart,
            Body::Message if self.mode == Mode::Flat => Content::Leaf,
            Body::Message => Content::Message,
            Body::Other => Content::Leaf,
        };
        let encoded_at = self.head.encoded_at.take();
        match (content, body) {
            (Content::Multipart, Body::Multipart { digest }) => {
                if let Some(at) = encoded_at {
                    sink.defect(DefectKind::EncodedMultipart, at);
                }
                if self.stack.is_proposed_shared() {
                    sink.defect(DefectKind::SharedBoundary, offset);
                }
                self.stack.push_multipart(self.mark, digest);
            }
            (Content::Message, _) => self.stack.push_message(self.mark),
            _ => self.stack.push_leaf(self.mark),
        }
        sink.tell(Event::BodyStart(BodyStart {
            header_end,
            offset,
            content,
            opaque: refused.is_some(),
        }));
        self.at_line = true;
        self.state = match self.stack.has_boundaries() {
            true => State::Body,
            false => State::Rest,
        };
        if content == Content::Message {
            self.start_part(Parent::Message, false, sink);
        }
        Step::Again
    }

    /// Why the body is not taken apart although its type says so.
    fn refuse(&self, body: Body) -> Option<DefectKind> {
        let deep = self.stack.len() >= self.limits.depth_limit();
        match body {
            Body::Other => None,
            Body::Message if self.mode == Mode::Flat => None,
            _ if deep => Some(DefectKind::TooDeep),
            Body::Multipart { .. } => match self.stack.proposed().len() {
                0 => Some(DefectKind::MissingBoundary),
                n => (n > BOUNDARY).then_some(DefectKind::BadBoundary),
            },
            Body::Message if self.head.encoded_at.is_some() => Some(DefectKind::EncodedMessage),
            Body::Message => (self.parts >= self.limits.parts).then_some(DefectKind::TooManyParts),
        }
    }
}
