//! `convert`: what comes out is what went in, but for what was asked for.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{muons, path_text, rntuple, vectors};

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&rntuple(args).fine()).unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn inside(folder: &TempDir, name: &str) -> String {
    path_text(&folder.path().join(name))
}

/// Names of the files in a folder, hidden ones too.
fn files(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The golden files with the paths of their data sets, newest cycles only.
fn golden() -> Vec<(PathBuf, Vec<String>)> {
    let Some(folder) = vectors() else { return Vec::new() };
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "root"));
    files.sort();
    assert!(files.len() > 40, "{files:?}");
    let paths = |file: &Path| {
        let listed = json(&["ls", "--json", &path_text(file)]);
        let newest = listed.as_array().unwrap().iter().filter(|one| one["newest"] == true);
        newest.map(|one| one["path"].as_str().unwrap().to_owned()).collect()
    };
    files
        .into_iter()
        .map(|file| {
            let paths = paths(&file);
            (file, paths)
        })
        .collect()
}

fn values(file: &str, ntuple: &str, more: &[&str]) -> String {
    rntuple(["show", file, "--ntuple", ntuple, "--format", "ndjson"].iter().chain(more)).fine()
}

fn schema(file: &str, ntuple: &str) -> Value {
    json(&["schema", "--json", file, "--ntuple", ntuple])
}

/// What the schema says of fields, without what writing anew may change: numbers of columns, what was added late,
/// further representations.
fn fields(schema: &Value, encodings: bool) -> Value {
    let each = |field: &Value| {
        let mut kept = field.as_object().unwrap().clone();
        kept.remove("extension");
        let first = kept.remove("representations").and_then(|all| all.get(0).cloned()).unwrap_or_default();
        let columns = first.as_array().into_iter().flatten();
        let columns = columns.map(|c| serde_json::json!([c["type"], c["bits"], c["range"]])).collect::<Value>();
        if encodings {
            kept.insert("encoding".to_owned(), columns);
        }
        kept.insert("fields".to_owned(), fields(field, encodings));
        Value::Object(kept)
    };
    schema["fields"].as_array().unwrap().iter().map(each).collect()
}

#[test]
fn golden_files_come_out_as_they_went_in() {
    let out = folder();
    for (file, ntuples) in golden() {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let (source, target) = (path_text(&file), inside(&out, &name));
        for ntuple in ntuples {
            let text = rntuple(["convert", &source, &target, "--ntuple", &ntuple]).fine();
            let base = ntuple.rsplit('/').next().unwrap();
            assert!(text.starts_with(&format!("{base}: ")), "{name}: {text}");
            assert_eq!(values(&source, &ntuple, &[]), values(&target, base, &[]), "{name}: {ntuple}");
            let (before, after) = (schema(&source, &ntuple), schema(&target, base));
            // Members that were added late stand behind the others, whose order is what counts.
            if !name.starts_with("extension_record") {
                // What has several encodings gets the first that takes all its values.
                let encodings = !name.starts_with("representations");
                assert_eq!(fields(&before, encodings), fields(&after, encodings), "{name}: {ntuple}");
            }
            for key in ["name", "description", "entries", "attribute_sets"] {
                assert_eq!(before[key], after[key], "{name}: {ntuple}: {key}");
            }
            for set in before["attribute_sets"].as_array().unwrap() {
                let set = ["--attributes", set.as_str().unwrap()];
                assert_eq!(values(&source, &ntuple, &set), values(&target, base, &set), "{name}: {ntuple}: {set:?}");
            }
            let verdict = rntuple(["verify", &target]).fine();
            assert!(verdict.contains(": ok, "), "{verdict}");
        }
    }
}

