//! SPF, DMARC and ARC, from what is known of a message to the verdict. Both sides parse
//! records in each pass or, in rows that say so, have them in their cache as they parsed
//! them when they came.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use peer_mail_auth::dmarc::verify::DmarcParameters;
use peer_mail_auth::{AuthenticatedMessage, DmarcResult};
use scop_dkim::arc::{ChainStatus, Sealer, Validator};
use scop_dkim::dmarc::{self, Identifier};
use scop_dkim::{
    AuthenticationResults, Canonicalization, Domain, Limits, Selector, SystemRandom, spf,
};

use super::messages::{self, DOMAIN, Key, NOW};
use super::zone::{Data, Zone};
use super::{AHEAD, AREA, CHUNK, Library, MAIL_AUTH, mail_auth, ours};
use crate::measure::{Row, Tally, Unit};

const RATE: Unit = Unit::Rate { items: 1 };

pub fn rows() -> Vec<Row> {
    let client = |last| IpAddr::from([198, 51, 100, last]);
    let mut rows = Vec::new();
    for parsed in [Parsed::EachTime, Parsed::Before] {
        let (pass, fail) = ("pass", "fail");
        rows.extend([
            spf(
                "pass by an include in an include",
                provider,
                client(70),
                pass,
                parsed,
            ),
            spf("fail of mx and a", hosts, client(70), fail, parsed),
            spf("pass by a macro", macros, client(7), pass, parsed),
            dmarc("record of the author's domain", DOMAIN, parsed),
            dmarc("record two labels up", "news.mail.example.com", parsed),
        ]);
    }
    for library in [Library::Ring, Library::AwsLc] {
        rows.push(arc(3, Messages::Newest, library));
    }
    rows.push(arc(3, Messages::All, Library::Ring));
    rows
}

/// When both sides parse records.
#[derive(Clone, Copy)]
enum Parsed {
    EachTime,
    Before,
}

impl Parsed {
    fn row(self, method: &str, name: &str) -> String {
        match self {
            Parsed::EachTime => format!("{method}: {name}"),
            Parsed::Before => format!("{method}: {name}, records parsed before"),
        }
    }

    fn ours(self, zone: &Zone) -> ours::Dns {
        match self {
            Parsed::EachTime => ours::Dns::new(zone),
            Parsed::Before => ours::Dns::new(zone).parsed_before(),
        }
    }

    fn theirs(self, zone: &Zone) -> mail_auth::Dns {
        match self {
            Parsed::EachTime => mail_auth::Dns::new(zone),
            Parsed::Before => mail_auth::Dns::new(zone).parsed_before(),
        }
    }
}

fn provider() -> Zone {
    let spf = |name: &str, text| (name.to_string(), Data::Spf(text));
    Zone(vec![
        spf(
            DOMAIN,
            "v=spf1 ip4:192.0.2.0/28 ip6:2001:db8:1::/48 include:_spf.provider.example ~all",
        ),
        spf(
            "_spf.provider.example",
            "v=spf1 include:_a.provider.example include:_b.provider.example \
             include:_c.provider.example ~all",
        ),
        spf(
            "_a.provider.example",
            "v=spf1 ip4:203.0.113.0/25 ip4:203.0.113.128/26 ip4:203.0.113.192/27 \
             ip4:203.0.113.224/28 ip4:10.1.0.0/16 ip4:10.2.0.0/16 ~all",
        ),
        spf(
            "_b.provider.example",
            "v=spf1 ip6:2001:db8:2::/48 ip6:2001:db8:3::/48 ip6:2001:db8:4::/48 \
             ip6:2001:db8:5::/48 ip6:2001:db8:6::/48 ~all",
        ),
        spf(
            "_c.provider.example",
            "v=spf1 ip4:10.3.0.0/16 ip4:10.4.0.0/16 ip4:198.51.100.0/26 ip4:198.51.100.64/27 ~all",
        ),
    ])
}

