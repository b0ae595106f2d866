use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::slot::segments;
use super::*;
use crate::counters::{Done, SpoolLoss};

/// A folder of its own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("trace-pipeline-spool-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What was told of spans.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    spooled: usize,
    recovered: usize,
    damaged: usize,
    expired: usize,
    full: usize,
}

impl Told {
    fn hear(&mut self, done: &Done) {
        match done {
            Done::Spooled { spans } => self.spooled += spans,
            Done::Recovered { spans } => self.recovered += spans,
            Done::SpoolLost { spans, why } => match why {
                SpoolLoss::Damaged => self.damaged += spans,
                SpoolLoss::Expired => self.expired += spans,
                SpoolLoss::Full => self.full += spans,
            },
            Done::Exported { .. } | Done::PutOff { .. } => unreachable!(),
        }
    }
}

fn config(folder: &Folder) -> SpoolConfig {
    SpoolConfig::new(&folder.0).sync(SpoolSync::Never)
}

fn open(config: SpoolConfig, told: &mut Told) -> Store {
    let slot = Slot::claim(&config.directory).unwrap();
    Store::open(config, slot, &mut |done| told.hear(&done))
}

fn append(store: &mut Store, rank: Rank, payload: &str, told: &mut Told) {
    store
        .append(rank, 1, payload.as_bytes(), &mut |done| told.hear(&done))
        .unwrap();
}

/// Reads the next group and settles it.
fn deliver(store: &mut Store, spans: usize, told: &mut Told) -> Option<String> {
    let group = store.next(spans, 1000, &mut |done| told.hear(&done))?;
    store.settle(&group);
    Some(String::from_utf8_lossy(&group.payload).into_owned())
}

/// All payloads that are left, each followed by a comma.
fn all(store: &mut Store, told: &mut Told) -> String {
    std::iter::from_fn(|| deliver(store, 1, told))
        .map(|payload| payload + ",")
        .collect()
}

fn files(folder: &Folder) -> Vec<PathBuf> {
    segments(&folder.0.join("0")).unwrap()
}

#[test]
fn records_come_out_in_the_order_in_which_they_went_in() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut store = open(config(&folder), &mut told);
    for (rank, payload) in [(Rank::First, "a"), (Rank::Rest, "b"), (Rank::First, "c")] {
        append(&mut store, rank, payload, &mut told);
    }
    assert_eq!(store.unread(), 3);
    // Several make a group, up to its limits.
    assert_eq!(deliver(&mut store, 2, &mut told).unwrap(), "ab");
    append(&mut store, Rank::Rest, "d", &mut told);
    assert_eq!(all(&mut store, &mut told), "c,d,");
    assert_eq!((store.unread(), store.bytes()), (0, 0));
    assert_eq!(files(&folder), [] as [PathBuf; 0]);
    assert_eq!((told.spooled, store.errors), (4, 0));
}

#[test]
fn an_error_does_not_go_for_what_is_none() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut store = open(config(&folder).max_bytes(64 << 10), &mut told);
    let (error, other) = ("e".repeat(1000), "x".repeat(10_000));
    // Errors fill it, and go for their like alone.
    for _ in 0..100 {
        append(&mut store, Rank::First, &error, &mut told);
    }
    let (unread, full) = (store.unread(), told.full);
    assert!(full > 0 && unread > 0);
    for _ in 0..100 {
        append(&mut store, Rank::Rest, &other, &mut told);
    }
    assert!(told.full >= full + 90, "{told:?}");
    let left = all(&mut store, &mut told);
    assert_eq!(left.matches('e').count(), 1000 * unread);
}

#[test]
fn what_is_not_settled_is_there_for_the_next_process_and_nothing_else() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut store = open(config(&folder), &mut told);
    for payload in ["a", "b", "c", "d"] {
        append(&mut store, Rank::Rest, payload, &mut told);
    }
    assert_eq!(deliver(&mut store, 1, &mut told).unwrap(), "a");
    let under_way = store.next(1, 1000, &mut |_| {}).unwrap();
    assert_eq!(deliver(&mut store, 1, &mut told).unwrap(), "c");
    drop(under_way);
    store.close();
    drop(store);

    let mut told = Told::default();
    let mut store = open(config(&folder), &mut told);
    // The third arrived, but behind one that did not: it comes again.
    assert_eq!((told.recovered, store.unread()), (3, 3));
    append(&mut store, Rank::First, "e", &mut told);
    assert_eq!(all(&mut store, &mut told), "b,c,d,e,");
    assert_eq!(files(&folder), [] as [PathBuf; 0]);
}

