//! The kinds of defects: what is wrong, which reading is chosen, and who reads it
//! differently.

use core::fmt;

use super::DefectClass;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident = $name:literal, $class:ident, $rule:literal, $summary:literal;)+) => {
        /// The kinds of defects, and which reading is chosen. The first sentence is
        /// [`summary`](Self::summary).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum DefectKind {
            $(#[doc = $summary] #[doc = ""] $(#[doc = $doc])* $kind,)+
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

            /// What it means for whoever acts on it.
            #[must_use]
            pub const fn class(self) -> DefectClass {
                match self { $(DefectKind::$kind => DefectClass::$class,)+ }
            }

            /// What is wrong and which reading was chosen, in a sentence.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(DefectKind::$kind => $summary,)+ }
            }
        }
    };
}

// "Others" are the readers in use that choose differently: Python's email package,
// mail-parser and mailparse (Rust) as measured, others as published. A kind of
// ambiguity, damage or deception has a case in `tests/ambiguity.txt`, or is named in
// `tests/ambiguity.rs` when its test is elsewhere.
kinds! {
    // Limits.

    HeaderTooLong = "header-too-long", Limit, "scop limit: headers total",
        "A header longer than the limit: ended here, the rest is an opaque body.";
    FieldTooLong = "field-too-long", Limit, "scop limit: one field",
        "A field longer than the limit: its value was read up to there.";
    TooManyFields = "too-many-fields", Limit, "scop limit: fields",
        "More fields than the limit: the header was ended here, the rest is an opaque body.";
    TooDeep = "too-deep", Limit, "scop limit: MIME depth",
        "A multipart or message deeper than the limit: an opaque leaf.";
    TooManyParts = "too-many-parts", Limit, "scop limit: MIME parts",
        "More parts than the limit: the rest is one opaque leaf.";
    TooManyParameters = "too-many-parameters", Limit, "scop limit: parameters",
        "More parameters than the limit: the others were left out.";

    // Headers.

    /// Others: the first field has a name that nobody knows, or there is no header.
    ByteOrderMark = "byte-order-mark", Ambiguity, "RFC 5322 2.2",
        "A byte order mark before the first field: kept as a line without a name.";
    /// Others: the body begins here (mailparse and Python end the header), or the line
    /// goes on the field before it (RFC 7103 7.2 would have that).
    NotAField = "not-a-field", Ambiguity, "RFC 5322 2.2",
        "A line in a header that is no field: kept, without a name.";
    /// Others: a field of that name, or the end of the header.
    MboxFrom = "mbox-from", Ambiguity, "RFC 4155",
        "An mbox separator where a header begins: kept, without a name.";
    /// Others: no field at all, or a field whose name ends in a space, which a filter
    /// does not look for.
    SpaceBeforeColon = "space-before-colon", Ambiguity, "RFC 5322 3.6.8",
        "White space between a field's name and its colon: dropped.";
    /// Others: what is written in C may see the end of the value.
    NulInHeader = "nul-in-header", Ambiguity, "RFC 5322 4.1",
        "NUL in a header: dropped from the value.";
    /// Others: the end of a line, behind which another field begins (Python). Where all
    /// lines end in CRCRLF, Dovecot sees no body.
    BareCrInHeader = "bare-cr-in-header", Ambiguity, "RFC 5322 2.2",
        "A CR without LF in a header: dropped from the value; of a line of CRCRLF, which is empty.";
    /// Others: the empty line that ends the header, for whoever strips white space
    /// first (RFC 7103 7.3).
    BlankContinuation = "blank-continuation", Ambiguity, "RFC 5322 3.2.2",
        "A folded line of nothing but white space: it continues the field.";
    NotUtf8InHeader = "not-utf8-in-header", Damage, "RFC 6532 3.2",
        "Bytes above 127 in a header that are not UTF-8: replaced where most of them are, else read as ISO-8859-1.";
    /// Only mail that was announced as SMTPUTF8 may have it.
    RawUtf8InHeader = "raw-utf8-in-header", Deviation, "RFC 6532 3.2",
        "UTF-8 in a header, not in encoded words: read as it is.";
    /// Others: the line is header still, up to an empty line.
    MissingSeparator = "missing-separator", Ambiguity, "RFC 5322 2.1",
        "No empty line between header and body: the body begins where no field can be.";
    /// Others: the last one, or all of them.
    DuplicateField = "duplicate-field", Ambiguity, "RFC 5322 3.6",
        "A field that may come once came again: the first counts.";
    MissingMimeVersion = "missing-mime-version", Deviation, "RFC 2045 4",
        "A message with MIME fields and without MIME-Version: read as if it were there.";
    BadMimeVersion = "bad-mime-version", Deviation, "RFC 2045 4",
        "A MIME-Version other than 1.0: read as 1.0.";
    ControlInHeader = "control-in-header", Deviation, "RFC 5322 4.1",
        "A control character in a header: kept.";
    EmptyField = "empty-field", Deviation, "RFC 5322 3.6",
        "A field that must name somebody or something and is empty: it says nothing.";
    MissingFrom = "missing-from", Deviation, "RFC 5322 3.6",
        "A message without From.";
    MissingDate = "missing-date", Deviation, "RFC 5322 3.6",
        "A message without Date.";
    /// Others: what is behind 998 bytes is not looked at (RFC 7103 9.1), or begins a new
    /// line.
    LineTooLong = "line-too-long", Ambiguity, "RFC 5322 2.1.1",
        "A line of more than 998 bytes: read whole.";

    // The values of MIME fields.

    /// Others: guess by the name of the file, or take it for text.
    BadContentType = "bad-content-type", Ambiguity, "RFC 2045 5.1",
        "A Content-Type that cannot be read: the default type counts.";
    /// Others: the last one; mailparse does so.
    DuplicateParameter = "duplicate-parameter", Ambiguity, "RFC 2045 5.1",
        "A parameter that came twice: the first counts.";
    /// `filename=a; filename*=utf-8''b`, or sections beside a whole value. Others: the
    /// plain one, whoever does not know RFC 2231.
    ConflictingParameter = "conflicting-parameter", Ambiguity, "RFC 2231 3",
        "A parameter plain and by RFC 2231: the latter counts.";
    /// Others: the whole is a value with a comment in it, or no boundary is found.
    CommentInMimeField = "comment-in-mime-field", Ambiguity, "RFC 2045 5.1",
        "A comment in a MIME field, or white space around its `/` or `=`: skipped, as the rule is.";
    UnquotedParameter = "unquoted-parameter", Deviation, "RFC 2045 5.1",
        "A parameter with characters that need quotes: they are of the value.";
    /// Others: the value ends at the white space, or goes on to the semicolon.
    UnquotedSpace = "unquoted-space", Ambiguity, "RFC 2045 5.1",
        "A parameter of several words without quotes: all up to the semicolon, or to where another parameter begins.";
    StraySemicolon = "stray-semicolon", Deviation, "RFC 2045 5.1",
        "A semicolon with no parameter behind it: skipped.";
    /// Others: no parameter behind it is seen, or it goes to the one before.
    BadParameter = "bad-parameter", Ambiguity, "RFC 2045 5.1",
        "Something that is no parameter among parameters: skipped.";
    /// Others: put together as they come, or nothing at all.
    OddContinuation = "odd-continuation", Ambiguity, "RFC 2231 3",
        "Sections of a parameter out of order, with gaps, or with zeros before their numbers: put together by number, up to the first gap.";
    /// `name*=abc`, `name*=\"utf-8''a\"`, `name*0=a; name*1*=%41`. Others: no parameter, or
    /// the value as it is written.
    BadExtendedValue = "bad-extended-value", Ambiguity, "RFC 2231 4",
        "A parameter by RFC 2231 without its charset and language, in quotes, or with a `%` that begins no escape: taken as far as it goes.";
    /// Others: an unknown type, whose content is not looked into.
    ObsoleteType = "obsolete-type", Ambiguity, "RFC 2046 5.2.4",
        "`message/news`: read as the message that it is.";
    MissingParameter = "missing-parameter", Deviation, "RFC 2046 5.2",
        "A type without a parameter that it must have: as if it were unknown.";
    OddParameterValue = "odd-parameter-value", Deviation, "RFC 2183 2",
        "A parameter whose value is no date, number or word as it must be, or too long for its form: kept.";
    /// `filename=\"a\\b\"`. Others: the backslash is a character of the value.
    BackslashInParameter = "backslash-in-parameter", Ambiguity, "RFC 2045 5.1",
        "A backslash before a character that needs none: dropped, as the rule is.";
    /// Others: keep the line end; Python then finds no boundary.
    FoldInParameter = "fold-in-parameter", Ambiguity, "RFC 2045 5.1",
        "A line end within the quotes of a parameter: dropped, and the white space behind it kept.";
    /// Others: the words as they are.
    EncodedWordInParameter = "encoded-word-in-parameter", Ambiguity, "RFC 2047 5",
        "An encoded word in a parameter: decoded.";
    /// By RFC 2231 or an encoded word. Others: dropped, or shown.
    ControlInParameter = "control-in-parameter", Ambiguity, "RFC 2045 5.1",
        "A control character in a parameter, a line end perhaps: kept.";
    /// Others: do not know RFC 2231, and find no boundary.
    ExtendedBoundary = "extended-boundary", Ambiguity, "RFC 2231 3",
        "A boundary by RFC 2231: put together and decoded.";
    /// Others: trim it, or stop at the character.
    OddBoundary = "odd-boundary", Ambiguity, "RFC 2046 5.1.1",
        "A boundary of more than 70 characters, of others than the rule has, or that ends in a space: taken as it is.";
    /// Others: treat the part as text, or look for the first line with `--`.
    MissingBoundary = "missing-boundary", Ambiguity, "RFC 2046 5.1.1",
        "A multipart without a boundary: an opaque leaf.";
    BadBoundary = "bad-boundary", Ambiguity, "RFC 2046 5.1.1",
        "A boundary that no line of 998 bytes can hold: an opaque leaf.";
    /// Others: the name of the type.
    ConflictingFilename = "conflicting-filename", Ambiguity, "RFC 2183 2.3",
        "The type's name and the disposition's filename differ: the latter counts.";
    BadDisposition = "bad-disposition", Ambiguity, "RFC 2183 2",
        "A Content-Disposition that cannot be read: as if it were not there; parameters alone make it an attachment.";
    /// `base64, 7bit`, `base64 x`, `\"base64\"`; white space behind it, or a fold before it,
    /// too. Others: an encoding that nobody knows, so 7bit.
    JunkInEncoding = "junk-in-encoding", Ambiguity, "RFC 2045 6.1",
        "A Content-Transfer-Encoding with more than its name: the first word counts.";
    /// Others: 7bit as well, or an attachment of an unknown type (RFC 2045 6.4).
    UnknownEncoding = "unknown-encoding", Ambiguity, "RFC 2045 6.4",
        "A Content-Transfer-Encoding that nobody knows: taken as it is.";
    /// Others: mailparse and mail-parser take it as it is.
    ObsoleteEncoding = "obsolete-encoding", Ambiguity, "RFC 2045 6.3",
        "uuencode as a Content-Transfer-Encoding: decoded.";

    ForbiddenEncoding = "forbidden-encoding", Deviation, "RFC 2046 5.2",
        "A transfer encoding that the type must not have: taken as it says.";
    UnderstatedEncoding = "understated-encoding", Deviation, "RFC 2045 6.4",
        "8-bit bytes in a part of something that says 7bit: taken as the part says.";
    DuplicateContentId = "duplicate-content-id", Deviation, "RFC 2045 7",
        "A Content-ID that another part of the message has: the first part is meant.";
    MissingContentId = "missing-content-id", Deviation, "RFC 2046 5.2.3",
        "An external body without a Content-ID.";

    // Structure.

    /// Or one is the other with `--` or white space behind it, as delimiters have it.
    /// Others: the outer one, so that a part of the inner ends it. So does everybody who
    /// does not look into the message within that has the inner one:
    /// [`Mode::Flat`](crate::Mode::Flat), and an [`Extractor`](crate::Extractor).
    SharedBoundary = "shared-boundary", Ambiguity, "RFC 2046 5.1.2",
        "The same boundary as an enclosing multipart: lines count for the inner one.";
    /// Others: decode first (MimeKit), and find other parts.
    EncodedMultipart = "encoded-multipart", Ambiguity, "RFC 2045 6.4",
        "A multipart that says base64 or quoted-printable: read as if it did not.";
    /// Others: decode first, and find a message.
    EncodedMessage = "encoded-message", Ambiguity, "RFC 2046 5.2.1",
        "A message in base64 or quoted-printable: an opaque leaf.";
    MissingCloseDelimiter = "missing-close-delimiter", Damage, "RFC 2046 5.1.1",
        "A multipart that ends without its close delimiter.";
    /// Others: another part.
    DelimiterAfterClose = "delimiter-after-close", Ambiguity, "RFC 2046 5.1.1",
        "A delimiter of a multipart that was closed already: part of the epilogue.";
    /// Others: an ordinary line.
    JunkAfterDelimiter = "junk-after-delimiter", Ambiguity, "RFC 2046 5.1.1",
        "A close delimiter with something behind it on its line: it closes.";
    /// Others: a delimiter, as RFC 2046 has it to the letter.
    NearDelimiter = "near-delimiter", Ambiguity, "RFC 2046 5.1.1",
        "A line that begins like a delimiter and goes on: an ordinary line.";
    /// Others: what would be its preamble is its text.
    EmptyMultipart = "empty-multipart", Ambiguity, "RFC 2046 5.1.1",
        "A multipart without a part: in the tree a leaf, which is read as text.";
    /// Others: a bare LF is a character, or a CR alone ends a line too.
    MixedLineEnds = "mixed-line-ends", Ambiguity, "RFC 5322 2.3",
        "Both CRLF and bare LF end lines: either does.";
    PreambleContent = "preamble-content", Deviation, "RFC 2046 5.1.1",
        "Text before the first part of a multipart: nobody shows it.";
    EpilogueContent = "epilogue-content", Deviation, "RFC 2046 5.1.1",
        "Text behind the last part of a multipart: nobody shows it.";

    // Bodies.

    /// Others: it ends the data, or spoils all of it.
    Base64Junk = "base64-junk", Ambiguity, "RFC 2045 6.8",
        "A byte that is not base64: skipped.";
    /// Others: nothing at all is decoded (mailparse).
    Base64Truncated = "base64-truncated", Ambiguity, "RFC 2045 6.8",
        "base64 that ends within a group of four: what whole bytes there are count.";
    /// Others: digits, as in the alphabet for URLs (RFC 4648 5).
    Base64UrlDigit = "base64-url-digit", Ambiguity, "RFC 2045 6.8",
        "`-` or `_` in base64: skipped.";
    /// Others: the data ends at the padding.
    Base64AfterPadding = "base64-after-padding", Ambiguity, "RFC 2045 6.8",
        "base64 that goes on behind its padding: decoded as well.";
    /// Others: nothing at all is decoded (mailparse).
    Base64StrayBits = "base64-stray-bits", Ambiguity, "RFC 4648 3.5",
        "Bits behind the last byte of base64: dropped.";
    /// Others: the two characters are dropped, or `=` is.
    QpBadEscape = "qp-bad-escape", Ambiguity, "RFC 2045 6.7",
        "`=` without two hexadecimal digits: taken as it is.";
    /// Others: no escape.
    QpLowerCase = "qp-lower-case", Ambiguity, "RFC 2045 6.7",
        "A hexadecimal digit in lower case in quoted-printable: taken.";
    /// Others: kept; behind `=`, that is no soft line break.
    QpTrailingSpace = "qp-trailing-space", Ambiguity, "RFC 2045 6.7",
        "White space at the end of a quoted-printable line: dropped.";
    QpControl = "qp-control", Deviation, "RFC 2045 6.7",
        "A control character in quoted-printable: taken as it is.";
    EncodedLineTooLong = "encoded-line-too-long", Deviation, "RFC 2045 6.7",
        "A line of base64 or quoted-printable of more than 76 characters: decoded whole.";
    QpSoftBreakAtEnd = "qp-soft-break-at-end", Damage, "RFC 2045 6.7",
        "A soft line break at the end of the body: dropped.";
    UuDamaged = "uu-damaged", Damage, "POSIX uuencode",
        "uuencoded data that cannot be read: taken as far as it can.";
    /// Others: US-ASCII, UTF-8, ISO-8859-1.
    UnknownCharset = "unknown-charset", Ambiguity, "RFC 2045 2.4",
        "A charset that nobody knows: there is no text; an encoded word stays as it is.";
    /// `none`, `unknown-8bit`, `cp-1252`, a quote too many. Others: no charset, US-ASCII.
    OddCharset = "odd-charset", Ambiguity, "RFC 2045 2.4",
        "A charset by a name that is not its own, or that says nothing: the one that is meant, US-ASCII for nothing.";
    NotOfCharset = "not-of-charset", Damage, "RFC 2046 4.1.2",
        "Bytes that are not of the charset: replaced.";
    /// Others: US-ASCII, where markup is no markup.
    Utf7 = "utf7", Ambiguity, "RFC 2152",
        "Text in UTF-7, which hides markup: decoded, where it is known.";
    LoneLineEnd = "lone-line-end", Deviation, "RFC 2046 4.1.1",
        "CR or LF alone in a text that is encoded: taken as it is.";
    OddFlowed = "odd-flowed", Deviation, "RFC 3676 4",
        "format=flowed with a soft line break before another depth of quotation or a signature, where the paragraph ends, or with `From ` not stuffed.";
    EightBitBody = "eight-bit-body", Deviation, "RFC 2045 2.7",
        "Bytes above 127 in a body that says 7bit or quoted-printable: taken as they are.";
    /// Others: what is written in C may see the end of the text.
    NulInBody = "nul-in-body", Ambiguity, "RFC 2045 2.7",
        "NUL in a body that is not encoded: taken as it is.";
    /// Others: the end of a line (RFC 7103 6).
    BareCrInBody = "bare-cr-in-body", Ambiguity, "RFC 2045 2.7",
        "A CR without LF in a body of text or quoted-printable: taken as it is.";
    BinaryBody = "binary-body", Deviation, "RFC 3030",
        "A body that says binary: only BINARYMIME carries it.";

    // Addresses, dates and other values of headers.

    BadDate = "bad-date", Damage, "RFC 5322 3.3",
        "A date that cannot be read: none.";
    WrongWeekday = "wrong-weekday", Deviation, "RFC 5322 3.3",
        "A day of the week that the date is not on: it does not count.";
    /// Others: a year of the first century, or of the next one.
    ObsoleteDate = "obsolete-date", Deviation, "RFC 5322 4.3",
        "A year of two or three digits, or a zone by name: read as the rule is.";
    /// Others: no date, or another one.
    OddDate = "odd-date", Ambiguity, "RFC 5322 3.3",
        "A date in an order, with separators or digits that are not the rule's: read as it is meant.";
    /// mailparse knows no date without seconds or a space behind the comma, and no tab or
    /// comment in one.
    UncommonDate = "uncommon-date", Ambiguity, "RFC 5322 3.3",
        "A date in a form that not every reader knows, by the rule or not: read as the rule is.";
    /// Others: the time of the place where they are.
    MissingZone = "missing-zone", Ambiguity, "RFC 5322 3.3",
        "A date without a zone: UTC, of a place unknown.";
    /// Others: what the letters may mean where they are.
    UnknownZone = "unknown-zone", Ambiguity, "RFC 5322 4.3",
        "A zone that nobody knows: UTC, of a place unknown.";
    TextAfterDate = "text-after-date", Deviation, "RFC 5322 3.3",
        "Text behind a date: not looked at.";
    OddMessageId = "odd-message-id", Deviation, "RFC 5322 3.6.4",
        "A message id without brackets, without an @ or with white space: taken, without the space.";
    /// Others: the last one, or all of them as one.
    SeveralIds = "several-ids", Ambiguity, "RFC 5322 3.6.4",
        "More than one id where there is one: the first counts.";
    TextAmongIds = "text-among-ids", Deviation, "RFC 5322 4.5.4",
        "Text between message ids: skipped.";
    UndatedReceived = "undated-received", Damage, "RFC 5321 4.4",
        "A Received without a date behind a semicolon: no date.";
    OddReturnPath = "odd-return-path", Deviation, "RFC 5322 3.6.7",
        "A Return-Path without brackets: the address is taken.";
    OddListUrl = "odd-list-url", Deviation, "RFC 2369 2",
        "Something that is no URL in brackets: it and what follows is skipped; a URL alone is taken.";
    OddListId = "odd-list-id", Deviation, "RFC 2919 3",
        "A List-Id without brackets: taken where it is one word.";
    OddAuthenticationResults = "odd-authentication-results", Deviation, "RFC 8601 2.2",
        "Authentication-Results without an id, or with something that is no result: left out.";
    BadAutocrypt = "bad-autocrypt", Damage, "Autocrypt level 1 2.1",
        "An Autocrypt field that is not valid: no key.";
    BadAddress = "bad-address", Damage, "RFC 5322 3.4",
        "An address field without an address in it: nobody.";
    /// Others: the route is part of the local part (mail-parser, mailparse).
    SourceRoute = "source-route", Ambiguity, "RFC 5322 4.4",
        "A source route before an address: kept apart, the address counts.";
    ExcessBrackets = "excess-brackets", Ambiguity, "RFC 7103 7.1.2",
        "More angle brackets around an address than one pair: dropped.";
    UnbalancedBracket = "unbalanced-bracket", Ambiguity, "RFC 7103 7.1.3",
        "An angle bracket without the other one: the address ends at the comma.";
    UnbalancedParenthesis = "unbalanced-parenthesis", Ambiguity, "RFC 7103 7.1.4",
        "A parenthesis without the other one: a stray character.";
    UnbalancedQuote = "unbalanced-quote", Ambiguity, "RFC 7103 7.1.6",
        "A quote that nothing ends: a stray character; of a parameter all up to the end.";
    NakedLocalPart = "naked-local-part", Deviation, "RFC 7103 7.1.7",
        "An address without a domain: a local part alone.";
    SeveralAt = "several-at", Ambiguity, "RFC 5322 3.4.1",
        "An address with more than one @: the last one counts.";
    EncodedWordInAddress = "encoded-word-in-address", Ambiguity, "RFC 2047 5",
        "An encoded word in an address: not decoded.";
    EncodedWordInQuotes = "encoded-word-in-quotes", Ambiguity, "RFC 2047 5",
        "An encoded word in a quoted string: decoded.";
    /// Others: the words and the address run together, or nothing at all.
    MissingBrackets = "missing-brackets", Ambiguity, "RFC 5322 3.4",
        "A name and an address without brackets: the word with the @ is the address.";
    /// `<a@x.test>b@y.test`. Others: the first alone, the last alone, or no address.
    TextAfterAddress = "text-after-address", Ambiguity, "RFC 5322 3.4",
        "Text between an address and the comma: with an @ an entry of its own, else the name where there is none.";
    UnquotedDot = "unquoted-dot", Deviation, "RFC 5322 4.1",
        "A dot in a name without quotes: part of the name.";
    /// Others: an entry of its own.
    UnquotedComma = "unquoted-comma", Ambiguity, "RFC 5322 3.2.5",
        "A comma in a name without quotes: part of the name.";
    UnquotedSpecial = "unquoted-special", Deviation, "RFC 5322 3.2.5",
        "A character in a name that needs quotes: part of the name; a colon is dropped.";
    /// Others: without it, or no address.
    SpaceInAddress = "space-in-address", Ambiguity, "RFC 5322 3.4.1",
        "White space in an address: kept in the local part, the domain ends at it.";
    /// Others: of the address, or no address.
    ObsoleteAddress = "obsolete-address", Ambiguity, "RFC 5322 4.4",
        "White space or a comment around a dot or the @ of an address: dropped.";
    EmptyAddress = "empty-address", Deviation, "RFC 5322 3.4",
        "Brackets with no address in them: a mailbox without an address.";
    IllFormedAddress = "ill-formed-address", Deviation, "RFC 5322 3.4.1",
        "Dots or characters in an address that do not belong there: kept.";
    EmptyListItem = "empty-list-item", Deviation, "RFC 5322 4.4",
        "Nothing between two commas of a list, or at its end: skipped.";
    /// Others: the end of the list, or a character of the address.
    SemicolonSeparator = "semicolon-separator", Ambiguity, "RFC 5322 3.4",
        "A semicolon outside of a group: a comma.";
    NestedGroup = "nested-group", Ambiguity, "RFC 5322 3.4",
        "A group within a group: its colon is dropped.";
    UnclosedGroup = "unclosed-group", Damage, "RFC 5322 3.4",
        "A group without its semicolon: it ends with the value.";
    SeveralFrom = "several-from", Deviation, "RFC 5322 3.6.2",
        "More than one author and no Sender.";

    SeveralSender = "several-sender", Deviation, "RFC 5322 3.6.2",
        "More than one mailbox in a Sender.";
    MissingResentField = "missing-resent-field", Deviation, "RFC 5322 3.6.6",
        "Resent fields without Resent-From or Resent-Date.";

    // Encoded words and parameters.

    /// Others: no word, so its text stays encoded.
    EncodedWordSpace = "encoded-word-space", Ambiguity, "RFC 2047 2",
        "White space in an encoded word: it is one all the same.";
    /// Others: no word.
    EncodedWordUnclosed = "encoded-word-unclosed", Ambiguity, "RFC 2047 2",
        "An encoded word without its end: it ends where its text does.";
    /// Others: no word. Not told of one that a `,`, `:` or `;` of an address list touches, as
    /// Python's `email` writes the names of groups: no reader is known that does not take it for a word.
    EncodedWordAdjoined = "encoded-word-adjoined", Ambiguity, "RFC 2047 5",
        "An encoded word without white space around it: it is one all the same.";
    /// Others: no word, or cut there.
    EncodedWordBadText = "encoded-word-bad-text", Ambiguity, "RFC 2047 4",
        "An encoded word whose text is not of its encoding: decoded as a body would be.";
    /// Others: two broken characters.
    EncodedWordSplit = "encoded-word-split", Deviation, "RFC 2047 5",
        "A character cut between two encoded words: put together.";
    /// Others: kept, as the start of another header field, say.
    EncodedWordControl = "encoded-word-control", Ambiguity, "RFC 2047 5",
        "A line end or NUL in an encoded word: dropped.";

    /// Others: a word, whatever it is.
    BadEncodedWord = "bad-encoded-word", Ambiguity, "RFC 2049 2",
        "What begins and ends like an encoded word and is none: text.";
    EncodedWordTooLong = "encoded-word-too-long", Deviation, "RFC 2047 2",
        "An encoded word of more than 75 characters, or in a line of more than 76: decoded.";
    EncodedWordMisplaced = "encoded-word-misplaced", Deviation, "RFC 2047 5",
        "An encoded word in a field that has no text: not decoded.";
    /// `To: =?utf-8?Q?Doe,_John?= <a@b.test>`. Others: the word ends there, with the address.
    EncodedWordSpecial = "encoded-word-special", Ambiguity, "RFC 2047 5",
        "A character in an encoded word of a phrase or comment that would end it: of the word.";
    EncodedWordCharacter = "encoded-word-character", Deviation, "RFC 2047 5",
        "A character in an encoded word of a phrase that may not be there: of the word.";

    // What fools people.

    AddressInName = "address-in-name", Deception, "RFC 7103 7.1",
        "A display name that looks like another address than the one it is for.";
    BidiControl = "bidi-control", Deception, "RFC 5892 A",
        "Characters that turn the direction of text, in a name or an address.";
    MixedScripts = "mixed-scripts", Deception, "RFC 5890 4.4",
        "Letters of several alphabets that look alike, in one label of a domain.";
    BadALabel = "bad-a-label", Deception, "RFC 5890 2.3.2.1",
        "A label that begins with xn-- and is no name in another script.";

    // What is in the bodies of parts.

    /// From a line `begin 644 name` on. Others: an attachment (Outlook and others of old).
    /// [`uuencoded`](crate::uuencoded) finds such files in a text.
    UuencodedText = "uuencoded-text", Deception, "POSIX uuencode",
        "A file that is uuencoded in a text: text.";
    BadReportField = "bad-report-field", Damage, "RFC 3464 2.1",
        "A field of a report that cannot be read, or not at once: kept among the others.";
    DuplicateReportField = "duplicate-report-field", Ambiguity, "RFC 3464 2.2",
        "A field of a report that may come once came again: the first counts.";
    MissingReportField = "missing-report-field", Deviation, "RFC 3464 2.2",
        "A report without a field that it must have.";
    MissingReportType = "missing-report-type", Deviation, "RFC 3464 2.1.2",
        "A value of a report without its type before a semicolon: the usual type was taken.";
    BadReportGroup = "bad-report-group", Deviation, "RFC 3464 2.1",
        "Groups of a report with a blank line too few or too many: told apart by their fields.";
    TnefChecksum = "tnef-checksum", Damage, "MS-OXTNEF 2.1.3.2",
        "An attribute of TNEF whose checksum is not that of its bytes: taken as it is.";
    TnefDamaged = "tnef-damaged", Damage, "MS-OXTNEF 2.1.3",
        "TNEF that ends too early, or has lengths that do not fit: what came before counts.";
}

impl fmt::Display for DefectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
