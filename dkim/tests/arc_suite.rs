//! The public ARC validation suite (`arc-validation-tests.yml`, draft 12 to 16 of what
//! became RFC 8617), read from `../shared/corpus/auth`.
#![cfg(feature = "arc")]

use std::path::Path;

use scop_dkim::arc::Validator;
use scop_dkim::{DnsError, Limits, Policy, Records};
use yaml_rust2::{Yaml, YamlLoader};

fn chain(message: &[u8], chunk: usize, records: &Yaml) -> scop_dkim::arc::Chain {
    // Between the times of the suite's signatures.
    let mut validator = Validator::new(Policy::default(), Limits::default(), 1_700_000_000);
    for part in message.chunks(chunk) {
        validator.write(part).unwrap();
    }
    let mut validation = validator.finish();
    while let Some(query) = validation.next_query() {
        let answer = match records[&*query.name].as_str() {
            Some(text) => Ok(Records::txt([text])),
            None => Err(DnsError::NotFound),
        };
        validation.answer(query.id, answer).unwrap();
    }
    validation.chain().expect("no verdict").clone()
}

#[test]
fn the_arc_suite() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/corpus/auth/arc-validation-tests.yml");
    let Ok(suite) = std::fs::read_to_string(&path) else {
        println!("skipped: the suite is not there");
        return;
    };
    // Some names are there twice, which YAML does not allow.
    let mut names = std::collections::BTreeSet::new();
    let mut unique = String::new();
    for (number, line) in suite.lines().enumerate() {
        let name = line.strip_prefix("  ").and_then(|l| l.strip_suffix(':'));
        let is_name = name.is_some_and(|n| {
            !n.is_empty() && n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        match is_name && !names.insert(line) {
            true => unique += &format!("{}_{number}:\n", line.trim_end_matches(':')),
            false => unique += &format!("{line}\n"),
        }
    }
    let (mut cases, mut open) = (0, 0);
    let mut wrong = Vec::new();
    for scenario in YamlLoader::load_from_str(&unique).unwrap() {
        for (name, case) in scenario["tests"].as_hash().unwrap() {
            let name = name.as_str().unwrap();
            let wanted = case["cv"]
                .as_str()
                .unwrap_or_default()
                .trim()
                .to_lowercase();
            // The suite leaves some open.
            if wanted.is_empty() {
                open += 1;
                continue;
            }
            let message = case["message"].as_str().unwrap().replace('\n', "\r\n");
            let found = [usize::MAX, 1, 7].map(|chunk| {
                chain(
                    message.as_bytes(),
                    chunk.min(message.len().max(1)),
                    &scenario["txt-records"],
                )
            });
            cases += 1;
            for chain in found {
                if chain.status.to_string() != wanted {
                    wrong.push(format!(
                        "{name}: {chain}, not {wanted} ({})",
                        case["description"].as_str().unwrap_or_default()
                    ));
                    break;
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {cases}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(cases >= 160, "only {cases} cases were found");
    println!("{cases} cases, {open} that the suite leaves open");
}
