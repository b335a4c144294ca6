//! Parameters of Content-Type and Content-Disposition: RFC 2045 5.1, with the
//! continuations, charsets and languages of RFC 2231.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::charset;
use super::lex::{Cursor, raw_text, table, trim, word_text};
use super::words;
use crate::DefectKind;

/// A parameter, put together and decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) raw: Vec<u8>,
    pub(crate) extended: bool,
    pub(crate) language: Option<String>,
}

impl Parameter {
    /// Its name in lower case, without the stars and numbers of RFC 2231.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value: RFC 2231 decoded; else RFC 2047 words, which do not belong here
    /// but are in use (not in a boundary); else UTF-8 or ISO-8859-1.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The stored value, continuations joined and quotes removed, nothing decoded.
    /// Where RFC 2231 names a charset it begins with `charset'language'`.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Whether [`raw`](Self::raw) is percent-encoded and begins with a charset.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.extended
    }

    /// The language that RFC 2231 names for it.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }
}

/// One `name=value` as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Raw<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: Cow<'a, [u8]>,
    /// Where the value is in that of the field.
    pub(crate) at: usize,
}

/// Goes through what is behind the type: `; name=value ...`.
#[derive(Clone, Debug)]
pub(crate) struct RawParameters<'a> {
    cursor: Cursor<'a>,
}

impl<'a> RawParameters<'a> {
    pub(crate) fn new(cursor: Cursor<'a>) -> Self {
        RawParameters { cursor }
    }

    /// Unquoted: a token and, where no other parameter can begin, all up to the
    /// semicolon (`name=my file.txt`).
    fn bare_value(&mut self) -> &'a [u8] {
        let c = &mut self.cursor;
        let start = c.pos();
        const ENDS: [bool; 256] = table(b" \t\r\n;(");
        let token = c.take_while(|b| !ENDS[usize::from(b)]);
        let behind = c.clone();
        c.skip_cfws();
        if matches!(c.peek(), None | Some(b';')) {
            return token;
        }
        let mut rest = behind;
        let more = rest.take_while(|b| b != b';' && b != b'=');
        if rest.peek() == Some(b'=') && !token.is_empty() && !more.is_empty() {
            return token;
        }
        rest.take_while(|b| b != b';');
        *c = rest;
        trim(c.since(start))
    }
}

impl<'a> Iterator for RawParameters<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        loop {
            self.cursor.skip_cfws();
            match self.cursor.peek()? {
                b';' | b'=' | b'"' | b',' => {
                    if self.cursor.quoted().is_none() {
                        self.cursor.bump();
                    }
                    continue;
                }
                b'(' => {
                    self.cursor.bump();
                    continue;
                }
                _ => {}
            }
            const ENDS: [bool; 256] = table(b" \t\r\n;=(\"");
            let name = self.cursor.take_while(|b| !ENDS[usize::from(b)]);
            self.cursor.skip_cfws();
            if !self.cursor.eat(b'=') {
                continue;
            }
            self.cursor.skip_cfws();
            let at = self.cursor.pos();
            let value = match self.cursor.quoted() {
                Some(value) => value,
                // A quote that nothing ends: everything behind it.
                None if self.cursor.eat(b'"') => {
                    Cow::Borrowed(trim(self.cursor.take_while(|_| true)))
                }
                None => Cow::Borrowed(self.bare_value()),
            };
            return Some(Raw { name, value, at });
        }
    }
}

/// The name without the marks of RFC 2231 section 3 and 4.
struct Marks<'a> {
    base: &'a [u8],
    /// `*N`
    number: Option<u32>,
    /// A `*` at the end.
    extended: bool,
}

fn marks(name: &[u8]) -> Marks<'_> {
    let (name, extended) = match name.strip_suffix(b"*") {
        Some(name) => (name, true),
        None => (name, false),
    };
    if let Some(star) = memchr::memrchr(b'*', name)
        && let (Some(base), Some(digits)) = (name.get(..star), name.get(star + 1..))
        && (1..=4).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
    {
        let number = digits
            .iter()
            .fold(0, |n, d| n * 10 + u32::from(d.wrapping_sub(b'0')));
        return Marks {
            base,
            number: Some(number),
            extended,
        };
    }
    Marks {
        base: name,
        number: None,
        extended,
    }
}

