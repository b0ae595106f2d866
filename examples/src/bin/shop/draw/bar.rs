use std::ops::Range;

/// A stretch of time laid over a row of cells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    start: u64,
    /// Never zero.
    length: u64,
    cells: usize,
}

/// What one half of a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Block,
    Line,
    None,
}

impl Scale {
    /// Lays `time` over `cells` cells.
    pub(crate) fn new(time: Range<u64>, cells: usize) -> Self {
        Self {
            start: time.start,
            length: time.end.saturating_sub(time.start).max(1),
            cells,
        }
    }

    /// A line over `time`, a block in the stretches that are on the critical path. As wide as the scale; never invisible.
    pub(crate) fn bar(self, time: &Range<u64>, critical: &[Range<u64>]) -> String {
        let mut halves = vec![Half::None; self.cells * 2];
        let whole = self.halves(time);
        let first = whole.start.min(halves.len().saturating_sub(1));
        let whole = first..whole.end.clamp(first + 1, halves.len().max(first + 1));
        let on_path: u64 = critical.iter().map(|time| time.end - time.start).sum();
        // What is too short to be divided is shown as what it is for the most part.
        let is_block =
            whole.len() == 1 && on_path * 2 >= time.end.saturating_sub(time.start).max(1);
        fill(
            &mut halves,
            whole.clone(),
            if is_block { Half::Block } else { Half::Line },
        );
        for stretch in critical {
            let stretch = self.halves(stretch);
            fill(
                &mut halves,
                stretch.start.max(whole.start)..stretch.end.min(whole.end),
                Half::Block,
            );
        }
        halves
            .chunks(2)
            .map(|cell| glyph(cell[0], cell[1]))
            .collect()
    }

    /// `bar` with dots over the time that a message was `queued`, where nothing else is.
    pub(crate) fn in_queue(self, queued: &Range<u64>, bar: &str) -> String {
        let cells = if queued.is_empty() {
            0..0
        } else {
            self.cell(queued.start)..self.cell(queued.end)
        };
        let dotted = |(cell, sign): (usize, char)| match sign {
            ' ' if cells.contains(&cell) => '┈',
            sign => sign,
        };
        bar.chars().enumerate().map(dotted).collect()
    }

    /// The cell of a moment.
    pub(crate) fn cell(self, moment: u64) -> usize {
        (self.half(moment) / 2).min(self.cells.saturating_sub(1))
    }

    fn halves(self, time: &Range<u64>) -> Range<usize> {
        self.half(time.start)..self.half(time.end)
    }

    /// The nearest border between two halves.
    fn half(self, moment: u64) -> usize {
        let halves = self.cells as u128 * 2;
        let offset = u128::from(moment.saturating_sub(self.start).min(self.length));
        let length = u128::from(self.length);
        usize::try_from((offset * halves + length / 2) / length).unwrap_or(usize::MAX)
    }
}

fn fill(halves: &mut [Half], range: Range<usize>, half: Half) {
    if let Some(halves) = halves.get_mut(range) {
        halves.fill(half);
    }
}

const fn glyph(left: Half, right: Half) -> char {
    match (left, right) {
        (Half::None, Half::None) => ' ',
        (Half::None, Half::Line) => '╶',
        (Half::Line, Half::None) => '╴',
        (Half::Line, Half::Line) => '─',
        // There is no sign of a block and a line.
        (Half::None | Half::Line, Half::Block) => '▐',
        (Half::Block, Half::None | Half::Line) => '▌',
        (Half::Block, Half::Block) => '█',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_lies_where_its_time_does() {
        let scale = Scale::new(1000..2000, 10);
        assert_eq!(scale.bar(&(1000..2000), &[]), "──────────");
        assert_eq!(scale.bar(&(1000..1500), &[]), "─────     ");
        assert_eq!(scale.bar(&(1250..1750), &[]), "  ╶────╴  ");
    }

    #[test]
    fn the_critical_part_is_a_block() {
        let scale = Scale::new(0..1000, 10);
        let critical = [800..1000, 0..150];
        assert_eq!(scale.bar(&(0..1000), &critical), "█▌──────██");
        let critical = [150..300, 700..700];
        assert_eq!(scale.bar(&(0..1000), &critical), "─▐█───────");
    }

    #[test]
    fn time_in_a_queue_is_dotted_up_to_the_bar() {
        let scale = Scale::new(0..1000, 10);
        let bar = scale.bar(&(650..1000), &[]);
        assert_eq!(scale.in_queue(&(250..650), &bar), "  ┈┈┈┈╶───");
        assert_eq!(scale.in_queue(&(650..650), &bar), bar);
        assert_eq!(scale.in_queue(&(640..650), &bar), bar);
    }

    #[test]
    fn the_shortest_span_is_half_a_cell() {
        let scale = Scale::new(0..1000, 10);
        assert_eq!(scale.bar(&(500..500), &[]), "     ╴    ");
        assert_eq!(
            scale.bar(&(500..502), std::slice::from_ref(&(500..502))),
            "     ▌    "
        );
        assert_eq!(scale.bar(&(1000..1000), &[]), "         ╶");
    }

    #[test]
    fn a_bar_is_as_wide_as_its_scale_wherever_its_time_lies() {
        for cells in [0, 1, 7] {
            let scale = Scale::new(100..100, cells);
            for (start, end) in [(0, 0), (0, 1000), (100, 100), (5000, 6000), (200, 100)] {
                let bar = scale.bar(&(start..end), &[]);
                assert_eq!(bar.chars().count(), cells, "{start}..{end}");
            }
        }
    }

    #[test]
    fn the_last_moment_is_in_the_last_cell() {
        let scale = Scale::new(0..1000, 10);
        assert_eq!(scale.cell(0), 0);
        assert_eq!(scale.cell(550), 5);
        assert_eq!(scale.cell(1000), 9);
        assert_eq!(scale.cell(5000), 9);
    }
}
