//! Answers from a master file.

use std::sync::Arc;

use dns::{Dns, Zone};
use scop_dkim::spf::{Check, SpfResult};
use scop_dkim::{DnsError, Query, RecordKind, Records};

const FILE: &str = r#"
$ORIGIN example.test.
@               IN  MX   10 mx
@               IN  TXT  "v=spf1 mx include:_spf.other.test -all"
mx              IN  A    192.0.2.1
mx              IN  AAAA 2001:db8::1
alias           IN  CNAME mx
round           IN  CNAME trip
trip            IN  CNAME round
*.wild          IN  TXT  "any"
there.wild      IN  A    192.0.2.9
s1._domainkey   IN  TXT  ( "v=DKIM1; " "p=" )
_spf.other.test. IN TXT  "v=spf1 ip4:198.51.100.7 -all"
1.2.0.192.in-addr.arpa. IN PTR mx
"#;

fn dns() -> Dns {
    Dns::Zone(Arc::new(Zone::parse(FILE).unwrap()))
}

/// A query that a machine would ask: only they make queries.
fn ask(name: &str, kind: RecordKind) -> Query {
    // An SPF check asks for the names in the record that it is given.
    let mut check = Check::mail_from("192.0.2.7".parse().unwrap(), "a@start.test", "helo.test");
    let first = check.next_query().unwrap();
    let mechanism = match kind {
        RecordKind::A => format!("a:{name}"),
        RecordKind::Mx => format!("mx:{name}"),
        RecordKind::Txt => format!("include:{name}"),
        _ => unreachable!(),
    };
    let record = format!("v=spf1 {mechanism} -all");
    check.answer(first.id, Ok(Records::txt([record]))).unwrap();
    check.next_query().unwrap()
}

#[tokio::test]
async fn what_the_file_says_is_the_answer() {
    let dns = dns();
    let answer = async |name: &str, kind| dns.answer(&ask(name, kind)).await;
    let v4 = Records::A(["192.0.2.1".parse().unwrap()].into());
    assert_eq!(
        answer("mx.example.test", RecordKind::A).await,
        Ok(v4.clone())
    );
    assert_eq!(answer("ALIAS.Example.TEST", RecordKind::A).await, Ok(v4));
    assert_eq!(
        answer("example.test", RecordKind::Mx).await,
        Ok(Records::Mx([(10, "mx.example.test.".into())].into()))
    );
    let key = answer("s1._domainkey.example.test", RecordKind::Txt).await;
    assert_eq!(key, Ok(Records::txt(["v=DKIM1; p="])));
    // A name that exists has no records of another kind; one above a name exists too.
    let none = Ok(Records::Mx([].into()));
    assert_eq!(answer("mx.example.test", RecordKind::Mx).await, none);
    assert_eq!(
        answer("_domainkey.example.test", RecordKind::Mx).await,
        none
    );
    let gone = Err(DnsError::NotFound);
    assert_eq!(answer("no.example.test", RecordKind::A).await, gone);
    // Aliases in a circle lead nowhere.
    let empty = Ok(Records::A([].into()));
    assert_eq!(answer("round.example.test", RecordKind::A).await, empty);
}

/// A macro of SPF makes names that no host has (RFC 7208 section 7.3); DNS takes any octets
/// (RFC 2181 section 11).
#[tokio::test]
async fn names_of_any_characters_are_looked_up() {
    let dns = dns();
    let record = "v=spf1 include:%{l}.wild.example.test -all";
    for local in [
        "ann", "ann+tag", "a=b", "a/b", "-a", "o'brien", "a~b", "%", "*",
    ] {
        let from = format!("{local}@start.test");
        let mut check = Check::mail_from("192.0.2.7".parse().unwrap(), &from, "helo.test");
        let first = check.next_query().unwrap();
        check.answer(first.id, Ok(Records::txt([record]))).unwrap();
        let query = check.next_query().unwrap();
        assert_eq!(*query.name, format!("{local}.wild.example.test"));
        let any = Ok(Records::txt(["any"]));
        assert_eq!(dns.answer(&query).await, any, "{local}");
    }
}

#[tokio::test]
async fn an_asterisk_stands_for_what_is_not_there() {
    let dns = dns();
    let answer = async |name: &str| dns.answer(&ask(name, RecordKind::Txt)).await;
    let any = Ok(Records::txt(["any"]));
    assert_eq!(answer("x.wild.example.test").await, any);
    assert_eq!(answer("y.x.wild.example.test").await, any);
    assert_eq!(
        answer("there.wild.example.test").await,
        Ok(Records::txt::<&str>([]))
    );
    // Below a name that exists there is no synthesis (RFC 4592 section 2.2.1).
    assert_eq!(
        answer("x.there.wild.example.test").await,
        Err(DnsError::NotFound)
    );
}