#[test]
fn a_process_that_dies_leaves_what_it_wrote() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut store = open(config(&folder), &mut told);
    append(&mut store, Rank::Rest, "a", &mut told);
    append(&mut store, Rank::First, "b", &mut told);
    // No close.
    drop(store);
    let mut told = Told::default();
    let mut store = open(config(&folder), &mut told);
    assert_eq!((told.recovered, store.cut), (2, 0));
    assert_eq!(all(&mut store, &mut told), "a,b,");
}

#[test]
fn a_record_that_was_not_written_to_its_end_is_cut_off() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut store = open(config(&folder), &mut told);
    append(&mut store, Rank::Rest, "first", &mut told);
    append(&mut store, Rank::Rest, "second", &mut told);
    drop(store);
    let file = &files(&folder)[0];
    let whole = fs::read(file).unwrap();
    for missing in 1..30 {
        fs::write(file, &whole[..whole.len() - missing]).unwrap();
        let mut told = Told::default();
        let store = open(config(&folder), &mut told);
        assert_eq!((told.recovered, store.cut), (1, 1), "{missing}");
        drop(store);
    }
    let mut store = open(config(&folder), &mut told);
    // What is written now is not behind the damage.
    append(&mut store, Rank::Rest, "third", &mut told);
    assert_eq!(all(&mut store, &mut told), "first,third,");
}

#[test]
fn a_payload_that_is_damaged_is_counted_and_left_out() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut store = open(config(&folder), &mut told);
    for payload in ["a", "b", "c"] {
        append(&mut store, Rank::Rest, payload, &mut told);
    }
    drop(store);
    let file = &files(&folder)[0];
    let mut bytes = fs::read(file).unwrap();
    let at = bytes.iter().rposition(|byte| *byte == b'b').unwrap();
    bytes[at] = b'x';
    fs::write(file, bytes).unwrap();
    let mut told = Told::default();
    let mut store = open(config(&folder), &mut told);
    assert_eq!(all(&mut store, &mut told), "a,c,");
    assert_eq!((told.recovered, told.damaged, store.cut), (3, 1, 0));
    assert_eq!(files(&folder), [] as [PathBuf; 0]);
}

#[test]
fn a_file_that_is_no_segment_is_removed_and_others_are_let_be() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let slot = folder.0.join("0");
    fs::create_dir_all(&slot).unwrap();
    for name in ["1.rest", "2.first", "notes.txt"] {
        fs::write(slot.join(name), b"something else").unwrap();
    }
    let mut store = open(config(&folder), &mut told);
    assert_eq!((store.cut, store.errors, told.recovered), (2, 0, 0));
    assert_eq!(all(&mut store, &mut told), "");
    assert!(slot.join("notes.txt").exists() && !slot.join("1.rest").exists());
}

#[test]
fn the_oldest_goes_when_there_is_no_room_and_failures_go_last() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut store = open(config(&folder).max_bytes(64 << 10), &mut told);
    let payload = "x".repeat(1000);
    append(&mut store, Rank::First, &payload, &mut told);
    for number in 0..200 {
        append(
            &mut store,
            Rank::Rest,
            &format!("{number}{payload}"),
            &mut told,
        );
        assert!(store.bytes() <= 64 << 10);
    }
    assert!(told.full > 100, "{told:?}");
    assert_eq!(store.unread(), 201 - told.full);
    let mut left = Vec::new();
    while let Some(group) = store.next(1, 0, &mut |_| {}) {
        left.push(String::from_utf8_lossy(&group.payload).replace('x', ""));
        store.settle(&group);
    }
    let mut expected = vec![String::new()];
    expected.extend((told.full..200).map(|number| number.to_string()));
    assert_eq!(left, expected);
}

#[test]
fn a_record_for_which_there_is_never_room_is_lost_and_costs_no_other() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut store = open(config(&folder).max_bytes(64 << 10), &mut told);
    append(&mut store, Rank::Rest, "small", &mut told);
    append(&mut store, Rank::First, &"x".repeat(64 << 10), &mut told);
    assert_eq!((told.spooled, told.full), (2, 1));
    assert_eq!(all(&mut store, &mut told), "small,");
}

