use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn templates<const N: usize>(list: [&str; N]) -> Templates {
    Templates::new(list).unwrap()
}

/// What is wrong with a list, as its message.
fn complaint<const N: usize>(list: [&str; N]) -> String {
    Templates::new(list).unwrap_err().to_string()
}

#[test]
fn no_templates_match_nothing() {
    let none = Templates::default();
    assert!(none.is_empty());
    assert_eq!(none.find("/"), None);
    assert_eq!(none.find_for("example.com", "/"), None);
    assert!(!templates(["/"]).is_empty());
    assert!(!templates(["//h/"]).is_empty());
}

#[test]
fn parameter_takes_one_segment() {
    let templates = templates(["/users/{id}"]);
    assert_eq!(templates.find("/users/42"), Some("/users/{id}"));
    assert_eq!(templates.find("/users/a%2Fb"), Some("/users/{id}"));
    assert_eq!(templates.find("/users/ä {}"), Some("/users/{id}"));
    for path in [
        "/users",
        "/users/",
        "/users/42/",
        "/users/42/x",
        "/Users/42",
        "/user/42",
        "users/42",
        "/",
        "",
        "*",
    ] {
        assert_eq!(templates.find(path), None, "{path}");
    }
}

#[test]
fn rest_takes_all_that_is_left() {
    let templates = templates(["/files/{*path}"]);
    for path in [
        "/files/a",
        "/files/a/b",
        "/files/a/",
        "/files//",
        "/files//a",
    ] {
        assert_eq!(templates.find(path), Some("/files/{*path}"), "{path}");
    }
    for path in ["/files", "/files/", "/file/a"] {
        assert_eq!(templates.find(path), None, "{path}");
    }
}

#[test]
fn trailing_slash_and_empty_segments_count() {
    let templates = templates(["/", "/a", "/a/", "/a//b", "/a/{x}/b"]);
    for path in ["/", "/a", "/a/", "/a//b"] {
        assert_eq!(templates.find(path), Some(path));
    }
    assert_eq!(templates.find("//"), None);
    assert_eq!(templates.find("/a//c"), None);
}

#[test]
fn percent_encoding_is_compared_as_it_was_sent() {
    let templates = templates(["/caf%C3%A9", "/naïve"]);
    assert_eq!(templates.find("/caf%C3%A9"), Some("/caf%C3%A9"));
    assert_eq!(templates.find("/caf%c3%a9"), None);
    assert_eq!(templates.find("/café"), None);
    assert_eq!(templates.find("/naïve"), Some("/naïve"));
}

#[test]
fn more_specific_goes_first_whatever_the_order() {
    let list = [
        "/{*rest}",
        "/{kind}/{id}",
        "/users/{id}",
        "/users/me",
        "/users/{id}.json",
        "/users/u-{id}.json",
        "/users/{id}/orders/{order}",
        "/users/{*rest}",
    ];
    let mut reversed = list;
    reversed.reverse();
    for templates in [templates(list), templates(reversed)] {
        for (path, expected) in [
            ("/users/me", "/users/me"),
            ("/users/you", "/users/{id}"),
            ("/users/u-7.json", "/users/u-{id}.json"),
            ("/users/7.json", "/users/{id}.json"),
            ("/users/.json", "/users/{id}"),
            ("/users/7/orders/8", "/users/{id}/orders/{order}"),
            ("/users/me/orders/8", "/users/{id}/orders/{order}"),
            ("/users/7/baskets/8", "/users/{*rest}"),
            ("/orders/7", "/{kind}/{id}"),
            ("/orders/7/8", "/{*rest}"),
            ("/orders", "/{*rest}"),
        ] {
            assert_eq!(templates.find(path), Some(expected), "{path}");
        }
    }
}

#[test]
fn leftmost_segment_decides() {
    let templates = templates(["/{x}/b/c", "/a/{x}/c"]);
    assert_eq!(templates.find("/a/b/c"), Some("/a/{x}/c"));
    assert_eq!(templates.find("/b/b/c"), Some("/{x}/b/c"));
}

