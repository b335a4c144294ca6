//! Message disposition notifications (RFC 8098; RFC 6533 for UTF-8).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::group::{Fields, RawField, Writer, note, set, set_typed};
use super::line::{Line, OtherField, Typed, without_comments};
use super::status::keywords;
use super::{MachinePart, ReportError};
use crate::build::BuildError;
use crate::value::ids;
use crate::{Defect, DefectKind};

keywords! {
    /// Whether a person did it (RFC 8098 3.2.6.1).
    ActionMode {
        /// A person did.
        Manual = "manual-action",
        /// A program did.
        Automatic = "automatic-action",
    }
}

keywords! {
    /// Whether a person allowed the notification (RFC 8098 3.2.6.1).
    SendingMode {
        /// For this one.
        Manual = "MDN-sent-manually",
        /// For all.
        Automatic = "MDN-sent-automatically",
    }
}

keywords! {
    /// What became of the message (RFC 8098 3.2.6.2).
    DispositionType {
        /// It was displayed.
        Displayed = "displayed",
        /// It was deleted.
        Deleted = "deleted",
        /// It was sent on, printed, faxed.
        Dispatched = "dispatched",
        /// A program did something with it.
        Processed = "processed",
        /// Nobody will be told (RFC 3798, obsolete).
        Denied = "denied",
        /// Nothing could be done (RFC 3798, obsolete).
        Failed = "failed",
    }
}

/// What was done with a message, and how (RFC 8098 3.2.6). [`Display`](fmt::Display)
/// is the value of the field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageDisposition {
    /// Whether a person did it.
    pub action: ActionMode,
    /// Whether a person allowed the notification.
    pub sending: SendingMode,
    /// What became of the message.
    pub kind: DispositionType,
    /// `error` and others.
    pub modifiers: Vec<Line>,
}

impl MessageDisposition {
    fn read(text: &str) -> Option<Self> {
        let text = without_comments(text);
        let (mode, kind) = text.split_once(';')?;
        let (action, sending) = mode.split_once('/')?;
        let (kind, modifiers) = match kind.split_once('/') {
            Some((kind, modifiers)) => (kind, modifiers),
            None => (kind, ""),
        };
        let modifiers = modifiers.split(',').map(str::trim);
        Some(MessageDisposition {
            action: ActionMode::read(action)?,
            sending: SendingMode::read(sending)?,
            kind: DispositionType::read(kind)?,
            modifiers: modifiers
                .filter(|m| !m.is_empty())
                .map(Line::read)
                .collect(),
        })
    }
}

impl fmt::Display for MessageDisposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}; {}", self.action, self.sending, self.kind)?;
        for (i, modifier) in self.modifiers.iter().enumerate() {
            let before = if i == 0 { '/' } else { ',' };
            write!(f, "{before}{modifier}")?;
        }
        Ok(())
    }
}

/// The program that made a notification (RFC 8098 3.2.1): `joes-pc.a.test; Foomail 97.1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReportingUa(Line);

impl ReportingUa {
    /// Its name, and its product if that is said.
    ///
    /// # Errors
    ///
    /// As [`Line::new`]; [`BuildError::FieldName`] for a name with a semicolon, which
    /// would end it.
    pub fn new(name: &str, product: Option<&str>) -> Result<Self, BuildError> {
        if name.contains(';') {
            return Err(BuildError::FieldName(
                "the name of a program has no semicolon",
            ));
        }
        let text = match product {
            Some(product) => alloc::format!("{name}; {product}"),
            None => String::from(name),
        };
        Ok(ReportingUa(Line::new(&text)?))
    }

    /// The name, of a host more often than not.
    #[must_use]
    pub fn name(&self) -> &str {
        let (name, _) = self
            .0
            .as_str()
            .split_once(';')
            .unwrap_or((self.0.as_str(), ""));
        name.trim_ascii()
    }

    /// The product.
    #[must_use]
    pub fn product(&self) -> Option<&str> {
        let (_, product) = self.0.as_str().split_once(';')?;
        Some(product.trim_ascii())
    }
}

