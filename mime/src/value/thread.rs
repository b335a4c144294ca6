//! The base subject by which mail is sorted and threaded (RFC 5256 2.1 and 5).

use alloc::borrow::Cow;
use alloc::string::String;

/// A subject without what replies, forwards and lists put around it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseSubject<'a> {
    /// What is left. Compare it without regard to case (RFC 5256 3: `i;unicode-casemap`).
    pub text: Cow<'a, str>,
    /// The message is a reply or a forward: `re:`, `fw:`, `fwd:`, `(fwd)` or `[fwd: ]`
    /// was removed.
    pub is_reply_or_forward: bool,
}

/// The base subject of a subject that was decoded, by exactly the procedure of RFC 5256
/// section 2.1. Time is linear in it.
///
/// ```
/// use scop_mime::base_subject;
///
/// let base = base_subject("Re: [list] Fwd: [list]  Hello\t(fwd)");
/// assert_eq!((&*base.text, base.is_reply_or_forward), ("Hello", true));
/// ```
#[must_use]
pub fn base_subject(subject: &str) -> BaseSubject<'_> {
    // Step (1).
    let spaced = |c: char| matches!(c, '\t' | '\r' | '\n');
    let text = match subject.contains(spaced) || subject.contains("  ") {
        false => Cow::Borrowed(subject),
        true => {
            let mut out = String::with_capacity(subject.len());
            for c in subject.chars() {
                let c = if spaced(c) { ' ' } else { c };
                if c != ' ' || !out.ends_with(' ') {
                    out.push(c);
                }
            }
            Cow::Owned(out)
        }
    };
    let (range, is_reply_or_forward) = base(&text);
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(range).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(range).unwrap_or_default().into()),
    };
    BaseSubject {
        text,
        is_reply_or_forward,
    }
}

/// Where the base of `text`, whose only white space is single spaces, is.
fn base(text: &str) -> (core::ops::Range<usize>, bool) {
    let all = text.as_bytes();
    let (mut start, mut end) = (0, all.len());
    let mut reply = false;
    // Blobs up to here have no `re:` behind them.
    let mut no_reply_till = 0;
    loop {
        // Step (2).
        loop {
            let rest = all.get(start..end).unwrap_or_default();
            if rest.last() == Some(&b' ') {
                end -= 1;
            } else if rest.len() >= 5 && ends(rest, b"(fwd)") {
                end -= 5;
                reply = true;
            } else {
                break;
            }
        }
        // Steps (3) to (5).
        loop {
            let rest = all.get(start..end).unwrap_or_default();
            if rest.first() == Some(&b' ') {
                start += 1;
                continue;
            }
            if start >= no_reply_till {
                let mut blobs = 0;
                while let Some(length) = blob(rest.get(blobs..).unwrap_or_default()) {
                    blobs += length;
                }
                if let Some(length) = refwd(rest.get(blobs..).unwrap_or_default()) {
                    start += blobs + length;
                    reply = true;
                    continue;
                }
                no_reply_till = start + blobs;
            }
            match blob(rest) {
                Some(length) if length < rest.len() => start += length,
                _ => break,
            }
        }
        // Step (6).
        let rest = all.get(start..end).unwrap_or_default();
        if !(rest.len() >= 6 && begins(rest, b"[fwd:") && rest.ends_with(b"]")) {
            return (start..end, reply);
        }
        start += 5;
        end -= 1;
        reply = true;
        // What was a blob as a whole is open now, and holds no other one.
        no_reply_till = start;
    }
}

fn begins(text: &[u8], with: &[u8]) -> bool {
    text.get(..with.len())
        .is_some_and(|t| t.eq_ignore_ascii_case(with))
}

fn ends(text: &[u8], with: &[u8]) -> bool {
    text.len()
        .checked_sub(with.len())
        .and_then(|at| text.get(at..))
        .is_some_and(|t| t.eq_ignore_ascii_case(with))
}

fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|b| **b == b' ').count()
}

/// `subj-blob`: the length of one that `text` begins with.
fn blob(text: &[u8]) -> Option<usize> {
    let inner = text.strip_prefix(b"[")?;
    let end = memchr::memchr2(b'[', b']', inner)?;
    let behind = inner.get(end..)?.strip_prefix(b"]")?;
    Some(1 + end + 1 + spaces(behind))
}

/// `subj-refwd`: the length of one that `text` begins with.
fn refwd(text: &[u8]) -> Option<usize> {
    let word = match text {
        _ if begins(text, b"re") => 2,
        _ if begins(text, b"fwd") => 3,
        _ if begins(text, b"fw") => 2,
        _ => return None,
    };
    let mut length = word + spaces(text.get(word..)?);
    length += blob(text.get(length..)?).unwrap_or(0);
    (text.get(length) == Some(&b':')).then_some(length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(subject: &str, base: &str, reply: bool) {
        let found = base_subject(subject);
        assert_eq!(
            (&*found.text, found.is_reply_or_forward),
            (base, reply),
            "{subject}"
        );
    }

    #[test]
    fn rfc5256_2_1() {
        check("Hello", "Hello", false);
        // (1)
        check("a\tb\r\n c   d", "a b c d", false);
        // (2)
        check("Hello (fwd)  (FWD) ", "Hello", true);
        check("Hello (fwd) x", "Hello (fwd) x", false);
        // (3)
        check("Re: Hello", "Hello", true);
        check("RE :fW:Fwd \t[x]: Hello", "Hello", true);
        check("[a] [b]re: Hello", "Hello", true);
        check("Re Hello", "Re Hello", false);
        check("Re[2]: Hello", "Hello", true);
        check("Re: [a] Re: Hello", "Hello", true);
        check("forward: Hello", "forward: Hello", false);
        // (4)
        check("[a] Hello", "Hello", false);
        check("[a][b] Hello [c]", "Hello [c]", false);
        check("[a]", "[a]", false);
        check("[a] [b]", "[b]", false);
        check("Re: [a]", "[a]", true);
        check("[a[b] x", "[a[b] x", false);
        // (6)
        check("[Fwd: Hello]", "Hello", true);
        check("[fwd: [FWD: Re: [x] Hello (fwd)] ] ", "Hello", true);
        check("[fwd: Hello", "[fwd: Hello", false);
        check("[fwd:]", "", true);
        // Found by fuzzing: what is inside is a subject anew.
        check("Re: [a] Fwd: [fwd: re:lo (f2d)] (fwd)", "lo (f2d)", true);
        // Nothing is left.
        check("Re:", "", true);
        check("", "", false);
        check(" (fwd) ", "", true);
        check("R\u{e9}: \u{fc}", "R\u{e9}: \u{fc}", false);
    }

    #[test]
    fn mi04_floods_are_linear() {
        for unit in ["[a]", "re:", "re[", "[", "[fwd:", "(fwd)", " ", "[a] re"] {
            let flood = unit.repeat(100_000);
            assert!(base_subject(&flood).text.len() <= flood.len());
        }
        let nested = "[fwd:".repeat(100_000) + "x" + &"]".repeat(100_000);
        assert_eq!(base_subject(&nested).text, "x");
        let blobs = "[a]".repeat(100_000) + "re: x";
        assert_eq!(base_subject(&blobs).text, "x");
    }

    proptest! {
        /// A base subject is its own base, and is neither a reply nor a forward.
        #[test]
        fn a_base_is_its_own_base(subject in "(\\[a\\]|re|re:|fwd|fw|:|\\[fwd:|\\]|\\[|\\(fwd\\)| |x){0,12}") {
            let base = base_subject(&subject).text;
            let again = base_subject(&base);
            prop_assert_eq!(&again.text, &base);
            prop_assert!(!again.is_reply_or_forward);
        }
    }
}