#[test]
fn what_comes_out_converts_to_the_same_bytes() {
    let Some(folder_of_vectors) = vectors() else { return };
    let out = folder();
    let source = path_text(&folder_of_vectors.join("classes.root"));
    // The file's name is in the file.
    for name in ["1", "2", "3"] {
        fs::create_dir(out.path().join(name)).unwrap();
    }
    let [first, second, third] = ["1/a.root", "2/a.root", "3/a.root"].map(|name| inside(&out, name));
    rntuple(["convert", &source, &first]).fine();
    rntuple(["convert", &first, &second, "--threads", "1"]).fine();
    rntuple(["convert", &first, &third, "--threads", "3"]).fine();
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    assert_eq!(fs::read(&second).unwrap(), fs::read(&third).unwrap());
}

#[test]
fn descriptions_of_classes_go_along() {
    let Some(vectors) = vectors() else { return };
    let out = folder();
    let target = inside(&out, "out.root");
    for name in ["classes.root", "streamer_fields.root", "members.root"] {
        let source = vectors.join(name);
        if !source.exists() {
            continue;
        }
        rntuple(["convert", &path_text(&source), &target]).fine();
        let classes = |file: &Path| -> Vec<String> {
            let list = rntuple_io::Reader::open(file).unwrap().streamer_info().unwrap();
            list.classes().map(|class| format!("{} {} {:#x}", class.name, class.version, class.checksum)).collect()
        };
        let (before, after) = (classes(&source), classes(Path::new(&target)));
        assert!(before.len() > 2, "{name}: {before:?}");
        for class in before {
            assert_eq!(after.iter().filter(|other| **other == class).count(), 1, "{name}: {class} in {after:?}");
        }
    }
}

#[test]
fn all_data_sets_go_over_in_their_newest_cycles() {
    let Some(vectors) = vectors() else { return };
    let out = folder();
    let target = inside(&out, "out.root");
    let paths = |file: &str| -> Vec<String> {
        let mut paths: Vec<String> =
            json(&["ls", "--json", file]).as_array().unwrap().iter().map(|n| n["path"].to_string()).collect();
        paths.sort();
        paths
    };

    // Two data sets have one base name: all keep their directories.
    let source = path_text(&vectors.join("directories.root"));
    rntuple(["convert", &source, &target]).fine();
    assert_eq!(paths(&target), paths(&source));
    assert_eq!(values(&source, "a/b/events", &[]), values(&target, "a/b/events", &[]));

    // Older cycles stay behind, unless one is asked for.
    let source = path_text(&vectors.join("cycles.root"));
    let text = rntuple(["convert", &source, &target]).fine();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert_eq!(values(&source, "data", &[]), values(&target, "data", &[]));
    rntuple(["convert", &source, &target, "--ntuple", "data;1"]).fine();
    assert_eq!(paths(&target), ["\"data\""]);
    assert_eq!(values(&source, "data;1", &[]), values(&target, "data", &[]));
    assert_ne!(values(&source, "data", &[]), values(&target, "data", &[]));
}

#[test]
fn names_and_descriptions_can_be_chosen() {
    let Some(source) = muons() else { return };
    let out = folder();
    let target = inside(&out, "out.root");
    rntuple(["convert", &source, &target, "--name", "skims/loose/Muons", "--description", "dimuons"]).fine();
    let after = schema(&target, "skims/loose/Muons");
    assert_eq!((&after["name"], &after["description"]), (&"Muons".into(), &"dimuons".into()));
    assert_eq!(values(&source, "Events", &[]), values(&target, "skims/loose/Muons", &[]));

    let message = rntuple(["convert", &source, &target, "--name", "a b"]).failed(1);
    assert!(message.contains("a b"), "{message}");
    let Some(vectors) = vectors() else { return };
    let several = path_text(&vectors.join("directories.root"));
    let message = rntuple(["convert", &several, &target, "--name", "one"]).failed(1);
    assert!(message.contains("--ntuple"), "{message}");
    // The file of before is still there, and complete.
    assert_eq!(files(&out), ["out.root"]);
    rntuple(["verify", &target]).fine();
}

