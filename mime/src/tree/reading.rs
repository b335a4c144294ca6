//! What a person reads of a message, as plain text.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::message::{Message, Part, Text};
use crate::html::{Preview, to_text};
use crate::{CharsetDecoder, Decoder};

/// How many bytes of a body are looked at for a preview: style sheets in front of the text
/// are long.
const START: usize = 256 << 10;

impl<'a> Message<'a> {
    /// The message as plain text: the parts of [`Bodies::text`](super::Bodies::text) that are
    /// text, one after the other, with HTML [as text](crate::html::to_text). Borrowed where
    /// that is one part and nothing is to decode. `None` where there is no text, for
    /// instance because all is encrypted, or one picture.
    ///
    /// ```
    /// use scop_mime::Message;
    /// let message = Message::parse(b"Content-Type: text/html\r\n\r\n<p>Caf&eacute;<p>At <b>noon</b>?\r\n");
    /// assert_eq!(message.plain_text().unwrap(), "Café\n\nAt noon?\n");
    /// ```
    #[must_use]
    pub fn plain_text(&self) -> Option<Cow<'a, str>> {
        let mut all: Option<Cow<'a, str>> = None;
        for part in self.shown() {
            let Some(text) = part.text() else { continue };
            let text = match part.is_html() {
                true => Cow::Owned(to_text(&text.text)),
                false => text.text,
            };
            all = Some(match all {
                None => text,
                Some(before) => {
                    let mut joined = before.into_owned();
                    if !joined.is_empty() && !joined.ends_with('\n') {
                        joined.push('\n');
                    }
                    joined.push_str(&text);
                    Cow::Owned(joined)
                }
            });
        }
        all
    }

    /// The line that a list of messages shows: the first words of the text, on one line of
    /// `characters` at most (RFC 8970 wants 200, and 256 at most; so does RFC 8621 4.1.4). Lines
    /// that quote another message count only where there are no others; HTML is read as
    /// [text](crate::html::to_text). Controls, characters that turn the direction of text,
    /// and what senders pad with are left out. `None` where there is no text.
    ///
    /// Cost: the parts' headers and 256 KiB of each text, at most, until one says something.
    ///
    /// ```
    /// use scop_mime::Message;
    /// let message = Message::parse(b"Subject: Re: lunch\r\n\r\n> At noon?\r\n\r\nYes,\r\n  see you there.\r\n");
    /// assert_eq!(message.preview(200).unwrap(), "Yes, see you there.");
    /// assert_eq!(message.preview(8).unwrap(), "Yes, see");
    /// ```
    #[must_use]
    pub fn preview(&self, characters: usize) -> Option<String> {
        self.shown().into_iter().find_map(|part| {
            let text = part.text_prefix(START)?.text;
            let mut preview = Preview::new(characters);
            match part.is_html() {
                true => preview.html(&text),
                false => preview.text(&text),
            }
            preview.finish()
        })
    }

    /// What is shown as text; where there is none of it, the HTML that is shown all the same.
    fn shown(&self) -> Vec<Part<'_, 'a>> {
        let mut parts = self.bodies().text;
        if !parts.iter().any(|part| part.charset().is_some()) {
            parts.extend(self.html_body());
        }
        parts
    }
}

impl<'a> Part<'_, 'a> {
    fn is_html(&self) -> bool {
        self.content_type().essence() == "text/html"
    }

    /// The start of its [text](Self::text): what the first `octets` of its body, as stored,
    /// decode to, without a character or a line of base64 that is cut there. Cost: that of
    /// so much, however long the body is.
    ///
    /// ```
    /// use scop_mime::Message;
    /// let message = Message::parse(b"Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nna=C3=AFve and much more");
    /// assert_eq!(message.root().text_prefix(10).unwrap().text, "naïve");
    /// assert_eq!(message.root().text_prefix(7).unwrap().text, "na");
    /// ```
    #[must_use]
    pub fn text_prefix(&self, octets: usize) -> Option<Text<'a>> {
        let body = self.body();
        let Some(start) = body.get(..octets).filter(|start| start.len() < body.len()) else {
            return self.text();
        };
        let charset = self.charset()?;
        let label = charset.as_deref().unwrap_or("us-ascii");
        let mut characters = CharsetDecoder::new(label.as_bytes())?;
        let (mut bytes, mut text) = (Vec::new(), String::new());
        Decoder::new(&self.encoding()).decode(start, &mut bytes);
        characters.decode(&bytes, &mut text);
        let lossy = characters.is_lossy();
        Some(Text {
            text: Cow::Owned(text),
            charset,
            lossy,
        })
    }
}
