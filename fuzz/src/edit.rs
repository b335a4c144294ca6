//! Edits of a stream that cannot be made up, because keys stand behind it.

/// `genuine` with the edits that `script` asks for: four bytes each, where (two
/// bytes), what, and with what.
#[must_use]
pub fn edited(genuine: &[u8], script: &[u8]) -> Vec<u8> {
    let mut stream = genuine.to_vec();
    for edit in script.chunks_exact(4).take(16) {
        if stream.is_empty() {
            break;
        }
        let at = (usize::from(edit[0]) << 8 | usize::from(edit[1])) % stream.len();
        let (what, with) = (edit[2], edit[3]);
        match what % 5 {
            0 => stream[at] ^= with,
            1 => stream[at] = with,
            2 => stream.insert(at, with),
            3 => drop(stream.drain(at..(at + usize::from(with)).min(stream.len()))),
            _ => stream.truncate(at),
        }
    }
    stream
}
