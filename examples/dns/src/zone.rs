//! The records of a master file, by name.

use std::collections::HashMap;

use hickory_resolver::proto::rr::{Name, RData};

use crate::master::{self, ZoneError};

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
    /// `$ORIGIN`, which is the root where the file does not say; a TTL need not be given. Of
    /// records that no [`Query`](scop_dkim::Query) asks for, the names are kept. A text may be
    /// longer than the 255 octets that one has on the wire.
    ///
    /// ```
    /// let zone = "key_1._domainkey.a.test. IN TXT \"p=\"\n\nb.test. IN TXTT \"x\"\n";
    /// let said = dns::Zone::parse(zone).unwrap_err().to_string();
    /// assert_eq!(said, "line 3: `TXTT` is no type of record (RFC 1035 section 5.1)");
    /// ```
    ///
    /// # Errors
    /// What the file has in a place where it cannot be, with its line; `$INCLUDE` is not followed.
    pub fn parse(text: &str) -> Result<Self, ZoneError> {
        let mut zone = Zone::default();
        for entry in master::entries(text) {
            let (mut above, data) = entry?;
            let at = zone.records.entry(above.clone()).or_default();
            at.extend(data.filter(|data| !at.contains(data)));
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
