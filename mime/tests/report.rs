//! Reports: the examples of the RFCs, real bounces, and that what is written is read
//! back as it was.

use std::path::Path;

use proptest::prelude::*;
use scop_mime::report::*;
use scop_mime::{DateTime, DefectKind, Message};

fn kinds(defects: &[scop_mime::Defect]) -> Vec<DefectKind> {
    defects.iter().map(|d| d.kind).collect()
}

fn show(typed: Option<&Typed>) -> String {
    typed.map_or("-".into(), |t| t.to_string())
}

#[test]
fn rfc_3464_multi_recipient() {
    let body = b"Reporting-MTA: dns; cs.utk.edu

Original-Recipient: rfc822;arathib@vnet.ibm.com
Final-Recipient: rfc822;arathib@vnet.ibm.com
Action: failed
Status: 5.0.0 (permanent failure)
Diagnostic-Code: smtp;  550 'arathib@vnet.IBM.COM' is not a
 registered gateway user
Remote-MTA: dns; vnet.ibm.com

Original-Recipient: rfc822;johnh@hpnjld.njd.hp.com
Final-Recipient: rfc822;johnh@hpnjld.njd.hp.com
Action: delayed
Status: 4.0.0 (hpnjld.njd.jp.com: host name lookup failure)

Original-Recipient: rfc822;wsnell@sdcc13.ucsd.edu
Final-Recipient: rfc822;wsnell@sdcc13.ucsd.edu
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; 550 user unknown
Remote-MTA: dns; sdcc13.ucsd.edu
";
    let status = DeliveryStatus::parse(body);
    assert_eq!(status.defects, []);
    assert_eq!(show(status.reporting_mta.as_ref()), "dns; cs.utk.edu");
    let recipients: Vec<_> = status
        .recipients
        .iter()
        .map(|r| {
            let action = r.action.clone().unwrap().to_string();
            (r.address().unwrap(), action, r.status.unwrap().to_string())
        })
        .collect();
    let of = |a: &'static str, b: &str, c: &str| (a.into(), b.to_string(), c.to_string());
    assert_eq!(
        recipients,
        [
            of("arathib@vnet.ibm.com", "failed", "5.0.0"),
            of("johnh@hpnjld.njd.hp.com", "delayed", "4.0.0"),
            of("wsnell@sdcc13.ucsd.edu", "failed", "5.0.0"),
        ]
    );
    let diagnostic = status.recipients[0].diagnostic.as_ref().unwrap();
    assert_eq!(
        (diagnostic.kind(), diagnostic.value()),
        (
            "smtp",
            "550 'arathib@vnet.IBM.COM' is not a registered gateway user"
        )
    );
    assert_eq!(
        show(status.recipients[2].remote_mta.as_ref()),
        "dns; sdcc13.ucsd.edu"
    );
}

#[test]
fn rfc_3464_simple_gateway_and_delayed() {
    let simple = b"Reporting-MTA: dns; cs.utk.edu\r\n\r\n\
        Original-Recipient: rfc822;louisl@larry.slip.umd.edu\r\n\
        Final-Recipient: rfc822;louisl@larry.slip.umd.edu\r\nAction: failed\r\nStatus: 4.0.0\r\n\
        Diagnostic-Code: smtp; 426 connection timed out\r\n\
        Last-Attempt-Date: Thu, 7 Jul 1994 17:15:49 -0400\r\n";
    let status = DeliveryStatus::parse(simple);
    assert!(status.defects.is_empty() && status.others.is_empty());
    let date = status.recipients[0].last_attempt.unwrap();
    assert_eq!(date.to_string(), "1994-07-07T17:15:49-04:00");
    assert!(status.recipients[0].status.unwrap().is_transient());

    let gateway = b"Reporting-MTA: mailbus; SYS30\n\nFinal-Recipient: unknown; nair_s\n\
        Status: 5.0.0 (unknown permanent failure)\nAction: failed\n";
    let status = DeliveryStatus::parse(gateway);
    assert_eq!(status.defects, []);
    assert_eq!(show(status.reporting_mta.as_ref()), "mailbus; SYS30");
    assert_eq!(
        show(status.recipients[0].final_recipient.as_ref()),
        "unknown; nair_s"
    );
    let delayed = b"Reporting-MTA: dns; sun2.nsfnet-relay.ac.uk\n\n\
        Final-Recipient: rfc822;thomas@de-montfort.ac.uk\n\
        Status: 4.0.0 (unknown temporary failure)\nAction: delayed\n";
    let status = DeliveryStatus::parse(delayed);
    assert_eq!(status.recipients[0].action, Some(Action::Delayed));
}

