//! scop-dkim, as a server calls it.

use std::collections::HashMap;

use scop_dkim::{
    DkimResult, DnsError, Limits, Policy, Query, RecordKind, Records, Verification, Verifier,
};

use super::zone::{Data, Zone};
use super::{CHUNK, messages::NOW, passed};
use crate::measure::Tally;

/// Answers, by kind and name.
pub struct Dns {
    txt: HashMap<String, Records>,
    a: HashMap<String, Records>,
    mx: HashMap<String, Records>,
}

impl Dns {
    pub fn new(zone: &Zone) -> Dns {
        let (mut txt, mut a, mut mx) = (HashMap::new(), HashMap::new(), HashMap::new());
        for (name, data) in &zone.0 {
            let name = name.clone();
            match data {
                Data::Key(text) => txt.insert(name, Records::txt([text.as_str()])),
                Data::Spf(text) | Data::Dmarc(text) => txt.insert(name, Records::txt([*text])),
                Data::NoDmarc => None,
                Data::A(addresses) => a.insert(name, Records::A(addresses.clone().into())),
                Data::Mx(hosts) => {
                    let host = |(preference, name): &(u16, &str)| (*preference, (*name).into());
                    mx.insert(name, Records::Mx(hosts.iter().map(host).collect()))
                }
            };
        }
        Dns { txt, a, mx }
    }

    /// The records were parsed when they came.
    pub fn parsed_before(mut self) -> Dns {
        for records in self.txt.values_mut() {
            *records = records.clone().parsed();
        }
        self
    }

    pub fn answer(&self, query: &Query) -> Result<Records, DnsError> {
        let records = match query.kind {
            RecordKind::Txt => &self.txt,
            RecordKind::A => &self.a,
            RecordKind::Mx => &self.mx,
            _ => return Err(DnsError::NotFound),
        };
        let found = records.get(&*query.name);
        found.cloned().ok_or(DnsError::NotFound)
    }
}

/// In chunks of 64 KiB; all signatures have to pass.
pub fn verify(message: &[u8], dns: &Dns, tally: &mut Tally) {
    verify_with(Policy::default(), NOW, message, dns, tally);
}

pub fn verify_with(policy: Policy, now: u64, message: &[u8], dns: &Dns, tally: &mut Tally) {
    let verification = verification(policy, now, message, Limits::default(), dns);
    for outcome in verification.outcomes() {
        assert_eq!(outcome.result(), DkimResult::Pass, "{outcome}");
        passed(outcome.domain().map_or("", |d| d.as_str()), tally);
    }
}

pub fn verification(
    policy: Policy,
    now: u64,
    message: &[u8],
    limits: Limits,
    dns: &Dns,
) -> Verification {
    let mut verifier = Verifier::new(policy, limits, now);
    for chunk in message.chunks(CHUNK) {
        verifier.write(chunk).expect("within limits");
    }
    let mut verification = verifier.finish();
    while let Some(query) = verification.next_query() {
        let answer = dns.answer(&query);
        verification.answer(query.id, answer).expect("asked for");
    }
    verification
}
