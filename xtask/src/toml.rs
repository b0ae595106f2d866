//! Just enough TOML to read our own manifests, so that the tasks build in seconds.
//!
//! Understood are `[section]` headers, `key = value` lines and lists of strings over several lines.

/// The `key = value` lines of `section`, trimmed and without comments.
pub(crate) fn entries<'a>(
    text: &'a str,
    section: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    lines_of(text, section).filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        Some((key.trim(), value.trim()))
    })
}

/// Whether `key` of `section` is taken from the workspace.
pub(crate) fn is_inherited(text: &str, section: &str, key: &str) -> bool {
    entries(text, section).any(|(name, value)| {
        let value: String = value
            .chars()
            .filter(|character| !character.is_whitespace())
            .collect();
        name.strip_prefix(key)
            .is_some_and(|rest| match rest.trim() {
                ".workspace" => value == "true",
                "" => value == "{workspace=true}",
                _ => false,
            })
    })
}

/// The strings in the list `key` of `section`; `None` when there is no such list.
pub(crate) fn strings(text: &str, section: &str, key: &str) -> Option<Vec<String>> {
    let mut lines = lines_of(text, section).skip_while(|line| {
        line.split_once('=')
            .is_none_or(|(name, _)| name.trim() != key)
    });
    let (_, first) = lines.next()?.split_once('=')?;
    let mut list = first.trim().strip_prefix('[')?.to_owned();
    for line in lines {
        if list.contains(']') {
            break;
        }
        list.push_str(line);
    }
    let (list, _) = list.split_once(']')?;
    Some(
        list.split('"')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect(),
    )
}

fn lines_of<'a>(text: &'a str, section: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .skip_while(move |line| header(line) != Some(section))
        .skip(1)
        .take_while(|line| header(line).is_none())
}

/// The name in `[name]`. A line that only opens a list is no header: its key comes first.
fn header(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
[package]
name = "tower-trace" # The folder's name.
version.workspace = true
edition = { workspace = true }
license = "MIT"

[lints]
workspace = true

[licenses]
allow = [
    "Apache-2.0", # The usual one.
    "MIT",
]
deny = ["GPL-3.0"]
"#;

    #[test]
    fn entries_stay_within_their_section() {
        let names: Vec<_> = entries(MANIFEST, "package").map(|(key, _)| key).collect();
        assert_eq!(names, ["name", "version.workspace", "edition", "license"]);
        assert_eq!(
            entries(MANIFEST, "lints").collect::<Vec<_>>(),
            [("workspace", "true")]
        );
        assert_eq!(entries(MANIFEST, "absent").count(), 0);
    }

    #[test]
    fn both_spellings_of_inheritance_are_understood() {
        assert!(is_inherited(MANIFEST, "package", "version"));
        assert!(is_inherited(MANIFEST, "package", "edition"));
        assert!(!is_inherited(MANIFEST, "package", "license"));
        assert!(!is_inherited(MANIFEST, "package", "repository"));
    }

    #[test]
    fn lists_are_read_on_one_line_and_on_many() {
        let allow = strings(MANIFEST, "licenses", "allow").unwrap();
        assert_eq!(allow, ["Apache-2.0", "MIT"]);
        let deny = strings(MANIFEST, "licenses", "deny").unwrap();
        assert_eq!(deny, ["GPL-3.0"]);
        assert_eq!(strings(MANIFEST, "licenses", "absent"), None);
    }
}
