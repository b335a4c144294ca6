//! File names that are safe to create. What a message says is a suggestion of its
//! sender (RFC 2183 2.3 and 5): it may hold a path, name a device, hide its
//! extension, or be no name at all.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::string::{String, ToString};

/// The longest name in bytes: most file systems take 255, and a number or a suffix
/// may be added.
const LONGEST: usize = 200;
/// An extension that is longer is none.
const EXTENSION: usize = 20;

/// The suggested name as a name that any system can create, in a folder of the
/// caller's choice; `None` when nothing is left of it.
///
/// - Of a path the last component: what is behind the last `/` or `\`.
/// - No control characters; no characters that change the direction of text, and none
///   that cannot be seen (`cod.exe` must not look like `exe.doc`).
/// - `<>:"|?*` and the look-alikes of a slash become `_`.
/// - No dot, space or hyphen at the start (hidden files, options), no dot or space at
///   the end: those at the start become `_` or go.
/// - Names that Windows keeps for devices get a `_` in front: `con`, `LPT1.txt`.
/// - At most 200 bytes; the extension is kept.
///
/// Cost: linear.
///
/// ```
/// use scop_mime::safe_filename;
///
/// assert_eq!(safe_filename("../../etc/passwd").as_deref(), Some("passwd"));
/// assert_eq!(safe_filename("C:\\Users\\a\\r\u{e9}sum\u{e9}.pdf").as_deref(), Some("r\u{e9}sum\u{e9}.pdf"));
/// assert_eq!(safe_filename("invoice\u{202e}fdp.exe").as_deref(), Some("invoicefdp.exe"));
/// assert_eq!(safe_filename("nul.txt").as_deref(), Some("_nul.txt"));
/// assert_eq!(safe_filename(".."), None);
/// ```
#[must_use]
pub fn safe_filename(suggested: &str) -> Option<String> {
    let last = suggested.trim_end_matches(['/', '\\']);
    let last = last.rsplit(['/', '\\']).next().unwrap_or_default();
    if is_plain(last) {
        return Some(last.to_string());
    }
    let mut name = String::new();
    for c in last.chars() {
        let c = match c {
            // A tab or line end within is a space to the reader.
            '\t' | '\n' | '\r' => ' ',
            c if is_hidden(c) => continue,
            '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
            // Slashes of division and of other widths.
            '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{ff0f}' | '\u{2216}' | '\u{29f5}'
            | '\u{29f9}' | '\u{fe68}' | '\u{ff3c}' => '_',
            c if c.is_whitespace() => ' ',
            c => c,
        };
        if name.is_empty() && matches!(c, '.' | ' ') {
            continue;
        }
        name.push(c);
        // What is cut off later need not be kept, however long it is; an extension is
        // looked for at the end, so two caps' worth at most is held.
        if name.len() > 2 * LONGEST {
            let cut = ceil(&name, LONGEST / 2);
            let to = ceil(&name, name.len() - LONGEST);
            name.replace_range(cut..to, "");
        }
    }
    name.truncate(name.trim_end_matches(['.', ' ']).len());
    if name.starts_with(['-', '~']) {
        name.replace_range(..1, "_");
    }
    if is_device(&name) {
        name.insert(0, '_');
    }
    shorten(&mut name, LONGEST);
    (!name.is_empty()).then_some(name)
}

/// Whether nothing is to change: letters and digits, marks between them. Not all such names
/// are found.
fn is_plain(name: &str) -> bool {
    let is_word = |b: &u8| b.is_ascii_alphanumeric();
    let ends = [name.as_bytes().first(), name.as_bytes().last()];
    ends.iter().all(|end| end.is_some_and(is_word))
        && name.len() <= LONGEST
        && (name.bytes()).all(|b| is_word(&b) || matches!(b, b'.' | b'-' | b'_' | b' '))
        && !is_device(name)
}