#[test]
fn text_around_a_parameter_must_be_there_and_leave_something() {
    let templates = templates(["/v1/{name}:cancel", "/report-{day}.pdf"]);
    assert_eq!(templates.find("/v1/7:cancel"), Some("/v1/{name}:cancel"));
    assert_eq!(templates.find("/report-1.pdf"), Some("/report-{day}.pdf"));
    for path in [
        "/v1/:cancel",
        "/v1/7:start",
        "/report-.pdf",
        "/report.pdf",
        "/report-1",
    ] {
        assert_eq!(templates.find(path), None, "{path}");
    }
    let overlapping = Templates::new(["/aa{x}aa"]).unwrap();
    assert_eq!(overlapping.find("/aaa"), None);
    assert_eq!(overlapping.find("/aaaaa"), Some("/aa{x}aa"));
}

#[test]
fn host_limits_its_templates_and_goes_first() {
    let templates = templates([
        "/users/{id}",
        "//API.example.com/users/{name}",
        "//api.example.com/teams/{id}",
        "//[::1]/debug/{what}",
        "//cdn.example.com/{*file}",
    ]);
    for (host, path, expected) in [
        ("api.example.com", "/users/7", Some("/users/{name}")),
        ("API.EXAMPLE.com", "/teams/7", Some("/teams/{id}")),
        ("other.example.com", "/users/7", Some("/users/{id}")),
        ("other.example.com", "/teams/7", None),
        ("cdn.example.com", "/users/7", Some("/{*file}")),
        ("::1", "/debug/heap", Some("/debug/{what}")),
        ("[::1]", "/debug/heap", Some("/debug/{what}")),
        ("[::1]", "/users/7", Some("/users/{id}")),
        ("", "/users/7", Some("/users/{id}")),
    ] {
        assert_eq!(templates.find_for(host, path), expected, "{host} {path}");
    }
    assert_eq!(templates.find("/users/7"), Some("/users/{id}"));
    assert_eq!(templates.find("/teams/7"), None);
}

#[test]
fn found_template_can_be_kept_without_a_copy() {
    let templates = templates(["/users/{id}", "//h/teams/{id}"]);
    let first = templates.find_shared("/users/1").unwrap();
    let second = templates.find_shared_for("h", "/users/2").unwrap();
    assert!(Arc::ptr_eq(first, second));
    let own = templates.find_shared_for("h", "/teams/2").unwrap();
    assert_eq!(&**own, "/teams/{id}");
}

#[test]
fn broken_template_is_named_with_its_fault() {
    for (template, fault) in [
        ("", "it must begin with `/`, or with `//host/`"),
        ("users", "it must begin with `/`, or with `//host/`"),
        ("https://h/x", "it must begin with `/`, or with `//host/`"),
        ("//h", "it must begin with `/`, or with `//host/`"),
        ("///x", "`` is not a host name without port"),
        ("//h:80/x", "`h:80` is not a host name without port"),
        ("//h:x/x", "`h:x` is not a host name without port"),
        ("//u@h/x", "`u@h` is not a host name without port"),
        ("//{host}/x", "`{host}` is not a host name without port"),
        ("/x?y={z}", "it holds `?` or `#`, but matches paths only"),
        ("/x#y", "it holds `?` or `#`, but matches paths only"),
        ("/x y", "it holds white space or a control character"),
        ("/x\n", "it holds white space or a control character"),
        ("/:id", "write `{id}` for `:id`"),
        ("/*rest", "write `{*rest}` for `*rest`"),
        ("/{*rest}/x", "`{*name}` must be the whole last segment"),
        ("/{*rest}/", "`{*name}` must be the whole last segment"),
        ("/a{*rest}", "`{*name}` must be the whole last segment"),
        ("/{*rest}.js", "`{*name}` must be the whole last segment"),
        (
            "/{a}.{b}",
            "`{a}.{b}` holds two parameters, but a segment may hold one",
        ),
        ("/{a", "`{a` has braces that do not pair"),
        ("/a}", "`a}` has braces that do not pair"),
        ("/}{a}", "`}{a}` has braces that do not pair"),
        ("/{a}}", "`{a}}` has braces that do not pair"),
        ("/{{a}}", "`{{a}}` has braces that do not pair"),
        ("/{a/b}", "`{a` has braces that do not pair"),
        (
            "/{}",
            "`` is not a parameter name, which has letters, digits, `_`, `-` and `.` only",
        ),
        (
            "/{*}",
            "`*` is not a parameter name, which has letters, digits, `_`, `-` and `.` only",
        ),
        (
            "/{id:[0-9]+}",
            "`id:[0-9]+` is not a parameter name, which has letters, digits, `_`, `-` and `.` only",
        ),
    ] {
        assert_eq!(
            complaint([template]),
            format!("invalid route template `{template}`: {fault}")
        );
    }
    assert_eq!(
        Templates::new(["/ok", "/{", "bad"]).unwrap_err().template(),
        "/{"
    );
}

