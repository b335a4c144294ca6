//! The command codec: what is read, what is refused and how, what is written.

use proptest::prelude::*;
use scop_sasl::Mechanism;
use scop_smtp_proto::*;

fn parse(line: &str) -> Result<Command<'_>, CommandError> {
    Command::parse(line.as_bytes())
}

fn written(command: &Command<'_>) -> String {
    let mut line = Vec::new();
    command.encode(&mut line);
    String::from_utf8(line).unwrap()
}

#[track_caller]
fn refused(line: &[u8]) -> (u16, &'static str) {
    match Command::parse(line) {
        Err(error) => {
            assert!(error.offset <= line.len());
            (error.code(), error.enhanced())
        }
        Ok(command) => panic!("{} is {command:?}", line.escape_ascii()),
    }
}

#[test]
fn what_is_exact_comes_back_as_it_was() {
    for line in [
        "EHLO mail.example.org",
        "EHLO [IPv6:2001:db8::1]",
        "HELO x",
        "LHLO x",
        "MAIL FROM:<>",
        "MAIL FROM:<tim@example.org>",
        "MAIL FROM:<tim@example.org> SIZE=12 BODY=8BITMIME AUTH=<>",
        "MAIL FROM:<> AUTH=e+3Dmc2@example.com",
        "MAIL FROM:<a@b> BODY=7BIT RET=HDRS ENVID=QQ314159",
        r#"RCPT TO:<"two words"@example.org>"#,
        "RCPT TO:<Postmaster>",
        "RCPT TO:<postmaster@[192.0.2.1]> NOTIFY=NEVER X-FLAG",
        "DATA",
        "RSET",
        "NOOP",
        "NOOP is this on",
        "VRFY tim",
        "EXPN list",
        "HELP",
        "HELP MAIL",
        "QUIT",
        "STARTTLS",
        "AUTH PLAIN",
        "AUTH PLAIN =",
        "AUTH SCRAM-SHA-256 biwsbj11",
        "XCLIENT NAME=x",
        "BDAT 1 LAST",
        "X",
        "",
    ] {
        let command = parse(line).unwrap();
        assert_eq!(written(&command), format!("{line}\r\n"));
    }
}

#[test]
fn what_clients_really_send_is_understood() {
    for (line, exact) in [
        ("mail from:<a@b>  size=1  ", "MAIL FROM:<a@b> SIZE=1"),
        ("MAIL FROM: <a@b>", "MAIL FROM:<a@b>"),
        ("Mail From:a@b SIZE=7", "MAIL FROM:<a@b> SIZE=7"),
        ("RCPT TO:<@one.example,@two.example:a@b>", "RCPT TO:<a@b>"),
        ("rcpt to: \"a\"@b", "RCPT TO:<a@b>"),
        ("RCPT TO:<POSTMASTER>", "RCPT TO:<Postmaster>"),
        (
            "RCPT TO:<a..b.@docomo.example>",
            "RCPT TO:<\"a..b.\"@docomo.example>",
        ),
        ("ehlo my_pc", "EHLO my_pc"),
        ("data ", "DATA"),
        ("starttls ", "STARTTLS"),
        ("auth plain  AHRpbQBwYXNz", "AUTH plain AHRpbQBwYXNz"),
        ("noop  x ", "NOOP x"),
    ] {
        assert_eq!(
            written(&parse(line).unwrap()),
            format!("{exact}\r\n"),
            "{line}"
        );
    }
}

#[test]
fn each_fault_has_its_code() {
    for (line, code, enhanced) in [
        ("EHLO", 501, "5.5.4"),
        ("HELO  ", 501, "5.5.4"),
        ("MAIL", 501, "5.5.4"),
        ("MAIL TO:<a@b>", 501, "5.5.4"),
        ("MAIL FROM:", 501, "5.1.7"),
        ("MAIL FROM:<a@b", 501, "5.1.7"),
        ("MAIL FROM:<a@b>X=1", 501, "5.5.4"),
        ("MAIL FROM:<a b@c>", 501, "5.1.7"),
        ("MAIL FROM:<@a,b:c@d>", 501, "5.1.7"),
        ("RCPT TO:<>", 501, "5.1.3"),
        ("RCPT TO:<a>", 501, "5.1.3"),
        ("RCPT TO:a@b>", 501, "5.1.3"),
        ("RCPT TO:<a@b> =x", 501, "5.5.4"),
        ("RCPT TO:<a@b> X=1 x=2", 501, "5.5.4"),
        ("DATA now", 501, "5.5.4"),
        ("RSET it", 501, "5.5.4"),
        ("QUIT x", 501, "5.5.4"),
        ("STARTTLS x", 501, "5.5.4"),
        ("VRFY", 501, "5.5.4"),
        ("EXPN ", 501, "5.5.4"),
        ("AUTH", 501, "5.5.4"),
        ("AUTH PLAIN a b", 501, "5.5.4"),
        ("AUTH PL/AIN", 501, "5.5.4"),
        ("NOOP\tx", 500, "5.5.2"),
        ("NOOP\0", 500, "5.5.2"),
        ("NO\rOP", 500, "5.5.2"),
        ("NOOP\n", 500, "5.5.2"),
        ("NOOP ü", 500, "5.5.2"),
    ] {
        assert_eq!(refused(line.as_bytes()), (code, enhanced), "{line:?}");
    }
}

