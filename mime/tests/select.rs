//! Which parts a reader shows, and which it lists as attachments (RFC 8621 4.1.4).

use scop_mime::{Indexer, Message};

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