/// Controls, marks of direction, and what has no width of its own.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// A name that Windows gives to a device, whatever its extension and case.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end_matches(' ');
    let is = |name: &str| stem.eq_ignore_ascii_case(name);
    // COM1 to LPT9, and what is written above the line.
    let numbered = || {
        let digits = stem.get(3..).unwrap_or_default();
        let prefix = stem.get(..3).unwrap_or_default();
        let is = |name: &str| prefix.eq_ignore_ascii_case(name);
        let is_digit = |c: char| c.is_ascii_digit() || matches!(c, '\u{b9}' | '\u{b2}' | '\u{b3}');
        let mut digits = digits.chars();
        (is("com") || is("lpt")) && digits.next().is_some_and(is_digit) && digits.next().is_none()
    };
    ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"]
        .into_iter()
        .any(is)
        || numbered()
}

/// Where the extension begins, its dot included; the end where there is none.
fn extension(name: &str) -> usize {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= EXTENSION => dot,
        _ => name.len(),
    }
}

/// Takes from the middle until `most` bytes are left: the extension stays.
fn shorten(name: &mut String, most: usize) {
    if name.len() <= most {
        return;
    }
    let dot = extension(name);
    let tail = name.len() - dot;
    let mut cut = most.saturating_sub(tail);
    while !name.is_char_boundary(cut) {
        cut -= 1;
    }
    name.replace_range(cut..dot, "");
    let kept = name.trim_end_matches(['.', ' ']).len();
    name.truncate(kept);
}

