/// Whether a routing key fits the pattern of a topic exchange: `*` is one word, `#` any number of them.
pub(super) fn matches(pattern: &str, key: &str) -> bool {
    let words: Vec<&str> = words(key).collect();
    // Which beginnings of the key the pattern so far fits, by their number of words.
    let mut fits = vec![false; words.len() + 1];
    fits[0] = true;
    for part in self::words(pattern) {
        if part == "#" {
            let first = fits.iter().position(|fit| *fit).unwrap_or(fits.len());
            fits[first..].fill(true);
            continue;
        }
        for at in (0..words.len()).rev() {
            fits[at + 1] = fits[at] && (part == "*" || part == words[at]);
        }
        fits[0] = false;
    }
    fits[words.len()]
}

/// An empty text has no words.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('.').filter(move |_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_is_one_word_and_a_hash_any_number() {
        for (pattern, key, fits) in [
            ("orders.*", "orders.eu", true),
            ("orders.*", "orders", false),
            ("orders.*", "orders.eu.paid", false),
            ("orders.#", "orders", true),
            ("orders.#", "orders.eu.paid", true),
            ("#", "", true),
            ("*", "", false),
            ("", "", true),
            ("#.paid", "orders.eu.paid", true),
            ("*.*.paid", "orders.eu.paid", true),
            ("orders.#.paid.#", "orders.paid.paid.x", true),
            ("orders", "Orders", false),
        ] {
            assert_eq!(matches(pattern, key), fits, "{pattern} {key}");
        }
    }

    /// The definition, word by word.
    fn naive(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern, key) {
            ([], []) => true,
            (["#", rest @ ..], _) => (0..=key.len()).any(|skip| naive(rest, &key[skip..])),
            (["*", rest @ ..], [_, key @ ..]) => naive(rest, key),
            ([word, rest @ ..], [first, key @ ..]) => word == first && naive(rest, key),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn patterns_fit_as_defined(pattern in "([ab*#](\\.[ab*#]){0,5})?", key in "([ab](\\.[ab]){0,6})?") {
            let words = |text| words(text).collect::<Vec<_>>();
            let (parts, keys) = (words(pattern.as_str()), words(key.as_str()));
            prop_assert_eq!(matches(&pattern, &key), naive(&parts, &keys));
        }
    }
}
