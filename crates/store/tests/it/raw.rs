//! Raw responses: to the byte, also after a kill.

use std::cell::RefCell;
use std::fs;

use clinstruct_schema::{RequestId, RowFormat};
use clinstruct_store::encode_frame;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{answered_job, base, folder, frame, killed_job, new_job, open, request, row, segment};

const ODD: [&[u8]; 6] =
    [b"{\"a\":1}", b"", b"two\nlines\n", b"\n", b"\xff\xfe\x00\x80", b"\x50\x2a\x4d\x18"];

#[test]
fn a_row_comes_back_to_the_byte() {
    let dir = folder();
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &ODD);
    answered_job(&mut store, "b", 50, &[]);
    answered_job(&mut store, "c", 100, &ODD[1..2]);
    drop(store);
    let store = open(dir.path());
    let read: Vec<_> = (1..).take(ODD.len()).map(|n| row(&store, request(n)).unwrap()).collect();
    assert_eq!(read, ODD);
    assert_eq!(row(&store, request(100)).unwrap(), b"");
    assert_eq!(row(&store, request(200)), None);
}

#[test]
fn rows_come_back_whatever_they_are() {
    let dir = folder();
    let state = RefCell::new((open(dir.path()), 0_u64));
    let frames = vec(vec(vec(any::<u8>(), 0..40), 0..6), 1..4);
    proptest!(ProptestConfig::with_cases(60), |(frames in frames)| {
        let (store, number) = &mut *state.borrow_mut();
        let mut expected = Vec::new();
        store.write(|tx| {
            for rows in &frames {
                let job = tx.new_job(&new_job(&format!("job {number}"), rows.len()), 1)?;
                let id = tx.append(&encode_frame(job, RowFormat::AnthropicBatch, rows)?)?;
                *number += 1;
                for (i, row) in rows.iter().enumerate() {
                    let mut request = [0; 16];
                    request[..8].copy_from_slice(&number.to_le_bytes());
                    request[8] = i as u8;
                    tx.send_request(RequestId(request), base(0), job)?;
                    tx.set_response(RequestId(request), id, i)?;
                    expected.push((RequestId(request), row.clone()));
                }
            }
            Ok(())
        }).unwrap();
        let reader = store.reader();
        for (request, row) in expected {
            let at = store.locate(request).unwrap().unwrap();
            prop_assert_eq!(reader.read(&at).unwrap(), (RowFormat::AnthropicBatch, row));
        }
    });
}

#[test]
fn zstd_prints_all_rows_of_a_segment() {
    let dir = folder();
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &ODD);
    answered_job(&mut store, "b", 50, &[]);
    killed_job(&mut store, "c", &[60], &[b"not noted"]);
    drop(store);
    let mut store = open(dir.path());
    answered_job(&mut store, "d", 70, &[b"last"]);
    let plain = zstd::stream::decode_all(fs::File::open(segment(dir.path())).unwrap()).unwrap();
    let mut expected = ODD.join(&b'\n');
    expected.extend_from_slice(b"\nnot noted\nlast\n");
    assert_eq!(plain, expected);
}

#[test]
fn threads_share_a_reader() {
    let dir = folder();
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &ODD);
    let (reader, at) = (store.reader(), store.locate(request(3)).unwrap().unwrap());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(reader.clone().read(&at).unwrap().1, ODD[2]));
        }
    });
}

