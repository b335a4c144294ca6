//! Whom a client believes: tl05 (twelve bad certificates), sc14 (a good certificate
//! for somebody else), and the client that believes anybody.

mod common;

use std::{collections::BTreeMap, time::Duration};

use common::{certs, *};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, NameConstraints, SanType, date_time_ymd,
};
use scop_core::testkit::{End, pair};
use scop_tls_adapters::{
    CertificateFault, ClientConfig, Identity, Roots, ServerConfig, Tls, WallClock,
};

/// How the client fares with a server of that identity: how each side ended.
fn meet(client: &ClientConfig, name: &str, leaf: &certs::Leaf) -> (End, End) {
    let server = ServerConfig::new(leaf.identity(), &["toy"], certs::clock()).unwrap();
    let sim = pair(
        client_peer(Tls::implicit(
            Client::new(&SCRIPT),
            client.connect_to(name).unwrap(),
        )),
        server_peer(Tls::implicit(Server::new(), server.accept())),
    );
    if sim.client.end == End::Closed {
        assert_eq!(sim.client.notes, lines(&REPLIES));
    } else {
        // Neither side said or heard a word of the protocol.
        assert!(
            sim.client.notes.is_empty() && sim.server.notes.is_empty(),
            "{}",
            shown(&sim)
        );
    }
    (sim.client.end, sim.server.end)
}

fn error(end: End) -> String {
    match end {
        End::Error(error) => error,
        end => panic!("it was let in: {end:?}"),
    }
}

/// What is wrong with it, what the client says, which alert the server gets.
type Bad = (&'static str, certs::Leaf, &'static str, u8);

fn bad_certificates() -> Vec<Bad> {
    let root = &*certs::ROOT;
    let good = || certs::good("mail.test");
    let mut all: Vec<Bad> = Vec::new();
    let mut bad = |what, leaf, says, alert| all.push((what, leaf, says, alert));

    let mut params = good();
    params.not_after = date_time_ymd(2026, 1, 1);
    bad(
        "expired",
        root.sign(params),
        "the certificate has expired",
        45,
    );

    let mut params = good();
    params.not_before = date_time_ymd(2027, 1, 1);
    let says = "the certificate is not valid yet; is this host's clock right?";
    bad("not yet valid", root.sign(params), says, 45);

    let leaf = root.sign(certs::good("other.test"));
    let says = "the certificate is for another name: mail.test was asked for, it is for";
    bad("another name", leaf, says, 42);

    let leaf = root.sign(certs::good("*.mail.test"));
    bad("a wildcard below the name", leaf, says, 42);

    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "mail.test");
    bad("the name as common name only", root.sign(params), says, 42);

    let stranger = certs::Authority::new("a stranger");
    let says = "the certificate is not signed by a root that is trusted here";
    bad("unknown authority", stranger.sign(good()), says, 48);

    // The name of a trusted root, but not its key.
    let impostor = certs::Authority::new("a root of the tests");
    let leaf = impostor.sign(good());
    bad("forged issuer", leaf, "", 0);

    let key = certs::key();
    let certificate = good().self_signed(&key).unwrap();
    let leaf = certs::Leaf {
        chain: vec![certificate.der().to_vec()],
        key: key.serialize_der(),
    };
    bad("self-signed", leaf, says, 48);

    let mut params = good();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    bad(
        "for clients only",
        root.sign(params),
        "the certificate is for another use",
        0,
    );

    // Signed by an end entity, which has no say.
    let key = certs::key();
    let mut params = good();
    params.is_ca = IsCa::NoCa;
    let issuer = CertifiedIssuer::signed_by(params, key, &root.0).unwrap();
    let leaf_key = certs::key();
    let leaf = certs::Leaf {
        chain: vec![
            good().signed_by(&leaf_key, &issuer).unwrap().der().to_vec(),
            issuer.der().to_vec(),
        ],
        key: leaf_key.serialize_der(),
    };
    bad("issued by an end entity", leaf, "", 0);

    // An authority that may only sign for another domain.
    let mut params = certs::authority("constrained");
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("other.test".into())],
        excluded_subtrees: Vec::new(),
    });
    let issuer = CertifiedIssuer::signed_by(params, certs::key(), &root.0).unwrap();
    bad("outside its issuer's names", under(&issuer, good()), "", 0);

    // A path longer than its root allows: constraint 0, two authorities deep.
    let mut params = certs::authority("short");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let short = CertifiedIssuer::signed_by(params, certs::key(), &root.0).unwrap();
    let deep = CertifiedIssuer::signed_by(certs::authority("deep"), certs::key(), &short).unwrap();
    let mut leaf = under(&deep, good());
    leaf.chain.push(short.der().to_vec());
    bad("a path that is too long", leaf, "", 0);

    // One bit of the signature.
    let mut leaf = root.sign(good());
    let last = leaf.chain[0].len() - 1;
    leaf.chain[0][last] ^= 1;
    bad("a broken signature", leaf, "", 0);
    all
}

fn under(issuer: &CertifiedIssuer<'_, rcgen::KeyPair>, params: CertificateParams) -> certs::Leaf {
    let key = certs::key();
    let certificate = params.signed_by(&key, issuer).unwrap();
    certs::Leaf {
        chain: vec![certificate.der().to_vec(), issuer.der().to_vec()],
        key: key.serialize_der(),
    }
}

