//! A TLS without chance: no randomness, a key exchange that always agrees on the same
//! secret. What one run of a client sent can be played to many servers, so the laws
//! can be tried on ciphertext. Nothing here is secret, of course.

use rustls::{
    Error, NamedGroup,
    crypto::{
        ActiveKeyExchange, CryptoProvider, GetRandomFailed, SecureRandom, SharedSecret,
        SupportedKxGroup, ring::default_provider,
    },
};
use scop_tls_adapters::{ClientConfig, Provider, ServerConfig};

use super::certs::{LEAF, clock, roots};

#[derive(Debug)]
struct Always;

impl SecureRandom for Always {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        buffer.fill(0x42);
        Ok(())
    }
}

impl SupportedKxGroup for Always {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(Always))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl ActiveKeyExchange for Always {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<SharedSecret, Error> {
        Ok(SharedSecret::from(&[0x17; 32][..]))
    }

    fn pub_key(&self) -> &[u8] {
        &[0x23; 32]
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

pub fn provider() -> Provider {
    Provider::from_rustls(CryptoProvider {
        kx_groups: vec![&Always],
        secure_random: &Always,
        ..default_provider()
    })
}

pub fn server() -> ServerConfig {
    ServerConfig::with_provider(LEAF.identity(), &["toy"], clock(), provider()).unwrap()
}

pub fn client() -> ClientConfig {
    ClientConfig::with_provider(roots(), clock(), provider())
        .unwrap()
        .alpn(&["toy"])
}
