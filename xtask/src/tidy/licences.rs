//! The licences of what we build on.
//!
//! The list of licences that are fine is the one in `deny.toml`, so that cargo-deny and this rule cannot disagree.

use super::{Finding, find};
use crate::toml;
use crate::workspace::{External, TextFile};

const DENY: &str = "deny.toml";

/// Every crate that is not ours can be used under licences of the list.
pub(super) fn check(externals: &[External], files: &[TextFile]) -> Vec<Finding> {
    let Some(allowed) =
        find(files, DENY).and_then(|file| toml::strings(&file.text, "licenses", "allow"))
    else {
        return vec![Finding::new(
            DENY,
            "there is no list of licences",
            "write `allow = [..]` under `[licenses]`",
        )];
    };
    externals
        .iter()
        .filter_map(|external| {
            let problem = match &external.licence {
                None => "does not name its licence".to_owned(),
                Some(licence) if is_allowed(licence, &allowed) => return None,
                Some(licence) => format!("is under `{licence}`"),
            };
            Some(Finding::new(
                "Cargo.lock",
                format!("`{} {}` {problem}", external.name, external.version),
                format!(
                    "do without it, or allow the licence in {DENY} when it is a permissive one"
                ),
            ))
        })
        .collect()
}

/// Whether an SPDX expression can be met with the licences in `allowed`. What is no expression is not allowed.
///
/// The old form `MIT/Apache-2.0` means `OR`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut tokens: Vec<&str> = spaced.split_whitespace().collect();
    // Read from the end, as a stack.
    tokens.reverse();
    let verdict = either(&mut tokens, allowed);
    tokens.is_empty() && verdict == Some(true)
}

/// `a OR b`; `None` is a malformed expression.
fn either(tokens: &mut Vec<&str>, allowed: &[String]) -> Option<bool> {
    let mut verdict = both(tokens, allowed)?;
    while tokens.pop_if(|token| *token == "OR").is_some() {
        verdict |= both(tokens, allowed)?;
    }
    Some(verdict)
}

/// `a AND b`, which binds tighter.
fn both(tokens: &mut Vec<&str>, allowed: &[String]) -> Option<bool> {
    let mut verdict = one(tokens, allowed)?;
    while tokens.pop_if(|token| *token == "AND").is_some() {
        verdict &= one(tokens, allowed)?;
    }
    Some(verdict)
}

/// A licence, one with an exception, or an expression in parentheses.
fn one(tokens: &mut Vec<&str>, allowed: &[String]) -> Option<bool> {
    match tokens.pop()? {
        "(" => {
            let verdict = either(tokens, allowed)?;
            (tokens.pop()? == ")").then_some(verdict)
        }
        ")" | "AND" | "OR" | "WITH" => None,
        licence => {
            let mut name = licence.to_owned();
            if tokens.pop_if(|token| *token == "WITH").is_some() {
                name = format!("{name} WITH {}", tokens.pop()?);
            }
            Some(allowed.contains(&name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::lines;

    fn allowed() -> Vec<String> {
        ["Apache-2.0", "MIT", "Unicode-3.0"]
            .map(str::to_owned)
            .into()
    }

    #[test]
    fn expressions_that_our_licences_meet_are_allowed() {
        for expression in [
            "MIT",
            "MIT/Apache-2.0",
            "Apache-2.0 / MIT",
            "GPL-3.0-only OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "MIT OR Apache-2.0 AND GPL-3.0-only",
        ] {
            assert!(is_allowed(expression, &allowed()), "{expression}");
        }
    }

    #[test]
    fn expressions_that_ask_for_more_or_are_malformed_are_not_allowed() {
        for expression in [
            "",
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "(MIT OR Apache-2.0) AND GPL-3.0-only",
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "MIT OR",
            "MIT Apache-2.0",
            "(MIT",
            "MIT)",
            "AND MIT",
            "MIT WITH",
        ] {
            assert!(!is_allowed(expression, &allowed()), "{expression}");
        }
    }

    #[test]
    fn a_crate_under_a_foreign_licence_or_none_is_found() {
        let externals = [
            External::new("bytes", "1.12.1", "MIT"),
            External::new("viral", "0.1.0", "AGPL-3.0-only"),
            External {
                licence: None,
                ..External::new("silent", "0.2.0", "")
            },
        ];
        let deny = TextFile::new("deny.toml", "[licenses]\nallow = [\n  \"MIT\",\n]\n");
        assert_eq!(
            lines(&check(&externals, &[deny])),
            [
                "Cargo.lock: `viral 0.1.0` is under `AGPL-3.0-only`",
                "Cargo.lock: `silent 0.2.0` does not name its licence",
            ]
        );
    }

    #[test]
    fn a_missing_list_is_found() {
        assert_eq!(
            lines(&check(&[], &[])),
            ["deny.toml: there is no list of licences"]
        );
    }
}
