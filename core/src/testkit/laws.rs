//! Laws 1 to 8, each a function.

use alloc::{string::ToString, vec::Vec};

use bytes::BytesMut;

use super::{
    End, Note, Outcome, Peer, Rng, Stream, excerpt,
    run::{difference, drain, resume, run},
};
use crate::{Instant, Machine, Next, Pause};

/// Inputs up to this many bytes are tried with every pair of cuts.
const PAIRS_UP_TO: usize = 160;
/// Inputs up to this many bytes are tried with every single cut and byte by byte.
const SINGLES_UP_TO: usize = 16 * 1024;
/// Random chunkings tried.
const RANDOM: u64 = 64;

/// Law 1, split invariance: runs `input` whole, then byte by byte, with every
/// cut, every pair of cuts (of inputs up to 160 bytes) and 64 seeded random
/// chunkings, and gives the outcome that all of them had.
///
/// # Panics
///
/// When two chunkings differ; the message names the cuts and shows both.
pub fn splits<'a, M: Machine>(make: impl Fn() -> Peer<'a, M>, input: &[u8]) -> Outcome {
    let whole = run(&mut make(), &Stream::whole(input));
    let check = |cuts: &[usize]| {
        let found = run(&mut make(), &Stream::cut(input, cuts));
        // Cut where the machine asks for TLS: the rest is another stream's.
        if found.end == End::Upgrade && whole.end != End::Upgrade {
            return;
        }
        assert!(
            found == whole,
            "law 1: the chunking changes the outcome, cut at {cuts:?} of {}\n{}",
            excerpt(input),
            difference(&whole, &found)
        );
    };
    let n = input.len();
    if n <= SINGLES_UP_TO {
        check(&(1..n).collect::<Vec<_>>());
    }
    // Every cut of a long input is quadratic work: then a spread of them.
    let step = (n / 2048).max(1);
    for cut in (1..n).step_by(step) {
        check(&[cut]);
    }
    if n <= PAIRS_UP_TO {
        for first in 1..n {
            for second in first + 1..n {
                check(&[first, second]);
            }
        }
    }
    for seed in 0..RANDOM {
        let mut rng = Rng(seed);
        let longest = 1 + rng.below(n.max(1));
        let mut cuts = Vec::new();
        let mut at = 0;
        loop {
            at += 1 + rng.below(longest);
            if at >= n {
                break;
            }
            cuts.push(at);
        }
        check(&cuts);
    }
    whole
}

/// Law 2, progress: runs `input` byte by byte and, whenever the machine says
/// that it waits, asks again: the answer must be the same, and nothing may have
/// been taken or given.
///
/// # Panics
///
/// When asking again changes something, or the machine spins.
pub fn progress<'a, M: Machine>(make: impl Fn() -> Peer<'a, M>, input: &[u8]) -> Outcome {
    let mut peer = make();
    let mut outcome = Outcome::new();
    let mut buf = BytesMut::new();
    let asked_again = |peer: &mut Peer<'a, M>, buf: &mut BytesMut, outcome: &Outcome| {
        if !matches!(outcome.end, End::Waiting | End::Unanswered | End::Upgrade) {
            return false;
        }
        let now = Instant::from_secs(1);
        let before = buf.clone();
        for _ in 0..3 {
            let again = peer.machine.read(now, buf);
            let same = match (&again, &outcome.end) {
                (Ok(Next::NeedInput), End::Waiting)
                | (Ok(Next::Paused(Pause::Answer)), End::Unanswered)
                | (Ok(Next::Paused(Pause::Upgrade)), End::Upgrade) => true,
                (Ok(Next::Paused(Pause::Flush)), _) => false,
                _ => false,
            };
            assert!(
                same && *buf == before && peer.machine.transmit(now).is_none(),
                "law 2: asked again with nothing new, the answer changed\n{outcome:?}"
            );
        }
        outcome.end == End::Waiting
    };
    for byte in input.chunks(1) {
        resume(&mut peer, &Stream::whole(byte), &mut buf, &mut outcome);
        if !asked_again(&mut peer, &mut buf, &outcome) {
            return outcome;
        }
    }
    outcome
}

