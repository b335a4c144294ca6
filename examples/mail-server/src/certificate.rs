//! The server's certificate: given, or made once and kept in the data directory.

use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};

use crate::exit::{Failure, SOFTWARE};

/// How long a generated certificate holds.
const VALID: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A certificate chain and its key, PEM, and where they lie.
pub(crate) struct Certificate {
    pub(crate) chain_file: PathBuf,
    pub(crate) key_file: PathBuf,
    pub(crate) chain: Vec<u8>,
    pub(crate) key: Vec<u8>,
    /// Nobody but this server vouches for it: clients must be told to trust it.
    pub(crate) self_signed: bool,
}

/// Reads `given`, or `cert.pem` and `key.pem` in `data`, which are made when both
/// are missing.
pub(crate) fn load(
    data: &Path,
    domain: &str,
    given: Option<(PathBuf, PathBuf)>,
) -> Result<Certificate, Failure> {
    let self_signed = given.is_none();
    let (chain_file, key_file) =
        given.unwrap_or_else(|| (data.join("cert.pem"), data.join("key.pem")));
    if self_signed && !chain_file.exists() && !key_file.exists() {
        let (chain, key) = make(domain)
            .map_err(|e| Failure::new(SOFTWARE, format!("cannot make a certificate: {e}")))?;
        // The key first: a start that was cut off in between is told apart.
        write(&key_file, &key, true).map_err(|e| Failure::file(&key_file, &e))?;
        write(&chain_file, &chain, false).map_err(|e| Failure::file(&chain_file, &e))?;
    }
    let read = |file: &Path| {
        fs::read(file).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound if self_signed => Failure::new(
                crate::exit::NO_INPUT,
                format!(
                    "{} is missing; put it back, or remove {} too and a new pair is made",
                    file.display(),
                    if file == chain_file {
                        &key_file
                    } else {
                        &chain_file
                    }
                    .display()
                ),
            ),
            _ => Failure::file(file, &e),
        })
    };
    Ok(Certificate {
        chain: read(&chain_file)?,
        key: read(&key_file)?,
        chain_file,
        key_file,
        self_signed,
    })
}

fn make(domain: &str) -> Result<(String, String), rcgen::Error> {
    let mut names = vec!["localhost".to_owned()];
    if domain != "localhost" {
        names.push(domain.to_owned());
    }
    let mut params = CertificateParams::new(names)?;
    let addresses = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let addresses = addresses.into_iter().map(SanType::IpAddress);
    params.subject_alt_names.extend(addresses);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, domain);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    // A day of grace for clocks that are behind.
    let from = now.saturating_sub(Duration::from_secs(86_400));
    params.not_before = date_time_ymd(1970, 1, 1) + Duration::from_secs(from.as_secs());
    params.not_after = params.not_before + VALID;
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// Writes a file beside its place and moves it there, so that it is whole or absent.
fn write(file: &Path, text: &str, secret: bool) -> io::Result<()> {
    let new = file.with_extension("new");
    match fs::remove_file(&new) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = secret;
    let mut out = options.open(&new)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_half_of_it_is_not_taken_for_none() {
        let data = std::env::temp_dir().join(format!("scop-certificate-{}", std::process::id()));
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(&data).unwrap();
        let made = load(&data, "mail.example.org", None).unwrap();
        let again = load(&data, "mail.example.org", None).unwrap();
        assert!(made.self_signed && made.chain == again.chain && made.key == again.key);
        assert!(made.chain.starts_with(b"-----BEGIN CERTIFICATE-----"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&made.key_file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::remove_file(&made.key_file).unwrap();
        let failure = load(&data, "mail.example.org", None).err().unwrap();
        assert_eq!(failure.code, crate::exit::NO_INPUT);
        assert!(
            failure.message.contains("cert.pem too"),
            "{}",
            failure.message
        );
        let missing = Some((data.join("no.pem"), data.join("no.key")));
        assert_eq!(
            load(&data, "x", missing).err().unwrap().code,
            crate::exit::NO_INPUT
        );
        fs::remove_dir_all(&data).unwrap();
    }
}