#[test]
fn fields_and_entries_can_be_chosen() {
    let Some(source) = muons() else { return };
    let out = folder();
    let target = inside(&out, "out.root");
    for (fields, entries) in
        [("nMuon,Muon_pt", "10..20"), ("_collection0.Muon_eta", "-5.."), ("*", "999"), ("**", "5..5")]
    {
        rntuple(["convert", &source, &target, "--fields", fields, "--entries", entries]).fine();
        let wanted = values(&source, "Events", &["--fields", fields, "--entries", entries]);
        assert_eq!(values(&target, "Events", &[]), wanted, "{fields} {entries}");
        rntuple(["verify", &target]).fine();
    }
    // A projection whose source is left out has data of its own; with its source, it stays one.
    rntuple(["convert", &source, &target, "--fields", "Muon_pt"]).fine();
    assert_eq!(schema(&target, "Events")["fields"][0]["source"], Value::Null);
    rntuple(["convert", &source, &target, "--fields", "_collection0,Muon_pt"]).fine();
    assert_eq!(schema(&target, "Events")["fields"][1]["source"], "_collection0");
}

#[test]
fn attribute_sets_follow_the_entries_kept() {
    let Some(vectors) = vectors() else { return };
    let out = folder();
    let (source, target) = (path_text(&vectors.join("attributes.root")), inside(&out, "out.root"));
    rntuple(["convert", &source, &target, "--ntuple", "data", "--entries", "2..6"]).fine();
    let set = |file: &str| crate::support::ndjson(&values(file, "data", &["--attributes", "runs"]));
    let number = |value: &Value| value.as_u64().unwrap();
    let wanted: Vec<Value> = set(&source)
        .into_iter()
        .filter_map(|mut one| {
            let (start, len) = (number(&one["_rangeStart"]), number(&one["_rangeLen"]));
            let (first, end) = (start.max(2), (start + len).min(6));
            let kept = if len == 0 { first <= end } else { first < end };
            kept.then(|| {
                one["_rangeStart"] = (first - 2).into();
                one["_rangeLen"] = (end - first).into();
                one
            })
        })
        .collect();
    assert_eq!(set(&target), wanted);
    assert!(!wanted.is_empty());
}

