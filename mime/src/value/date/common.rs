//! The form of dates that every reader knows.

use super::DateTime;
use crate::value::lex::Cursor;

impl DateTime {
    /// Where a date leaves the form that every reader knows: `Fri, 21 Nov 1997 09:55:06
    /// -0600 (CST)`, the day of the week and the comment as they like, the zone by name
    /// perhaps, with spaces and folds between.
    pub(crate) fn uncommon(value: &[u8]) -> Option<usize> {
        let mut walk = Walk(Cursor::new(value));
        match walk.date() {
            Some(()) => None,
            None => Some(walk.0.pos()),
        }
    }
}

struct Walk<'a>(Cursor<'a>);

impl Walk<'_> {
    fn date(&mut self) -> Option<()> {
        self.gap();
        if self.0.peek()?.is_ascii_alphabetic() {
            self.letters(3..=3)?;
            self.byte(b',')?;
            self.space()?;
        }
        self.digits(1..=2)?;
        self.space()?;
        self.letters(3..=3)?;
        self.space()?;
        self.digits(2..=4)?;
        self.space()?;
        self.digits(2..=2)?;
        self.byte(b':')?;
        self.digits(2..=2)?;
        self.byte(b':')?;
        self.digits(2..=2)?;
        self.space()?;
        match self.0.peek()? {
            b'+' | b'-' => {
                self.0.bump();
                self.digits(4..=4)?;
            }
            _ => self.letters(1..=4)?,
        }
        self.0.skip_cfws();
        self.0.peek().is_none().then_some(())
    }

    /// Spaces and folds.
    fn gap(&mut self) -> usize {
        self.0
            .take_while(|b| matches!(b, b' ' | b'\r' | b'\n'))
            .len()
    }

    fn space(&mut self) -> Option<()> {
        (self.gap() > 0).then_some(())
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        self.0.eat(byte).then_some(())
    }

    fn digits(&mut self, count: core::ops::RangeInclusive<usize>) -> Option<()> {
        let digits = self.0.take_while(|b| b.is_ascii_digit());
        count.contains(&digits.len()).then_some(())
    }

    fn letters(&mut self, count: core::ops::RangeInclusive<usize>) -> Option<()> {
        let letters = self.0.take_while(|b| b.is_ascii_alphabetic());
        count.contains(&letters.len()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_that_every_reader_knows() {
        for common in [
            " Fri, 21 Nov 1997 09:55:06 -0600\r\n",
            "21 Nov 1997 09:55:06 -0600 (CST)",
            "Fri, 1 Nov 97\r\n  09:55:06 GMT",
        ] {
            assert_eq!(DateTime::uncommon(common.as_bytes()), None, "{common}");
        }
        for (uncommon, at) in [
            ("Fri,21 Nov 1997 09:55:06 -0600", 4),
            ("Fri, 21 Nov 1997 09:55 -0600", 22),
            ("Fri, 21 Nov 1997 09:55:06\t-0600", 25),
            ("Fri, 21 Nov 1997 09:55:06 (x) -0600", 26),
            ("Fri, 21 Nov 1997 09:55:06 -0600 x", 32),
            ("Friday, 21 Nov 1997 09:55:06 -0600", 6),
        ] {
            assert_eq!(
                DateTime::uncommon(uncommon.as_bytes()),
                Some(at),
                "{uncommon}"
            );
        }
    }
}
