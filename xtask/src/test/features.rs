//! Each crate by itself, without features and with each feature alone.
//!
//! In a build of the whole workspace one crate can live on features that its neighbours have turned on. Users have no
//! such neighbours.

use crate::workspace::{Member, Workspace};
use crate::{Result, process};

/// Checks every library without features and with each of its features alone; a warning is a failure.
pub(crate) fn run(workspace: &Workspace) -> Result<String> {
    let selections: Vec<_> = workspace
        .members
        .iter()
        .filter(|member| member.has_library)
        .flat_map(selections)
        .collect();
    let mut failed = Vec::new();
    for selection in &selections {
        println!("{selection}");
        // Clippy rather than check: it can turn the warnings of this crate into errors and leave the flags of its
        // dependencies, and so what is already built of them, as they are.
        let mut command = process::cargo();
        command
            .args(["clippy", "--quiet", "--lib", "--no-default-features"])
            .args(["--package", selection.package]);
        if let Some(feature) = selection.feature {
            command.args(["--features", feature]);
        }
        if process::run(command.args(["--", "--deny", "warnings"])).is_err() {
            failed.push(selection.to_string());
        }
    }
    if failed.is_empty() {
        Ok(format!("{} builds", selections.len()))
    } else {
        Err(failed.join("; ").into())
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Selection<'a> {
    package: &'a str,
    feature: Option<&'a str>,
}

impl std::fmt::Display for Selection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.feature {
            None => write!(f, "{} without features", self.package),
            Some(feature) => write!(f, "{} with only `{feature}`", self.package),
        }
    }
}

/// No feature, then each alone. `default` is no build of its own: it only names others.
fn selections(member: &Member) -> impl Iterator<Item = Selection<'_>> {
    let alone = member
        .features
        .iter()
        .filter(|feature| *feature != "default");
    std::iter::once(None)
        .chain(alone.map(|feature| Some(feature.as_str())))
        .map(|feature| Selection {
            package: &member.name,
            feature,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_built_alone_and_default_is_left_out() {
        let member = Member {
            features: ["axum", "default", "reqwest"].map(str::to_owned).into(),
            ..Member::library("tower-trace")
        };
        let lines: Vec<String> = selections(&member).map(|each| each.to_string()).collect();
        assert_eq!(
            lines,
            [
                "tower-trace without features",
                "tower-trace with only `axum`",
                "tower-trace with only `reqwest`",
            ]
        );
    }
}
