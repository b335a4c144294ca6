//! The text of HTML, and text as HTML.
//!
//! For what has no use for markup: a preview in a list of messages, a search index, a reader
//! on a terminal. Nothing is rendered and nothing is fetched; styles do not count, so what a
//! sender hides by them is there.
//!
//! ```
//! use scop_mime::html;
//!
//! let page = "<style>p { color: red }</style><p>Dear &Auml;nn,<br>see <b>there</b>:</p><ul><li>one<li>two</ul>";
//! assert_eq!(html::to_text(page), "Dear Änn,\nsee there:\n\n* one\n* two\n");
//! assert_eq!(html::from_text("1 < 2\n"), "1 &lt; 2<br>\n");
//! ```
//!
//! [`Message::preview`](crate::Message::preview) is the line to show in a list.

mod entities;
mod preview;
mod tag;

use alloc::string::String;

use self::tag::Markup;

pub(crate) use self::preview::Preview;

/// The text that a reader of the HTML would see: tags left out, character references decoded,
/// white space collapsed but in `pre`; a line end at `br` and around blocks, an empty line
/// between paragraphs, `*` before items of a list, the `alt` of images. Scripts, styles, titles
/// and comments show nothing. Lines end with `\n`.
///
/// It is read as HTML says, whatever it is: attributes in quotes may hold `>`, references may
/// lack their semicolon, a tag that is cut off is nothing. All named references of HTML are known;
/// what is none stays as it is written. Cost: linear; the text is hardly ever longer
/// than the HTML, and never twice as long.
#[must_use]
pub fn to_text(html: &str) -> String {
    let mut out = String::new();
    Writer::new(&mut out, usize::MAX).html(html);
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// The text as HTML that shows it: what is markup escaped, lines ended by `<br>`, and spaces
/// that HTML would collapse made to stay. Carriage returns are left out. It is a piece of a
/// page, to stand in a `<div>` for instance.
///
/// ```
/// use scop_mime::html::from_text;
/// assert_eq!(from_text("a  \"b\" & c\r\n <d>"), "a &nbsp;&quot;b&quot; &amp; c<br>\n&nbsp;&lt;d&gt;");
/// ```
#[must_use]
pub fn from_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut before = '\n';
    for c in text.chars().filter(|c| *c != '\r') {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("<br>\n"),
            ' ' if matches!(before, ' ' | '\n') => out.push_str("&nbsp;"),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// What an element does to the text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing.
    Inline,
    /// It begins and ends on lines of its own.
    Block,
    /// With an empty line before and behind.
    Paragraph,
    Item,
    Cell,
    Break,
    Image,
    Preformatted,
    /// Its content is no markup, and nothing that is seen.
    Hidden,
    /// Its content is markup that is not seen.
    Template,
}

impl Kind {
    fn of(name: &str) -> Self {
        let mut lower = [0; 12];
        let Some(lower) = lower.get_mut(..name.len()) else {
            return Kind::Inline;
        };
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        match &*lower {
            b"br" => Kind::Break,
            b"img" => Kind::Image,
            b"li" => Kind::Item,
            b"td" | b"th" => Kind::Cell,
            b"pre" | b"listing" => Kind::Preformatted,
            b"script" | b"style" | b"title" | b"iframe" | b"noembed" | b"noframes" | b"xmp" => {
                Kind::Hidden
            }
            b"template" => Kind::Template,
            b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"blockquote" | b"ul"
            | b"ol" | b"dl" | b"table" | b"hr" => Kind::Paragraph,
            b"address" | b"article" | b"aside" | b"body" | b"caption" | b"center" | b"dd"
            | b"details" | b"div" | b"dt" | b"fieldset" | b"figure" | b"figcaption" | b"footer"
            | b"form" | b"header" | b"legend" | b"main" | b"nav" | b"option" | b"section"
            | b"summary" | b"tbody" | b"tfoot" | b"thead" | b"tr" => Kind::Block,
            _ => Kind::Inline,
        }
    }
}

/// What is owed before the next character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    Nothing,
    Space,
    Line,
    EmptyLine,
}

/// Writes text as it is seen.
struct Writer<'o> {
    out: &'o mut String,
    gap: Gap,
    /// An item of a list begins: its mark is owed as well.
    item: bool,
    /// How many `pre` are open.
    preformatted: usize,
    /// How many bytes are enough.
    enough: usize,
}

impl<'o> Writer<'o> {
    fn new(out: &'o mut String, enough: usize) -> Self {
        Writer {
            out,
            gap: Gap::Nothing,
            item: false,
            preformatted: 0,
            enough,
        }
    }

