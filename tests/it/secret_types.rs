//! The traits that secrets do not have. Each would let a secret out, or in, without a call of `expose` or `new`. This
//! file compiles only as long as they are missing.

use std::borrow::Borrow;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use regrant::authenticator::{ClientAssertion, RegisteredClient, StoredClient};
use regrant::authorization::{PushRequest, PushedRequest, PushedRequestResponse, RequestUri};
use regrant::device::{DeviceCode, PollRequest, UserCode};
use regrant::grant::Grant;
use regrant::host::Parameters;
use regrant::proof::{ClientCertificate, DpopProof, PresentedKeys};
use regrant::token::{IdToken, KeyText};
use regrant::wire::{Ask, AuthorizationRequest, Request, Response};
use regrant::{
    AccessToken, AuthenticatedClient, AuthorizationCode, AuthorizationCodeResponse, Client, ClientCredentials,
    ClientSecret, CodeVerifier, ExchangeRequest, Key, KeyRing, RedeemRequest, RefreshRequest, RefreshToken, SecretHash,
    TokenResponse,
};

/// Fails to compile when a type has a trait: the call is ambiguous then.
macro_rules! lack {
    ($types:tt; $($trait:path),+ $(,)?) => {
        $(lack!(@one $types $trait);)+
    };
    (@one [$($type:ty),+ $(,)?] $trait:path) => {
        $(const _: fn() = || {
            trait Ambiguous<A> {
                fn is_there() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Has;
            impl<T: ?Sized + $trait> Ambiguous<Has> for T {}
            let _ = <$type as Ambiguous<_>>::is_there;
        };)+
    };
}

// No way to a text but `expose`. `Default` would be an empty secret, and `==` takes as long as two secrets agree.
lack!(
    [AccessToken, RefreshToken, AuthorizationCode, ClientSecret, ClientAssertion, IdToken, DeviceCode, CodeVerifier, RequestUri];
    std::fmt::Display, std::fmt::LowerHex, std::error::Error, serde::Serialize, serde::de::DeserializeOwned,
    PartialEq, PartialOrd, std::hash::Hash, Default, Copy, Deref, DerefMut,
    AsRef<str>, AsRef<[u8]>, AsRef<String>, Borrow<str>, Into<String>, Into<Vec<u8>>, IntoIterator,
);
// A user code is compared: hosts look up by it. It is shown on a screen, but it is not logged.
lack!([UserCode]; std::fmt::Display, serde::Serialize, Default, Copy, Deref, AsRef<str>, AsRef<[u8]>, Into<String>);
// Keys are not even cloned. Nothing but the id leaves them, and the text of a new one.
lack!(
    [Key, KeyRing, KeyText];
    Clone, std::fmt::Display, serde::Serialize, serde::de::DeserializeOwned, PartialEq, std::hash::Hash, Default, Deref,
    AsRef<[u8]>, Into<Vec<u8>>, IntoIterator,
);
lack!(
    [SecretHash, ClientCredentials, Grant, DpopProof, ClientCertificate, PresentedKeys, Parameters, Response];
    std::fmt::Display, serde::Serialize,
);
lack!([Request<'static>, AuthorizationRequest<'static>, Ask<()>]; std::fmt::Display, serde::Serialize);
lack!([RefreshRequest, RedeemRequest, ExchangeRequest, PollRequest, PushRequest, PushedRequest]; std::fmt::Display, serde::Serialize);
lack!([TokenResponse, AuthorizationCodeResponse, PushedRequestResponse]; std::fmt::Display, serde::Serialize, PartialEq);

// `AuthenticatedClient::assertion` is the only constructor: nothing converts into the type or deserializes to it, and
// none can be turned into another client.
lack!([AuthenticatedClient]; Default, Copy, DerefMut, AsMut<Client>, serde::de::DeserializeOwned);
lack!([AuthenticatedClient]; From<Client>, From<Arc<Client>>, From<&'static Client>, From<ClientCredentials>);

// Hashes of secrets: a weak secret can be found from its hash.
lack!([RegisteredClient, StoredClient]; std::fmt::Display, serde::Serialize, serde::de::DeserializeOwned);
