use std::fmt::Write as _;

pub(crate) use anstyle::Style;
use anstyle::{Ansi256Color, AnsiColor};

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Colored,
    Plain,
}

/// The colours of everything that is drawn.
#[derive(Debug)]
pub(crate) struct Palette {
    pub(crate) ink: Ink,
    services: Vec<String>,
}

/// Well apart on dark and on light ground. Red is not among them: it says that something failed.
const SERVICES: [u8; 8] = [33, 170, 208, 35, 178, 99, 38, 136];

impl Palette {
    /// Gives each service a colour of its own.
    pub(crate) fn new(ink: Ink, services: &[&str]) -> Self {
        Self {
            ink,
            services: services.iter().map(|&service| service.to_owned()).collect(),
        }
    }

    /// The colour of a service; plain for one that was not named before.
    pub(crate) fn service(&self, service: &str) -> Style {
        match self.services.iter().position(|known| known == service) {
            Some(place) => {
                Style::new().fg_color(Some(Ansi256Color(SERVICES[place % SERVICES.len()]).into()))
            }
            None => Style::new(),
        }
    }

    /// The services in the order in which they were named.
    pub(crate) fn services(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(String::as_str)
    }

    pub(crate) const DIM: Style = Style::new().dimmed();
    pub(crate) const STRONG: Style = Style::new().bold();
    pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
    pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
    pub(crate) const PLAIN: Style = Style::new();
}

/// A line of text under construction, which knows how many columns it takes.
#[derive(Debug)]
pub(crate) struct Line {
    ink: Ink,
    text: String,
    columns: usize,
}

impl Line {
    pub(crate) const fn new(ink: Ink) -> Self {
        Self {
            ink,
            text: String::new(),
            columns: 0,
        }
    }

    /// Adds text in a style.
    pub(crate) fn put(&mut self, style: Style, text: &str) {
        self.columns += text.chars().count();
        if self.ink == Ink::Plain || style.is_plain() || text.is_empty() {
            self.text.push_str(text);
        } else {
            // Writing to a string does not fail.
            let _ = write!(self.text, "{style}{text}{style:#}");
        }
    }

    /// Adds text flush with a column on its right.
    pub(crate) fn put_right(&mut self, style: Style, text: &str, column: usize) {
        self.pad(column.saturating_sub(text.chars().count()));
        self.put(style, text);
    }

    /// Adds spaces up to a column.
    pub(crate) fn pad(&mut self, column: usize) {
        while self.columns < column {
            self.text.push(' ');
            self.columns += 1;
        }
    }

    /// Ends the line, without spaces at its end.
    pub(crate) fn end(mut self, out: &mut String) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        out.push_str(&self.text);
        out.push('\n');
    }
}

/// The text, or as much as fits into `columns` with a sign that there is more.
pub(crate) fn shorten(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(columns.saturating_sub(1)).collect();
    if columns > 0 {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_take_no_columns() {
        let line = |ink| {
            let mut line = Line::new(ink);
            line.put(Palette::BAD, "503");
            line.pad(5);
            line.put(Palette::PLAIN, "x");
            let mut text = String::new();
            line.end(&mut text);
            text
        };
        assert_eq!(line(Ink::Plain), "503  x\n");
        assert_eq!(line(Ink::Colored), "\u{1b}[1m\u{1b}[31m503\u{1b}[0m  x\n");
    }

    #[test]
    fn long_text_says_that_it_is_cut() {
        assert_eq!(shorten("orders", 6), "orders");
        assert_eq!(shorten("orders", 5), "orde…");
        assert_eq!(shorten("orders", 0), "");
    }
}
