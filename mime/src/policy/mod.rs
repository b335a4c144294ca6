//! What to do about defects: nothing, refuse the message, or rewrite it so that
//! every reader sees the same (RFC 7103 1.3 and 4).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::sanitise::{self, Sanitiser};
use crate::{DefectSet, Inspector, Limits, Refused, Report};

/// What a gateway does about the defects of a message.
///
/// | policy | the message | a defect |
/// |---|---|---|
/// | [`lenient`](Self::lenient) | as it is | is reported |
/// | [`strict`](Self::strict) | as it is | of the refused set is an error, the moment its byte arrives |
/// | [`sanitise`](Self::sanitise) | rewritten, see [`sanitise`](crate::sanitise) | is mended and reported |
///
/// ```
/// use scop_mime::{DefectKind, Limits, Policy};
///
/// let message = b"Subject: a\r\nSubject: b\r\nFrom: a@b.test\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\nHi\r\n";
/// let limits = Limits::default();
///
/// let lenient = Policy::lenient().apply(message, &limits)?;
/// assert_eq!(lenient.bytes, &message[..]);
/// assert_eq!(lenient.report.defects()[0].kind, DefectKind::DuplicateField);
///
/// assert!(Policy::strict().apply(message, &limits).is_err());
///
/// let sanitised = Policy::sanitise().apply(message, &limits)?;
/// assert_eq!(sanitised.bytes, &b"Subject: a\r\nFrom: a@b.test\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\nHi\r\n"[..]);
/// # Ok::<(), scop_mime::Refused>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    refuse: DefectSet,
    sanitise: bool,
}

/// A message as a policy lets it pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied<'a> {
    /// It: borrowed where nothing was changed.
    pub bytes: Cow<'a, [u8]>,
    /// The defects of what came in.
    pub report: Report,
}

impl Policy {
    /// Everything passes as it is: the default.
    #[must_use]
    pub const fn lenient() -> Self {
        Policy {
            refuse: DefectSet::none(),
            sanitise: false,
        }
    }

    /// What is ambiguous or damaged is refused. Another set:
    /// [`refusing`](Self::refusing).
    #[must_use]
    pub const fn strict() -> Self {
        Self::lenient().refusing(DefectSet::ambiguous().union(DefectSet::damaged()))
    }

    /// The message is rewritten.
    #[must_use]
    pub const fn sanitise() -> Self {
        Policy {
            refuse: DefectSet::none(),
            sanitise: true,
        }
    }

    /// The same policy, but what is in `set`, and nothing else, is refused. A policy
    /// that sanitises refuses it all the same.
    #[must_use]
    pub const fn refusing(mut self, set: DefectSet) -> Self {
        self.refuse = set;
        self
    }

    /// Applies it to a message that is whole in memory.
    ///
    /// # Errors
    ///
    /// [`Refused`] for the first defect of the refused set.
    pub fn apply<'a>(&self, message: &'a [u8], limits: &Limits) -> Result<Applied<'a>, Refused> {
        let limits = match self.sanitise {
            true => sanitise::writable(limits),
            false => limits.clone(),
        };
        let mut inspector = Inspector::new(limits.clone()).refusing(self.refuse);
        inspector.write(message)?;
        let report = inspector.finish()?;
        let bytes = match self.sanitise {
            true => sanitise::rewrite(message, &limits, &report),
            false => Cow::Borrowed(message),
        };
        Ok(Applied { bytes, report })
    }

    /// Applies it to a message as it streams.
    #[must_use]
    pub fn gate(&self, limits: &Limits) -> Gate {
        Gate(match self.sanitise {
            true => Inner::Sanitise(Box::new(
                Sanitiser::new(limits.clone()).refusing(self.refuse),
            )),
            false => Inner::Pass(Box::new(
                Inspector::new(limits.clone()).refusing(self.refuse),
            )),
        })
    }
}

/// A [`Policy`] applied to one message as it streams.
///
/// ```
/// use scop_mime::{DefectKind, Limits, Policy};
///
/// let mut gate = Policy::strict().gate(&Limits::default());
/// let mut out = Vec::new();
/// gate.write(b"Subject: a\r\nSubject: b\r\n", &mut out)?;
/// let refused = gate.write(b"From: a@b.test\r\n", &mut out).unwrap_err();
/// assert_eq!(refused.defect.kind, DefectKind::DuplicateField);
/// # Ok::<(), scop_mime::Refused>(())
/// ```
#[derive(Debug)]
pub struct Gate(Inner);

#[derive(Debug)]
enum Inner {
    Pass(Box<Inspector>),
    Sanitise(Box<Sanitiser>),
}

impl Gate {
    /// The next bytes of the message; what may pass is appended to `out`.
    ///
    /// # Errors
    ///
    /// [`Refused`] as soon as a defect of the refused set shows; every later call
    /// gives it again. Nothing of this chunk is in `out` then (of a message that is
    /// being sanitised nothing behind the defect).
    pub fn write(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        match &mut self.0 {
            Inner::Pass(inspector) => {
                inspector.write(chunk)?;
                out.extend_from_slice(chunk);
                Ok(())
            }
            Inner::Sanitise(sanitiser) => sanitiser.write(chunk, out),
        }
    }

    /// The message is over.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn finish(self, out: &mut Vec<u8>) -> Result<Report, Refused> {
        match self.0 {
            Inner::Pass(inspector) => inspector.finish(),
            Inner::Sanitise(sanitiser) => sanitiser.finish(out),
        }
    }
}
