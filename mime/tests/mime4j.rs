//! The structure of Apache mime4j's test messages, compared to the events that mime4j
//! gives for them: fields, bodies, preambles and epilogues, each with its bytes.

use std::path::Path;

use scop_mime::{Content, Event, Limits, Message, Part, Place, Reader};

/// Messages that we read differently, and why. All others must be equal.
const DIFFERENT: [(&str, &str); 5] = [
    (
        "mimetools-testmsgs_attachment-filename-encoding-Latin1",
        LAST_LF,
    ),
    ("mimetools-testmsgs_empty-preamble", LAST_LF),
    ("mimetools-testmsgs_ticket-60931", LAST_LF),
    ("mimetools-testmsgs_twopart", LAST_LF),
    (
        "testmsgs_malformedHeader-noheader",
        "where the first line is no field there is no header: the text is the body, as the \
         text itself wants it; mime4j has neither header nor body",
    ),
];

/// Bodies that we decode differently, and why.
const DECODED_DIFFERENTLY: [(&str, &str); 2] = [
    (
        "mimetools-testmsgs_frag_decoded_1_2_1_2_1_2_1_2.bin",
        "base64 that ends within a group: its two whole bytes are given (and by Python's \
         parser), mime4j leaves them out",
    ),
    (
        "testmsgs_missing-inner-boundary_decoded_1_2_1.txt",
        "an empty part that is not in mime4j's own events",
    ),
];

const LAST_LF: &str = "a bare LF behind the last delimiter ends its line, as CRLF does in mime4j \
    too; mime4j takes the LF for an epilogue";

/// The message in a part that is encoded although it may not be (RFC 2046 5.2.1): an
/// opaque leaf, so that offsets and IMAP sections stay true. A caller who wants what is
/// inside, as mime4j does, reads it in a second step.
fn encoded_message(part: &Part<'_, '_>) -> Option<Vec<u8>> {
    let composite = ["message/rfc822", "message/global"];
    let is_message = composite.contains(&part.content_type().essence());
    let encoded = part.is_opaque() && is_message && !part.encoding().is_identity();
    encoded.then(|| part.decoded().into_owned())
}

/// One line for each thing, from ours.
fn ours(message: &[u8]) -> Vec<String> {
    let parsed = Message::parse(message);
    let encoded = |offset: u64| {
        let mut parts = parsed.parts();
        encoded_message(&parts.find(|p| p.body_offset() == offset)?)
    };
    let mut inner: Option<Vec<String>> = None;
    let mut reader = Reader::new(Limits::default());
    reader.finish();
    let mut input = message;
    let mut out: Vec<String> = vec![];
    let mut open: Vec<Content> = vec![];
    let mut run: Option<(&str, Vec<u8>)> = None;
    while let Some(event) = reader.read(&mut input) {
        if let Event::Body(body) = &event {
            let what = match body.place {
                Place::Leaf => "body",
                Place::Preamble => "preamble",
                Place::Epilogue => "epilogue",
            };
            match &mut run {
                Some((_, bytes)) => bytes.extend_from_slice(body.data),
                None => run = Some((what, body.data.to_vec())),
            }
            continue;
        }
        if let Some((what, bytes)) = run.take()
            && inner.is_none()
        {
            out.push(format!("{what}: {}", show(&bytes)));
        }
        match event {
            Event::Header(field) if !field.name().is_empty() => {
                out.push(format!("field: {}", show(field.raw.trim_ascii_end())));
            }
            Event::BodyStart(start) => {
                open.push(start.content);
                inner = encoded(start.offset).map(|bytes| ours(&bytes));
                match &inner {
                    Some(_) => out.push("Message".into()),
                    None => out.push(format!("{:?}", start.content)),
                }
            }
            Event::PartEnd(_) => {
                open.pop();
                if let Some(mut inner) = inner.take() {
                    // The message itself is no content of anything.
                    out.append(&mut inner);
                }
                out.push("end".into());
            }
            _ => {}
        }
    }
    out
}