    fn html(&mut self, html: &str) {
        let mut rest = html;
        // How many templates are open.
        let mut templates = 0usize;
        while !rest.is_empty() && self.out.len() < self.enough {
            let taken = match tag::markup(rest) {
                Some((markup, length)) => {
                    let (kind, name) = match markup {
                        Markup::Start { name, .. } => (Kind::of(name), name),
                        Markup::End { name } => (Kind::of(name), name),
                        Markup::Nothing => (Kind::Inline, ""),
                    };
                    let is_start = matches!(markup, Markup::Start { .. });
                    match kind {
                        Kind::Template if is_start => templates += 1,
                        Kind::Template => templates = templates.saturating_sub(1),
                        Kind::Hidden => {}
                        _ if templates == 0 => self.markup(markup, kind),
                        _ => {}
                    }
                    let behind = rest.get(length..).unwrap_or_default();
                    match is_start && kind == Kind::Hidden {
                        true => length + tag::raw_end(behind, name).unwrap_or(behind.len()),
                        false => length,
                    }
                }
                None => {
                    let behind = rest.as_bytes().get(1..).unwrap_or_default();
                    let end = memchr::memchr(b'<', behind).map_or(rest.len(), |at| at + 1);
                    let (text, _) = rest.split_at_checked(end).unwrap_or((rest, ""));
                    if templates == 0 {
                        self.text(text);
                    }
                    text.len()
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    fn markup(&mut self, markup: Markup<'_>, kind: Kind) {
        let start = match markup {
            Markup::Start { attributes, .. } => Some(attributes),
            _ => None,
        };
        match (kind, start) {
            (Kind::Block, _) => self.owe(Gap::Line),
            (Kind::Paragraph, _) => self.owe(Gap::EmptyLine),
            (Kind::Cell, _) => self.owe(Gap::Space),
            (Kind::Item, Some(_)) => {
                self.owe(Gap::Line);
                self.item = true;
            }
            (Kind::Item, None) => {
                self.owe(Gap::Line);
                self.item = false;
            }
            (Kind::Break, Some(_)) => {
                // Of several each counts.
                if self.gap >= Gap::Line && !self.out.is_empty() {
                    self.settle(Gap::Line);
                }
                self.owe(Gap::Line);
            }
            (Kind::Image, Some(attributes)) => {
                if let Some(alt) = tag::attribute(attributes, "alt") {
                    self.text(alt);
                }
            }
            (Kind::Preformatted, Some(_)) => {
                self.owe(Gap::EmptyLine);
                self.preformatted += 1;
            }
            (Kind::Preformatted, None) => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.owe(Gap::EmptyLine);
            }
            _ => {}
        }
    }

    fn owe(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// Writes what is owed, or less of it.
    fn settle(&mut self, most: Gap) {
        // None at the start.
        if !self.out.is_empty() {
            self.out.push_str(match self.gap.min(most) {
                Gap::Nothing => "",
                Gap::Space => " ",
                Gap::Line => "\n",
                Gap::EmptyLine => "\n\n",
            });
        }
        self.gap = Gap::Nothing;
    }

    fn put(&mut self, c: char) {
        self.settle(Gap::EmptyLine);
        if core::mem::take(&mut self.item) {
            self.out.push_str("* ");
        }
        self.out.push(c);
    }

    /// Text with references.
    fn text(&mut self, text: &str) {
        let mut rest = text;
        while self.out.len() < self.enough {
            let bytes = rest.as_bytes();
            let end = memchr::memchr(b'&', bytes).unwrap_or(bytes.len());
            let (plain, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            self.plain(plain);
            let Some(reference) = behind.as_bytes().get(1..) else {
                return;
            };
            let found = entities::reference(reference);
            let ((c, second), length) = found.unwrap_or((('&', None), 0));
            match c {
                // It is a space that does not collapse.
                '\u{a0}' => self.put(' '),
                c if c.is_control() => self.owe(Gap::Space),
                c => self.put(c),
            }
            second.into_iter().for_each(|c| self.put(c));
            rest = behind.get(1 + length..).unwrap_or_default();
        }
    }

    /// Text as it is.
    fn plain(&mut self, text: &str) {
        if self.preformatted > 0 {
            return self.lines(text);
        }
        for (at, word) in text
            .split(|c: char| c.is_ascii_whitespace() || c == '\0')
            .enumerate()
        {
            if at > 0 {
                self.owe(Gap::Space);
            }
            let mut chars = word.chars();
            if let Some(first) = chars.next() {
                self.put(first);
                self.out.push_str(chars.as_str());
            }
            if self.out.len() >= self.enough {
                return;
            }
        }
    }

    /// Text in which white space counts.
    fn lines(&mut self, text: &str) {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                if self.gap >= Gap::Line {
                    self.settle(Gap::Line);
                }
                self.owe(Gap::Line);
            }
            for c in line.chars().filter(|c| !matches!(c, '\r' | '\0')) {
                self.put(c);
            }
            if self.out.len() >= self.enough {
                return;
            }
        }
    }
}
