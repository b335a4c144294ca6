//! UTF-7 (RFC 2152).

use alloc::string::String;

/// Decodes UTF-7 as the bytes come.
///
/// `+ADw-script+AD4-` is `<script>` in UTF-7 and nothing in ASCII, so it is decoded only
/// where a message says UTF-7, and never guessed. What the encoded form has no business
/// to hide - a letter, a digit, white space, a line end, a control character: all that
/// stands for itself (RFC 2152, set D) - is replaced, so that a text has one spelling.
#[derive(Clone, Debug, Default)]
pub(super) struct Utf7 {
    /// Within `+..-`.
    encoded: Option<Bits>,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    lossy: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bits {
    bits: u32,
    count: u32,
    /// There was a digit.
    begun: bool,
}

impl Utf7 {
    pub(super) fn decode(&mut self, bytes: &[u8], out: &mut String) {
        out.reserve(bytes.len());
        for byte in bytes {
            match self.encoded {
                Some(bits) => self.digit(bits, *byte, out),
                None => self.direct(*byte, out),
            }
        }
    }

    pub(super) fn finish(&mut self, out: &mut String) {
        if let Some(bits) = self.encoded.take() {
            self.close(bits, out);
        }
    }

    pub(super) fn is_lossy(&self) -> bool {
        self.lossy
    }

    fn direct(&mut self, byte: u8, out: &mut String) {
        match byte {
            b'+' => self.encoded = Some(Bits::default()),
            0x80.. => self.replace(out),
            _ => {
                // They look different in some national variants of ASCII.
                self.lossy |= matches!(byte, b'\\' | b'~');
                out.push(char::from(byte));
            }
        }
    }

    fn digit(&mut self, mut bits: Bits, byte: u8, out: &mut String) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => {
                self.encoded = None;
                match (byte, bits.begun) {
                    (b'-', false) => out.push('+'),
                    (b'-', true) => self.close(bits, out),
                    _ => {
                        self.close(bits, out);
                        self.direct(byte, out);
                    }
                }
                return;
            }
        };
        bits.begun = true;
        bits.bits = bits.bits << 6 | u32::from(value);
        bits.count += 6;
        if bits.count >= 16 {
            bits.count -= 16;
            let unit = bits.bits >> bits.count;
            bits.bits &= (1 << bits.count) - 1;
            self.unit(unit as u16, out);
        }
        self.encoded = Some(bits);
    }

    fn unit(&mut self, unit: u16, out: &mut String) {
        let high = self.high.take();
        match (high, unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                let c = char::decode_utf16([high, unit]).next();
                out.push(
                    c.and_then(Result::ok)
                        .unwrap_or(char::REPLACEMENT_CHARACTER),
                );
                return;
            }
            (Some(_), _) => self.replace(out),
            (None, _) => {}
        }
        match unit {
            0xd800..=0xdbff => self.high = Some(unit),
            _ => match char::from_u32(u32::from(unit)).filter(|c| !stands_for_itself(*c)) {
                Some(c) => out.push(c),
                None => self.replace(out),
            },
        }
    }

    /// The end of `+..`: what is left are less than six bits, all zero.
    fn close(&mut self, bits: Bits, out: &mut String) {
        if self.high.take().is_some() || !bits.begun {
            self.replace(out);
        }
        self.lossy |= bits.count >= 6 || bits.bits != 0;
    }

    fn replace(&mut self, out: &mut String) {
        self.lossy = true;
        out.push(char::REPLACEMENT_CHARACTER);
    }
}

/// Set D, the white space of rule 3, and control characters.
fn stands_for_itself(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || c.is_ascii_control()
        || matches!(
            c,
            ' ' | '\'' | '(' | ')' | ',' | '-' | '.' | '/' | ':' | '?'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, decoded: &str, lossy: bool) {
        for cut in [1, 2, 3, 100] {
            let (mut decoder, mut out) = (Utf7::default(), String::new());
            for piece in text.as_bytes().chunks(cut) {
                decoder.decode(piece, &mut out);
            }
            decoder.finish(&mut out);
            assert_eq!((&*out, decoder.is_lossy()), (decoded, lossy), "{text}");
        }
    }

    #[test]
    fn rfc2152_examples() {
        check("A+ImIDkQ.", "A≢Α.", false);
        check("Hi Mom -+Jjo--!", "Hi Mom -☺-!", false);
        check("+ZeVnLIqe-", "日本語", false);
        check("Item 3 is +AKM-1.", "Item 3 is £1.", false);
        check("1 +- 1 = 2", "1 + 1 = 2", false);
        // Set O may be encoded.
        check("+ADw-p+AD4-", "<p>", false);
        check("+2D3eAA", "😀", false);
    }

    #[test]
    fn nothing_is_smuggled() {
        check("+AGE-", "\u{fffd}", true); // a
        check("+AA0ACg-", "\u{fffd}\u{fffd}", true); // CR LF
        check("+AAA-", "\u{fffd}", true);
        check("+ACA-x", "\u{fffd}x", true); // space
        check("+2D0-x", "\u{fffd}x", true); // half a pair
        check("+3gA-x", "\u{fffd}x", true);
        check("+2D3YPd4A-", "\u{fffd}😀", true);
        check("+ !", "\u{fffd} !", true);
        check("+", "\u{fffd}", true);
        check("+Jjp-", "☺", true); // stray bits
        check("+Jjo=", "☺=", false);
        check("+A-", "", true);
        check("a\\~", "a\\~", true);
        check("é", "\u{fffd}\u{fffd}", true);
    }
}
