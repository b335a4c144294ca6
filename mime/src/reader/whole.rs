//! What most fields are: whole in the input, with a name, within all limits.

use super::engine::{Engine, Sink, Step, What, take};
use super::field::{Named, field_at};
use super::mode::Mode;
use super::name::NameTag;
use crate::scan::{line_end, name_length};

/// A field that was found.
pub(super) struct Found {
    pub(super) named: Named,
    pub(super) length: usize,
    pub(super) lines: u64,
    /// Its line ends that are a bare LF.
    pub(super) bare: u64,
    pub(super) may_be_odd: bool,
}

impl Engine {
    /// Takes as many of these fields as there are, or one for a sink that wants no more in a
    /// step, and the empty line behind them. What is done with the step, if anything is.
    #[inline(never)]
    pub(super) fn whole_fields<'i, S: Sink<'i>>(
        &mut self,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> Option<Step> {
        match (self.mode, self.counts) {
            (Mode::Exact, _) => self.whole_fields_of::<S, true, false>(input, sink),
            (_, true) => self.whole_fields_of::<S, false, true>(input, sink),
            (_, false) => self.whole_fields_of::<S, false, false>(input, sink),
        }
    }

    #[inline(always)]
    fn whole_fields_of<'i, S: Sink<'i>, const EXACT: bool, const COUNTS: bool>(
        &mut self,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> Option<Step> {
        // A field is over when the byte behind it is there, and within the limit.
        let bytes = input.get(..self.head_room()).unwrap_or(input);
        let limit = self.limits.field_limit();
        let (mut rest, mut offset) = (bytes, self.mark.offset);
        let (mut lines, mut bare) = (0, 0);
        while self.head.fields < self.limits.fields
            && let Some(found) = find::<EXACT, COUNTS>(rest)
            && found.length <= limit
            && let Some((raw, behind)) = rest.split_at_checked(found.length)
        {
            let at = field_at(offset, raw.len(), Some(found.named));
            let tag = NameTag::within(raw, found.named.length);
            let may_be_odd = found.may_be_odd;
            sink.show(What::Field(at, tag, may_be_odd & EXACT), raw);
            self.head.fields += 1;
            // Who wants them exact takes them as they are.
            self.note_named(
                raw,
                offset,
                found.named,
                tag.known,
                may_be_odd & !EXACT,
                sink,
            );
            rest = behind;
            offset += raw.len() as u64;
            lines += found.lines;
            bare += found.bare;
            if !S::IS_EAGER {
                break;
            }
        }
        let passed = bytes.len() - rest.len();
        if passed == 0 {
            return None;
        }
        self.head.fresh = false;
        self.pass_lines(take(input, passed), lines, bare);
        self.head.field = self.mark;
        match rest {
            [b'\n', ..] if !EXACT => Some(self.separator(1, input, sink)),
            [b'\r', b'\n', ..] => Some(self.separator(2, input, sink)),
            _ if !S::IS_EAGER => Some(Step::Again),
            _ => None,
        }
    }
}

/// The field with which `rest` begins. None ends with it: what is behind it has to be seen.
#[inline(always)]
pub(super) fn find<const EXACT: bool, const COUNTS: bool>(rest: &[u8]) -> Option<Found> {
    // CR and LF are the empty line, which is next for each header.
    if matches!(rest.first(), Some(b'-' | b'\r' | b'\n' | b':')) {
        return None;
    }
    let length = name_length(rest)?;
    if rest.get(length) != Some(&b':') {
        return None;
    }
    let named = Named {
        length,
        colon: length,
    };
    let mut found = Found {
        named,
        length: 0,
        lines: 0,
        bare: 0,
        may_be_odd: false,
    };
    loop {
        let line = line_end::<EXACT>(rest, found.length)?;
        found.length = line.end;
        if COUNTS {
            found.lines += 1;
            found.bare += u64::from(line.is_bare);
        }
        found.may_be_odd |= line.is_odd;
        if !line.is_fold {
            return Some(found);
        }
    }
}
