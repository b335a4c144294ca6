//! Authenticated Received Chain (RFC 8617): what those who handled a message say they
//! found, each seal over all before it.
//!
//! The RFC is experimental, and the IETF is about to make it historic: a seal says who
//! handled a message, never that a message is good. Trust a chain only from those you
//! trust anyway.
//!
//! ```
//! use scop_dkim::arc::{ChainStatus, Validator};
//! use scop_dkim::{DnsError, Limits, Policy};
//!
//! let mut validator = Validator::new(Policy::default(), Limits::default(), 1_700_000_000);
//! validator.write(b"From: ann@example.com\r\n\r\nHello\r\n")?;
//! let mut validation = validator.finish();
//! while let Some(query) = validation.next_query() {
//!     validation.answer(query.id, Err(DnsError::NotFound))?; // your resolver
//! }
//! assert_eq!(validation.chain().unwrap().status, ChainStatus::None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod seal;
mod set;
mod unsealed;
mod validate;

pub use seal::{SealError, Sealer, Sealing};
pub use set::{ChainStatus, SetProblem};
pub use unsealed::Unsealed;
pub(crate) use validate::Evaluation;
pub use validate::{Chain, ChainReason, Handler, Validation, Validator};
