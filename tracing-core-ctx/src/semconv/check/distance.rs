/// The longest text that is compared; the names of the conventions are shorter.
const LONGEST: usize = 64;

/// How many letters must be changed, added, left out or swapped with their neighbour to make one text of the other.
///
/// `None` if there are more than two, or if a text is too long to be a name of the conventions.
pub(super) fn distance(one: &str, other: &str) -> Option<usize> {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len().abs_diff(other.len()) > 2 || one.len() > LONGEST || other.len() > LONGEST {
        return None;
    }
    // `rows[2][j]` is the distance between the first `i` bytes of `one` and the first `j` of `other`; the other two are
    // those of `i - 1` and `i - 2`.
    let mut rows = [[0; LONGEST + 1]; 3];
    for (j, cell) in rows[2].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=one.len() {
        rows.rotate_left(1);
        rows[2][0] = i;
        for j in 1..=other.len() {
            let changed = usize::from(one[i - 1] != other[j - 1]);
            let mut least = (rows[1][j] + 1)
                .min(rows[2][j - 1] + 1)
                .min(rows[1][j - 1] + changed);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = least;
        }
    }
    Some(rows[2][other.len()]).filter(|distance| *distance <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_counted() {
        for (one, other, mistakes) in [
            ("", "", Some(0)),
            ("route", "route", Some(0)),
            ("rout", "route", Some(1)),
            ("routes", "route", Some(1)),
            ("raute", "route", Some(1)),
            ("ruote", "route", Some(1)),
            ("tuore", "route", None),
            ("hash", "path", Some(2)),
            ("ab", "", Some(2)),
            ("abc", "", None),
            ("type", "code", None),
        ] {
            assert_eq!(distance(one, other), mistakes, "{one} {other}");
            assert_eq!(distance(other, one), mistakes, "{other} {one}");
        }
    }

    #[test]
    fn long_texts_are_not_compared() {
        let long = "x".repeat(LONGEST);
        assert_eq!(distance(&long, &long), Some(0));
        let longer = "x".repeat(LONGEST + 1);
        assert_eq!(distance(&long, &longer), None);
    }
}