/// The compression settings that columns have, by field.
fn settings(file: &str) -> Vec<(String, Vec<u64>)> {
    let stat = json(&["stat", "--json", file]);
    let one = |column: &Value| {
        let settings = column["compression"].as_array().unwrap().iter().map(|setting| setting.as_u64().unwrap());
        (column["field"].as_str().unwrap().to_owned(), settings.collect())
    };
    stat["columns"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn compression_can_be_chosen() {
    let Some(source) = muons() else { return };
    let out = folder();
    let target = inside(&out, "out.root");
    for (text, number) in [("zstd:3", 503), ("404", 404), ("lzma", 207), ("zlib:1", 101), ("none", 0)] {
        rntuple(["convert", &source, &target, "-c", text]).fine();
        assert!(settings(&target).iter().all(|(_, all)| *all == [number]), "{text}: {:?}", settings(&target));
        assert_eq!(values(&source, "Events", &[]), values(&target, "Events", &[]), "{text}");
    }
    rntuple(["convert", &source, &target]).fine();
    assert!(settings(&target).iter().all(|(_, all)| *all == [505]));
    let two = inside(&out, "two.root");
    let options = ["--compression", "lz4:4", "--field-compression", "**.Muon_p*=lzma:1", "--field-compression"];
    rntuple(["convert", &source, &target].iter().chain(&options).chain(&["**.Muon_phi=none"])).fine();
    for (field, all) in settings(&target) {
        let wanted = match field.as_str() {
            "_collection0._0.Muon_pt" => 201,
            "_collection0._0.Muon_phi" => 0,
            _ => 404,
        };
        assert_eq!(all, [wanted], "{field}");
    }
    // Of several settings, the one that most of the data have.
    rntuple(["convert", &target, &two, "--compression", "keep"]).fine();
    assert!(settings(&two).iter().all(|(_, all)| *all == [404]), "{:?}", settings(&two));
}

/// The encodings of all columns, in order.
fn encodings(file: &str) -> Vec<String> {
    fn collect(fields: &Value, out: &mut Vec<String>) {
        for field in fields.as_array().unwrap() {
            if field.get("source").is_none_or(Value::is_null) {
                for column in
                    field["representations"].as_array().unwrap().iter().flat_map(|one| one.as_array().unwrap())
                {
                    out.push(format!("{} {}", field["name"].as_str().unwrap(), column["type"].as_str().unwrap()));
                }
                collect(&field["fields"], out);
            }
        }
    }
    let mut out = Vec::new();
    collect(&json(&["schema", "--json", file])["fields"], &mut out);
    out
}

#[test]
fn encodings_can_be_chosen() {
    let Some(source) = muons() else { return };
    let out = folder();
    let target = inside(&out, "out.root");
    let options = ["--encoding", "**.Muon_pt=Real32Trunc(16)", "--encoding", "_collection0=Index32", "-c", "none"];
    rntuple(["convert", &source, &target].iter().chain(&options)).fine();
    let chosen = encodings(&target);
    assert_eq!(chosen[..3], ["_collection0 Index32", "Muon_pt Real32Trunc", "Muon_eta SplitReal32"], "{chosen:?}");
    rntuple(["convert", &source, &target].iter().chain(&options).chain(&["--default-encodings"])).fine();
    let chosen = encodings(&target);
    assert_eq!(chosen[..3], ["_collection0 Index32", "Muon_pt Real32Trunc", "Muon_eta Real32"], "{chosen:?}");
    let message = rntuple(["convert", &source, &target, "--encoding", "Moun_pt=Real16"]).failed(1);
    assert!(message.contains("Moun_pt"), "{message}");
}

#[test]
fn ranges_take_what_they_gave() {
    let Some(source) = muons() else { return };
    let out = folder();
    let (first, second) = (inside(&out, "first.root"), inside(&out, "second.root"));
    // In single precision, 0.15 is more than in double precision, and that is what these masses become.
    rntuple(["convert", &source, &first, "--encoding", "**.Muon_mass=Real32Quant(1;0;0.15)"]).fine();
    rntuple(["convert", &first, &second]).fine();
    assert_eq!(values(&first, "Events", &[]), values(&second, "Events", &[]));
    // What does not fit is an error, and no file.
    let message = rntuple(["convert", &source, &second, "--encoding", "**.Muon_pt=Real32Quant(8;0;1)"]).failed(1);
    assert!(message.contains("Muon_pt") && message.contains("range"), "{message}");
}

#[test]
fn narrow_encodings_beside_wide_ones_lose_nothing() {
    let Some(vectors) = vectors() else { return };
    let out = folder();
    let (source, target) = (path_text(&vectors.join("representations.root")), inside(&out, "out.root"));
    rntuple(["convert", &source, &target]).fine();
    // The values of `q` are on 9 bits in one cluster and complete in another.
    assert_eq!(values(&source, "data", &[]), values(&target, "data", &[]));
    assert!(encodings(&target).contains(&"q Real32".to_owned()), "{:?}", encodings(&target));
    // Where the field is not written, nothing is said about it.
    rntuple(["convert", &source, &target, "--fields", "f"]).fine();
}

#[test]
fn pages_and_clusters_have_the_sizes_asked_for() {
    let Some(vectors) = vectors() else { return };
    let out = folder();
    let (source, target) = (path_text(&vectors.join("big_pages.root")), inside(&out, "out.root"));
    let pages = |file: &str, ntuple: &str| json(&["stat", "--json", file, "--ntuple", ntuple]);
    rntuple(["convert", &source, &target, "--ntuple", "zstd"]).fine();
    let usual = pages(&target, "zstd");
    rntuple(["convert", &source, &target, "--ntuple", "zstd", "--max-page-size", "64K"]).fine();
    let small = pages(&target, "zstd");
    assert!(small["total"]["pages"].as_u64() > usual["total"]["pages"].as_u64(), "{small} {usual}");
    assert_eq!(usual["clusters"], 1);
    rntuple(["convert", &source, &target, "--ntuple", "zstd", "--cluster-size", "100KB"]).fine();
    assert!(pages(&target, "zstd")["clusters"].as_u64().unwrap() > 1);
    assert_eq!(values(&source, "zstd", &["--entries", "-9.."]), values(&target, "zstd", &["--entries", "-9.."]));
}

#[test]
fn checksums_can_be_left_out() {
    let Some(source) = muons() else { return };
    let out = folder();
    let target = inside(&out, "out.root");
    rntuple(["convert", &source, &target, "--no-checksums"]).fine();
    let verdict = rntuple(["verify", &target]).fine();
    assert!(verdict.contains("without a checksum"), "{verdict}");
    assert_eq!(values(&source, "Events", &[]), values(&target, "Events", &[]));
}

#[test]
fn checkpoints_change_nothing_in_the_data() {
    let Some(source) = muons() else { return };
    let out = folder();
    let target = inside(&out, "out.root");
    for checkpoint in ["1", "0.001s"] {
        rntuple(["convert", &source, &target, "--checkpoint", checkpoint, "--cluster-size", "1K"]).fine();
        assert_eq!(values(&source, "Events", &[]), values(&target, "Events", &[]), "{checkpoint}");
        rntuple(["verify", &target]).fine();
    }
}

#[test]
fn quiet_says_nothing() {
    let Some(source) = muons() else { return };
    let out = folder();
    let target = inside(&out, "out.root");
    assert_eq!(rntuple(["convert", "--quiet", &source, &target]).fine(), "");
    let text = rntuple(["convert", &source, &target]).fine();
    assert!(text.starts_with("Events: 1,000 entries in 1 cluster\n"), "{text}");
    assert!(text.contains(&target) && text.contains("KiB"), "{text}");
}

#[test]
fn the_source_is_never_written_to() {
    let Some(source) = muons() else { return };
    let out = folder();
    let copy = inside(&out, "in.root");
    fs::copy(source, &copy).unwrap();
    let before = fs::read(&copy).unwrap();
    let mut names = vec![copy.clone(), inside(&out, "./in.root")];
    #[cfg(unix)]
    {
        fs::hard_link(&copy, out.path().join("hard.root")).unwrap();
        std::os::unix::fs::symlink("in.root", out.path().join("soft.root")).unwrap();
        names.extend([inside(&out, "hard.root"), inside(&out, "soft.root")]);
    }
    for target in names {
        for more in [&[][..], &["--checkpoint", "1"]] {
            let message = rntuple(["convert", &copy, &target].iter().chain(more)).failed(1);
            assert!(message.contains("is the source"), "{message}");
        }
    }
    assert_eq!(fs::read(&copy).unwrap(), before);
}

#[test]
fn a_link_stays_a_link() {
    let Some(source) = muons() else { return };
    let out = folder();
    let target = inside(&out, "real.root");
    fs::write(&target, b"something old").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("real.root", out.path().join("link.root")).unwrap();
        rntuple(["convert", &source, &inside(&out, "link.root")]).fine();
        assert!(fs::symlink_metadata(out.path().join("link.root")).unwrap().is_symlink());
        assert_eq!(values(&source, "Events", &[]), values(&target, "Events", &[]));
    }
}

#[test]
fn after_an_error_there_is_no_file() {
    let Some(source) = muons() else { return };
    let out = folder();
    let broken = inside(&out, "broken.root");
    let mut bytes = fs::read(&source).unwrap();
    // Somewhere in the pages, which lie between the header and the page list.
    let stat = json(&["stat", "--json", &source]);
    assert!(stat["total"]["stored_bytes"].as_u64().unwrap() > 10_000);
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 64] {
        *byte ^= 0xff;
    }
    fs::write(&broken, bytes).unwrap();
    let target = inside(&out, "out.root");
    let message = rntuple(["convert", &broken, &target]).failed(1);
    assert!(message.contains("broken.root"), "{message}");
    assert_eq!(files(&out), ["broken.root"]);
    // What was there before is still there.
    fs::write(&target, b"something old").unwrap();
    rntuple(["convert", &broken, &target]).failed(1);
    rntuple(["convert", &source, &target, "--fields", "none"]).failed(1);
    rntuple(["convert", &source, &target, "--ntuple", "none"]).failed(1);
    assert_eq!(fs::read(&target).unwrap(), b"something old");
    assert_eq!(files(&out), ["broken.root", "out.root"]);

    let message = rntuple(["convert", &source, &inside(&out, "none/out.root")]).failed(1);
    assert!(message.contains("none/out.root"), "{message}");
    fs::create_dir(out.path().join("folder.root")).unwrap();
    let message = rntuple(["convert", &source, &inside(&out, "folder.root")]).failed(1);
    assert!(message.contains("regular file"), "{message}");
}

