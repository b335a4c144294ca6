//! Everything about one message that comes in: SPF, DKIM, ARC and DMARC, in one pass
//! and with one stream of queries.
//!
//! ```
//! use scop_dkim::authentication::Authentication;
//! use scop_dkim::dmarc::DmarcResult;
//! use scop_dkim::{DnsError, Query, Records};
//!
//! # fn resolve(query: &Query) -> Result<Records, DnsError> {
//! #     match &*query.name {
//! #         "example.com" => Ok(Records::txt(["v=spf1 ip4:192.0.2.7 -all"])),
//! #         "_dmarc.example.com" => Ok(Records::txt(["v=DMARC1; p=reject"])),
//! #         _ => Err(DnsError::NotFound),
//! #     }
//! # }
//! # let now = 1_700_000_000;
//! let client = "192.0.2.7".parse()?;
//! let mut message = Authentication::new(client, "mx.example.com", "ann@example.com", now);
//! for chunk in [&b"From: Ann <ann@example.com>\r\n"[..], b"\r\nHello\r\n"] {
//!     message.write(chunk)?;
//! }
//! let mut message = message.finish();
//! while let Some(query) = message.next_query() {
//!     message.answer(query.id, resolve(&query))?; // or earlier, while the message comes
//! }
//! assert_eq!(message.dmarc().unwrap().result, DmarcResult::Pass);
//! assert_eq!(
//!     message.results("mx.example.org")?.to_string(),
//!     "Authentication-Results: mx.example.org;\r\n \
//!      spf=pass smtp.mailfrom=ann@example.com;\r\n \
//!      dkim=none;\r\n \
//!      arc=none;\r\n \
//!      dmarc=pass header.from=example.com policy.dmarc=none\r\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//!                  write              write            finish
//!   Authentication: header ------------> body ---------------> Authenticated
//!    SPF asks at once | empty line        | body hashes         | all but DMARC known
//!                     v                   v                     v
//!               DKIM and ARC ask    (queries and answers    DMARC asks
//!                                    at any time)
//! ```
//!
//! The body is hashed once for all signatures. A name is asked for once, whoever wants to
//! know, and there is a [budget](Authentication::with_query_budget) for all of them.

mod questions;
mod verdicts;

pub use verdicts::Authenticated;

use alloc::sync::Arc;
use core::fmt;
use core::net::IpAddr;

use self::questions::{Asks, Part, Parts, Questions};
use self::verdicts::Came;
#[cfg(feature = "arc")]
use crate::arc;
use crate::dmarc::Author;
use crate::header::Header;
use crate::message::BodyHasher;
use crate::pass::Pass;
use crate::query::{DnsError, Misuse, Query, QueryId, Records};
use crate::verify::Verification;
use crate::{LimitExceeded, Limits, Policy, evaluate, iprev, spf};

/// Questions that one message may cost by default: more than any message asks that keeps
/// to the limits of SPF, DKIM and DMARC and that ten servers have sealed.
const QUERIES: usize = 200;

/// A message that is coming. See the [module](self) for an example.
///
/// Memory: the header under [`Limits`], and the records that were asked for.
pub struct Authentication {
    questions: Questions,
    coming: Coming,
    pass: Pass,
}

/// The checks of a message that is coming.
struct Coming {
    senders: Senders,
    header: Arc<Header>,
    dkim: evaluate::Evaluation,
    #[cfg(feature = "arc")]
    arc: arc::Evaluation,
}

/// The checks of whoever sends it.
struct Senders {
    client: IpAddr,
    iprev: Option<iprev::Check>,
    helo: Option<spf::Check>,
    mail_from: spf::Check,
}

impl Authentication {
    /// A message of that client: the name that it gave at HELO or EHLO, its MAIL FROM
    /// with or without the angle brackets, empty for none, and the time in seconds since 1970.
    #[must_use]
    pub fn new(client: IpAddr, helo: &str, mail_from: &str, now: u64) -> Self {
        let (policy, limits) = (Policy::default(), Limits::default());
        Self::with(policy, limits, client, helo, mail_from, now)
    }