/// All the spellings of one parameter.
struct Gathered<'a> {
    name: String,
    /// Where the value of the first of them is.
    at: usize,
    plain: Option<Cow<'a, [u8]>>,
    extended: Option<Cow<'a, [u8]>>,
    sections: Vec<(u32, bool, Cow<'a, [u8]>)>,
}

/// With more names than this they are looked up in a sorted list.
const MANY: usize = 16;

/// Puts the parameters together. A parameter that came twice keeps its first
/// value; one that came both plain and by RFC 2231 the latter. At most `limit`
/// are looked at. The defects: the first of each kind, by where it is in the value of the
/// field.
pub(crate) fn parse(
    raw: RawParameters<'_>,
    limit: usize,
) -> (Vec<Parameter>, Vec<(DefectKind, usize)>) {
    let mut defects = Vec::new();
    let mut gathered: Vec<Gathered<'_>> = Vec::new();
    let mut sorted: BTreeMap<String, usize> = BTreeMap::new();
    let mut duplicate = None;
    for (n, Raw { name, value, at }) in raw.enumerate() {
        if n >= limit {
            defects.push((DefectKind::TooManyParameters, at));
            break;
        }
        let Marks {
            base,
            number,
            extended,
        } = marks(name);
        // What is no UTF-8 is kept, and compared, as ISO-8859-1.
        let base = word_text(base);
        let lower = || base.to_ascii_lowercase();
        let found = match gathered.len() {
            ..=MANY => gathered
                .iter()
                .position(|g| g.name.eq_ignore_ascii_case(&base)),
            _ => sorted.get(&lower()).copied(),
        };
        let index = found.unwrap_or_else(|| {
            gathered.push(Gathered {
                name: lower(),
                at,
                plain: None,
                extended: None,
                sections: Vec::new(),
            });
            if gathered.len() > MANY {
                let known = sorted.len();
                let new = gathered.iter().enumerate().skip(known);
                sorted.extend(new.map(|(i, g)| (g.name.clone(), i)));
            }
            gathered.len() - 1
        });
        let Some(entry) = gathered.get_mut(index) else {
            continue;
        };
        let value = match memchr::memchr(0, &value) {
            None => value,
            Some(_) => Cow::Owned(value.iter().copied().filter(|b| *b != 0).collect()),
        };
        let again = match (number, extended) {
            (Some(n), extended) => {
                entry.sections.push((n, extended, value));
                false
            }
            (None, true) => set_once(&mut entry.extended, value),
            (None, false) => set_once(&mut entry.plain, value),
        };
        if again {
            duplicate.get_or_insert(at);
        }
    }
    for Gathered { sections, at, .. } in &mut gathered {
        // The first of each number counts: they are sorted as they came.
        let all = sections.len();
        sections.sort_by_key(|s| s.0);
        sections.dedup_by_key(|s| s.0);
        if sections.len() < all {
            duplicate.get_or_insert(*at);
        }
    }
    defects.extend(duplicate.map(|at| (DefectKind::DuplicateParameter, at)));
    let mut told = |kind, at| {
        if defects.iter().all(|d: &(DefectKind, usize)| d.0 != kind) {
            defects.push((kind, at));
        }
    };
    let parameters = gathered.into_iter();
    let parameters = parameters.filter_map(|g| {
        let at = g.at;
        combine(g, &mut |kind| told(kind, at))
    });
    let parameters = parameters.collect();
    (parameters, defects)
}

fn set_once<T>(slot: &mut Option<T>, value: T) -> bool {
    let taken = slot.is_some();
    if !taken {
        *slot = Some(value);
    }
    taken
}