/// Bytes in one notation, line ends as LF.
fn show(bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|b| char::from(*b)).collect();
    text.replace("\r\n", "\n").escape_default().to_string()
}

/// The same from mime4j's XML.
fn theirs(xml: &[u8]) -> Vec<String> {
    // Its bytes are those of the message.
    let text: String = xml.iter().map(|b| char::from(*b)).collect();
    let text = text.replace("\r\n", "\n");
    let mut out: Vec<String> = vec![];
    let mut tags: Vec<&str> = vec![];
    for piece in text.split('<').skip(1) {
        let (tag, content) = piece.split_once('>').unwrap();
        let content = content.strip_prefix('\n').unwrap_or(content);
        let content = content
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&amp;", "&");
        let shown = content.escape_default().to_string();
        match tag {
            "field" => out.push(format!("field: {}", content.trim_end().escape_default())),
            "body" | "preamble" | "epilogue" => {
                if tag == "body" {
                    out.push("Leaf".into());
                }
                if !content.is_empty() {
                    out.push(format!("{tag}: {shown}"));
                }
            }
            "multipart" => out.push("Multipart".into()),
            // The message itself is no content of anything.
            "message" if !tags.is_empty() => out.push("Message".into()),
            "/body" | "/multipart" => out.push("end".into()),
            "/message" if tags.len() > 1 => out.push("end".into()),
            _ => {}
        }
        match tag.strip_prefix('/') {
            Some(_) => drop(tags.pop()),
            None => tags.push(tag),
        }
    }
    out
}

#[test]
fn structures_are_as_mime4j_has_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = root.join("../../shared/corpus/mime/apache-james-mime4j");
    let Ok(entries) = std::fs::read_dir(&root) else {
        println!("no corpus at {}: nothing was tested", root.display());
        return;
    };
    let mut compared = 0;
    let mut wrong = vec![];
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "msg") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let Ok(xml) = std::fs::read(path.with_extension("xml")) else {
            continue;
        };
        let message = std::fs::read(&path).unwrap();
        let (ours, theirs) = (ours(&message), theirs(&xml));
        let known = DIFFERENT.iter().find(|d| d.0 == name);
        compared += 1;
        if let Some((_, why)) = known {
            println!("{name} differs: {why}");
        }
        if (ours == theirs) == known.is_some() {
            let at = ours.iter().zip(&theirs).position(|(a, b)| a != b);
            let at = at.unwrap_or(ours.len().min(theirs.len()));
            wrong.push(format!(
                "{name}: item {at}\n  ours   {:?}\n  theirs {:?}",
                ours.get(at),
                theirs.get(at)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{compared} messages compared");
}

#[test]
fn bodies_are_decoded_as_mime4j_decodes_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = root.join("../../shared/corpus/mime/apache-james-mime4j");
    let Ok(entries) = std::fs::read_dir(&root) else {
        println!("no corpus at {}: nothing was tested", root.display());
        return;
    };
    let mut compared = 0;
    let mut wrong = vec![];
    for entry in entries.flatten() {
        let path = entry.path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some((message, part)) = name.split_once("_decoded_") else {
            continue;
        };
        if DIFFERENT.iter().any(|d| d.0 == message && d.1 != LAST_LF) {
            continue;
        }
        let bytes = std::fs::read(root.join(format!("{message}.msg"))).unwrap();
        let wanted = show(&std::fs::read(&path).unwrap());
        compared += 1;
        if DECODED_DIFFERENTLY.iter().any(|d| d.0 == name) {
            continue;
        }
        let (mut all, mut messages) = (vec![], vec![bytes.clone()]);
        while let Some(message) = messages.pop() {
            for part in Message::parse(&message).parts() {
                all.push(show(&part.decoded()));
                messages.extend(encoded_message(&part));
            }
        }
        if !all.contains(&wanted) {
            wrong.push(format!("{message} {part}: {wanted:.200}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{compared} bodies compared");
}
