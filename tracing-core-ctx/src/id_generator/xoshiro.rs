//! Random numbers by xoshiro256++ (David Blackman and Sebastiano Vigna, <https://prng.di.unimi.it/xoshiro256plusplus.c>, public domain).

/// Numbers of 64 bits that come again after 2^256 - 1. Quick and evenly spread, and not for secrets.
#[derive(Clone, Debug)]
pub(super) struct Xoshiro256PlusPlus([u64; 4]);

impl Xoshiro256PlusPlus {
    /// Begins where `seed` says. All zeros is the one seed from which nothing else ever comes: another one is taken for it.
    pub(super) fn from_seed(seed: [u64; 4]) -> Self {
        Self(if seed == [0; 4] { [1, 2, 3, 4] } else { seed })
    }

    #[inline]
    pub(super) const fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.0 = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        let mut numbers = Xoshiro256PlusPlus::from_seed([1, 2, 3, 4]);
        for expected in [
            41_943_041,
            58_720_359,
            3_588_806_011_781_223,
            3_591_011_842_654_386,
            9_228_616_714_210_784_205,
            9_973_669_472_204_895_162,
            14_011_001_112_246_962_877,
            12_406_186_145_184_390_807,
            15_849_039_046_786_891_736,
            10_450_023_813_501_588_000,
        ] {
            assert_eq!(numbers.next(), expected);
        }
    }

    #[test]
    fn no_seed_stands_still() {
        let mut numbers = Xoshiro256PlusPlus::from_seed([0; 4]);
        assert_ne!(numbers.next(), numbers.next());
    }
}
