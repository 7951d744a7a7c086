//! Arrow IPC to RNTuple and back.

use std::fs;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use crate::support::{path_text, rntuple};
use crate::tables::{any_table, read_ipc, small, write_ipc};

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_table_comes_back(seed in any::<u64>()) {
        let folder = tempfile::tempdir().unwrap();
        let [a, root, b] = ["a.arrow", "a.root", "b.arrow"].map(|name| folder.path().join(name));
        write_ipc(&a, &any_table(seed, false));
        rntuple(["convert", &path_text(&a), &path_text(&root)]).fine();
        rntuple(["verify", &path_text(&root)]).fine();
        rntuple(["convert", &path_text(&root), &path_text(&b)]).fine();
        let (before, after) = (read_ipc(&a), read_ipc(&b));
        prop_assert_eq!(before.schema(), after.schema());
        prop_assert_eq!(before, after);
    }
}

#[test]
fn files_and_streams_go_through_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.arrow");
    write_ipc(&file, &small());
    let convert = |args: &[&str], input: &std::path::Path| {
        let input = fs::File::open(input).unwrap();
        let binary = env!("CARGO_BIN_EXE_rntuple");
        let mut command = Command::new(binary);
        let done = command.arg("convert").args(args).current_dir(&folder).stdin(Stdio::from(input)).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    };
    // A file comes in, a stream goes out, and comes in again.
    let stream = convert(&["-", "-", "--from", "arrow", "--to", "arrow", "-c", "zstd"], &file);
    fs::write(folder.path().join("b.arrows"), &stream).unwrap();
    let root = convert(&["-", "-", "--from", "arrow", "--to", "rntuple"], &folder.path().join("b.arrows"));
    fs::write(folder.path().join("c.root"), root).unwrap();
    assert_eq!(convert(&["-", "d.feather", "--from", "rntuple", "-c", "lz4"], &folder.path().join("c.root")), b"");
    assert_eq!(read_ipc(&folder.path().join("d.feather")), small());
}

#[test]
fn damaged_files_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.arrow");
    write_ipc(&file, &small());
    let whole = fs::read(&file).unwrap();
    let target = folder.path().join("out.root");
    for len in (0..whole.len()).step_by(17) {
        fs::write(&file, &whole[..len]).unwrap();
        let message = rntuple(["convert", &path_text(&file), &path_text(&target)]).failed(1);
        assert!(message.contains("a.arrow"), "{len}: {message}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{len}");
    }
    for place in (0..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x5a;
        fs::write(&file, &bytes).unwrap();
        let done = rntuple(["convert", &path_text(&file), &path_text(&target)]);
        assert!(done.status == 0 || (done.status == 1 && done.err.contains("a.arrow")), "{place}: {}", done.err);
        assert_eq!(target.exists(), done.status == 0, "{place}");
        let _ = fs::remove_file(&target);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{place}");
    }
}
