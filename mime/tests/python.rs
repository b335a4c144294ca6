//! The ambiguous inputs, sanitised, in the eyes of Python's email package: the same parts
//! with the same content as in ours. Where there is no `python3` nothing is tested.

mod common;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use scop_mime::{Content, Limits, Message, Part, sanitise};

/// Each message as hexadecimal digits on a line; a line of what Python sees for each.
const SCRIPT: &str = r"
import sys, email, email.policy
def show(m, out):
    if m.get_content_maintype() == 'multipart' or m.get_content_type() == 'message/rfc822':
        out.append(m.get_content_type() + '[')
        for p in m.get_payload(): show(p, out)
        out.append(']')
        return
    body = m.get_payload(decode=True) or b''
    name = m.get_filename()
    out.append(m.get_content_type() + ' ' + (name or '-').encode().hex() + ' ' + body.replace(b'\r\n', b'\n').hex())
for line in sys.stdin:
    m = email.message_from_bytes(bytes.fromhex(line), policy=email.policy.default)
    out = []
    show(m, out)
    found = [type(d).__name__ for p in m.walk() for d in p.defects]
    print(' '.join(out), 'subject', str(m['subject'] or '').encode('utf8', 'replace').hex(), 'defects', *found)
";

fn show(part: Part<'_, '_>, out: &mut String) {
    let content_type = part.content_type();
    if part.content() != Content::Leaf {
        write!(out, "{}[ ", content_type.essence()).unwrap();
        part.children().for_each(|child| show(child, out));
        out.push_str("] ");
        return;
    }
    let name = part.filename().map_or("-".to_string(), |n| n.to_string());
    let mut body = part.decoded().into_owned();
    let crlf: Vec<usize> = body
        .windows(2)
        .enumerate()
        .filter(|(_, w)| *w == b"\r\n")
        .map(|(i, _)| i)
        .collect();
    for at in crlf.iter().rev() {
        body.remove(*at);
    }
    write!(
        out,
        "{} {} {} ",
        content_type.essence(),
        hex(name.as_bytes()),
        hex(&body)
    )
    .unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        write!(out, "{b:02x}").unwrap();
        out
    })
}

#[test]
fn python_reads_what_was_sanitised_as_we_do() {
    let cases = common::cases();
    let python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut python) = python else {
        println!("no python3: nothing was tested");
        return;
    };
    let limits = Limits::default();
    let sanitised: Vec<Vec<u8>> = cases
        .iter()
        .map(|case| sanitise(&case.message, &limits).0.into_owned())
        .collect();
    let lines: String = sanitised.iter().map(|m| hex(m) + "\n").collect();
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), cases.len());
    let mut differ = String::new();
    for ((case, message), theirs) in cases.iter().zip(&sanitised).zip(text.lines()) {
        let parsed = Message::parse(message);
        let mut ours = String::new();
        show(parsed.root(), &mut ours);
        let subject = parsed.header().subject().unwrap_or_default().to_string();
        write!(ours, "subject {} defects", hex(subject.as_bytes())).unwrap();
        if ours != theirs {
            writeln!(
                differ,
                "{}\nours   {ours}\nPython {theirs}\n{}\n",
                case.name,
                common::show(message)
            )
            .unwrap();
        }
    }
    assert!(differ.is_empty(), "\n{differ}");
}