#[test]
fn rows_that_were_not_noted_are_given_at_the_next_opening() {
    let dir = folder();
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &[b"noted"]);
    assert_eq!(store.unindexed().unwrap(), []);
    let job = killed_job(&mut store, "b", &[10, 11], &[b"ten", b"\xff\n"]);
    drop(store);
    let mut store = open(dir.path());
    killed_job(&mut store, "c", &[20], &[b"twenty"]);
    drop(store);
    // Until they are indexed, each opening returns them.
    for _ in 0..2 {
        let mut store = open(dir.path());
        assert_eq!(store.locate(request(10)).unwrap(), None);
        assert_eq!(store.unindexed().unwrap().len(), 2);
        assert_eq!(store.unindexed().unwrap(), []);
    }
    let mut store = open(dir.path());
    assert_eq!(store.open_requests(job).unwrap().len(), 2);
    let frames = store.unindexed().unwrap();
    let rows: Vec<_> = frames.iter().map(|f| (f.job, f.format, f.rows.clone())).collect();
    insta::assert_snapshot!(format!("{rows:?}"), @"[(JobId(2), OpenaiBatch, [[116, 101, 110], [255, 10]]), (JobId(3), OpenaiBatch, [[116, 119, 101, 110, 116, 121]])]");
    store
        .write(|tx| {
            let id = tx.index(&frames[0])?;
            tx.set_response(request(10), id, 0)?;
            tx.set_response(request(11), id, 1)
        })
        .unwrap();
    drop(store);
    // The indexed one is not returned again, the other is.
    let mut store = open(dir.path());
    let rest = store.unindexed().unwrap();
    assert_eq!(rest, frames[1..]);
    store
        .write(|tx| tx.index(&rest[0]).and_then(|id| tx.set_response(request(20), id, 0)))
        .unwrap();
    drop(store);
    let mut store = open(dir.path());
    assert_eq!(store.unindexed().unwrap(), []);
    let read = [1, 10, 11, 20].map(|n| row(&store, request(n)).unwrap());
    assert_eq!(read, [&b"noted"[..], b"ten", b"\xff\n", b"twenty"]);
    // New rows are appended after it.
    answered_job(&mut store, "d", 30, &[b"thirty"]);
    assert_eq!(row(&store, request(30)).unwrap(), b"thirty");
    assert_eq!(row(&store, request(20)).unwrap(), b"twenty");
}

#[test]
fn rows_without_a_journal_are_all_given() {
    let dir = folder();
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &[b"one"]);
    answered_job(&mut store, "b", 2, &[b"two"]);
    drop(store);
    // A second segment, as after 256 MiB.
    fs::copy(segment(dir.path()), dir.path().join("raw/segment-000002.zst")).unwrap();
    fs::remove_file(dir.path().join("run.sqlite")).unwrap();
    let mut store = open(dir.path());
    let rows: Vec<_> = store.unindexed().unwrap().into_iter().flat_map(|f| f.rows).collect();
    assert_eq!(rows, [b"one", b"two", b"one", b"two"]);
}

#[test]
fn a_torn_frame_is_put_aside_wherever_it_is_torn() {
    let dir = folder();
    let path = segment(dir.path());
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &[b"one"]);
    let known = fs::read(&path).unwrap().len();
    killed_job(&mut store, "b", &[2], &[b"two"]);
    let whole = fs::read(&path).unwrap().len();
    drop(store);
    let mut store = open(dir.path());
    killed_job(&mut store, "c", &[3], &[b"three", b"three and a half"]);
    drop(store);
    let all = fs::read(&path).unwrap();
    let torn = dir.path().join(format!("raw/torn-000001-{whole}-1.bin"));
    let mut checked = 0;
    for cut in known + 1..all.len() {
        fs::write(&path, &all[..cut]).unwrap();
        let mut store = open(dir.path());
        let (end, rows) =
            if cut < whole { (known, vec![]) } else { (whole, vec![vec![b"two".to_vec()]]) };
        let found: Vec<_> = store.unindexed().unwrap().into_iter().map(|f| f.rows).collect();
        assert_eq!(found, rows, "cut at {cut}");
        assert_eq!(fs::read(&path).unwrap(), all[..end], "cut at {cut}");
        let aside = dir.path().join(format!("raw/torn-000001-{end}-1.bin"));
        if cut > end {
            assert_eq!(fs::read(&aside).unwrap(), all[end..cut], "cut at {cut}");
            fs::remove_file(&aside).unwrap();
        }
        assert!(!aside.exists(), "cut at {cut}");
        assert_eq!(row(&store, request(1)).unwrap(), b"one", "cut at {cut}");
        checked += 1;
    }
    assert!(checked > 100, "only {checked} places");

    // The run continues after the complete part.
    fs::write(&path, &all[..all.len() - 1]).unwrap();
    let mut store = open(dir.path());
    assert!(torn.exists());
    let frames = store.unindexed().unwrap();
    store
        .write(|tx| tx.index(&frames[0]).and_then(|id| tx.set_response(request(2), id, 0)))
        .unwrap();
    answered_job(&mut store, "d", 3, &[b"three, again"]);
    drop(store);
    let mut store = open(dir.path());
    assert_eq!(store.unindexed().unwrap(), []);
    let read = [1, 2, 3].map(|n| row(&store, request(n)).unwrap());
    assert_eq!(read, [&b"one"[..], b"two", b"three, again"]);
}

