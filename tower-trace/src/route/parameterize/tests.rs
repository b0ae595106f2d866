use proptest::prelude::*;

use super::*;

fn name(path: &str) -> String {
    parameterize(path, &mut String::new()).to_owned()
}

/// The name of a path of one segment.
fn segment(text: &str) -> String {
    name(&format!("/{text}")).split_off(1)
}

#[track_caller]
fn all_become(expected: &str, segments: &[&str]) {
    for text in segments {
        assert_eq!(segment(text), expected, "{text}");
    }
}

#[track_caller]
fn all_stay(segments: &[&str]) {
    for text in segments {
        assert_eq!(segment(text), *text);
    }
}

#[test]
fn paths_become_routes() {
    for (path, expected) in [
        ("/", "/"),
        ("", ""),
        ("*", "*"),
        ("/users", "/users"),
        ("/users/", "/users/"),
        ("//users//", "//users//"),
        ("/users/42", "/users/{id}"),
        ("/users/42/", "/users/{id}/"),
        (
            "/users/42/orders/550e8400-e29b-41d4-a716-446655440000",
            "/users/{id}/orders/{uuid}",
        ),
        (
            "/api/v1/users/ann@example.com/avatar.png",
            "/api/v1/users/{email}/avatar.png",
        ),
        ("/reports/2026-11-21/daily.csv", "/reports/{date}/daily.csv"),
        (
            "/blog/2026/11/21/my-first-post",
            "/blog/{id}/{id}/{id}/my-first-post",
        ),
        (
            "/v1/customers/cus_9s6XKzkNRiz8i3/sources",
            "/v1/customers/{id}/sources",
        ),
        (
            "/v1/projects/shop/topics/orders-7f3b:publish",
            "/v1/projects/shop/topics/{id}:publish",
        ),
        ("/webshop/articles/4", "/webshop/articles/{id}"),
        (
            "/.well-known/openid-configuration",
            "/.well-known/openid-configuration",
        ),
        (
            "/v2/library/nginx/manifests/sha256:2f1e0a9b8c7d6e5f",
            "/v2/library/nginx/manifests/{hash}",
        ),
        ("/a/../b/./c", "/a/../b/./c"),
        ("/users/42?sig=abc", "/users/{id}"),
        ("/users?sig=abc", "/users"),
        ("/users#42", "/users"),
        ("42/users", "{id}/users"),
    ] {
        assert_eq!(name(path), expected, "{path}");
    }
}

#[test]
fn integers_are_ids() {
    all_become(
        "{id}",
        &[
            "0",
            "7",
            "42",
            "-5",
            "2026",
            "404",
            "1700000000",
            "1700000000000",
            "18446744073709551616",
            "99999999",
            "1,2,3",
        ],
    );
}

#[test]
fn uuids_have_a_name() {
    all_become(
        "{uuid}",
        &[
            "550e8400-e29b-41d4-a716-446655440000",
            "550E8400-E29B-41D4-A716-446655440000",
            "00000000-0000-0000-0000-000000000000",
        ],
    );
}

