//! A field that the end of a chunk cuts, as most chunks of the network do to one: its front
//! waits unread, and is read as one with what comes next. One that is cut again, or that has
//! less than the name and the colon of a field where they should be, is read line by line.

use alloc::vec::Vec;

use memchr::memchr;

use super::engine::{Engine, Sink, Step, What, take};
use super::field::field_at;
use super::mode::Mode;
use super::name::NameTag;
use super::whole::{Found, find};
use crate::scan::name_length;

/// So many bytes are looked at behind the front of the field; most have less.
const AHEAD: usize = 1 << 10;

impl Engine {
    /// Keeps all there is, the front of a field, for when more comes. Not if it may be
    /// something else, or a limit is near.
    pub(super) fn wait_for_field(&mut self, input: &mut &[u8]) -> bool {
        let may_be_field = match name_length(input) {
            None => !input.is_empty(),
            Some(length) => length > 0 && input.get(length) == Some(&b':'),
        };
        let waits = may_be_field
            && !self.finished
            && input.first() != Some(&b'-')
            && self.head.fields < self.limits.fields
            && input.len() <= self.limits.field_limit().min(self.head_room());
        if waits {
            self.carry.reserve(input.len() + AHEAD);
            self.carry.extend_from_slice(take(input, usize::MAX));
            self.head.waits = true;
        }
        waits
    }

    /// The same field with what comes next; `None` if it was not read, and is to be held.
    pub(super) fn waiting_field<'i, S: Sink<'i>>(
        &mut self,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> Option<Step> {
        if input.is_empty() && !self.finished {
            return Some(Step::NeedInput);
        }
        self.head.waits = false;
        let front = self.carry.len();
        let ahead = input.get(..AHEAD).unwrap_or(input);
        let mut carry = core::mem::take(&mut self.carry);
        carry.extend_from_slice(ahead);
        let within = carry.get(..self.head_room()).unwrap_or(&carry);
        let found = match self.mode {
            Mode::Exact => find::<true, false>(within),
            _ => find::<false, true>(within),
        };
        let Some(found) = found.filter(|found| found.length <= self.limits.field_limit()) else {
            carry.truncate(front);
            self.hold_waiting(carry);
            return None;
        };
        carry.truncate(found.length);
        take(input, found.length.saturating_sub(front));
        self.give_found(carry, &found, sink);
        Some(Step::Again)
    }

    fn give_found<'i, S: Sink<'i>>(&mut self, raw: Vec<u8>, found: &Found, sink: &mut S) {
        let offset = self.mark.offset;
        let at = field_at(offset, raw.len(), Some(found.named));
        let tag = NameTag::within(&raw, found.named.length);
        self.pass_lines(&raw, found.lines, found.bare);
        self.carry = raw;
        let (may_be_odd, is_exact) = (found.may_be_odd, self.mode == Mode::Exact);
        self.give_held(
            self.carry.len(),
            What::Field(at, tag, may_be_odd && is_exact),
            sink,
        );
        let raw = core::mem::take(&mut self.carry);
        self.head.fields += 1;
        self.head.fresh = false;
        // Who wants them exact takes them as they are.
        let may_be_odd = may_be_odd && !is_exact;
        self.note_named(&raw, offset, found.named, tag.known, may_be_odd, sink);
        self.carry = raw;
        self.head.field = self.mark;
    }

    /// What waits was looked at in vain: it is the part of a field that was taken.
    fn hold_waiting(&mut self, front: Vec<u8>) {
        let is_exact = self.mode == Mode::Exact;
        let line_end: &[u8] = if is_exact { b"\r\n" } else { b"\n" };
        self.head.first_line_over = match is_exact {
            true => memchr::memmem::find(&front, line_end).is_some(),
            false => memchr(b'\n', &front).is_some(),
        };
        self.head.after_line = front.ends_with(line_end);
        self.note_held(&front);
        self.carry = front;
    }
}
