//! Removing of Authentication-Results that a stranger wrote in our name (RFC 8601 section 5).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use crate::lines;
use crate::name::to_ascii;
use crate::results::NotAKeyword;

/// The authserv-ids of an administrative domain: those whose results its readers believe.
///
/// Anybody can write `Authentication-Results: mx.example.org; dkim=pass` on top of a message.
/// A border server of `mx.example.org` deletes such fields before it adds its own.
///
/// ```
/// use scop_dkim::AuthservIds;
///
/// let ours = AuthservIds::new(["mx.example.org", "example.org"])?;
/// let header = b"Authentication-Results: (hi) \"MX.example.org\" 1;\r\n dkim=pass\r\n\
///     Authentication-Results: elsewhere.test; dkim=pass\r\nSubject: x\r\n\r\n";
/// assert_eq!(ours.claims(header), [0..62]);
/// assert_eq!(
///     ours.strip(header).as_ref(),
///     b"Authentication-Results: elsewhere.test; dkim=pass\r\nSubject: x\r\n\r\n"
/// );
/// # Ok::<(), scop_dkim::NotAKeyword>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthservIds {
    ids: Vec<String>,
}

const NAME: &str = "authentication-results";

/// What of a field claims to be ours.
#[derive(PartialEq, Eq)]
enum Claim {
    None,
    Whole,
    /// Lines behind a bare CR or LF, in order.
    Lines(Vec<Range<usize>>),
}

impl AuthservIds {
    /// Takes ids of letters, digits, dots, hyphens and underscores; internationalised names
    /// in A-labels or, with the feature `idn`, in U-labels.
    ///
    /// # Errors
    /// [`NotAKeyword`] when one is empty or holds something else.
    pub fn new<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<Self, NotAKeyword> {
        let ids = ids.into_iter().map(|id| {
            let is_id = !id.is_empty() && id.bytes().all(is_id_byte);
            is_id.then(|| plain(id.as_bytes())).ok_or(NotAKeyword)
        });
        Ok(Self {
            ids: ids.collect::<Result<_, _>>()?,
        })
    }

    /// Which bytes of a header to delete, in order and apart from each other: fields
    /// Authentication-Results that claim one of these ids, or whose version is not 1.
    /// ARC-Authentication-Results stay.
    ///
    /// `header` begins at the beginning of a line: a whole header, or one field as it
    /// streams by. It ends at its empty line, so a whole message may be given too.
    ///
    /// An id is compared without regard to case, comments, white space, quotes, control
    /// characters and a final dot, as it is written and with encoded words decoded; a U-label
    /// equals its A-label. A field that is broken counts if its
    /// value begins with one of these ids, and one whose *name* a careless reader could
    /// take for the right one counts as well: `Authentication-Results :`, a name that is
    /// folded, with a NUL in it, or behind a bare CR or LF inside another field (of which
    /// only those lines go, unless the id itself goes on behind another, or what is left would
    /// be read as a claim). Cost: linear.
    #[must_use]
    pub fn claims(&self, header: &[u8]) -> Vec<Range<usize>> {
        let (found, by_lines) = self.find(header, false);
        // What was around a line that goes can become a line end, and another header be read.
        if by_lines && !self.find(&without(header, &found), false).0.is_empty() {
            return self.find(header, true).0;
        }
        found
    }

    /// The claims, and whether one of them is less than a field; none is where `whole` is set.
    fn find(&self, header: &[u8], whole: bool) -> (Vec<Range<usize>>, bool) {
        let (mut found, mut by_lines) = (Vec::new(), false);
        for (start, field) in lines::fields(header) {
            match self.claim(field) {
                Claim::None => {}
                // Without them what is left may be read as a claim.
                Claim::Lines(lines)
                    if !whole && self.claim(&without(field, &lines)) == Claim::None =>
                {
                    let moved = |line: Range<usize>| start + line.start..start + line.end;
                    found.extend(lines.into_iter().map(moved));
                    by_lines = true;
                }
                Claim::Lines(_) | Claim::Whole => found.push(start..start + field.len()),
            }
        }
        (found, by_lines)
    }

