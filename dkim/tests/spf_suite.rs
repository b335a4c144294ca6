//! The public SPF suite (`rfc7208-tests.yml`, openspf.org, release 2014.04), read from
//! `../shared/corpus/auth`.

use std::net::IpAddr;
use std::path::Path;

use scop_dkim::spf::{Check, SpfResult};
use scop_dkim::{DnsError, Query, RecordKind, Records};
use yaml_rust2::{Yaml, YamlLoader};

/// The records of a scenario.
struct Zone(Vec<(String, Vec<Yaml>)>);

/// Text in the suite has its bytes as characters.
fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

impl Zone {
    fn new(data: &Yaml) -> Self {
        let name = |key: &Yaml| key.as_str().unwrap().to_ascii_lowercase();
        let zone = data.as_hash().unwrap().iter();
        Zone(
            zone.map(|(k, v)| (name(k), v.as_vec().unwrap().clone()))
                .collect(),
        )
    }

    /// What is at a name, `CNAME`s followed.
    fn records(&self, name: &str) -> Result<&[Yaml], DnsError> {
        let mut name = name.trim_end_matches('.').to_ascii_lowercase();
        for _ in 0..8 {
            let found = self.0.iter().find(|(n, _)| *n == name);
            let (_, records) = found.ok_or(DnsError::NotFound)?;
            match records.iter().find_map(|r| r["CNAME"].as_str()) {
                Some(next) => name = next.trim_end_matches('.').to_ascii_lowercase(),
                None => return Ok(records),
            }
        }
        Err(DnsError::Temporary)
    }

    /// Values of one type at a name. `TIMEOUT` is for what does not come before it.
    fn values(&self, name: &str, kind: &str) -> Result<Vec<&Yaml>, DnsError> {
        let mut found = Vec::new();
        for record in self.records(name)? {
            if record.as_str() == Some("TIMEOUT") && found.is_empty() {
                return Err(DnsError::Temporary);
            }
            let value = &record[kind];
            if !value.is_badvalue() && value.as_str() != Some("NONE") {
                found.push(value);
            }
        }
        Ok(found)
    }

    fn answer(&self, query: &Query) -> Result<Records, DnsError> {
        let name = &*query.name;
        let text = |yaml: &Yaml| match yaml {
            Yaml::String(text) => bytes(text),
            Yaml::Array(parts) => parts
                .iter()
                .flat_map(|p| bytes(p.as_str().unwrap()))
                .collect(),
            other => panic!("{name}: {other:?}"),
        };
        let address = |yaml: &Yaml| yaml.as_str().unwrap().to_owned();
        Ok(match query.kind {
            RecordKind::Txt => {
                // What is given as SPF is at TXT, too, unless TXT is given, if only as `NONE`.
                let given = |record: &Yaml| !record["TXT"].is_badvalue();
                let is_given = self.records(name)?.iter().any(given);
                let kind = if is_given { "TXT" } else { "SPF" };
                let records = self.values(name, kind)?;
                Records::txt(records.into_iter().map(text))
            }
            RecordKind::A => Records::A(
                self.values(name, "A")?
                    .into_iter()
                    .map(|a| address(a).parse().unwrap())
                    .collect(),
            ),
            RecordKind::Aaaa => Records::Aaaa(
                self.values(name, "AAAA")?
                    .into_iter()
                    .map(|a| address(a).parse().unwrap())
                    .collect(),
            ),
            RecordKind::Mx => Records::Mx(
                self.values(name, "MX")?
                    .into_iter()
                    .map(|mx| (mx[0].as_i64().unwrap() as u16, address(&mx[1])))
                    .collect(),
            ),
            _ => Records::Ptr(self.values(name, "PTR")?.into_iter().map(address).collect()),
        })
    }
}

/// Runs a check; `backwards` answers the last question first.
fn run(mut check: Check, zone: &Zone, backwards: bool) -> (SpfResult, Option<String>, String) {
    let mut open = Vec::new();
    loop {
        while let Some(query) = check.next_query() {
            open.push(query);
            if !backwards {
                break;
            }
        }
        let Some(query) = open.pop() else { break };
        check.answer(query.id, zone.answer(&query)).unwrap();
    }
    let verdict = check.verdict().expect("no verdict");
    (
        verdict.result,
        verdict.explanation.clone(),
        verdict.to_string(),
    )
}

#[test]
fn the_suite_of_rfc_7208() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/auth/rfc7208-tests.yml");
    let Ok(suite) = std::fs::read_to_string(&path) else {
        println!("skipped: the suite is not there");
        return;
    };
    let mut cases = 0;
    let mut wrong = Vec::new();
    for scenario in YamlLoader::load_from_str(&suite).unwrap() {
        let zone = Zone::new(&scenario["zonedata"]);
        for (name, case) in scenario["tests"].as_hash().unwrap() {
            let text = |key: &str| case[key].as_str().map(str::to_owned);
            let ip: IpAddr = text("host").unwrap().parse().unwrap();
            let (helo, from) = (text("helo").unwrap(), text("mailfrom").unwrap());
            let wanted: Vec<&str> = match &case["result"] {
                Yaml::Array(several) => several.iter().filter_map(Yaml::as_str).collect(),
                one => one.as_str().into_iter().collect(),
            };
            for backwards in [false, true] {
                cases += 1;
                let check = Check::mail_from(ip, &from, &helo).with_receiver("receiver.test", 1);
                let (result, explanation, why) = run(check, &zone, backwards);
                // `DEFAULT` stands for none that the domain gave.
                let explained = text("explanation")
                    .is_none_or(|e| Some(e).filter(|e| e != "DEFAULT") == explanation);
                if !wanted.contains(&result.to_string().as_str()) || !explained {
                    let name = name.as_str().unwrap();
                    wrong.push(format!("{name}: {why} {explanation:?}, not {wanted:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases >= 300, "only {cases} cases were found");
    println!("{cases} runs");
}
