//! Delivery status notifications (RFC 3464; RFC 6533 for UTF-8).

use alloc::vec::Vec;

use super::group::{self, Fields, RawField, Writer, note, set, set_typed};
use super::line::{Line, OtherField, Typed};
use super::status::{Action, Status};
use super::{MachinePart, ReportError};
use crate::{DateTime, Defect, DefectKind};

/// What a mail server says about the delivery of one message: the content of
/// `message/delivery-status` or `message/global-delivery-status`.
///
/// The same type is read and written. What is `None` was not said; what could not be
/// read is in `others`, with a defect.
///
/// ```
/// use scop_mime::report::{Action, DeliveryStatus, Recipient, Status, Typed};
///
/// let status = DeliveryStatus {
///     reporting_mta: Some(Typed::dns("mx.a.test")?),
///     recipients: vec![Recipient {
///         final_recipient: Some(Typed::address_of("bob@b.test")?),
///         action: Some(Action::Failed),
///         status: Status::new(5, 1, 1),
///         diagnostic: Some(Typed::smtp("550 5.1.1 No such user")?),
///         ..Recipient::default()
///     }],
///     ..DeliveryStatus::default()
/// };
/// let part = status.to_part()?;
/// assert_eq!(part.content_type(), "message/delivery-status");
/// assert_eq!(DeliveryStatus::parse(part.bytes()), status);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryStatus {
    /// Original-Envelope-Id: what the sender gave as `ENVID` (RFC 3461 4.4).
    pub original_envelope_id: Option<Line>,
    /// Reporting-MTA: who tried to deliver. Required.
    pub reporting_mta: Option<Typed>,
    /// DSN-Gateway: who made this out of another notification.
    pub dsn_gateway: Option<Typed>,
    /// Received-From-MTA: whom the message came from.
    pub received_from_mta: Option<Typed>,
    /// Arrival-Date: when it came.
    pub arrival_date: Option<DateTime>,
    /// Other fields of the message.
    pub others: Vec<OtherField>,
    /// One for each recipient. At least one is required.
    pub recipients: Vec<Recipient>,
    /// What was wrong with the text it was read from: offsets from its start.
    pub defects: Vec<Defect>,
}

/// What became of the message for one recipient (RFC 3464 2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipient {
    /// Original-Recipient: whom the sender named (`ORCPT`, RFC 3461 4.2).
    pub original_recipient: Option<Typed>,
    /// Final-Recipient: whom the server was told. Required.
    pub final_recipient: Option<Typed>,
    /// Action. Required.
    pub action: Option<Action>,
    /// Status. Required.
    pub status: Option<Status>,
    /// Remote-MTA: who said so.
    pub remote_mta: Option<Typed>,
    /// Diagnostic-Code: what was said, for instance by SMTP.
    pub diagnostic: Option<Typed>,
    /// Localized-Diagnostic: the same in other languages, each with its tag as the type
    /// (RFC 6533 4.1).
    pub localized: Vec<Typed>,
    /// Last-Attempt-Date.
    pub last_attempt: Option<DateTime>,
    /// Final-Log-ID.
    pub final_log_id: Option<Line>,
    /// Will-Retry-Until.
    pub will_retry_until: Option<DateTime>,
    /// Other fields.
    pub others: Vec<OtherField>,
}

