//! Attachments out of a stream: a consumer of the reader's events.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::name::FileNames;
use crate::tree::Chooser;
use crate::value::ids;
use crate::value::lex::{raw_text, unfold};
use crate::{
    BodyStart, Content, ContentType, Decoder, Defect, Disposition, Event, HeaderField, Limits,
    Mode, Parent, PartId, Place, Reader, TransferEncoding,
};

/// A part that is being taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Which part it is.
    pub id: PartId,
    /// A name under which it can be written: see [`safe_filename`](crate::safe_filename).
    /// No two parts of a message have the same one, in any case. `part-1.2.png` where
    /// the sender gave none.
    pub name: String,
    /// The name that the sender gave. It may hold a path, or be no name at all.
    pub filename: Option<String>,
    /// Its type.
    pub content_type: ContentType,
    /// Its disposition.
    pub disposition: Option<Disposition>,
    /// Its Content-ID, without brackets.
    pub content_id: Option<String>,
    /// Its transfer encoding, which is undone.
    pub encoding: TransferEncoding,
    /// Where its body begins in the message.
    pub offset: u64,
}

/// A part is out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachmentEnd {
    /// The bytes that were given.
    pub octets: u64,
    /// What was wrong with its transfer encoding: the first of each kind, by offset in
    /// the message.
    pub defects: Vec<Defect>,
}

/// What an [`Extractor`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extract<'e> {
    /// A part begins.
    Start(Box<Attachment>),
    /// Bytes of it, without the transfer encoding. How they are cut says nothing.
    Data(&'e [u8]),
    /// It is over.
    End(AttachmentEnd),
    /// Something is wrong with the structure of the message.
    Defect(Defect),
}

/// Takes the attachments out of a message as its bytes come: the parts that
/// [`Message::attachments`](crate::Message::attachments) would give, in order, without
/// the message in memory. Messages within are attachments as a whole. The one that is
/// not given is a multipart whose delimiter never comes: that is known at its end, when
/// its bytes have passed. And a line that is a delimiter both within a message within and
/// around it is the one around it here, the other one to the tree; whoever must not have
/// that asks a [`Gate`](crate::Gate) for [`SharedBoundary`](crate::DefectKind::SharedBoundary)
/// beside it, or sanitises first.
///
/// Memory: what [`Reader`] holds, the names so far, and the decoded bytes of one chunk.
/// What comes out does not depend on how the input was cut.
///
/// ```
/// use scop_mime::{Extract, Extractor, Limits};
///
/// let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee there.\r\n\
///     --b\r\nContent-Disposition: attachment; filename=\"../a.txt\"\r\n\
///     Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8h\r\n--b--\r\n";
/// let mut extractor = Extractor::new(Limits::default());
/// let mut files: Vec<(String, Vec<u8>)> = vec![];
/// let mut take = |event: Extract<'_>| match event {
///     Extract::Start(attachment) => files.push((attachment.name, vec![])),
///     Extract::Data(bytes) => files.last_mut().unwrap().1.extend_from_slice(bytes),
///     Extract::End(end) => assert!(end.defects.is_empty()),
///     Extract::Defect(_) => {}
/// };
/// for mut chunk in message.chunks(7) {
///     while let Some(event) = extractor.read(&mut chunk) {
///         take(event);
///     }
/// }
/// extractor.finish();
/// while let Some(event) = extractor.read(&mut &[][..]) {
///     take(event);
/// }
/// assert_eq!(files, [("a.txt".into(), b"Hello!".to_vec())]);
/// ```
#[derive(Debug)]
pub struct Extractor {
    reader: Reader,
    state: State,
}

#[derive(Debug)]
struct State {
    chooser: Chooser,
    every_part: bool,
    open: Vec<Open>,
    head: Head,
    names: FileNames,
    parameters: usize,
    /// The part that is being taken out.
    taken: Option<Taken>,
    out: Vec<u8>,
    /// It is over, but its last bytes go first.
    end: Option<AttachmentEnd>,
}

/// A part whose end has not come.
#[derive(Debug)]
struct Open {
    parent: Parent,
    /// From 1, in its multipart.
    ordinal: u32,
    children: u32,
    digest: bool,
    multipart: Option<Multipart>,
}

/// What a multipart is if no part of it comes: a text.
#[derive(Debug)]
struct Multipart {
    disposition: Option<Disposition>,
    named: bool,
}