#[test]
fn shapes_that_real_servers_send() {
    use DefectKind::*;
    // No blank line at all; a second recipient too.
    let status = DeliveryStatus::parse(
        b"Reporting-MTA: dns; a\nFinal-Recipient: rfc822; x@a\nAction: failed\nStatus: 5.0.0\n\
          Final-Recipient: rfc822; y@a\nAction: failed\nStatus: 5.0.1\nArrival-Date: Thu, 7 Jul 1994 17:15:49 -0400\n",
    );
    assert_eq!(status.recipients.len(), 2);
    assert_eq!(status.recipients[1].status, Status::new(5, 0, 1));
    assert!(status.arrival_date.is_some());
    assert_eq!(kinds(&status.defects), [BadReportGroup; 3]);
    // A blank line within the fields of a recipient.
    let status = DeliveryStatus::parse(
        b"Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; x@a\nAction: failed\n\nStatus: 5.0.0\nX: y\n",
    );
    assert_eq!(status.recipients.len(), 1);
    assert_eq!(status.recipients[0].status, Status::new(5, 0, 0));
    assert_eq!(status.recipients[0].others[0].name(), "X");
    assert_eq!(kinds(&status.defects), [BadReportGroup]);
    // Values that are not what they should be are kept.
    let status = DeliveryStatus::parse(
        b"Reporting-MTA: host.a\nArrival-Date: yesterday\nArrival-Date: today\n\n\
          Final-Recipient: x@a\nAction: expired\nStatus: none\nStatus: #5.1.1\nStatus: 5.1.2\n",
    );
    assert_eq!(show(status.reporting_mta.as_ref()), "dns; host.a");
    assert_eq!(status.others.len(), 2);
    let recipient = &status.recipients[0];
    assert_eq!(recipient.action.as_ref().unwrap().as_str(), "expired");
    assert_eq!(recipient.status, Status::new(5, 1, 1));
    let others: Vec<_> = recipient
        .others
        .iter()
        .map(|f| (f.name(), f.value()))
        .collect();
    assert_eq!(others, [("Status", "none"), ("Status", "5.1.2")]);
    assert_eq!(
        kinds(&status.defects),
        [
            MissingReportType,
            BadReportField,
            BadReportField,
            MissingReportType,
            BadReportField,
            BadReportField,
            DuplicateReportField
        ]
    );
    let nothing = DeliveryStatus::parse(b"");
    assert_eq!(kinds(&nothing.defects), [MissingReportField]);
}

#[test]
fn rfc_6533_addresses_and_languages() {
    let body = "Reporting-MTA: dns; a.test\r\n\r\nOriginal-Recipient: utf-8;J\\x{F6}rg@a.test\r\n\
        Final-Recipient: utf-8; jörg@a.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\
        Diagnostic-Code: smtp; 550 no\r\nLocalized-Diagnostic: de;gibt es nicht: ü\r\n\
        Localized-Diagnostic: no language\r\n";
    let status = DeliveryStatus::parse(body.as_bytes());
    let recipient = &status.recipients[0];
    assert_eq!(
        recipient.original_recipient.as_ref().unwrap().address(),
        "Jörg@a.test"
    );
    assert_eq!(recipient.address().unwrap(), "jörg@a.test");
    assert_eq!(recipient.localized[0].value(), "gibt es nicht: ü");
    assert_eq!(kinds(&status.defects), [DefectKind::BadReportField]);
    let part = status.to_part().unwrap();
    assert_eq!(part.content_type(), "message/global-delivery-status");
    assert_eq!(part.report_type(), "delivery-status");
}

