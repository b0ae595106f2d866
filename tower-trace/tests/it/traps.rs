//! traps

mod connections;
