//! Every HTTP case of the kit, over real connections.

mod common;

use common::ActixWeb;

regrant_conformance::http_tests!(ActixWeb);