#[test]
fn rfc_8098_example() {
    let text = b"MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification;
   boundary=\"RAA14128.773615765/example.com\"

--RAA14128.773615765/example.com

The message sent on 1995 Sep 19 at 13:30:00 (EDT) -0400 to Joe
Recipient <Joe_Recipient@example.com> with subject \"First draft of
report\" has been displayed.

--RAA14128.773615765/example.com
Content-Type: message/disposition-notification

Reporting-UA: joes-pc.cs.example.com; Foomail 97.1
Original-Recipient: rfc822;Joe_Recipient@example.com
Final-Recipient: rfc822;Joe_Recipient@example.com
Original-Message-ID: <199509192301.23456@example.org>
Disposition: manual-action/MDN-sent-manually; displayed

--RAA14128.773615765/example.com
Content-Type: message/rfc822

[original message optionally goes here]

--RAA14128.773615765/example.com--
";
    let message = Message::parse(text);
    let report = message.report().unwrap();
    assert_eq!(report.kind(), ReportKind::DispositionNotification);
    assert_eq!(report.machine().id().to_string(), "2");
    assert!(
        report
            .human()
            .unwrap()
            .body()
            .starts_with(b"The message sent")
    );
    assert_eq!(report.returned().unwrap().id().to_string(), "3");
    assert!(report.delivery_status().is_none());
    let read = report.disposition_notification().unwrap();
    assert_eq!(read.defects, []);
    let ua = read.reporting_ua.as_ref().unwrap();
    assert_eq!(
        (ua.name(), ua.product()),
        ("joes-pc.cs.example.com", Some("Foomail 97.1"))
    );
    let disposition = read.disposition.as_ref().unwrap();
    assert_eq!(disposition.action, ActionMode::Manual);
    assert_eq!(disposition.sending, SendingMode::Manual);
    assert_eq!(disposition.kind, DispositionType::Displayed);
    assert_eq!(
        report.original_message_id().unwrap(),
        "199509192301.23456@example.org"
    );
}

#[test]
fn dispositions_in_many_spellings() {
    let read = |value: &str| {
        let body = format!("Final-Recipient: rfc822; a@b\nDisposition: {value}\n");
        let read = DispositionNotification::parse(body.as_bytes());
        (
            read.disposition.map(|d| d.to_string()),
            kinds(&read.defects),
        )
    };
    assert_eq!(
        read("Automatic-Action / mdn-sent-automatically ; Processed / Error , x-more (why)")
            .0
            .unwrap(),
        "automatic-action/MDN-sent-automatically; processed/Error,x-more"
    );
    assert_eq!(read("a/b;c").0.unwrap(), "a/b; c");
    let bad = vec![DefectKind::MissingReportField, DefectKind::BadReportField];
    assert_eq!(read("displayed"), (None, bad.clone()));
    assert_eq!(read("manual-action; displayed"), (None, bad));
}

#[test]
fn rfc_5965_full_report() {
    let body = b"Feedback-Type: abuse\r\nUser-Agent: SomeGenerator/1.0\r\nVersion: 1\r\n\
        Original-Mail-From: <somespammer@example.net>\r\nOriginal-Rcpt-To: <user@example.com>\r\n\
        Arrival-Date: Thu, 8 Mar 2005 14:00:00 EDT\r\nReporting-MTA: dns; mail.example.com\r\n\
        Source-IP: 192.0.2.1\r\nAuthentication-Results: mail.example.com;\r\n               spf=fail smtp.mail=somespammer@example.com\r\n\
        Reported-Domain: example.net\r\nReported-Uri: http://example.net/earn_money.html\r\n\
        Reported-Uri: mailto:user@example.com\r\nRemoval-Recipient: user@example.com\r\n";
    let read = FeedbackReport::parse(body);
    assert_eq!(read.defects, []);
    assert_eq!(read.feedback_type, Some(FeedbackType::Abuse));
    assert_eq!(
        read.original_mail_from.as_ref().unwrap().as_str(),
        "somespammer@example.net"
    );
    assert_eq!(read.original_rcpt_to[0].as_str(), "user@example.com");
    assert_eq!(read.source_ip.unwrap().to_string(), "192.0.2.1");
    assert_eq!(read.reported_uri.len(), 2);
    assert_eq!(read.version, Some(1));
    assert_eq!(read.others[0].name(), "Removal-Recipient");
    assert_eq!(read.arrival_date.unwrap().to_unix(), 1_110_304_800);
}

