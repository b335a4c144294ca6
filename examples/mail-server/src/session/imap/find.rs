//! SEARCH BODY and TEXT: needles in text that passes by in pieces, in memory that
//! does not grow with it.

/// `text` in lower case, each character by itself: so a piece of a text is what it is
/// in the whole.
pub(super) fn lower(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_lower(text, &mut out);
    out
}

fn push_lower(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        if let Some(new) = out.get_mut(start..) {
            new.make_ascii_lowercase();
        }
        return;
    }
    out.extend(text.chars().flat_map(char::to_lowercase));
}

/// Looks for all needles at once.
#[derive(Debug)]
pub(super) struct Finder {
    /// Not found yet, in lower case.
    wanted: Vec<String>,
    found: Vec<String>,
    /// The end of the text so far, in lower case: as much as the start of a needle may
    /// be of.
    tail: String,
}

impl Finder {
    /// Needles are in lower case.
    pub(super) fn new(needles: &[String]) -> Self {
        let mut wanted = needles.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        Finder {
            wanted,
            found: Vec::new(),
            tail: String::new(),
        }
    }

    /// The next piece of a text.
    pub(super) fn add(&mut self, text: &str) {
        push_lower(text, &mut self.tail);
        let tail = &self.tail;
        let found = self.wanted.extract_if(.., |n| tail.contains(n.as_str()));
        self.found.extend(found);
        let longest = self.wanted.iter().map(String::len).max().unwrap_or(0);
        let mut keep = longest.saturating_sub(1).min(self.tail.len());
        while !self.tail.is_char_boundary(self.tail.len() - keep) {
            keep += 1;
        }
        self.tail.drain(..self.tail.len() - keep);
    }

    /// The text is over: what comes next is another.
    pub(super) fn end_text(&mut self) {
        self.tail.clear();
    }

    /// There is nothing left to look for.
    pub(super) fn is_done(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The needles that were found.
    pub(super) fn finish(self) -> Vec<String> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(needles: &[&str], texts: &[&[&str]]) -> Vec<String> {
        let needles: Vec<String> = needles.iter().map(|n| lower(n)).collect();
        let mut finder = Finder::new(&needles);
        for text in texts {
            for piece in *text {
                finder.add(piece);
            }
            finder.end_text();
        }
        let mut found = finder.finish();
        found.sort_unstable();
        found
    }

    #[test]
    fn needles_are_found_at_any_cut() {
        let text = "Grüße aus ÄPFELN und ΟΔΟΣ, İzmir";
        let needles = ["SSE AUS", "ße aus äpfeln", "οδος", "i̇zmir", "birnen", "mir"];
        let want = ["i̇zmir", "mir", "ße aus äpfeln", "οδοσ"];
        let chars: Vec<(usize, char)> = text.char_indices().collect();
        for size in 1..=chars.len() {
            let pieces: Vec<&str> = chars
                .chunks(size)
                .map(|c| &text[c[0].0..c[c.len() - 1].0 + c[c.len() - 1].1.len_utf8()])
                .collect();
            // A final sigma is one like any other.
            let mut needles = needles.to_vec();
            needles[2] = "ΟΔΟΣ";
            assert_eq!(found(&needles, &[&pieces]), want, "{size}");
        }
    }

    #[test]
    fn nothing_goes_over_the_end_of_a_text() {
        assert!(found(&["ab"], &[&["a"], &["b"]]).is_empty());
        assert_eq!(found(&["ab", "ab"], &[&["a", "b"], &["b"]]), ["ab"]);
        // All texts have nothing in them.
        assert_eq!(found(&[""], &[&["x"]]), [""]);
    }

    #[test]
    fn memory_does_not_grow_with_the_text() {
        let mut finder = Finder::new(&[lower("needle")]);
        for _ in 0..1000 {
            finder.add(&"ü".repeat(1000));
            assert!(finder.tail.len() < 10);
        }
        assert!(finder.tail.capacity() < 10_000);
    }
}
