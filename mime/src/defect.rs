//! What is wrong or ambiguous in a message, and where. A defect never stops
//! anything: it says which reading was chosen where another reader may choose
//! differently (RFC 7103).

use core::fmt;

/// One thing that is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Defect {
    /// Where: bytes from the start of the message as given.
    pub offset: u64,
    /// What.
    pub kind: DefectKind,
}

impl Defect {
    pub(crate) fn new(kind: DefectKind, offset: u64) -> Self {
        Defect { offset, kind }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal, $rule:literal;)+) => {
        /// The kinds of defects, and which reading was chosen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum DefectKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl DefectKind {
            /// Every kind.
            pub const ALL: &'static [DefectKind] = &[$(DefectKind::$kind,)+];

            /// Its name: lower case with hyphens. [`Display`](fmt::Display) is the same.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(DefectKind::$kind => $name,)+ }
            }

            /// The rule that it breaks: `RFC 2046 5.1.1`.
            #[must_use]
            pub const fn rule(self) -> &'static str {
                match self { $(DefectKind::$kind => $rule,)+ }
            }
        }
    };
}

kinds! {
    /// More header than [`Limits::header_bytes`](crate::Limits::header_bytes): it
    /// was ended here, the rest is an opaque body.
    HeaderTooLong = "header-too-long", "scop limit: headers total";
    /// A field longer than [`Limits::field_bytes`](crate::Limits::field_bytes): its
    /// value was read up to there.
    FieldTooLong = "field-too-long", "scop limit: one field";
    /// More fields than [`Limits::fields`](crate::Limits::fields): the header was
    /// ended here, the rest is an opaque body.
    TooManyFields = "too-many-fields", "scop limit: fields";
    /// A multipart or message deeper than [`Limits::depth`](crate::Limits::depth):
    /// an opaque leaf.
    TooDeep = "too-deep", "scop limit: MIME depth";
    /// More parts than [`Limits::parts`](crate::Limits::parts): the rest is one
    /// opaque leaf.
    TooManyParts = "too-many-parts", "scop limit: MIME parts";
    /// More parameters than [`Limits::parameters`](crate::Limits::parameters): the
    /// others were left out.
    TooManyParameters = "too-many-parameters", "scop limit: parameters";
    /// A line in a header that is no field. It is kept, without a name.
    NotAField = "not-a-field", "RFC 5322 2.2";
    /// An mbox separator (`From `) where a header begins. Kept, without a name.
    MboxFrom = "mbox-from", "RFC 4155";
    /// White space between a field's name and its colon: dropped.
    SpaceBeforeColon = "space-before-colon", "RFC 5322 3.6.8";
    /// NUL in a header.
    NulInHeader = "nul-in-header", "RFC 5322 4.1";
    /// A CR without LF in a header: an ordinary byte.
    BareCrInHeader = "bare-cr-in-header", "RFC 5322 2.2";
    /// Bytes above 127 in a header that are not UTF-8.
    NotUtf8InHeader = "not-utf8-in-header", "RFC 6532 3.2";
    /// No empty line between header and body: the body begins where no field can be.
    MissingSeparator = "missing-separator", "RFC 5322 2.1";
    /// A field that may come once came again; the first counts.
    DuplicateField = "duplicate-field", "RFC 5322 3.6";
    /// A Content-Type that cannot be read: the default type counts.
    BadContentType = "bad-content-type", "RFC 2045 5.1";
    /// A parameter that came twice; the first counts.
    DuplicateParameter = "duplicate-parameter", "RFC 2045 5.1";
    /// A multipart without a boundary: an opaque leaf.
    MissingBoundary = "missing-boundary", "RFC 2046 5.1.1";
    /// A boundary that no line of 998 bytes can hold: an opaque leaf.
    BadBoundary = "bad-boundary", "RFC 2046 5.1.1";
    /// The same boundary as an enclosing multipart: lines count for the inner one.
    SharedBoundary = "shared-boundary", "RFC 2046 5.1.2";
    /// A multipart that says base64 or quoted-printable: read as if it did not.
    EncodedMultipart = "encoded-multipart", "RFC 2045 6.4";
    /// A message in base64 or quoted-printable: an opaque leaf.
    EncodedMessage = "encoded-message", "RFC 2046 5.2.1";
    /// A multipart that ends without its close delimiter.
    MissingCloseDelimiter = "missing-close-delimiter", "RFC 2046 5.1.1";
    /// A delimiter of a multipart that was closed already: part of the epilogue.
    DelimiterAfterClose = "delimiter-after-close", "RFC 2046 5.1.1";
    /// A close delimiter with something behind it on its line: it closes.
    JunkAfterDelimiter = "junk-after-delimiter", "RFC 2046 5.1.1";
    /// A line that begins like a delimiter and goes on: an ordinary line.
    NearDelimiter = "near-delimiter", "RFC 2046 5.1.1";
    /// A multipart without a part.
    EmptyMultipart = "empty-multipart", "RFC 2046 5.1.1";
    /// Both CRLF and bare LF end lines.
    MixedLineEnds = "mixed-line-ends", "RFC 5322 2.3";
    /// A Content-Transfer-Encoding that nobody knows: taken as it is.
    UnknownEncoding = "unknown-encoding", "RFC 2045 6.4";
    /// A byte that is not base64: skipped.
    Base64Junk = "base64-junk", "RFC 2045 6.8";
    /// base64 that ends within a group of four: what whole bytes there are count.
    Base64Truncated = "base64-truncated", "RFC 2045 6.8";
    /// base64 that goes on behind its padding: decoded as well.
    Base64AfterPadding = "base64-after-padding", "RFC 2045 6.8";
    /// `=` without two hexadecimal digits: taken as it is.
    QpBadEscape = "qp-bad-escape", "RFC 2045 6.7";
    /// White space at the end of a quoted-printable line: dropped.
    QpTrailingSpace = "qp-trailing-space", "RFC 2045 6.7";
    /// A soft line break at the end of the body: dropped.
    QpSoftBreakAtEnd = "qp-soft-break-at-end", "RFC 2045 6.7";
    /// uuencoded data that cannot be read: taken as far as it can.
    UuDamaged = "uu-damaged", "POSIX uuencode";
    /// A charset that nobody knows: there is no text.
    UnknownCharset = "unknown-charset", "RFC 2045 2.4";
    /// Bytes that are not of the charset: replaced.
    NotOfCharset = "not-of-charset", "RFC 2046 4.1.2";
    /// A date that cannot be read.
    BadDate = "bad-date", "RFC 5322 3.3";
    /// An address field without an address in it.
    BadAddress = "bad-address", "RFC 5322 3.4";
}

impl fmt::Display for DefectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