/// The fields of a header that count, each the first of its name.
#[derive(Debug, Default)]
struct Head {
    content_type: Option<ContentType>,
    disposition: Option<Disposition>,
    encoding: Option<TransferEncoding>,
    content_id: Option<String>,
    seen: [bool; 4],
}

#[derive(Debug)]
struct Taken {
    decoder: Decoder,
    offset: u64,
    octets: u64,
}

/// What is to be given out.
enum Step {
    Nothing,
    Start(Box<Attachment>),
    Data,
    End(AttachmentEnd),
    Defect(Defect),
}

impl Extractor {
    /// An extractor at the start of a message.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Extractor {
            state: State {
                chooser: Chooser::new(),
                every_part: false,
                open: Vec::new(),
                head: Head::default(),
                names: FileNames::new(),
                parameters: limits.parameters,
                taken: None,
                out: Vec::new(),
                end: None,
            },
            reader: Reader::new(limits).mode(Mode::Flat).uncounted(),
        }
    }

    /// Takes out every part that is no multipart, texts too; to be said before the
    /// first [`read`](Self::read).
    #[must_use]
    pub fn every_part(mut self) -> Self {
        self.state.every_part = true;
        self
    }

    /// The next event, with bytes taken off the front of `input` for it.
    ///
    /// `None` when `input` is used up: call again with the next chunk, or after
    /// [`finish`](Self::finish); after that `None` is the end.
    pub fn read<'e>(&'e mut self, input: &mut &[u8]) -> Option<Extract<'e>> {
        let state = &mut self.state;
        state.out.clear();
        if let Some(end) = state.end.take() {
            return Some(Extract::End(end));
        }
        loop {
            let event = self.reader.read(input)?;
            match state.take(event) {
                Step::Nothing => {}
                Step::Start(attachment) => return Some(Extract::Start(attachment)),
                Step::Data => break,
                Step::End(end) => return Some(Extract::End(end)),
                Step::Defect(defect) => return Some(Extract::Defect(defect)),
            }
        }
        Some(Extract::Data(&state.out))
    }

    /// No more bytes will come. Go on with [`read`](Self::read) and an empty input.
    pub fn finish(&mut self) {
        self.reader.finish();
    }
}

impl State {
    fn take(&mut self, event: Event<'_>) -> Step {
        match event {
            Event::PartStart(start) => {
                let mut ordinal = 1;
                if let Some(outer) = self.open.last_mut() {
                    outer.children = outer.children.saturating_add(1);
                    ordinal = outer.children;
                }
                self.open.push(Open {
                    parent: start.parent,
                    ordinal,
                    children: 0,
                    digest: false,
                    multipart: None,
                });
                self.head = Head::default();
            }
            Event::Header(field) => self.head.take(&field, self.parameters),
            Event::BodyStart(start) => return self.body(&start),
            Event::Body(body) => {
                let Some(taken) = &mut self.taken else {
                    return Step::Nothing;
                };
                if body.place != Place::Leaf {
                    return Step::Nothing;
                }
                taken.decoder.decode(body.data, &mut self.out);
                taken.octets += self.out.len() as u64;
                return match self.out.is_empty() {
                    true => Step::Nothing,
                    false => Step::Data,
                };
            }
            Event::PartEnd(_) => return self.part_end(),
            Event::Defect(defect) => return Step::Defect(defect),
            _ => {}
        }
        Step::Nothing
    }

    fn body(&mut self, start: &BodyStart) -> Step {
        let in_digest = match &self.open[..] {
            [.., outer, _] => outer.digest,
            _ => false,
        };
        let mut head = core::mem::take(&mut self.head);
        let content_type = head.content_type.take();
        let content_type = content_type.unwrap_or_else(|| ContentType::fallback(in_digest));
        let filename = head.disposition.as_ref().and_then(Disposition::filename);
        let filename = filename.or_else(|| content_type.parameter("name"));
        let filename = filename.map(String::from);
        if start.content == Content::Multipart {
            self.chooser.enter(&content_type);
            if let Some(open) = self.open.last_mut() {
                open.digest = content_type.subtype() == "digest";
                open.multipart = Some(Multipart {
                    disposition: head.disposition,
                    named: filename.is_some(),
                });
            }
            return Step::Nothing;
        }
        // As the tree has it: what names no delimiter is text.
        let text = start.opaque && content_type.kind() == "multipart";
        let fallback = ContentType::fallback(false);
        let shown = if text { &fallback } else { &content_type };
        let readable = start.content == Content::Leaf && (!start.opaque || text);
        let (disposition, named) = (head.disposition.as_ref(), filename.is_some());
        let by_use = self.chooser.leaf(shown, disposition, named, readable);
        if !by_use.attachment && !self.every_part {
            return Step::Nothing;
        }
        let id = self.id();
        let otherwise = || alloc::format!("part-{id}.{}", extension(&content_type));
        let name = self.names.pick_or(filename.as_deref(), otherwise);
        let encoding = head.encoding.unwrap_or_default();
        self.taken = Some(Taken {
            decoder: Decoder::new(&encoding),
            offset: start.offset,
            octets: 0,
        });
        Step::Start(Box::new(Attachment {
            id,
            name,
            filename,
            content_type,
            disposition: head.disposition,
            content_id: head.content_id,
            encoding,
            offset: start.offset,
        }))
    }

