/// A duration in milliseconds with one decimal, so that points stand below points: `471.2 ms`.
pub(crate) fn millis(nanos: u64) -> String {
    let tenths = nanos.saturating_add(50_000) / 100_000;
    if tenths == 0 && nanos > 0 {
        return "<0.1 ms".into();
    }
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_to_a_tenth_of_a_millisecond() {
        for (nanos, text) in [
            (0, "0.0 ms"),
            (1, "<0.1 ms"),
            (49_999, "<0.1 ms"),
            (50_000, "0.1 ms"),
            (1_249_999, "1.2 ms"),
            (471_150_000, "471.2 ms"),
            (12_345_678_901, "12345.7 ms"),
        ] {
            assert_eq!(millis(nanos), text, "{nanos}");
        }
    }
}
