//! Master files (RFC 1035 section 5), as far as this house asks for their records.
//!
//! Names are octets, as DNS has them (RFC 2181 section 11): SPF asks for `ann+tag._spf.a.test`,
//! a selector is `key_1`. hickory's own parser takes names of hosts alone, and does not tell
//! the line of a mistake.

use std::{fmt, iter::Peekable, str::CharIndices};

use hickory_resolver::proto::rr::{
    Name, RData, RecordType,
    rdata::{CNAME, MX, PTR, TXT},
};

/// What a master file has where it cannot be, and in which of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneError {
    /// The line, from 1; of a record in parentheses, where that begins.
    pub line: usize,
    what: String,
}

impl ZoneError {
    /// Octets that are no text follow these.
    pub(crate) fn not_utf8(before: &[u8]) -> Self {
        let ends = before.iter().filter(|b| **b == b'\n').count();
        ZoneError {
            line: ends + 1,
            what: r"octets that are not UTF-8; write each as \DDD".into(),
        }
    }
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}: {} (RFC 1035 section 5.1)",
            self.line, self.what
        )
    }
}

impl std::error::Error for ZoneError {}

/// A name that the file has, and the record, if it is of a kind that is asked for.
pub(crate) type Entry = (Name, Option<RData>);

/// Each entry of the file, in order; none behind a mistake.
pub(crate) fn entries(text: &str) -> impl Iterator<Item = Result<Entry, ZoneError>> {
    let mut lines = Lines {
        chars: text.char_indices().peekable(),
        text,
        line: 1,
    };
    let mut place = Place {
        origin: Name::root(),
        owner: None,
    };
    let mut done = false;
    std::iter::from_fn(move || {
        while !done {
            let line = lines.line;
            let found = lines.next()?;
            match found.and_then(|found| place.entry(&found.items, found.is_indented)) {
                Ok(None) => {}
                Ok(Some(entry)) => return Some(Ok(entry)),
                Err(what) => {
                    done = true;
                    return Some(Err(ZoneError { line, what }));
                }
            }
        }
        None
    })
}

/// An item as it is written: escapes are still to be read, quotes are gone.
struct Item<'t> {
    text: &'t str,
    is_quoted: bool,
}

/// What stands on a line, and on those that parentheses join to it.
struct Line<'t> {
    /// It begins with white space: the owner is that of the line before.
    is_indented: bool,
    items: Vec<Item<'t>>,
}

struct Lines<'t> {
    chars: Peekable<CharIndices<'t>>,
    text: &'t str,
    line: usize,
}

impl<'t> Lines<'t> {
    /// The next line; `None` at the end of the file.
    fn next(&mut self) -> Option<Result<Line<'t>, String>> {
        let first = self.chars.peek()?.1;
        let mut line = Line {
            is_indented: first == ' ' || first == '\t',
            items: Vec::new(),
        };
        let mut is_open = false;
        while let Some((at, c)) = self.chars.next() {
            match c {
                '\n' => {
                    self.line += 1;
                    if !is_open {
                        return Some(Ok(line));
                    }
                }
                ';' => while self.chars.next_if(|(_, c)| *c != '\n').is_some() {},
                '(' if !is_open => is_open = true,
                ')' if is_open => is_open = false,
                '(' | ')' => return Some(Err("parentheses that do not match".into())),
                '"' => match self.quoted(at + 1) {
                    Some(text) => line.items.push(Item {
                        text,
                        is_quoted: true,
                    }),
                    None => return Some(Err("a quoted text without its end".into())),
                },
                c if c.is_ascii_whitespace() => {}
                _ => line.items.push(Item {
                    text: self.word(at, c),
                    is_quoted: false,
                }),
            }
        }
        Some(match is_open {
            true => Err("a parenthesis without its end".into()),
            false => Ok(line),
        })
    }

    /// To the next quote, which is on the same line.
    fn quoted(&mut self, start: usize) -> Option<&'t str> {
        while let Some((at, c)) = self.chars.next_if(|(_, c)| *c != '\n') {
            match c {
                '"' => return self.text.get(start..at),
                '\\' => drop(self.chars.next_if(|(_, c)| *c != '\n')),
                _ => {}
            }
        }
        None
    }

    /// To what ends a word. `c` begins it.
    fn word(&mut self, start: usize, c: char) -> &'t str {
        let mut escape = c == '\\';
        let is_of_it = |c: char, escape: bool| match escape {
            true => c != '\n',
            false => !c.is_ascii_whitespace() && !matches!(c, ';' | '(' | ')' | '"'),
        };
        while let Some((_, c)) = self.chars.next_if(|(_, c)| is_of_it(*c, escape)) {
            escape = c == '\\' && !escape;
        }
        let end = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        self.text.get(start..end).unwrap_or_default()
    }
}

/// What later lines leave out.
struct Place {
    origin: Name,
    owner: Option<Name>,
}

