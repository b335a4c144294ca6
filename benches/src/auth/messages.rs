//! What is signed and verified, made the same in each run.

use scop_dkim::{Canonicalization, Domain, Selector, Signer, SigningKey, SystemRandom};

pub const DOMAIN: &str = "example.com";
pub const RSA_PEM: &str = include_str!("../../../dkim/tests/fixtures/rsa2048-pkcs8.pem");
pub const SEED: [u8; 32] = [7; 32];
/// When all signatures were made, and are verified by us. mail-auth asks the clock.
pub const NOW: u64 = 1_760_000_000;

/// Fields that both sides are told to sign where the signing itself is compared.
pub const FIELDS: [&str; 8] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// A mail of 3 KB, two thirds of it text, with what is usual on its way.
pub const SMALL: &str = include_str!("small.eml.txt");

#[derive(Clone, Copy)]
pub enum Key {
    Rsa,
    Ed25519,
}

impl Key {
    pub fn name(self) -> &'static str {
        match self {
            Key::Rsa => "RSA-2048",
            Key::Ed25519 => "Ed25519",
        }
    }

    pub fn selector(self) -> &'static str {
        match self {
            Key::Rsa => "rsa",
            Key::Ed25519 => "ed",
        }
    }

    pub fn signing(self) -> SigningKey {
        match self {
            Key::Rsa => SigningKey::from_pem(RSA_PEM).expect("a key"),
            Key::Ed25519 => SigningKey::ed25519(&SEED).expect("a key"),
        }
    }
}

/// A signer of [`FIELDS`], its header relaxed.
pub fn signer(key: Key, body: Canonicalization) -> Signer {
    signer_with(key.signing(), key, body)
}

/// The same with a key that may be elsewhere.
pub fn signer_with<K: scop_dkim::Key>(with: K, key: Key, body: Canonicalization) -> Signer<K> {
    let domain = Domain::new(DOMAIN).expect("a domain");
    let selector = Selector::new(key.selector()).expect("a selector");
    Signer::new(domain, selector, with)
        .canonicalization(Canonicalization::Relaxed, body)
        .fields(&[], &FIELDS)
        .expect("From is among them")
}

/// `message` under a signature.
pub fn signed(key: Key, body: Canonicalization, message: &[u8]) -> Vec<u8> {
    let mut signing = signer(key, body).start(NOW);
    signing.write(message).expect("within limits");
    let field = signing.finish(&SystemRandom::new()).expect("a field");
    [field.as_bytes(), message].concat()
}

pub const HEAD: &str = "From: Ann Example <ann@example.com>\r\n\
    To: Bob Example <bob@example.org>\r\n\
    Subject: The figures that you asked for\r\n\
    Date: Thu, 9 Oct 2025 08:53:20 +0000\r\n\
    Message-ID: <20251009085320.4711@example.com>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\n";

pub fn with_body(body: &[u8]) -> Vec<u8> {
    [HEAD.as_bytes(), body].concat()
}

/// So many bytes of lines of 76 characters without white space in them.
pub fn base64(size: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut random = Random(1);
    let mut out = Vec::with_capacity(size + 80);
    while out.len() < size {
        out.extend((0..76).map(|_| ALPHABET[random.below(64)]));
        out.extend_from_slice(b"\r\n");
    }
    out.truncate(size / 78 * 78);
    out
}

/// So many bytes of HTML as programs write it: indented by blanks or tabs, with runs of
/// blanks, blanks at the ends of lines, and empty lines.
pub fn ragged_html(size: usize) -> Vec<u8> {
    const PIECES: [&str; 12] = [
        "<td class=\"a\">",
        "</td>",
        "<p style=\"margin:0\">",
        "the quick brown fox",
        "jumps over",
        "&nbsp;",
        "<a href=\"https://www.example.com/offer?id=4711&amp;u=815\">",
        "a line",
        "</a>",
        "</p>",
        "<br>",
        "<img src=\"cid:logo\" width=1 height=1>",
    ];
    const GAPS: [&str; 6] = [" ", " ", "", "  ", "\t", "   \t "];
    const ENDS: [&str; 6] = ["", "", "", " ", "\t", "    "];
    let mut random = Random(2);
    let mut out = Vec::with_capacity(size + 1000);
    while out.len() < size {
        for _ in 0..random.below(8) {
            out.extend_from_slice(["  ", "\t", "    "][random.below(3)].as_bytes());
        }
        for _ in 0..random.below(5) {
            out.extend_from_slice(PIECES[random.below(12)].as_bytes());
            out.extend_from_slice(GAPS[random.below(6)].as_bytes());
        }
        out.extend_from_slice(ENDS[random.below(6)].as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"</html>\r\n");
    out
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) % n) as usize
    }
}
