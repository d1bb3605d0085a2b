//! Readers for the configuration of other products.

pub mod am;
