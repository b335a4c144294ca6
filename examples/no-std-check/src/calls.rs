//! One real call into each crate: enough that its code is linked and not thrown away.

use alloc::string::ToString;

use bytes::BytesMut;
use scop_core::{LineScanner, Outbox, Scan};

/// Calls them all.
///
/// # Panics
///
/// When one gives a wrong answer.
pub fn all() {
    core();
    sasl();
    dkim();
    imap();
    mime();
    crate::talk::send_a_message();
}

fn core() {
    let input = BytesMut::from("NOOP\r\n");
    let scan = LineScanner::new().scan(&input, 512);
    assert!(matches!(scan, Scan::Line { len: 6, .. }));
    let mut out = Outbox::new(64);
    out.push(&input);
    assert_eq!(out.pop().as_deref(), Some(&b"NOOP\r\n"[..]));
}

fn sasl() {
    use scop_sasl::{Mechanism, Server, ServerStep, wire};
    let mut server = Server::new(Mechanism::Plain);
    let message = wire::parse_initial(b"AHRpbQBwYXNz").expect("base64");
    let step = server.start(Some(message.expose()));
    assert!(matches!(step, Ok(ServerStep::Verify(claim)) if claim.authcid() == "tim"));
}

fn dkim() {
    use scop_dkim::{
        DkimResult, Domain, Limits, Policy, Records, Selector, Signer, SigningKey, SystemRandom,
        Verifier,
    };
    let message = b"From: joe@example.com\r\n\r\nHello\r\n";
    let key = SigningKey::ed25519(&[7; 32]).expect("a seed");
    let record = key.record().to_string();
    let domain = Domain::new("example.com").expect("a domain");
    let selector = Selector::new("s1").expect("a selector");
    let mut signing = Signer::new(domain, selector, key).start(1);
    signing.write(message).expect("within limits");
    let field = signing.finish(&SystemRandom::new()).expect("one From");
    let mut verifier = Verifier::new(Policy::default(), Limits::default(), 1);
    verifier.write(field.as_bytes()).expect("within limits");
    verifier.write(message).expect("within limits");
    let mut verification = verifier.finish();
    while let Some(query) = verification.next_query() {
        let records = Records::txt([record.as_str()]);
        verification.answer(query.id, Ok(records)).expect("asked");
    }
    assert!(verification.result() == DkimResult::Pass);
}

fn imap() {
    use scop_imap_proto::{
        command::Command,
        response::{Data, Limits, Piece, Reader, Response},
    };
    let parsed = Command::parse(b"a UID FETCH 1:* (FLAGS BODY.PEEK[])\r\n");
    assert!(matches!(parsed, Ok((_, Command::Fetch(fetch))) if fetch.uid));
    let mut input = BytesMut::from("* 23 EXISTS\r\n");
    let read = Reader::new(Limits::default()).next(&mut input);
    let exists = Piece::Response(Response::Data(Data::Exists(23)));
    assert!(matches!(read, Ok(Some(piece)) if piece == exists));
}

fn mime() {
    use scop_mime::{Mailbox, Message, mailboxes};
    let message = Message::parse(
        b"From: Ann <ann@example.org>\r\nContent-Transfer-Encoding: base64\r\n\r\nSGk=\r\n",
    );
    let from = message.header().from();
    let address = mailboxes(&from).next().map(Mailbox::address);
    assert!(address.as_deref() == Some("ann@example.org"));
    assert!(*message.root().decoded() == *b"Hi");
}
