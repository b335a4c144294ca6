//! `scop mime --strict` and `--sanitise`.

use std::fmt::Write as _;

use scop_mime::{Defect, DefectClass, DefectKind, DefectSet, Limits, Policy, Refused};

use crate::{
    exit::{Failure, code},
    input::print,
};

/// A policy at work.
pub(super) struct Gate {
    gate: scop_mime::Gate,
    /// What came out of it is wanted.
    sanitises: bool,
    /// Which message of an mbox it is.
    number: Option<u64>,
    out: Vec<u8>,
}

impl Gate {
    pub(super) fn new(sanitises: bool, refuse: Option<DefectSet>, number: Option<u64>) -> Gate {
        let policy = match sanitises {
            true => Policy::sanitise(),
            false => Policy::lenient(),
        };
        let policy = policy.refusing(refuse.unwrap_or(DefectSet::none()));
        Gate {
            gate: policy.gate(&Limits::default()),
            sanitises,
            number,
            out: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let done = self.gate.write(piece, &mut self.out);
        self.pass()?;
        done.map_err(|e| refused(self.number, &e))
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let report = self.gate.finish(&mut self.out);
        let report = report.map_err(|e| refused(self.number, &e))?;
        if !self.sanitises {
            return Ok(());
        }
        print(&self.out)?;
        let mut told = String::new();
        for defect in report.defects() {
            let _ = writeln!(told, "{}", described(defect));
        }
        if report.more() > 0 {
            let _ = writeln!(told, "and {} more", report.more());
        }
        eprint!("{told}");
        Ok(())
    }

    fn pass(&mut self) -> Result<(), Failure> {
        if self.sanitises && !self.out.is_empty() {
            print(&self.out)?;
        }
        self.out.clear();
        Ok(())
    }
}

/// A message that is not as it is wanted.
fn refused(number: Option<u64>, refused: &Refused) -> Failure {
    match number {
        Some(number) => Failure::new(code::DEFECT, format_args!("message {number}: {refused}")),
        None => Failure::new(code::DEFECT, refused),
    }
}

/// A defect, for people: where, what, how bad, by which rule, and the reading chosen.
pub(super) fn described(defect: &Defect) -> String {
    let kind = defect.kind;
    let (class, rule, summary) = (kind.class(), kind.rule(), kind.summary());
    format!("at {}: {kind} ({class}, {rule}): {summary}", defect.offset)
}

/// The kinds that are named, by themselves or by class.
pub(super) fn kinds(names: &str) -> Result<DefectSet, String> {
    use DefectClass::{Ambiguity, Damage, Deception, Deviation, Limit};
    let mut set = DefectSet::none();
    for name in names.split(',').map(str::trim).filter(|n| !n.is_empty()) {
        let classes = [Damage, Ambiguity, Limit, Deviation, Deception];
        let class = classes.into_iter().find(|class| class.as_str() == name);
        let kind = DefectKind::ALL.iter().find(|kind| kind.as_str() == name);
        set = match (class, kind) {
            _ if name == "all" => DefectSet::all(),
            (Some(class), _) => set.union(DefectSet::of(class)),
            (None, Some(kind)) => set.with(*kind),
            (None, None) => return Err(format!("there is no kind or class {name:?}")),
        };
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_classes_have_names() {
        let set = kinds("limit, duplicate-field").unwrap();
        assert!(set.contains(DefectKind::TooDeep) && set.contains(DefectKind::DuplicateField));
        assert!(!set.contains(DefectKind::NotAField));
        assert_eq!(kinds("all").unwrap(), DefectSet::all());
        assert!(kinds("nonsense").unwrap_err().contains("nonsense"));
    }
}