/// Law 3, bounds: feeds `flood` over and over, up to `total` bytes, and gives
/// the outcome. The machine must use up what it gets or end; at no time may more
/// than `most` bytes lie unused in its input or wait unsent.
///
/// # Panics
///
/// When more than `most` bytes pile up.
pub fn bounds<M: Machine>(
    peer: &mut Peer<'_, M>,
    flood: &[u8],
    total: usize,
    most: usize,
) -> Outcome {
    let mut outcome = Outcome::new();
    let mut input = BytesMut::new();
    let mut fed = 0;
    while fed < total {
        resume(peer, &Stream::whole(flood), &mut input, &mut outcome);
        let sent = outcome.output.len();
        assert!(
            input.len() <= most && sent <= most,
            "law 3: {} bytes unused and {sent} sent at once after {fed} of {}",
            input.len(),
            excerpt(flood)
        );
        if outcome.end != End::Waiting {
            break;
        }
        outcome.output.clear();
        outcome.notes.clear();
        fed += flood.len();
    }
    outcome
}

/// Law 4, backpressure: runs `input` with nobody reading what the machine sends
/// until it stops by itself. No more than `most` bytes may wait by then; once they
/// are taken it goes on, and in the end all is as if they had been taken at once.
///
/// # Panics
///
/// When more than `most` bytes wait, or the outcome differs.
pub fn backpressure<'a, M: Machine>(
    make: impl Fn() -> Peer<'a, M>,
    input: &[u8],
    most: usize,
) -> Outcome {
    let expected = run(&mut make(), &Stream::whole(input));
    let mut peer = make();
    let mut found = Outcome::new();
    let mut buf = BytesMut::from(input);
    let now = Instant::from_secs(1);
    loop {
        let next = match peer.machine.read(now, &mut buf) {
            Ok(Next::Event(event)) => {
                let note = peer.note(now, event);
                found.record(note);
                continue;
            }
            Ok(next) => Ok(next),
            Err(error) => Err(error.to_string()),
        };
        let before = found.output.len();
        let moved = drain(&mut peer, now, &mut found);
        let waited = found.output.len() - before;
        assert!(
            waited <= most,
            "law 4: {waited} bytes waited unsent, {most} allowed"
        );
        found.end = match next {
            Err(error) => End::Error(error),
            Ok(Next::Closed) => End::Closed,
            _ if moved => continue,
            Ok(Next::NeedInput) if peer.rest(now) => continue,
            Ok(Next::Paused(Pause::Flush)) => {
                panic!("law 4: Paused(Flush) with nothing to send\n{found:?}")
            }
            Ok(Next::Paused(Pause::Answer)) => End::Unanswered,
            Ok(Next::Paused(Pause::Upgrade)) => End::Upgrade,
            Ok(_) => End::Waiting,
        };
        break;
    }
    assert!(
        found == expected,
        "law 4: held back, the outcome differs\n{}",
        difference(&expected, &found)
    );
    found
}

