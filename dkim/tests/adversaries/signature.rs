//! The tags of a signature (RFC 6376 sections 3.2, 3.5, 3.7 and 6.1.1).

use super::*;

/// RFC 6376 section 3.5, `t=` and `x=`; the clock may be 5 minutes off.
#[test]
fn time() {
    let run = |more: &str| {
        let tags = tags(more);
        verify(
            &Forge {
                tags: &tags,
                ..Forge::default()
            }
            .message(HEADER, BODY),
        )
        .reason
    };
    assert_eq!(run(&format!("t={NOW}; x={}", NOW + 1)), Reason::Verified);
    assert_eq!(run(&format!("x={}", NOW - 300)), Reason::Verified);
    assert_eq!(run(&format!("x={}", NOW - 301)), Reason::Expired(NOW - 301));
    assert_eq!(run("x=0"), Reason::Expired(0));
    assert_eq!(run(&format!("t={}", NOW + 300)), Reason::Verified);
    assert_eq!(run(&format!("t={}", NOW + 301)), Reason::Future(NOW + 301));
    assert_eq!(run("t=999999999999"), Reason::Future(999_999_999_999));
    assert_eq!(run("x=999999999999"), Reason::Verified);
    assert_eq!(
        run(&format!("t={NOW}; x={NOW}")),
        Reason::Signature(SignatureError::ExpiresBeforeSigned)
    );
    let huge = Reason::Signature(SignatureError::Malformed("x"));
    assert_eq!(run("x=99999999999999999999999"), huge);
    // Who looks at old mail says so.
    let mut policy = Policy::default();
    policy.honour_expiration = false;
    let tags = tags("x=1");
    let forge = Forge {
        tags: &tags,
        ..Forge::default()
    };
    let zone = |_: &str| Ok(Records::txt([record()]));
    let old = verify_with(&policy, &forge.message(HEADER, BODY), usize::MAX, &zone);
    assert_eq!(old.outcomes()[0].reason, Reason::Verified);
}

/// RFC 6376 section 3.7: `b=` is cut out wherever it stands, however folded.
#[test]
fn where_b_stands() {
    let text = String::from_utf8(Forge::default().message(HEADER, BODY)).unwrap();
    let (before, rest) = text.split_once(" b=").unwrap();
    let (b, rest) = rest.split_once("\r\n").unwrap();
    let folded: String = b.chars().flat_map(|c| ['\r', '\n', '\t', c]).collect();
    for value in [folded, format!(" \r\n {b}\r\n \t"), format!("{b} ")] {
        let message = format!("{before} b={value}\r\n{rest}");
        assert_eq!(
            verify(message.as_bytes()).reason,
            Reason::Verified,
            "{value}"
        );
    }
    // A white-space change before `=` or of `bh=` is one of the signed data,
    // and a semicolon at the end as well.
    for message in [
        format!("{before} b ={b}\r\n{rest}"),
        format!("{before} b={b};\r\n{rest}"),
        format!("{before};b={b}\r\n{rest}"),
    ] {
        assert_ne!(verify(message.as_bytes()).result(), DkimResult::Pass);
    }
}

/// A reason or an outcome is one line, whatever the message holds.
#[test]
fn display_cannot_be_injected_into() {
    let evil = "v=1; a=x\u{1b}[2J\u{85}\"(; d=e.test\r\n pass; s=s; b=aGk=; bh=aGk=; h=from";
    for tags in [
        evil,
        "v=1; a=x (\r\n dkim=pass); d=example.com; s=sel",
        "a b\r\n c=d",
    ] {
        let message = format!("DKIM-Signature: {tags}\r\n{HEADER}\r\n");
        let line = verify(message.as_bytes()).to_string();
        assert!(
            line.is_ascii() && !line.contains(char::is_control),
            "{line:?}"
        );
    }
}

