//! A report as it comes: in a mail, as its attachment, or as a file that somebody saved.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use scop_mime::Message;
use scop_mime::report::FeedbackReport;

use super::{AggregateReport, Limits, ReportDefect, ReportError, TlsReport, UnpackError, unpack};

/// A report of any kind, read.
///
/// ```
/// use scop_dkim::report::{Limits, Received};
/// use scop_mime::build::Mailbox;
/// # use scop_dkim::report::AggregateReport;
/// # let xml = include_bytes!("../../tests/fixtures/report-rfc9990.xml");
/// # let (report, _) = AggregateReport::from_xml(xml, &Limits::default())?;
/// # let now = scop_mime::DateTime::from_unix(1_700_000_000, 0).unwrap();
/// # let mail = report.mail(Mailbox::new("a@mail.receiver.example")?, now, &"mail.receiver.example".parse()?)?;
/// # let mail = mail.build().into_vec();
///
/// // `mail`: what came to the address in `rua=`.
/// match Received::read(&mail, &Limits::default())? {
///     Received::Aggregate(report, defects) => {
///         println!("{}: {} rows", report.metadata.org_name, report.rows.len());
///         # assert!(defects.is_empty());
///     }
///     Received::Tls(report, _) => println!("{}", report.organization),
///     Received::Failure(report) => println!("{:?}", report.auth_failure),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// Of DMARC (RFC 9990, RFC 7489), and what was wrong with it.
    Aggregate(Box<AggregateReport>, Vec<ReportDefect>),
    /// Of TLS (RFC 8460), and what was wrong with it.
    Tls(Box<TlsReport>, Vec<ReportDefect>),
    /// Of one message (RFC 5965, RFC 6591, RFC 9991).
    Failure(Box<FeedbackReport>),
}

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceivedError {
    /// There is none: neither XML nor JSON, packed or not, and no feedback report.
    #[error(
        "no report: want XML (RFC 9990), JSON (RFC 8460), gzip or zip of them, a feedback report (RFC 6591), or a mail with one"
    )]
    NoReport,
    /// It cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// It cannot be read.
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// How many attachments that cannot be read are gone through: each may unpack to
/// [`Limits::bytes`].
const MOST: usize = 10;

impl Received {
    /// Reads a report: a mail that carries one, XML or JSON, gzip or zip of them, or the
    /// fields of a feedback report. Of several in a mail, ten at most, the first that can be read. What
    /// kind it is follows from the data, since many attachments are of the wrong type.
    ///
    /// The mail is not authenticated here: whose report it is, a
    /// [`Verifier`](crate::Verifier) tells. Reports of TLS are to be ignored without a
    /// signature (RFC 8460 section 3), whose key may be for
    /// [them alone](crate::Service::TlsReports).
    ///
    /// Memory: what one attachment unpacks to, at most [`Limits::bytes`].
    ///
    /// # Errors
    /// [`ReceivedError`]: of a mail that of its first attachment that could be a report.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, ReceivedError> {
        match Self::of_data(bytes, limits) {
            Some(found) => found,
            None => Self::of_mail(bytes, limits),
        }
    }

    /// A report as an attachment is; `None` where it cannot be one.
    fn of_data(data: &[u8], limits: &Limits) -> Option<Result<Self, ReceivedError>> {
        let unpacked = match unpack(data, limits) {
            Ok(unpacked) => unpacked,
            Err(error) => return Some(Err(error.into())),
        };
        let start = unpacked.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&unpacked);
        Some(match start.trim_ascii_start().first() {
            Some(b'<') => AggregateReport::from_xml(&unpacked, limits)
                .map(|(report, defects)| Received::Aggregate(Box::new(report), defects))
                .map_err(ReceivedError::from),
            Some(b'{' | b'[') => TlsReport::from_json(&unpacked, limits)
                .map(|(report, defects)| Received::Tls(Box::new(report), defects))
                .map_err(ReceivedError::from),
            // What was packed is no mail.
            _ if matches!(unpacked, Cow::Owned(_)) => Err(ReceivedError::NoReport),
            _ => return None,
        })
    }

    fn of_mail(mail: &[u8], limits: &Limits) -> Result<Self, ReceivedError> {
        let message = Message::parse(mail);
        if let Some(report) = message.report().and_then(|report| report.feedback_report()) {
            return Ok(Received::Failure(Box::new(report)));
        }
        let mut problem = None;
        let data = message.parts().map(|part| part.decoded());
        for found in data.filter_map(|d| Self::of_data(&d, limits)).take(MOST) {
            match found {
                Ok(found) => return Ok(found),
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        if message.header().get("feedback-type").is_some() {
            return Ok(Received::Failure(Box::new(FeedbackReport::parse(mail))));
        }
        Err(problem.unwrap_or(ReceivedError::NoReport))
    }
}
