//! What is held while a message is verified that is never whole in memory.

use scop_dkim::{DkimResult, Limits, Policy, SystemRandom, Verifier};

use super::messages::{self, HEAD, Key, NOW};
use super::zone::Zone;
use super::{AHEAD, AREA, CHUNK, MAIL_AUTH, mail_auth, ours};
use crate::measure::{Row, Tally};
use crate::memory;

pub fn rows() -> Vec<Row> {
    use scop_dkim::Canonicalization::Relaxed;
    let large = |check| if check { 32 << 20 } else { 1 << 30 };
    let (of_large, of_small) = (
        move |check| peak(large(check)) as f64,
        |_| peak(1 << 20) as f64,
    );
    let in_memory = |_| {
        let dns = mail_auth::Dns::new(&Zone::keys());
        let body = messages::base64(1 << 20);
        let message = messages::signed(Key::Rsa, Relaxed, &messages::with_body(&body));
        // It takes a message whole, so that it has to be kept until then.
        let peak = memory::peak(|| {
            dns.verify(&message.clone(), &mut Tally::new(false));
        });
        peak as f64
    };
    vec![
        Row::figure(AREA, "peak heap, 1 GiB: verify", "bytes", of_large)
            .beside("1 MiB", of_small)
            .goal(1.0),
        Row::figure(AREA, "peak heap, 1 MiB: verify", "bytes", of_small)
            .beside(MAIL_AUTH, in_memory)
            .goal(AHEAD),
    ]
}

fn peak(size: usize) -> usize {
    let dns = ours::Dns::new(&Zone::keys());
    let lines = messages::base64(CHUNK);
    let chunks = || (0..size.div_ceil(lines.len())).map(|_| &lines[..]);

    let mut signing = messages::signer(Key::Rsa, scop_dkim::Canonicalization::Relaxed).start(NOW);
    signing.write(HEAD.as_bytes()).expect("within limits");
    chunks().for_each(|chunk| signing.write(chunk).expect("it is begun"));
    let field = signing.finish(&SystemRandom::new()).expect("a field");

    memory::peak(|| {
        let mut verifier = Verifier::new(Policy::default(), Limits::default(), NOW);
        verifier.write(field.as_bytes()).expect("within limits");
        verifier.write(HEAD.as_bytes()).expect("within limits");
        chunks().for_each(|chunk| verifier.write(chunk).expect("it is begun"));
        let mut verification = verifier.finish();
        while let Some(query) = verification.next_query() {
            let answer = dns.answer(&query);
            verification.answer(query.id, answer).expect("asked for");
        }
        assert_eq!(verification.result(), DkimResult::Pass);
    })
}
