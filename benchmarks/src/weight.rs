//! What a subject brings along: which versions, how many crates, how much memory.

use std::collections::BTreeSet;
use std::process::Command;

use cargo_metadata::{
    CargoOpt, DependencyKind, Metadata, MetadataCommand, Node, NodeDep, Package, PackageId,
};

use crate::run::{RUN, Side, again};
use crate::{Case, Error, Subject};

/// Samples of a run whose memory is looked at.
const SAMPLES: usize = 32;

/// What a service has anyway, and what one of gRPC has.
const ALREADY_THERE: &[&str] = &["axum", "reqwest"];
const ALREADY_THERE_GRPC: &[&str] = &["axum", "reqwest", "tonic"];

/// What one subject brings along.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table")]
pub struct Weight {
    /// Its crates, with their versions.
    pub versions: Vec<String>,
    /// Crates that are built for it and not for axum or reqwest, procedural macros included.
    pub crates: usize,
    /// KiB of memory that the process has more at most.
    pub memory: Option<f64>,
}

/// The crates of the workspace and what they depend on, from cargo.
#[derive(Debug)]
pub struct Crates(Metadata);

impl Crates {
    /// Asks cargo.
    ///
    /// # Errors
    ///
    /// When cargo fails.
    pub fn load() -> Result<Self, Error> {
        let mut command = MetadataCommand::new();
        command
            .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
            .features(CargoOpt::SomeFeatures(Vec::new()));
        if let Some(host) = host() {
            command.other_options([format!("--filter-platform={host}")]);
        }
        Ok(Self(command.exec()?))
    }

    /// What a subject brings along.
    ///
    /// # Errors
    ///
    /// When one of its crates is not there, or the program fails.
    pub fn weigh(&self, case: &Case, subject: &Subject) -> Result<Weight, Error> {
        let mut all = BTreeSet::new();
        for name in subject.packages() {
            self.collect(self.find(name)?, &mut all);
        }
        let mut already = BTreeSet::new();
        let there = match case.group().starts_with("grpc") {
            true => ALREADY_THERE_GRPC,
            false => ALREADY_THERE,
        };
        for name in there {
            if let Some(id) = self.of_benchmarks(name) {
                self.collect(id, &mut already);
            }
        }
        Ok(Weight {
            versions: self.versions(subject.packages())?,
            crates: all.difference(&already).count(),
            memory: memory(case, subject)?,
        })
    }

    /// Crates with their versions, by what this crate's code calls them.
    ///
    /// # Errors
    ///
    /// When one of them is not there.
    pub fn versions(&self, packages: &[&str]) -> Result<Vec<String>, Error> {
        let describe = |name: &&str| {
            let Package { name, version, .. } = &self.0[self.find(name)?];
            Ok(format!("{name} {version}"))
        };
        packages.iter().map(describe).collect()
    }

    fn find(&self, name: &str) -> Result<&PackageId, Error> {
        let found = self.of_benchmarks(name);
        found.ok_or_else(|| format!("no crate {name}").into())
    }

    /// What the benchmarks depend on under this name.
    fn of_benchmarks(&self, name: &str) -> Option<&PackageId> {
        let benchmarks = self
            .0
            .workspace_packages()
            .into_iter()
            .find(|package| package.name == env!("CARGO_PKG_NAME"))?;
        let dependency = self
            .node(&benchmarks.id)?
            .deps
            .iter()
            .find(|dependency| dependency.name == name)?;
        Some(&dependency.pkg)
    }

    fn node(&self, id: &PackageId) -> Option<&Node> {
        let resolve = self.0.resolve.as_ref()?;
        resolve.nodes.iter().find(|node| node.id == *id)
    }

    fn collect<'a>(&'a self, id: &'a PackageId, all: &mut BTreeSet<&'a PackageId>) {
        if !all.insert(id) {
            return;
        }
        let dependencies = self.node(id).map_or(&[][..], |node| &node.deps);
        for dependency in dependencies
            .iter()
            .filter(|dependency| is_normal(dependency))
        {
            self.collect(&dependency.pkg, all);
        }
    }
}

fn is_normal(dependency: &NodeDep) -> bool {
    let mut kinds = dependency.dep_kinds.iter();
    kinds.any(|kind| kind.kind == DependencyKind::Normal)
}

fn host() -> Option<String> {
    let output = Command::new("rustc").arg("-vV").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "))?;
    Some(host.to_owned())
}

fn memory(case: &Case, subject: &Subject) -> Result<Option<f64>, Error> {
    let peak = |side: Side| -> Result<Option<f64>, Error> {
        let (case, samples) = (case.to_string(), SAMPLES.to_string());
        let output = again(&[RUN, &case, subject.name(), side.as_str(), &samples])?;
        Ok(String::from_utf8(output.stdout)?.trim().parse().ok())
    };
    let (bare, traced) = (peak(Side::Bare)?, peak(Side::Traced)?);
    Ok(bare.zip(traced).map(|(bare, traced)| traced - bare))
}
