//! Sender Policy Framework (RFC 7208): may this client send mail for that domain?
//!
//! A [`Check`] is `check_host()` without a resolver in it: DNS questions leave as
//! [`Query`](crate::Query), answers come back in any order, and the [`Verdict`] tells the
//! result, the directive that decided, and what it took.
//!
//! ```
//! use scop_dkim::spf::{Check, SpfResult};
//! use scop_dkim::{DnsError, Records};
//!
//! # fn resolve(name: &str) -> Result<Records, DnsError> {
//! #     assert_eq!(name, "example.com");
//! #     Ok(Records::txt(["v=spf1 ip4:192.0.2.0/24 -all"]))
//! # }
//! let mut check = Check::mail_from("192.0.2.7".parse()?, "ann@example.com", "mx.example.com");
//! while let Some(query) = check.next_query() {
//!     let answer = resolve(&query.name); // your resolver, for query.kind
//!     check.answer(query.id, answer)?;
//! }
//! let verdict = check.verdict().unwrap();
//! assert_eq!(verdict.result, SpfResult::Pass);
//! assert_eq!(verdict.to_string(), "pass mailfrom=example.com: ip4:192.0.2.0/24 of example.com");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Record`] parses, checks and writes records, [`ReceivedSpf`] the header field that
//! keeps a result.
//!
//! Where the RFC leaves it open: a name that macros expanded to something that DNS cannot
//! be asked for does not match (and is `permerror` in `include` and `redirect`); a term
//! counts as void once, by its own query or, in `mx`, by a host without an address, but
//! not by names of the client that do not resolve, of which its owner may have many.

mod check;
mod macros;
mod received;
mod record;
mod reporting;
mod terms;
mod verdict;

pub use check::{Check, Limits};
pub(crate) use macros::reverse_name;
pub use received::ReceivedSpf;
pub(crate) use received::escaped;
pub use record::{Directive, DomainSpec, Mechanism, Prefix, Qualifier, Record, RecordError};
pub use reporting::{ReportRequest, ReportedResults};
pub(crate) use terms::{is_name, without_dot};
pub use verdict::{Cost, Identity, Matched, Reason, SpfResult, Verdict};
