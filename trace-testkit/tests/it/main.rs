//! The suites against an instrumentation that is right, and against many that are wrong in one thing.

mod clients;
mod faults;
mod lists;
mod messaging;
mod reference;
mod servers;
mod wrong;