impl Recipient {
    /// The address to which delivery was tried, decoded: of the Final-Recipient, else of
    /// the Original-Recipient.
    #[must_use]
    pub fn address(&self) -> Option<alloc::borrow::Cow<'_, str>> {
        let address = self.final_recipient.as_ref().map(Typed::address);
        let address = address.filter(|a| !a.is_empty());
        address.or_else(|| self.original_recipient.as_ref().map(Typed::address))
    }

    /// Its status or, where the notification has none, the one in what the other server
    /// said (RFC 2034 4).
    ///
    /// ```
    /// use scop_mime::report::{Recipient, Status, Typed};
    ///
    /// let diagnostic = Some(Typed::smtp("550 5.1.1 User unknown")?);
    /// let recipient = Recipient { diagnostic, ..Recipient::default() };
    /// assert_eq!(recipient.likely_status(), Status::new(5, 1, 1));
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    #[must_use]
    pub fn likely_status(&self) -> Option<Status> {
        let said = || Status::find(self.diagnostic.as_ref()?.value());
        self.status.or_else(said)
    }

    fn write(&self, out: &mut Writer) {
        out.blank();
        out.optional("Original-Recipient", self.original_recipient.as_ref());
        out.optional("Final-Recipient", self.final_recipient.as_ref());
        out.optional("Action", self.action.as_ref());
        out.optional("Status", self.status.as_ref());
        out.optional("Remote-MTA", self.remote_mta.as_ref());
        out.optional("Diagnostic-Code", self.diagnostic.as_ref());
        for diagnostic in &self.localized {
            out.field("Localized-Diagnostic", diagnostic);
        }
        let date = |d: Option<DateTime>| d.map(|d| d.to_rfc5322());
        out.optional("Last-Attempt-Date", date(self.last_attempt).as_ref());
        out.optional("Final-Log-ID", self.final_log_id.as_ref());
        out.optional("Will-Retry-Until", date(self.will_retry_until).as_ref());
        out.others(&self.others);
    }
}

impl Fields for Recipient {
    fn place(
        &mut self,
        field: &RawField<'_>,
        defects: &mut Vec<Defect>,
    ) -> Option<Result<(), DefectKind>> {
        let name = field.name.to_ascii_lowercase();
        let value = &*field.value;
        let date = || DateTime::parse(value.as_bytes());
        Some(match name.as_str() {
            "original-recipient" => {
                set_typed(&mut self.original_recipient, field, "rfc822", defects)
            }
            "final-recipient" => set_typed(&mut self.final_recipient, field, "rfc822", defects),
            "action" => set(&mut self.action, Action::read(value)),
            "status" => {
                let status = Status::find(value);
                if status.is_some() && !value.starts_with(|c: char| c.is_ascii_digit()) {
                    note(defects, DefectKind::BadReportField, field.offset);
                }
                set(&mut self.status, status)
            }
            "remote-mta" => set_typed(&mut self.remote_mta, field, "dns", defects),
            "diagnostic-code" => set_typed(&mut self.diagnostic, field, "smtp", defects),
            "localized-diagnostic" => match Typed::read(value, "") {
                (typed, true) => {
                    self.localized.push(typed);
                    Ok(())
                }
                (_, false) => Err(DefectKind::BadReportField),
            },
            "last-attempt-date" => set(&mut self.last_attempt, date()),
            "final-log-id" => set(&mut self.final_log_id, Some(Line::read(value))),
            "will-retry-until" => set(&mut self.will_retry_until, date()),
            _ => return None,
        })
    }

    fn others(&mut self) -> &mut Vec<OtherField> {
        &mut self.others
    }
}

