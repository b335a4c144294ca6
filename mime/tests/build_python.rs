//! Python's email package reads what the builder writes: no defect, the same subject,
//! addresses, texts, names and bytes. Skipped, saying so, where there is no python3.

use std::io::Write;
use std::process::{Command, Stdio};

use scop_mime::DateTime;
use scop_mime::build::{Builder, Group, Mailbox, MessageId, Part, Signature};

/// Reads a message from its input and prints what it found, a line each.
const READ: &str = r#"
import sys, email, email.policy, hashlib
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
def defects(m):
    for d in m.defects: yield type(d).__name__
    for k, v in m.items():
        for d in v.defects: yield k + ': ' + type(d).__name__
out = []
for part in m.walk():
    for d in defects(part): out.append('defect ' + d)
out.append('subject ' + m['subject'])
out.append('date ' + m['date'].datetime.isoformat())
for g in m['to'].groups:
    out.append('group ' + (g.display_name or ''))
    for a in g.addresses: out.append('to ' + a.display_name + ' <' + a.addr_spec + '>')
for part in m.walk():
    line = part.get_content_type()
    if part.get_filename() is not None: line += ' ' + part.get_filename()
    if part['content-id']: line += ' ' + part['content-id']
    if not part.is_multipart():
        line += ' ' + hashlib.sha256(part.get_payload(decode=True)).hexdigest()[:16]
    if part.get_content_maintype() == 'text':
        line += ' ' + ascii(part.get_content().replace('\r\n', '\n'))[:60]
    out.append(line)
sys.stdout.buffer.write('\n'.join(out).encode())
"#;

/// What Python found; `None` without Python.
fn python(message: &[u8]) -> Option<String> {
    let spawned = Command::new("python3")
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        eprintln!("no python3 here: nothing was compared");
        return None;
    };
    child.stdin.take().unwrap().write_all(message).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "python failed");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn builder(subject: &str) -> Builder {
    let date = DateTime::from_unix(1_700_000_000, 60).unwrap();
    let from = Mailbox::new("ann@example.org")
        .unwrap()
        .named("Änn D. (x)")
        .unwrap();
    let to = Mailbox::new("bob@example.com").unwrap();
    let b = Builder::new(from, date).subject(subject).unwrap();
    b.to(to.named("Bob \"B\" Öbst, Esq.").unwrap())
}

fn check(built: Builder, expected: &[&str]) {
    let bytes = built.build().to_vec();
    let Some(found) = python(&bytes) else { return };
    assert!(
        !found.contains("defect "),
        "{found}\n{}",
        bytes.escape_ascii()
    );
    for line in expected {
        assert!(found.contains(line), "{line} is not in\n{found}");
    }
}

const TO: &str = "to Bob \"B\" Öbst, Esq. <bob@example.com>";

#[test]
fn headers() {
    let long = "Grüße aus Köln, ein sehr langer Betreff, 日本語 auch, der in mehrere Zeilen muss";
    check(
        builder(long).text("x"),
        &[
            &format!("subject {long}"),
            TO,
            "date 2023-11-14T23:13:20+01:00",
        ],
    );
    check(
        builder("plain =?and? not").text("x"),
        &["subject plain =?and? not", TO],
    );
    let words = "word ".repeat(60) + "end";
    check(builder(&words).text("x"), &[&format!("subject {words}")]);
    let team = Group::new("Das Team", [Mailbox::new("c@c.test").unwrap()]).unwrap();
    check(
        builder("g").to(team),
        &["group Das Team", "to  <c@c.test>", TO],
    );
    let mut many = builder("many");
    for n in 0..60 {
        let id = MessageId::new(format!("{n}.a.long.enough.id@example.org")).unwrap();
        many = many.reference(id);
    }
    check(many, &["subject many"]);
}

#[test]
fn bodies() {
    check(
        builder("a").text("Hello\n.\nFrom me\n"),
        &["text/plain", r"'Hello\n.\nFrom me\n'"],
    );
    check(
        builder("b").text("Grüße \n.\nFrom ü\n"),
        &[r"'Gr\xfc\xdfe \n.\nFrom \xfc\n'"],
    );
    check(
        builder("c").text("日本語のテキスト".repeat(40)),
        &[r"'\u65e5\u672c\u8a9e"],
    );
    check(
        builder("d").text("x").html("<p>ü</p>"),
        &["multipart/alternative", r"'<p>\xfc</p>\n'"],
    );
    check(builder("e").text("x".repeat(5000)), &["text/plain"]);
    check(
        builder("f").text("8bit: ü\n").eight_bit(),
        &[r"'8bit: \xfc\n'"],
    );
}

#[test]
fn parts() {
    // sha256 of 100,000 bytes of 7, and of nothing.
    let file = |name: &str, n| Part::attachment(name, "application/x-test", vec![7; n]).unwrap();
    check(
        builder("g")
            .text("x")
            .attach(file("a \"b\".bin", 100_000))
            .attach(file(
                "Ünï cödé – ein sehr langer Name, der nicht auf eine Zeile passt.bin",
                0,
            )),
        &[
            "application/x-test a \"b\".bin 2c4b101169bf328c",
            "application/x-test Ünï cödé – ein sehr langer Name, der nicht auf eine Zeile passt.bin e3b0c44298fc1c14",
        ],
    );
    let logo = Part::data("image/png", &b"png"[..]).unwrap().inlined();
    let logo = logo.content_id(MessageId::new("l@a.test").unwrap());
    check(
        builder("h")
            .html("<img src=cid:l@a.test>")
            .inline(logo)
            .calendar("REQUEST", "BEGIN:VCALENDAR")
            .unwrap(),
        &[
            "multipart/related",
            "image/png <l@a.test>",
            "text/calendar",
            "application/ics invite.ics",
        ],
    );
    let inner = builder("inner").text("in").build();
    check(
        builder("i").text("x").attach(Part::message(inner).unwrap()),
        &["message/rfc822", "'in\\n'"],
    );
    let sealed = Part::text("signed \n").seal().unwrap();
    let signature = Signature::pgp("pgp-sha256", "-----BEGIN\n").unwrap();
    check(
        builder("j").body(Part::signed(sealed, signature).unwrap()),
        &[
            "multipart/signed",
            "application/pgp-signature signature.asc",
            r"'signed \n'",
        ],
    );
}
