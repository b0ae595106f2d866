//! The repository as the tasks see it: its crates, what they depend on, and its files.

use std::fs;
use std::path::Path;
use std::process::Command;

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand, Package};

use crate::{Result, process};

/// Everything that the tasks and the rules of tidy look at.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) members: Vec<Member>,
    pub(crate) externals: Vec<External>,
}

/// One of our crates.
#[derive(Debug, Default)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Its folder, from the root of the repository.
    pub(crate) folder: String,
    pub(crate) has_library: bool,
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
    /// The text of its `Cargo.toml`.
    pub(crate) manifest: String,
}

/// What a crate names in its manifest.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) is_ours: bool,
    /// Whether only tests, benchmarks and examples see it.
    pub(crate) is_dev: bool,
}

/// A crate that others wrote.
#[derive(Debug)]
pub(crate) struct External {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The SPDX expression from its manifest.
    pub(crate) licence: Option<String>,
}

/// A file of the repository, tracked or about to be.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// From the root of the repository, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Workspace {
    /// Asks cargo, with all features on; an outdated `Cargo.lock` is an error.
    pub(crate) fn load() -> Result<Self> {
        let mut command = MetadataCommand::new();
        command
            .features(CargoOpt::AllFeatures)
            .other_options(["--locked".to_owned()]);
        for (name, _) in std::env::vars_os() {
            if process::is_left_by_cargo_run(&name) {
                command.env_remove(name);
            }
        }
        let metadata = command.exec()?;
        let members = metadata
            .workspace_packages()
            .into_iter()
            .map(|package| Member::read(&metadata, package))
            .collect::<Result<_>>()?;
        let externals = metadata
            .packages
            .iter()
            .filter(|package| package.source.is_some())
            .map(|package| External {
                name: package.name.to_string(),
                version: package.version.to_string(),
                licence: package.license.clone(),
            })
            .collect();
        Ok(Self { members, externals })
    }
}

impl Member {
    fn read(metadata: &Metadata, package: &Package) -> Result<Self> {
        let folder = package
            .manifest_path
            .parent()
            .unwrap_or(&metadata.workspace_root);
        Ok(Self {
            name: package.name.to_string(),
            folder: folder
                .strip_prefix(&metadata.workspace_root)?
                .as_str()
                .replace('\\', "/"),
            has_library: package.targets.iter().any(|target| target.is_lib()),
            features: package.features.keys().cloned().collect(),
            dependencies: package
                .dependencies
                .iter()
                .map(|dependency| Dependency {
                    name: dependency.name.clone(),
                    is_ours: dependency.path.is_some(),
                    is_dev: dependency.kind == cargo_metadata::DependencyKind::Development,
                })
                .collect(),
            manifest: fs::read_to_string(&package.manifest_path)?,
        })
    }
}

/// The text files that git tracks or would add, in the order of their paths.
pub(crate) fn text_files() -> Result<Vec<TextFile>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output()
        .map_err(|error| format!("cannot start git to list the files: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git does not list the files: {}", said.trim()).into());
    }
    let paths = String::from_utf8(output.stdout)?;
    let mut files: Vec<TextFile> = paths
        .split_terminator('\0')
        // A file may be tracked and deleted, or no text: neither is ours to judge.
        .filter(|path| Path::new(path).is_file())
        .filter_map(|path| {
            let text = fs::read_to_string(path).ok()?;
            (!text.contains('\0')).then(|| TextFile {
                path: path.to_owned(),
                text,
            })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    Ok(files)
}

/// Made-up input for the tests of the rules.
#[cfg(test)]
mod made_up {
    use super::{Dependency, External, Member, TextFile};

    impl Member {
        pub(crate) fn library(name: &str) -> Self {
            Self {
                has_library: true,
                ..Self::program(name)
            }
        }

        pub(crate) fn program(name: &str) -> Self {
            Self {
                name: name.to_owned(),
                folder: name.to_owned(),
                ..Self::default()
            }
        }

        pub(crate) fn needs_ours(self, name: &str) -> Self {
            self.needs(name, true, false)
        }

        pub(crate) fn needs_ours_in_tests(self, name: &str) -> Self {
            self.needs(name, true, true)
        }

        pub(crate) fn needs_external(self, name: &str) -> Self {
            self.needs(name, false, false)
        }

        pub(crate) fn needs_external_in_tests(self, name: &str) -> Self {
            self.needs(name, false, true)
        }

        fn needs(mut self, name: &str, is_ours: bool, is_dev: bool) -> Self {
            self.dependencies.push(Dependency {
                name: name.to_owned(),
                is_ours,
                is_dev,
            });
            self
        }
    }

    impl External {
        pub(crate) fn new(name: &str, version: &str, licence: &str) -> Self {
            Self {
                name: name.to_owned(),
                version: version.to_owned(),
                licence: Some(licence.to_owned()),
            }
        }
    }

    impl TextFile {
        pub(crate) fn new(path: &str, text: &str) -> Self {
            Self {
                path: path.to_owned(),
                text: text.to_owned(),
            }
        }
    }
}
