//! Secrets with argon2 (RFC 9106): their text, the threads that verify, and the work for unknown clients.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fixtures::{APP, SPA};
use regrant::authenticator::{
    ClientAuthenticator as _, ClientStore as _, DirectoryAuthenticator, MemoryClients, RegisteredClient,
};
use regrant::{ClientCredentials, ClientId, ClientSecret, Entropy, SecretHash, SystemEntropy};

/// A hash of the smallest parameters, so that a test can afford many.
const SMALL: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l$";

fn secret(text: &str) -> ClientSecret {
    ClientSecret::new(text)
}

#[tokio::test]
async fn a_hash_is_verified_after_it_was_stored_as_text() {
    let text = SecretHash::argon2(&secret("correct horse"), &SystemEntropy).expose().unwrap();
    assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
    let read: SecretHash = text.parse().unwrap();
    assert!(read.verify(&secret("correct horse")).await);
    assert!(!read.verify(&secret("correct horsf")).await);
    assert_eq!(read.expose(), Some(text));
}

#[test]
fn the_salt_comes_from_the_entropy() {
    struct Constant(u8);
    impl Entropy for Constant {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }
    let text = |salt| SecretHash::argon2(&secret("a"), &Constant(salt)).expose().unwrap();
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
}

// A vector of the reference implementation (phc-winner-argon2, test.c).
#[tokio::test]
async fn a_hash_of_another_implementation_is_read() {
    let known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let hash: SecretHash = known.parse().unwrap();
    assert!(hash.verify(&secret("password")).await);
    assert!(!hash.verify(&secret("differentpassword")).await);
}

#[test]
fn a_text_that_would_take_the_server_down_is_refused() {
    let output = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    for wrong in [
        format!("$argon2id$v=19$m=2000000,t=2,p=1$c29tZXNhbHQ${output}"),
        format!("$argon2id$v=19$m=65536,t=1000,p=1$c29tZXNhbHQ${output}"),
        format!("$argon2id$v=19$m=65536,t=2,p=100$c29tZXNhbHQ${output}"),
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ".to_owned(),
        "$argon2id$v=19$m=65536,t=2,p=1".to_owned(),
        "$argon2id$".to_owned(),
        format!("$argon2id$v=18$m=65536,t=2,p=1$c29tZXNhbHQ${output}"),
        format!("$argon2id$v=19$m=65536,t=2,p=1$c2FsdA${output}"),
        format!("$argon2x$v=19$m=65536,t=2,p=1$c29tZXNhbHQ${output}"),
    ] {
        let error = wrong.parse::<SecretHash>().unwrap_err().to_string();
        assert!(!error.contains(output), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_verifications_at_once_all_end_and_a_dropped_one_is_harmless() {
    let hash: SecretHash = format!("{SMALL}CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc").parse().unwrap();
    {
        let guess = secret("a");
        let dropped = pin!(hash.verify(&guess));
        let _: Poll<bool> = dropped.poll(&mut Context::from_waker(Waker::noop()));
    }
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let hash = hash.clone();
            tokio::spawn(async move { hash.verify(&secret(&number.to_string())).await })
        })
        .collect();
    for task in tasks {
        assert!(!task.await.unwrap());
    }
}

// After the first argon2 client was seen, an unknown client takes about as long. Without that it would take a
// thousandth. The smallest of several times, and a factor: the other tests of this process take processors too.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_client_takes_as_long_as_one_with_a_slow_hash() {
    let clients = MemoryClients::new();
    let slow = SecretHash::argon2(&secret("correct horse"), &SystemEntropy);
    clients.put(&RegisteredClient::new(fixtures::client(APP), [slow]).unwrap()).await.unwrap();
    clients.put(&RegisteredClient::new(fixtures::client(SPA), []).unwrap()).await.unwrap();
    let fast = SecretHash::sha256(&secret("generated"));
    let other = fixtures::client(fixtures::OTHER);
    clients.put(&RegisteredClient::new(other, [fast]).unwrap()).await.unwrap();
    let authenticator = DirectoryAuthenticator::new(clients);
    let fastest = async |id: &str, guess: &str| {
        let mut fastest = Duration::MAX;
        for _ in 0..5 {
            let credentials = ClientCredentials::Basic(ClientId::new(id).unwrap(), secret(guess));
            #[expect(clippy::disallowed_methods, reason = "the duration is the subject of the test")]
            let start = std::time::Instant::now();
            let _ = authenticator.authenticate(&credentials).await;
            fastest = fastest.min(start.elapsed());
        }
        fastest
    };
    let known = fastest("app", "guess").await;
    for (id, guess) in [("nobody", "guess"), ("spa", "guess"), ("other", "guess"), ("other", "generated")] {
        let took = fastest(id, guess).await;
        assert!(took * 20 > known, "{id}: {took:?}, known {known:?}");
    }
}
