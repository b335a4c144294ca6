//! Who has mail here: names, addresses, passwords.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use ring::{
    hmac, pbkdf2,
    rand::{SecureRandom, SystemRandom},
};
use scop_sasl::{Credentials, Secret};
use scop_smtp_proto::ForwardPath;
use tokio::{sync::Semaphore, task};

use crate::store::{PasswordHash, Store, StoreError, User, UserId};

/// What OWASP asks for PBKDF2-HMAC-SHA256; about a fifth of a second.
const ITERATIONS: u32 = 600_000;
const SALT: usize = 16;
const HASH: usize = 32;
/// Passwords hashed at the same time; more would only starve the sessions.
const AT_ONCE: usize = 2;

/// All users, as they were when the server started.
#[derive(Debug)]
pub(crate) struct Accounts {
    domain: String,
    users: HashMap<String, User>,
    /// Gets what is for `postmaster` (RFC 5321 4.5.1).
    postmaster: UserId,
    /// Checked in place of users that do not exist, so that they take as long.
    decoy: PasswordHash,
    checking: Arc<Semaphore>,
    known: Known,
}

/// Somebody who has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: UserId,
    pub(crate) name: String,
}

/// Where mail for an address goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipient {
    Local(UserId),
    /// The domain is ours, but nobody has that name.
    Unknown,
    /// The domain is not ours.
    Remote,
}

/// Why accounts could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the system has no random numbers")]
    Random,
}

/// `NAME` or `NAME@DOMAIN`, in lower case and without the domain, if a user may be
/// called so.
pub(crate) fn login_name(text: &str, domain: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let name = match text.split_once('@') {
        Some((name, of)) if of == domain => name,
        Some(_) => return None,
        None => &text,
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-+".contains(&b);
    // A dot-atom (RFC 5322 3.2.3), so that the address needs no quotes.
    let dots = name.split('.').all(|atom| !atom.is_empty());
    let fits = (1..=64).contains(&name.len());
    (fits && dots && name.bytes().all(plain)).then(|| name.to_owned())
}

impl Accounts {
    /// Sets the passwords of `users`; if then there is nobody, makes `demo` with a
    /// password that is returned, and is nowhere else.
    pub(crate) async fn set_up(
        store: &dyn Store,
        domain: &str,
        users: Vec<(String, Secret)>,
    ) -> Result<(Self, Option<Secret>), SetupError> {
        for (name, password) in users {
            store.set_user(name, hashed(password).await?).await?;
        }
        let mut all = store.users().await?;
        let mut made = None;
        if all.is_empty() {
            let password = Secret::from(readable(random::<15>()?));
            store
                .set_user("demo".into(), hashed(password.clone()).await?)
                .await?;
            made = Some(password);
            all = store.users().await?;
        }
        let first = all
            .first()
            .ok_or(StoreError::Failed("it has no users".into()))?
            .id;
        let decoy = PasswordHash {
            iterations: ITERATIONS,
            salt: random::<SALT>()?.to_vec(),
            hash: random::<HASH>()?.to_vec(),
        };
        let by_name = |name: &str| all.iter().find(|u| u.name == name).map(|u| u.id);
        let accounts = Accounts {
            domain: domain.to_owned(),
            postmaster: by_name("postmaster").unwrap_or(first),
            users: all.into_iter().map(|u| (u.name.clone(), u)).collect(),
            decoy,
            checking: Arc::new(Semaphore::new(AT_ONCE)),
            known: Known::new()?,
        };
        Ok((accounts, made))
    }

    /// Whose credentials these are. Takes as long for a name that nobody has.
    pub(crate) async fn verify(&self, credentials: &Credentials) -> Option<Login> {
        let named = |text: &str| self.users.get(&login_name(text, &self.domain)?);
        let user = named(credentials.authcid());
        if let Some(user) = user
            && self.known.is(user.id, credentials.password())
        {
            return self.acting(user, credentials);
        }
        let hash = user.map_or(&self.decoy, |u| &u.password).clone();
        let password = credentials.password().clone();
        let permit = Arc::clone(&self.checking).acquire_owned().await.ok()?;
        let checked = task::spawn_blocking(move || {
            let right = matches(&hash, &password);
            drop(permit);
            right
        });
        let right = checked.await.unwrap_or(false);
        let user = user.filter(|_| right)?;
        self.known.remember(user.id, credentials.password());
        self.acting(user, credentials)
    }

    /// Nobody may act as somebody else.
    fn acting(&self, user: &User, credentials: &Credentials) -> Option<Login> {
        let own = |name: &str| login_name(name, &self.domain).as_ref() == Some(&user.name);
        credentials.authzid().is_none_or(own).then(|| Login {
            user: user.id,
            name: user.name.clone(),
        })
    }

    /// Where mail for this address goes.
    pub(crate) fn recipient(&self, to: &ForwardPath<'_>) -> Recipient {
        let mailbox = match to {
            ForwardPath::Mailbox(mailbox) => mailbox,
            _ => return Recipient::Local(self.postmaster), // RFC 5321 4.1.1.3
        };
        if !mailbox.domain().eq_ignore_ascii_case(&self.domain) {
            return Recipient::Remote;
        }
        let local = mailbox.local_part().to_string().to_ascii_lowercase();
        match self.users.get(&local) {
            Some(user) => Recipient::Local(user.id),
            None if local == "postmaster" => Recipient::Local(self.postmaster),
            None => Recipient::Unknown,
        }
    }

    /// Somebody who has mail here, for examples.
    pub(crate) fn first(&self) -> &str {
        let first = self.users.values().min_by_key(|user| user.id);
        first.map_or("demo", |user| &user.name)
    }

    /// Somebody's own address.
    pub(crate) fn address(&self, name: &str) -> String {
        format!("{name}@{}", self.domain)
    }
}

/// Passwords that were right, under a key that only this process has: a client that
/// opens connection after connection pays for the slow hash once. A wrong password
/// always pays.
#[derive(Debug)]
struct Known {
    key: hmac::Key,
    tags: Mutex<HashMap<UserId, hmac::Tag>>,
}

impl Known {
    fn new() -> Result<Self, SetupError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random::<HASH>()?);
        let tags = Mutex::default();
        Ok(Known { key, tags })
    }

    fn is(&self, user: UserId, password: &Secret) -> bool {
        let tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        // Compares in constant time.
        tags.get(&user)
            .is_some_and(|tag| hmac::verify(&self.key, password.expose(), tag.as_ref()).is_ok())
    }

    fn remember(&self, user: UserId, password: &Secret) {
        let tag = hmac::sign(&self.key, password.expose());
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        tags.insert(user, tag);
    }
}

