//! Which parts a reader shows, and which it lists as attachments (RFC 8621 4.1.4).

use std::path::Path;

use proptest::prelude::*;
use scop_mime::{Content, Indexer, Message, Part};

/// A part: its type, more of its header, and its children.
fn part(essence: &str, more: &str, children: &[String]) -> String {
    let Some(subtype) = essence.strip_prefix("multipart/") else {
        return format!("Content-Type: {essence}\r\n{more}\r\nbody");
    };
    // Boundaries differ by what is inside.
    let boundary = format!("{subtype}{}", children.concat().len());
    let mut text = format!("Content-Type: {essence}; boundary={boundary}\r\n{more}\r\n");
    for child in children {
        text += &format!("\r\n--{boundary}\r\n{child}");
    }
    text + &format!("\r\n--{boundary}--\r\n")
}

fn leaf(essence: &str) -> String {
    part(essence, "", &[])
}

/// The ids of text, HTML and attachments.
fn select(message: &str) -> (String, String, String) {
    let message = Message::parse(message.as_bytes());
    assert!(message.defects().is_empty(), "{:?}", message.defects());
    let id = |p: Option<scop_mime::Part<'_, '_>>| p.map_or("-".into(), |p| p.id().to_string());
    let attachments: Vec<String> = message.attachments().map(|p| p.id().to_string()).collect();
    (
        id(message.text_body()),
        id(message.html_body()),
        attachments.join(" "),
    )
}

#[track_caller]
fn check(message: &str, text: &str, html: &str, attachments: &str) {
    let want = (text.into(), html.into(), attachments.into());
    assert_eq!(select(message), want, "\n{message}");
}

#[test]
fn what_is_shown() {
    let (plain, html) = (leaf("text/plain"), leaf("text/html"));
    let (png, pdf) = (leaf("image/png"), leaf("application/pdf"));
    let attached = part("text/plain", "Content-Disposition: attachment\r\n", &[]);
    let named = part("text/plain; name=a.txt", "", &[]);
    let alternative = part("multipart/alternative", "", &[plain.clone(), html.clone()]);
    let related = part("multipart/related", "", &[html.clone(), png.clone()]);

    check(&plain, "1", "-", "");
    check(&html, "-", "1", "");
    check(&pdf, "-", "-", "1");
    check(&attached, "-", "-", "1");
    check(&alternative, "1", "2", "");
    check(&related, "-", "1", "2");
    let mixed = |parts: &[&String]| {
        let parts: Vec<String> = parts.iter().map(|p| (*p).clone()).collect();
        part("multipart/mixed", "", &parts)
    };
    check(&mixed(&[&plain, &pdf]), "1", "-", "2");
    check(&mixed(&[&plain, &attached, &named]), "1", "-", "2 3");
    check(&mixed(&[&alternative, &pdf]), "1.1", "1.2", "2");
    let both = part(
        "multipart/alternative",
        "",
        &[plain.clone(), related.clone()],
    );
    check(&mixed(&[&both, &attached]), "1.1", "1.2.1", "1.2.2 2");
    check(&mixed(&[&pdf, &plain]), "2", "-", "1");
    let forward = format!("Content-Type: message/rfc822\r\n\r\n{plain}");
    check(&mixed(&[&plain, &forward]), "1", "-", "2");
    check(&forward, "-", "-", "1");
}

#[test]
fn what_is_shared_between_threads_can_be() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Indexer>();
    check::<scop_mime::Index>();
    check::<scop_mime::build::Built>();
    check::<Message<'static>>();
}