fn hosts() -> Zone {
    let a = |name: &str, last| {
        let addresses = vec![Ipv4Addr::new(192, 0, 2, last)];
        (name.to_string(), Data::A(addresses))
    };
    Zone(vec![
        (DOMAIN.into(), Data::Spf("v=spf1 mx a:out.example.com -all")),
        (
            DOMAIN.into(),
            Data::Mx(vec![(10, "mx1.example.com"), (20, "mx2.example.com")]),
        ),
        a("mx1.example.com", 1),
        a("mx2.example.com", 2),
        a("out.example.com", 3),
    ])
}

fn macros() -> Zone {
    let addresses = vec![Ipv4Addr::new(127, 0, 0, 2)];
    Zone(vec![
        (
            DOMAIN.into(),
            Data::Spf("v=spf1 exists:%{ir}.%{v}.%{l1r-}._spf.%{d2} -all"),
        ),
        (
            "7.100.51.198.in-addr.ann._spf.example.com".into(),
            Data::A(addresses),
        ),
    ])
}

fn spf(
    name: &str,
    zone: fn() -> Zone,
    client: IpAddr,
    result: &'static str,
    parsed: Parsed,
) -> Row {
    const SENDER: &str = "ann@example.com";
    const HELO: &str = "out7.example.com";
    let (dns, peer_dns) = (parsed.ours(&zone()), parsed.theirs(&zone()));
    Row::new(AREA, parsed.row("spf", name), RATE, move |tally| {
        let mut check = spf::Check::mail_from(client, SENDER, HELO);
        while let Some(query) = check.next_query() {
            let answer = dns.answer(&query);
            check.answer(query.id, answer).expect("asked for");
        }
        let verdict = check.verdict().expect("all is answered");
        evaluated(tally, &verdict.result, result);
    })
    .peer(MAIL_AUTH, move |tally| {
        let output = peer_dns.spf(client, SENDER, HELO);
        evaluated(tally, &output.result(), result);
    })
    .goal(AHEAD)
}

/// Both write results as RFC 8601 does.
fn evaluated(tally: &mut Tally, result: &dyn std::fmt::Display, wanted: &str) {
    if tally.is_comparison() {
        assert_eq!(result.to_string(), wanted);
    }
    std::hint::black_box(result);
    tally.item();
}

fn dmarc(name: &str, author: &'static str, parsed: Parsed) -> Row {
    let zone = || {
        let mut zone = Zone::keys();
        for nothing in ["news.mail.example.com", "mail.example.com", "com"] {
            zone.0.push((format!("_dmarc.{nothing}"), Data::NoDmarc));
        }
        let text = "v=DMARC1; p=reject; sp=quarantine; adkim=r; aspf=r; \
            rua=mailto:dmarc@example.com; fo=1";
        zone.0.push((format!("_dmarc.{DOMAIN}"), Data::Dmarc(text)));
        zone.0
            .push((DOMAIN.into(), Data::Spf("v=spf1 ip4:192.0.2.0/24 -all")));
        zone
    };
    let dns = parsed.ours(&zone());
    let domain = Domain::new(DOMAIN).expect("a domain");
    let (author_domain, client) = (
        Domain::new(author).expect("a domain"),
        [192, 0, 2, 1].into(),
    );
    let identifiers = vec![Identifier::Dkim(domain.clone()), Identifier::Spf(domain)];

    // What it has found out before. Its outputs borrow from the message, and all is kept.
    let text = messages::SMALL.replace("ann@example.com>\r\nTo", &format!("ann@{author}>\r\nTo"));
    assert!(text.contains(author));
    let signed = messages::signed(Key::Rsa, Canonicalization::Relaxed, text.as_bytes());
    let peer_dns: &'static mail_auth::Dns = Box::leak(Box::new(parsed.theirs(&zone())));
    let message = AuthenticatedMessage::parse(signed.leak()).expect("a message");
    let message: &'static AuthenticatedMessage<'_> = Box::leak(Box::new(message));
    let dkim = peer_dns.dkim(message);
    let spf = peer_dns.spf(client, "ann@example.com", "out7.example.com");
    Row::new(AREA, parsed.row("dmarc", name), RATE, move |tally| {
        let mut check = dmarc::Check::new(&author_domain, identifiers.iter().cloned());
        while let Some(query) = check.next_query() {
            let answer = dns.answer(&query);
            check.answer(query.id, answer).expect("asked for");
        }
        let verdict = check.verdict().expect("all is answered");
        assert_eq!(verdict.result, dmarc::DmarcResult::Pass);
        assert_eq!(verdict.aligned.len(), 2);
        judged(tally, verdict.policy_domain().unwrap_or_default());
    })
    .peer(MAIL_AUTH, move |tally| {
        let output = peer_dns.dmarc(DmarcParameters::new(message, &dkim, DOMAIN, &spf));
        assert_eq!(output.dkim_result(), &DmarcResult::Pass);
        assert_eq!(output.spf_result(), &DmarcResult::Pass);
        judged(tally, output.domain());
    })
    .goal(AHEAD)
}

