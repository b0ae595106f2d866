//! What the programs of `examples` share.

pub mod stop;
