//! The part of a span's name that is not the method: a route or a template, never a path.
//!
//! In this order: what the router says ([`TraceLayer::route`](crate::TraceLayer::route)), the templates that the user listed
//! ([`TraceLayer::templates`](crate::TraceLayer::templates)), and, where neither is set, the segments of the path with everything in them that looks
//! like an id replaced by what kind of id it is. Where a router or a list is set and knows no route, the method stands alone.

mod late;
pub(crate) mod names;
mod parameterize;
mod template;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub(crate) use late::LateRoute;
use names::NameCap;
pub use template::{InvalidTemplate, Templates};

use crate::head::RequestHead;
use crate::hook;
use crate::scratch::Text;

/// Finds the route of a request. See [`TraceLayer::route`](crate::TraceLayer::route).
type RouteFn = dyn for<'a> Fn(RequestHead<'a>) -> Option<Cow<'a, str>> + Send + Sync;

/// What stands for a route once there are too many different ones.
pub const OVERFLOW: &str = "_OTHER";

/// How many different names are let through that no program text bounds. Default.
const MAX_NAMES: usize = 1000;

/// Where targets come from.
#[derive(Clone)]
pub(crate) struct Routes {
    source: Option<Arc<RouteFn>>,
    templates: Option<Arc<Templates>>,
    parameterize: Option<bool>,
    seen: Arc<NameCap>,
    /// By themselves: whoever makes up paths must not use up the room of declared routes.
    guessed: Arc<NameCap>,
}

/// What was found for one request.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// Nothing of low cardinality is known.
    Nothing,
    /// A route that someone declared.
    Route(Cow<'a, str>),
    /// A guess from the path.
    Guess(Text),
}

/// The same, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    None,
    Route(&'a str),
    Guess(&'a str),
}

impl Found<'_> {
    pub(crate) fn target(&self) -> Target<'_> {
        match self {
            Self::Nothing => Target::None,
            Self::Route(route) => Target::Route(route),
            Self::Guess(text) => Target::Guess(text),
        }
    }
}

impl<'a> Target<'a> {
    pub(crate) const fn text(self) -> Option<&'a str> {
        match self {
            Self::None => None,
            Self::Route(text) | Self::Guess(text) => Some(text),
        }
    }
}

impl Default for Routes {
    fn default() -> Self {
        Self {
            source: None,
            templates: None,
            parameterize: None,
            seen: Arc::new(NameCap::new(MAX_NAMES)),
            guessed: Arc::new(NameCap::new(MAX_NAMES)),
        }
    }
}

impl Routes {
    pub(crate) fn source(&mut self, source: Arc<RouteFn>) {
        self.source = Some(source);
    }

    pub(crate) fn templates(&mut self, templates: Templates) {
        self.templates = Some(Arc::new(templates));
    }

    pub(crate) fn parameterize(&mut self, yes: bool) {
        self.parameterize = Some(yes);
    }

    pub(crate) fn cap(&mut self, names: usize) {
        self.seen = Arc::new(NameCap::new(names));
        self.guessed = Arc::new(NameCap::new(names));
    }

    /// How many requests got the overflow value because of the cap.
    pub(crate) fn overflowed(&self) -> u64 {
        self.seen.overflowed() + self.guessed.overflowed()
    }

    /// The target of a request.
    pub(crate) fn find<'a>(&'a self, head: RequestHead<'a>, path: &str) -> Found<'a> {
        let source = self.source.as_ref();
        let route = source.and_then(|source| hook::run(|| source(head)).flatten());
        if let Some(route) = route.filter(|route| !route.is_empty()) {
            return Found::Route(if self.seen.admit(&route) {
                route
            } else {
                Cow::Borrowed(OVERFLOW)
            });
        }
        if let Some(template) = self
            .templates
            .as_ref()
            .and_then(|templates| templates.find(path))
        {
            return Found::Route(Cow::Borrowed(template));
        }
        let is_declared = self.source.is_some() || self.templates.is_some();
        // The targets of `CONNECT host:port` and `OPTIONS *` are no paths.
        if !self.parameterize.unwrap_or(!is_declared) || !path.starts_with('/') {
            return Found::Nothing;
        }
        let mut guess = Text::new();
        let length = parameterize::parameterize(path, &mut guess).len();
        if guess.is_empty() {
            // Nothing had to be replaced.
            guess.push_str(&path[..length]);
        }
        if !self.guessed.admit(&guess) {
            guess.clear();
            guess.push_str(OVERFLOW);
        }
        Found::Guess(guess)
    }

    /// The template of a client's request: what the request carries, or what the list knows.
    pub(crate) fn template<'a>(
        &'a self,
        given: Option<&'a str>,
        host: &str,
        path: &str,
    ) -> Option<&'a str> {
        match given.filter(|given| !given.is_empty()) {
            Some(given) if self.seen.admit(given) => Some(given),
            Some(_) => Some(OVERFLOW),
            None => self.templates.as_ref()?.find_for(host, path),
        }
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("source", &self.source.is_some())
            .field("templates", &self.templates)
            .field("parameterize", &self.parameterize)
            .finish_non_exhaustive()
    }
}
