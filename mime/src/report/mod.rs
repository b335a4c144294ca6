//! Reports about messages: bounces (delivery status, RFC 3464), receipts (disposition,
//! RFC 8098), complaints (feedback, RFC 5965), in `multipart/report` (RFC 6522). Read
//! and written by the same types.
//!
//! ```
//! use scop_mime::Message;
//!
//! let bounce = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
//!     --b\n\nSorry.\n\
//!     --b\nContent-Type: message/delivery-status\n\n\
//!     Reporting-MTA: dns; mx.b.test\n\n\
//!     Final-Recipient: rfc822; bob@b.test\nAction: failed\nStatus: 5.1.1 (no such user)\n\n\
//!     --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <1@a.test>\n\n--b--\n";
//! let message = Message::parse(bounce);
//! let report = message.report().unwrap();
//! assert_eq!(report.human().unwrap().body(), b"Sorry.");
//! for recipient in report.delivery_status().unwrap().recipients {
//!     assert_eq!(recipient.address().unwrap(), "bob@b.test");
//!     assert!(recipient.status.unwrap().is_permanent());
//! }
//! assert_eq!(report.original_message_id().as_deref(), Some("1@a.test"));
//! ```

mod delivery;
mod disposition;
mod feedback;
mod group;
mod line;
mod status;

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use delivery::{DeliveryStatus, Recipient};
pub use disposition::{
    ActionMode, DispositionNotification, DispositionType, MessageDisposition, ReportingUa,
    SendingMode,
};
pub use feedback::{AuthFailure, DeliveryResult, FeedbackReport, FeedbackType, SpfDns};
pub use line::{Line, OtherField, Typed, xtext_decode, xtext_encode};
pub use status::{Action, ParseStatusError, Status};

use crate::{Content, Defect, Message, Parent, Part};

/// What keeps a report from being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A field that must be there is not.
    #[error(
        "{0} is missing and required (RFC 3464 2.2 and 2.3, RFC 8098 3.1, RFC 5965 3.1); set it"
    )]
    Missing(&'static str),
    /// The type has no form for it.
    #[error("{0} holds ASCII alone (RFC 5965 7.1); take the rest out")]
    NotAscii(&'static str),
}

/// The part of a report that a program reads, as it is written: lines that end in
/// CRLF, none longer than 998 bytes. It cannot be made but from a report, so its fields
/// are fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachinePart {
    content_type: &'static str,
    report_type: &'static str,
    bytes: Vec<u8>,
}

impl MachinePart {
    fn new(ascii: &'static str, global: &'static str, report: &'static str, text: String) -> Self {
        MachinePart {
            content_type: if text.is_ascii() { ascii } else { global },
            report_type: report,
            bytes: text.into_bytes(),
        }
    }

    /// The type of the part: `message/delivery-status`; where it is not ASCII
    /// `message/global-delivery-status`, which leaves as 8bit (RFC 6533 4.4).
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// The parameter `report-type` of the multipart around it: `delivery-status`.
    #[must_use]
    pub fn report_type(&self) -> &'static str {
        self.report_type
    }

    /// The content of the part.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The part as [`build::Part::report`] takes it.
    ///
    /// ```
    /// use scop_mime::build::{Builder, Mailbox, Part, Returned};
    /// use scop_mime::report::{FeedbackReport, FeedbackType, Line};
    /// # use scop_mime::{DateTime, Message};
    /// # let now = DateTime::from_unix(0, 0).unwrap();
    ///
    /// let report = FeedbackReport {
    ///     feedback_type: Some(FeedbackType::Abuse),
    ///     user_agent: Some(Line::new("SomeGenerator/1.0")?),
    ///     ..FeedbackReport::default()
    /// };
    /// let original = b"Subject: Earn money\r\n\r\nSpam\r\n".to_vec();
    /// let human = Part::text("This is an abuse report.\n");
    /// let machine = report.to_part()?.into_part()?;
    /// let built = Builder::new(Mailbox::new("abusedesk@a.test")?, now)
    ///     .body(Part::report(human, machine, Returned::Message(original))?)
    ///     .build();
    /// let bytes = built.to_vec();
    /// let message = Message::parse(&bytes);
    /// let read = message.report().unwrap().feedback_report().unwrap();
    /// assert_eq!(read.feedback_type, report.feedback_type);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// None that a part of a report can have.
    ///
    /// [`build::Part::report`]: crate::build::Part::report
    pub fn into_part(self) -> Result<crate::build::Part, crate::build::BuildError> {
        let (_, subtype) = self.content_type.split_once('/').unwrap_or_default();
        crate::build::Part::machine(subtype, self.bytes)
    }
}

/// What a report is, by the type of the part that a program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportKind {
    /// A bounce, a delay, a delivery.
    DeliveryStatus,
    /// A receipt.
    DispositionNotification,
    /// A complaint.
    FeedbackReport,
}

impl ReportKind {
    fn of(essence: &str) -> Option<Self> {
        Some(match essence {
            "message/delivery-status" | "message/global-delivery-status" => Self::DeliveryStatus,
            "message/disposition-notification" | "message/global-disposition-notification" => {
                Self::DispositionNotification
            }
            "message/feedback-report" => Self::FeedbackReport,
            _ => return None,
        })
    }
}

/// A report: what [`Message::report`] gives.
#[derive(Clone, Copy, Debug)]
pub struct Report<'m, 'a> {
    kind: ReportKind,
    machine: Part<'m, 'a>,
}

