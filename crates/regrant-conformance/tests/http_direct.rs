//! The endpoints themselves answer as the table says, with no adapter and no server between.

use regrant_conformance::http::Direct;

regrant_conformance::http_tests!(Direct, without: {
    not_http: "there is no server that could refuse what is not HTTP",
});