#[test]
fn ulids_have_a_name() {
    all_become(
        "{ulid}",
        &[
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01arz3ndektsv4rrffq69g5fav",
            "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        ],
    );
}

#[test]
fn digests_have_a_name() {
    all_become(
        "{hash}",
        &[
            "3f2a9c1",
            "3F2A9C1",
            "deadbeef01",
            "d41d8cd98f00b204e9800998ecf8427e",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "11111111111111111111111111111111",
            "4bf92f3577b34da6",
            "sha256:2f1e0a9",
            "0x71C7656EC7ab88b098defB751B7401B5f6d8976F",
        ],
    );
    all_become("{hash}.js", &["d41d8cd98f00b204e9800998ecf8427e.js"]);
    all_stay(&["facade", "decade", "deadbeef", "defaced", "bed", "cafe"]);
}

#[test]
fn dates_have_a_name() {
    all_become(
        "{date}",
        &[
            "2026-11-21",
            "2026-11",
            "2026_11_21",
            "2026.11.21",
            "20261121",
            "1999-12-31",
            "2026-11-21T10:00:00Z",
            "2026-11-21T10:00:00.5+01:00",
            "20261121T100000Z",
        ],
    );
    all_become("{date}.csv", &["2026-11-21.csv", "20261121.csv"]);
    all_become(
        "{id}",
        &[
            "2026-13-21",
            "2026-11-32",
            "20261321",
            "2026-00",
            "1026-11-21",
            "2026-11-21x",
            "2026x-11",
        ],
    );
}

#[test]
fn email_addresses_have_a_name() {
    all_become(
        "{email}",
        &[
            "ann@example.com",
            "ann%40example.com",
            "ann.b+shop@mail.example.co.uk",
            "ann%2Bshop%40example.com",
            "42@example.com",
            "ann@example.rs",
            "ann@notes.md",
        ],
    );
    all_become("{text}", &["ann%40", "%40ann", "ann%40localhost"]);
}

#[test]
fn addresses_have_a_name() {
    all_become(
        "{ip}",
        &[
            "10.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "2001:db8::ff00:42:8329",
            "::1",
            "fe80::ab",
        ],
    );
}

#[test]
fn handles_have_a_name() {
    all_become("{handle}", &["@ann", "@ann.b", "@user-42"]);
    all_stay(&["@me", "@self"]);
}

#[test]
fn opaque_ids_are_ids() {
    all_become(
        "{id}",
        &[
            "507f1f77bcf86cd799439011",
            "507f191e810c19729de860ea",
            "cus_9s6XKzkNRiz8i3",
            "pi_3MtwBwLkdIwHu7ix28a3tqPa",
            "user_01h455vb4pex5vsknk084sn02q",
            "V1StGXR8_Z5jdHi6B-myT",
            "0ujtsYcgvSTl8PAuAdqWYSMnLOv",
            "cjld2cjxh0000qzrmn831i7rn",
            "tz4a98xxat96iws9zmbrgj3a",
            "dQw4w9WgXcQ",
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
            "i-0abcd1234efgh5678",
            "ABC-12345",
            "order-12345",
            "user42",
            "a7x",
            "10x20",
            "1.5e10",
            "00:1a:2b:3c:4d:5e",
            "4111-1111-1111-1111",
            "978-3-16-148410-0",
            "52.52",
            "52.5200,13.4050".split_once(',').unwrap().0,
            "nginx-deployment-6b474476c4-xkwvd",
            "my-great-post-12345",
            "react@18.2.0",
            "order-550e8400-e29b-41d4-a716-446655440000",
            "aGVsbG8gd29ybGQ=",
        ],
    );
}

#[test]
fn capitals_and_consonants_give_letters_away() {
    all_become(
        "{id}",
        &[
            "QwErTyUiOpAs",
            "xkqzvwptbn",
            "XKQZVWPTBN",
            "kNRizXKzsXKzs",
            "thequickbrownfoxjumpsoverthelazydog",
        ],
    );
    all_become(
        "{token}",
        &["abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"],
    );
}

#[test]
fn long_ids_and_web_tokens_are_tokens() {
    all_become(
        "{token}",
        &[
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1r",
            "eyJhbGciOiJub25lIn0.e30.",
            "github_pat_11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789",
            "dBjftJeZ4CVPmB92K27uhbUJU1p1rwWYx8b7lK6cXkM",
            "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopq",
        ],
    );
    assert_eq!(segment(&"a1".repeat(5000)), "{token}");
    assert_eq!(segment(&"a%20".repeat(5000)), "{token}");
}

#[test]
fn text_that_is_encoded_or_odd_is_text() {
    all_become(
        "{text}",
        &[
            "caf%C3%A9",
            "café",
            "hello%20world",
            "%",
            "%ZZ",
            "a b",
            "Users('ann')",
            "{x}",
            "{",
            "a|b",
            "<script>",
            "$1",
            "----",
            "\u{0}",
        ],
    );
}

#[test]
fn words_stay() {
    all_stay(&[
        "users",
        "a",
        "x",
        "health",
        "healthz",
        "livez",
        "users.list",
        "com.example.app",
        "example.com",
        "wp-admin",
        "wp-login.php",
        "xmlrpc.php",
        "robots.txt",
        "favicon.ico",
        "sitemap.xml",
        "index.html",
        "jquery.min.js",
        "graphql",
        "GraphQL",
        "getUserById",
        "getUserIDs",
        "HTTPServer",
        "XMLHttpRequest",
        "parseJSONFromURL",
        "iPhone",
        "signInWithGoogle",
        "CreateCMSPage",
        "JavaScript",
        "macOS",
        "OpenIDConnect",
        "getOAuthToken",
        "listAPIKeys",
        "convertPDFToHTML",
        "updateSLAPolicy",
        "my-first-post",
        "the_quick_brown_fox",
        "en-US",
        "zh-Hans",
        "USD",
        "GETTING_STARTED",
        "Getting-Started",
        "internationalization",
        "healthcheck",
        "downstream",
        "passphrase",
        "jwks.json",
        "c++",
        "hello+world",
        "~ann",
        "_search",
        "__init__",
        "$metadata",
        "$batch",
        "users:batchGet",
        "core:user:read",
        "-",
        "_",
        "*",
        "..",
    ]);
}

#[test]
fn words_with_a_digit_stay_if_they_are_known_or_few() {
    all_stay(&[
        "oauth2",
        "s3",
        "ipv4",
        "IPv4",
        "utf8",
        "utf-8",
        "i18n",
        "k8s",
        "sha256",
        "SHA256",
        "sha256sum".split_at(6).0,
        "base64",
        "ed25519",
        "x509",
        "mp3",
        "2fa",
        "step3",
        "step-3",
        "page-1",
        "Page2",
        "getOAuth2Token",
        "upload-to-S3",
        "base64Encode",
        "my-oauth2-callback",
        "convert-to-mp3-online",
        "log4j",
        "hs256",
    ]);
    all_become(
        "{id}",
        &[
            "step33",
            "step-33",
            "step3-page2",
            "getUser2ById",
            "uploadToS3",
            "2step",
            "covid19",
            "top-10-tips",
        ],
    );
}

#[test]
fn versions_stay_if_they_are_short() {
    all_stay(&[
        "v1",
        "v2.1",
        "v12",
        "v1.41",
        "V1",
        "v1beta1",
        "v1alpha2",
        "v1p1beta1",
        "v2-beta",
        "v2.0-rc1",
        "1.1",
        "2.0",
    ]);
    all_become(
        "{version}",
        &[
            "v1.2.3",
            "1.20.3",
            "3.6.0",
            "v2026",
            "v1.2.3-beta",
            "1.2.3.4.5",
        ],
    );
    all_become("{version}.zip", &["v1.2.3.zip"]);
}

#[test]
fn extension_stays_if_it_is_known() {
    for (text, expected) in [
        ("42.json", "{id}.json"),
        ("42.JSON", "{id}.JSON"),
        ("app.3f2a9c1b.js", "{id}.js"),
        ("main-BX3d9fZQ.css", "{id}.css"),
        ("550e8400-e29b-41d4-a716-446655440000.png", "{uuid}.png"),
        ("archive-2026.tar.gz", "{id}.gz"),
        ("42.x9z", "{id}"),
        ("42.", "{id}"),
        ("caf%C3%A9.pdf", "{text}.pdf"),
        (".json", ".json"),
        ("report.json", "report.json"),
    ] {
        assert_eq!(segment(text), expected, "{text}");
    }
}

#[test]
fn verb_stays_if_it_is_a_word() {
    for (text, expected) in [
        ("42:cancel", "{id}:cancel"),
        ("42:cancel2", "{id}"),
        ("42:", "{id}"),
        (":42", "{id}"),
        ("42:xkqzvwptbn", "{id}"),
        ("1:2:cancel", "{id}"),
        ("ann@example.com:block", "{email}:block"),
    ] {
        assert_eq!(segment(text), expected, "{text}");
    }
}

#[test]
fn matrix_parameters_are_dropped() {
    assert_eq!(name("/cars;color=red/42;jsessionid=0A1B2C"), "/cars/{id}");
    assert_eq!(name("/;x=1/a"), "//a");
}

#[test]
fn deep_path_is_cut() {
    assert_eq!(name("/a/b/c/d/e/f/g/h/i/j"), "/a/b/c/d/e/f/g/h/i/j");
    assert_eq!(name("/a/b/c/d/e/f/g/h/i/j/k"), "/a/b/c/d/e/f/g/h/i/{*rest}");
    assert_eq!(
        name("/1/b/c/d/e/f/g/h/i/j/k/l"),
        "/{id}/b/c/d/e/f/g/h/i/{*rest}"
    );
    assert_eq!(name(&"/".repeat(60_000)), "//////////{*rest}");
}

#[test]
fn long_name_is_cut() {
    let word = "a-word-of-".repeat(6);
    let segments: Vec<&str> = vec![&word; 4];
    assert_eq!(
        name(&format!("/{}", segments.join("/"))),
        format!("/{word}/{word}/{word}/{{*rest}}")
    );
    // What is cut off makes room for `{*rest}`, to the last byte.
    let path = format!("/{word}/{word}/{word}/abababab/abababab");
    let cut = format!("/{word}/{word}/{word}/abababab/{{*rest}}");
    assert_eq!((name(&path), cut.len()), (cut, MAX_LENGTH));
    let path = format!("/{word}/{word}/{word}/ababababa/abababab");
    assert_eq!(name(&path), format!("/{word}/{word}/{word}/{{*rest}}"));
    let path = format!("/42/{word}/{word}/{word}/abababababab");
    assert_eq!(
        name(&path),
        format!("/{{id}}/{word}/{word}/{word}/{{*rest}}")
    );
}

#[test]
fn unchanged_path_is_borrowed_and_the_buffer_untouched() {
    let mut out = String::new();
    let path = "/api/v1/users/me";
    let name = parameterize(path, &mut out);
    assert!(std::ptr::eq(name, path));
    assert_eq!(out.capacity(), 0);
}

#[test]
fn buffer_is_reused() {
    let mut out = String::with_capacity(MAX_LENGTH);
    let buffer = out.as_ptr();
    for _ in 0..3 {
        assert_eq!(parameterize("/users/42", &mut out), "/users/{id}");
        let long = "/42".repeat(1000);
        assert!(parameterize(&long, &mut out).len() <= MAX_LENGTH);
    }
    assert_eq!((out.as_ptr(), out.capacity()), (buffer, MAX_LENGTH));
}

#[test]
fn letters_alone_seldom_hide_a_random_id() {
    // Ids of 21 letters in both cases, from a fixed sequence (a linear congruential generator).
    let mut state = 1_u64;
    let mut letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        char::from(letters[usize::try_from(state >> 33).unwrap() % letters.len()])
    };
    let kept = (0..10_000)
        .map(|_| (0..21).map(|_| letter()).collect::<String>())
        .filter(|id| segment(id) == *id)
        .count();
    assert!(kept < 200, "{kept} of 10000 ids passed for words");
}