#[tokio::test]
async fn a_check_runs_on_it() {
    let dns = dns();
    for (client, result) in [
        ("192.0.2.1", SpfResult::Pass),
        ("2001:db8::1", SpfResult::Pass),
        ("198.51.100.7", SpfResult::Pass),
        ("198.51.100.8", SpfResult::Fail),
    ] {
        let client = client.parse().unwrap();
        let mut check = Check::mail_from(client, "ann@example.test", "mx.example.test");
        while let Some(query) = check.next_query() {
            check.answer(query.id, dns.answer(&query).await).unwrap();
        }
        assert_eq!(check.verdict().unwrap().result, result, "{client}");
    }
}

#[test]
fn a_file_that_is_none_says_so() {
    assert!(Zone::parse("").is_ok());
    for (text, said) in [
        ("a.test. IN NONSENSE x", "line 1: `NONSENSE` is no type"),
        ("\n; c\na. IN A 192.0.2", "line 3: `192.0.2` is no address"),
        ("a. IN A ::1", "line 1: `::1` is no address of type A "),
        ("a. IN AAAA 192.0.2.1", "line 1: `192.0.2.1` is no address"),
        ("a. IN A 192.0.2.1 x", "line 1: A with 2 items, not 1 item"),
        ("a. IN MX mx.a.", "line 1: MX with 1 items, not 2"),
        ("a. IN MX ten mx.a.", "line 1: `ten` is no preference"),
        ("a. IN TXT", "line 1: TXT with 0 items"),
        ("a. IN", "line 1: a name without a record"),
        (" IN A 192.0.2.1", "line 1: a record without a name"),
        ("a..b. IN A 192.0.2.1", "line 1: `a..b.` is no name"),
        ("a. IN TXT \"x\n", "line 1: a quoted text without its end"),
        ("\na. IN TXT ( x\n\n", "line 2: a parenthesis without"),
        ("a. IN TXT x)", "line 1: parentheses that do not match"),
        ("a. IN TXT \\256", "line 1: `\\256` is no octet"),
        ("$INCLUDE x", "line 1: $INCLUDE is not read"),
        ("$ORIGIN", "line 1: $ORIGIN without a name"),
    ] {
        let error = Zone::parse(text).expect_err(text).to_string();
        assert!(error.starts_with(said), "{text:?}: {error}");
        assert!(error.ends_with("(RFC 1035 section 5.1)"), "{error}");
    }
    let long = format!("{}. IN A 192.0.2.1", "a".repeat(64));
    assert!(Zone::parse(&long).is_err());
    // No bytes make it panic.
    for end in (0..FILE.len()).filter(|end| FILE.is_char_boundary(*end)) {
        let _ = Zone::parse(&FILE[..end]);
        let _ = Zone::parse(&FILE[end..]);
    }
}

/// Labels are any octets (RFC 2181 section 11), and may be escaped (RFC 1035 section 5.1).
#[tokio::test]
async fn names_of_any_characters_are_in_the_file() {
    let file = r#"$ORIGIN start.test.
$TTL 1h
ann+tag 1h IN TXT one
key_1._domainkey IN 3600 TXT "two"
a\.b TXT "th" (
  "ree" ; of two
)
    IN TXT three
a\061c IN TXT four
"#;
    let dns = Dns::Zone(Arc::new(Zone::parse(file).unwrap()));
    let answer = async |name: &str| dns.answer(&ask(name, RecordKind::Txt)).await;
    let text = |text: &str| Ok(Records::txt([text]));
    assert_eq!(answer("ann+tag.start.test").await, text("one"));
    assert_eq!(answer("KEY_1._domainkey.start.test").await, text("two"));
    assert_eq!(answer("a=c.start.test").await, text("four"));
    // A dot within a label is not one between two.
    let gone = Err(DnsError::NotFound);
    assert_eq!(answer("a.b.start.test").await, gone);
}

#[tokio::test]
async fn what_opendkim_genkey_writes_is_read() {
    let zone = "mail._domainkey.example.test.\tIN\tTXT\t( \"v=DKIM1; k=rsa; \"\n\t  \"p=MI\\\"(I\" )  ; ----- DKIM key (mail)\n\
                example.test. IN SOA ns.example.test. root.example.test. (\n\t1 ; serial\n\t2 3 4 5 )\n";
    let dns = Dns::Zone(Arc::new(Zone::parse(zone).unwrap()));
    let query = ask("mail._domainkey.example.test", RecordKind::Txt);
    let key = Records::txt(["v=DKIM1; k=rsa; p=MI\"(I"]);
    assert_eq!(dns.answer(&query).await, Ok(key));
}