fn judged(tally: &mut Tally, domain: &str) {
    tally.item();
    std::hint::black_box(domain);
}

/// Which message signatures of a chain are verified, besides all seals.
#[derive(Clone, Copy)]
enum Messages {
    /// What decides, and all that mail-auth verifies.
    Newest,
    /// All, which tells since when the message is unchanged (RFC 8617 section 5.2 step 5).
    All,
}

/// A chain of so many sets, RSA-2048 each.
fn arc(sets: usize, verified: Messages, library: Library) -> Row {
    let mut message = messages::SMALL.as_bytes().to_vec();
    let domain = Domain::new(DOMAIN).expect("a domain");
    let selector = Selector::new(Key::Rsa.selector()).expect("a selector");
    let sealer = Sealer::new(domain, selector, Key::Rsa.signing());
    let results = AuthenticationResults::new("mx.example.org").expect("an identifier");
    for set in 0..sets {
        let status = match set {
            0 => ChainStatus::None,
            _ => ChainStatus::Pass,
        };
        let mut sealing = sealer.start(NOW, status, &results);
        sealing.write(&message).expect("within limits");
        let fields = sealing.finish(&SystemRandom::new()).expect("a set");
        message.splice(..0, fields.into_bytes());
    }
    let message: Rc<[u8]> = message.into();
    let ours = Rc::clone(&message);
    let (dns, peer_dns) = (
        ours::Dns::new(&Zone::keys()),
        mail_auth::Dns::new(&Zone::keys()),
    );
    let (name, verifications, at_most) = match verified {
        Messages::Newest => (
            "arc: validate 3 sets, RSA-2048",
            sets + 1,
            library.of(
                "ring's verify alone, 4 times",
                "aws-lc's verify alone, 4 times",
            ),
        ),
        Messages::All => (
            "arc: validate 3 sets and each message signature, RSA-2048",
            2 * sets,
            library.of(
                "ring's verify alone, 6 times",
                "aws-lc's verify alone, 6 times",
            ),
        ),
    };
    let (verify, policy) = (library.verify(Key::Rsa), library.policy());
    let (name, unit) = (library.row(name.into()), Unit::Nanoseconds { items: 1 });
    let row = Row::new(AREA, name, unit, move |tally| {
        let mut validator = Validator::new(policy.clone(), Limits::default(), NOW);
        if let Messages::Newest = verified {
            validator = validator.newest_message_only();
        }
        for chunk in ours.chunks(CHUNK) {
            validator.write(chunk).expect("within limits");
        }
        let mut validation = validator.finish();
        while let Some(query) = validation.next_query() {
            let answer = dns.answer(&query);
            validation.answer(query.id, answer).expect("asked for");
        }
        let chain = validation.chain().expect("all is answered");
        assert_eq!(chain.status, ChainStatus::Pass, "{:?}", chain.reason);
        tally.number(chain.handlers.len() as u64);
        tally.item();
    });
    let row = match verified {
        Messages::All => row,
        Messages::Newest => row
            .peer(MAIL_AUTH, move |tally| {
                let message = AuthenticatedMessage::parse(&message).expect("a message");
                let output = peer_dns.arc(&message);
                assert_eq!(output.result(), &peer_mail_auth::ArcResult::Pass);
                tally.number(output.chain().len() as u64);
                tally.item();
            })
            .goal(AHEAD),
    };
    row.limit(at_most, move |tally| {
        (0..verifications).for_each(|_| verify(tally));
    })
}
