//! Policies of MTA-STS, records of TLSRPT and BIMI, TLSA records: what is read comes back
//! from its own text.
#![no_main]

use scop_dkim::{bimi, dane, mta_sts, tls_rpt};
use scop_fuzz::{fuzz_target, heap_for, within};

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        if let Ok(policy) = mta_sts::Policy::parse(data) {
            let again = mta_sts::Policy::parse(policy.to_string().as_bytes());
            assert_eq!(again.as_ref(), Ok(&policy));
            for mx in &policy.mx {
                let name = mx.to_string();
                assert!(policy.permits(&name.replace('*', "host")));
            }
        }
        if let Some(record) = mta_sts::Record::select([data]) {
            assert_eq!(
                mta_sts::Record::select([record.to_string().as_bytes()]),
                Some(record)
            );
        }
        if let Some(record) = tls_rpt::Record::select([data]) {
            assert_eq!(
                tls_rpt::Record::select([record.to_string().as_bytes()]),
                Some(record)
            );
        }
        if let Some(record) = bimi::Record::select([data]) {
            assert_eq!(
                bimi::Record::select([record.to_string().as_bytes()]),
                Some(record)
            );
        }
        if let Some(Ok(record)) = str::from_utf8(data)
            .ok()
            .map(str::parse::<dane::TlsaRecord>)
        {
            assert_eq!(record.to_string().parse(), Ok(record.clone()));
            let _ = record.find(&[data]);
        }
        if let Some(record) = dane::TlsaRecord::from_rdata(data) {
            let _ = record.find(&[data.get(3..).unwrap_or_default()]);
        }
        let key = dane::Selector::PublicKey;
        if let Some(record) =
            dane::TlsaRecord::of(data, dane::Usage::DaneEe, key, dane::Matching::Sha256)
        {
            assert_eq!(record.find(&[data]), Some(dane::Match::EndEntity));
        }
    });
});
