//! traps

mod connections;
mod upgrades;
