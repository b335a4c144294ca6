//! Groups of fields, apart by blank lines (RFC 3464 2.1), read and written.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::line::{OtherField, Typed};
use crate::value::lex::{raw_text, unfold};
use crate::{Defect, DefectKind};

/// Fields of one report; many recipients have ten each.
const FIELDS: usize = 100_000;

/// A field as it is read.
#[derive(Clone, Debug)]
pub(super) struct RawField<'a> {
    pub(super) name: &'a str,
    /// On one line.
    pub(super) value: Cow<'a, str>,
    /// Where it begins.
    pub(super) offset: u64,
}

impl RawField<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(super) fn other(&self) -> OtherField {
        OtherField::read(self.name, &self.value)
    }
}

/// A report, or a recipient of one: fields by their names.
pub(super) trait Fields {
    /// Puts the value of a field in its place, or says what is wrong with it; `None` for a
    /// name that it does not have.
    fn place(
        &mut self,
        field: &RawField<'_>,
        defects: &mut Vec<Defect>,
    ) -> Option<Result<(), DefectKind>>;

    /// Where fields go that have no place.
    fn others(&mut self) -> &mut Vec<OtherField>;

    /// Takes the field if it has a place for it; one that is wrong is kept among the others.
    fn take(&mut self, field: &RawField<'_>, defects: &mut Vec<Defect>) -> Option<()> {
        if let Err(kind) = self.place(field, defects)? {
            note(defects, kind, field.offset);
            self.others().push(field.other());
        }
        Some(())
    }

    /// Takes all fields of a body, which is one group by the rule.
    fn take_all(&mut self, body: &[u8]) -> Vec<Defect> {
        let mut defects = Vec::new();
        for (number, group) in read(body, &mut defects).iter().enumerate() {
            if let (1, Some(first)) = (number, group.first()) {
                note(&mut defects, DefectKind::BadReportGroup, first.offset);
            }
            for field in group {
                if self.take(field, &mut defects).is_none() {
                    self.others().push(field.other());
                }
            }
        }
        defects
    }
}

/// Sets a place that is free: what is wrong where it is not, or where there is no value.
pub(super) fn set<T>(slot: &mut Option<T>, value: Option<T>) -> Result<(), DefectKind> {
    match (slot.is_some(), value) {
        (true, _) => Err(DefectKind::DuplicateReportField),
        (false, None) => Err(DefectKind::BadReportField),
        (false, value) => {
            *slot = value;
            Ok(())
        }
    }
}

/// The same for a value with a type, which real mail may lack.
pub(super) fn set_typed(
    slot: &mut Option<Typed>,
    field: &RawField<'_>,
    usual: &str,
    defects: &mut Vec<Defect>,
) -> Result<(), DefectKind> {
    let (typed, said) = Typed::read(&field.value, usual);
    if !said {
        note(defects, DefectKind::MissingReportType, field.offset);
    }
    set(slot, Some(typed))
}

/// The groups of `body`; none of them is empty. Lines that are no fields are left out.
pub(super) fn read<'a>(body: &'a [u8], defects: &mut Vec<Defect>) -> Vec<Vec<RawField<'a>>> {
    let mut groups: Vec<Vec<RawField<'a>>> = Vec::new();
    let (mut at, mut count, mut apart) = (0, 0, true);
    while let Some(rest) = body.get(at..).filter(|r| !r.is_empty()) {
        let length = field_length(rest);
        let raw = rest.get(..length).unwrap_or(rest);
        let offset = at as u64;
        at += length;
        if is_blank(raw) {
            apart = true;
            continue;
        }
        let Some((name, value)) = split(raw) else {
            note(defects, DefectKind::NotAField, offset);
            continue;
        };
        if count == FIELDS {
            note(defects, DefectKind::TooManyFields, offset);
            break;
        }
        count += 1;
        let value = match unfold(value) {
            Cow::Borrowed(value) => raw_text(value),
            Cow::Owned(value) => Cow::Owned(raw_text(&value).into_owned()),
        };
        let field = RawField {
            name,
            value,
            offset,
        };
        match groups.last_mut() {
            Some(group) if !apart => group.push(field),
            _ => groups.push(alloc::vec![field]),
        }
        apart = false;
    }
    groups
}

/// The first of each kind is enough where every line may be wrong.
pub(super) fn note(defects: &mut Vec<Defect>, kind: DefectKind, offset: u64) {
    if defects.len() < 100 {
        defects.push(Defect::new(kind, offset));
    }
}

/// A line with those that continue it. A line of white space is blank here, where
/// nobody would continue a field with it.
fn field_length(rest: &[u8]) -> usize {
    let mut end = 0;
    for lf in memchr::memchr_iter(b'\n', rest) {
        let line = rest.get(end..lf).unwrap_or_default();
        let blank = is_blank(line);
        if blank && end > 0 {
            return end;
        }
        end = lf + 1;
        if blank || !matches!(rest.get(end), Some(b' ' | b'\t')) {
            return end;
        }
    }
    let blank = rest.get(end..).is_some_and(is_blank);
    match blank && end > 0 {
        true => end,
        false => rest.len(),
    }
}

