//! The service of `regrant-tower` in frameworks that take tower services. `docs/adapter-guide.md` shows these modules.

#![allow(clippy::missing_errors_doc, reason = "an error of a framework ends the server")]

pub mod axum;
pub mod hyper;
pub mod lambda;
pub mod poem;
pub mod salvo;
pub mod tonic;
