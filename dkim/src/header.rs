//! The header of a message, as scop-mime's [`Reader`] finds it in its mode
//! [`Exact`](Mode::Exact): which bytes belong to which field.
//!
//! DKIM signs bytes, so nothing is decoded or repaired here. Only CRLF ends a
//! line, only an empty line (or the end of input) ends the header, and a line
//! that starts with white space belongs to the field above it. A bare CR or LF
//! is a byte like any other, except to [`Header::has_from_lookalike`], which sees
//! a message as a careless reader would.

use alloc::vec::Vec;
use core::cmp::Ordering;

use scop_mime::{DefectKind, Event, FieldAt, Mode, Reader};

use crate::limits::{LimitExceeded, Limits};
use crate::lines;
use crate::message::Singles;
use crate::words::below;

/// A header, whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header {
    bytes: Vec<u8>,
    /// Their bytes follow each other in `bytes`, each with the CRLF that ends it,
    /// if it came.
    fields: Vec<FieldAt>,
    /// Those that have a name, sorted by it without regard to case, and those of one name
    /// from top to bottom.
    by_name: Vec<Named>,
    /// How many there are of those that may occur once.
    singles: Singles,
    /// Those with a CR or a LF in them that is no half of a CRLF.
    bare_ends: Vec<usize>,
}

/// A field that has a name, as such fields sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    /// [`start`] of its name: most names differ there.
    start: u64,
    /// It does not stand above all others.
    is_below: bool,
    field: u32,
}

impl Named {
    /// Its number.
    pub(crate) fn field(&self) -> usize {
        self.field as usize
    }
}

/// Collects a header from chunks of any size. Work and memory are linear in
/// the header; the body is not looked at.
#[derive(Debug)]
pub(crate) struct Splitter {
    reader: Reader,
    header: Header,
    limits: Limits,
}

impl Splitter {
    pub(crate) fn new(limits: Limits) -> Self {
        let reader = Reader::new(scop_mime::Limits {
            header_bytes: limits.header_bytes as u64,
            field_bytes: limits.field_bytes,
            fields: u32::try_from(limits.fields).unwrap_or(u32::MAX),
            ..scop_mime::Limits::default()
        });
        Self {
            reader: reader.mode(Mode::Exact),
            // What most headers need.
            header: Header {
                bytes: Vec::with_capacity(4096),
                fields: Vec::with_capacity(32),
                ..Header::default()
            },
            limits,
        }
    }

