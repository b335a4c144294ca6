//! Failure reports (RFC 9991, in the format of RFC 6591): one message that failed.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::net::IpAddr;

use scop_mime::DateTime;
use scop_mime::build::{BuildError, Part, Returned};
use scop_mime::report::{AuthFailure, DeliveryResult, FeedbackReport, FeedbackType, Line, SpfDns};

use super::check::{DmarcResult, Identifier, Verdict};
use super::record::Suffix;
use crate::outcome::{DkimResult, Outcome, Reason};
use crate::results::AuthenticationResults;
use crate::spf::{self, SpfResult};
use crate::verify::Verification;

/// What was found about one message, from which a failure report is made.
///
/// Reports tell of people who did nothing wrong, and can be provoked by the thousand: send
/// few (RFC 9991 section 6), only where [`Destinations`](super::Destinations) says, without
/// the body unless there is reason to trust.
///
/// ```
/// use scop_dkim::dmarc::{Author, Check, Failure};
/// use scop_dkim::{DnsError, Domain, Records};
/// use scop_mime::build::{Builder, Mailbox, Returned};
/// use scop_mime::{DateTime, Message};
///
/// let header = b"From: Ann <ann@example.com>\r\nSubject: hi\r\n\r\n";
/// let mut check = Check::of(&Author::read(header), []);
/// while let Some(query) = check.next_query() {
///     check.answer(query.id, match &*query.name {
///         "_dmarc.example.com" => Ok(Records::txt(["v=DMARC1; p=reject; ruf=mailto:f@example.com"])),
///         _ => Err(DnsError::NotFound),
///     })?;
/// }
/// let failure = Failure {
///     dmarc: check.verdict().unwrap(),
///     spf: None,
///     dkim: None,
///     canonicalized: false,
///     source_ip: "192.0.2.1".parse()?,
///     mail_from: Some("bounce@example.net"),
///     arrival: DateTime::from_unix(1_700_000_000, 0),
///     results: None,
///     delivery: None,
/// };
/// for kind in failure.wanted() {
///     let part = failure.to_part("Example/1.0", kind, Returned::Header(header.to_vec()))?;
///     let from = Mailbox::new("dmarc-noreply@mx.example.org")?;
///     let mail = Builder::new(from, DateTime::from_unix(1_700_000_000, 0).unwrap())
///         .to(Mailbox::new("f@example.com")?)
///         .subject("Authentication failed")?
///         .body(part)
///         .build()
///         .to_vec();
///     let message = Message::parse(&mail);
///     let read = message.report().unwrap().feedback_report().unwrap();
///     assert_eq!(read.reported_domain[0].as_str(), "example.com");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Failure<'a> {
    /// The verdict of DMARC.
    pub dmarc: &'a Verdict,
    /// The verdict of SPF.
    pub spf: Option<&'a spf::Verdict>,
    /// Signatures.
    pub dkim: Option<&'a Verification>,
    /// Whether a report about a signature tells what was hashed for it, so that the signer
    /// finds what changed on the way: DKIM-Canonicalized-Header, and -Body where
    /// [`Limits::kept_body`](crate::Limits::kept_body) had it kept (RFC 6591 section 3.2.4).
    /// It is people's mail, as it is: not for where anything is redacted (section 6.6). A
    /// header or body of more than [`Failure::CANONICALIZED_OCTETS`] is left out.
    pub canonicalized: bool,
    /// The client.
    pub source_ip: IpAddr,
    /// MAIL FROM without its brackets, if it is to be told.
    pub mail_from: Option<&'a str>,
    /// When the message came.
    pub arrival: Option<DateTime>,
    /// The field that was written about it.
    pub results: Option<&'a AuthenticationResults>,
    /// What became of it.
    pub delivery: Option<DeliveryResult>,
}