#[test]
fn templates_for_the_same_paths_conflict_unless_equal() {
    assert_eq!(
        complaint(["/users/{id}", "/users/{name}"]),
        "invalid route template `/users/{name}`: it matches the same paths as `/users/{id}`"
    );
    assert_eq!(
        complaint(["//h/{*a}", "//H/{*b}"]),
        "invalid route template `//H/{*b}`: it matches the same paths as `/{*a}`"
    );
    assert!(Templates::new(["/users/{id}", "/users/{id}", "/users/{id}/"]).is_ok());
    assert!(Templates::new(["/a{x}b", "/a{x}c", "/b{x}b", "/{x}"]).is_ok());
    assert!(Templates::new(["/users/{id}", "//h/users/{name}"]).is_ok());
}

#[test]
fn depth_of_a_template_is_bounded_and_that_of_a_path_is_free() {
    let deepest = "/{x}".repeat(parse::MAX_SEGMENTS);
    let templates = templates([&*deepest]);
    assert_eq!(
        templates.find(&"/a".repeat(parse::MAX_SEGMENTS)),
        Some(&*deepest)
    );
    assert_eq!(templates.find(&"/a".repeat(100_000)), None);
    assert_eq!(
        complaint([&*format!("{deepest}/a")]),
        format!("invalid route template `{deepest}/a`: it has more than 64 segments")
    );
}

/// A plain reading of the documentation for one template, to compare with.
fn matches(template: &str, path: &str) -> bool {
    let (Some(template), Some(path)) = (template.strip_prefix('/'), path.strip_prefix('/')) else {
        return false;
    };
    let mut path = Some(path);
    for pattern in template.split('/') {
        let Some(left) = path else { return false };
        if pattern.starts_with("{*") {
            return !left.is_empty();
        }
        let (segment, next) = match left.split_once('/') {
            None => (left, None),
            Some((segment, next)) => (segment, Some(next)),
        };
        path = next;
        let fits = match pattern.split_once('{') {
            None => pattern == segment,
            Some((before, after)) => {
                let after = after.split_once('}').unwrap().1;
                segment
                    .strip_prefix(before)
                    .and_then(|segment| segment.strip_suffix(after))
                    .is_some_and(|value| !value.is_empty())
            }
        };
        if !fits {
            return false;
        }
    }
    path.is_none()
}

proptest! {
    #[test]
    fn any_text_makes_templates_or_an_error(list in prop::collection::vec("[/{}*:a.b?]{0,12}|\\PC{0,8}", 0..5), path in "\\PC*") {
        if let Ok(templates) = Templates::new(list) {
            let _ = templates.find(&path);
            let _ = templates.find_for("a", &path);
        }
    }

    #[test]
    fn tree_finds_what_a_plain_search_finds(
        list in prop::collection::btree_set("(/(a|b|ab|\\{x\\}|a\\{x\\}|\\{x\\}b)?){1,5}(/\\{\\*r\\})?", 1..12),
        path in "(/(a|b|ab|aab|c)?){1,6}",
    ) {
        // A leading `//` would name a host.
        let list: BTreeSet<String> = list.into_iter().filter(|t| !t.starts_with("//")).collect();
        let templates = Templates::new(list.iter()).unwrap();
        match templates.find(&path) {
            Some(found) => prop_assert!(list.contains(found) && matches(found, &path), "{}", found),
            None => prop_assert!(!list.iter().any(|template| matches(template, &path))),
        }
    }

    #[test]
    fn filled_in_template_is_found(
        template in "/(a|b|\\{x\\}|v\\{x\\})(/(a|b|\\{x\\}|v\\{x\\})){0,4}",
        value in "[^/]{1,10}",
    ) {
        let templates = Templates::new([&template]).unwrap();
        let path = template.replace("{x}", &value);
        prop_assert_eq!(templates.find(&path), Some(&*template));
    }
}