#[test]
fn rfc_6591_auth_failure() {
    let body = b"Feedback-Type: auth-failure\nUser-Agent: Someisp!Mail-Feedback/1.0\nVersion: 1\n\
        Original-Mail-From: anexample.reply@a.sender.example\nOriginal-Envelope-Id: o3F52gxO029144\n\
        Authentication-Results: mta1011.mail.tp2.receiver.example;\n dkim=fail (bodyhash) header.d=sender.example\n\
        Auth-Failure: bodyhash\n\
        DKIM-Canonicalized-Body: VGhpcyBpcyBhIG1lc3NhZ2UgYm9keSB0\n  aGF0IGdvdCBtb2RpZmllZCBpbiB0cmFuc2l0Lg==\n\
        DKIM-Domain: sender.example\nDKIM-Identity: @sender.example\nDKIM-Selector: testkey\n\
        Arrival-Date: 8 Oct 2011 20:15:58 +0000 (GMT)\nSource-IP: 192.0.2.1\n\
        Reported-Domain: a.sender.example\nReported-URI: http://www.sender.example/\n\
        SPF-DNS: txt : a.sender.example : \"v=spf1 \" \"-all\"\nDelivery-Result: reject (said no)\n\
        Identity-Alignment: SPF, dkim\nSource-Port: 2525\n";
    let read = FeedbackReport::parse(body);
    assert_eq!(read.defects, []);
    assert_eq!(read.auth_failure, Some(AuthFailure::BodyHash));
    assert_eq!(
        read.dkim_canonicalized_body.as_deref(),
        Some(&b"This is a message body that got modified in transit."[..])
    );
    assert_eq!(
        read.dkim_identity.as_ref().unwrap().as_str(),
        "@sender.example"
    );
    assert_eq!(read.spf_dns[0].record(), "v=spf1 -all");
    assert_eq!(read.spf_dns[0].domain(), "a.sender.example");
    assert_eq!(read.delivery_result, Some(DeliveryResult::Reject));
    let aligned: Vec<&str> = read.identity_alignment.iter().map(Line::as_str).collect();
    assert_eq!(aligned, ["spf", "dkim"]);
    assert_eq!(read.source_port, Some(2525));
    let written = read.to_part().unwrap();
    assert_eq!(FeedbackReport::parse(written.bytes()), read);
}

#[test]
fn what_is_required_and_what_ends_a_line_is_refused() {
    assert_eq!(
        DeliveryStatus::default().to_part(),
        Err(ReportError::Missing("Reporting-MTA"))
    );
    let mut status = DeliveryStatus {
        reporting_mta: Some(Typed::dns("a.test").unwrap()),
        ..DeliveryStatus::default()
    };
    assert_eq!(
        status.to_part(),
        Err(ReportError::Missing("Final-Recipient"))
    );
    status.recipients.push(Recipient {
        final_recipient: Some(Typed::address_of("x@a.test").unwrap()),
        action: Some(Action::Failed),
        ..Recipient::default()
    });
    assert_eq!(status.to_part(), Err(ReportError::Missing("Status")));
    let part = DispositionNotification::default().to_part();
    assert_eq!(part, Err(ReportError::Missing("Final-Recipient")));
    assert!(FeedbackReport::default().to_part().is_err());
    let foreign = FeedbackReport {
        feedback_type: Some(FeedbackType::Abuse),
        user_agent: Some(Line::new("ü").unwrap()),
        ..FeedbackReport::default()
    };
    assert!(matches!(foreign.to_part(), Err(ReportError::NotAscii(_))));
    for bad in ["a\r\nAction: delivered", "a\n", "\rb", "a\0b"] {
        assert!(Line::new(bad).is_err() && Typed::smtp(bad).is_err());
        assert!(OtherField::new("X", bad).is_err() && OtherField::new(bad, "x").is_err());
        assert!(Typed::new(bad, "x").is_err() && ReportingUa::new(bad, None).is_err());
        assert!(SpfDns::txt("a", bad).is_err() && SpfDns::txt(bad, "a").is_err());
    }
    assert!(Typed::new("a b", "x").is_err() && Typed::new("", "x").is_err());
    assert!(OtherField::new("a:", "x").is_err());
    // What was read cannot end a line either: `\x{A}` of an address stays as it is.
    let typed = Typed::new("utf-8", "a\\x{0A}Action: delivered").unwrap();
    assert!(!typed.address().contains('\n'));
}

