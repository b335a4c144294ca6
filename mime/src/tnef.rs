//! Transport Neutral Encapsulation Format, which Outlook puts all of a message in:
//! `application/ms-tnef`, `winmail.dat` (\[MS-OXTNEF\]). Attachments are listed where
//! they lie; nothing is copied.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use crate::{Defect, DefectKind, decode_charset};

/// Attachments of one stream.
const ATTACHMENTS: usize = 10_000;
/// Properties of one attribute.
const PROPERTIES: u32 = 100_000;
/// Defects that are kept.
const DEFECTS: usize = 100;

/// A stream of TNEF, taken apart where it lies.
///
/// Cost: linear. Bounds: 10,000 attachments, 100,000 properties of each.
#[derive(Clone, Debug)]
pub struct Tnef<'a> {
    codepage: u32,
    attachments: Vec<TnefAttachment<'a>>,
    subject: Option<&'a [u8]>,
    body: Option<&'a [u8]>,
    rtf: Option<&'a [u8]>,
    html: Option<&'a [u8]>,
    defects: Vec<Defect>,
}

/// It is no TNEF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no TNEF: it does not begin with 78 9F 3E 22 ([MS-OXTNEF] 2.1.3.1)")]
pub struct NotTnef;

/// How an attachment was shown in the text (attAttachRendData, \[MS-OXTNEF\] 2.1.3.3.15).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rendering {
    /// 1 a file, 2 an OLE object.
    pub kind: u16,
    /// Where in the text; `u32::MAX` nowhere.
    pub position: u32,
    /// Of its picture.
    pub width: u16,
    /// Of its picture.
    pub height: u16,
    /// 1: the data is in MacBinary.
    pub flags: u32,
}