    /// As [`new`](Self::new), with other rules for signatures and other limits of the
    /// header.
    #[must_use]
    pub fn with(
        policy: Policy,
        limits: Limits,
        client: IpAddr,
        helo: &str,
        mail_from: &str,
        now: u64,
    ) -> Self {
        Self {
            questions: Questions::new(QUERIES),
            pass: Pass::new(&limits),
            coming: Coming {
                senders: Senders {
                    client,
                    iprev: None,
                    helo: None,
                    mail_from: spf::Check::mail_from(client, mail_from, helo),
                },
                header: Arc::default(),
                #[cfg(feature = "arc")]
                arc: arc::Evaluation::new(policy.clone(), limits.clone(), now),
                dkim: evaluate::Evaluation::new(policy, limits, now),
            },
        }
    }

    /// The same with SPF for the HELO name too (RFC 7208 section 2.3). DMARC takes no
    /// notice of it.
    #[must_use]
    pub fn with_helo(mut self, helo: &str) -> Self {
        let senders = &mut self.coming.senders;
        senders.helo = Some(spf::Check::helo(senders.client, helo));
        self
    }

    /// The same with whether the client's name leads back to its address (RFC 8601
    /// section 3).
    #[must_use]
    pub fn with_iprev(mut self) -> Self {
        let senders = &mut self.coming.senders;
        senders.iprev = Some(iprev::Check::new(senders.client));
        self
    }

    /// The same with the name of the host that checks, which a domain may use when it
    /// explains why SPF fails (RFC 7208 section 7.3).
    #[must_use]
    pub fn with_receiver(mut self, name: &str, now: u64) -> Self {
        let senders = self.coming.senders;
        self.coming.senders = Senders {
            client: senders.client,
            iprev: senders.iprev,
            helo: senders.helo.map(|check| check.with_receiver(name, now)),
            mail_from: senders.mail_from.with_receiver(name, now),
        };
        self
    }

    /// The same with another number of questions, all in all; the default is 200. What
    /// would take more has the answer [`DnsError::Temporary`].
    #[must_use]
    pub fn with_query_budget(mut self, queries: usize) -> Self {
        self.questions.budget = queries;
        self
    }

    /// Takes the next piece of the message: CRLF line ends, no SMTP dots.
    ///
    /// # Errors
    /// [`LimitExceeded`] when the header is over a limit, now and ever after. The verdicts
    /// say so too.
    pub fn write(&mut self, data: &[u8]) -> Result<(), LimitExceeded> {
        let coming = &mut self.coming;
        self.pass.write(data, |header, body| {
            coming.begin(header, body);
            Ok(())
        })
    }

    /// The next DNS question, or `None` when there is none now. SPF asks at once, the
    /// others when the header is complete.
    pub fn next_query(&mut self) -> Option<Query> {
        self.questions.next_query(&mut self.coming)
    }

    /// Answers a query, in any order.
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.questions.answer(&mut self.coming, id, answer)
    }

    /// Ends the message.
    #[must_use]
    pub fn finish(self) -> Authenticated {
        let Self {
            questions,
            mut coming,
            mut pass,
        } = self;
        let bodies = pass.finish(|header, body| {
            coming.begin(header, body);
            Ok(())
        });
        Authenticated::new(
            questions,
            Came {
                senders: coming.senders,
                // Of a header over a limit nothing is known.
                author: Author::read(coming.header.bytes()),
                #[cfg(feature = "arc")]
                arc: coming.arc.finish(bodies.clone()),
                dkim: Verification::new(coming.dkim, bodies),
                dmarc: None,
            },
        )
    }
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication")
            .field("phase", &self.pass.phase())
            .field("questions", &self.questions)
            .finish_non_exhaustive()
    }
}

impl Coming {
    /// The header is complete: what is wanted of the body, for each kind of signature.
    fn begin(&mut self, header: Arc<Header>, body: &mut BodyHasher) {
        self.dkim.begin(Arc::clone(&header), body);
        #[cfg(feature = "arc")]
        self.arc.begin(Arc::clone(&header), body);
        self.header = header;
    }
}

impl Parts for Coming {
    fn part(&mut self, part: Part) -> Option<&mut dyn Asks> {
        match part {
            Part::Iprev => self.senders.iprev.as_mut().map(|check| check as _),
            Part::Helo => self.senders.helo.as_mut().map(|check| check as _),
            Part::MailFrom => Some(&mut self.senders.mail_from),
            Part::Dkim => Some(&mut self.dkim),
            #[cfg(feature = "arc")]
            Part::Arc => Some(&mut self.arc),
            Part::Dmarc => None,
        }
    }
}