/// The algorithm of RFC 8621 4.1.4 as it stands there, word for word; `None` is its
/// `null`. Where it would call a method of `null` the part is an attachment.
fn parse_structure<'m, 'a>(
    parts: &[Part<'m, 'a>],
    multipart_type: &str,
    in_alternative: bool,
    mut html_body: Option<&mut Vec<String>>,
    mut text_body: Option<&mut Vec<String>>,
    attachments: &mut Vec<String>,
) {
    let inline_media = |t: &str| {
        ["image/", "audio/", "video/"]
            .iter()
            .any(|m| t.starts_with(m))
    };
    let text_length = text_body.as_ref().map_or(-1, |b| b.len() as i64);
    let html_length = html_body.as_ref().map_or(-1, |b| b.len() as i64);
    for (i, part) in parts.iter().enumerate() {
        let (content_type, id) = (part.content_type(), part.id().to_string());
        // Not of the book: a multipart without a delimiter is text.
        let lone = content_type.kind() == "multipart" && part.content() == Content::Leaf;
        let essence = if lone {
            "text/plain"
        } else {
            content_type.essence()
        };
        let attached = part.disposition().is_some_and(|d| d.kind() == "attachment");
        let is_inline = !attached
            && (lone || !part.is_opaque())
            && (["text/plain", "text/html"].contains(&essence) || inline_media(essence))
            && (i == 0
                || (multipart_type != "related"
                    && (inline_media(essence) || part.filename().is_none())));
        if part.content() == Content::Multipart {
            let sub = content_type.subtype();
            let children: Vec<Part<'_, '_>> = part.children().collect();
            parse_structure(
                &children,
                sub,
                in_alternative || sub == "alternative",
                html_body.as_deref_mut(),
                text_body.as_deref_mut(),
                attachments,
            );
        } else if is_inline && part.content() == Content::Leaf {
            if multipart_type == "alternative" {
                let list = match essence {
                    "text/plain" => text_body.as_deref_mut(),
                    "text/html" => html_body.as_deref_mut(),
                    _ => None,
                };
                list.unwrap_or(attachments).push(id);
                continue;
            } else if in_alternative {
                match essence {
                    "text/plain" => html_body = None,
                    "text/html" => text_body = None,
                    _ => {}
                }
            }
            if let Some(body) = &mut text_body {
                body.push(id.clone());
            }
            if let Some(body) = &mut html_body {
                body.push(id.clone());
            }
            let some = text_body.is_some() || html_body.is_some();
            if !some || ((text_body.is_none() || html_body.is_none()) && inline_media(essence)) {
                attachments.push(id);
            }
        } else {
            attachments.push(id);
        }
    }
    if multipart_type == "alternative"
        && let (Some(text), Some(html)) = (text_body, html_body)
    {
        if text_length == text.len() as i64 && html_length != html.len() as i64 {
            text.extend_from_slice(&html[html_length as usize..]);
        }
        if html_length == html.len() as i64 && text_length != text.len() as i64 {
            html.extend_from_slice(&text[text_length as usize..]);
        }
    }
}

type Lists = [Vec<String>; 3];

fn by_the_book(message: &Message<'_>) -> Lists {
    let [mut text, mut html, mut attachments] = Lists::default();
    let root = [message.root()];
    let (h, t) = (Some(&mut html), Some(&mut text));
    parse_structure(&root, "mixed", false, h, t, &mut attachments);
    [text, html, attachments]
}

fn ours(message: &Message<'_>) -> Lists {
    let ids = |parts: &[Part<'_, '_>]| parts.iter().map(|p| p.id().to_string()).collect();
    let bodies = message.bodies();
    [
        ids(&bodies.text),
        ids(&bodies.html),
        ids(&bodies.attachments),
    ]
}

#[test]
fn the_example_of_rfc_8621() {
    let inline = "Content-Disposition: inline\r\n";
    let text = part("text/plain", inline, &[]);
    let of = |essence: &str, parts: &[&str]| {
        let parts: Vec<String> = parts.iter().map(|p| (*p).to_string()).collect();
        part(essence, "", &parts)
    };
    let b_c_d = of(
        "multipart/mixed",
        &[&text, &part("image/jpeg", inline, &[]), &text],
    );
    let e_f = of(
        "multipart/related",
        &[&leaf("text/html"), &leaf("image/jpeg")],
    );
    let alternative = of("multipart/alternative", &[&b_c_d, &e_f]);
    let g = part("image/jpeg", "Content-Disposition: attachment\r\n", &[]);
    let j = format!("Content-Type: message/rfc822\r\n\r\n{text}");
    let list = of(
        "multipart/mixed",
        &[&alternative, &g, &leaf("application/x-excel"), &j],
    );
    let message = of("multipart/mixed", &[&text, &list, &text]);
    let message = Message::parse(message.as_bytes());
    let (a, k, e) = ("1", "3", "2.1.2.1");
    let [b, c, d] = ["2.1.1.1", "2.1.1.2", "2.1.1.3"];
    let wanted = [
        vec![a, b, c, d, k],
        vec![a, e, k],
        vec![c, "2.1.2.2", "2.2", "2.3", "2.4"],
    ];
    assert_eq!(ours(&message), wanted);
    assert_eq!(by_the_book(&message), wanted);
    assert!(message.has_attachment());
    let alone = Message::parse(text.as_bytes());
    assert!(!alone.has_attachment());
}