impl<'m, 'a> Report<'m, 'a> {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> ReportKind {
        self.kind
    }

    /// The part that a program reads.
    #[must_use]
    pub fn machine(&self) -> Part<'m, 'a> {
        self.machine
    }

    /// The part that a person reads: the first of the multipart (RFC 6522 3).
    #[must_use]
    pub fn human(&self) -> Option<Part<'m, 'a>> {
        let first = self.siblings().next()?;
        (first.offset() < self.machine.offset()).then_some(first)
    }

    /// The message that it is about, or its header: a part of type `message/rfc822`,
    /// `message/global`, `text/rfc822-headers` or `message/global-headers`.
    #[must_use]
    pub fn returned(&self) -> Option<Part<'m, 'a>> {
        self.siblings().find(|part| {
            part.content() == Content::Message
                || matches!(
                    part.content_type().essence(),
                    "message/rfc822"
                        | "message/global"
                        | "text/rfc822-headers"
                        | "message/rfc822-headers"
                        | "message/global-headers"
                )
        })
    }

    /// The returned message or header as bytes, without a transfer encoding: to be given
    /// to [`Message::parse`].
    #[must_use]
    pub fn returned_bytes(&self) -> Option<Cow<'a, [u8]>> {
        Some(self.returned()?.decoded())
    }

    /// The Message-ID of the message that it is about, without its brackets: of the
    /// returned message, else from a receipt.
    #[must_use]
    pub fn original_message_id(&self) -> Option<String> {
        let bytes = self.returned_bytes();
        let id = bytes.and_then(|bytes| {
            let id = Message::parse(&bytes).header().message_id()?;
            Some(id.to_string())
        });
        id.or_else(|| {
            let id = self.disposition_notification()?.original_message_id?;
            Some(id.as_str().to_string())
        })
    }

    /// What a bounce says.
    #[must_use]
    pub fn delivery_status(&self) -> Option<DeliveryStatus> {
        self.machine.delivery_status()
    }

    /// What a receipt says.
    #[must_use]
    pub fn disposition_notification(&self) -> Option<DispositionNotification> {
        self.machine.disposition_notification()
    }

    /// What a complaint says.
    #[must_use]
    pub fn feedback_report(&self) -> Option<FeedbackReport> {
        self.machine.feedback_report()
    }

    fn siblings(&self) -> impl Iterator<Item = Part<'m, 'a>> + use<'m, 'a> {
        let container = match self.machine.parent() {
            Parent::Multipart => self.machine.enclosing(),
            _ => None,
        };
        container.into_iter().flat_map(|c| c.children())
    }
}

impl<'a> Message<'a> {
    /// The report that the message is: the first part with a type that reports have
    /// (RFC 3464, RFC 8098, RFC 5965, RFC 6533), in `multipart/report` or not, but not
    /// in a message within. Nothing is read yet, but where there are two such parts:
    /// the second counts if only that names a recipient.
    #[must_use]
    pub fn report(&self) -> Option<Report<'_, 'a>> {
        // Parts of messages within are passed over.
        let mut end = 0;
        let mut found = self.parts().filter_map(|part| {
            if part.offset() < end {
                return None;
            }
            if part.content() == Content::Message {
                end = part.body_offset() + part.body_length();
            }
            let kind = ReportKind::of(part.content_type().essence())?;
            Some(Report {
                kind,
                machine: part,
            })
        });
        let first = found.next()?;
        // Some servers give that type to a text for people, too.
        let tells = |r: &Report<'_, '_>| {
            let status = r.delivery_status();
            status.is_none_or(|s| !s.recipients.is_empty())
        };
        match found.next() {
            Some(second) if !tells(&first) && tells(&second) => Some(second),
            _ => Some(first),
        }
    }
}

impl Part<'_, '_> {
    /// Its content as a delivery status (RFC 3464, RFC 6533); `None` for another type.
    /// Offsets of defects are those of the message where the part has no transfer
    /// encoding, else where its body begins.
    #[must_use]
    pub fn delivery_status(&self) -> Option<DeliveryStatus> {
        self.machine_readable(ReportKind::DeliveryStatus, |body| {
            let mut read = DeliveryStatus::parse(body);
            self.move_defects(&mut read.defects);
            read
        })
    }

    /// Its content as a disposition notification (RFC 8098, RFC 6533); `None` for
    /// another type. Offsets as for [`delivery_status`](Self::delivery_status).
    #[must_use]
    pub fn disposition_notification(&self) -> Option<DispositionNotification> {
        self.machine_readable(ReportKind::DispositionNotification, |body| {
            let mut read = DispositionNotification::parse(body);
            self.move_defects(&mut read.defects);
            read
        })
    }

    /// Its content as a feedback report (RFC 5965, RFC 6591); `None` for another type.
    /// Offsets as for [`delivery_status`](Self::delivery_status).
    #[must_use]
    pub fn feedback_report(&self) -> Option<FeedbackReport> {
        self.machine_readable(ReportKind::FeedbackReport, |body| {
            let mut read = FeedbackReport::parse(body);
            self.move_defects(&mut read.defects);
            read
        })
    }

    fn machine_readable<T>(&self, kind: ReportKind, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let found = ReportKind::of(self.content_type().essence());
        (found == Some(kind)).then(|| read(&self.decoded()))
    }

    fn move_defects(&self, defects: &mut [Defect]) {
        let encoded = !self.encoding().is_identity();
        for defect in defects {
            let within = if encoded { 0 } else { defect.offset };
            defect.offset = self.body_offset() + within;
        }
    }
}
