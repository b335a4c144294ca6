//! Where DKIM keys come from: DNS, or a master file in its place.

use std::{fs, path::Path};

use hickory_resolver::{
    TokioResolver,
    proto::{
        rr::{Name, RData, RecordType},
        serialize::txt::Parser,
    },
};
use scop_dkim::{DnsError, Records};
use tokio::runtime::{Builder, Runtime};

use crate::exit::{Failure, code};

pub(crate) enum Keys {
    Dns(Box<(Runtime, TokioResolver)>),
    Zone(Vec<(Name, Vec<u8>)>),
}

impl Keys {
    /// Asks the resolvers that the system is configured with.
    pub(crate) fn from_dns() -> Result<Keys, Failure> {
        let failed =
            |e: &dyn std::fmt::Display| Failure::new(code::CONFIG, format_args!("DNS: {e}"));
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| failed(&e))?;
        let resolver = TokioResolver::builder_tokio()
            .and_then(|builder| builder.build())
            .map_err(|e| failed(&e))?;
        Ok(Keys::Dns(Box::new((runtime, resolver))))
    }

    /// The TXT records of a master file (RFC 1035 section 5). No TTL is asked for.
    pub(crate) fn from_zone(file: &Path) -> Result<Keys, Failure> {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).map_err(|e| Failure::io(&name, &e))?;
        let text = format!("$TTL 0\n{text}");
        let (_, sets) = Parser::new(text, Some(file.to_owned()), Some(Name::root()))
            .parse()
            .map_err(|e| Failure::new(code::DATA, format_args!("{name}: {e}")))?;
        let mut records = Vec::new();
        for record in sets.values().flat_map(|set| set.records_without_rrsigs()) {
            if let RData::TXT(txt) = &record.data {
                records.push((record.name.clone(), txt.txt_data.concat()));
            }
        }
        Ok(Keys::Zone(records))
    }

    /// The TXT records of `name`, each as one text.
    pub(crate) fn txt(&mut self, name: &str) -> Result<Records, DnsError> {
        let mut owner = Name::from_ascii(name).map_err(|_| DnsError::NotFound)?;
        owner.set_fqdn(true);
        let texts: Vec<Vec<u8>> = match self {
            Keys::Zone(records) => records
                .iter()
                .filter(|(at, _)| *at == owner)
                .map(|(_, text)| text.clone())
                .collect(),
            Keys::Dns(dns) => {
                let (runtime, resolver) = &**dns;
                match runtime.block_on(resolver.lookup(owner, RecordType::TXT)) {
                    Ok(found) => found
                        .answers()
                        .iter()
                        .filter_map(|record| match &record.data {
                            RData::TXT(txt) => Some(txt.txt_data.concat()),
                            _ => None,
                        })
                        .collect(),
                    Err(e) if e.is_no_records_found() => Vec::new(),
                    Err(_) => return Err(DnsError::Temporary),
                }
            }
        };
        if texts.is_empty() {
            return Err(DnsError::NotFound);
        }
        Ok(Records::txt(texts))
    }
}
