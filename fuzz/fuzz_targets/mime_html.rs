//! HTML as text: in proportion to the HTML, without carriage returns; what is escaped is
//! read as it was; a preview is one line of the characters asked for.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, within};
use scop_mime::{Message, html};

fn seen(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
}

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        let page = String::from_utf8_lossy(data);
        let text = html::to_text(&page);
        assert!(text.len() <= 2 * page.len() + 1);
        assert!(!text.contains(['\r', '\0']), "{text:?}");
        let there = html::to_text(&html::from_text(&text));
        assert!(seen(&there).eq(seen(&text)), "{there:?} {text:?}");

        let characters = data.len() % 50;
        for kind in ["plain", "html"] {
            let header = format!("Content-Type: text/{kind}; charset=utf-8\r\n\r\n");
            let message = [header.as_bytes(), data].concat();
            let message = Message::parse(&message);
            if let Some(line) = message.preview(characters) {
                assert!(line.chars().count() <= characters);
                assert!(
                    !line.is_empty() && !line.contains(char::is_control),
                    "{line:?}"
                );
                assert_eq!(line.trim(), line);
            }
            let _ = message.plain_text();
        }
    });
});