impl Failure<'_> {
    /// Octets of a canonical header or body that a report has at most.
    pub const CANONICALIZED_OCTETS: usize = 64 << 10;

    /// Which reports the policy record wants (RFC 9989 section 4.7, tag `fo`); none without
    /// `ruf`, and none for a public suffix (RFC 9991 section 3).
    #[must_use]
    pub fn wanted(&self) -> Vec<AuthFailure> {
        let mut wanted = Vec::new();
        let Some(record) = &self.dmarc.record else {
            return wanted;
        };
        if record.failure_reports.is_empty() || record.suffix == Suffix::Public {
            return wanted;
        }
        let options = record.failure_options;
        let unaligned = self.unaligned();
        let failed = match options.any {
            true => !unaligned.is_empty(),
            false => unaligned.len() == 2,
        };
        let is_known = matches!(self.dmarc.result, DmarcResult::Pass | DmarcResult::Fail);
        if failed && is_known {
            wanted.push(AuthFailure::Dmarc);
        }
        if let Some((_, signature)) = self.failed_signature(false).filter(|_| options.dkim) {
            wanted.push(match signature.reason {
                Reason::BodyHashMismatch => AuthFailure::BodyHash,
                Reason::KeyRevoked => AuthFailure::Revoked,
                _ => AuthFailure::Signature,
            });
        }
        let spf = self.spf.is_some_and(|spf| is_failure(spf.result));
        if options.spf && spf {
            wanted.push(AuthFailure::Spf);
        }
        wanted
    }

    /// The report that a program reads, as one of [`wanted`](Self::wanted).
    ///
    /// # Errors
    /// [`BuildError`] when `user_agent` or an address has a line end in it.
    pub fn report(
        &self,
        user_agent: &str,
        failure: AuthFailure,
    ) -> Result<FeedbackReport, BuildError> {
        let mut report = FeedbackReport {
            feedback_type: Some(FeedbackType::AuthFailure),
            user_agent: Some(Line::new(user_agent)?),
            arrival_date: self.arrival,
            source_ip: Some(self.source_ip),
            delivery_result: self.delivery.clone(),
            ..FeedbackReport::default()
        };
        let ascii = |text: &str| text.is_ascii().then(|| Line::new(text)).transpose();
        if let Some(from) = self.mail_from {
            report.original_mail_from = ascii(from)?;
        }
        if let Some(results) = self.results {
            let field = results.to_string().replace("\r\n", "");
            let value = field.split_once(": ").map_or("", |(_, value)| value);
            report.authentication_results.push(Line::new(value)?);
        }
        if let Some(author) = &self.dmarc.author {
            report.reported_domain.push(Line::new(author.as_str())?);
        }
        if failure == AuthFailure::Dmarc {
            let unaligned = self.unaligned();
            let words: &[&str] = if unaligned.is_empty() {
                &["none"]
            } else {
                &unaligned
            };
            for word in words {
                report.identity_alignment.push(Line::new(word)?);
            }
        }
        // Required for failures of an aligned identifier; of others where they are the point.
        let of_dkim = !matches!(failure, AuthFailure::Dmarc | AuthFailure::Spf);
        if let Some((at, signature)) = self
            .failed_signature(!of_dkim)
            .filter(|_| failure != AuthFailure::Spf)
        {
            if let Some(hashed) = self.dkim.filter(|_| self.canonicalized) {
                let fits = |octets: &usize| *octets <= Self::CANONICALIZED_OCTETS;
                let header = hashed.canonicalized_header(at);
                report.dkim_canonicalized_header = header.filter(|h| fits(&h.len()));
                let body = hashed.canonicalized_body(at).filter(|b| fits(&b.len()));
                report.dkim_canonicalized_body = body.map(<[u8]>::to_vec);
            }
            if let Some(domain) = signature.domain() {
                report.dkim_domain = Some(Line::new(domain.as_str())?);
            }
            if let Some(selector) = signature.selector() {
                report.dkim_selector = Some(Line::new(selector.as_str())?);
            }
            if let Some(signature) = &signature.signature {
                report.dkim_identity = ascii(&signature.identity().to_string())?;
            }
        }
        if let Some(spf) = self.spf.filter(|spf| is_failure(spf.result) && !of_dkim)
            && let Some(record) = spf.record()
        {
            let visible = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
            let record: String = record.chars().map(visible).collect();
            report.spf_dns.push(SpfDns::txt(spf.domain(), &record)?);
        }
        report.auth_failure = Some(failure);
        Ok(report)
    }

    /// The body of the mail that carries the report: `multipart/report`, with what of the
    /// message is to be given back.
    ///
    /// # Errors
    /// [`BuildError`], as [`report`](Self::report), and when the message cannot be in a
    /// part.
    pub fn to_part(
        &self,
        user_agent: &str,
        failure: AuthFailure,
        returned: Returned,
    ) -> Result<Part, BuildError> {
        let report = self.report(user_agent, failure)?;
        let text = alloc::format!(
            "This is an authentication failure report for an email message\nreceived from IP {}.\n\n{}\n",
            self.source_ip,
            self.dmarc
        );
        let machine = report
            .to_part()
            .map_err(|_| BuildError::Token("a report in ASCII"))?
            .into_part()?;
        Part::report(Part::text(text), machine, returned)
    }

    /// The mechanisms without an aligned pass, in the order of RFC 9991.
    fn unaligned(&self) -> Vec<&'static str> {
        let has = |is: fn(&Identifier) -> bool| {
            self.dmarc
                .aligned
                .iter()
                .any(|aligned| is(&aligned.identifier))
        };
        let mut unaligned = Vec::new();
        if !has(|identifier| matches!(identifier, Identifier::Dkim(_))) {
            unaligned.push("dkim");
        }
        if !has(|identifier| matches!(identifier, Identifier::Spf(_))) {
            unaligned.push("spf");
        }
        unaligned
    }

    /// The first signature that failed, of a domain that could be aligned if asked for, and
    /// its number.
    fn failed_signature(&self, within: bool) -> Option<(usize, &Outcome)> {
        let domain = self.dmarc.policy_domain();
        let is_near = |outcome: &Outcome| {
            let name = outcome.domain().map(|d| d.as_str().to_ascii_lowercase());
            name.zip(domain)
                .is_some_and(|(name, domain)| super::walk::is_within(&name, domain))
        };
        let outcomes = self.dkim.map(Verification::outcomes).unwrap_or_default();
        let mut failed = outcomes.iter().enumerate().filter(|(_, outcome)| {
            let result = outcome.result();
            !matches!(
                result,
                DkimResult::Pass | DkimResult::None | DkimResult::TempError
            ) && outcome.reason != Reason::TestingKey
        });
        failed.find(|(_, outcome)| !within || is_near(outcome))
    }
}

fn is_failure(result: SpfResult) -> bool {
    matches!(
        result,
        SpfResult::Fail | SpfResult::SoftFail | SpfResult::PermError
    )
}
