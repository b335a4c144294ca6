//! How the server starts, and how it refuses to.

mod common;

use std::{fs, process::Output};

use common::{Place, Server, command, have, stored};

fn refused(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 1, "one line: {said}");
    assert!(
        lines[0].starts_with("mail-server: ") && !said.contains("panicked"),
        "{said}"
    );
    said
}

#[test]
fn wrong_options_end_with_64_and_one_line() {
    let place = Place::new();
    for wrong in [
        &["--nonsense"][..],
        &["--smtp", "nowhere"],
        &["--user", "no-colon"],
        &["--domain", "not a domain"],
        &["--dkim-key", "x.pem"],
    ] {
        refused(&command(&place.0, wrong).output().unwrap(), 64);
    }
    assert!(!place.0.exists(), "nothing was made");
}

#[test]
fn an_address_in_use_ends_with_69_and_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Place::new();
    let said = refused(
        &command(&place.0, &["--imap", &address]).output().unwrap(),
        69,
    );
    assert!(said.contains(&address) && said.contains("--imap"), "{said}");
}

#[test]
fn missing_files_end_with_66_and_bad_ones_with_65() {
    let place = Place::new();
    fs::create_dir_all(&place.0).unwrap();
    let (missing, bad) = (place.0.join("none.pem"), place.0.join("bad.pem"));
    fs::write(&bad, "not a key").unwrap();
    let (missing, bad) = (missing.to_str().unwrap(), bad.to_str().unwrap());
    let run = |more: &[&str]| command(&place.0, more).output().unwrap();
    let said = refused(&run(&["--cert", missing, "--key", missing]), 66);
    assert!(said.contains("none.pem"), "{said}");
    refused(&run(&["--cert", bad, "--key", bad]), 65);
    refused(&run(&["--dkim-key", missing, "--dkim-selector", "s1"]), 66);
    refused(&run(&["--dkim-key", bad, "--dkim-selector", "s1"]), 65);
}

#[test]
fn a_directory_serves_one_process_and_a_damaged_file_is_left_alone() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &[]);
    refused(&command(&place.0, &[]).output().unwrap(), 69);
    server.signal("TERM");
    assert!(server.ended().success());

    let file = place.0.join("mail.sqlite");
    let good = fs::read(&file).unwrap();
    let mut other_version = good.clone();
    other_version[60..64].copy_from_slice(&[0, 0, 0, 99]);
    for (bytes, what) in [
        (&b"garbage"[..], "not a file of mail-server"),
        (&good[..good.len() - 4096], "damaged"),
        (&other_version, "format 99"),
    ] {
        fs::write(&file, bytes).unwrap();
        let said = refused(&command(&place.0, &[]).output().unwrap(), 65);
        assert!(said.contains(what), "{said}");
        assert_eq!(fs::read(&file).unwrap(), bytes, "untouched");
    }
    fs::write(&file, &good).unwrap();
    let server = Server::start(&place.0, &[]);
    assert!(server.banner.contains("ann@localhost"), "{}", server.banner);
}

#[test]
fn without_users_demo_is_made_once() {
    let place = Place::new();
    let server = Server::start(&place.0, &[]);
    let password = server
        .banner
        .lines()
        .find_map(|l| l.strip_prefix("user demo, password "));
    assert_eq!(password.unwrap().len(), 29);
    server.kill();
    let server = Server::start(&place.0, &[]);
    assert!(!server.banner.contains("password "), "{}", server.banner);
}

#[test]
#[cfg(unix)]
fn secrets_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let server = Server::with_ann(&place.0, &[]);
    let mode = |name: &str| {
        fs::metadata(place.0.join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("key.pem"), 0o600);
    assert_eq!(mode("mail.sqlite"), 0o600);
    assert_eq!(mode("mail.sqlite-wal"), 0o600);
    assert_eq!(mode(""), 0o700);
    drop(server);
    let file = fs::read(place.0.join("mail.sqlite")).unwrap();
    let password = common::PASSWORD.as_bytes();
    assert!(!file.windows(password.len()).any(|w| w == password));
}

#[test]
fn the_three_commands_of_the_banner_work_as_printed() {
    if !have("curl") || !have("sh") {
        return;
    }
    let place = Place::new();
    let server = Server::start(&place.0, &[]);
    let commands: Vec<_> = server
        .banner
        .lines()
        .filter(|l| l.contains("curl"))
        .collect();
    assert_eq!(commands.len(), 3);
    for line in commands {
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-c", line]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{said}");
        if line.contains("imaps:") {
            let read = String::from_utf8_lossy(&output.stdout);
            assert!(
                read.contains("Subject: note") && read.contains("To myself."),
                "{read}"
            );
        }
    }
    assert_eq!(stored(&place.0).len(), 2);
}
