use std::env;

use crate::diagnostics::{self, Level};

/// Which areas also emit the names of earlier conventions, beside the current ones.
///
/// OpenTelemetry's variable for it is `OTEL_SEMCONV_STABILITY_OPT_IN`: a list of areas, separated by commas, each of
/// which may end in `/dup`. An area alone asks for the current names only, which is the default here; with `/dup` it
/// asks for both, also when the area is listed without it.
///
/// ```
/// use tracing_core_ctx::semconv::StabilityOptIn;
///
/// let opt_in = StabilityOptIn::parse("http/dup, database");
/// assert!(opt_in.http_dup());
/// assert!(!opt_in.database_dup());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StabilityOptIn {
    code: bool,
    database: bool,
    http: bool,
    messaging: bool,
    rpc: bool,
}

impl StabilityOptIn {
    /// The variable that [`from_env`](Self::from_env) reads.
    pub const VARIABLE: &'static str = "OTEL_SEMCONV_STABILITY_OPT_IN";

    /// What the environment asks for; nothing if it does not say.
    #[must_use]
    pub fn from_env() -> Self {
        match env::var_os(Self::VARIABLE) {
            // Bytes that are no UTF-8 can only be part of an entry that is unknown anyway.
            Some(list) => Self::parse(&list.to_string_lossy()),
            None => Self::default(),
        }
    }

    /// Reads a list such as `http/dup,rpc`; case does not matter, and unknown entries are reported and ignored.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        Self::parse_with(list, |unknown| {
            diagnostics::report(
                Level::Warn,
                format_args!(
                    "{} has the unknown entry `{unknown}`, which is ignored; \
                     known are code, database, http, messaging and rpc, each with or without /dup",
                    Self::VARIABLE
                ),
            );
        })
    }

    /// Whether `code.function`, `code.lineno`, ... are also emitted.
    #[must_use]
    pub const fn code_dup(&self) -> bool {
        self.code
    }

    /// Whether `db.system`, `db.statement`, ... are also emitted.
    #[must_use]
    pub const fn database_dup(&self) -> bool {
        self.database
    }

    /// Whether `http.method`, `http.status_code`, `net.peer.name`, ... are also emitted.
    #[must_use]
    pub const fn http_dup(&self) -> bool {
        self.http
    }

    /// Whether `messaging.system`, `messaging.operation`, ... are also emitted.
    #[must_use]
    pub const fn messaging_dup(&self) -> bool {
        self.messaging
    }

    /// Whether `rpc.system`, `rpc.service`, `rpc.grpc.status_code`, ... are also emitted.
    #[must_use]
    pub const fn rpc_dup(&self) -> bool {
        self.rpc
    }

    fn parse_with(list: &str, mut unknown: impl FnMut(&str)) -> Self {
        let mut opt_in = Self::default();
        for entry in list
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
        {
            let lower = entry.to_ascii_lowercase();
            let (area, dup) = match lower.strip_suffix("/dup") {
                Some(area) => (area, true),
                None => (lower.as_str(), false),
            };
            let switch = match area {
                "code" => &mut opt_in.code,
                "database" => &mut opt_in.database,
                "http" => &mut opt_in.http,
                "messaging" => &mut opt_in.messaging,
                "rpc" => &mut opt_in.rpc,
                _ => {
                    unknown(entry);
                    continue;
                }
            };
            *switch |= dup;
        }
        opt_in
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::tests::Seen;

    fn parse(list: &str) -> (StabilityOptIn, Vec<String>) {
        let mut unknown = Vec::new();
        let opt_in = StabilityOptIn::parse_with(list, |entry| unknown.push(entry.to_owned()));
        (opt_in, unknown)
    }

    #[test]
    fn nothing_is_duplicated_by_default() {
        for list in ["", " , ,", "http", "http,rpc,database,messaging,code"] {
            assert_eq!(
                parse(list),
                (StabilityOptIn::default(), Vec::new()),
                "{list:?}"
            );
        }
    }

    #[test]
    fn each_area_has_its_own_switch() {
        let dups = |list: &str| {
            let opt_in = parse(list).0;
            [
                opt_in.code_dup(),
                opt_in.database_dup(),
                opt_in.http_dup(),
                opt_in.messaging_dup(),
                opt_in.rpc_dup(),
            ]
        };
        assert_eq!(dups("code/dup"), [true, false, false, false, false]);
        assert_eq!(dups("database/dup"), [false, true, false, false, false]);
        assert_eq!(dups("http/dup"), [false, false, true, false, false]);
        assert_eq!(dups("messaging/dup"), [false, false, false, true, false]);
        assert_eq!(dups("rpc/dup"), [false, false, false, false, true]);
    }

    #[test]
    fn dup_wins_over_the_plain_area_in_either_order() {
        assert!(parse("http,http/dup").0.http_dup());
        assert!(parse("http/dup,http").0.http_dup());
    }

    #[test]
    fn space_and_case_do_not_matter() {
        let (opt_in, unknown) = parse(" HTTP/Dup ,\trpc/DUP ");
        assert!(opt_in.http_dup() && opt_in.rpc_dup());
        assert!(unknown.is_empty());
    }

    #[test]
    fn unknown_entries_are_told_as_written_and_change_nothing() {
        let (opt_in, unknown) = parse("HTTPS/dup,http /dup,http/dup/dup,dup,/dup,rpc/old,http/dup");
        assert_eq!(opt_in, parse("http/dup").0);
        assert_eq!(
            unknown,
            [
                "HTTPS/dup",
                "http /dup",
                "http/dup/dup",
                "dup",
                "/dup",
                "rpc/old"
            ]
        );
    }

    #[test]
    fn an_unknown_entry_is_reported() {
        let seen = Seen::new();
        assert!(StabilityOptIn::parse("htp/dup,http/dup").http_dup());
        let reports = seen.with("`htp/dup`");
        assert_eq!(reports.len(), 1);
        assert_eq!(reports[0].0, Level::Warn);
        assert!(reports[0].1.contains(StabilityOptIn::VARIABLE));
    }
}
