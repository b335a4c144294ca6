//! mail-auth, whose resolver finds everything in its cache. The cache has texts, which it
//! parses when they are asked for, unless it is told to have parsed them before.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use peer_mail_auth::dkim::DomainKey;
use peer_mail_auth::dmarc::DmarcRecord;
use peer_mail_auth::dmarc::verify::DmarcParameters;
use peer_mail_auth::dns::TxtRecordParser;
use peer_mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use peer_mail_auth::hickory_resolver::proto::op::ResponseCode;
use peer_mail_auth::spf::SpfRecord;
use peer_mail_auth::spf::verify::SpfParameters;
use peer_mail_auth::{
    ArcOutput, AuthenticatedMessage, DkimOutput, DkimResult, DmarcOutput, DnsCache, DnssecStatus,
    MessageAuthenticator, Mx, Negative, Parameters, RecordSet, ResolverCache, SpfOutput, TxtRecord,
};

use super::passed;
use super::zone::{Data, Zone};
use crate::measure::Tally;

type Answer<T> = Result<RecordSet<T>, Negative>;

pub struct Dns {
    authenticator: MessageAuthenticator,
    caches: Caches,
}

struct Caches {
    txt: Texts,
    mx: Map<Answer<Mx>>,
    a: Map<Answer<Ipv4Addr>>,
    aaaa: Map<Answer<Ipv6Addr>>,
    ptr: Nothing,
}

/// Texts, and how to read them.
struct Texts(HashMap<Box<str>, Text>);

enum Text {
    Key(String),
    Spf(&'static str),
    Dmarc(&'static str),
    Parsed(TxtRecord),
}

struct Map<V>(HashMap<Box<str>, V>);

struct Nothing;

impl Text {
    fn record(&self) -> TxtRecord {
        match self {
            Text::Key(text) => DomainKey::parse(text.as_bytes()).into(),
            Text::Spf(text) => SpfRecord::parse(text.as_bytes()).into(),
            Text::Dmarc(text) => DmarcRecord::parse(text.as_bytes()).into(),
            Text::Parsed(record) => record.clone(),
        }
    }
}

/// Asking the network is no part of what is measured.
fn found<V>(answer: Option<V>) -> Option<V> {
    Some(answer.expect("the cache has all that is asked for"))
}

impl ResolverCache<Box<str>, TxtRecord> for Texts {
    fn get<Q>(&self, name: &Q) -> Option<TxtRecord>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        found(self.0.get(name).map(Text::record))
    }

    fn remove<Q>(&self, _: &Q) -> Option<TxtRecord>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: TxtRecord, _: Instant) {}
}

impl<V: Clone> ResolverCache<Box<str>, V> for Map<V> {
    fn get<Q>(&self, name: &Q) -> Option<V>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        found(self.0.get(name).cloned())
    }

    fn remove<Q>(&self, _: &Q) -> Option<V>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: V, _: Instant) {}
}

impl ResolverCache<IpAddr, Answer<Box<str>>> for Nothing {
    fn get<Q>(&self, _: &Q) -> Option<Answer<Box<str>>>
    where
        IpAddr: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        found(None)
    }

    fn remove<Q>(&self, _: &Q) -> Option<Answer<Box<str>>>
    where
        IpAddr: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: IpAddr, _: Answer<Box<str>>, _: Instant) {}
}

impl DnsCache for Caches {
    type Txt = Texts;
    type Mx = Map<Answer<Mx>>;
    type Ipv4 = Map<Answer<Ipv4Addr>>;
    type Ipv6 = Map<Answer<Ipv6Addr>>;
    type Ptr = Nothing;

    fn txt(&self) -> Option<&Texts> {
        Some(&self.txt)
    }
    fn mx(&self) -> Option<&Self::Mx> {
        Some(&self.mx)
    }
    fn ipv4(&self) -> Option<&Self::Ipv4> {
        Some(&self.a)
    }
    fn ipv6(&self) -> Option<&Self::Ipv6> {
        Some(&self.aaaa)
    }
    fn ptr(&self) -> Option<&Nothing> {
        Some(&self.ptr)
    }
}

fn set<T>(records: Vec<T>) -> Answer<T> {
    Ok(RecordSet {
        records: records.into(),
        dnssec_status: DnssecStatus::Indeterminate,
    })
}

/// Nothing is waited for when the cache has it.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("mail-auth waits for the network"),
    }
}

impl Dns {
    pub fn new(zone: &Zone) -> Dns {
        let mut caches = Caches {
            txt: Texts(HashMap::new()),
            mx: Map(HashMap::new()),
            a: Map(HashMap::new()),
            aaaa: Map(HashMap::new()),
            ptr: Nothing,
        };
        for (name, data) in &zone.0 {
            let name: Box<str> = format!("{name}.").into();
            let text = match data {
                Data::Key(text) => Text::Key(text.clone()),
                Data::Spf(text) => Text::Spf(text),
                Data::Dmarc(text) => Text::Dmarc(text),
                Data::NoDmarc => {
                    let code = ResponseCode::NXDomain;
                    Text::Parsed(TxtRecord::Error(Negative { code }.into()))
                }
                Data::A(addresses) => {
                    caches.a.0.insert(name, set(addresses.clone()));
                    continue;
                }
                Data::Mx(hosts) => {
                    let host = |(preference, host): &(u16, &str)| Mx {
                        exchanges: [format!("{host}.").into()].into(),
                        preference: *preference,
                    };
                    let hosts = set(hosts.iter().map(host).collect());
                    caches.mx.0.insert(name, hosts);
                    continue;
                }
            };
            caches.txt.0.insert(name, text);
        }
        let config = ResolverConfig::default();
        let authenticator = MessageAuthenticator::new(config, ResolverOpts::default());
        Dns {
            authenticator: authenticator.expect("a resolver"),
            caches,
        }
    }

    /// The records were parsed when they came.
    pub fn parsed_before(mut self) -> Dns {
        for text in self.caches.txt.0.values_mut() {
            *text = Text::Parsed(text.record());
        }
        self
    }

    pub fn dkim<'m>(&'m self, message: &'m AuthenticatedMessage<'m>) -> Vec<DkimOutput<'m>> {
        let parameters = Parameters::new(message).with_cache(&self.caches);
        now(self.authenticator.verify_dkim(parameters))
    }

    /// From the bytes on; all signatures have to pass.
    pub fn verify(&self, message: &[u8], tally: &mut Tally) {
        let message = AuthenticatedMessage::parse(message).expect("a message");
        for output in self.dkim(&message) {
            assert_eq!(output.result(), &DkimResult::Pass);
            passed(output.signature().map_or("", |s| s.d.as_str()), tally);
        }
    }

    pub fn arc<'m>(&'m self, message: &'m AuthenticatedMessage<'m>) -> ArcOutput<'m> {
        let parameters = Parameters::new(message).with_cache(&self.caches);
        now(self.authenticator.verify_arc(parameters))
    }

    pub fn spf(&self, ip: IpAddr, sender: &str, helo: &str) -> SpfOutput {
        let parameters = SpfParameters::mail_from(ip, helo, "mx.receiver.example", sender);
        let parameters = Parameters::new(parameters).with_cache(&self.caches);
        now(self.authenticator.verify_spf(parameters))
    }

    pub fn dmarc(&self, parameters: DmarcParameters<'_>) -> DmarcOutput {
        let parameters = Parameters::new(parameters).with_cache(&self.caches);
        now(self.authenticator.verify_dmarc(parameters))
    }
}
