//! Answers to the [queries](Query) of scop-dkim: from the resolvers of the system,
//! through a cache, or from a master file in their place.
//!
//! ```
//! # async fn example(mut check: scop_dkim::spf::Check) -> Result<(), Box<dyn std::error::Error>> {
//! let dns = dns::Dns::from_system()?;
//! while let Some(query) = check.next_query() {
//!     check.answer(query.id, dns.answer(&query).await)?;
//! }
//! # Ok(())
//! # }
//! ```

mod master;
mod zone;

use std::{io, path::Path};

use hickory_resolver::{
    TokioResolver,
    proto::rr::{Name, RData, RecordType},
};
use scop_dkim::{DnsError, Query, RecordKind, Records};

pub use master::ZoneError;
pub use zone::Zone;

/// Who is asked. One serves any number of questions at the same time.
#[derive(Clone, Debug)]
pub enum Dns {
    /// Resolvers; what they said is remembered as long as it may be.
    Resolver(Box<TokioResolver>),
    /// A master file; nobody else is asked.
    Zone(std::sync::Arc<Zone>),
    /// There is nobody to ask: no question has an answer.
    Nobody,
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The system names no resolvers, or none that can be used.
    #[error("the system's resolvers: {0}")]
    System(String),
    /// The master file cannot be read.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The master file is not one (RFC 1035 section 5).
    #[error("not a DNS master file: {0}")]
    Zone(#[from] ZoneError),
}

impl Dns {
    /// The resolvers that the system is configured with. Ask from within a tokio runtime.
    ///
    /// # Errors
    /// [`SetupError::System`] when there are none.
    pub fn from_system() -> Result<Self, SetupError> {
        let resolver = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        let resolver = resolver.map_err(|e| SetupError::System(e.to_string()))?;
        Ok(Dns::Resolver(Box::new(resolver)))
    }

    /// The records of a master file. See [`Zone::parse`].
    ///
    /// # Errors
    /// [`SetupError::File`] and [`SetupError::Zone`].
    pub fn from_zone(file: &Path) -> Result<Self, SetupError> {
        let octets = std::fs::read(file)?;
        let text = std::str::from_utf8(&octets).map_err(|e| {
            let before = octets.get(..e.valid_up_to()).unwrap_or_default();
            ZoneError::not_utf8(before)
        })?;
        let zone = Zone::parse(text)?;
        Ok(Dns::Zone(zone.into()))
    }

    /// Answers a question.
    ///
    /// # Errors
    /// [`DnsError::NotFound`] when the name does not exist, [`DnsError::Temporary`] when
    /// nobody knows.
    pub async fn answer(&self, query: &Query) -> Result<Records, DnsError> {
        // As octets: SPF asks for `ann+tag._spf.example.com`, which is no name of a host and
        // may well be there. A name that cannot be written cannot exist.
        let labels = query.name.split('.').map(str::as_bytes);
        let mut owner = Name::from_labels(labels).map_err(|_| DnsError::NotFound)?;
        owner.set_fqdn(true);
        match self {
            Dns::Nobody => Err(DnsError::Temporary),
            Dns::Zone(zone) => {
                let data = zone.look_up(owner).ok_or(DnsError::NotFound)?;
                records(query.kind, data.iter())
            }
            Dns::Resolver(resolver) => {
                let kind = match query.kind {
                    RecordKind::Txt => RecordType::TXT,
                    RecordKind::A => RecordType::A,
                    RecordKind::Aaaa => RecordType::AAAA,
                    RecordKind::Mx => RecordType::MX,
                    RecordKind::Ptr => RecordType::PTR,
                    _ => return Err(DnsError::Temporary),
                };
                match resolver.lookup(owner, kind).await {
                    Ok(found) => records(query.kind, found.answers().iter().map(|r| &r.data)),
                    Err(e) if e.is_nx_domain() => Err(DnsError::NotFound),
                    Err(e) if e.is_no_records_found() => records(query.kind, std::iter::empty()),
                    Err(_) => Err(DnsError::Temporary),
                }
            }
        }
    }
}

/// Those of `data` that were asked for.
fn records<'a>(
    kind: RecordKind,
    data: impl Iterator<Item = &'a RData>,
) -> Result<Records, DnsError> {
    let name = |name: &Name| name.to_ascii();
    Ok(match kind {
        RecordKind::Txt => Records::txt(data.filter_map(|data| match data {
            RData::TXT(txt) => Some(txt.txt_data.concat()),
            _ => None,
        })),
        RecordKind::A => Records::A(
            data.filter_map(|data| match data {
                RData::A(address) => Some(address.0),
                _ => None,
            })
            .collect(),
        ),
        RecordKind::Aaaa => Records::Aaaa(
            data.filter_map(|data| match data {
                RData::AAAA(address) => Some(address.0),
                _ => None,
            })
            .collect(),
        ),
        RecordKind::Mx => Records::Mx(
            data.filter_map(|data| match data {
                RData::MX(mx) => Some((mx.preference, name(&mx.exchange))),
                _ => None,
            })
            .collect(),
        ),
        RecordKind::Ptr => Records::Ptr(
            data.filter_map(|data| match data {
                RData::PTR(ptr) => Some(name(&ptr.0)),
                _ => None,
            })
            .collect(),
        ),
        _ => return Err(DnsError::Temporary),
    })
}
