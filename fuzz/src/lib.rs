//! What the fuzz targets share: the laws of the contract checked on one input.
//!
//! The chunking comes from the input itself, so that a crashing file is all that
//! is needed to see the crash again, and a seed is a plain transcript that a
//! person can read. See `README.md` beside this crate for how to add a target.

mod edit;
mod memory;

pub use edit::edited;
pub use libfuzzer_sys::fuzz_target;
pub use memory::within;

use bytes::BytesMut;
use scop_core::{
    Instant, Machine,
    testkit::{End, Outcome, Peer, Stream, run},
};

/// The heap that a run over `n` bytes of input may hold at its peak, the notes the
/// harness takes itself included. Far above what a machine of ours needs, far
/// below what an announced size would allocate.
#[must_use]
pub fn heap_for(n: usize) -> usize {
    (4 << 20) + 512 * n
}

/// Drives a machine over `data` in four ways, and checks that
///
/// - whole, byte by byte and cut at places that `data` chooses give the same outcome (law 1);
/// - nothing spins: [`run`] counts events and idle turns (law 2);
/// - the heap stays within [`heap_for`] and the output in proportion to the input (law 3);
/// - an error stays the same whatever follows (law 5);
/// - the end of input is noticed, wherever it comes (law 6).
///
/// It gives the outcome of the run in one piece, for what a target wants to check
/// beyond that.
///
/// # Panics
///
/// When one of these does not hold.
pub fn machine<'a, M: Machine>(data: &[u8], make: impl Fn() -> Peer<'a, M>) -> Outcome {
    machine_cut(data, &cuts(data), make, Outcome::clone)
}

/// As [`machine`], cut at `cuts`, with `view` saying what of an outcome must be the
/// same: for a layer whose output may differ without harm.
///
/// # Panics
///
/// As [`machine`].
pub fn machine_cut<'a, M: Machine, V: PartialEq>(
    data: &[u8],
    cuts: &[usize],
    make: impl Fn() -> Peer<'a, M>,
    view: impl Fn(&Outcome) -> V,
) -> Outcome {
    let once = |stream: Stream<'_>| {
        within(heap_for(data.len()), || {
            let mut peer = make();
            let outcome = run(&mut peer, &stream);
            if let End::Error(error) = &outcome.end {
                stays(&mut peer, stream.now, error);
            }
            outcome
        })
    };
    let whole = once(Stream::whole(data));
    let most = (64 << 10) + 4096 * data.len();
    assert!(
        whole.output.len() <= most,
        "law 3: {} bytes of output for {} of input\n{whole:?}",
        whole.output.len(),
        data.len()
    );
    let single: Vec<usize> = (1..data.len()).collect();
    for cuts in [cuts, &single] {
        let found = once(Stream::cut(data, cuts));
        // Cut where the machine asks for TLS: the rest belongs to another stream.
        if found.end == End::Upgrade && whole.end != End::Upgrade {
            continue;
        }
        assert!(
            view(&found) == view(&whole),
            "law 1: cut at {cuts:?}\nin one piece:\n{whole:?}\ncut:\n{found:?}"
        );
    }
    let closed = once(Stream::whole(data).closing());
    assert!(
        closed.end != End::Waiting,
        "law 6: the end of input went unnoticed\n{closed:?}"
    );
    whole
}

/// The sticky error is the same whatever comes behind it.
fn stays<M: Machine>(peer: &mut Peer<'_, M>, now: Instant, error: &str) {
    let mut more = BytesMut::from(&b"QUIT\r\n.\r\n\0\xff"[..]);
    match peer.machine.read(now, &mut more) {
        Err(again) => assert_eq!(again.to_string(), error, "law 5: the error changed"),
        Ok(_) => panic!("law 5: `{error}` did not stay"),
    }
}

/// Where `data` is cut: ascending offsets inside it. They follow from its last
/// eight bytes, which are also input like any other: an edit elsewhere keeps the
/// chunking, an edit there changes it.
#[must_use]
pub fn cuts(data: &[u8]) -> Vec<usize> {
    cuts_of(data.len(), data)
}

/// Where a stream of `len` bytes is cut, by the last eight bytes of `seed`.
#[must_use]
pub fn cuts_of(len: usize, seed: &[u8]) -> Vec<usize> {
    let mut state = seed
        .iter()
        .rev()
        .take(8)
        .fold(len as u64, |state, &b| state << 8 ^ u64::from(b));
    let mut next = move |below: usize| {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % below.max(1)
    };
    let longest = 1 + next(len);
    let mut cuts = Vec::new();
    let mut at = 0;
    loop {
        at += 1 + next(longest);
        if at >= len {
            return cuts;
        }
        cuts.push(at);
    }
}

/// `data` in the pieces that [`cuts`] makes of it, for what is not a machine.
pub fn pieces(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    Stream::cut(data, &cuts(data)).pieces.into_iter()
}
