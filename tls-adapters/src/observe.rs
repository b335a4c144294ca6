//! What the unbuffered API of rustls 0.23 does not tell: the server name a client
//! asked for, and the exporter (RFC 8446 section 7.5). Both pass by hooks of the
//! configuration, so each connection has a copy of it with hooks of its own.

use alloc::{boxed::Box, string::String, sync::Arc};

use once_cell::race::OnceBox;
use rustls::{
    KeyLog, SupportedCipherSuite,
    crypto::tls13::{HkdfExpander, OkmBlock},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// What was seen of one connection.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    server_name: OnceBox<String>,
    exporter_secret: OnceBox<Secret>,
}

/// Not to be printed.
struct Secret(OkmBlock);

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret")
    }
}

impl Observed {
    pub(crate) fn server_name(&self) -> Option<String> {
        self.server_name.get().cloned()
    }

    /// 32 bytes for `tls-exporter` (RFC 9266). `None` under TLS 1.2, where the
    /// binding is only sound with an extended master secret.
    pub(crate) fn channel_binding(&self, suite: SupportedCipherSuite) -> Option<[u8; 32]> {
        let SupportedCipherSuite::Tls13(suite) = suite else {
            return None;
        };
        let secret = self.exporter_secret.get()?;
        let hash = suite.common.hash_provider;
        let no_context = hash.hash(&[]);
        // Derive-Secret(exporter_master_secret, label, "") ..
        let derived = suite.hkdf_provider.expander_for_okm(&secret.0);
        let mut of_label = [0; 64];
        let of_label = of_label.get_mut(..derived.hash_len())?;
        expand_label(
            &*derived,
            b"EXPORTER-Channel-Binding",
            no_context.as_ref(),
            of_label,
        )?;
        // .. and HKDF-Expand-Label(that, "exporter", Hash(context), 32).
        let expander = suite
            .hkdf_provider
            .expander_for_okm(&OkmBlock::new(of_label));
        let mut binding = [0; 32];
        expand_label(&*expander, b"exporter", no_context.as_ref(), &mut binding)?;
        Some(binding)
    }
}

/// HKDF-Expand-Label (RFC 8446 section 7.1).
fn expand_label(
    expander: &dyn HkdfExpander,
    label: &[u8],
    context: &[u8],
    output: &mut [u8],
) -> Option<()> {
    const PREFIX: &[u8] = b"tls13 ";
    let length = u16::try_from(output.len()).ok()?.to_be_bytes();
    let label_length = [u8::try_from(PREFIX.len() + label.len()).ok()?];
    let context_length = [u8::try_from(context.len()).ok()?];
    let info = [
        &length[..],
        &label_length,
        PREFIX,
        label,
        &context_length,
        context,
    ];
    expander.expand_slice(&info, output).ok()
}

/// The hook for the exporter's secret.
#[derive(Debug)]
pub(crate) struct ExporterHook(pub(crate) Arc<Observed>);

const EXPORTER_SECRET: &str = "EXPORTER_SECRET";

impl KeyLog for ExporterHook {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        // OkmBlock::new wants no more than it has room for.
        if label == EXPORTER_SECRET && secret.len() <= OkmBlock::MAX_LEN {
            let secret = Box::new(Secret(OkmBlock::new(secret)));
            // Only the first counts; there is no second.
            let _ = self.0.exporter_secret.set(secret);
        }
    }

    fn will_log(&self, label: &str) -> bool {
        label == EXPORTER_SECRET
    }
}

/// The hook for the server name.
#[derive(Debug)]
pub(crate) struct ServerNameHook {
    pub(crate) observed: Arc<Observed>,
    pub(crate) resolver: Arc<dyn ResolvesServerCert>,
}

impl ResolvesServerCert for ServerNameHook {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(name) = hello.server_name() {
            let _ = self.observed.server_name.set(Box::new(name.into()));
        }
        self.resolver.resolve(hello)
    }

    fn only_raw_public_keys(&self) -> bool {
        self.resolver.only_raw_public_keys()
    }
}
