//! Authentication-Results. Written: whatever the values are, the field is one field of
//! short lines and reads back as what was put into it. Removed: what claims an id of ours
//! goes in one pass, and a lenient reader finds none of it afterwards.
//!
//! Lines of the input are values, the whole of it is a header.
#![no_main]

use scop_dkim::{AuthenticationResults, AuthservIds, MethodResult};
use scop_fuzz::{fuzz_target, heap_for, within};
use scop_mime::Message;

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        written(data);
        removed(data);
    });
});

fn written(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut field = AuthenticationResults::new("mx.ours.test").expect("an id");
    let mut values = Vec::new();
    for value in text.split('|').take(8) {
        let result = MethodResult::new("auth", "pass").expect("words");
        let result = result
            .because(value)
            .with("smtp", "auth", value)
            .expect("words");
        field = field.with(result);
        values.push(value);
    }
    let field = field.to_string();
    let body = field.strip_suffix("\r\n").expect("an end");
    for (at, line) in body.split("\r\n").enumerate() {
        assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']));
        assert!(line.is_ascii() && line.starts_with(' ') == (at > 0));
    }
    let (_, value) = field.split_once(':').expect("a colon");
    let read = scop_mime::AuthenticationResults::parse(value.as_bytes());
    assert_eq!(read.id(), "mx.ours.test");
    assert_eq!(read.results().len(), values.len());
    for (result, value) in read.results().iter().zip(values) {
        assert_eq!((result.method(), result.result()), ("auth", "pass"));
        let read = result.property("smtp", "auth").expect("a property");
        let plain = value.len() < 100 && value.bytes().all(|b| (b' '..=b'~').contains(&b));
        if plain {
            assert_eq!(read, value);
            assert_eq!(result.reason(), Some(value));
        }
    }
}

fn removed(data: &[u8]) {
    let ours = AuthservIds::new(["mx.ours.test"]).expect("an id");
    let claims = ours.claims(data);
    for pair in claims.windows(2) {
        assert!(pair[0].end <= pair[1].start);
    }
    assert!(
        claims
            .iter()
            .all(|c| c.start < c.end && c.end <= data.len())
    );
    let left = ours.strip(data);
    let gone: usize = claims.iter().map(ExactSizeIterator::len).sum();
    assert_eq!(left.len() + gone, data.len());
    assert!(ours.claims(&left).is_empty());
    // The body is not touched, and a header without an end has none.
    if let Some(end) = data.windows(4).position(|w| w == b"\r\n\r\n") {
        assert!(left.ends_with(&data[end + 4..]));
    }
    let message = Message::parse(&left);
    // A bare line end may end the header for that reader, never for the exact one.
    for field in message.header().all("authentication-results") {
        assert!(
            !field
                .authentication_results()
                .id()
                .eq_ignore_ascii_case("mx.ours.test")
        );
    }
}
