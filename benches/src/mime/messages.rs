//! What is read: real messages (`messages/`), and large ones that are made here.

/// Some messages that are read one after the other.
pub struct Set {
    pub name: &'static str,
    pub messages: Vec<Vec<u8>>,
}

impl Set {
    pub fn bytes(&self) -> u64 {
        self.messages.iter().map(|m| m.len() as u64).sum()
    }

    /// The same with bare LF.
    pub fn with_lf(&self) -> Set {
        Set {
            name: self.name,
            messages: self.messages.iter().map(|m| lf(m)).collect(),
        }
    }

    /// So many copies that they fit into no cache.
    pub fn beyond_cache(&self) -> Set {
        const SIZE: u64 = 48 << 20;
        let times = SIZE.div_ceil(self.bytes()) as usize;
        let copies = (0..times).flat_map(|_| self.messages.iter().cloned());
        Set {
            name: self.name,
            messages: copies.collect(),
        }
    }
}

macro_rules! real {
    ($($file:literal),+ $(,)?) => {
        vec![$(crlf(include_bytes!(concat!("../../messages/", $file)))),+]
    };
}

/// A few hundred bytes to a thousand.
pub fn small() -> Set {
    Set {
        name: "small mails",
        messages: real![
            "small/html.eml",
            "small/issue-414.eml",
            "small/base64-root.eml",
            "small/plain.eml",
            "small/relative.eml",
            "small/jpeg.eml",
            "small/unquoted-name.eml",
        ],
    }
}

/// Through mailing lists: long headers, short texts.
pub fn list() -> Set {
    Set {
        name: "list mail",
        messages: real![
            "list/frnog.eml",
            "list/nice-002.eml",
            "list/wine.eml",
            "list/procmail.eml",
            "list/pgp-signed.eml",
            "list/ham1.eml",
            "list/cfrg.eml",
        ],
    }
}

/// Reports with the message that bounced, or its header.
pub fn bounces() -> Set {
    Set {
        name: "bounces",
        messages: real![
            "bounces/lhost-postfix-80.eml",
            "bounces/lhost-sendgrid-03.eml",
            "bounces/lhost-amazonses-02.eml",
            "bounces/lhost-amazonses-10.eml",
            "bounces/rfc3464-07.eml",
            "bounces/rhost-google-01.eml",
        ],
    }
}

const HEADER: &str = "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.com>\r\n\
    Subject: a large message\r\nDate: Tue, 14 Nov 2023 23:13:20 +0100\r\nMIME-Version: 1.0\r\n";

/// A text and 4 MB of base64.
pub fn attachment() -> Set {
    let mut message = format!(
        "{HEADER}Content-Type: multipart/mixed; boundary=\"=_next\"\r\n\r\n--=_next\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nSee there.\r\n--=_next\r\n\
         Content-Type: application/octet-stream; name=\"a.bin\"\r\n\
         Content-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"a.bin\"\r\n\r\n"
    )
    .into_bytes();
    base64(4 << 20, &mut message);
    message.extend_from_slice(b"\r\n--=_next--\r\n");
    Set {
        name: "4 MB base64",
        messages: vec![message],
    }
}

/// `size` bytes of base64 in lines of 76, the last one too without an end.
pub fn base64(size: usize, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut random = Random(1);
    let lines = size.div_ceil(78);
    for line in 0..lines {
        if line > 0 {
            out.extend_from_slice(b"\r\n");
        }
        out.extend((0..76).map(|_| DIGITS[(random.next() % 64) as usize]));
    }
}

/// HTML as newsletters have it, in quoted-printable.
pub fn quoted_printable() -> Set {
    let mut message = format!(
        "{HEADER}Content-Type: text/html; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    .into_bytes();
    qp_html(400 << 10, &mut message);
    Set {
        name: "QP HTML",
        messages: vec![message],
    }
}

/// `size` bytes of HTML in quoted-printable: `=` is one byte in 40, and one in 100 is the
/// `=` of a soft line break (in the HTML of `../shared/corpus` it is one in 45, in 120).
pub fn qp_html(size: usize, out: &mut Vec<u8>) {
    const WORDS: &[&str] = &[
        "<td style=3D\"padding:0 0 20px 0;font-family:Helvetica,Arial,sans-serif\">",
        "</td></tr><tr>",
        "<a href=3D\"https://example.com/click?u=3D1f3a&amp;id=3D77c2\">",
        "</a>",
        "Gr=C3=BC=C3=9Fe",
        "Our spring collection is here, and it is brighter than it ever was",
        "offers",
        "the whole week, and the next one if the weather stays as it is",
        "=E2=80=93",
        "</p>\r\n<p>",
        "<br />\r\n",
        "If you do not want to hear from us again, unsubscribe here at any time",
        "<div><span><b>New</b></span></div>\r\n",
        "</table>\r\n</td>\r\n</tr>\r\n",
        "You receive this because you have an account with us or asked for it",
        "Free delivery on everything until Sunday, in all shops and all sizes",
        "padding-left:10px; border-collapse:collapse; mso-table-lspace:0pt",
        "-webkit-text-size-adjust:100%; line-height:24px; color:#333333",
    ];
    let mut random = Random(2);
    let (start, mut line) = (out.len(), 0);
    while out.len() - start < size {
        let word = WORDS[(random.next() as usize) % WORDS.len()];
        let mut rest = word.as_bytes();
        while !rest.is_empty() {
            let unit = if rest[0] == b'=' { 3 } else { 1 };
            if rest.starts_with(b"\r\n") {
                out.extend_from_slice(b"\r\n");
                (rest, line) = (&rest[2..], 0);
                continue;
            }
            if line + unit > 75 {
                out.extend_from_slice(b"=\r\n");
                line = 0;
            }
            out.extend_from_slice(&rest[..unit]);
            (rest, line) = (&rest[unit..], line + unit);
        }
        if line < 75 && line > 0 {
            out.push(b' ');
            line += 1;
        }
    }
    while out.last() == Some(&b' ') {
        out.pop();
    }
    out.extend_from_slice(b"\r\n");
}

/// 9,000 parts of a line each.
pub fn tiny_parts() -> Set {
    let mut message =
        format!("{HEADER}Content-Type: multipart/mixed; boundary=b\r\n\r\n").into_bytes();
    for i in 0..9000 {
        message.extend_from_slice(
            format!("--b\r\nContent-Type: text/plain\r\n\r\npart {i}\r\n").as_bytes(),
        );
    }
    message.extend_from_slice(b"--b--\r\n");
    Set {
        name: "9,000 tiny parts",
        messages: vec![message],
    }
}

fn lf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    for (i, &byte) in message.iter().enumerate() {
        if byte != b'\r' || message.get(i + 1) != Some(&b'\n') {
            out.push(byte);
        }
    }
    out
}

fn crlf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 32);
    for byte in lf(message) {
        if byte == b'\n' {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}

/// The same numbers in each run (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }
}