/// The parameter, if any of its spellings is one: `name*`, else its sections, else the
/// plain one. Sections count from 0; some programs begin with 1.
fn combine(g: Gathered<'_>, note: &mut dyn FnMut(DefectKind)) -> Option<Parameter> {
    let first = g.sections.first().map(|s| s.0);
    if let Some(raw) = g.extended {
        return Some(extended(g.name, raw.into_owned(), &[(0, true)], note));
    }
    if first.is_some_and(|n| n > 0) {
        note(DefectKind::OddContinuation);
    }
    if let Some(first @ 0..=1) = first.filter(|n| *n == 0 || g.plain.is_none()) {
        let mut raw = Vec::new();
        let mut cuts = Vec::new();
        for (expected, (number, is_extended, value)) in g.sections.iter().enumerate() {
            if *number as usize != expected + first as usize {
                note(DefectKind::OddContinuation);
                break; // what lies behind cannot be placed
            }
            cuts.push((raw.len(), *is_extended));
            raw.extend_from_slice(value);
        }
        return Some(extended(g.name, raw, &cuts, note));
    }
    let raw = g.plain?.into_owned();
    // The reader looks for the delimiters of a multipart as they are written.
    let value = match g.name.as_str() {
        "boundary" if memchr::memchr2(b'\r', b'\n', &raw).is_none() => raw_text(&raw),
        _ => words::decode(&raw),
    };
    Some(Parameter {
        name: g.name,
        value: value.into_owned(),
        raw,
        extended: false,
        language: None,
    })
}

/// Decodes `raw`, which is made of sections: where each begins, and whether it is
/// percent-encoded. Charset and language are in the first, if that is.
fn extended(
    name: String,
    raw: Vec<u8>,
    sections: &[(usize, bool)],
    note: &mut dyn FnMut(DefectKind),
) -> Parameter {
    let is_extended = sections.iter().any(|s| s.1);
    let (mut charset, mut language) = (None, None);
    let mut bytes = Vec::with_capacity(raw.len());
    for (i, (start, is_extended)) in sections.iter().enumerate() {
        let end = sections.get(i + 1).map_or(raw.len(), |s| s.0);
        let mut section = raw.get(*start..end).unwrap_or_default();
        if i == 0
            && *is_extended
            && let Some((label, rest)) = split_quote(section)
            && let Some((tag, rest)) = split_quote(rest)
        {
            charset = (!label.is_empty()).then_some(label);
            language = (!tag.is_empty()).then(|| word_text(tag).into_owned());
            section = rest;
        }
        match is_extended {
            true => percent_decode(section, &mut bytes),
            false => bytes.extend_from_slice(section),
        }
    }
    let decoded = charset.map(|label| charset::decode(label, &bytes));
    let value = match decoded {
        Some(Some((text, lossy))) => {
            if lossy {
                note(DefectKind::NotOfCharset);
            }
            text.into_owned()
        }
        Some(None) => {
            note(DefectKind::UnknownCharset);
            raw_text(&bytes).into_owned()
        }
        None => raw_text(&bytes).into_owned(),
    };
    Parameter {
        name,
        value,
        extended: is_extended,
        language,
        raw,
    }
}

fn split_quote(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let quote = memchr::memchr(b'\'', bytes)?;
    Some((bytes.get(..quote)?, bytes.get(quote + 1..)?))
}

/// A section of a parameter, and its place among all.
struct Section {
    number: u32,
    extended: bool,
    place: usize,
}

/// The parameters as they are written, in order, each that is in sections put together
/// where its first one is (RFC 2231 6): `name*` if one of its sections is percent-encoded.
/// Sections that cannot be placed stay by themselves. Names are in lower case.
pub(crate) fn as_written(raw: RawParameters<'_>, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut out: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut sections: BTreeMap<Vec<u8>, Vec<Section>> = BTreeMap::new();
    for Raw { name, value, .. } in raw.take(limit) {
        let Marks {
            base,
            number,
            extended,
        } = marks(name);
        let place = out.len();
        if let Some(number) = number.filter(|_| !base.is_empty()) {
            let of_name = sections.entry(base.to_ascii_lowercase()).or_default();
            of_name.push(Section {
                number,
                extended,
                place,
            });
        }
        out.push((name.to_ascii_lowercase(), value.into_owned()));
    }
    for (base, mut list) in sections {
        list.sort_by_key(|s| (s.number, s.place));
        list.dedup_by_key(|s| s.number);
        let first = list.first().map_or(0, |s| s.number);
        let placed = list.iter().zip(first..).take_while(|(s, n)| s.number == *n);
        let run: Vec<&Section> = placed.map(|(s, _)| s).collect();
        let Some(place) = run.iter().map(|s| s.place).min().filter(|_| first <= 1) else {
            continue;
        };
        let mut name = base;
        if run.iter().any(|s| s.extended) {
            name.push(b'*');
        }
        let mut whole = Vec::new();
        for section in run {
            if let Some((name, value)) = out.get_mut(section.place) {
                whole.append(value);
                name.clear();
            }
        }
        if let Some(slot) = out.get_mut(place) {
            *slot = (name, whole);
        }
    }
    out.retain(|(name, _)| !name.is_empty());
    out
}

