/// The number of a partition as text, without memory from the heap.
pub(super) enum Digits {
    Few(&'static str),
    Many { text: [u8; 10], start: usize },
}

/// Few topics have more partitions.
const SMALL: [&str; 32] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
    "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31",
];

impl Digits {
    /// `None` for a partition that is not assigned yet.
    pub(super) fn of(partition: i32) -> Option<Self> {
        let index = usize::try_from(partition).ok()?;
        match SMALL.get(index) {
            Some(few) => Some(Self::Few(few)),
            None => Self::many(u32::try_from(partition).ok()?),
        }
    }

    fn many(mut rest: u32) -> Option<Self> {
        let mut text = [b'0'; 10];
        let mut start = text.len();
        while rest > 0 {
            start -= 1;
            text[start] += u8::try_from(rest % 10).ok()?;
            rest /= 10;
        }
        Some(Self::Many { text, start })
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Few(text) => Some(text),
            Self::Many { text, start } => std::str::from_utf8(text.get(*start..)?).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_written_in_decimal() {
        let small = 0..40;
        for partition in small.chain([42, 99, 100, 1_000_000, i32::MAX]) {
            let digits = Digits::of(partition).unwrap();
            assert_eq!(digits.as_str(), Some(partition.to_string().as_str()));
        }
        assert!(Digits::of(-1).is_none());
    }
}
