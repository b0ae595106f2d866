/// The number of a partition as text, without memory from the heap.
pub(super) struct Digits {
    text: [u8; 10],
    start: usize,
}

impl Digits {
    /// `None` for a partition that is not assigned yet.
    pub(super) fn of(partition: i32) -> Option<Self> {
        let mut rest = u32::try_from(partition).ok()?;
        let mut digits = Self {
            text: [b'0'; 10],
            start: 10,
        };
        while rest > 0 || digits.start == 10 {
            digits.start -= 1;
            digits.text[digits.start] += u8::try_from(rest % 10).ok()?;
            rest /= 10;
        }
        Some(digits)
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.text[self.start..]).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_written_in_decimal() {
        for partition in [0, 7, 10, 42, 1_000_000, i32::MAX] {
            let digits = Digits::of(partition).unwrap();
            assert_eq!(digits.as_str(), Some(partition.to_string().as_str()));
        }
        assert!(Digits::of(-1).is_none());
    }
}
