//! What each side brings to the handshake: roots or an identity, application
//! protocols, a clock, limits. Made once, shared by all connections.

use alloc::{string::ToString, sync::Arc, vec::Vec};
use core::{fmt, time::Duration};

use rustls::{
    DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        Resumption, UnbufferedClientConnection, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    server::{NoServerSessionStorage, UnbufferedServerConnection},
    time_provider::TimeProvider,
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, ServerName, TrustAnchor, UnixTime, pem::PemObject,
};

use crate::{
    error::ConfigError,
    observe::{ExporterHook, Observed, ServerNameHook},
    session::{Rustls, Session, name_text},
};

/// What a TLS layer may cost; shared by both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long the handshake may take. Default: 60 seconds.
    pub handshake: Duration,
    /// How long the last bytes may take to leave once all is over. Default: 10
    /// seconds.
    pub linger: Duration,
    /// Bytes of one handshake message that is not whole, its records' overhead
    /// included. Default: 128 KiB, twice the longest message there is.
    pub handshake_message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            handshake: Duration::from_secs(60),
            linger: Duration::from_secs(10),
            handshake_message: 128 * 1024,
        }
    }
}

/// Where the time of day comes from: certificates are judged by it.
///
/// ```
/// use core::time::Duration;
/// use scop_tls_adapters::WallClock;
///
/// let fixed = WallClock::new(|| Some(Duration::from_secs(1_700_000_000)));
/// # #[cfg(feature = "std")]
/// let system = WallClock::system();
/// ```
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> Option<Duration> + Send + Sync>);

impl WallClock {
    /// A clock that gives the time since the Unix epoch, or `None` while it is not
    /// known: then every certificate is refused.
    pub fn new(since_unix_epoch: impl Fn() -> Option<Duration> + Send + Sync + 'static) -> Self {
        WallClock(Arc::new(since_unix_epoch))
    }

    /// The clock of the operating system.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn system() -> Self {
        WallClock::new(|| {
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .ok()
        })
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallClock")
    }
}

impl TimeProvider for WallClock {
    fn current_time(&self) -> Option<UnixTime> {
        (self.0)().map(UnixTime::since_unix_epoch)
    }
}

/// The cryptography and the randomness: `ring`, unless you bring your own.
#[derive(Clone, Debug)]
pub struct Provider(Arc<CryptoProvider>);

impl Provider {
    /// `ring`, with the randomness of the operating system.
    #[must_use]
    pub fn ring() -> Self {
        Provider(Arc::new(rustls::crypto::ring::default_provider()))
    }

    /// A provider of yours, for a platform without an operating system to ask for
    /// randomness. This is the one place where rustls shows: it is of version 0.23
    /// and will change with it.
    #[must_use]
    pub fn from_rustls(provider: CryptoProvider) -> Self {
        Provider(Arc::new(provider))
    }
}

/// A certificate chain and the private key of its first certificate.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// From DER: the chain, end entity first, and a key in PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    ///
    /// When the chain is empty or the key is none of these.
    pub fn from_der(chain: Vec<Vec<u8>>, key: Vec<u8>) -> Result<Self, ConfigError> {
        let chain: Vec<_> = chain.into_iter().map(CertificateDer::from).collect();
        if chain.is_empty() {
            return Err(ConfigError::new("the certificate", "there is none"));
        }
        let key =
            PrivateKeyDer::try_from(key).map_err(|why| ConfigError::new("the private key", why))?;
        Ok(Identity { chain, key })
    }

    /// From PEM: all certificates of `chain`, end entity first, and the first
    /// private key of `key`. Both may be the same text.
    ///
    /// # Errors
    ///
    /// When either is not there or not PEM.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|why| ConfigError::new("the private key", why))?;
        Ok(Identity { chain, key })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates, a key)", self.chain.len())
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let wrong = |why: &dyn fmt::Display| ConfigError::new("the certificate", why);
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| wrong(&why))?;
    if found.is_empty() {
        return Err(wrong(&"there is none in the PEM text"));
    }
    Ok(found)
}

