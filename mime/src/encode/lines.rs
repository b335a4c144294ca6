//! Lines of base64 by a codec that knows none, where the feature `encodify` is not there.

use alloc::vec::Vec;

use base64_turbo::STANDARD;

use super::base64::BYTES;

const DIGITS: usize = BYTES / 3 * 4;
const LINE: usize = DIGITS + 2;

/// Lines that are encoded at a time: so few that a CPU's first cache holds them easily
/// beside what is made of them.
const LINES: usize = 22;

/// Appends whole lines, a line end before each: the digits of some at once, which the CPU
/// encodes many at a time, then each line to its place.
pub(super) fn put_lines(lines: &[u8], out: &mut Vec<u8>) {
    if lines.is_empty() {
        return;
    }
    let mut digits = [0; LINES * DIGITS];
    for block in lines.chunks(LINES * BYTES) {
        let count = block.len() / BYTES;
        // There is room for all.
        let written = STANDARD.encode_slice(block, &mut digits);
        debug_assert!(written == Ok(count * DIGITS));
        let start = out.len();
        out.resize(start + count * LINE, 0);
        spread(&digits, out.get_mut(start..).unwrap_or_default());
    }
}

/// Moves lines of digits to their places, and puts a line end before each. A function of
/// its own: so a compiler knows that the two do not overlap, and moves what is large.
#[inline(never)]
fn spread(digits: &[u8], space: &mut [u8]) {
    let (digits, _) = digits.as_chunks::<DIGITS>();
    let (places, _) = space.as_chunks_mut::<LINE>();
    for (place, digits) in places.iter_mut().zip(digits) {
        let [cr, lf, line @ ..] = place;
        (*cr, *lf) = (b'\r', b'\n');
        *line = *digits;
    }
}