#[test]
fn what_is_no_frame_is_put_aside() {
    let dir = folder();
    let path = segment(dir.path());
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &[b"one"]);
    drop(store);
    let good = fs::read(&path).unwrap();
    let tails: [&[u8]; 4] =
        [&[0; 5000], b"text of another program\n", b"\x50\x2a\x4d\x18\xff\xff\xff\xff{}", &[0xff]];
    for tail in tails {
        fs::write(&path, [&good, tail].concat()).unwrap();
        let mut store = open(dir.path());
        assert_eq!(store.unindexed().unwrap(), []);
        assert_eq!(fs::read(&path).unwrap(), good);
        let aside = dir.path().join(format!("raw/torn-000001-{}-1.bin", good.len()));
        assert_eq!(fs::read(&aside).unwrap(), tail);
        assert_eq!(row(&store, request(1)).unwrap(), b"one");
        fs::remove_file(&aside).unwrap();
    }
}

#[test]
fn a_full_segment_is_followed_by_a_new_one() {
    const FULL: u64 = 256 << 20;
    let dir = folder();
    let mut store = open(dir.path());
    answered_job(&mut store, "a", 1, &[b"one"]);
    drop(store);
    // The journal records a frame that fills the segment; the file has a hole there.
    let file = fs::File::options().write(true).open(segment(dir.path())).unwrap();
    let start = file.metadata().unwrap().len();
    file.set_len(FULL).unwrap();
    rusqlite::Connection::open(dir.path().join("run.sqlite"))
        .unwrap()
        .execute(
            "INSERT INTO frame (segment, start, length, job, rows) VALUES (1, ?1, ?2, 1, 0)",
            [start, FULL - start].map(|n| i64::try_from(n).unwrap()),
        )
        .unwrap();
    let mut store = open(dir.path());
    answered_job(&mut store, "b", 2, &[b"two"]);
    killed_job(&mut store, "c", &[3], &[b"three"]);
    assert_eq!(fs::metadata(segment(dir.path())).unwrap().len(), FULL);
    drop(store);
    let mut store = open(dir.path());
    let [found] = &store.unindexed().unwrap()[..] else { panic!("one frame is not noted") };
    assert_eq!(found.rows, [b"three"]);
    assert_eq!(row(&store, request(1)).unwrap(), b"one");
    assert_eq!(row(&store, request(2)).unwrap(), b"two");
}

#[test]
fn the_format_of_rows_is_kept() {
    let dir = folder();
    let mut store = open(dir.path());
    let rows = [b"a".to_vec()];
    store
        .write(|tx| {
            let job = tx.new_job(&new_job("a", 2), 1)?;
            for (n, format) in [(1, RowFormat::OpenaiBatch), (2, RowFormat::AnthropicBatch)] {
                let id = tx.append(&encode_frame(job, format, &rows)?)?;
                tx.send_request(request(n), base(0), job)?;
                tx.set_response(request(n), id, 0)?;
            }
            tx.append(&frame(job, &[])).map(drop)
        })
        .unwrap();
    let format = |n| store.reader().read(&store.locate(request(n)).unwrap().unwrap()).unwrap().0;
    assert_eq!(format(1), RowFormat::OpenaiBatch);
    assert_eq!(format(2), RowFormat::AnthropicBatch);
}

#[test]
fn a_store_takes_no_more_changes_after_rows_were_saved_but_not_noted() {
    let dir = folder();
    let mut store = open(dir.path());
    killed_job(&mut store, "a", &[1], &[b"one"]);
    let refused = store.write(|tx| tx.set_meta("key", "value"));
    insta::assert_snapshot!(refused.unwrap_err().message, @"an earlier change failed after its rows were saved");
    drop(store);
    assert_eq!(open(dir.path()).unindexed().unwrap().len(), 1);
}