fn ceil(name: &str, mut at: usize) -> usize {
    while !name.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// Gives out names, each only once, in any case: what one folder can hold.
///
/// ```
/// let mut names = scop_mime::FileNames::new();
/// assert_eq!(names.pick(Some("a/b.txt"), "x"), "b.txt");
/// assert_eq!(names.pick(Some("B.TXT"), "x"), "B (2).TXT");
/// assert_eq!(names.pick(Some("b.txt"), "x"), "b (3).txt");
/// assert_eq!(names.pick(None, "part-2.bin"), "part-2.bin");
/// ```
#[derive(Clone, Debug, Default)]
pub struct FileNames {
    /// Names that are taken, in lower case, and the number tried last for each.
    taken: BTreeMap<String, u32>,
}

impl FileNames {
    /// No name is taken.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A safe name that was not given out: the suggested one or, if nothing is left of
    /// it, `otherwise`, or `attachment`; with a number where it is taken.
    pub fn pick(&mut self, suggested: Option<&str>, otherwise: &str) -> String {
        self.pick_or(suggested, || otherwise.to_string())
    }

    /// The same where the other name is made only if it is needed.
    pub(super) fn pick_or(
        &mut self,
        suggested: Option<&str>,
        otherwise: impl FnOnce() -> String,
    ) -> String {
        let name = suggested.and_then(safe_filename);
        let name = name.or_else(|| safe_filename(&otherwise()));
        let name = name.unwrap_or_else(|| "attachment".to_string());
        let (key, number) = match self.taken.entry(name.to_lowercase()) {
            Entry::Vacant(place) => {
                place.insert(1);
                return name;
            }
            Entry::Occupied(taken) => (taken.key().clone(), *taken.get()),
        };
        // Names with a number may have been suggested as well: each is skipped once.
        let mut number = number;
        loop {
            number = number.saturating_add(1);
            let (stem, extension) = name.split_at(extension(&name));
            let numbered = alloc::format!("{stem} ({number}){extension}");
            let numbered_key = numbered.to_lowercase();
            if !self.taken.contains_key(&numbered_key) {
                self.taken.insert(key, number);
                self.taken.insert(numbered_key, 1);
                return numbered;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_plain_stays_as_it_is(name in "(con|com1|[a-zA-Z0-9]{0,4})[-a-zA-Z0-9._ <]{0,12}") {
            // A letter that is hidden goes, and has the others looked at.
            let long = safe_filename(&alloc::format!("{name}\u{200b}"));
            prop_assert_eq!(safe_filename(&name), long);
        }
    }

    #[test]
    fn mi_names_of_the_senders_are_made_safe() {
        for (suggested, safe) in [
            ("a.txt", Some("a.txt")),
            ("/etc/passwd", Some("passwd")),
            ("..\\..\\autoexec.bat", Some("autoexec.bat")),
            ("a/", Some("a")),
            ("/", None),
            ("", None),
            (" . .. ", None),
            ("...hidden", Some("hidden")),
            (" .bashrc", Some("bashrc")),
            ("-rf", Some("_rf")),
            ("~root", Some("_root")),
            ("a\0b\x1b[2J\u{85}.txt", Some("ab[2J.txt")),
            ("a\r\n b", Some("a   b")),
            ("C:evil", Some("C_evil")),
            ("file.txt:stream", Some("file.txt_stream")),
            ("a<b>|?*\".c", Some("a_b_____.c")),
            ("trailing. . ", Some("trailing")),
            ("COM1", Some("_COM1")),
            ("com\u{b9}.log", Some("_com\u{b9}.log")),
            ("lpt9.tar.gz", Some("_lpt9.tar.gz")),
            ("aux .c", Some("_aux .c")),
            ("CON", Some("_CON")),
            ("console", Some("console")),
            ("com10", Some("com10")),
            ("a\u{2215}b", Some("a_b")),
            ("a\u{202e}txt.exe", Some("atxt.exe")),
            ("a\u{200b}\u{feff}\u{e0041}b", Some("ab")),
            ("\u{202e}", None),
            ("日本語.pdf", Some("日本語.pdf")),
            ("a\u{a0}\u{3000}b", Some("a  b")),
        ] {
            assert_eq!(safe_filename(suggested).as_deref(), safe, "{suggested:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = safe_filename(&("ü".repeat(100_000) + ".pdf")).unwrap();
        assert!(
            name.len() <= LONGEST && name.len() > LONGEST - 4,
            "{}",
            name.len()
        );
        assert!(name.ends_with("ü.pdf"));
        let name = safe_filename(&".".repeat(1000)).is_none();
        assert!(name);
        let long = "a".repeat(10) + "." + &"b".repeat(1000);
        assert_eq!(safe_filename(&long).unwrap().len(), LONGEST);
    }

    #[test]
    fn ten_thousand_names_that_are_the_same() {
        let mut names = FileNames::new();
        // Names that are in the way of the numbers.
        for n in 2..5_000 {
            names.pick(Some(&alloc::format!("a ({n}).txt")), "");
        }
        for _ in 0..5_000 {
            names.pick(Some("a.txt"), "");
        }
        assert_eq!(names.pick(Some("A.TXT"), ""), "A (9999).TXT");
        assert_eq!(names.pick(None, ""), "attachment");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn a_safe_name_is_one(suggested in "\\PC{0,30}|[./\\\\ \u{202e}a-c:~-]{0,12}|.{0,400}", again in any::<bool>()) {
            let Some(name) = safe_filename(&suggested) else { return Ok(()) };
            prop_assert!(!name.is_empty() && name.len() <= LONGEST);
            prop_assert!(!name.contains(|c: char| is_hidden(c) || "/\\<>:\"|?*".contains(c)));
            prop_assert!(!name.starts_with(['.', ' ', '-', '~']) && !name.ends_with(['.', ' ']));
            prop_assert!(!is_device(&name));
            prop_assert_eq!(safe_filename(&name), Some(name.clone()));
            let mut names = FileNames::new();
            let first = names.pick(Some(&suggested), "x");
            let second = names.pick(Some(&if again { name.to_uppercase() } else { name }), "x");
            prop_assert_ne!(first.to_lowercase(), second.to_lowercase());
            prop_assert!(second.to_string().len() <= 255);
        }
    }
}