    /// The header without what [`claims`](Self::claims) finds.
    #[must_use]
    pub fn strip<'h>(&self, header: &'h [u8]) -> Cow<'h, [u8]> {
        let claims = self.claims(header);
        if claims.is_empty() {
            return Cow::Borrowed(header);
        }
        Cow::Owned(without(header, &claims))
    }

    /// What of a field claims to be ours.
    fn claim(&self, field: &[u8]) -> Claim {
        // Each of the readings once, and then some.
        let mut budget = field.len().saturating_mul(4);
        if self.names_us_to_an_end(field, 0, &mut budget) {
            return Claim::Whole;
        }
        let mut claims = Vec::new();
        for (at, line) in lines::hidden(field) {
            if self.names_us(line) {
                // The break before it goes too, the one behind it stays.
                claims.push(at - 1..at + line.len());
            } else if lines::value(line, NAME).is_some()
                && self.names_us_to_an_end(field, at, &mut budget)
            {
                return Claim::Whole;
            }
        }
        match claims.is_empty() {
            true => Claim::None,
            false => Claim::Lines(claims),
        }
    }

    /// Whether what begins at `start` is a claim to one who ends it at a bare CR, at a bare
    /// LF, or by the exact rules. Past the budget it counts as one.
    fn names_us_to_an_end(&self, field: &[u8], start: usize, budget: &mut usize) -> bool {
        lines::ends(field, start).any(|end| {
            let read = field.get(start..end).unwrap_or_default();
            match budget.checked_sub(read.len()) {
                Some(left) => *budget = left,
                None => return true,
            }
            self.names_us(read)
        })
    }

    fn names_us(&self, field: &[u8]) -> bool {
        let Some(value) = lines::value(field, NAME) else {
            return false;
        };
        // No encoded word belongs there, and yet some decode every field before they look.
        let is_encoded = || memchr::memmem::find(value, b"=?").is_some();
        self.begins(value) || is_encoded() && self.begins(decoded(value).as_bytes())
    }

    fn begins(&self, value: &[u8]) -> bool {
        let read = scop_mime::AuthenticationResults::parse(value);
        if read.version().is_some_and(|version| version != 1) {
            return true;
        }
        // Whatever stands before it: what cannot be read must not be read by others.
        let begin = value.iter().position(|&b| is_id_byte(b) && b != b'-');
        let rest = value
            .get(begin.unwrap_or(value.len())..)
            .unwrap_or_default();
        let is_part = |&b: &u8| is_id_byte(b) || b.is_ascii_control() && !b.is_ascii_whitespace();
        let end = rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
        let first = rest.get(..end).unwrap_or_default();
        let is_ours = |id: &[u8]| self.ids.contains(&plain(id));
        is_ours(read.id().as_bytes()) || is_ours(first) || is_ours(&bare_id(value))
    }
}

/// A value as those see it who decode encoded words (RFC 2047) wherever they are.
fn decoded(value: &[u8]) -> String {
    let spaced = |&b: &u8| if b.is_ascii_control() { b' ' } else { b };
    let mut raw = b"Subject:".to_vec();
    raw.extend(value.iter().map(spaced));
    raw.extend_from_slice(b"\r\n");
    let message = scop_mime::Message::parse_header(&raw);
    let field = message.header().get("subject");
    field.map_or_else(String::new, |field| field.text().into_owned())
}

/// The id as those see it who drop comments, white space, quotes and backslashes first. A
/// version behind it is left out.
fn bare_id(value: &[u8]) -> Vec<u8> {
    let (mut words, mut depth, mut is_quoted_pair) = (Vec::new(), 0u32, false);
    let mut word = Vec::new();
    for &byte in value {
        let was_quoted_pair = core::mem::take(&mut is_quoted_pair);
        match byte {
            b'\\' if !was_quoted_pair => is_quoted_pair = true,
            b'(' if !was_quoted_pair => depth = depth.saturating_add(1),
            b')' if !was_quoted_pair => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            b';' if !was_quoted_pair => break,
            b'"' => {}
            b if b.is_ascii_whitespace() => {
                if !word.is_empty() {
                    words.push(core::mem::take(&mut word));
                }
            }
            b => word.push(b),
        }
    }
    let is_version = !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    if !is_version || words.is_empty() {
        words.push(word);
    }
    words.concat()
}