/// An attachment in TNEF.
#[derive(Clone, Debug)]
pub struct TnefAttachment<'a> {
    codepage: u32,
    /// How it was shown.
    pub rendering: Rendering,
    title: Option<&'a [u8]>,
    data: Option<(usize, &'a [u8])>,
    object: Option<(usize, &'a [u8])>,
    long_name: Option<Value<'a>>,
    short_name: Option<Value<'a>>,
    mime_type: Option<Value<'a>>,
    content_id: Option<Value<'a>>,
    method: Option<u32>,
}

/// Text of a property.
#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    /// In the code page of the stream.
    Bytes(&'a [u8]),
    /// UTF-16, little endian.
    Wide(&'a [u8]),
}

impl<'a> Tnef<'a> {
    /// Takes a stream apart: the content of a part, without its transfer encoding. What
    /// is damaged is a defect, and what came before it counts.
    ///
    /// # Errors
    ///
    /// [`NotTnef`], and nothing else.
    ///
    /// ```
    /// use scop_mime::tnef::Tnef;
    ///
    /// assert!(Tnef::parse(b"PK").is_err());
    /// let empty = Tnef::parse(b"\x78\x9f\x3e\x22\x01\x00").unwrap();
    /// assert!(empty.attachments().is_empty() && empty.defects().is_empty());
    /// ```
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotTnef> {
        if !bytes.starts_with(&[0x78, 0x9f, 0x3e, 0x22]) {
            return Err(NotTnef);
        }
        let mut tnef = Tnef {
            codepage: 1252,
            attachments: Vec::new(),
            subject: None,
            body: None,
            rtf: None,
            html: None,
            defects: Vec::new(),
        };
        // Behind the signature a key, which says nothing.
        let mut input = Input { bytes, pos: 4 };
        if input.u16().is_none() {
            tnef.defect(DefectKind::TnefDamaged, input.pos);
        }
        while input.pos < bytes.len() {
            let start = input.pos;
            if tnef.attribute(&mut input).is_none() {
                tnef.defect(DefectKind::TnefDamaged, start);
                break;
            }
        }
        let codepage = tnef.codepage;
        tnef.attachments
            .iter_mut()
            .for_each(|a| a.codepage = codepage);
        Ok(tnef)
    }

    /// Its attachments, in order.
    #[must_use]
    pub fn attachments(&self) -> &[TnefAttachment<'a>] {
        &self.attachments
    }

    /// The subject of the message.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        self.subject.map(|b| narrow(b, self.codepage))
    }

    /// The text of the message, where it is plain.
    #[must_use]
    pub fn body(&self) -> Option<String> {
        self.body.map(|b| narrow(b, self.codepage))
    }

    /// The text of the message as compressed RTF (\[MS-OXRTFCP\]), as it is.
    #[must_use]
    pub fn compressed_rtf(&self) -> Option<&'a [u8]> {
        self.rtf
    }

    /// The text of the message as HTML, as it is.
    #[must_use]
    pub fn html(&self) -> Option<&'a [u8]> {
        self.html
    }

    /// The code page of its texts: 1252 where it says nothing.
    #[must_use]
    pub fn codepage(&self) -> u32 {
        self.codepage
    }

    /// What is wrong with it: offsets from its start; at most 100.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    fn defect(&mut self, kind: DefectKind, at: usize) {
        if self.defects.len() < DEFECTS {
            self.defects.push(Defect::new(kind, at as u64));
        }
    }

    /// Reads an attribute (\[MS-OXTNEF\] 2.1.3.2). `None` where the stream is cut.
    fn attribute(&mut self, input: &mut Input<'a>) -> Option<()> {
        let level = input.u8()?;
        let id = input.u32()?;
        let length = usize::try_from(input.u32()?).ok()?;
        let at = input.pos;
        let data = input.take(length)?;
        if let Some(checksum) = input.u16() {
            let sum = data.iter().fold(0u16, |s, b| s.wrapping_add(u16::from(*b)));
            if sum != checksum {
                self.defect(DefectKind::TnefChecksum, at);
            }
        } else {
            self.defect(DefectKind::TnefDamaged, input.pos);
            input.pos = input.bytes.len();
        }
        match (level, id) {
            // attOemCodepage
            (1, 0x0006_9007) => {
                let codepage = Input {
                    bytes: data,
                    pos: 0,
                }
                .u32();
                self.codepage = codepage.filter(|c| *c > 0).unwrap_or(self.codepage);
            }
            (1, 0x0001_8004) => self.subject = Some(data),
            (1, 0x0002_800c) => self.body = Some(data),
            // attMsgProps
            (1, 0x0006_9003) => {
                let mut found = Message::default();
                if properties(data, at, |id, value, _| found.take(id, value)).is_none() {
                    self.defect(DefectKind::TnefDamaged, at);
                }
                self.rtf = self.rtf.or(found.rtf);
                self.html = self.html.or(found.html);
            }
            // attAttachRendData begins an attachment.
            (2, 0x0006_9002) => {
                if self.attachments.len() == ATTACHMENTS {
                    self.defect(DefectKind::TooManyParts, at);
                    input.pos = input.bytes.len();
                    return Some(());
                }
                let mut attachment = TnefAttachment::new();
                match rendering(data) {
                    Some(rendering) => attachment.rendering = rendering,
                    None => self.defect(DefectKind::TnefDamaged, at),
                }
                self.attachments.push(attachment);
            }
            (2, id) => {
                if self.attachments.is_empty() {
                    // Data of an attachment that did not begin.
                    self.defect(DefectKind::TnefDamaged, at);
                    self.attachments.push(TnefAttachment::new());
                }
                let Some(attachment) = self.attachments.last_mut() else {
                    return Some(());
                };
                match id {
                    0x0001_8010 => attachment.title = Some(data),
                    0x0006_800f => attachment.data = Some((at, data)),
                    // attAttachment
                    0x0006_9005 => {
                        let read =
                            properties(data, at, |id, value, at| attachment.take(id, value, at));
                        if read.is_none() {
                            self.defect(DefectKind::TnefDamaged, at);
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Some(())
    }
}

fn rendering(data: &[u8]) -> Option<Rendering> {
    let mut input = Input {
        bytes: data,
        pos: 0,
    };
    Some(Rendering {
        kind: input.u16()?,
        position: input.u32()?,
        width: input.u16()?,
        height: input.u16()?,
        flags: input.u32()?,
    })
}

impl<'a> TnefAttachment<'a> {
    fn new() -> Self {
        TnefAttachment {
            codepage: 1252,
            rendering: Rendering::default(),
            title: None,
            data: None,
            object: None,
            long_name: None,
            short_name: None,
            mime_type: None,
            content_id: None,
            method: None,
        }
    }

    fn take(&mut self, id: u16, value: &Property<'a>, at: usize) {
        let text = match *value {
            Property::String8(text) => Some(Value::Bytes(text)),
            Property::Unicode(text) => Some(Value::Wide(text)),
            _ => None,
        };
        match (id, value) {
            (0x3707, _) => self.long_name = text.or(self.long_name),
            (0x3704, _) => self.short_name = text.or(self.short_name),
            (0x370e, _) => self.mime_type = text.or(self.mime_type),
            (0x3712, _) => self.content_id = text.or(self.content_id),
            (0x3705, Property::Number(method)) => self.method = Some(*method),
            // The data as an object: behind the id of its interface.
            (0x3701, Property::Binary(data) | Property::Object(data)) => {
                self.object = Some((at, data));
            }
            _ => {}
        }
    }

    /// The name of the file: the long one of its properties, else the short one, else
    /// its title. It is the sender's: see [`safe_filename`](crate::safe_filename).
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let text = |value: Option<Value<'_>>| {
            let text = value.map(|v| self.text(v));
            text.filter(|t| !t.is_empty())
        };
        let title = || {
            self.title
                .map(|t| narrow(t, self.codepage))
                .filter(|t| !t.is_empty())
        };
        text(self.long_name)
            .or_else(|| text(self.short_name))
            .or_else(title)
    }

    /// Where its data is in the stream.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        let (at, data) = self.place();
        at..at + data.len()
    }

    /// Its data.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.place().1
    }

    fn place(&self) -> (usize, &'a [u8]) {
        let object = || {
            self.object
                .map(|(at, data)| skip(at, data, self.is_object()))
        };
        self.data.or_else(object).unwrap_or((0, &[]))
    }

    /// It is a message, or an OLE object, of which the properties hold the data.
    fn is_object(&self) -> bool {
        matches!(self.method, Some(5 | 6))
    }

    /// The message that it is, as TNEF: to be given to [`Tnef::parse`], by a caller who
    /// counts how deep he goes.
    #[must_use]
    pub fn embedded(&self) -> Option<&'a [u8]> {
        let (_, object) = self.object.filter(|_| self.method == Some(5))?;
        Some(skip(0, object, true).1)
    }

    /// Its type, as MIME has it.
    #[must_use]
    pub fn mime_type(&self) -> Option<String> {
        self.mime_type.map(|v| self.text(v))
    }

    /// Its Content-ID, without brackets.
    #[must_use]
    pub fn content_id(&self) -> Option<String> {
        let id = self.text(self.content_id?);
        Some(id.trim_matches(['<', '>']).to_string())
    }

    fn text(&self, value: Value<'_>) -> String {
        match value {
            Value::Bytes(bytes) => narrow(bytes, self.codepage),
            Value::Wide(bytes) => wide(bytes),
        }
    }
}