/// The certificate authorities that a client trusts.
#[derive(Clone, Debug)]
pub struct Roots(RootCertStore);

impl Default for Roots {
    fn default() -> Self {
        Roots::new()
    }
}

impl Roots {
    /// Trusts nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Roots(RootCertStore::empty())
    }

    /// Adds one certificate in DER.
    ///
    /// # Errors
    ///
    /// When it is not a certificate.
    pub fn add_der(&mut self, certificate: &[u8]) -> Result<(), ConfigError> {
        self.0
            .add(CertificateDer::from(certificate))
            .map_err(|why| ConfigError::new("the root certificate", why))
    }

    /// Adds all certificates of a PEM text and says how many there were.
    ///
    /// # Errors
    ///
    /// When there is none, or one that cannot be read; those before it stay.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<usize, ConfigError> {
        let found = certificates(pem)?;
        for certificate in &found {
            self.add_der(certificate)?;
        }
        Ok(found.len())
    }
}

/// Adds trust anchors as the crate `webpki-roots` has them.
impl Extend<TrustAnchor<'static>> for Roots {
    fn extend<T: IntoIterator<Item = TrustAnchor<'static>>>(&mut self, anchors: T) {
        self.0.roots.extend(anchors);
    }
}

/// The client's side: whom it trusts, which protocols it offers.
///
/// Certificates are verified against the roots and the name connected to. TLS 1.2
/// and 1.3 are spoken, sessions are not resumed.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    rustls: Arc<rustls::ClientConfig>,
    limits: Limits,
}

impl ClientConfig {
    /// A client that trusts `roots`.
    ///
    /// # Errors
    ///
    /// When there are no roots.
    pub fn new(roots: Roots, clock: WallClock) -> Result<Self, ConfigError> {
        Self::with_provider(roots, clock, Provider::ring())
    }

    /// The same with cryptography of your choice.
    ///
    /// # Errors
    ///
    /// When there are no roots, or the provider does not suit.
    pub fn with_provider(
        roots: Roots,
        clock: WallClock,
        provider: Provider,
    ) -> Result<Self, ConfigError> {
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots.0), provider.0.clone())
                .build()
                .map_err(|why| ConfigError::new("the roots", why))?;
        Self::verifying(verifier, clock, provider)
    }

    /// **Accepts any certificate of anybody.** What is sent is encrypted, but who
    /// reads it is not known: whoever sits in between can. For tests, and for an
    /// option that a person has to give by its name.
    ///
    /// # Errors
    ///
    /// When the provider does not suit.
    pub fn insecure_accept_any_certificate(clock: WallClock) -> Result<Self, ConfigError> {
        let provider = Provider::ring();
        let verifier = Arc::new(AcceptsAnyCertificate(provider.0.clone()));
        Self::verifying(verifier, clock, provider)
    }

    fn verifying(
        verifier: Arc<dyn ServerCertVerifier>,
        clock: WallClock,
        provider: Provider,
    ) -> Result<Self, ConfigError> {
        let mut rustls =
            rustls::ClientConfig::builder_with_details(provider.0.clone(), Arc::new(clock))
                .with_safe_default_protocol_versions()
                .map_err(|why| ConfigError::new("the provider", why))?
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth();
        rustls.resumption = Resumption::disabled();
        Ok(ClientConfig {
            rustls: Arc::new(rustls),
            limits: Limits::default(),
        })
    }

    /// Offers these application protocols (RFC 7301), the preferred first.
    /// Default: none.
    #[must_use]
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        Arc::make_mut(&mut self.rustls).alpn_protocols = wire_names(protocols);
        self
    }

    /// With other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// A handshake with the server `name`, a DNS name or an IP address: its
    /// certificate has to be for that.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn connect_to(&self, name: &str) -> Result<Handshake, ConfigError> {
        let server = ServerName::try_from(name)
            .map_err(|why| ConfigError::new("the server name", why))?
            .to_owned();
        Ok(Handshake {
            side: Side::Client(self.rustls.clone(), server),
            limits: self.limits,
        })
    }
}