#[test]
fn ss32_parameters_that_go_too_far() {
    let wrong = (501, "5.5.4");
    for parameters in [
        "SIZE=",
        "SIZE",
        "SIZE=-1",
        "SIZE=1x",
        "SIZE=123456789012345678901",
        "SIZE=1 SIZE=1",
        "BODY=BINARYMIME", // not offered
        "BODY=7BIT body=7BIT",
        "AUTH=\"unterminated",
        "AUTH=+",
        "AUTH=x",
        "AUTH=<> AUTH=<>",
        "X=\"unterminated X=2",
        "X=",
        "X=a=b",
    ] {
        let line = format!("MAIL FROM:<a@b> {parameters}");
        assert_eq!(refused(line.as_bytes()), wrong, "{line}");
    }
    let Ok(Command::Mail(huge)) = parse("MAIL FROM:<a@b> SIZE=99999999999999999999") else {
        panic!("20 digits are allowed");
    };
    assert_eq!(huge.size, Some(u64::MAX));
    let many: String = (0..33).map(|n| format!(" X{n}")).collect();
    assert_eq!(refused(format!("MAIL FROM:<a@b>{many}").as_bytes()), wrong);
}

#[test]
fn ss33_addresses_that_are_none() {
    assert_eq!(refused(b"RCPT TO:<\"\"@x>"), (501, "5.1.3"));
    assert_eq!(refused("RCPT TO:<ü@x>".as_bytes()), (553, "5.6.7"));
    assert_eq!(
        refused("MAIL FROM:<x@ü.example>".as_bytes()),
        (553, "5.6.7")
    );
    // UTF-8 cut in the middle of a character.
    assert_eq!(refused(b"RCPT TO:<\xc3@x>"), (553, "5.6.7"));
    assert_eq!(refused(b"RCPT TO:<x@y\xe2\x82>"), (553, "5.6.7"));
}

#[test]
fn errors_say_where_and_what() {
    let error = parse("MAIL FROM:<a@b> SIZE=1 BODY=9BIT").unwrap_err();
    assert_eq!(error.offset, 23);
    assert_eq!(error.to_string(), "BODY is 7BIT or 8BITMIME");
    let error = parse("RCPT TO:<a@b c>").unwrap_err();
    assert_eq!(error.to_string(), "bad address in the recipient's address");
    assert_eq!(parse("NO\0OP").unwrap_err().offset, 2);
    assert_eq!(
        parse("DATA x").unwrap_err().to_string(),
        "the form is DATA, alone"
    );
}

#[test]
fn sc01_sc02_what_would_break_framing_cannot_be_built() {
    for bad in ["x\r\nDATA", "x\n", "\0", "", " x", "x ", "ü"] {
        assert_eq!(Argument::new(bad), None, "{bad:?}");
    }
    assert!("x@y>\r\nDATA\r\n".parse::<Mailbox<'_>>().is_err());
    assert!(ClientName::new("x\r\nMAIL FROM:<>").is_err());
    assert!(Parameters::default().push("X", Some("1\r\nDATA")).is_err());
}

#[test]
fn secrets_are_written_but_not_shown() {
    let auth = Auth::new(Mechanism::Plain, Some(b"\0tim\0secret"));
    assert_eq!(
        written(&Command::Auth(auth.clone())),
        "AUTH PLAIN AHRpbQBzZWNyZXQ=\r\n"
    );
    assert!(!format!("{auth:?}").contains("AHRp"));
    let read = parse("AUTH PLAIN AHRpbQBzZWNyZXQ=").unwrap();
    assert!(!format!("{read:?}").contains("AHRp"));
    let empty = Auth::new(Mechanism::Plain, Some(b""));
    assert_eq!(empty.initial(), Some(&b"="[..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is read is written as one line that reads the same.
    #[test]
    fn a_command_comes_back_from_its_line(
        verb in "(EHLO|helo|MAIL FROM:|mail from: |RCPT TO:|NOOP|VRFY|AUTH|DATA|STARTTLS|[A-Z]{1,9})",
        rest in "[ -~]{0,40}|(<|)[a-z.\"\\\\@]{0,12}@[a-z.\\[\\]:0-9]{0,9}(>|)( [A-Z]{1,4}=[!-~]{0,9}){0,3}",
    ) {
        let line = format!("{verb}{rest}");
        if let Ok(command) = parse(&line) {
            let text = written(&command);
            prop_assert_eq!(text.bytes().filter(|b| b.is_ascii_control()).count(), 2);
            let exact = text.strip_suffix("\r\n").unwrap();
            prop_assert_eq!(&written(&parse(exact).unwrap()), &text);
        }
    }

    /// What is no printable ASCII gets through nowhere, and nothing panics.
    #[test]
    fn only_printable_lines_are_commands(
        head in "(MAIL FROM:|RCPT TO:|MAIL |EHLO |AUTH |)(<[a-z]|<\"[a-z]|)",
        middle in prop::collection::vec(any::<u8>(), 0..3),
        tail in "([a-z]\"|)(@[a-z]|@\\[x:[a-z]\\]|)>?( [A-Z]{1,4}(=[!-~]{0,4})?){0,2}",
        more in prop::collection::vec(any::<u8>(), 0..2),
    ) {
        let line = [head.as_bytes(), &middle, tail.as_bytes(), &more].concat();
        let printable = line.iter().all(|b| matches!(b, 32..=126));
        prop_assert!(printable || Command::parse(&line).is_err());
    }
}
