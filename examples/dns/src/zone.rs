//! The records of a master file, by name.

use std::collections::HashMap;

use hickory_resolver::proto::{
    rr::{Name, RData},
    serialize::txt::Parser,
};

/// As many aliases of aliases are followed.
const ALIASES: usize = 8;

/// The records of a master file. Cost of a look-up: that of a hash.
#[derive(Debug, Default)]
pub struct Zone {
    /// Names that are there only because of one below them have no records.
    records: HashMap<Name, Vec<RData>>,
}

impl Zone {
    /// Reads a master file (RFC 1035 section 5). Names without a final dot are below
    /// `$ORIGIN`, which is the root where the file does not say; a TTL need not be given.
    ///
    /// # Errors
    /// What the file has in a place where it cannot be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = format!("$TTL 0\n{}", on_one_line(text));
        let (_, sets) = Parser::new(text, None, Some(Name::root()))
            .parse()
            .map_err(|e| e.to_string())?;
        let mut zone = Zone::default();
        for record in sets.values().flat_map(|set| set.records_without_rrsigs()) {
            let mut above = record.name.clone();
            above.set_fqdn(true);
            let at = zone.records.entry(above.clone()).or_default();
            at.push(record.data.clone());
            while !above.is_root() {
                above = above.base_name();
                zone.records.entry(above.clone()).or_default();
            }
        }
        Ok(zone)
    }

    /// What is at a name, aliases followed; `None` when the name does not exist.
    pub(crate) fn look_up(&self, mut owner: Name) -> Option<&[RData]> {
        let mut found = self.at(&owner)?;
        // A loop of aliases ends with nothing found.
        for _ in 0..ALIASES {
            match found {
                [RData::CNAME(alias)] => owner = alias.0.clone(),
                _ => return Some(found),
            }
            owner.set_fqdn(true);
            found = self.at(&owner)?;
        }
        Some(&[])
    }

    /// At the name, or at the asterisk that stands for it (RFC 4592).
    fn at(&self, owner: &Name) -> Option<&[RData]> {
        if let Some(records) = self.records.get(owner) {
            return Some(records);
        }
        let mut above = owner.clone();
        while !above.is_root() {
            above = above.base_name();
            if self.records.contains_key(&above) {
                let wild = above.prepend_label("*").ok()?;
                return self.records.get(&wild).map(Vec::as_slice);
            }
        }
        None
    }
}

/// A master file without parentheses and comments: what parentheses hold together is
/// brought onto one line. hickory's parser takes quotes within them for letters.
fn on_one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0_u32;
    let mut is_quoted = false;
    let mut is_comment = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => {
                is_comment = false;
                out.push(if depth > 0 { ' ' } else { '\n' });
            }
            _ if is_comment => {}
            '\\' => {
                out.push(c);
                out.extend(chars.next());
            }
            '"' => {
                is_quoted = !is_quoted;
                out.push(c);
            }
            _ if is_quoted => out.push(c),
            ';' => is_comment = true,
            '(' => {
                depth += 1;
                out.push(' ');
            }
            ')' => {
                depth = depth.saturating_sub(1);
                out.push(' ');
            }
            _ => out.push(c),
        }
    }
    out
}
