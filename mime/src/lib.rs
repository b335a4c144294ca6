#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod build;
mod decode;
mod defect;
pub mod edit;
mod encode;
mod extract;
pub mod flowed;
pub mod html;
mod imap;
mod inspect;
mod limits;
pub mod maildir;
pub mod mbox;
pub mod partial;
mod policy;
mod reader;
pub mod report;
mod sanitise;
mod scan;
mod secure;
#[cfg(feature = "tnef")]
pub mod tnef;
mod tree;
mod value;
#[doc(hidden)]
pub mod vectors;

pub use decode::{
    Base64, Decoder, QuotedPrintable, Uuencode, Uuencoded, UuencodedFiles, uuencoded,
};
pub use defect::{Defect, DefectClass, DefectKind, DefectSet};
pub use encode::{EncodeBase64, EncodeQuotedPrintable, Encoder};
pub use extract::{Attachment, AttachmentEnd, Extract, Extractor, FileNames, safe_filename};
pub use imap::{
    BodyKind, BodyStructure, Detail, Envelope, EnvelopeAddress, Parameters, ParseSectionError,
    Section, SectionText, Single, select_fields, to_crlf,
};
pub use inspect::{Inspector, Refused, Report};
pub use limits::Limits;
pub use policy::{Applied, Gate, Policy};
#[doc(hidden)]
pub use reader::NameTag;
pub use reader::{
    Body, BodyStart, Content, Delimiter, End, Event, FieldAt, HeaderField, Mode, Parent, PartEnd,
    PartStart, Place, Reader, Size,
};
pub use sanitise::{Sanitiser, sanitise};
pub use secure::{
    Armour, ArmourKind, CrlfChunks, Encrypted, HeaderProtection, Pkcs7, ProtectedHeader, Security,
    Signed, SmimeType, armours,
};
use tree::slice as tree_slice;
pub use tree::{
    Bodies, DamagedIndex, Decoded, Field, FormField, Header, Index, Indexer, Message, Part, PartId,
    Related, Resent, Text,
};
pub use value::address::{Address, Addresses, Mailbox, mailboxes, parse as parse_addresses};
pub use value::auth_results::{AuthProperty, AuthResult, AuthenticationResults};
pub use value::auto::{AutoSubmitted, Importance, Precedence, Priority};
pub use value::autocrypt::Autocrypt;
pub use value::charset::{Charset, decode as decode_charset};
pub use value::charset_stream::CharsetDecoder;
pub use value::content::{ContentType, Disposition, MimeVersion};
pub use value::date::{DateTime, NotADate};
pub use value::encoding::TransferEncoding;
pub use value::ids::parse as parse_message_ids;
pub use value::list::{ListId, ListUrl, ListUrls};
pub use value::parameter::Parameter;
pub use value::received::{Clause, Received, ReturnPath, TcpInfo};
pub use value::thread::{BaseSubject, base_subject};
pub use value::words::decode as decode_words;
