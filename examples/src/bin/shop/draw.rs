//! Traces as text: a tree of spans beside their times as bars, and a table of services.
//!
//! Nothing in here knows the shop, or where spans come from: [`Span`]s go in, text comes out.

mod bar;
mod critical;
mod ink;
mod table;
mod time;
mod trace;
mod waterfall;

pub(crate) use ink::{Ink, Line, Palette, Style};
pub(crate) use table::Tally;
pub(crate) use time::millis;
pub(crate) use trace::{Event, Link, Outcome, Span, Trace};
pub(crate) use waterfall::{LEGEND, waterfall};

#[cfg(test)]
mod tests;
