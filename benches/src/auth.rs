//! Mail authentication: scop-dkim beside mail-auth, and beside what ring's primitives
//! alone would take.
//!
//! A message is verified from its bytes to its verdict, which is asserted in each pass:
//! header, signature, key record and body. DNS answers come out of a map. Rows `with aws-lc`
//! compute with what mail-auth computes with, through the seams that scop-dkim has for that.

mod aws_lc;
mod evaluate;
mod heap;
mod hostile;
mod limit;
mod mail_auth;
mod messages;
mod ours;
mod sign;
mod zone;

use std::rc::Rc;

use scop_dkim::Canonicalization::{self, Relaxed, Simple};
use scop_dkim::Policy;

use crate::measure::{Row, Tally, Unit};
use messages::Key;
use zone::Zone;

const AREA: &str = "auth";
const MAIL_AUTH: &str = "mail-auth 0.15.1";
const CHUNK: usize = 64 << 10;
/// Ahead of mail-auth.
const AHEAD: f64 = 1.0;
/// Of the speed of the primitive: what is wanted for a small mail.
const SMALL: f64 = 0.9;

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, body, relaxed_goal) in [
        ("10 MiB base64", messages::base64(10 << 20), Some(0.75)),
        ("10 MB ragged HTML", messages::ragged_html(10_000_000), None),
    ] {
        rows.push(large(name, "simple", Simple, &body, Some(0.85)));
        rows.push(large(name, "relaxed", Relaxed, &body, relaxed_goal));
    }
    for library in [Library::Ring, Library::AwsLc] {
        for key in [Key::Rsa, Key::Ed25519] {
            rows.push(small(key, library));
        }
        rows.push(copies(library));
    }
    rows.extend(sign::rows());
    rows.extend(evaluate::rows());
    rows.extend(heap::rows());
    rows.extend(hostile::rows());
    rows
}

/// Who computes for us.
#[derive(Clone, Copy)]
enum Library {
    Ring,
    /// As for mail-auth. Hashes are still ring's.
    AwsLc,
}

impl Library {
    fn row(self, name: String) -> String {
        match self {
            Library::Ring => name,
            Library::AwsLc => name + ", with aws-lc",
        }
    }

    fn policy(self) -> Policy {
        match self {
            Library::Ring => Policy::default(),
            Library::AwsLc => aws_lc::policy(),
        }
    }

    fn verify(self, key: Key) -> Box<dyn Fn(&mut Tally)> {
        match self {
            Library::Ring => limit::verify(key),
            Library::AwsLc => aws_lc::verify(key),
        }
    }

    fn sign(self, key: Key) -> Box<dyn Fn(&mut Tally)> {
        match self {
            Library::Ring => limit::sign(key),
            Library::AwsLc => aws_lc::sign(key),
        }
    }

    /// What of it a row's limit is.
    fn of(self, ring: &'static str, aws_lc: &'static str) -> &'static str {
        match self {
            Library::Ring => ring,
            Library::AwsLc => aws_lc,
        }
    }
}

/// The SHA-256 of the body is all that counts here.
fn large(
    name: &str,
    canon: &str,
    kind: Canonicalization,
    body: &[u8],
    of_limit: Option<f64>,
) -> Row {
    let message = messages::signed(Key::Rsa, kind, &messages::with_body(body));
    let message: Rc<[u8]> = message.into();
    let (zone, peer_zone) = (
        ours::Dns::new(&Zone::keys()),
        mail_auth::Dns::new(&Zone::keys()),
    );
    let body: Rc<[u8]> = body.into();
    let ours = Rc::clone(&message);
    let bytes = message.len() as u64;
    let row = Row::new(
        AREA,
        format!("verify: {name}, {canon}"),
        Unit::Throughput { bytes },
        move |tally| ours::verify(&ours, &zone, tally),
    )
    .limit("ring's SHA-256 alone", move |tally| {
        limit::sha256(&body, tally)
    });
    let row = match of_limit {
        Some(goal) => row.goal(goal),
        None => row,
    };
    row.peer(MAIL_AUTH, move |tally| peer_zone.verify(&message, tally))
        .goal(AHEAD)
}

fn small(key: Key, library: Library) -> Row {
    let message: Rc<[u8]> = messages::signed(key, Relaxed, messages::SMALL.as_bytes()).into();
    let (zone, peer_zone) = (
        ours::Dns::new(&Zone::keys()),
        mail_auth::Dns::new(&Zone::keys()),
    );
    let (ours, policy) = (Rc::clone(&message), library.policy());
    Row::new(
        AREA,
        library.row(format!("verify: 3 KB, {}", key.name())),
        Unit::Nanoseconds { items: 1 },
        move |tally| ours::verify_with(policy.clone(), messages::NOW, &ours, &zone, tally),
    )
    .limit(
        library.of("ring's verify alone", "aws-lc's verify alone"),
        library.verify(key),
    )
    .limit(
        library.of(
            "ring's verify, SHA-256 of the body",
            "aws-lc's verify, SHA-256 of the body",
        ),
        limit::with_body(library.verify(key)),
    )
    .goal(SMALL)
    .peer(MAIL_AUTH, move |tally| peer_zone.verify(&message, tally))
    .goal(AHEAD)
}

/// Both signatures, as those who move from one algorithm to the other send them.
fn copies(library: Library) -> Row {
    let once = messages::signed(Key::Rsa, Relaxed, messages::SMALL.as_bytes());
    let message: Rc<[u8]> = messages::signed(Key::Ed25519, Relaxed, &once).into();
    let (zone, peer_zone) = (
        ours::Dns::new(&Zone::keys()),
        mail_auth::Dns::new(&Zone::keys()),
    );
    let (ours, policy) = (Rc::clone(&message), library.policy());
    Row::new(
        AREA,
        library.row("verify: 3 KB, RSA-2048 and Ed25519".into()),
        Unit::Nanoseconds { items: 1 },
        move |tally| ours::verify_with(policy.clone(), messages::NOW, &ours, &zone, tally),
    )
    .peer(MAIL_AUTH, move |tally| peer_zone.verify(&message, tally))
    .goal(AHEAD)
}

/// A verdict that had to be a pass.
fn passed(domain: &str, tally: &mut Tally) {
    tally.item();
    tally.bytes(domain.as_bytes());
}
