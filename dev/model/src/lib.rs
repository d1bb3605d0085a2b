//! An executable model of the life cycle of a grant, small enough to be explored completely: one grant of one client,
//! another client, two nodes, one thief, three rotations, and every fault that the promises speak of.
//!
//! Read it in this order. [docs/model.md](../../../docs/model.md) is the guide.
//!
//! | file | content |
//! |---|---|
//! | `state` | the record, the calls, the hands of owner and thief, and the notes of the judge |
//! | `rules` | the decision about one request and one record |
//! | `step` | everything that may happen next |
//! | `properties` | the promises, and the events that must be reachable |
//! | `config` | the explored configurations, with their bounds |
//! | `fault` | defects that the properties must find |
//! | `explore`, `words` | the explorer, and traces in words |

#![allow(missing_docs, reason = "the fields of the model are its vocabulary")]
#![allow(clippy::struct_excessive_bools, reason = "facts that do not exclude each other")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "the size of a value says nothing to a reader of the model")]

pub mod config;
pub mod explore;
pub mod fault;
pub mod properties;
pub mod rules;
pub mod state;
pub mod step;
pub mod words;