#[test]
fn a_file_without_data_sets_is_an_error() {
    let out = folder();
    let empty = inside(&out, "empty.root");
    rntuple_io::FileWriter::create(&empty, &rntuple_io::WriteOptions::new()).unwrap().finish().unwrap();
    let message = rntuple(["convert", &empty, &inside(&out, "out.root")]).failed(1);
    assert!(message.contains("no RNTuple"), "{message}");
    assert_eq!(files(&out), ["empty.root"]);
}

#[test]
fn wrong_options_are_status_2() {
    for more in [
        &["--compression", "gzip"][..],
        &["--compression", "zstd:200"],
        &["--field-compression", "zstd"],
        &["--encoding", "x=Float32"],
        &["--encoding", "x"],
        &["--cluster-size", "0"],
        &["--max-page-size", "1X"],
        &["--checkpoint", "0"],
        &["--threads", "0"],
        &["--entries", "a"],
        &["--from", "excel"],
        &["--drop", "x"],
        &["--row-group-rows", "5"],
    ] {
        let message = rntuple(["convert", "in.root", "out.root"].iter().chain(more)).failed(2);
        assert!(message.contains("--help"), "{more:?}: {message}");
    }
    let message = rntuple(["convert", "in.root", "out.root", "-c", "gzip"]).failed(2);
    assert!(message.contains("zstd:5"), "{message}");
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    let message = rntuple(["convert", "in.root", "out.parquet", "--cluster-size", "1M"]).failed(2);
    assert!(message.contains("--cluster-size"), "{message}");
    let message = rntuple(["convert", "in.root", "out"]).failed(2);
    assert!(message.contains("--to"), "{message}");
    let message = rntuple(["convert", "in", "out.root"]).failed(2);
    assert!(message.contains("--from"), "{message}");
}