#[test]
fn nothing_that_is_under_way_is_thrown_away() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut store = open(config(&folder).max_bytes(64 << 10), &mut told);
    append(&mut store, Rank::Rest, "first", &mut told);
    let under_way = store.next(1, 1000, &mut |_| {}).unwrap();
    for _ in 0..200 {
        append(&mut store, Rank::Rest, &"x".repeat(1000), &mut told);
    }
    assert!(told.full > 100);
    assert_eq!(under_way.payload, "first");
    let unread = store.unread();
    store.settle(&under_way);
    assert_eq!((store.unread(), unread + told.full), (unread, 200));
}

#[test]
fn what_is_too_old_is_thrown_away() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut store = open(config(&folder).max_age(Duration::ZERO), &mut told);
    append(&mut store, Rank::First, "a", &mut told);
    append(&mut store, Rank::Rest, "b", &mut told);
    store.expire(&mut |done| told.hear(&done));
    assert_eq!((told.expired, store.unread(), store.bytes()), (2, 0, 0));
    assert_eq!(files(&folder), [] as [PathBuf; 0]);
}

#[test]
fn two_processes_have_two_folders_and_the_next_one_finds_what_both_left() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut one = open(config(&folder), &mut told);
    let mut other = open(config(&folder), &mut told);
    append(&mut one, Rank::Rest, "one", &mut told);
    append(&mut other, Rank::Rest, "other", &mut told);
    append(&mut other, Rank::Rest, "another", &mut told);
    assert_eq!(deliver(&mut other, 1, &mut told).unwrap(), "other");
    other.close();
    drop(other);
    // The first is still there, and keeps what it has.
    let mut told = Told::default();
    let third = open(config(&folder), &mut told);
    assert_eq!(told.recovered, 1);
    drop((one, third));
    let mut told = Told::default();
    let mut store = open(config(&folder), &mut told);
    assert_eq!(told.recovered, 2);
    let left = all(&mut store, &mut told);
    assert!(left == "one,another," || left == "another,one,", "{left}");
}

#[test]
fn a_folder_that_is_taken_away_is_an_error_and_no_end() {
    let (folder, mut told) = (Folder::new(), Told::default());
    let mut store = open(config(&folder).sync(SpoolSync::Always), &mut told);
    fs::remove_dir_all(&folder.0).unwrap();
    let mut settle = |done: Done| told.hear(&done);
    assert!(store.append(Rank::Rest, 1, b"a", &mut settle).is_err());
    assert!(store.append(Rank::Rest, 1, b"b", &mut settle).is_err());
    assert_eq!((store.errors, store.unread()), (2, 0));
    assert!(store.last_error.is_some());
    fs::create_dir_all(folder.0.join("0")).unwrap();
    append(&mut store, Rank::Rest, "c", &mut told);
    assert_eq!(all(&mut store, &mut told), "c,");
}

fn damaged(path: &Path, at: usize, with: u8) {
    let mut bytes = fs::read(path).unwrap();
    let index = at % bytes.len();
    bytes[index] ^= with;
    fs::write(path, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_damaged_what_is_recovered_is_delivered_or_counted_as_damaged(
        at in 0_usize..10_000,
        with in 1_u8..,
        records in prop::collection::vec("[a-z]{0,40}", 1..12),
    ) {
        let (folder, mut told) = (Folder::new(), Told::default());
        let mut store = open(config(&folder), &mut told);
        for record in &records {
            append(&mut store, Rank::Rest, record, &mut told);
        }
        drop(store);
        damaged(&files(&folder)[0], at, with);
        let mut told = Told::default();
        let mut store = open(config(&folder), &mut told);
        let left = all(&mut store, &mut told);
        let delivered: Vec<&str> = left.split_terminator(',').collect();
        prop_assert_eq!(told.recovered, delivered.len() + told.damaged);
        prop_assert!(told.damaged <= 1);
        for record in delivered {
            prop_assert!(records.iter().any(|known| known == record));
        }
        prop_assert!(told.recovered == records.len() || store.cut == 1);
        prop_assert_eq!(files(&folder), [] as [PathBuf; 0]);
    }
}