impl DeliveryStatus {
    /// Reads the content of a part, without its transfer encoding. Never fails.
    ///
    /// Real notifications put all in one group, or a blank line too many between: so a
    /// second Final-Recipient begins another recipient, fields of a recipient in the
    /// first group are those of the first recipient, and a group that names none
    /// belongs to the recipient before it. Each with a defect.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let mut out = DeliveryStatus::default();
        let mut defects = Vec::new();
        let groups = group::read(body, &mut defects);
        for (number, group) in groups.iter().enumerate() {
            let starts = |f: &RawField<'_>| f.is("final-recipient") || f.is("original-recipient");
            let names = group.iter().any(starts);
            let offset = group.first().map_or(0, |f| f.offset);
            // It has a recipient of its own, which a field in the first group may be of.
            let mut open = false;
            if number > 0 {
                if names || out.recipients.is_empty() {
                    out.recipients.push(Recipient::default());
                } else {
                    note(&mut defects, DefectKind::BadReportGroup, offset);
                }
                open = true;
            }
            for field in group {
                if number == 0 && !open && out.take(field, &mut defects).is_some() {
                    continue;
                }
                let again = field.is("final-recipient")
                    && out
                        .recipients
                        .last()
                        .is_some_and(|r| r.final_recipient.is_some());
                if open && again {
                    note(&mut defects, DefectKind::BadReportGroup, field.offset);
                    out.recipients.push(Recipient::default());
                }
                if !open && !is_of_recipient(field) {
                    out.others.push(field.other());
                    continue;
                }
                if !open {
                    note(&mut defects, DefectKind::BadReportGroup, field.offset);
                    out.recipients.push(Recipient::default());
                    open = true;
                }
                let Some(recipient) = out.recipients.last_mut() else {
                    continue;
                };
                if recipient.take(field, &mut defects).is_some() {
                    continue;
                }
                // A field of the message among those of a recipient.
                if out.take(field, &mut defects).is_some() {
                    note(&mut defects, DefectKind::BadReportGroup, field.offset);
                } else if let Some(recipient) = out.recipients.last_mut() {
                    recipient.others.push(field.other());
                }
            }
        }
        out.miss(&mut defects);
        defects.sort_unstable();
        out.defects = defects;
        out
    }

    fn miss(&self, defects: &mut Vec<Defect>) {
        if self.missing().is_some() {
            note(defects, DefectKind::MissingReportField, 0);
        }
    }

    /// The first required field that is not there.
    fn missing(&self) -> Option<ReportError> {
        let missing = |field| Some(ReportError::Missing(field));
        if self.reporting_mta.is_none() {
            return missing("Reporting-MTA");
        }
        if self.recipients.is_empty() {
            return missing("Final-Recipient");
        }
        self.recipients.iter().find_map(|recipient| {
            match (
                &recipient.final_recipient,
                &recipient.action,
                recipient.status,
            ) {
                (None, _, _) => missing("Final-Recipient"),
                (_, None, _) => missing("Action"),
                (_, _, None) => missing("Status"),
                _ => None,
            }
        })
    }

    /// Writes it: `message/delivery-status`, or `message/global-delivery-status` where a
    /// value is not ASCII. [`defects`](Self::defects) are not written.
    ///
    /// # Errors
    ///
    /// [`ReportError::Missing`] for a field that RFC 3464 requires.
    pub fn to_part(&self) -> Result<MachinePart, ReportError> {
        if let Some(missing) = self.missing() {
            return Err(missing);
        }
        let mut out = Writer::default();
        out.optional("Original-Envelope-Id", self.original_envelope_id.as_ref());
        out.optional("Reporting-MTA", self.reporting_mta.as_ref());
        out.optional("DSN-Gateway", self.dsn_gateway.as_ref());
        out.optional("Received-From-MTA", self.received_from_mta.as_ref());
        let date = self.arrival_date.map(|d| d.to_rfc5322());
        out.optional("Arrival-Date", date.as_ref());
        out.others(&self.others);
        self.recipients.iter().for_each(|r| r.write(&mut out));
        Ok(MachinePart::new(
            "message/delivery-status",
            "message/global-delivery-status",
            "delivery-status",
            out.finish(),
        ))
    }
}

impl Fields for DeliveryStatus {
    fn place(
        &mut self,
        field: &RawField<'_>,
        defects: &mut Vec<Defect>,
    ) -> Option<Result<(), DefectKind>> {
        let name = field.name.to_ascii_lowercase();
        Some(match name.as_str() {
            "original-envelope-id" => {
                let id = Some(Line::read(&field.value));
                set(&mut self.original_envelope_id, id)
            }
            "reporting-mta" => set_typed(&mut self.reporting_mta, field, "dns", defects),
            "dsn-gateway" => set_typed(&mut self.dsn_gateway, field, "dns", defects),
            "received-from-mta" => set_typed(&mut self.received_from_mta, field, "dns", defects),
            "arrival-date" => {
                let date = DateTime::parse(field.value.as_bytes());
                set(&mut self.arrival_date, date)
            }
            _ => return None,
        })
    }

    fn others(&mut self) -> &mut Vec<OtherField> {
        &mut self.others
    }
}

fn is_of_recipient(field: &RawField<'_>) -> bool {
    const NAMES: [&str; 10] = [
        "original-recipient",
        "final-recipient",
        "action",
        "status",
        "remote-mta",
        "diagnostic-code",
        "localized-diagnostic",
        "last-attempt-date",
        "final-log-id",
        "will-retry-until",
    ];
    NAMES.iter().any(|name| field.is(name))
}