    /// Takes `data`; when the empty line came, gives how much of `data` was
    /// header (the empty line included).
    pub(crate) fn write(&mut self, data: &[u8]) -> Result<Option<usize>, LimitExceeded> {
        let mut rest = data;
        while let Some(event) = self.reader.read(&mut rest) {
            match event {
                Event::Header(field) => {
                    if field.at.length as usize > self.limits.field_bytes {
                        return Err(LimitExceeded::Field(self.limits.field_bytes));
                    }
                    self.header.push(field.raw, field.at);
                }
                Event::Defect(defect) => match defect.kind {
                    DefectKind::HeaderTooLong => {
                        return Err(LimitExceeded::Header(self.limits.header_bytes));
                    }
                    DefectKind::TooManyFields => {
                        return Err(LimitExceeded::Fields(self.limits.fields));
                    }
                    // What is odd about a field is signed as it is.
                    _ => {}
                },
                Event::BodyStart(_) => return Ok(Some(data.len() - rest.len())),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The header as far as it came.
    pub(crate) fn finish(mut self) -> Result<Header, LimitExceeded> {
        self.reader.finish();
        self.write(&[])?;
        self.header.sort(0);
        Ok(self.header)
    }
}

impl Header {
    fn push(&mut self, raw: &[u8], at: FieldAt) {
        self.bytes.extend_from_slice(raw);
        self.fields.push(at);
    }

    /// All of it, without the empty line behind it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes the index. The fields from number `top` on stand above all others.
    fn sort(&mut self, top: usize) {
        let mut named = Vec::with_capacity(self.fields.len());
        let mut singles = Singles::default();
        for (field, number) in (0..self.fields.len()).zip(0u32..) {
            let name = self.name(field);
            if !name.is_empty() {
                let start = start(name);
                singles.add(name, start);
                named.push(Named {
                    start,
                    is_below: field < top,
                    field: number,
                });
            }
        }
        named.sort_unstable();
        // Among those that start alike the whole names decide; mostly they are the same.
        for alike in named.chunk_by_mut(|a, b| a.start == b.start) {
            let compare = |a: &Named, b: &Named| compare(self.name_of(a), self.name_of(b));
            if !alike.is_sorted_by(|a, b| compare(a, b).is_le()) {
                alike.sort_unstable_by(|a, b| compare(a, b).then(a.cmp(b)));
            }
        }
        (self.by_name, self.singles) = (named, singles);
        if has_bare_ends(&self.bytes) {
            let all = 0..self.fields.len();
            let odd = all.filter(|field| has_bare_ends(self.field(*field)));
            self.bare_ends = odd.collect();
        }
    }

    /// Fields with a CR or a LF in them that is no half of a CRLF.
    pub(crate) fn bare_ends(&self) -> &[usize] {
        &self.bare_ends
    }

    /// How many fields there are of those that may occur once.
    pub(crate) fn singles(&self) -> &Singles {
        &self.singles
    }

    /// Fields named `name`, in any case, from top to bottom.
    pub(crate) fn named(
        &self,
        name: &[u8],
    ) -> impl ExactSizeIterator<Item = usize> + DoubleEndedIterator + Clone {
        self.find(name).iter().map(Named::field)
    }

    /// The same, as they are kept.
    pub(crate) fn find(&self, name: &[u8]) -> &[Named] {
        let wanted = start(name);
        // Where those that start alike begin, then among them; mostly that is all of them.
        let first = self.by_name.partition_point(|named| named.start < wanted);
        let alike = self.by_name.get(first..).unwrap_or_default();
        let is_alike = |named: &Named| named.start == wanted;
        let count = match alike {
            [first, second, ..] if is_alike(first) && is_alike(second) => {
                alike.partition_point(is_alike)
            }
            [first, ..] => usize::from(is_alike(first)),
            [] => 0,
        };
        let alike = alike.get(..count).unwrap_or_default();
        let order = |named: &Named| compare(self.name_of(named), name);
        match alike {
            [only] if order(only).is_eq() => alike,
            [] | [_] => &[],
            alike => {
                let first = alike.partition_point(|named| order(named).is_lt());
                let alike = alike.get(first..).unwrap_or_default();
                let length = alike.partition_point(|named| order(named).is_eq());
                alike.get(..length).unwrap_or_default()
            }
        }
    }

    fn name_of(&self, named: &Named) -> &[u8] {
        self.name(named.field())
    }

    /// How many fields there are.
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The name of field `i` as written; empty for a line that is no field.
    pub(crate) fn name(&self, i: usize) -> &[u8] {
        let name = |at: &FieldAt| {
            let start = usize::try_from(at.offset).ok()?;
            self.bytes.get(start..)?.get(..at.name_length as usize)
        };
        self.fields.get(i).and_then(name).unwrap_or_default()
    }

    /// This header with `fields`, each with its CRLF, on top. What numbers its fields had
    /// they keep.
    #[cfg(feature = "arc")]
    pub(crate) fn below(&self, fields: &str) -> Result<Self, LimitExceeded> {
        let mut splitter = Splitter::new(Limits::default());
        splitter.write(fields.as_bytes())?;
        let top = splitter.finish()?;
        let mut header = self.clone();
        let (octets, count) = (header.bytes.len() as u64, header.fields.len());
        header.bytes.extend_from_slice(&top.bytes);
        header.fields.extend(top.fields.iter().map(|at| FieldAt {
            offset: at.offset + octets,
            ..*at
        }));
        header.sort(count);
        Ok(header)
    }

    /// The bytes of field `i` without the CRLF that ends it.
    pub(crate) fn field(&self, i: usize) -> &[u8] {
        let range = |at: &FieldAt| {
            let start = usize::try_from(at.offset).ok()?;
            self.bytes
                .get(start..start.checked_add(at.length as usize)?)
        };
        let raw = self.fields.get(i).and_then(range).unwrap_or_default();
        raw.strip_suffix(b"\r\n").unwrap_or(raw)
    }

    /// The bytes behind the colon of field `i`, without the final CRLF.
    pub(crate) fn value(&self, i: usize) -> &[u8] {
        match self.fields.get(i) {
            Some(at) if at.value_start > 0 => self
                .field(i)
                .get(at.value_start as usize..)
                .unwrap_or_default(),
            _ => &[],
        }
    }

    /// Whether the first line begins with white space. It would belong to a field that is
    /// put on top.
    pub(crate) fn begins_folded(&self) -> bool {
        matches!(self.field(0).first(), Some(b' ' | b'\t'))
    }

    /// Whether a reader could take some line for a From field that is none by
    /// the grammar of RFC 5322: ` From:` on top, `From :`, `From\r\n :`, a name
    /// with control characters or 8-bit junk in it, or one behind a bare CR or
    /// LF. Such a message shows an author that the exact fields do not name.
    pub(crate) fn has_from_lookalike(&self) -> bool {
        let reads_as_from = |text: &[u8]| lines::value(text, "from").is_some();
        let odd_name = |(i, at): (usize, &FieldAt)| {
            // A name with its colon behind it is what it is.
            let is_exact = at.name_length > 0 && at.value_start == at.name_length + 1;
            !is_exact && reads_as_from(self.field(i))
        };
        let odd_line = |i: &usize| {
            let mut hidden = lines::hidden(self.field(*i));
            hidden.any(|(_, line)| reads_as_from(line))
        };
        self.fields.iter().enumerate().any(odd_name) || self.bare_ends.iter().any(odd_line)
    }
}

/// Whether there is a CR or a LF that is no half of a CRLF.
fn has_bare_ends(bytes: &[u8]) -> bool {
    // Without a branch inside, for the compiler to vectorise.
    let next = bytes.get(1..).unwrap_or_default();
    let odd = bytes.iter().zip(next).fold(0, |odd, (byte, next)| {
        odd | (u8::from(*byte == b'\r') ^ u8::from(*next == b'\n'))
    });
    odd != 0 || bytes.first() == Some(&b'\n') || bytes.last() == Some(&b'\r')
}

/// The first eight octets of a name, in lower case, as they sort.
pub(crate) const fn start(name: &[u8]) -> u64 {
    let word = match name.first_chunk() {
        Some(octets) => u64::from_be_bytes(*octets),
        None => {
            let (mut word, mut at) = (0, 0);
            while at < name.len() {
                word |= (name[at] as u64) << (56 - 8 * at);
                at += 1;
            }
            word
        }
    };
    let is_upper = below(word, b'Z' + 1) & !below(word, b'A');
    word | is_upper >> 2
}

/// How names sort that [`start`] alike.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    fn rest(name: &[u8]) -> &[u8] {
        name.get(8..).unwrap_or_default()
    }
    let lower = |name| rest(name).iter().map(u8::to_ascii_lowercase);
    // Mostly they are the same.
    match a.len() == b.len() && rest(a).eq_ignore_ascii_case(rest(b)) {
        true => Ordering::Equal,
        false => lower(a).cmp(lower(b)).then(a.len().cmp(&b.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::string::String;
    use alloc::vec;
    use proptest::prelude::*;

    fn split(text: &[u8], chunk: usize) -> (Header, Vec<u8>) {
        let mut splitter = Splitter::new(Limits::default());
        let mut body = None;
        for part in text.chunks(chunk) {
            match &mut body {
                Some(body) => Vec::extend_from_slice(body, part),
                None => body = splitter.write(part).unwrap().map(|n| part[n..].to_vec()),
            }
        }
        (splitter.finish().unwrap(), body.unwrap_or_default())
    }

    fn fields(header: &Header) -> Vec<String> {
        (0..header.fields.len())
            .map(|i| String::from_utf8_lossy(header.field(i)).into_owned())
            .collect()
    }

    #[test]
    fn fields_are_exact_at_any_chunking() {
        let text = b"A: 1\r\nB : 2\r\n\t3\r\n \r\nno colon\r\na:4\n5\r\n\r\nbody\r\n\r\n";
        for chunk in 1..text.len() {
            let (header, body) = split(text, chunk);
            assert_eq!(
                fields(&header),
                ["A: 1", "B : 2\r\n\t3\r\n ", "no colon", "a:4\n5"]
            );
            assert!(header.named(b"a").eq([0, 3]));
            assert!(header.named(b"b").eq([1]));
            assert_eq!(header.value(1), b" 2\r\n\t3\r\n ");
            assert_eq!(body, b"body\r\n\r\n");
        }
    }

    #[test]
    fn names_that_start_alike_are_told_apart() {
        let text = b"List-Unsubscribe-Post: 1\r\nlist-unsubscribe: 2\r\nList-Unsubscribes: 3\r\n\
            LIST-UNSUBSCRIBE: 4\r\nList-Uns: 5\r\nList-Un: 6\r\nlist-uns: 7\r\n\r\n";
        let (header, _) = split(text, 9);
        assert!(header.named(b"List-Unsubscribe").eq([1, 3]));
        assert!(header.named(b"list-unsubscribe-post").eq([0]));
        assert!(header.named(b"list-unsubscribes").eq([2]));
        assert!(header.named(b"list-uns").eq([4, 6]));
        assert!(header.named(b"list-un").eq([5]));
        for absent in [
            &b"list-unsubscrib"[..],
            b"list-u",
            b"a",
            b"z",
            b"list-unsubscribe-posts",
        ] {
            assert_eq!(header.named(absent).len(), 0);
        }
    }

    #[test]
    fn headers_that_end_early() {
        let (header, body) = split(b"\r\nbody", 3);
        assert_eq!((header.fields.len(), &body[..]), (0, &b"body"[..]));
        let (header, body) = split(b"A: 1\r\nB: 2", 4);
        assert_eq!(fields(&header), ["A: 1", "B: 2"]);
        assert!(body.is_empty());
    }

    #[test]
    fn limits_hold() {
        let limits = Limits {
            header_bytes: 100,
            field_bytes: 20,
            fields: 3,
            ..Limits::default()
        };
        let run = |text: &[u8], limits: &Limits| {
            let whole = Splitter::new(limits.clone()).write(text).unwrap_err();
            let mut splitter = Splitter::new(limits.clone());
            let mut bytes = text.chunks(1).map(|byte| splitter.write(byte));
            assert_eq!(bytes.find_map(Result::err), Some(whole));
            whole
        };
        let many = Limits {
            fields: 100,
            ..limits.clone()
        };
        assert_eq!(
            run(&b"A: 1\r\n".repeat(17), &many),
            LimitExceeded::Header(100)
        );
        let field = b"A: 1\r\n 3456789012345678\r\nB";
        assert_eq!(run(field, &limits), LimitExceeded::Field(20));
        // One that never ends is not waited for.
        assert_eq!(run(&[b'a'; 101], &limits), LimitExceeded::Field(20));
        let fields = b"A:\r\nB:\r\nC:\r\nD:\r\n";
        assert_eq!(run(fields, &limits), LimitExceeded::Fields(3));
    }

    /// RFC 6376 2.8 and 3.4 on a whole message, written for clarity: the fields, and
    /// the body.
    fn model(text: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut fields: Vec<Vec<u8>> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = memchr::memmem::find(rest, b"\r\n").map_or(rest.len(), |n| n + 2);
            let (line, after) = rest.split_at(end);
            rest = after;
            match fields.last_mut() {
                _ if line == b"\r\n" => break,
                Some(field) if matches!(line[0], b' ' | b'\t') => field.extend_from_slice(line),
                _ => fields.push(line.to_vec()),
            }
        }
        (fields, rest.to_vec())
    }

    /// The same of one field, written for clarity.
    fn looks_like_from(field: &[u8]) -> bool {
        let reads_as_from = |text: &[u8]| {
            let visible = text.iter().filter(|b| b.is_ascii_graphic());
            let visible: Vec<u8> = visible.map(u8::to_ascii_lowercase).collect();
            visible.starts_with(b"from:")
        };
        let is_exact = field.len() >= 5 && field[..5].eq_ignore_ascii_case(b"from:");
        let is_bare = |at: &usize| match field[*at] {
            b'\r' => field.get(at + 1) != Some(&b'\n'),
            b'\n' => *at == 0 || field[at - 1] != b'\r',
            _ => false,
        };
        let is_folded = |at: &usize| matches!(field.get(at + 1), Some(b' ' | b'\t'));
        let breaks = (0..field.len()).filter(|at| is_bare(at) && !is_folded(at));
        let mut ends: Vec<usize> = breaks.collect();
        ends.push(field.len());
        let mut hidden = ends.windows(2).map(|two| &field[two[0] + 1..two[1]]);
        !is_exact && reads_as_from(field) || hidden.any(reads_as_from)
    }

    fn soup() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            "\r\n", "\r\n", "\r\n", "\r", "\n", " ", "\t", ":", "From", "from", "A", "\0",
            "\u{fc}", "X: y", "\r\n ", "\r\n :", "From x", ">", "--b",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn equals_the_model_at_any_split(text in soup(), chunk in 1usize..20) {
            let (fields, body) = model(&text);
            let (header, found) = split(&text, chunk);
            prop_assert_eq!(found, body);
            prop_assert_eq!(header.fields.len(), fields.len());
            let mut named: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
            for (i, field) in fields.iter().enumerate() {
                let raw = field.strip_suffix(b"\r\n").unwrap_or(field);
                prop_assert_eq!(header.field(i), raw);
                let mut parts = field.splitn(2, |b| *b == b':');
                let (name, value) = (parts.next().unwrap(), parts.next());
                let name = crate::tags::trim_fws(name);
                let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
                if let Some(value) = value
                    && is_name
                    && field.starts_with(name)
                {
                    named.entry(name.to_ascii_lowercase()).or_default().push(i);
                    prop_assert_eq!(header.value(i), value.strip_suffix(b"\r\n").unwrap_or(value));
                }
            }
            let fields = || (0..header.len()).map(|i| header.field(i));
            prop_assert_eq!(header.has_from_lookalike(), fields().any(looks_like_from));
            let is_bare = |field: &[u8]| {
                let text = String::from_utf8_lossy(field).replace("\r\n", "");
                text.contains(['\r', '\n'])
            };
            let bare: Vec<usize> = (0..header.len()).filter(|i| is_bare(header.field(*i))).collect();
            prop_assert_eq!(header.bare_ends(), bare);
            for (name, fields) in &named {
                prop_assert!(header.named(name).eq(fields.iter().copied()));
                prop_assert!(header.named(&name.to_ascii_uppercase()).eq(fields.iter().copied()));
            }
            prop_assert_eq!(header.by_name.len(), named.values().map(Vec::len).sum::<usize>());
            for absent in [&b"B"[..], b"fromm", b"fro", b"", b"X-"] {
                if !named.contains_key(&absent.to_ascii_lowercase()) {
                    prop_assert_eq!(header.named(absent).len(), 0);
                }
            }
        }
    }

    #[test]
    fn lookalikes() {
        for text in [
            &b" From: x\r\nTo: y\r\n\r\n"[..],
            b"From : x\r\n\r\n",
            b"To: y\r\nFrom\r\n : x\r\n\r\n",
            b"Fr\0om: x\r\n\r\n",
            b"\xef\xbb\xbfFrom: x\r\n\r\n",
            b"To: y\nFrom: x\r\n\r\n",
            b"To: y\rfrom\t: x\r\n\r\n",
        ] {
            assert!(
                split(text, 7).0.has_from_lookalike(),
                "{}",
                text.escape_ascii()
            );
        }
        for text in [
            &b"From: x\r\nfrom:y\r\n\r\n"[..],
            b"Subject: a\r\n From: x\r\n\r\n",
            b"Resent-From: x\r\nFrom-Me: y\r\n\r\n",
            b"From me Mon Jan  1\r\n\r\n",
        ] {
            assert!(
                !split(text, 7).0.has_from_lookalike(),
                "{}",
                text.escape_ascii()
            );
        }
    }
}
