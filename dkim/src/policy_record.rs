//! What the records of MTA-STS, TLSRPT and BIMI share: one among several TXT records that
//! begins with its version, and `name=value` behind it.

/// The one TXT record that begins with `version` and a semicolon, or is nothing but it;
/// `None` when there is none, and when there are several (RFC 8461 section 3.1).
pub(crate) fn only<'a>(
    records: impl IntoIterator<Item = &'a [u8]>,
    version: &str,
) -> Option<&'a [u8]> {
    let mut records = records.into_iter().filter_map(|record| {
        let rest = record.strip_prefix(version.as_bytes())?;
        let blanks = rest.iter().take_while(|b| is_blank(**b)).count();
        match rest.get(blanks..)? {
            [] => Some(rest),
            [b';', fields @ ..] => Some(fields),
            _ => None,
        }
    });
    let one = records.next()?;
    match records.next() {
        None => Some(one),
        Some(_) => None,
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Fields behind a version, in order; names and values without white space around them.
pub(crate) struct Tags<'a> {
    rest: &'a str,
}

impl<'a> Tags<'a> {
    /// `None` when one of them is no field.
    pub(crate) fn parse(fields: &'a [u8]) -> Option<Self> {
        let rest = core::str::from_utf8(fields).ok().filter(|f| f.is_ascii())?;
        let mut tags = Tags { rest };
        let is_name = |name: &str| {
            (1..=32).contains(&name.len())
                && name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        };
        let is_value = |value: &str| value.bytes().all(|b| b.is_ascii_graphic() || is_blank(b));
        tags.by_ref()
            .all(|(name, value)| is_name(name) && is_value(value))
            .then_some(Tags { rest })
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let trim = |text: &'a str| text.trim_matches([' ', '\t']);
        if trim(self.rest).is_empty() {
            return None;
        }
        let (field, rest) = self.rest.split_once(';').unwrap_or((self.rest, ""));
        self.rest = rest;
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        // A field without `=` has no name that would be allowed.
        let name = if field.contains('=') { trim(name) } else { "" };
        Some((name, trim(value)))
    }
}