/// The server's side: who it is, which protocols it speaks.
///
/// TLS 1.2 and 1.3 are spoken; there are no session tickets, no early data, and no
/// certificate is asked of the client.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    rustls: Arc<rustls::ServerConfig>,
    limits: Limits,
}

impl ServerConfig {
    /// A server of that identity which speaks `protocols` (RFC 7301): `imap`,
    /// `smtp`. A client that offers none is welcome; one that offers others only is
    /// turned away with alert 120, so that a browser led here cannot be made to
    /// talk to a mail server.
    ///
    /// # Errors
    ///
    /// When the key does not fit the certificate, or `protocols` is empty.
    pub fn new(
        identity: Identity,
        protocols: &[&str],
        clock: WallClock,
    ) -> Result<Self, ConfigError> {
        Self::with_provider(identity, protocols, clock, Provider::ring())
    }

    /// The same with cryptography of your choice.
    ///
    /// # Errors
    ///
    /// As [`ServerConfig::new`], or when the provider does not suit.
    pub fn with_provider(
        identity: Identity,
        protocols: &[&str],
        clock: WallClock,
        provider: Provider,
    ) -> Result<Self, ConfigError> {
        if protocols.is_empty() {
            let why = "name at least one, or clients of any other are let in";
            return Err(ConfigError::new("the application protocols", why));
        }
        let mut rustls = rustls::ServerConfig::builder_with_details(provider.0, Arc::new(clock))
            .with_safe_default_protocol_versions()
            .map_err(|why| ConfigError::new("the provider", why))?
            .with_no_client_auth()
            .with_single_cert(identity.chain, identity.key)
            .map_err(|why| ConfigError::new("the certificate and its key", why))?;
        rustls.alpn_protocols = wire_names(protocols);
        rustls.session_storage = Arc::new(NoServerSessionStorage {});
        rustls.send_tls13_tickets = 0;
        Ok(ServerConfig {
            rustls: Arc::new(rustls),
            limits: Limits::default(),
        })
    }

    /// With other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// A handshake with whoever connected.
    #[must_use]
    pub fn accept(&self) -> Handshake {
        Handshake {
            side: Side::Server(self.rustls.clone()),
            limits: self.limits,
        }
    }
}

fn wire_names(protocols: &[&str]) -> Vec<Vec<u8>> {
    protocols.iter().map(|p| p.as_bytes().to_vec()).collect()
}

/// One side of one handshake that has not begun: what a [`Tls`](crate::Tls) layer
/// is made with. It costs next to nothing until then.
#[derive(Clone, Debug)]
pub struct Handshake {
    side: Side,
    pub(crate) limits: Limits,
}

#[derive(Clone, Debug)]
enum Side {
    Client(Arc<rustls::ClientConfig>, ServerName<'static>),
    Server(Arc<rustls::ServerConfig>),
}

impl Handshake {
    pub(crate) fn begin(&self) -> Result<alloc::boxed::Box<dyn Session>, ConfigError> {
        let observed = Arc::new(Observed::default());
        let hook = Arc::new(ExporterHook(observed.clone()));
        let session = match &self.side {
            Side::Client(config, name) => {
                let mut config = rustls::ClientConfig::clone(config);
                config.key_log = hook;
                let connection = UnbufferedClientConnection::new(Arc::new(config), name.clone());
                let name = name_text(name);
                connection.map(|c| Rustls::client(c, observed, name))
            }
            Side::Server(config) => {
                let mut config = rustls::ServerConfig::clone(config);
                config.key_log = hook;
                config.cert_resolver = Arc::new(ServerNameHook {
                    observed: observed.clone(),
                    resolver: config.cert_resolver,
                });
                let connection = UnbufferedServerConnection::new(Arc::new(config));
                connection.map(|c| Rustls::server(c, observed))
            }
        };
        match session {
            Ok(session) => Ok(alloc::boxed::Box::new(session)),
            Err(why) => Err(ConfigError::new("the TLS configuration", why.to_string())),
        }
    }
}

/// Takes any certificate, and yet checks that the peer has its key.
#[derive(Debug)]
struct AcceptsAnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptsAnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