async fn hashed(password: Secret) -> Result<PasswordHash, SetupError> {
    let salt = random::<SALT>()?;
    let hashing = task::spawn_blocking(move || {
        let mut hash = [0; HASH];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            NonZeroU32::new(ITERATIONS).unwrap_or(NonZeroU32::MAX),
            &salt,
            password.expose(),
            &mut hash,
        );
        PasswordHash {
            iterations: ITERATIONS,
            salt: salt.to_vec(),
            hash: hash.to_vec(),
        }
    });
    hashing
        .await
        .map_err(|e| StoreError::Failed(e.to_string()).into())
}

/// Compares in constant time.
fn matches(hash: &PasswordHash, password: &Secret) -> bool {
    NonZeroU32::new(hash.iterations).is_some_and(|iterations| {
        let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
        pbkdf2::verify(
            algorithm,
            iterations,
            &hash.salt,
            password.expose(),
            &hash.hash,
        )
        .is_ok()
    })
}

fn random<const N: usize>() -> Result<[u8; N], SetupError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| SetupError::Random)?;
    Ok(bytes)
}

/// Five bits a letter, none of which looks like another; in groups of four.
fn readable(bytes: [u8; 15]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let mut bits = bytes
        .iter()
        .fold(0u128, |bits, b| bits << 8 | u128::from(*b));
    let mut text = String::new();
    for n in 0..24 {
        if n > 0 && n % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(LETTERS[(bits & 31) as usize]));
        bits >>= 5;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_an_address_of_our_domain_logs_in() {
        assert_eq!(login_name("Ann", "x.org").as_deref(), Some("ann"));
        assert_eq!(login_name("ann@X.ORG", "x.org").as_deref(), Some("ann"));
        let long = "a".repeat(65);
        for bad in [
            "",
            "@x.org",
            "ann@y.org",
            "a@b@x.org",
            ".a",
            "a..b",
            "a b",
            "ü",
            &long,
        ] {
            assert_eq!(login_name(bad, "x.org"), None, "{bad:?}");
        }
    }

    #[test]
    fn a_known_password_is_known_for_its_user_only() {
        let known = Known::new().unwrap();
        let (one, other) = (UserId::of(1), UserId::of(2));
        known.remember(one, &Secret::from("right"));
        assert!(known.is(one, &Secret::from("right")));
        assert!(!known.is(one, &Secret::from("wrong")));
        assert!(!known.is(other, &Secret::from("right")));
    }

    #[test]
    fn generated_passwords_are_120_bits_of_unmistakable_letters() {
        assert_eq!(readable([0; 15]), "aaaa-aaaa-aaaa-aaaa-aaaa-aaaa");
        assert_eq!(readable([255; 15]), "9999-9999-9999-9999-9999-9999");
        assert_ne!(readable(random().unwrap()), readable(random().unwrap()));
    }
}