fn segments_of(path: &str) -> usize {
    path.split('/').count()
}

fn has_digit_and_letter(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) && text.contains(|c: char| c.is_ascii_alphabetic())
}

const BASE62: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Random ids with at least a digit and a letter, each character as likely as any other. (In a regular expression each
/// *range* is as likely as any other.)
fn random_id(
    alphabet: &'static str,
    length: impl Into<prop::collection::SizeRange>,
) -> impl Strategy<Value = String> {
    let character = prop::sample::select(alphabet.as_bytes()).prop_map(char::from);
    prop::collection::vec(character, length)
        .prop_map(String::from_iter)
        .prop_filter("an id without digits or letters", |id| {
            has_digit_and_letter(id)
        })
}

proptest! {
    #[test]
    fn any_text_gets_one_short_name(path in "\\PC{0,80}") {
        let once = name(&path);
        prop_assert_eq!(&name(&once), &once);
        prop_assert!(segments_of(&once) <= segments_of(&path));
        prop_assert!(once.len() <= MAX_LENGTH);
    }

    #[test]
    fn any_path_gets_one_short_name(
        path in "(/([a-zA-Z0-9]{0,12}|[a-f0-9]{7,40}|[0-9]{1,20}|[a-z@.:;%{}*$~=+_-]{0,12}|\\{(id|hash|\\*rest)\\}|(x|1|-|\\.|:|json|cancel|v|T|2026|11){0,6}|[a-z-]{20,70})){0,14}",
    ) {
        let once = name(&path);
        prop_assert_eq!(&name(&once), &once);
        prop_assert!(segments_of(&once) <= segments_of(&path));
        prop_assert!(once.len() <= MAX_LENGTH);
        prop_assert!(once.is_ascii());
    }

    #[test]
    fn integer_is_always_an_id(number in any::<u64>()) {
        prop_assume!(!(19_000_000..21_000_000).contains(&number));
        prop_assert_eq!(name(&format!("/users/{number}")), "/users/{id}");
    }

    #[test]
    fn uuid_is_always_a_uuid(bits in any::<u128>(), upper in any::<bool>()) {
        let hex = format!("{bits:032x}");
        let text = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
        prop_assert_eq!(segment(&if upper { text.to_uppercase() } else { text }), "{uuid}");
    }

    #[test]
    fn ulid_is_always_a_ulid(text in "[0-7][0-9A-HJKMNP-TV-Z]{24}[A-HJKMNP-TV-Z]", lower in any::<bool>()) {
        prop_assert_eq!(segment(&if lower { text.to_lowercase() } else { text }), "{ulid}");
    }

    #[test]
    fn digest_is_always_a_hash(text in "[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}") {
        prop_assert_eq!(segment(&text), "{hash}");
    }

    #[test]
    fn abbreviated_commit_is_always_a_hash(text in "[0-9a-f]{7,23}") {
        prop_assume!(has_digit_and_letter(&text));
        prop_assert_eq!(segment(&text), "{hash}");
    }

    #[test]
    fn date_is_always_a_date(
        year in 1900..2100,
        month in 1..13,
        day in 1..32,
        time in "(T[0-2][0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,3})?)?Z)?",
    ) {
        prop_assert_eq!(segment(&format!("{year}-{month:02}-{day:02}{time}")), "{date}");
        prop_assert_eq!(segment(&format!("{year}{month:02}{day:02}")), "{date}");
    }

    #[test]
    fn email_is_always_an_email(
        local in "[a-z0-9][a-z0-9._+-]{0,20}",
        at in "@|%40",
        domain in "([a-z0-9]{1,12}\\.){1,3}[a-z]{2,6}",
    ) {
        prop_assert_eq!(segment(&format!("{local}{at}{domain}")), "{email}");
    }

    #[test]
    fn object_id_is_always_an_id(text in "[0-9a-f]{24}") {
        prop_assume!(text.contains(|c: char| c.is_ascii_digit()));
        prop_assert_eq!(segment(&text), "{id}");
    }

    #[test]
    fn nanoid_is_always_an_id(text in random_id(BASE64, 21)) {
        prop_assert_eq!(segment(&text), "{id}");
    }

    #[test]
    fn ksuid_is_always_an_id(text in random_id(BASE62, 27)) {
        prop_assert_eq!(segment(&text), "{id}");
    }

    #[test]
    fn stripe_id_is_always_an_id(prefix in "(cus|pi|ch|acct|price)_", text in random_id(BASE62, 14..=24)) {
        prop_assert_eq!(segment(&format!("{prefix}{text}")), "{id}");
    }

    #[test]
    fn collision_resistant_id_is_always_an_id(text in "[a-z][a-z0-9]{23}") {
        prop_assume!(has_digit_and_letter(&text));
        prop_assume!(text.contains(|c: char| c > 'f'));
        prop_assert_eq!(segment(&text), "{id}");
    }

    #[test]
    fn web_token_is_always_a_token(text in "eyJ[A-Za-z0-9_-]{10,40}\\.[A-Za-z0-9_-]{10,60}\\.[A-Za-z0-9_-]{20,43}") {
        prop_assert_eq!(segment(&text), "{token}");
    }

    #[test]
    fn long_base64_is_always_a_token(text in random_id(BASE64, 43..=86)) {
        prop_assert_eq!(segment(&text), "{token}");
    }

    #[test]
    fn percent_encoded_text_is_always_text(text in "[a-z]{0,8}(%[0-9A-F]{2}[a-z0-9]{0,4}){1,8}") {
        prop_assert_eq!(segment(&text), "{text}");
    }
}