/// RFC 6376 sections 3.2, 3.5 and 6.1.1: each signature here is right but for one tag, and
/// is ignored for it.
#[test]
fn one_bad_tag() {
    use SignatureError as E;
    use scop_dkim::{NameError, TagListError};
    let long = format!("d={}.example.com; s=sel", "a".repeat(64));
    let duplicate = |name: &str| E::Tags(TagListError::Duplicate(name.into()));
    for (tags, error) in [
        // Duplicates (section 3.2), wherever they stand and whatever they say.
        ("v=1; d=example.com; s=sel; d=example.com", duplicate("d")),
        ("v=1; d=example.com; s=sel; zz=1; zz=2", duplicate("zz")),
        // Empty and misspelt.
        (
            ";v=1; d=example.com; s=sel",
            E::Tags(TagListError::EmptyTag),
        ),
        (
            "v=1;; d=example.com; s=sel",
            E::Tags(TagListError::EmptyTag),
        ),
        (
            "v=1; d=example.com; s=sel; x",
            E::Tags(TagListError::NoEquals),
        ),
        (
            "v=1; d=example.com; s=sel; =x",
            E::Tags(TagListError::BadName),
        ),
        (
            "v=1; d=example.com; s=sel; x\0=1",
            E::Tags(TagListError::BadName),
        ),
        (
            "v=1; d=example.com; s=sel; zz=a\0b",
            E::Tags(TagListError::BadValue("zz".into())),
        ),
        (
            "v=1; d=example.com; s=sel; zz=a\nb",
            E::Tags(TagListError::BadValue("zz".into())),
        ),
        // Names of tags are case-sensitive.
        ("V=1; d=example.com; s=sel", E::Missing("v")),
        ("v=1; D=example.com; s=sel", E::Missing("d")),
        ("v=1; d=example.com; S=sel", E::Missing("s")),
        ("v=2; d=example.com; s=sel", E::Version),
        ("v=01; d=example.com; s=sel", E::Version),
        ("v=1; d=com; s=sel", E::Domain(NameError::SingleLabel)),
        (
            "v=1; d=example..com; s=sel",
            E::Domain(NameError::EmptyLabel),
        ),
        (
            "v=1; d=example.com.; s=sel",
            E::Domain(NameError::EmptyLabel),
        ),
        ("v=1; d=a/b.com; s=sel", E::Domain(NameError::BadCharacter)),
        (long.as_str(), E::Domain(NameError::TooLong)),
        (
            "v=1; d=example.com; s=../r2",
            E::Selector(NameError::EmptyLabel),
        ),
        (
            "v=1; d=example.com; s=a/b",
            E::Selector(NameError::BadCharacter),
        ),
        (
            "v=1; d=example.com; s=sel; i=x@notexample.com",
            E::DomainMismatch,
        ),
        ("v=1; d=example.com; s=sel; i=x@com", E::Malformed("i")),
        (
            "v=1; d=example.com; s=sel; i=example.com",
            E::Malformed("i"),
        ),
        ("v=1; d=example.com; s=sel; q=dns/a", E::QueryMethod),
        (
            "v=1; d=example.com; s=sel; t=5; x=4",
            E::ExpiresBeforeSigned,
        ),
        ("v=1; d=example.com; s=sel; x=-1", E::Malformed("x")),
        (
            "v=1; d=example.com; s=sel; x=18446744073709551616",
            E::Malformed("x"),
        ),
        ("v=1; d=example.com; s=sel; t=0x10", E::Malformed("t")),
        ("v=1; d=example.com; s=sel; l=1e9", E::Malformed("l")),
    ] {
        let tags = match tags.starts_with("d=") {
            true => format!("v=1; a=ed25519-sha256; {tags}"),
            false => tags.replacen("d=example", "a=ed25519-sha256; d=example", 1),
        };
        let tags = match tags.contains("a=ed25519") {
            true => tags,
            false => format!("{tags}; a=ed25519-sha256"),
        };
        let forge = Forge {
            tags: &tags,
            ..Forge::default()
        };
        let outcome = verify(&forge.message(HEADER, BODY));
        assert_eq!(outcome.reason, Reason::Signature(error), "{tags:?}");
        assert_eq!(outcome.result(), DkimResult::Neutral);
    }
    // Odd, and right: order, blanks, folding, unknown tags, case of the names in `h=`.
    for tags in [
        "s=sel; zz=; d=EXAMPLE.com; v=1; a=ed25519-sha256",
        "v = 1 ;\r\n\ta\r\n = ed25519-sha256; d=example.com;\r\n s=SEL; q=x/y : dns/txt",
    ] {
        for h in ["FROM : to", "from:\r\n\tTo"] {
            let forge = Forge {
                tags,
                h,
                ..Forge::default()
            };
            let outcome = verify(&forge.message(HEADER, BODY));
            assert_eq!(outcome.reason, Reason::Verified, "{tags:?} {h:?}");
        }
    }
}

/// RFC 6376 section 3.5: `b=` and `bh=` hold base64 and white space, nothing else.
#[test]
fn junk_in_base64() {
    let text = String::from_utf8(Forge::default().message(HEADER, BODY)).unwrap();
    for tag in ["b", "bh"] {
        for junk in ["!", "-", "_", "\u{e4}", "=", "%", "\\"] {
            let junked = text.replacen(&format!(" {tag}="), &format!(" {tag}={junk}"), 1);
            let outcome = verify(junked.as_bytes());
            let expected = Reason::Signature(SignatureError::Malformed(tag));
            assert_eq!(outcome.reason, expected, "{tag} {junk}");
        }
    }
    let none = text.replacen(" b=", " b=; zz=", 1);
    let expected = Reason::Signature(SignatureError::Malformed("b"));
    assert_eq!(verify(none.as_bytes()).reason, expected);
}

/// RFC 8616 section 4: names in U-labels are those in A-labels.
#[cfg(feature = "idn")]
#[test]
fn internationalised_names() {
    let zone = |name: &str| {
        assert_eq!(name, "xn--slktor-bvab._domainkey.xn--bcher-kva.example");
        Ok(Records::txt([record()]))
    };
    let forge = Forge {
        tags: "v=1; a=ed25519-sha256; d=b\u{fc}cher.example; s=s\u{e9}l\u{e9}ktor; i=j\u{f6}rg@B\u{fc}cher.example",
        ..Forge::default()
    };
    let message = forge.message("From: j\u{f6}rg@b\u{fc}cher.example\r\n", BODY);
    let v = verify_with(&Policy::default(), &message, 9, &zone);
    let outcome = &v.outcomes()[0];
    assert_eq!(outcome.reason, Reason::Verified);
    let signature = outcome.signature.as_ref().unwrap();
    assert_eq!(
        signature.identity().to_string(),
        "j\u{f6}rg@xn--bcher-kva.example"
    );
}