/// Law 5, errors: `input` must poison the machine. Every later read gives the
/// same error, whatever comes; the goodbye, which is returned, leaves and ends;
/// and the deadline cannot hold the driver for ever.
///
/// # Panics
///
/// When there is no error, or it does not stay, or the goodbye does not end.
pub fn sticky<'a, M: Machine>(make: impl Fn() -> Peer<'a, M>, input: &[u8]) -> Vec<u8> {
    let mut peer = make();
    let now = Instant::from_secs(1);
    let mut outcome = Outcome::new();
    let mut buf = BytesMut::new();
    resume(&mut peer, &Stream::whole(input), &mut buf, &mut outcome);
    let End::Error(first) = &outcome.end else {
        panic!("law 5: no error came of {}\n{outcome:?}", excerpt(input));
    };
    for more in [&b""[..], b"QUIT\r\n", b"\r\n.\r\n", b"\0\xff\n"] {
        buf.extend_from_slice(more);
        match peer.machine.read(now, &mut buf) {
            Err(error) if error.to_string() == *first => {}
            Err(error) => panic!("law 5: the error changed from `{first}` to `{error}`"),
            Ok(_) => panic!("law 5: `{first}` did not stay"),
        }
        assert!(
            peer.machine.transmit(now).is_none(),
            "law 5: the poisoned machine still answers"
        );
    }
    peer.machine.read_closed(now);
    for _ in 0..64 {
        let Some((at, _)) = peer.machine.deadline() else {
            return outcome.output;
        };
        peer.machine.expire(at);
    }
    panic!("law 5: `{first}`, and the deadline never lets go");
}

/// Law 6, the end of input is not the end of data: cuts `input` at every byte and
/// closes. `complete` tells the notes that mean something was accepted whole;
/// closing may never add one.
///
/// # Panics
///
/// When closing completes something, or is not judged (`Closed` or an error).
pub fn truncation<'a, M: Machine>(
    make: impl Fn() -> Peer<'a, M>,
    input: &[u8],
    complete: impl Fn(&Note) -> bool,
) {
    let count = |o: &Outcome| o.notes.iter().filter(|n| complete(n)).count();
    for end in 0..=input.len() {
        let prefix = &input[..end];
        let open = run(&mut make(), &Stream::whole(prefix));
        if matches!(open.end, End::Upgrade) {
            continue;
        }
        let closed = run(&mut make(), &Stream::whole(prefix).closing());
        assert!(
            count(&closed) == count(&open),
            "law 6: the end of input at byte {end} completed something\n{}",
            difference(&open, &closed)
        );
        assert!(
            !matches!(closed.end, End::Waiting),
            "law 6: the end of input at byte {end} went unnoticed\n{closed:?}"
        );
    }
}

/// Law 7, no ambient authority: the same calls give the same answers, also when
/// the driver counts time from another epoch.
///
/// # Panics
///
/// When two runs differ.
pub fn deterministic<'a, M: Machine>(make: impl Fn() -> Peer<'a, M>, input: &[u8]) -> Outcome {
    let first = run(&mut make(), &Stream::whole(input));
    for epoch in [1, 1, 1_000_000_000] {
        let mut stream = Stream::whole(input);
        stream.now = Instant::from_secs(epoch);
        let again = run(&mut make(), &stream);
        assert!(
            again == first,
            "law 7: the same calls, another answer\n{}",
            difference(&first, &again)
        );
    }
    first
}

/// Law 8, STARTTLS is injection-proof: `before` takes the machine to where it is
/// ready for TLS; with `injected` behind it, cut anywhere so that some of it comes
/// with the end of `before`, it must end in an error, and it may neither act on nor
/// answer what was injected.
///
/// # Panics
///
/// When `before` does not lead to an upgrade, or the injection gets through.
pub fn injection<'a, M: Machine>(make: impl Fn() -> Peer<'a, M>, before: &[u8], injected: &[u8]) {
    let clean = run(&mut make(), &Stream::whole(before));
    assert!(
        clean.end == End::Upgrade,
        "law 8: {} should lead to an upgrade\n{clean:?}",
        excerpt(before)
    );
    for more in 1..=injected.len() {
        let all = [before, &injected[..more]].concat();
        for cut in 0..before.len() {
            let found = run(&mut make(), &Stream::cut(&all, &[cut]));
            assert!(
                matches!(found.end, End::Error(_)),
                "law 8: {more} bytes behind the go-ahead went through, cut at {cut}\n{found:?}"
            );
            assert!(
                found.notes.len() <= clean.notes.len(),
                "law 8: the injected bytes were acted on, cut at {cut}\n{}",
                difference(&clean, &found)
            );
        }
    }
}
