//! The author of a message, whatever its header: few domains, all in lower case; who reads
//! the field leniently finds no address that was not seen; nobody passes DMARC by an odd
//! From when every domain asks for rejection and nothing is authenticated.
#![no_main]

use scop_dkim::dmarc::{Author, Check, DmarcResult, OddAuthor, Policy};
use scop_dkim::{Domain, Records};
use scop_fuzz::{fuzz_target, heap_for, within};
use scop_mime::{Message, mailboxes};

fuzz_target!(|data: &[u8]| {
    within((1 << 20) + heap_for(data.len()), || {
        let author = Author::read(data);
        let domains = author.domains();
        assert!(domains.len() <= Author::MOST + 1);
        let lower = |d: &Domain| d.as_str().bytes().all(|b| !b.is_ascii_uppercase());
        assert!(domains.iter().all(lower));
        assert!(author.domain().is_none() || author.oddity().is_none());
        if domains.is_empty() {
            assert!(author.oddity().is_some());
        }

        // What the lenient reader of mail sees is among them, unless there are so many fields
        // or domains that the message is refused before the last is looked at.
        let message = Message::parse(data);
        let is_forbidden = author.oddity().is_some_and(OddAuthor::is_forbidden);
        let is_plain = !data.contains(&0) && !is_forbidden;
        if let Some(field) = message.header().get("from").filter(|_| is_plain) {
            for mailbox in mailboxes(&field.addresses()) {
                let domain = mailbox.domain().and_then(|d| str::from_utf8(d).ok());
                if let Some(domain) = domain.and_then(|d| Domain::new(d).ok()) {
                    assert!(domains.contains(&domain), "{domain} is not in {author:?}");
                }
            }
        }

        let mut check = Check::of(&author, []);
        while let Some(query) = check.next_query() {
            let answer = Records::txt(["v=DMARC1; p=reject"]);
            let answer = match query.name.starts_with("_dmarc.") {
                true => Ok(answer),
                false => Err(scop_dkim::DnsError::NotFound),
            };
            check
                .answer(query.id, answer)
                .expect("an answer to a question");
        }
        let verdict = check.verdict().expect("a verdict");
        assert_ne!(verdict.result, DmarcResult::Pass);
        if !domains.is_empty() {
            assert_eq!(verdict.disposition, Policy::Reject);
        }
    });
});