fn tree() -> impl Strategy<Value = String> {
    let essence = prop::sample::select(vec![
        "text/plain",
        "text/html",
        "text/calendar",
        "image/png",
        "application/pdf",
        "message/rfc822",
        "text/plain; name=a",
        "image/gif; name=b",
    ]);
    let more = prop::sample::select(vec![
        "",
        "Content-Disposition: inline\r\n",
        "Content-Disposition: attachment\r\n",
        "Content-Disposition: other\r\n",
    ]);
    let leaf = (essence, more).prop_map(|(e, m)| part(e, m, &[]));
    leaf.prop_recursive(5, 40, 5, |inner| {
        let essence = prop::sample::select(vec!["mixed", "alternative", "related", "signed"]);
        (essence, prop::collection::vec(inner, 1..5))
            .prop_map(|(subtype, parts)| part(&format!("multipart/{subtype}"), "", &parts))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_lists_are_those_of_the_book(text in tree()) {
        let message = Message::parse(text.as_bytes());
        prop_assert_eq!(ours(&message), by_the_book(&message), "{}", text);
    }
}

#[test]
fn the_lists_of_all_messages_of_the_corpus_are_those_of_the_book() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/mime");
    let Ok(folders) = std::fs::read_dir(&root) else {
        println!("no corpus at {}: nothing was tested", root.display());
        return;
    };
    let (mut messages, mut shown) = (0, 0);
    for folder in folders.flatten().filter(|f| f.path().is_dir()) {
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            let bytes = std::fs::read(file.path()).unwrap();
            let message = Message::parse(&bytes);
            let lists = ours(&message);
            assert_eq!(lists, by_the_book(&message), "{}", file.path().display());
            messages += 1;
            shown += usize::from(!lists[0].is_empty() || !lists[1].is_empty());
        }
    }
    assert!(messages > 1000 && shown > 1000, "{shown} of {messages}");
}

#[test]
fn html_that_is_the_root_of_related_without_being_first() {
    let html = "Content-Type: text/html\r\nContent-ID: <h@x>\r\n\r\nbody";
    for (start, wanted) in [("<h@x>", Some("2")), ("<other@x>", None)] {
        let text = format!(
            "Content-Type: multipart/related; boundary=b; start=\"{start}\"\r\n\r\n--b\r\n{}\r\n--b\r\n{html}\r\n--b--\r\n",
            leaf("image/png"),
        );
        let message = Message::parse(text.as_bytes());
        let found = message.html_body().map(|p| p.id().to_string());
        assert_eq!(found.as_deref(), wanted);
        assert_eq!(ours(&message), by_the_book(&message));
    }
}

#[test]
fn a_multipart_without_a_delimiter_is_text() {
    for text in [
        "Content-Type: multipart/mixed; boundary=a\n\nHello\n--b\n",
        "Content-Type: multipart/mixed\n\nHello\n--b\n",
        "Content-Type: multipart/mixed; boundary=a\n\n--a--\nHello\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=a\n\nHello\n--b--\n",
    ] {
        let message = Message::parse(text.as_bytes());
        let shown = message.text_body().expect(text);
        assert_eq!(shown.content_type().essence(), "multipart/mixed");
        assert!(shown.text().unwrap().text.contains("Hello"), "{text}");
        assert!(shown.is_opaque() && message.attachments().count() == 0);
    }
}

/// RFC 2387 3.1: a program that puts the images in front and names no `start`.
#[test]
fn html_behind_an_image_is_shown() {
    let message = |parameters: &str, disposition: &str| {
        format!(
            "Content-Type: multipart/related; boundary=b{parameters}\r\n\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <1@a>\r\n\r\nPNG\r\n--b\r\nContent-Type: text/html{disposition}\r\n\r\n<p>x<img src=cid:1@a>\r\n--b--\r\n"
        )
    };
    for (parameters, disposition, shown) in [
        ("", "", true),
        ("; type=\"text/html\"", "", true),
        ("; type=\"image/png\"", "", false),
        ("; start=\"<1@a>\"", "", false),
        ("", "\r\nContent-Disposition: attachment", false),
    ] {
        let message = message(parameters, disposition);
        let message = Message::parse(message.as_bytes());
        assert_eq!(
            message.html_body().is_some(),
            shown,
            "{parameters} {disposition}"
        );
        assert_eq!(message.preview(9).as_deref(), shown.then_some("x"));
        // To JMAP it stays what RFC 8621 4.1.4 has it.
        assert_eq!(message.bodies().html.len(), 1);
    }
    // In a mixed multipart it is an attachment, or shown as it is.
    let mixed = message("", "; name=a.html").replace("related", "mixed");
    assert!(Message::parse(mixed.as_bytes()).html_body().is_none());
}
