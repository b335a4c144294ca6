//! Aggregate reports and reports of TLS: an attachment unpacks within its limit, XML and
//! JSON are read whatever they are, and what was read is written and read the same. A report
//! is found in whatever it comes in.
#![no_main]

use scop_dkim::report::{AggregateReport, Limits, Received, TlsReport, unpack};
use scop_fuzz::{fuzz_target, heap_for, within};

fuzz_target!(|data: &[u8]| {
    let mut limits = Limits::default();
    limits.bytes = 1 << 20;
    within((8 << 20) + heap_for(data.len()), || {
        let found = Received::read(data, &limits);
        let Ok(xml) = unpack(data, &limits) else {
            return;
        };
        assert!(xml.len() <= limits.bytes);
        if let Ok((report, _)) = AggregateReport::from_xml(&xml, &limits) {
            // The reader of XML passes over what is before it; what looks like JSON is JSON.
            if xml.trim_ascii_start().starts_with(b"<") {
                assert!(matches!(found, Ok(Received::Aggregate(r, _)) if *r == report));
            }
            let mut wide = Limits::default();
            wide.text = 1 << 20;
            let (again, defects) = AggregateReport::from_xml(report.to_xml().as_bytes(), &wide)
                .expect("a report of ours");
            assert!(defects.is_empty());
            assert_eq!(again.rows, report.rows);
            assert_eq!(again.policy, report.policy);
        }
        limits.values = 10_000;
        if let Ok((report, _)) = TlsReport::from_json(&xml, &limits) {
            let json = report.to_json();
            let again = TlsReport::from_json(json.as_bytes(), &Limits::default());
            assert_eq!(again, Ok((report, vec![])));
        }
    });
});