/// The value of a parameter, where it can be had without putting all together: no
/// mark of RFC 2231, no encoded word. Outer `None` where not.
pub(crate) fn plain<'a>(
    raw: RawParameters<'a>,
    wanted: &[u8],
    limit: usize,
) -> Option<Option<Cow<'a, [u8]>>> {
    let mut found = None;
    for (n, Raw { name, value, .. }) in raw.enumerate() {
        if n >= limit || name.contains(&b'*') {
            return None;
        }
        if found.is_none() && name.eq_ignore_ascii_case(wanted) {
            let graphic = value.iter().all(|b| b.is_ascii_graphic() && *b != b'?');
            if !graphic {
                return None;
            }
            found = Some(value);
        }
    }
    Some(found)
}

/// Undoes `%XX`; a `%` without two hexadecimal digits stands for itself.
pub(crate) fn percent_decode(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if let (b'%', [high, low, behind @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            rest = behind;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
}

/// The value of a hexadecimal digit, either case.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(String, String)> {
        let raw = RawParameters::new(Cursor::new(text.as_bytes()));
        let (parameters, _) = parse(raw, 128);
        parameters.into_iter().map(|p| (p.name, p.value)).collect()
    }

    fn one(text: &str) -> String {
        let mut all = all(text);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0).1
    }

    #[test]
    fn a_boundary_is_what_delimiters_have() {
        assert_eq!(one("; x=\"=?utf-8?Q?a?= \""), "a");
        let encoded = "; boundary=\"=?utf-8?Q?a?= \"";
        assert_eq!(one(encoded), "=?utf-8?Q?a?= ");
        let message = alloc::format!(
            "Content-Type: multipart/mixed{encoded}\r\n\r\n--=?utf-8?Q?a?= \r\n\r\nx\r\n"
        );
        assert_eq!(crate::Message::parse(message.as_bytes()).parts().count(), 2);
    }

    #[test]
    fn many_names_and_many_sections_are_found_as_few_are() {
        let names: String = (0..40)
            .map(|i| alloc::format!("; p{i}={i}; P{i}=again"))
            .collect();
        let (parameters, defects) = parse(RawParameters::new(Cursor::new(names.as_bytes())), 128);
        assert_eq!(parameters.len(), 40);
        assert!(
            parameters
                .iter()
                .enumerate()
                .all(|(i, p)| p.value == alloc::format!("{i}"))
        );
        let kinds: Vec<DefectKind> = defects.iter().map(|d| d.0).collect();
        assert_eq!(kinds, [DefectKind::DuplicateParameter]);
        let sections: String = (0..60)
            .rev()
            .map(|i| alloc::format!("; a*{i}={}", i % 10))
            .collect();
        let twice = sections + "; a*7=again";
        let (parameters, defects) = parse(RawParameters::new(Cursor::new(twice.as_bytes())), 128);
        assert_eq!(parameters[0].value, "0123456789".repeat(6));
        let kinds: Vec<DefectKind> = defects.iter().map(|d| d.0).collect();
        assert_eq!(kinds, [DefectKind::DuplicateParameter]);
    }

    #[test]
    fn rfc2231_examples() {
        // Sections 3, 4 and 4.1.
        assert_eq!(
            one(
                "; URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\""
            ),
            "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"
        );
        assert_eq!(
            one("; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A"),
            "This is ***fun***"
        );
        let text = "; title*0*=us-ascii'en'This%20is%20even%20more%20\r\n ; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"";
        assert_eq!(one(text), "This is even more ***fun*** isn't it!");
        let (p, _) = parse(RawParameters::new(Cursor::new(text.as_bytes())), 128);
        assert_eq!(p[0].language(), Some("en"));
        assert!(p[0].is_extended());
    }

    #[test]
    fn a_character_may_be_cut_by_a_continuation() {
        assert_eq!(one("; filename*1*=%BCber; filename*0*=utf-8''%C3"), "über");
        // A percent sign in a plain section is one.
        assert_eq!(one("; a*0*=utf-8''x; a*1=%41"), "x%41");
        // Behind a gap nothing can be placed.
        assert_eq!(one("; a*0=x; a*2=z"), "x");
    }

    #[test]
    fn values_that_no_standard_allows() {
        assert_eq!(one("; name=my file (1).txt"), "my file (1).txt");
        assert_eq!(one("; charset=us-ascii (Plain text)"), "us-ascii");
        assert_eq!(one(";;; ; charset = \"utf-8\" junk"), "utf-8");
        assert_eq!(one("; boundary=\"unfinished"), "unfinished");
        assert_eq!(one("; name=\"=?utf-8?Q?=C3=BCber?=.txt\""), "über.txt");
        assert_eq!(one("; name=\"\u{fc}ber\""), "über");
        assert_eq!(
            all("; charset=utf-8 format=flowed; =x; y; z="),
            [
                ("charset".into(), "utf-8".into()),
                ("format".into(), "flowed".into()),
                ("z".into(), String::new())
            ]
        );
        assert_eq!(one("; boundary=a=b"), "a=b");
    }

    #[test]
    fn mi09_sections_and_charsets_have_one_reading() {
        use DefectKind::*;
        let check = |text: &str, value: &str, kinds: &[DefectKind]| {
            let raw = RawParameters::new(Cursor::new(text.as_bytes()));
            let (p, defects) = parse(raw, 128);
            let defects: Vec<DefectKind> = defects.iter().map(|d| d.0).collect();
            assert_eq!(p.first().map_or("", |p| p.value()), value, "{text}");
            assert_eq!(defects, kinds, "{text}");
        };
        check("; a=b; c=\"d e\"", "b", &[]);
        check("; a*1*=%62; a*0*=utf-8''a", "ab", &[]);
        check("; a=x; a*=utf-8''y", "y", &[]);
        check("; a=x; a*0=y", "y", &[]);
        check("; a*0=x; a*2=z", "x", &[OddContinuation]);
        check("; a*1=x; a*2=z", "xz", &[OddContinuation]);
        check("; a*2=x", "", &[OddContinuation]);
        check("; a*0=x; a*0=y", "x", &[DuplicateParameter]);
        check("; a*=klingon''b", "b", &[UnknownCharset]);
        check("; a*=utf-8''%C3", "\u{fffd}", &[NotOfCharset]);
    }

    #[test]
    fn names_in_latin1_are_one() {
        let raw = RawParameters::new(Cursor::new(b"; \xe9*0=a; \xe9*1=b; \xe9=c"));
        let (p, _) = parse(raw, 128);
        assert_eq!((p.len(), p[0].name(), p[0].value()), (1, "\u{e9}", "ab"));
    }

    #[test]
    fn the_first_of_two_counts() {
        let raw = RawParameters::new(Cursor::new(b"; a=1; A=2; b=1; b*=utf-8''2"));
        let (p, defects) = parse(raw, 128);
        assert_eq!((p[0].value(), p[1].value()), ("1", "2"));
        let kinds: Vec<DefectKind> = defects.iter().map(|d| d.0).collect();
        assert_eq!(kinds, [DefectKind::DuplicateParameter]);
    }

    #[test]
    fn mi04_semicolons_and_parameters_without_end() {
        let floods = [
            "; ".repeat(200_000),
            "(".repeat(200_000),
            "; a".repeat(100_000),
        ];
        for text in &floods {
            assert_eq!(all(text), []);
        }
        let text: String = (0..100_000)
            .map(|n| alloc::format!("; name*{n}*=x"))
            .collect();
        let (p, defects) = parse(RawParameters::new(Cursor::new(text.as_bytes())), 128);
        assert_eq!(p[0].raw().len(), 128);
        assert_eq!(defects[0].0, DefectKind::TooManyParameters);
    }
}
