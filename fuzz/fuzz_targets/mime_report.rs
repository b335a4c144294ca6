//! Groups of fields in reports: whatever was read and can be written is read as the
//! same again, in lines that no reader takes for more than one field.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, within};
use scop_mime::report::{
    DeliveryStatus, DispositionNotification, FeedbackReport, MachinePart, Status, Typed,
    xtext_decode, xtext_encode,
};

/// Lines of CRLF, none too long, none with a line end within.
fn lines(part: &MachinePart) {
    let bytes = part.bytes();
    assert!(bytes.ends_with(b"\r\n"));
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let content = line.strip_suffix(b"\r\n").expect("all lines end in CRLF");
        assert!(content.len() <= 998 && !content.contains(&b'\r') && !content.contains(&0));
    }
    let ascii = !part.content_type().contains("global");
    assert!(!ascii || bytes.is_ascii());
}

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        let status = DeliveryStatus::parse(data);
        for defect in &status.defects {
            assert!(defect.offset <= data.len() as u64);
        }
        for recipient in &status.recipients {
            let address = recipient.address().unwrap_or_default();
            assert!(!address.contains(['\r', '\n', '\0']));
            let _ = recipient.likely_status();
        }
        if let Ok(part) = status.to_part() {
            lines(&part);
            let again = DeliveryStatus::parse(part.bytes());
            assert_eq!(again.recipients.len(), status.recipients.len());
            let written = again.to_part().expect("it was written before");
            // Written once, it changes no more.
            let third = DeliveryStatus::parse(written.bytes());
            assert_eq!(third.to_part().as_ref(), Ok(&written));
        }
        let receipt = DispositionNotification::parse(data);
        if let Ok(part) = receipt.to_part() {
            lines(&part);
            let again = DispositionNotification::parse(part.bytes());
            assert!(again.final_recipient.is_some() && again.disposition.is_some());
        }
        let complaint = FeedbackReport::parse(data);
        if let Ok(part) = complaint.to_part() {
            lines(&part);
            let again = FeedbackReport::parse(part.bytes());
            assert_eq!(again.source_ip, complaint.source_ip);
            assert_eq!(again.arrival_date, complaint.arrival_date);
            assert_eq!(again.feedback_type, complaint.feedback_type);
            assert_eq!(
                again.dkim_canonicalized_body,
                complaint.dkim_canonicalized_body
            );
        }
        let text = String::from_utf8_lossy(data);
        if let Some(status) = Status::find(&text) {
            assert_eq!(status.to_string().parse(), Ok(status));
        }
        if let Ok(typed) = Typed::new("utf-8", &text) {
            assert!(!typed.address().contains(['\r', '\n', '\0']));
        }
        assert_eq!(xtext_decode(&xtext_encode(data)).as_deref(), Some(data));
    });
});
