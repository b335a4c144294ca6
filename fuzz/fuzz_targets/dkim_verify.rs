//! A message of any kind, under a strict and a lax policy: the outcomes do not depend on the
//! chunking, the body is never held, and what is said to be signed is.
#![no_main]

use scop_dkim::{BodyLength, DnsError, Limits, Policy, PublicSuffixes, Records, Verifier};
use scop_fuzz::{fuzz_target, heap_for, pieces, within};

/// The key of RFC 8463 appendix A.2, for every name that does not ask for another.
const KEY: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

fn verify<'a>(lax: bool, pieces: impl Iterator<Item = &'a [u8]>) -> String {
    let (mut policy, mut limits) = (Policy::default(), Limits::default());
    if lax {
        policy.body_length = BodyLength::Partial;
        policy.reject_extra_instances = false;
        policy.honour_expiration = false;
        policy.look_up_reports = true;
        policy.public_suffixes = Some(PublicSuffixes::new(|domain| domain.len() < 6));
        limits.queries = 3;
    }
    let mut verifier = Verifier::new(policy, limits.clone(), 1_528_637_909);
    for piece in pieces {
        if verifier.write(piece).is_err() {
            break;
        }
    }
    let mut verification = verifier.finish();
    let (mut asked, mut questions) = (String::new(), 0);
    while let Some(query) = verification.next_query() {
        asked.push_str(&query.name);
        questions += 1;
        let answer = match query.name.len() % 4 {
            0 => Err(DnsError::NotFound),
            1 => Err(DnsError::Temporary),
            _ if query.name.starts_with("_report.") => Ok(Records::txt(["ra=a; rp=9; rr=v:s"])),
            _ if query.name.contains("._atps.") => Ok(Records::txt(["v=ATPS1"])),
            _ => Ok(Records::txt([KEY])),
        };
        verification
            .answer(query.id, answer)
            .expect("asked just now");
    }
    assert!(verification.is_complete() && questions <= limits.queries);
    for (n, outcome) in verification.outcomes().iter().enumerate() {
        let line = outcome.to_string();
        assert!(
            line.is_ascii() && !line.contains(char::is_control),
            "{line:?}"
        );
        let covered = verification.coverage(n);
        assert_eq!(covered.is_empty(), outcome.signature.is_none());
        for field in outcome.unsigned_fields() {
            let open = covered
                .iter()
                .filter(|c| !c.signed && c.name.eq_ignore_ascii_case(field.name.as_bytes()));
            assert_eq!(open.count(), field.instances, "{}", field.name);
        }
    }
    format!(
        "{asked} {:?} {:?} {:?} {}",
        verification.outcomes(),
        verification.result(),
        verification.limit(),
        verification.skipped()
    )
}

fuzz_target!(|data: &[u8]| {
    for lax in [false, true] {
        let once = || std::iter::once(data);
        let whole = within(heap_for(data.len()), || verify(lax, once()));
        assert_eq!(whole, verify(lax, pieces(data)));
        assert_eq!(whole, verify(lax, data.chunks(1)));
    }
});
