//! HTML as text, text as HTML, and previews.

use proptest::prelude::*;
use scop_mime::{Message, html};

#[test]
fn html_as_text() {
    for (page, text) in [
        ("", ""),
        ("  \r\n ", ""),
        ("plain", "plain\n"),
        ("a  b\r\n\tc", "a b c\n"),
        ("<b>a</b>b <i> c</i>", "ab c\n"),
        ("a<br>b<br/>c", "a\nb\nc\n"),
        ("a<br><br>b", "a\n\nb\n"),
        ("<div>a</div><div>b</div>", "a\nb\n"),
        ("<div><div>a</div></div>\n<div>\n<br></div>b", "a\n\nb\n"),
        ("<p>a</p>\n<p>b</p>", "a\n\nb\n"),
        ("<h1>a</h1>b", "a\n\nb\n"),
        ("<ul>\n<li>a</li>\n<li>b\n</ul>c", "* a\n* b\n\nc\n"),
        (
            "<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>",
            "a b\nc\n",
        ),
        ("<pre>a\n  b\n\nc</pre>d  e", "a\n  b\n\nc\n\nd e\n"),
        // What is not seen.
        (
            "<head><title>t</title><style>p > a {}</style></head>a",
            "a\n",
        ),
        (
            "<script>if (a < b) '</p>'</script>a<SCRIPT>x</Script >b",
            "ab\n",
        ),
        ("<style>never closed <p>a", ""),
        ("a<!-- <b>x</b> -- > -->b<!x>c<?y?>d", "abcd\n"),
        (
            "<!--[if mso]><p>x<![endif]--><![if !mso]>a<![endif]>",
            "a\n",
        ),
        ("<template>x<p>y</template>a", "a\n"),
        // Tags as HTML reads them.
        ("<a href='x>y' title=\"</a>\">a</a>", "a\n"),
        ("1 < 2 <3 <= 4", "1 < 2 <3 <= 4\n"),
        ("a<b", "a\n"),
        ("a</ b>c", "ac\n"),
        ("<img src=x alt='A &amp; B'>c<img src=y>", "A & Bc\n"),
        // References.
        ("&lt;&gt;&amp;&quot;&apos;&#39;&nbsp;.", "<>&\"'' .\n"),
        ("&Eacute;&eacute;&hellip;&euro;&thetasym;", "Éé…€ϑ\n"),
        ("&#8364;&#x20AC;&#X20ac&#128;&#x92;", "€€€€’\n"),
        ("&copy 2020 &notit; &amp", "© 2020 ¬it; &\n"),
        (
            "&nosuch; & &; &# &#; &#x; &hellip x",
            "&nosuch; & &; &# &#; &#x; &hellip x\n",
        ),
        (
            "&#0;&#xD800;&#x110000;&#99999999999999999999;",
            "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\n",
        ),
        ("a&#10;&NewLine;b&#27;c", "a b c\n"),
        ("a&nbsp;&nbsp;b", "a  b\n"),
        ("&lt;b&gt;", "<b>\n"),
    ] {
        assert_eq!(html::to_text(page), text, "{page}");
    }
}

/// Nothing costs more than its length, nothing overflows the stack.
#[test]
fn hostile_html_is_read_in_one_pass() {
    for piece in [
        "<",
        "<!",
        "<!--",
        "<!-- --",
        "<a ",
        "<a b=\"",
        "<a b='x' ",
        "</",
        "</a",
        "&",
        "&#",
        "&#x",
        "&#9",
        "&thetasy",
        "<div>",
        "</div>",
        "<pre>",
        "<template>",
        "<style></style",
        "<style>",
        "<li>",
        "<br>",
        "<p>a",
        "<b a=",
        "--",
        "<script></scrip>",
        "\n",
        "<td>",
        "]]>",
        "\u{e9}",
    ] {
        let page = piece.repeat(50_000);
        assert!(html::to_text(&page).len() <= 2 * page.len() + 1, "{piece}");
    }
}

