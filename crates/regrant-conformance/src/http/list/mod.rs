// Written by `cargo test -p regrant-conformance --test http_listed -- --ignored`.

mod assertions;
mod certificates;
mod client_authentication;
mod code;
mod content_type;
mod cors;
mod device;
mod dpop;
mod exchange;
mod form;
mod introspection;
mod keys;
mod metadata;
mod method;
mod not_http;
mod refresh;
mod revocation;
mod scope;
mod tokens;
mod transport;

/// Gives each group of cases by name to the macro `$group`.
#[doc(hidden)]
#[macro_export]
macro_rules! __http_cases {
    ($group:ident) => {
        $crate::__http_tokens!($group);
        $crate::__http_refresh!($group);
        $crate::__http_scope!($group);
        $crate::__http_revocation!($group);
        $crate::__http_introspection!($group);
        $crate::__http_client_authentication!($group);
        $crate::__http_method!($group);
        $crate::__http_content_type!($group);
        $crate::__http_form!($group);
        $crate::__http_transport!($group);
        $crate::__http_not_http!($group);
        $crate::__http_code!($group);
        $crate::__http_metadata!($group);
        $crate::__http_keys!($group);
        $crate::__http_dpop!($group);
        $crate::__http_assertions!($group);
        $crate::__http_certificates!($group);
        $crate::__http_device!($group);
        $crate::__http_exchange!($group);
        $crate::__http_cors!($group);
    };
}