#[test]
fn reports_without_end_are_bounded() {
    let recipient = "\nFinal-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.0.0\n";
    let body = "Reporting-MTA: dns; a\n".to_string() + &recipient.repeat(50_000);
    let status = DeliveryStatus::parse(body.as_bytes());
    assert_eq!(status.recipients.len(), 33_333);
    assert!(kinds(&status.defects).contains(&DefectKind::TooManyFields));
    for flood in [
        "\n".repeat(500_000),
        "x\n".repeat(200_000),
        " \n".repeat(200_000),
        ":".repeat(300_000),
    ] {
        let status = DeliveryStatus::parse(flood.as_bytes());
        assert!(status.recipients.is_empty() && status.defects.len() <= 101);
    }
    let folds = "Status: 5.0.0\n".to_string() + &" x\n".repeat(100_000);
    assert_eq!(FeedbackReport::parse(folds.as_bytes()).others.len(), 1);
}

fn line() -> impl Strategy<Value = Line> {
    "[ -~]{0,40}|([a-z;:()\\\\\"<>@.]{0,30} ){0,30}|[a-zü€]{1,300}"
        .prop_map(|text| Line::new(&text).unwrap())
}

fn typed() -> impl Strategy<Value = Typed> {
    ("[a-z][a-z0-9-]{0,10}", line()).prop_map(|(kind, l)| Typed::new(&kind, l.as_str()).unwrap())
}

fn others() -> impl Strategy<Value = Vec<OtherField>> {
    let one = ("X-[A-Za-z0-9-]{1,20}", line());
    let one = one.prop_map(|(name, l)| OtherField::new(&name, l.as_str()).unwrap());
    prop::collection::vec(one, 0..4)
}

fn date() -> impl Strategy<Value = DateTime> {
    (0i64..4_000_000_000, -720i16..720).prop_map(|(s, o)| DateTime::from_unix(s, o).unwrap())
}

