//! What most fields are: whole in the input, with a name, within all limits.

use super::engine::{Engine, Sink, Step, What, take};
use super::field::{Named, field_at, name};
use super::mode::Mode;
use super::name::Known;
use crate::scan::line_end;

/// What was passed of a header.
#[derive(Clone, Copy, Default)]
struct Passed {
    bytes: usize,
    lines: u64,
    /// Line ends that are a bare LF.
    bare: u64,
}

/// A field that was found.
struct Found {
    named: Named,
    /// What is passed behind it.
    passed: Passed,
    may_be_odd: bool,
}

impl Engine {
    /// Takes as many of these fields as there are and the empty line behind them, or one
    /// field for a sink that wants no more in a step. What is done with the step, if
    /// anything is.
    #[inline(never)]
    pub(super) fn whole_fields<'i, S: Sink<'i>>(
        &mut self,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> Option<Step> {
        match self.mode {
            Mode::Exact => self.whole_fields_of::<S, true>(input, sink),
            _ => self.whole_fields_of::<S, false>(input, sink),
        }
    }

    #[inline(always)]
    fn whole_fields_of<'i, S: Sink<'i>, const EXACT: bool>(
        &mut self,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> Option<Step> {
        let used = self.mark.offset - self.head.start.offset;
        let room = self.limits.header_bytes.saturating_sub(used);
        // A field is over when the byte behind it is there, and within the limit.
        let bytes = match usize::try_from(room) {
            Ok(room) => input.get(..room).unwrap_or(input),
            Err(_) => input,
        };
        let limit = self.limits.field_limit();
        let mut passed = Passed::default();
        while self.head.fields < self.limits.fields
            && let Some(rest) = bytes.get(passed.bytes..)
            && let Some(found) = find::<EXACT>(bytes, rest, passed)
            && let Some(raw) = bytes.get(passed.bytes..found.passed.bytes)
            && raw.len() <= limit
        {
            let offset = self.mark.offset + passed.bytes as u64;
            let at = field_at(offset, raw.len(), Some(found.named));
            let known = Known::of(raw, found.named.length);
            sink.show(What::Field(at, known), raw);
            self.head.fields += 1;
            self.note_named(raw, offset, found.named, known, found.may_be_odd, sink);
            passed = found.passed;
            if !S::IS_EAGER {
                break;
            }
        }
        if passed.bytes == 0 {
            return None;
        }
        self.head.fresh = false;
        self.pass_lines(take(input, passed.bytes), passed.lines, passed.bare);
        self.head.field = self.mark;
        if !S::IS_EAGER {
            return Some(Step::Again);
        }
        match bytes.get(passed.bytes..) {
            Some([b'\n', ..]) if !EXACT => Some(self.separator(1, input, sink)),
            Some([b'\r', b'\n', ..]) => Some(self.separator(2, input, sink)),
            _ => None,
        }
    }
}

/// The field with which the `rest` of `bytes` begins, behind what was passed. None ends with
/// `bytes`: what is behind it has to be seen.
#[inline(always)]
fn find<const EXACT: bool>(bytes: &[u8], rest: &[u8], passed: Passed) -> Option<Found> {
    // The last two are the empty line, which is next for each header.
    if matches!(rest.first(), Some(b'-' | b'\r' | b'\n')) {
        return None;
    }
    let mut found = Found {
        named: name(rest, false)?,
        passed,
        may_be_odd: false,
    };
    loop {
        let line = line_end::<EXACT>(bytes, found.passed.bytes)?;
        found.passed.bytes = line.end;
        found.passed.lines += 1;
        found.passed.bare += u64::from(line.is_bare);
        found.may_be_odd |= line.is_odd;
        if !line.is_fold {
            return Some(found);
        }
    }
}
