//! Inspecting: the defects do not depend on the cuts, lie within the message, hold
//! those of the structure and of each field, and a refused set is refused at its first.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_mime::{DefectSet, Inspector, Limits, Message, Refused, Report};

fn inspect<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    limits: &Limits,
    refuse: DefectSet,
) -> Result<Report, Refused> {
    let mut inspector = Inspector::new(limits.clone()).refusing(refuse);
    for piece in pieces {
        inspector.write(piece)?;
    }
    inspector.finish()
}

fuzz_target!(|data: &[u8]| {
    let tight = Limits {
        header_bytes: 400,
        fields: 5,
        depth: 3,
        parts: 6,
        parameters: 2,
        defects: 12,
        ..Limits::default()
    };
    for limits in [Limits::default(), tight] {
        let none = DefectSet::none();
        let whole = within(heap_for(data.len()), || {
            inspect(std::iter::once(data), &limits, none)
        });
        assert_eq!(whole, inspect(pieces(data), &limits, none));
        assert_eq!(whole, inspect(data.chunks(1), &limits, none));
        let report = whole.expect("it refuses nothing");
        let message = Message::parse_with(data, &limits);
        for defect in report.defects() {
            assert!(defect.offset <= data.len() as u64, "{defect}");
            assert!(report.kinds().contains(defect.kind), "{defect}");
        }
        if report.more() == 0 {
            for defect in message.defects() {
                assert!(report.kinds().contains(defect.kind), "{defect}");
            }
            let headers = message.parts().map(|p| p.header());
            for (header, field) in headers.flat_map(|h| h.fields().map(move |f| (h, f))) {
                // Of MIME fields the first counts, and so many of its parameters.
                let counts = |name: &str| {
                    let first = header.get(name).map(|f| f.offset());
                    limits.parameters > 2 && first == Some(field.offset())
                };
                let mut mime = ["mime-version", "content-type", "content-disposition"]
                    .iter()
                    .chain(&["content-transfer-encoding"])
                    .filter(|name| field.is(name));
                if !mime.all(|name| counts(name)) {
                    continue;
                }
                for defect in field.defects() {
                    assert!(report.kinds().contains(defect.kind), "{defect}");
                }
            }
        }
        for refuse in [
            DefectSet::ambiguous(),
            DefectSet::damaged(),
            DefectSet::all(),
        ] {
            let refused = inspect(std::iter::once(data), &limits, refuse);
            let cut = inspect(data.chunks(1), &limits, refuse);
            assert_eq!(refused.is_ok(), cut.is_ok());
            let none_of_it = report.kinds().intersection(refuse).is_empty();
            assert_eq!(refused.is_ok(), none_of_it);
        }
    }
});
