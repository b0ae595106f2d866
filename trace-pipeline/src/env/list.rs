//! Lists of keys and values in the manner of W3C Baggage: `key=value,key2=value2`, with `%` and two hex digits for
//! what would be taken for structure.

/// A list breaks the grammar. Says where, not what: values may be secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidMember {
    /// Counted from 1.
    pub(crate) position: usize,
}

/// The decoded members, one after the other. Empty ones are skipped.
pub(crate) fn members(text: &str) -> impl Iterator<Item = Result<(String, String), InvalidMember>> {
    text.split(',')
        .enumerate()
        .filter(|(_, member)| !member.trim().is_empty())
        .map(|(index, member)| {
            let invalid = InvalidMember {
                position: index + 1,
            };
            let (key, value) = member.split_once('=').ok_or(invalid)?;
            let key = percent_decode(key.trim()).ok_or(invalid)?;
            let value = percent_decode(value.trim()).ok_or(invalid)?;
            if key.is_empty() {
                Err(invalid)
            } else {
                Ok((key, value))
            }
        })
}

/// The text with every `%41` decoded; `None` when a `%` has no two hex digits behind it, or the result is not UTF-8.
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Result<Vec<(String, String)>, InvalidMember> {
        members(text).collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn members_are_trimmed_and_decoded() {
        let expected = vec![pair("a", "1,2=%"), pair("b", "x=y"), pair("c", "")];
        assert_eq!(all(" a = 1%2C2%3D%25 ,, b=x=y,c="), Ok(expected));
        assert_eq!(all("k=%C3%BC"), Ok(vec![pair("k", "ü")]));
    }

    #[test]
    fn a_broken_member_is_found() {
        for text in [
            "a=1,b",
            "a=1,=2",
            "a=1,b=%4",
            "a=1,b=%zz",
            "a=1,b=%ff",
            "a=1,b=%",
        ] {
            assert_eq!(all(text), Err(InvalidMember { position: 2 }), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(text in any::<String>()) {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(percent_decode(&encoded), Some(text));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = members(&text).count();
        }
    }
}
