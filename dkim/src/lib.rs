//! Mail authentication without I/O: DKIM signing and verification that streams, SPF
//! (the module [`spf`]) and DMARC ([`dmarc`]).
//!
//! Implements DomainKeys Identified Mail (RFC 6376) with the algorithms of
//! today: `rsa-sha256` and `ed25519-sha256` (RFC 8301, RFC 8463). A message
//! passes through in pieces of any size; its header is kept under [`Limits`],
//! its body is hashed and forgotten, so memory does not grow with it. Nothing
//! here opens a socket, reads a clock or asks DNS: time is an argument, and a
//! key is a [`Query`] that the caller resolves.
//!
//! A server that receives mail begins with [`authentication`]: everything about a message,
//! SPF, DKIM, ARC and DMARC, in one pass.
//!
//! # Verify
//!
//! ```
//! use scop_dkim::{DkimResult, DnsError, Limits, Policy, Records, Verifier};
//!
//! /// `resolve` gives the TXT records of a name; `now` is in seconds since 1970.
//! fn verify(
//!     message: &[u8],
//!     now: u64,
//!     resolve: impl Fn(&str) -> Result<Records, DnsError>,
//! ) -> Result<DkimResult, Box<dyn std::error::Error>> {
//!     let mut verifier = Verifier::new(Policy::default(), Limits::default(), now);
//!     for chunk in message.chunks(4096) {
//!         verifier.write(chunk)?;
//!     }
//!     let mut verification = verifier.finish();
//!     while let Some(query) = verification.next_query() {
//!         verification.answer(query.id, resolve(&query.name))?; // here or while writing
//!     }
//!     for outcome in verification.outcomes() {
//!         println!("{outcome}"); // pass d=football.example.com s=brisbane a=ed25519-sha256: verified
//!     }
//!     Ok(verification.result())
//! }
//! # let message = include_bytes!("../tests/fixtures/rfc8463-ed25519.eml");
//! # let key = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
//! # let result = verify(message, 1_528_640_000, |name| match name {
//! #     "brisbane._domainkey.football.example.com" => Ok(Records::txt([key])),
//! #     _ => Err(DnsError::NotFound),
//! # });
//! # assert_eq!(result.unwrap(), DkimResult::Pass);
//! ```
//!
//! # Sign
//!
//! ```
//! use scop_dkim::{Domain, Selector, Signer, SigningKey, SystemRandom};
//!
//! let random = SystemRandom::new();
//! let (key, pem) = SigningKey::generate(&random)?; // once; later SigningKey::from_pem(&pem)
//! println!("s1._domainkey.example.com. TXT {}", key.record().zone_text());
//! let signer = Signer::new(Domain::new("example.com")?, Selector::new("s1")?, key);
//!
//! let message = b"From: joe@example.com\r\n\r\nHi\r\n";
//! let mut signing = signer.start(1_700_000_000); // now, in seconds since 1970
//! for chunk in message.chunks(4096) {
//!     signing.write(chunk)?;
//! }
//! let field = signing.finish(&random)?; // goes on top of the message
//! assert!(field.starts_with("DKIM-Signature: "));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Several signatures are made in one pass: [`Signer::and`]. A private key may be in an HSM
//! or a key service: [`RemoteKey`].
//!
//! # What is refused
//!
//! The default [`Policy`] is the safe one: `l=`, RSA keys under 1024 bits, SHA-1,
//! a From that is unsigned, doubled or malformed, fields that were added to
//! signed ones, and signatures from the future or past their expiration do not
//! pass. Who keeps a list of public suffixes names it there as well. Each [`Outcome`]
//! has a [`DkimResult`] of RFC 8601 and a [`Reason`] that names the RFC section;
//! [`Verification::coverage`] tells which fields a signature is about.
//!
//! Features: `arc`, `atps` and `reports` add the modules of these names (`reports` that of
//! [`dmarc`]'s and TLS's reports), `psl` a list of public suffixes, `idn` (default) U-labels.
//!
//! [`Policy::cryptography`] names what signatures are verified with, where it is not ring.
//!
//! The parsers stand alone as well: [`Signature::parse`], [`KeyRecord::parse`].
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "arc")]
pub mod arc;
#[cfg(feature = "atps")]
pub mod atps;
pub mod authentication;
mod authserv_ids;
pub mod bimi;
mod canon;
mod claim;
mod copied;
mod cryptography;
pub mod dane;
mod der;
pub mod dmarc;
mod evaluate;
mod fields;
mod fold;
mod header;
mod hidden;
mod identity;
pub mod iprev;
mod judge;
mod key;
mod limits;
mod lines;
mod message;
pub mod mta_sts;
mod name;
mod outcome;
mod pass;
mod policy;
mod policy_record;
mod query;
mod remote_key;
#[cfg(feature = "reports")]
pub mod report;
pub mod reporting;
mod request;
mod results;
mod sign;
mod signature;
mod signing;
mod signing_key;
pub mod spf;
mod tags;
pub mod tls_rpt;
mod verify;

pub use authserv_ids::AuthservIds;
pub use canon::Canonicalization;
pub use copied::CopiedField;
pub use cryptography::{Cryptography, Primitives, RsaKey};
pub use identity::Identity;
pub use key::{KeyRecord, KeyRecordError, KeyType, PublicKey};
pub use limits::{LimitExceeded, Limits};
pub use name::{Domain, NameError, Selector};
pub use outcome::{Coverage, DkimResult, Outcome, Reason, UnsignedField};
pub use policy::{BodyLength, Policy, PublicSuffixes, Service};
pub use query::{DnsError, Misuse, Query, QueryId, RecordKind, Records, Text};
pub use remote_key::{Key, RemoteKey};
pub use request::{SignatureId, SignatureRefused, SignatureRequest};
pub use results::{AuthenticationResults, MethodResult, NotAKeyword};
/// The random source that [`Signing::finish`] takes; [`SystemRandom`] is one.
pub use ring::rand::{SecureRandom, SystemRandom};
pub use sign::{Signer, SignerError, Signers};
pub use signature::{Algorithm, Signature, SignatureError};
pub use signing::{SignError, Signing, Unsigned};
pub use signing_key::{KeyError, SigningKey};
pub use tags::TagListError;
pub use verify::{Verification, Verifier};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
