//! What the programs of `examples` share.

pub mod backend;
pub mod greeter;
pub mod service;
pub mod shop;
pub mod stop;

/// The program in the project's README, which must compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