#[test]
fn tl05_bad_certificates_are_refused_and_the_server_is_told() {
    let mut seen = BTreeMap::new();
    for (what, leaf, says, alert) in bad_certificates() {
        let (client, server) = meet(&certs::client(), "mail.test", &leaf);
        let (client, server) = (error(client), error(server));
        assert!(client.starts_with(says), "{what}: {client}");
        assert!(
            server.starts_with("the peer ended the TLS connection with alert"),
            "{what}: {server}"
        );
        if alert != 0 {
            assert!(
                server.contains(&format!("alert {alert} ")),
                "{what}: {server}"
            );
        }
        seen.insert(what, client);
    }
    assert!(seen.len() >= 12, "{seen:#?}");
    // Nothing of this is TLS failing for another reason.
    for (what, error) in &seen {
        let ours = error.contains("certificate") || error.contains("signature");
        assert!(ours, "{what}: {error}");
    }
}

#[test]
fn sc14_a_good_certificate_for_another_name_fails_and_for_this_one_does_not() {
    let client = certs::client();
    assert_eq!(meet(&client, "mail.test", &certs::LEAF).0, End::Closed);
    assert_eq!(meet(&client, "MAIL.TEST", &certs::LEAF).0, End::Closed);
    for name in [
        "mail.tes",
        "xmail.test",
        "test",
        "sub.mail.test",
        "127.0.0.1",
        "::1",
    ] {
        let end = error(meet(&client, name, &certs::LEAF).0);
        assert!(
            end.starts_with("the certificate is for another name"),
            "{name}: {end}"
        );
    }
    // A wildcard is for one label, an address for an address.
    let mut params = certs::good("*.mail.test");
    let address = "127.0.0.1".parse().unwrap();
    params.subject_alt_names.push(SanType::IpAddress(address));
    let leaf = certs::ROOT.sign(params);
    for (name, good) in [
        ("a.mail.test", true),
        ("a.b.mail.test", false),
        ("mail.test", false),
        ("127.0.0.1", true),
        ("127.0.0.2", false),
    ] {
        assert_eq!(meet(&client, name, &leaf).0 == End::Closed, good, "{name}");
    }
    for name in [
        "",
        "a b",
        "mail..test",
        "-",
        "mail.test\r\n",
        "user@mail.test",
    ] {
        assert!(client.connect_to(name).is_err(), "{name:?}");
    }
}

#[test]
fn a_chain_with_what_is_between_is_good() {
    let issuer =
        CertifiedIssuer::signed_by(certs::authority("between"), certs::key(), &certs::ROOT.0)
            .unwrap();
    let leaf = under(&issuer, certs::good("mail.test"));
    assert_eq!(meet(&certs::client(), "mail.test", &leaf).0, End::Closed);
}

#[test]
fn who_accepts_any_certificate_still_wants_its_key() {
    let client = ClientConfig::insecure_accept_any_certificate(certs::clock()).unwrap();
    for (what, leaf, ..) in bad_certificates() {
        assert_eq!(meet(&client, "mail.test", &leaf).0, End::Closed, "{what}");
    }
    // Somebody else's certificate with one's own key is noticed when it is loaded.
    let key = certs::key().serialize_der();
    let stolen = Identity::from_der(certs::LEAF.chain.clone(), key).unwrap();
    assert!(ServerConfig::new(stolen, &["toy"], certs::clock()).is_err());
}

#[test]
fn without_the_time_nobody_is_believed() {
    let lost = WallClock::new(|| None);
    let client = ClientConfig::new(certs::roots(), lost).unwrap();
    error(meet(&client, "mail.test", &certs::LEAF).0);
    let late = WallClock::new(|| Some(Duration::from_secs(80_000_000_000)));
    let client = ClientConfig::new(certs::roots(), late).unwrap();
    let end = error(meet(&client, "mail.test", &certs::LEAF).0);
    assert_eq!(end, CertificateFault::Expired.to_string());
}

#[test]
fn pem_in_and_nonsense_out() {
    let leaf = &*certs::LEAF;
    let pem = |kind: &str, der: &[u8]| {
        let body = pem_body(der);
        format!("-----BEGIN {kind}-----\n{body}-----END {kind}-----\n")
    };
    let chain = pem("CERTIFICATE", &leaf.chain[0]);
    let key = pem("PRIVATE KEY", &leaf.key);
    let both = format!("{key}{chain}");
    for (chain, key) in [(&chain, &key), (&both, &both)] {
        let identity = Identity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(format!("{identity:?}"), "Identity(1 certificates, a key)");
        ServerConfig::new(identity, &["toy"], certs::clock()).unwrap();
    }
    assert!(Identity::from_pem(key.as_bytes(), key.as_bytes()).is_err());
    assert!(Identity::from_pem(chain.as_bytes(), chain.as_bytes()).is_err());
    assert!(Identity::from_pem(b"", b"").is_err());
    assert!(Identity::from_der(Vec::new(), leaf.key.clone()).is_err());
    assert!(Identity::from_der(leaf.chain.clone(), vec![1, 2, 3]).is_err());

    let mut roots = Roots::new();
    assert!(roots.add_pem(b"no PEM").is_err());
    assert!(roots.add_der(b"no DER").is_err());
    assert!(ClientConfig::new(roots.clone(), certs::clock()).is_err());
    let root = pem("CERTIFICATE", &certs::ROOT.der());
    assert_eq!(roots.add_pem(root.repeat(2).as_bytes()), Ok(2));
    ClientConfig::new(roots, certs::clock()).unwrap();
}

fn pem_body(der: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for (n, three) in der.chunks(3).enumerate() {
        let bits =
            three.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i)) as usize & 63];
            out.push(if i > three.len() {
                '='
            } else {
                char::from(letter)
            });
        }
        if n % 16 == 15 {
            out.push('\n');
        }
    }
    out.push('\n');
    out
}