    fn part_end(&mut self) -> Step {
        let open = self.open.pop();
        if let Some((children, multipart)) = open.and_then(|o| Some((o.children, o.multipart?))) {
            match children {
                0 => {
                    let disposition = multipart.disposition.as_ref();
                    self.chooser.leave_as_text(disposition, multipart.named);
                }
                // Which list an alternative goes to changes no attachment.
                _ => drop(self.chooser.leave()),
            }
            return Step::Nothing;
        }
        let Some(mut taken) = self.taken.take() else {
            return Step::Nothing;
        };
        taken.decoder.finish(&mut self.out);
        let moved = |d: &Defect| Defect::new(d.kind, taken.offset + d.offset);
        let mut defects: Vec<Defect> = taken.decoder.defects().iter().map(moved).collect();
        // Which of them was found first depends on the cuts.
        defects.sort_unstable();
        let end = AttachmentEnd {
            octets: taken.octets + self.out.len() as u64,
            defects,
        };
        if self.out.is_empty() {
            return Step::End(end);
        }
        self.end = Some(end);
        Step::Data
    }

    /// The name of the part at hand, as the tree has it.
    fn id(&self) -> PartId {
        let mut id = PartId::default();
        for open in &self.open {
            match open.parent {
                Parent::Multipart => id.path.push(open.ordinal),
                Parent::Root | Parent::Message if open.multipart.is_none() => id.path.push(1),
                Parent::Root | Parent::Message => {}
            }
        }
        id
    }
}

impl Head {
    fn take(&mut self, field: &HeaderField<'_>, parameters: usize) {
        const NAMES: [&[u8]; 4] = [
            b"content-type",
            b"content-disposition",
            b"content-transfer-encoding",
            b"content-id",
        ];
        let name = field.name();
        let Some(number) = NAMES.iter().position(|n| n.eq_ignore_ascii_case(name)) else {
            return;
        };
        let Some(seen) = self.seen.get_mut(number) else {
            return;
        };
        if core::mem::replace(seen, true) {
            return;
        }
        let value = field.value();
        match number {
            0 => self.content_type = ContentType::parse_with(value, parameters).map(|c| c.0),
            1 => self.disposition = Disposition::parse_with(value, parameters).map(|d| d.0),
            2 => self.encoding = Some(TransferEncoding::parse(value)),
            _ => {
                let id = ids::parse(value)
                    .into_iter()
                    .next()
                    .map(|id| id.to_string());
                let text = || raw_text(&unfold(value)).into_owned();
                self.content_id = id.or_else(|| Some(text()).filter(|t| !t.is_empty()));
            }
        }
    }
}

/// The usual extension of a type.
fn extension(content_type: &ContentType) -> &str {
    let known = match content_type.essence() {
        "text/plain" => "txt",
        "text/html" => "html",
        "text/calendar" => "ics",
        "text/vcard" | "text/x-vcard" => "vcf",
        "text/rfc822-headers" => "txt",
        "image/jpeg" => "jpg",
        "image/svg+xml" => "svg",
        "image/tiff" => "tif",
        "audio/mpeg" => "mp3",
        "video/quicktime" => "mov",
        "message/rfc822" | "message/global" => "eml",
        "application/pgp-signature" => "asc",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "p7m",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
        "application/ms-tnef" => "tnef",
        "application/msword" => "doc",
        "application/gzip" => "gz",
        _ => "",
    };
    let subtype = content_type.subtype();
    let short = subtype.len() <= 5 && subtype.bytes().all(|b| b.is_ascii_alphanumeric());
    match (known, content_type.kind()) {
        ("", "image" | "audio" | "video" | "application" | "text") if short => subtype,
        ("", "text") => "txt",
        ("", _) => "bin",
        (known, _) => known,
    }
}