/// `text` without some of its bytes.
fn without(text: &[u8], gone: &[Range<usize>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for gone in gone {
        out.extend_from_slice(text.get(from..gone.start).unwrap_or_default());
        from = gone.end;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    out
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte) || !byte.is_ascii()
}

/// An id as it is compared.
fn plain(id: &[u8]) -> String {
    let visible: Vec<u8> = id
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_control())
        .collect();
    let text = String::from_utf8_lossy(&visible);
    let text = text.trim_matches([' ', '.']);
    match to_ascii(text) {
        Some(ascii) => ascii.to_ascii_lowercase(),
        None => text.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn ours() -> AuthservIds {
        AuthservIds::new(["mx.ours.test", "b\u{fc}cher.test"]).unwrap()
    }

    fn is_claim(field: &str) -> bool {
        let claims = ours().claims(field.as_bytes());
        let whole = 0..field.len();
        assert!(claims.iter().all(|claim| *claim == whole), "{field:?}");
        !claims.is_empty()
    }

    /// dk10, RFC 8601 section 5.
    #[test]
    fn dk10_claims_of_our_ids() {
        for value in [
            " mx.ours.test; dkim=pass header.d=bank.test",
            "mx.ours.test;none",
            " MX.Ours.TEST 1; spf=pass",
            " (a (nested) comment) mx.ours.test (another) 1; spf=pass",
            "\r\n mx.ours.test;\r\n spf=pass",
            " \"mx.ours.test\"; spf=pass",
            " \"mx\\.ours.test\"; spf=pass",
            " mx.ours.test.; spf=pass",
            " mx.ours.test",
            " mx.ours.test; none",
            " mx.ours.test dkim=pass",
            " mx.ours.test=pass",
            " mx.ours.test/1; dkim=pass",
            " \"mx.ours.test; dkim=pass",
            " (mx.ours.test; dkim=pass",
            " ;; mx.ours.test; dkim=pass",
            " mx\0.ours.test; dkim=pass",
            " mx.ours.test\0; dkim=pass",
            " i=1; mx.ours.test; dkim=pass",
            " mx(x).ours.test; dkim=pass",
            " mx .ours.test; dkim=pass",
            " mx\r\n .(a \\) (b))ours.test(c) 1; dkim=pass",
            " m\\x.ours.test; dkim=pass",
            " mx\".ours\".test; dkim=pass",
            " =?utf-8?q?mx.ours.test?=; dkim=pass",
            " =?utf-8?q?mx.o?=\r\n =?us-ascii?b?dXJzLnRlc3Q7?= dkim=pass",
            " =?utf-8?b?bXgub3Vycy50ZXN0OyBka2ltPXBhc3M=?=",
        ] {
            for name in [
                "Authentication-Results",
                "AUTHENTICATION-RESULTS",
                "authentication-results ",
                "Authentication-Results\r\n ",
                " Authentication-Results",
                "Authentication\0-Results",
                "\u{feff}Authentication-Results",
            ] {
                let field = alloc::format!("{name}:{value}\r\n");
                assert!(is_claim(&field), "{field:?}");
                assert!(is_claim(field.trim_end()), "{field:?}");
            }
        }
    }

    /// A version that we do not know is removed whoever claims it (RFC 8601 section 5).
    #[test]
    fn unknown_versions() {
        assert!(is_claim(
            "Authentication-Results: other.test 2; dkim=pass\r\n"
        ));
        assert!(!is_claim(
            "Authentication-Results: other.test 1; dkim=pass\r\n"
        ));
    }

    #[test]
    fn fields_of_others_stay() {
        for field in [
            "Authentication-Results: other.test; dkim=pass header.d=mx.ours.test",
            "Authentication-Results: notmx.ours.test; dkim=pass",
            "Authentication-Results: mx.ours.test.evil.test; dkim=pass",
            "Authentication-Results: -mx.ours.testing; dkim=pass",
            "Authentication-Results: x; y (mx.ours.test)",
            "ARC-Authentication-Results: i=1; mx.ours.test; dkim=pass",
            "X-Authentication-Results: mx.ours.test; dkim=pass",
            "Authentication-Results-Old: mx.ours.test; dkim=pass",
            "Subject: Authentication-Results: mx.ours.test; dkim=pass",
            "Subject: x\r\n Authentication-Results: mx.ours.test; dkim=pass",
            "Authentication-Results:",
            "Authentication-Results",
            ": mx.ours.test",
        ] {
            assert!(!is_claim(&alloc::format!("{field}\r\n")), "{field:?}");
        }
    }

    #[cfg(feature = "idn")]
    #[test]
    fn labels_of_both_kinds() {
        for id in [
            "b\u{fc}cher.test",
            "B\u{dc}CHER.test",
            "bu\u{308}cher.test",
            "xn--bcher-kva.test",
            "XN--BCHER-KVA.TEST",
        ] {
            assert!(
                is_claim(&alloc::format!("Authentication-Results: {id}; none\r\n")),
                "{id}"
            );
        }
        assert!(!is_claim("Authentication-Results: bucher.test; none\r\n"));
    }

    #[test]
    fn lines_that_hide_in_a_field() {
        for (header, left) in [
            (
                "S: x\nAuthentication-Results: mx.ours.test; a=b\r\nTo: y\r\n",
                "S: x\r\nTo: y\r\n",
            ),
            (
                "S: x\rauthentication-results:mx.ours.test\r\n\tb\nB: c\r\n",
                "S: x\nB: c\r\n",
            ),
            // Found by fuzzing: a claim that shows when another one in it is gone.
            (
                "Auth\nAuthentication-Results: mx.ours.test\nentication-Results: mx.ours.test\r\nA: b\r\n",
                "A: b\r\n",
            ),
            // Found by fuzzing: an id that goes on behind a bare CR, to one who ends lines at
            // an LF only.
            (
                "S: x\nAuthentication-Results:\"mx.ou\rrs.t\0est\" (;\r\n dkim=pass\r\nA: b\r\n",
                "A: b\r\n",
            ),
            (
                "S: x\rAuthentication-Results: mx.\nours.test; dkim=pass\r\nA: b\r\n",
                "A: b\r\n",
            ),
            // What hides in a claim goes with it.
            (
                "Authentication-Results: mx.ours.test\nTo: y\r\nC: d\r\n\r\n",
                "C: d\r\n\r\n",
            ),
        ] {
            assert_eq!(
                ours().strip(header.as_bytes()).as_ref(),
                left.as_bytes(),
                "{header:?}"
            );
        }
    }

    /// Found by fuzzing: of CR, CR and LF around a line that goes became another end of a field.
    #[test]
    fn what_is_left_is_read_anew() {
        let header = b"A\0\r\r\rAuthentication-Results:\x08\0mx.ours.test\0\0(x\tw x\n\" b\"\nS:~ x\nAuthentication-Results : mxc:\x08\0(x\tw .ou\x1fx\n\" n.~t\rby";
        let left = ours().strip(header);
        assert!(ours().claims(&left).is_empty(), "{}", left.escape_ascii());
    }

    #[test]
    fn the_body_stays() {
        let message = b"A: b\r\n\r\nAuthentication-Results: mx.ours.test; none\r\n";
        assert_eq!(ours().strip(message).as_ref(), message);
        let message = b"\r\nAuthentication-Results: mx.ours.test; none\r\n";
        assert_eq!(ours().strip(message).as_ref(), message);
    }

    #[test]
    fn ids_are_ids() {
        for bad in ["", "a b", "a;b", "a\r\nb", "a(b)", "\"a\""] {
            assert_eq!(AuthservIds::new([bad]), Err(NotAKeyword), "{bad:?}");
        }
    }

    /// What our own encoder writes is found, however it is cut into fields.
    #[test]
    fn what_we_write() {
        let field = crate::AuthenticationResults::new("mx.ours.test").unwrap();
        assert!(is_claim(&alloc::format!("{field}")));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn one_pass_is_enough(pieces in prop::collection::vec(prop::sample::select(vec![
            "Authentication-Results", ":", "mx.ours.test", ";", "\r\n", "\r\n ", "\n", "\r", " ",
            "(", ")", "\"", "\0", "dkim=pass", "X", "From: a", "1", "2", "=", ".", "\\", "i=1;",
        ]), 0..40)) {
            let header = pieces.concat();
            let claims = ours().claims(header.as_bytes());
            for pair in claims.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
            let once = ours().strip(header.as_bytes());
            prop_assert!(ours().claims(&once).is_empty(), "{:?} {:?}", header, once.escape_ascii());
        }
    }
}