/// Whether nothing is in a line but white space as RFC 5322 knows it: a form feed is text, and
/// stands in lines that fold.
fn is_blank(line: &[u8]) -> bool {
    let is_white = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    line.iter().all(is_white)
}

fn split(raw: &[u8]) -> Option<(&str, &[u8])> {
    let colon = memchr::memchr(b':', raw)?;
    let name = raw.get(..colon)?.trim_ascii_end();
    let good = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    let name = core::str::from_utf8(name).ok().filter(|_| good)?;
    Some((name, raw.get(colon + 1..)?))
}

/// Lines are folded to this length where they can be.
const LINE: usize = 78;
/// A word that is longer is cut: a line has 998 bytes at most.
const WORD: usize = 900;

/// Writes fields.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: String,
}

impl Writer {
    pub(super) fn field(&mut self, name: &str, value: &impl ToString) {
        let value = value.to_string();
        self.out.push_str(name);
        self.out.push(':');
        let mut column = name.len() + 1;
        let mut rest = value.as_str();
        let mut space = " ";
        while !rest.is_empty() {
            let end = rest.find([' ', '\t']).unwrap_or(rest.len());
            let mut cut = end.min(WORD);
            while !rest.is_char_boundary(cut) {
                cut -= 1;
            }
            let (word, behind) = rest.split_at(cut);
            // A fold right behind the name would look odd.
            if column + space.len() + word.len() > LINE && column > name.len() + 1 {
                self.out.push_str("\r\n");
                column = 0;
            }
            self.out.push_str(space);
            self.out.push_str(word);
            column += space.len() + word.len();
            let width = behind.len() - behind.trim_start_matches([' ', '\t']).len();
            // White space without end is not kept: it would be a line of nothing.
            space = behind.get(..width.min(LINE)).unwrap_or_default();
            if space.is_empty() {
                space = " ";
            }
            rest = behind.get(width..).unwrap_or_default();
        }
        self.out.push_str("\r\n");
    }

    pub(super) fn optional(&mut self, name: &str, value: Option<&impl ToString>) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    pub(super) fn others(&mut self, others: &[OtherField]) {
        for field in others {
            self.field(field.name(), &field.value());
        }
    }

    /// Ends a group.
    pub(super) fn blank(&mut self) {
        self.out.push_str("\r\n");
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn shape(body: &str) -> (Vec<Vec<String>>, Vec<DefectKind>) {
        let mut defects = Vec::new();
        let groups = read(body.as_bytes(), &mut defects);
        let group = |g: Vec<RawField<'_>>| {
            let field = |f: RawField<'_>| alloc::format!("{}={}", f.name, f.value);
            g.into_iter().map(field).collect()
        };
        let kinds = defects.iter().map(|d| d.kind).collect();
        (groups.into_iter().map(group).collect(), kinds)
    }

    #[test]
    fn groups_are_apart_by_blank_lines() {
        let (groups, defects) =
            shape("\r\n\nA: 1\r\n  2\r\nB:\r\n \t\r\n\r\nC : x\n\nno field\nD: y");
        assert_eq!(groups, [vec!["A=1  2", "B="], vec!["C=x"], vec!["D=y"]]);
        assert_eq!(defects, [DefectKind::NotAField]);
        assert_eq!(shape("").0, Vec::<Vec<String>>::new());
        assert_eq!(shape("A: 1\n ").0, [["A=1"]]);
        assert_eq!(shape("A: 1\n\t\u{c}\nB: 2").0, [["A=1\t\u{c}", "B=2"]]);
    }

    /// Found by fuzzing: a line of what is white space to others was blank when it came back.
    #[test]
    fn no_fold_parts_a_group() {
        for white in ["\t", "\u{c}", " \u{c}", "\t\u{c}", " "] {
            let mut writer = Writer::default();
            writer.field(
                "A",
                &["x".repeat(60), white.repeat(200), "y".into()].concat(),
            );
            writer.field(
                "B",
                &["x".repeat(60), "\t".repeat(30), white.repeat(200)].concat(),
            );
            writer.field("C", &"1");
            assert_eq!(
                read(writer.finish().as_bytes(), &mut Vec::new()).len(),
                1,
                "{white:?}"
            );
        }
    }

    #[test]
    fn long_values_are_folded_and_come_back() {
        let mut writer = Writer::default();
        let value = "word ".repeat(100) + &"x".repeat(3000) + "  two";
        writer.field("A", &value);
        writer.field("B", &"");
        let out = writer.finish();
        assert!(out.split("\r\n").all(|line| line.len() <= 998));
        assert!(out.starts_with("A: word word"));
        let mut defects = Vec::new();
        let groups = read(out.as_bytes(), &mut defects);
        // A word that no line can hold gets spaces.
        let read: String = groups[0][0].value.split(' ').collect();
        assert_eq!(read, value.split(' ').collect::<String>());
        assert!(groups[0][0].value.ends_with("xx  two"));
    }
}