/// Without the id of the interface, 16 bytes, in front of an object.
fn skip(at: usize, data: &[u8], is_object: bool) -> (usize, &[u8]) {
    match data.get(16..).filter(|_| is_object) {
        Some(behind) => (at + 16, behind),
        None => (at, data),
    }
}

#[derive(Default)]
struct Message<'a> {
    rtf: Option<&'a [u8]>,
    html: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    fn take(&mut self, id: u16, value: &Property<'a>) {
        match (id, value) {
            (0x1009, Property::Binary(data)) => self.rtf = Some(data),
            (0x1013, Property::Binary(data) | Property::String8(data)) => self.html = Some(data),
            _ => {}
        }
    }
}

/// The value of a property.
enum Property<'a> {
    Number(u32),
    String8(&'a [u8]),
    Unicode(&'a [u8]),
    Binary(&'a [u8]),
    Object(&'a [u8]),
    Other,
}

/// Walks over a list of properties (\[MS-OXTNEF\] 2.1.3.4): its id, its first value, and
/// where that is in the stream. `None` where the list is damaged.
fn properties<'a>(
    data: &'a [u8],
    offset: usize,
    mut take: impl FnMut(u16, &Property<'a>, usize),
) -> Option<()> {
    let mut input = Input {
        bytes: data,
        pos: 0,
    };
    let count = input.u32()?;
    for _ in 0..count.min(PROPERTIES) {
        let (kind, id) = (input.u16()?, input.u16()?);
        if id >= 0x8000 {
            // Named: a GUID, then a number or a name.
            input.take(16)?;
            match input.u32()? {
                0 => drop(input.u32()?),
                _ => drop(input.counted()?),
            }
        }
        let many = kind & 0x1000 != 0;
        let kind = kind & !0x1000;
        let width = match kind {
            0x0001 => Some(0),
            0x0002 | 0x000b | 0x0003 | 0x0004 | 0x000a => Some(4),
            0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
            0x0048 => Some(16),
            0x000d | 0x001e | 0x001f | 0x0102 => None,
            // A type that nobody knows has a length that nobody knows.
            _ => return None,
        };
        let values = match many || width.is_none() {
            true => input.u32()?,
            false => 1,
        };
        for number in 0..values {
            let (at, value) = match width {
                // Nothing is read for nothing, however many are announced.
                Some(0) => break,
                Some(width) => {
                    let at = input.pos;
                    let bytes = input.take(width)?;
                    let number = Input { bytes, pos: 0 }.u32().filter(|_| width == 4);
                    (at, number.map_or(Property::Other, Property::Number))
                }
                None => {
                    let (at, bytes) = input.counted()?;
                    let value = match kind {
                        0x001e => Property::String8(bytes),
                        0x001f => Property::Unicode(bytes),
                        0x000d => Property::Object(bytes),
                        _ => Property::Binary(bytes),
                    };
                    (at, value)
                }
            };
            if number == 0 && id < 0x8000 {
                take(id, &value, offset + at);
            }
        }
    }
    (count <= PROPERTIES).then_some(())
}

/// Text in a code page, up to its NUL.
fn narrow(bytes: &[u8], codepage: u32) -> String {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    let bytes = bytes.get(..end).unwrap_or(bytes);
    let label: Cow<'_, str> = match codepage {
        437 | 850 | 1252 => "windows-1252".into(),
        866 => "ibm866".into(),
        874 => "windows-874".into(),
        932 => "shift_jis".into(),
        936 => "gbk".into(),
        949 => "euc-kr".into(),
        950 => "big5".into(),
        20127 => "us-ascii".into(),
        20866 => "koi8-r".into(),
        50220..=50222 => "iso-2022-jp".into(),
        51932 => "euc-jp".into(),
        54936 => "gb18030".into(),
        65001 => "utf-8".into(),
        1250..=1258 => alloc::format!("windows-{codepage}").into(),
        28591..=28605 => alloc::format!("iso-8859-{}", codepage - 28590).into(),
        _ => "windows-1252".into(),
    };
    match decode_charset(label.as_bytes(), bytes) {
        Some((text, _)) => text.into_owned(),
        None => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}

fn wide(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| match pair {
        [low, high] => u16::from_le_bytes([*low, *high]),
        _ => 0,
    });
    let text = char::decode_utf16(units.take_while(|unit| *unit != 0));
    text.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Little endian.
struct Input<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.pos.checked_add(length)?;
        let bytes = self.bytes.get(self.pos..end)?;
        self.pos = end;
        Some(bytes)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A length, so many bytes, and what fills them up to a multiple of four. What fills
    /// may be cut off at the end.
    fn counted(&mut self) -> Option<(usize, &'a [u8])> {
        let length = usize::try_from(self.u32()?).ok()?;
        let at = self.pos;
        let bytes = self.take(length)?;
        let fill = length.wrapping_neg() % 4;
        self.pos = self.pos.saturating_add(fill).min(self.bytes.len());
        Some((at, bytes))
    }
}
