//! Where DNS records come from: the system's resolvers, or a master file in their place.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use hickory_resolver::{
    TokioResolver,
    proto::{
        rr::{Name, RData, RecordType},
        serialize::txt::Parser,
    },
};
use scop_dkim::{DnsError, Query, RecordKind, Records};
use tokio::runtime::{Builder, Runtime};

use crate::exit::{Failure, code};

#[derive(Args)]
pub(crate) struct From {
    /// Take records from this DNS master file instead of from DNS
    #[arg(long, value_name = "FILE")]
    zone: Option<PathBuf>,
}

impl From {
    pub(crate) fn open(&self) -> Result<Dns, Failure> {
        match &self.zone {
            Some(file) => Dns::from_zone(file),
            None => Dns::from_system(),
        }
    }
}

pub(crate) enum Dns {
    System(Box<(Runtime, TokioResolver)>),
    Zone(Vec<(Name, RData)>),
}

impl Dns {
    /// Asks the resolvers that the system is configured with.
    fn from_system() -> Result<Dns, Failure> {
        let failed =
            |e: &dyn std::fmt::Display| Failure::new(code::CONFIG, format_args!("DNS: {e}"));
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| failed(&e))?;
        let resolver = TokioResolver::builder_tokio()
            .and_then(|builder| builder.build())
            .map_err(|e| failed(&e))?;
        Ok(Dns::System(Box::new((runtime, resolver))))
    }

    /// The records of a master file (RFC 1035 section 5). No TTL is asked for.
    fn from_zone(file: &Path) -> Result<Dns, Failure> {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).map_err(|e| Failure::io(&name, &e))?;
        let text = format!("$TTL 0\n{text}");
        let (_, sets) = Parser::new(text, Some(file.to_owned()), Some(Name::root()))
            .parse()
            .map_err(|e| Failure::new(code::DATA, format_args!("{name}: {e}")))?;
        let records = sets.values().flat_map(|set| set.records_without_rrsigs());
        Ok(Dns::Zone(
            records.map(|r| (r.name.clone(), r.data.clone())).collect(),
        ))
    }

    /// Answers a question of a verifier.
    pub(crate) fn answer(&mut self, query: &Query) -> Result<Records, DnsError> {
        let mut owner = Name::from_ascii(&query.name).map_err(|_| DnsError::NotFound)?;
        owner.set_fqdn(true);
        let (data, exists) = match self {
            Dns::Zone(records) => zone(records, owner),
            Dns::System(dns) => {
                let (runtime, resolver) = &**dns;
                let kind = match query.kind {
                    RecordKind::Txt => RecordType::TXT,
                    RecordKind::A => RecordType::A,
                    RecordKind::Aaaa => RecordType::AAAA,
                    RecordKind::Mx => RecordType::MX,
                    RecordKind::Ptr => RecordType::PTR,
                    _ => return Err(DnsError::Temporary),
                };
                match runtime.block_on(resolver.lookup(owner, kind)) {
                    Ok(found) => {
                        let data = found.answers().iter().map(|r| r.data.clone());
                        (data.collect(), true)
                    }
                    Err(e) if e.is_nx_domain() => (Vec::new(), false),
                    Err(e) if e.is_no_records_found() => (Vec::new(), true),
                    Err(_) => return Err(DnsError::Temporary),
                }
            }
        };
        match exists {
            true => records(query.kind, &data),
            false => Err(DnsError::NotFound),
        }
    }
}

/// What is at a name, aliases followed, and whether the name exists at all.
fn zone(records: &[(Name, RData)], mut owner: Name) -> (Vec<RData>, bool) {
    let mut found = Vec::new();
    // A loop of aliases ends somewhere, with nothing found.
    for _ in 0..8 {
        let at = records.iter().filter(|(name, _)| *name == owner);
        found = at.map(|(_, data)| data.clone()).collect();
        match found.as_slice() {
            [RData::CNAME(alias)] => owner = alias.0.clone(),
            _ => break,
        }
    }
    // A name exists when something is at it or below it.
    let exists = records.iter().any(|(name, _)| owner.zone_of(name));
    (found, exists)
}

fn records(kind: RecordKind, data: &[RData]) -> Result<Records, DnsError> {
    let name = |name: &Name| name.to_ascii();
    let data = data.iter();
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
