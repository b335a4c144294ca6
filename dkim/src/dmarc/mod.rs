//! DMARC (RFC 9989): does the domain that the reader sees as the author's stand behind
//! the message, and what does it ask for if it does not?
//!
//! A [`Check`] takes the [`Author`] and the domains that SPF and DKIM authenticated,
//! walks the DNS tree for the policy and for organizational domains by way of
//! [`Query`](crate::Query) values, and ends in a [`Verdict`].
//!
//! ```
//! use scop_dkim::dmarc::{Author, Check, DmarcResult, Identifier, Policy};
//! use scop_dkim::{DnsError, Domain, Records};
//!
//! # fn resolve(name: &str) -> Result<Records, DnsError> {
//! #     match name {
//! #         "_dmarc.example.com" => Ok(Records::txt(["v=DMARC1; p=reject"])),
//! #         _ => Err(DnsError::NotFound),
//! #     }
//! # }
//! let author = Author::read(b"From: Ann <ann@news.example.com>\r\nSubject: hi\r\n\r\n");
//! let signed_by = Identifier::Dkim(Domain::new("lists.example.net")?);
//! let mut check = Check::of(&author, [signed_by]);
//! while let Some(query) = check.next_query() {
//!     let answer = resolve(&query.name); // your resolver, for query.kind
//!     check.answer(query.id, answer)?;
//! }
//! let verdict = check.verdict().unwrap();
//! assert_eq!(verdict.result, DmarcResult::Fail);
//! assert_eq!(verdict.disposition, Policy::Reject);
//! assert_eq!(verdict.to_string(), "fail news.example.com: nothing is aligned; p=reject of example.com");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Eight names are asked for at most in each walk, however many labels a domain has, and
//! none for an identifier that could not be aligned whatever the answer.
//!
//! The tree is read to the letter: a record at `_dmarc.com` that does not say `psd=y` makes one
//! organization of all below it (section 4.10.2 step 3). Those who run `com` alone could
//! publish it, and say `psd=y` (section 4.7).

mod author;
mod check;
mod destinations;
mod failure;
mod record;
mod walk;

pub use author::{Author, OddAuthor};
pub use check::{Aligned, Check, DmarcResult, Identifier, Reason, Verdict};
pub use destinations::{Destination, Destinations, NoReport};
pub use failure::Failure;
pub use record::{Alignment, FailureOptions, Policy, Record, ReportUri, Suffix};