#[test]
fn previews() {
    let preview = |message: &str, n| Message::parse(message.as_bytes()).preview(n);
    let is = |message: &str, text: &str| assert_eq!(preview(message, 200).as_deref(), Some(text));
    is("\r\nHello,\r\n\r\n  world\t!\r\n", "Hello, world !");
    is("\r\n> quoted\r\nnew\r\n> more\r\n", "new");
    is("\r\n> only\r\n", "> only");
    // HTML alone, padded as newsletters are.
    let padding = "&zwnj;&nbsp;".repeat(150);
    is(
        &format!(
            "Content-Type: text/html\r\n\r\n<style>a</style><div>Sale!</div>{padding}<p>All must go"
        ),
        "Sale! All must go",
    );
    // Of an alternative the text; an empty text says nothing.
    let alternative = |text: &str| {
        format!(
            "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n{text}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html\r\n--b--\r\n"
        )
    };
    is(&alternative("text"), "text");
    assert_eq!(preview(&alternative(" "), 200), None);
    let mixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html\r\n--b--\r\n";
    is(mixed, "html");
    // Nothing that disturbs what it stands among.
    is(
        "Content-Type: text/plain; charset=utf-8\r\n\r\na\u{202e}b\u{2066}\u{1b}[2J\0c\u{200f}\r\n",
        "ab [2J c\u{200f}",
    );
    // Characters, not bytes.
    for n in 0..8 {
        let cut = preview(
            "Content-Type: text/plain; charset=utf-8\r\n\r\nä ö ü\r\n",
            n,
        );
        assert_eq!(
            cut.unwrap_or_default().chars().count(),
            [0, 1, 1, 3, 3, 5, 5, 5][n]
        );
    }
    for none in [
        "\r\n",
        "Content-Type: image/png\r\n\r\nPNG",
        "Content-Type: text/plain; charset=klingon\r\n\r\nx",
        "Content-Type: text/html\r\n\r\n<script>x</script>",
    ] {
        assert_eq!(preview(none, 200), None, "{none}");
    }
}

#[test]
fn all_of_the_text() {
    let message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nOne.\r\n--b\r\nContent-Type: image/png\r\n\r\nPNG\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Two.</p>\r\n--b\r\nContent-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment\r\n\r\nno\r\n--b--\r\n";
    let message = Message::parse(message.as_bytes());
    assert_eq!(message.plain_text().unwrap(), "One.\nTwo.\n");
    let plain = Message::parse(b"\r\nOne.\r\n");
    let text = plain.plain_text().unwrap();
    assert!(matches!(text, std::borrow::Cow::Borrowed("One.\r\n")));
}

/// A line of blanks is a line, also the first.
#[test]
fn a_line_of_blanks_through_html() {
    for text in [" \nA\n", "  \n \nA\n", "a\n \nb\n"] {
        assert_eq!(html::to_text(&html::from_text(text)), text);
    }
}

proptest! {
    /// Text that became HTML reads as the text, but for the spaces at ends of lines.
    #[test]
    fn text_through_html(text in "[ -~äß\n]{0,60}") {
        let text = text.trim_matches('\n').trim_end();
        let there = html::to_text(&html::from_text(text));
        let lines = |text: &str| {
            let lines = text.lines().map(|line| line.trim_end().to_owned());
            lines.collect::<Vec<_>>()
        };
        prop_assert_eq!(lines(&there), lines(text));
    }

    /// A prefix is the start of the text, whatever the encoding and the charset.
    #[test]
    fn prefixes(body in proptest::collection::vec(any::<u8>(), 0..80), n in 0usize..90, kind in 0usize..4) {
        let encoding = ["7bit", "base64", "quoted-printable", "8bit"][kind];
        for charset in ["utf-8", "iso-2022-jp", "utf-16le", "windows-1252"] {
            let mut message = format!("Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n").into_bytes();
            message.extend_from_slice(&body);
            let message = Message::parse(&message);
            let (whole, start) = (message.root().text().unwrap(), message.root().text_prefix(n).unwrap());
            prop_assert!(whole.text.starts_with(&*start.text), "{:?} {:?}", whole.text, start.text);
        }
    }
}