#[test]
fn several_inputs_are_joined() {
    let Some(source) = muons() else { return };
    let out = folder();
    let [a, b, all] = ["a-1.root", "a-2.root", "all.root"].map(|name| inside(&out, name));
    rntuple(["convert", &source, &a, "--entries", "..400"]).fine();
    rntuple(["convert", &source, &b, "--entries", "400.."]).fine();
    for inputs in [vec![a.as_str(), &b], vec![&inside(&out, "a-*.root")]] {
        let args = [&["convert"], inputs.as_slice(), &[&all]].concat();
        let text = rntuple(&args).fine();
        assert!(text.starts_with("Events: 1,000 entries"), "{text}");
        assert_eq!(values(&source, "Events", &[]), values(&all, "Events", &[]));
    }
    // Entries are counted over all of them.
    rntuple(["convert", &a, &b, &all, "--entries", "-650..-550"]).fine();
    assert_eq!(values(&source, "Events", &["--entries", "350..450"]), values(&all, "Events", &[]));
    // Schemas must agree.
    rntuple(["convert", &source, &b, "--fields", "nMuon"]).fine();
    let message = rntuple(["convert", &a, &b, &inside(&out, "none.root")]).failed(1);
    assert!(message.contains("a-2.root") && message.contains("column '_collection0' is missing"), "{message}");
    let message = rntuple(["convert", &inside(&out, "b-*.root"), &inside(&out, "none.root")]).failed(1);
    assert!(message.contains("no file matches"), "{message}");
    assert_eq!(files(&out), ["a-1.root", "a-2.root", "all.root"]);
}
