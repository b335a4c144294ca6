//! What looks like something else to a person: names that are addresses, text that
//! turns its direction, letters of alphabets that look alike (RFC 7103 7.1, RFC 5890
//! 4.4, UTS 39 in the small).

use alloc::string::String;
use alloc::vec::Vec;

use crate::value::lex::raw_text;
use crate::{DefectKind, Mailbox};

/// What there is to say about a mailbox of a header.
pub(super) fn mailbox(mailbox: &Mailbox<'_>, note: &mut dyn FnMut(DefectKind)) {
    let address = mailbox.address();
    if has_bidi(&address) {
        note(DefectKind::BidiControl);
    }
    if let Some(name) = mailbox.name() {
        if has_bidi(&name) {
            note(DefectKind::BidiControl);
        }
        if names_another(&name, &address) {
            note(DefectKind::AddressInName);
        }
    }
    if let Some(domain) = mailbox.domain() {
        self::domain(&raw_text(domain), note);
    }
}

/// Characters that change the direction of what is behind them: embeddings,
/// overrides, isolates.
pub(super) fn has_bidi(text: &str) -> bool {
    text.chars()
        .any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

/// A word of `name` is an address, and not this one.
fn names_another(name: &str, address: &str) -> bool {
    name.split(|c: char| c.is_whitespace() || "<>\"'()[],;:".contains(c))
        .filter_map(|word| Some((word, word.split_once('@')?)))
        .any(|(word, (local, domain))| {
            !local.is_empty()
                && domain.trim_matches('.').contains('.')
                && !word.eq_ignore_ascii_case(address)
        })
}

fn domain(domain: &str, note: &mut dyn FnMut(DefectKind)) {
    if domain.starts_with('[') {
        return;
    }
    for label in domain.split('.') {
        let prefix = label.get(..4).unwrap_or_default();
        if prefix.eq_ignore_ascii_case("xn--") {
            let code = label.get(4..).unwrap_or_default();
            match punycode(code) {
                // It must say what ASCII cannot, and end in a letter or digit.
                Some(text) if !text.is_ascii() && !code.ends_with('-') => mixed(&text, note),
                _ => note(DefectKind::BadALabel),
            }
        } else {
            mixed(label, note);
        }
    }
}

/// Alphabets whose letters look alike.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    Cherokee,
}

fn script(c: char) -> Option<Script> {
    Some(match c {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Script::Latin,
        '\u{ff21}'..='\u{ff5a}' => Script::Latin,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}' => Script::Cyrillic,
        '\u{531}'..='\u{587}' => Script::Armenian,
        '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' => Script::Cherokee,
        _ => return None,
    })
}

fn mixed(label: &str, note: &mut dyn FnMut(DefectKind)) {
    let mut scripts = label.chars().filter_map(script);
    let first = scripts.next();
    if scripts.any(|s| Some(s) != first) {
        note(DefectKind::MixedScripts);
    }
}

/// Decodes what is behind `xn--` (RFC 3492 6.2). A label has at most 63 characters.
fn punycode(code: &str) -> Option<String> {
    const BASE: u32 = 36;
    const TMIN: u32 = 1;
    const TMAX: u32 = 26;
    if code.len() > 59 || !code.is_ascii() {
        return None;
    }
    let (basic, digits) = code.rsplit_once('-').unwrap_or(("", code));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut n, mut i, mut bias) = (128u32, 0u32, 72u32);
    let mut bytes = digits.bytes().peekable();
    while bytes.peek().is_some() {
        let before = i;
        let (mut weight, mut k) = (1u32, BASE);
        loop {
            let digit = match bytes.next()? {
                b @ b'a'..=b'z' => b - b'a',
                b @ b'A'..=b'Z' => b - b'A',
                b @ b'0'..=b'9' => b - b'0' + 26,
                _ => return None,
            };
            let digit = u32::from(digit);
            i = i.checked_add(digit.checked_mul(weight)?)?;
            let t = k.saturating_sub(bias).clamp(TMIN, TMAX);
            if digit < t {
                break;
            }
            weight = weight.checked_mul(BASE - t)?;
            k += BASE;
        }
        let length = out.len() as u32 + 1;
        let mut delta = (i - before) / if before == 0 { 700 } else { 2 };
        delta += delta / length;
        bias = 0;
        while delta > (BASE - TMIN) * TMAX / 2 {
            delta /= BASE - TMIN;
            bias += BASE;
        }
        bias += (BASE - TMIN + 1) * delta / (delta + 38);
        n = n.checked_add(i / length)?;
        i %= length;
        out.insert(i as usize, char::from_u32(n)?);
        i += 1;
    }
    Some(out.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(domain: &str) -> Vec<DefectKind> {
        let mut found = Vec::new();
        super::domain(domain, &mut |kind| found.push(kind));
        found
    }

    #[test]
    fn rfc3492_section_7_1() {
        for (code, text) in [
            ("bcher-kva", "bücher"),
            ("ihqwcrb4cv8a8dqg056pqjye", "他们为什么不说中文"),
            ("80ak6aa92e", "аррӏе"),
            ("4dbcagdahymbxekheh6e0a7fei0b", "למההםפשוטלאמדבריםעברית"),
        ] {
            assert_eq!(punycode(code).as_deref(), Some(text));
        }
        for bad in ["\u{fc}", "a_b-!", "99999999999", "a-9"] {
            assert_eq!(punycode(bad), None, "{bad}");
        }
    }

    #[test]
    fn mi10_domains_that_are_not_what_they_look_like() {
        use DefectKind::*;
        assert_eq!(kinds("example.org"), []);
        assert_eq!(kinds("b\u{fc}cher.example"), []);
        assert_eq!(kinds("xn--bcher-kva.example"), []);
        // RS-2024-0421: decodes to plain ASCII.
        assert_eq!(kinds("xn--example-.org"), [BadALabel]);
        assert_eq!(kinds("xn--.org"), [BadALabel]);
        assert_eq!(kinds("xn--999999999999.org"), [BadALabel]);
        assert_eq!(kinds("ex\u{430}mple.org"), [MixedScripts]);
        assert_eq!(kinds("xn--exmple-4nf.org"), [MixedScripts]);
        // One alphabet alone is a name like another.
        assert_eq!(kinds("\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.org"), []);
        assert_eq!(kinds("[IPv6:::1]"), []);
    }

    #[test]
    fn names_that_are_addresses() {
        assert!(names_another("ceo@bank.example", "x@evil.example"));
        assert!(names_another(
            "\"Boss <ceo@bank.example>\"",
            "x@evil.example"
        ));
        assert!(!names_another("A@b.example", "a@B.example"));
        assert!(!names_another("me @ home", "x@y.example"));
        assert!(has_bidi("a\u{202e}b") && !has_bidi("\u{200f}b"));
    }
}
