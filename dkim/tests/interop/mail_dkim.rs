//! Mail::DKIM, which does RSA only; DKIM and ARC. Its look-ups are answered here.

use super::*;

/// A record for any name, and what `sign`, `verify`, `seal` and `validate` do; messages in
/// hexadecimal, one a line.
const PROGRAM: &str = r#"
use strict; use warnings;
use Mail::DKIM::Signer; use Mail::DKIM::Verifier;
use Mail::DKIM::ARC::Signer; use Mail::DKIM::ARC::Verifier;
use Net::DNS;
my ($action, $keyfile, $record) = @ARGV;
no warnings 'redefine';
*Mail::DKIM::DNS::query_async = sub {
    my ($name, $type, %prms) = @_;
    my $rr = Net::DNS::RR->new(owner => $name, type => 'TXT', txtdata => [$record =~ /(.{1,255})/gs]);
    my $result = $prms{Callbacks}{Success}->($rr);
    return sub { $result };
};
while (my $line = <STDIN>) {
    chomp $line;
    my $message = pack('H*', $line);
    if ($action eq 'sign') {
        for my $method ('simple/simple', 'simple/relaxed', 'relaxed/simple', 'relaxed/relaxed') {
            my $signer = Mail::DKIM::Signer->new(Algorithm => 'rsa-sha256', Method => $method,
                Domain => 'example.com', Selector => 'sel', KeyFile => $keyfile);
            $signer->PRINT($message); $signer->CLOSE;
            print unpack('H*', $signer->signature->as_string . "\r\n" . $message), "\n";
        }
    } elsif ($action eq 'verify') {
        my $verifier = Mail::DKIM::Verifier->new;
        $verifier->PRINT($message); $verifier->CLOSE;
        print join(' ', map { $_->result } $verifier->signatures), "\n";
    } elsif ($action eq 'seal') {
        my $signer = Mail::DKIM::ARC::Signer->new(Algorithm => 'rsa-sha256', Chain => 'ar',
            Domain => 'example.org', SrvId => 'mx.example.org', Selector => 'sel', KeyFile => $keyfile);
        $signer->PRINT($message); $signer->CLOSE;
        print join("\r\n", $signer->as_strings), "\r\n$message";
    } else {
        my $verifier = Mail::DKIM::ARC::Verifier->new;
        $verifier->PRINT($message); $verifier->CLOSE;
        print $verifier->result, ' ', $verifier->result_detail, "\n";
    }
}
"#;

/// It does not add the line end that a body lacks (RFC 6376 section 3.4.3).
fn whole() -> Vec<String> {
    let whole = messages().into_iter().filter(|m| m.ends_with("\r\n"));
    whole.collect()
}

fn perl(action: &str, input: &[u8]) -> Option<Vec<u8>> {
    let there = is_there(
        "perl with Mail::DKIM",
        "perl",
        &["-MMail::DKIM::ARC::Signer", "-e", "1"],
    );
    let record = rsa_key().record().to_string();
    let mut command = Command::new("perl");
    command.args(["-e", PROGRAM, action, RSA_PEM, &record]);
    there.then(|| run(&mut command, input))
}

/// A set on top of a message, or the status of its chain.
#[cfg(feature = "arc")]
pub(crate) fn arc(action: &str, message: &[u8]) -> Option<Vec<u8>> {
    let action = match action {
        "verify" => "validate",
        other => other,
    };
    perl(action, (hex(message) + "\n").as_bytes())
}

#[test]
fn mail_dkim_verifies() {
    let mut input = String::new();
    let all = whole();
    for message in &all {
        for pair in PAIRS {
            let signed = sign(&signer(rsa_key(), pair), message);
            input += &(hex(&signed) + "\n");
        }
    }
    let Some(out) = perl("verify", input.as_bytes()) else {
        return;
    };
    let out = String::from_utf8(out).unwrap();
    assert_eq!(out.lines().count(), all.len() * 4);
    for (i, line) in out.lines().enumerate() {
        assert_eq!(
            line,
            "pass",
            "message {} {:?} {:?}",
            i / 4,
            PAIRS[i % 4],
            all[i / 4]
        );
    }
    println!(
        "Mail::DKIM verified {} of our signatures",
        out.lines().count()
    );
}

#[test]
fn mail_dkim_signs() {
    let all = whole();
    let input: String = all.iter().map(|m| hex(m.as_bytes()) + "\n").collect();
    let Some(out) = perl("sign", input.as_bytes()) else {
        return;
    };
    let record = rsa_key().record().to_string();
    let out = String::from_utf8(out).unwrap();
    assert_eq!(out.lines().count(), all.len() * 4);
    for (i, line) in out.lines().enumerate() {
        let signed = unhex(line);
        let got = reason(&signed, &record);
        assert_eq!(got, Reason::Verified, "{i}: {}", signed.escape_ascii());
    }
    println!(
        "we verified {} signatures of Mail::DKIM",
        out.lines().count()
    );
}
