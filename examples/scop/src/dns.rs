//! Where DNS records come from: the system's resolvers, or a master file in their place.

use std::path::PathBuf;

use ::dns::SetupError;
use clap::Args;
use scop_dkim::{DnsError, Query, Records};
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
        let name = match &self.zone {
            Some(file) => file.display().to_string(),
            None => "DNS".into(),
        };
        let source = match &self.zone {
            Some(file) => ::dns::Dns::from_zone(file),
            None => ::dns::Dns::from_system(),
        };
        let source = source.map_err(|e| match e {
            SetupError::File(e) => Failure::io(&name, &e),
            SetupError::Zone(_) => Failure::new(code::DATA, format_args!("{name}: {e}")),
            SetupError::System(_) => Failure::new(
                code::CONFIG,
                format_args!("{e}; --zone FILE takes records from a file"),
            ),
        })?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|e| Failure::new(code::CONFIG, format_args!("{name}: {e}")))?;
        Ok(Dns { runtime, source })
    }
}

/// Somebody to ask, and to wait for.
pub(crate) struct Dns {
    runtime: Runtime,
    source: ::dns::Dns,
}

impl Dns {
    /// Answers a question of a verifier.
    pub(crate) fn answer(&mut self, query: &Query) -> Result<Records, DnsError> {
        self.runtime.block_on(self.source.answer(query))
    }
}