fn recipient() -> impl Strategy<Value = Recipient> {
    use prop::option::of as some;
    let who = (some(typed()), typed(), some(typed()), some(typed()));
    let what = (0u8..10, 0u16..1000, 0u16..1000, 0usize..6);
    let more = (
        prop::collection::vec(typed(), 0..3),
        some(date()),
        some(line()),
        some(date()),
        others(),
    );
    (who, what, more).prop_map(|(who, what, more)| Recipient {
        original_recipient: who.0,
        final_recipient: Some(who.1),
        remote_mta: who.2,
        diagnostic: who.3,
        action: Some(match what.3 {
            0 => Action::Failed,
            1 => Action::Delayed,
            2 => Action::Delivered,
            3 => Action::Relayed,
            4 => Action::Expanded,
            _ => Action::Other(Line::new("deliverable").unwrap()),
        }),
        status: Status::new(what.0, what.1, what.2),
        localized: more.0,
        last_attempt: more.1,
        final_log_id: more.2,
        will_retry_until: more.3,
        others: more.4,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn delivery_status_is_read_as_it_was_written(
        mta in typed(),
        more in (prop::option::of(line()), prop::option::of(typed()), prop::option::of(typed()), prop::option::of(date()), others()),
        recipients in prop::collection::vec(recipient(), 1..4),
    ) {
        let status = DeliveryStatus {
            reporting_mta: Some(mta),
            original_envelope_id: more.0,
            dsn_gateway: more.1,
            received_from_mta: more.2,
            arrival_date: more.3,
            others: more.4,
            recipients,
            defects: vec![],
        };
        let part = status.to_part().unwrap();
        let text = std::str::from_utf8(part.bytes()).unwrap();
        prop_assert!(text.ends_with("\r\n"));
        for line in text.split_terminator("\r\n") {
            prop_assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']), "{line:?}");
        }
        prop_assert_eq!(text.is_ascii(), part.content_type() == "message/delivery-status");
        prop_assert_eq!(DeliveryStatus::parse(part.bytes()), status);
    }

    #[test]
    fn a_report_of_anything_is_read_and_written_again(
        lines in prop::collection::vec("(Reporting-MTA|Final-Recipient|Action|Status|Diagnostic-Code|Feedback-Type|User-Agent|Version|Disposition|Source-IP|X|): ?[ -~]{0,20}|[\\PC\r\n\0]{0,9}| ", 0..12),
    ) {
        let text = lines.join("\n");
        let read = DeliveryStatus::parse(text.as_bytes());
        if let Ok(part) = read.to_part() {
            // Written by the book, it is no worse than before.
            let again = DeliveryStatus::parse(part.bytes());
            prop_assert_eq!(again.recipients.len(), read.recipients.len());
            prop_assert_eq!(again.to_part().unwrap(), part);
        }
        for (cut, _) in text.char_indices() {
            let _ = DispositionNotification::parse(&text.as_bytes()[..cut]);
            let _ = FeedbackReport::parse(&text.as_bytes()[..cut]);
        }
    }
}

/// Bounces that do not say who, what and why, and what they have instead.
const WITHOUT: [(&str, &str); 13] = [
    ("bsd_lhost-mcafee-01.eml", "no Status"),
    ("bsd_lhost-mcafee-02.eml", "no Status"),
    ("bsd_lhost-mcafee-03.eml", "no Status"),
    ("bsd_lhost-mcafee-04.eml", "no Status"),
    ("bsd_lhost-mcafee-05.eml", "no Status"),
    ("message_message-rfc822-multipart2.eml", "no Status"),
    ("bsd_lhost-postfix-64.eml", "no recipient"),
    ("bsd_lhost-sendgrid-03.eml", "an empty Status"),
    ("bsd_lhost-sendmail-13.eml", "`ction` instead of Action"),
    (
        "message_message-rfc822-multipart.eml",
        "`...` instead of fields",
    ),
    ("messages_bounce.txt", "base64 in the fields of the message"),
    ("messages_delivery-status-no-blank-line.txt", "no Status"),
    ("messages_delivery-status.txt", "no Status"),
];

#[test]
fn every_bounce_of_the_corpus_tells_recipient_action_and_status() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/mime");
    let Ok(folders) = std::fs::read_dir(&root) else {
        println!("no corpus at {}: nothing was tested", root.display());
        return;
    };
    let (mut bounces, mut recipients, mut receipts, mut complaints) = (0, 0, 0, 0);
    let mut wrong = vec![];
    for folder in folders.flatten().filter(|f| f.path().is_dir()) {
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            let name = file.file_name().into_string().unwrap();
            let bytes = std::fs::read(file.path()).unwrap();
            let message = Message::parse(&bytes);
            for part in message.parts() {
                for defect in part.delivery_status().map_or(vec![], |s| s.defects) {
                    assert!(defect.offset <= bytes.len() as u64);
                }
            }
            let Some(report) = message.report() else {
                continue;
            };
            let _ = (
                report.human(),
                report.returned(),
                report.original_message_id(),
            );
            receipts += usize::from(report.disposition_notification().is_some());
            if let Some(complaint) = report.feedback_report() {
                assert!(complaint.feedback_type.is_some(), "{name}");
                complaints += 1;
            }
            let Some(status) = report.delivery_status() else {
                continue;
            };
            bounces += 1;
            recipients += status.recipients.len();
            let whole =
                |r: &Recipient| r.address().is_some() && r.action.is_some() && r.status.is_some();
            let good = !status.recipients.is_empty() && status.recipients.iter().all(whole);
            let known = WITHOUT.iter().any(|w| w.0 == name);
            if known {
                println!(
                    "{name}: {}",
                    WITHOUT.iter().find(|w| w.0 == name).unwrap().1
                );
            }
            if good == known {
                wrong.push(format!("{name}: {:?}", status));
            }
        }
    }
    println!(
        "{bounces} bounces, {recipients} recipients, {receipts} receipts, {complaints} complaints"
    );
    assert!(wrong.is_empty(), "{} {}", wrong.len(), wrong.join("\n"));
    assert!(bounces > 200 && recipients > bounces && receipts > 0 && complaints > 5);
}
