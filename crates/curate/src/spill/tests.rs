//! What is in memory and what is in a file make no difference.

use clinstruct_draw::Draw;
use clinstruct_schema::Hint as _;
use proptest::prelude::*;

use super::*;

/// Budgets from nothing to more than enough, and no file at all.
fn spills(folder: &Path) -> Vec<Spill> {
    let mut all: Vec<Spill> =
        [0, 100, 5_000, 1 << 20].map(|bytes| Spill::to(folder).with_budget(bytes)).into();
    all.push(Spill::in_memory());
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_sorter_sorts(seed in any::<u64>(), count in 0_usize..3000) {
        let folder = tempfile::tempdir().unwrap();
        let mut draw = Draw::from_u64(seed);
        let records: Vec<(u32, String)> = (0..count)
            .map(|_| (draw.below(50) as u32, "ä".repeat(draw.below(40))))
            .collect();
        let mut expected = records.clone();
        expected.sort();
        for spill in spills(folder.path()) {
            // Two that are merged, as by two threads.
            let mut sorters = [Sorter::new(&spill, spill.share(1)), Sorter::new(&spill, spill.share(1))];
            for (i, record) in records.iter().enumerate() {
                sorters[i % 2].push(record.clone()).unwrap();
            }
            let [mut all, other] = sorters;
            all.absorb(other);
            let sorted = all.sorted();
            // It can be read more than once.
            for _ in 0..2 {
                let found: Vec<_> = sorted.records().unwrap().collect::<Result<_>>().unwrap();
                prop_assert_eq!(&found, &expected);
            }
        }
    }

    #[test]
    fn texts_and_columns_give_back_what_they_got(seed in any::<u64>(), count in 0_usize..2000) {
        let folder = tempfile::tempdir().unwrap();
        let mut draw = Draw::from_u64(seed);
        let expected: Vec<String> = (0..count).map(|_| "né".repeat(draw.below(60))).collect();
        for spill in spills(folder.path()) {
            let mut texts = Texts::new(&spill, 1);
            let mut column = Column::new(&spill, spill.share(1));
            for (i, text) in expected.iter().enumerate() {
                texts.push(text).unwrap();
                column.push(i as u32).unwrap();
            }
            prop_assert_eq!((texts.len(), texts.is_empty()), (count, count == 0));
            let all: Vec<String> = texts.iter().collect::<Result<_>>().unwrap();
            prop_assert_eq!(&all, &expected);
            let numbers: Vec<u32> = column.iter().collect::<Result<_>>().unwrap();
            prop_assert!(numbers.iter().copied().eq(0..count as u32));
            for _ in 0..20.min(count) {
                let at = draw.below(count);
                prop_assert_eq!(&texts.get(at).unwrap(), &expected[at]);
                prop_assert_eq!(column.get(at).unwrap(), at as u32);
            }
            prop_assert_eq!(texts.get(count).unwrap(), "");
        }
    }

    #[test]
    fn what_was_seen_is_not_new(seed in any::<u64>(), count in 0_usize..2000) {
        let folder = tempfile::tempdir().unwrap();
        for spill in spills(folder.path()) {
            let mut draw = Draw::from_u64(seed);
            let mut seen = Seen::new(&spill, spill.share(1));
            let mut expected = std::collections::HashSet::new();
            for _ in 0..count {
                let hash = Draw::from_u64(draw.below(700) as u64).bits();
                prop_assert_eq!(seen.insert(hash).unwrap(), expected.insert(hash));
            }
        }
    }

    #[test]
    fn a_counter_counts(seed in any::<u64>(), count in 0_usize..3000) {
        let folder = tempfile::tempdir().unwrap();
        let mut expected = None;
        for spill in spills(folder.path()) {
            let mut draw = Draw::from_u64(seed);
            let mut counters = [Counter::new(&spill, spill.share(1)), Counter::new(&spill, spill.share(1))];
            for i in 0..count {
                counters[i % 2].add(format!("text {}", draw.below(800))).unwrap();
            }
            let [mut all, other] = counters;
            all.absorb(other);
            let top = all.top(10).unwrap();
            prop_assert_eq!(top.1, count as u64);
            prop_assert_eq!(&top, expected.get_or_insert_with(|| top.clone()));
        }
    }
}

#[test]
fn files_have_no_name_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let spill = Spill::to(folder.path()).with_budget(1000);
    let mut texts = Texts::new(&spill, 2);
    for i in 0..100 {
        texts.push(&format!("text number {i}")).unwrap();
    }
    assert!(spill.written() > 1000);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    // Below its budget, nothing is written: the folder need not exist.
    let spill = Spill::to(folder.path().join("none"));
    Texts::new(&spill, 2).push("text").unwrap();
    assert_eq!(spill.written(), 0);
}

#[test]
fn an_error_names_the_folder_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none");
    let mut sorter = Sorter::new(&Spill::to(&missing).with_budget(100), 100);
    let error = (0..100_u64).find_map(|i| sorter.push(i).err()).unwrap();
    let text = error.to_string();
    assert_eq!(text, format!("cannot use a temporary file in {}", missing.display()));
    assert_eq!(error.hint().as_deref(), Some("check the path"));

    let full = || io::Error::from(io::ErrorKind::StorageFull);
    let hint = Spill::to("run").error(full()).hint();
    assert_eq!(hint.as_deref(), Some("free some disk space in run, then rerun the same command"));
    let hint = Spill::to_temporary().error(full()).hint().unwrap();
    assert!(hint.starts_with("free some disk space in ") && hint.contains("set TMPDIR"), "{hint}");
    let hint = Spill::to_temporary().error(io::ErrorKind::PermissionDenied.into()).hint();
    assert_eq!(hint.as_deref(), Some("set TMPDIR to a folder that you can write to"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    // A file that takes nothing, as a full disk does.
    let file = File::options().write(true).open("/dev/full").unwrap();
    let spill = Spill::to("run");
    let mut file = SpillFile { file, end: 0, spill: spill.clone() };
    let error = file.append(b"bytes").unwrap_err();
    assert_eq!(error.to_string(), "cannot use a temporary file in run");
    assert!(error.hint().unwrap().starts_with("free some disk space in run"));
    assert_eq!((file.len(), spill.written()), (0, 0));
}