impl Place {
    /// Reads a line; `None` where there is no record on it.
    fn entry(&mut self, items: &[Item<'_>], is_indented: bool) -> Result<Option<Entry>, String> {
        let Some((first, rest)) = items.split_first() else {
            return Ok(None);
        };
        match first.text.to_ascii_uppercase().as_str() {
            "$ORIGIN" => {
                self.origin = self.name(rest.first(), "$ORIGIN")?;
                return Ok(None);
            }
            "$TTL" => return Ok(None), // nothing is kept for a time
            other if other.starts_with('$') => {
                return Err(format!("{other} is not read; write it out"));
            }
            _ => {}
        }
        let rest = match is_indented {
            true => items,
            false => {
                self.owner = Some(self.name(Some(first), "the record")?);
                rest
            }
        };
        let owner = self.owner.clone().ok_or("a record without a name")?;
        // A TTL and the class, in any order.
        let skipped = rest.iter().take(2).take_while(|item| {
            let is_ttl = item.text.starts_with(|c: char| c.is_ascii_digit());
            !item.is_quoted && (is_ttl || item.text.eq_ignore_ascii_case("IN"))
        });
        let (kind, data) = rest
            .get(skipped.count()..)
            .and_then(<[_]>::split_first)
            .ok_or("a name without a record")?;
        Ok(Some((owner, self.data(kind.text, data)?)))
    }

    fn data(&self, kind: &str, data: &[Item<'_>]) -> Result<Option<RData>, String> {
        let upper = kind.to_ascii_uppercase();
        let count = match upper.as_str() {
            "TXT" => data.len().max(1),
            "MX" => 2,
            "A" | "AAAA" | "PTR" | "CNAME" => 1,
            other => {
                let is_known = other.parse::<RecordType>().is_ok()
                    || matches!(other, "SPF" | "RP" | "LOC" | "DHCID" | "AFSDB" | "URI")
                    || other.starts_with("TYPE");
                return match is_known {
                    true => Ok(None),
                    false => Err(format!("`{kind}` is no type of record")),
                };
            }
        };
        if data.len() != count {
            let (many, one) = (data.len(), if count == 1 { "item" } else { "items" });
            return Err(format!("{upper} with {many} items, not {count} {one}"));
        }
        let first = data.first().map_or("", |item| item.text);
        let no_address = || format!("`{first}` is no address of type {upper}");
        Ok(Some(match upper.as_str() {
            "A" => RData::A(first.parse().map_err(|_| no_address())?),
            "AAAA" => RData::AAAA(first.parse().map_err(|_| no_address())?),
            "PTR" => RData::PTR(PTR(self.name(data.first(), &upper)?)),
            "CNAME" => RData::CNAME(CNAME(self.name(data.first(), &upper)?)),
            "MX" => {
                let preference = first.parse();
                let preference = preference.map_err(|_| format!("`{first}` is no preference"))?;
                RData::MX(MX::new(preference, self.name(data.get(1), &upper)?))
            }
            _ => {
                let texts: Result<Vec<Vec<u8>>, String> =
                    data.iter().map(|item| octets(item.text)).collect();
                let texts = texts?;
                RData::TXT(TXT::from_bytes(texts.iter().map(Vec::as_slice).collect()))
            }
        }))
    }

    /// A name; one without a final dot is below the origin.
    fn name(&self, item: Option<&Item<'_>>, of: &str) -> Result<Name, String> {
        let text = item.ok_or_else(|| format!("{of} without a name"))?.text;
        if text == "@" {
            return Ok(self.origin.clone());
        }
        if text == "." {
            return Ok(Name::root());
        }
        let bad = || format!("`{text}` is no name");
        let mut labels: Vec<&str> = Vec::new();
        let mut escape = false;
        let mut start = 0;
        for (at, c) in text.char_indices() {
            if c == '.' && !escape {
                labels.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            escape = c == '\\' && !escape;
        }
        let last = text.get(start..).unwrap_or_default();
        let is_whole = last.is_empty();
        labels.extend(Some(last).filter(|_| !is_whole));
        let mut name = Name::new();
        for label in labels {
            // A U-label is asked for as an A-label.
            name = match label.is_ascii() {
                true => name.append_label(octets(label)?.as_slice()),
                false => name.append_label(label),
            }
            .map_err(|_| bad())?;
        }
        match is_whole {
            true => name.set_fqdn(true),
            false => name = name.append_domain(&self.origin).map_err(|_| bad())?,
        }
        Ok(name)
    }
}

/// What is written, with its escapes read: `\.`, and `\046` for the same.
fn octets(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let digits = rest.get(..3).filter(|d| d.iter().all(u8::is_ascii_digit));
        if let Some(digits) = digits {
            let number = digits
                .iter()
                .fold(0_u16, |n, d| n * 10 + u16::from(d - b'0'));
            out.push(u8::try_from(number).map_err(|_| format!("`\\{number}` is no octet"))?);
            rest = rest.get(3..).unwrap_or_default();
        } else if let Some((byte, behind)) = rest.split_first() {
            out.push(*byte);
            rest = behind;
        } else {
            return Err("an escape of nothing".into());
        }
    }
    Ok(out)
}