/// What a mail program says was done with one message: the content of
/// `message/disposition-notification` or `message/global-disposition-notification`.
/// What is `None` was not said; what could not be read is in `others`.
///
/// ```
/// use scop_mime::report::{ActionMode, DispositionNotification, DispositionType, MessageDisposition, SendingMode, Typed};
///
/// let read = DispositionNotification {
///     final_recipient: Some(Typed::address_of("joe@a.test")?),
///     disposition: Some(MessageDisposition {
///         action: ActionMode::Manual,
///         sending: SendingMode::Manual,
///         kind: DispositionType::Displayed,
///         modifiers: vec![],
///     }),
///     ..DispositionNotification::default()
/// };
/// let part = read.to_part()?;
/// assert!(part.bytes().ends_with(b"Disposition: manual-action/MDN-sent-manually; displayed\r\n"));
/// assert_eq!(DispositionNotification::parse(part.bytes()), read);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DispositionNotification {
    /// Reporting-UA: the program that says so.
    pub reporting_ua: Option<ReportingUa>,
    /// MDN-Gateway: who made this out of another notification.
    pub mdn_gateway: Option<Typed>,
    /// Original-Recipient.
    pub original_recipient: Option<Typed>,
    /// Final-Recipient: who it is about. Required.
    pub final_recipient: Option<Typed>,
    /// Original-Message-ID, without its brackets.
    pub original_message_id: Option<Line>,
    /// Disposition. Required.
    pub disposition: Option<MessageDisposition>,
    /// Error: more about the modifier `error`, any number of times.
    pub errors: Vec<Line>,
    /// Other fields; `Failure` and `Warning` of RFC 3798 among them.
    pub others: Vec<OtherField>,
    /// What was wrong with the text it was read from: offsets from its start.
    pub defects: Vec<Defect>,
}

impl DispositionNotification {
    /// Reads the content of a part, without its transfer encoding. Never fails.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let mut out = DispositionNotification::default();
        let mut defects = out.take_all(body);
        if out.final_recipient.is_none() || out.disposition.is_none() {
            note(&mut defects, DefectKind::MissingReportField, 0);
        }
        defects.sort_unstable();
        out.defects = defects;
        out
    }

    /// Writes it: `message/disposition-notification`, or
    /// `message/global-disposition-notification` where a value is not ASCII.
    ///
    /// # Errors
    ///
    /// [`ReportError::Missing`] for a field that RFC 8098 requires.
    pub fn to_part(&self) -> Result<MachinePart, ReportError> {
        if self.final_recipient.is_none() {
            return Err(ReportError::Missing("Final-Recipient"));
        }
        if self.disposition.is_none() {
            return Err(ReportError::Missing("Disposition"));
        }
        let mut out = Writer::default();
        out.optional("Reporting-UA", self.reporting_ua.as_ref().map(|u| &u.0));
        out.optional("MDN-Gateway", self.mdn_gateway.as_ref());
        out.optional("Original-Recipient", self.original_recipient.as_ref());
        out.optional("Final-Recipient", self.final_recipient.as_ref());
        let id = self.original_message_id.as_ref();
        let id = id.map(|id| alloc::format!("<{id}>"));
        out.optional("Original-Message-ID", id.as_ref());
        out.optional("Disposition", self.disposition.as_ref());
        self.errors.iter().for_each(|e| out.field("Error", e));
        out.others(&self.others);
        Ok(MachinePart::new(
            "message/disposition-notification",
            "message/global-disposition-notification",
            "disposition-notification",
            out.finish(),
        ))
    }
}

impl Fields for DispositionNotification {
    fn place(
        &mut self,
        field: &RawField<'_>,
        defects: &mut Vec<Defect>,
    ) -> Option<Result<(), DefectKind>> {
        let value = &*field.value;
        Some(match field.name.to_ascii_lowercase().as_str() {
            "reporting-ua" => {
                let ua = Some(ReportingUa(Line::read(value)));
                set(&mut self.reporting_ua, ua)
            }
            "mdn-gateway" => set_typed(&mut self.mdn_gateway, field, "dns", defects),
            "original-recipient" => {
                set_typed(&mut self.original_recipient, field, "rfc822", defects)
            }
            "final-recipient" => set_typed(&mut self.final_recipient, field, "rfc822", defects),
            "original-message-id" => {
                let id = ids::parse(value.as_bytes()).into_iter().next();
                set(&mut self.original_message_id, id.map(|id| Line::read(&id)))
            }
            "disposition" => set(&mut self.disposition, MessageDisposition::read(value)),
            "error" => {
                self.errors.push(Line::read(value));
                Ok(())
            }
            _ => return None,
        })
    }

    fn others(&mut self) -> &mut Vec<OtherField> {
        &mut self.others
    }
}
