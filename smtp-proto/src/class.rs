//! Classes of bytes in commands, looked up in one table.

/// `atext` (RFC 5322 section 3.2.3).
pub(crate) const ATEXT: u8 = 1;
/// Letters, digits and hyphen (RFC 5321 section 4.1.2 `Ldh-str`).
pub(crate) const LDH: u8 = 2;
/// What the value of an ESMTP parameter is made of (RFC 5321 section 4.1.2
/// `esmtp-value`): printable, but for space and `=`.
pub(crate) const VALUE: u8 = 4;

const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut b = 0;
    while b < 128 {
        let c = b as u8;
        if c.is_ascii_alphanumeric() || c == b'-' {
            table[b] = ATEXT | LDH;
        } else if matches!(
            c,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'/' | b'=' | b'?'
        ) || matches!(c, b'^' | b'_' | b'`' | b'{' | b'|' | b'}' | b'~')
        {
            table[b] = ATEXT;
        }
        if matches!(c, 33..=60 | 62..=126) {
            table[b] |= VALUE;
        }
        b += 1;
    }
    table
};

#[inline]
pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// How many bytes at the start of `bytes` are of `class`.
#[inline]
pub(crate) fn run(bytes: &[u8], class: u8) -> usize {
    let other = bytes.iter().position(|&b| !is(b, class));
    other.unwrap_or(bytes.len())
}
