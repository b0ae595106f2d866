//! Routes that the user wrote down, matched against paths.

use std::{fmt, sync::Arc};

mod parse;
mod tree;

use self::tree::Tree;

/// The user's route templates, ready for matching.
///
/// Where no router says which route a request took, and on clients, a list of templates does: `/users/42` was
/// `/users/{id}`.
///
/// # Syntax
///
/// | Segment | Matches |
/// |---|---|
/// | `users` | the segment `users`, byte for byte |
/// | `{id}` | one segment that is not empty |
/// | `report-{id}.pdf` | one segment with that beginning and end, and something between them |
/// | `{*rest}`, at the end | everything that is left, slashes included, if it is not empty |
///
/// A template begins with `/`, or with `//host/` to match requests to one host only:
/// `//api.example.com/users/{id}`. Hosts are compared without regard to ASCII case, and never with a port.
///
/// # Which one wins
///
/// Segments are compared from left to right, and the most specific way to match a segment goes first: its text, then a
/// parameter with text around it (the longer the text, the earlier), then a parameter, then the rest. If that leads to no
/// template, the next way is tried. The order of the list does not matter. On a request to a host with templates of its own
/// these go before all others.
///
/// Paths are compared as they were sent. Nothing is decoded: write `/caf%C3%A9` for what is sent so. An encoded slash
/// (`%2F`) belongs to its segment. Trailing slashes count, `/users/` is not `/users`, and so do empty segments: no parameter
/// matches one.
///
/// # Cost
///
/// Nothing is allocated. Each segment of each template is compared at most once, whatever the path: the templates make a
/// tree, and no branch of it is entered twice. Templates that begin with different text do not slow each other down.
///
/// # Examples
///
/// ```
/// use tower_trace::route::Templates;
///
/// let templates = Templates::new(["/users/{id}", "/users/me", "//cdn.example.com/{*file}"])?;
///
/// assert_eq!(templates.find("/users/42"), Some("/users/{id}"));
/// assert_eq!(templates.find("/users/me"), Some("/users/me"));
/// assert_eq!(templates.find("/users/42/orders"), None);
/// assert_eq!(templates.find_for("cdn.example.com", "/js/app.js"), Some("/{*file}"));
/// # Ok::<(), tower_trace::route::InvalidTemplate>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Templates {
    any_host: Tree,
    /// In the order of their names, which are lower case.
    hosts: Vec<(Box<str>, Tree)>,
}

impl Templates {
    /// Prepares templates for matching.
    ///
    /// # Errors
    ///
    /// The first template that breaks the syntax, or that matches exactly what another one matches under a different name
    /// (`/users/{id}` and `/users/{name}`). The same template given twice is one.
    pub fn new(
        templates: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, InvalidTemplate> {
        let mut all = Self::default();
        for template in templates {
            let template = template.into();
            if let Err(reason) = all.add(&template) {
                return Err(InvalidTemplate { template, reason });
            }
        }
        Ok(all)
    }

    /// The template that a path matches, from those for any host.
    ///
    /// The path is one without query and fragment, as `http::Uri::path` gives it.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&str> {
        self.find_shared(path).map(|template| &**template)
    }

    /// The template that a path on this host matches, without its `//host`.
    ///
    /// The host is one without port; the brackets of an IPv6 address may be there or not.
    #[must_use]
    pub fn find_for(&self, host: &str, path: &str) -> Option<&str> {
        self.find_shared_for(host, path).map(|template| &**template)
    }

    fn find_shared(&self, path: &str) -> Option<&Arc<str>> {
        self.any_host.find(path)
    }

    fn find_shared_for(&self, host: &str, path: &str) -> Option<&Arc<str>> {
        let own = self
            .host(without_brackets(host))
            .ok()
            .and_then(|at| self.hosts[at].1.find(path));
        own.or_else(|| self.find_shared(path))
    }

    /// Whether there is no template at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.any_host.is_empty() && self.hosts.is_empty()
    }

    fn add(&mut self, template: &str) -> Result<(), Reason> {
        let (host, path) = parse::split_host(template)?;
        let segments = parse::segments(path)?;
        let Some(host) = host else {
            return self.any_host.insert(&segments, path);
        };
        let at = self.host(&host).unwrap_or_else(|at| {
            self.hosts.insert(at, (host.into(), Tree::default()));
            at
        });
        self.hosts[at].1.insert(&segments, path)
    }

    /// Where the templates of a host are, or where they would be.
    fn host(&self, host: &str) -> Result<usize, usize> {
        self.hosts.binary_search_by(|(known, _)| {
            known
                .bytes()
                .cmp(host.bytes().map(|byte| byte.to_ascii_lowercase()))
        })
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// A route template that cannot be used. The message names the template and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTemplate {
    template: String,
    reason: Reason,
}

impl InvalidTemplate {
    /// The template as it was given.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }
}

impl fmt::Display for InvalidTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid route template `{}`: {}",
            self.template, self.reason
        )
    }
}

impl std::error::Error for InvalidTemplate {}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    BadHost(String),
    BadName(String),
    Conflict(String),
    Control,
    NoSlash,
    NotAPath,
    OldSyntax(String),
    RestInside,
    TooLong,
    TwoParameters(String),
    Unbalanced(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadHost(host) => write!(f, "`{host}` is not a host name without port"),
            Self::BadName(name) => write!(
                f,
                "`{name}` is not a parameter name, which has letters, digits, `_`, `-` and `.` only"
            ),
            Self::Conflict(other) => write!(f, "it matches the same paths as `{other}`"),
            Self::Control => f.write_str("it holds white space or a control character"),
            Self::NoSlash => f.write_str("it must begin with `/`, or with `//host/`"),
            Self::NotAPath => f.write_str("it holds `?` or `#`, but matches paths only"),
            Self::OldSyntax(segment) => {
                let name = &segment[1..];
                let star = if segment.starts_with('*') { "*" } else { "" };
                write!(f, "write `{{{star}{name}}}` for `{segment}`")
            }
            Self::RestInside => f.write_str("`{*name}` must be the whole last segment"),
            Self::TooLong => write!(f, "it has more than {} segments", parse::MAX_SEGMENTS),
            Self::TwoParameters(segment) => {
                write!(
                    f,
                    "`{segment}` holds two parameters, but a segment may hold one"
                )
            }
            Self::Unbalanced(segment) => write!(f, "`{segment}` has braces that do not pair"),
        }
    }
}

#[cfg(test)]
mod tests;
