//! What the folder of each crate must have.

use super::{Finding, find};
use crate::toml;
use crate::workspace::{Member, TextFile};

/// Keys of `[package]` that have one place, the workspace's manifest.
const INHERITED: &[&str] = &[
    "edition",
    "license",
    "repository",
    "rust-version",
    "version",
];

/// Every manifest leans on the workspace; every library has a README.
pub(super) fn check(members: &[Member], files: &[TextFile]) -> Vec<Finding> {
    members
        .iter()
        .flat_map(|member| {
            let mut findings = check_manifest(member);
            findings.extend(check_readme(member, files));
            findings
        })
        .collect()
}

fn check_manifest(member: &Member) -> Vec<Finding> {
    let file = format!("{}/Cargo.toml", member.folder);
    let mut findings = Vec::new();
    if member.folder != member.name {
        findings.push(Finding::new(
            &file,
            format!(
                "the crate is called `{}`, its folder `{}`",
                member.name, member.folder
            ),
            "give the folder, at the top of the repository, the name of the crate",
        ));
    }
    if !toml::entries(&member.manifest, "lints").any(|entry| entry == ("workspace", "true")) {
        findings.push(Finding::new(
            &file,
            "the lint table of the workspace does not apply",
            "add `[lints]` with `workspace = true`",
        ));
    }
    for key in INHERITED {
        if !toml::is_inherited(&member.manifest, "package", key) {
            findings.push(Finding::new(
                &file,
                format!("`{key}` is not taken from the workspace"),
                format!("write `{key}.workspace = true` under `[package]`"),
            ));
        }
    }
    findings
}

fn check_readme(member: &Member, files: &[TextFile]) -> Option<Finding> {
    let path = format!("{}/README.md", member.folder);
    let has_text = find(files, &path).is_some_and(|file| !file.text.trim().is_empty());
    (member.has_library && !has_text).then(|| {
        Finding::new(
            path,
            format!("the library `{}` has no README", member.name),
            "write what it is, an example, and where to read on",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::lines;

    const MANIFEST: &str = "\
[package]
name = \"tower-trace\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
repository.workspace = true

[lints]
workspace = true
";

    fn with_manifest(manifest: &str) -> Member {
        Member {
            manifest: manifest.to_owned(),
            ..Member::library("tower-trace")
        }
    }

    fn readme() -> [TextFile; 1] {
        [TextFile::new("tower-trace/README.md", "# tower-trace\n")]
    }

    #[test]
    fn a_manifest_that_leans_on_the_workspace_is_fine() {
        assert!(lines(&check(&[with_manifest(MANIFEST)], &readme())).is_empty());
    }

    #[test]
    fn a_version_of_its_own_is_found() {
        let manifest = MANIFEST.replace(
            "version.workspace = true\nedition",
            "version = \"2.0.0\"\nedition",
        );
        assert_eq!(
            lines(&check(&[with_manifest(&manifest)], &readme())),
            ["tower-trace/Cargo.toml: `version` is not taken from the workspace"]
        );
    }

    #[test]
    fn a_manifest_without_the_lint_table_is_found() {
        let manifest = MANIFEST.replace("[lints]\nworkspace = true\n", "");
        assert_eq!(
            lines(&check(&[with_manifest(&manifest)], &readme())),
            ["tower-trace/Cargo.toml: the lint table of the workspace does not apply"]
        );
    }

    #[test]
    fn a_folder_of_another_name_is_found() {
        let member = Member {
            folder: "crates/tower".to_owned(),
            has_library: false,
            ..with_manifest(MANIFEST)
        };
        assert_eq!(
            lines(&check(&[member], &[])),
            [
                "crates/tower/Cargo.toml: the crate is called `tower-trace`, its folder `crates/tower`"
            ]
        );
    }

    #[test]
    fn a_library_without_readme_is_found_and_a_program_needs_none() {
        assert_eq!(
            lines(&check(&[with_manifest(MANIFEST)], &[])),
            ["tower-trace/README.md: the library `tower-trace` has no README"]
        );
        let empty = [TextFile::new("tower-trace/README.md", " \n")];
        assert_eq!(check(&[with_manifest(MANIFEST)], &empty).len(), 1);
        let program = Member {
            has_library: false,
            ..with_manifest(MANIFEST)
        };
        assert!(lines(&check(&[program], &[])).is_empty());
    }
}
