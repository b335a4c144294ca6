//! Certificates made on the spot.

use std::{sync::LazyLock, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ED25519,
};
use scop_tls_adapters::{ClientConfig, Identity, Roots, ServerConfig, WallClock};

/// Some day in 2026.
pub const TODAY: u64 = 1_780_000_000;

pub fn clock() -> WallClock {
    WallClock::new(|| Some(Duration::from_secs(TODAY)))
}

/// Ed25519: its signatures are the same each time.
pub fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ED25519).unwrap()
}

pub struct Authority(pub CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        Authority(CertifiedIssuer::self_signed(authority(name), key()).unwrap())
    }

    pub fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    pub fn sign(&self, params: CertificateParams) -> Leaf {
        let key = key();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Leaf {
            chain: vec![certificate.der().to_vec()],
            key: key.serialize_der(),
        }
    }
}

pub fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params
}

pub struct Leaf {
    pub chain: Vec<Vec<u8>>,
    pub key: Vec<u8>,
}

impl Leaf {
    pub fn identity(&self) -> Identity {
        Identity::from_der(self.chain.clone(), self.key.clone()).unwrap()
    }
}

/// What a good certificate for `name` says.
pub fn good(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

pub static ROOT: LazyLock<Authority> = LazyLock::new(|| Authority::new("a root of the tests"));
pub static LEAF: LazyLock<Leaf> = LazyLock::new(|| ROOT.sign(good("mail.test")));

pub fn roots() -> Roots {
    let mut roots = Roots::new();
    roots.add_der(&ROOT.der()).unwrap();
    roots
}

pub fn server() -> ServerConfig {
    ServerConfig::new(LEAF.identity(), &["toy"], clock()).unwrap()
}

pub fn client() -> ClientConfig {
    ClientConfig::new(roots(), clock()).unwrap().alpn(&["toy"])
}
