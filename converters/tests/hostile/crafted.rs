//! Files made to hurt. Each runs in a process of its own first, as it may take the process with it.

use crate::judge::{Bench, Command, Truth, Verdict};
use crate::layout::le;
use crate::maker::{
    BIT, CHAR, COLLECTION, INDEX64, Maker, PAGES_AT, PLAIN, REAL64, RECORD, SPLIT_REAL64, SWITCH, VARIANT, column,
    directory, field, key, key_list, page, pages, quantised, with_directory,
};
use crate::process::complaint;
use crate::rebuild::Parts;
use crate::subject::{Subject, vector};

/// The files of one test.
struct Trial {
    /// Only there because a bench wants an undamaged file.
    subject: Subject,
    verdict: Verdict,
}

impl Trial {
    fn new(test: &'static str) -> Self {
        Self { subject: vector("no_fields"), verdict: Verdict::new(test) }
    }

    /// Commands on a file, in processes of their own, and where that goes well with memory counted.
    fn run(&self, what: &str, bytes: &[u8], commands: &[Command], choice: &[String]) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("crafted.root");
        std::fs::write(&file, bytes).unwrap();
        let mut good = commands.to_vec();
        good.retain(|command| {
            let complaint = complaint(*command, choice, &file);
            let is_good = complaint.is_none();
            if let Some(complaint) = complaint {
                self.verdict.complain(format!("{what} ({} bytes): process: {complaint}", bytes.len()));
            }
            is_good
        });
        Bench::new(&self.subject, &self.verdict).all_of(bytes, &good, choice, Truth::Open, &|| what.to_owned());
    }

    fn every(&self, what: &str, maker: &Maker) {
        self.run(what, &maker.build(), &Command::ALL, &[]);
    }

    fn end(self) {
        self.verdict.end("crafted files");
    }
}

/// The makings of a good data set, so that the bad ones are known to be bad for the right reason.
#[test]
fn a_made_data_set_is_read() {
    let numbers = [1.5_f64, -2.0].map(f64::to_le_bytes).concat();
    let maker = Maker {
        fields: vec![field(0, PLAIN, "x", "double", None)],
        columns: vec![column(REAL64, 64, 0, None)],
        clusters: vec![(2, vec![pages(&[page(2, 16, PAGES_AT)])])],
        data: numbers,
        ..Maker::default()
    };
    for packed in [None, Some(100)] {
        let maker = Maker { packed, ..maker.clone() };
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), maker.build()).unwrap();
        let (out, _) = crate::judge::undamaged(file.path(), Command::Ndjson, &[], None);
        assert_eq!(String::from_utf8(out).unwrap(), "{\"x\":1.5}\n{\"x\":-2.0}\n");
    }
}

/// An attribute set whose anchor is that of the data set which it belongs to.
#[test]
fn attribute_set_of_itself() {
    let trial = Trial::new("attribute_set_of_itself");
    let subject = vector("attributes");
    let (key, layout) = &subject.ntuples[0];
    let mut parts = Parts::of(layout).unwrap();
    // Behind flags, checksum and extension: the list of cluster groups, then that of attribute sets.
    let groups = 24 + le(&parts.footer, 24, 8) as usize;
    let sets = groups + le(&parts.footer, groups, 8).wrapping_neg() as usize;
    assert!(le(&parts.footer, sets + 8, 4) > 0);
    let locator = sets + 12 + 8 + 8;
    let anchor_at = parts.build(&subject, key, layout).len() as u64 - 78;
    parts.footer[locator..locator + 4].copy_from_slice(&78_u32.to_le_bytes());
    parts.footer[locator + 4..locator + 12].copy_from_slice(&anchor_at.to_le_bytes());
    let file = parts.build(&subject, key, layout);
    let choice = &subject.choices[0];
    trial.run("its own anchor", &file, &Command::ALL, choice);
    trial.end();
}

/// Pages that say that they have 2^63 bytes, several of them: sums of sizes do not fit into 64 bits.
#[test]
fn pages_of_2_63_bytes() {
    let trial = Trial::new("pages_of_2_63_bytes");
    let sizes = [1 << 63, u64::MAX];
    for (lists, size) in [vec![4], vec![1, 1, 1], vec![3, 3]].iter().flat_map(|lists| sizes.map(|size| (lists, size))) {
        let bad = |n: u64| pages(&(0..n).map(|i| page(1, size, PAGES_AT + i)).collect::<Vec<_>>());
        let maker = Maker {
            fields: (0..lists.len() as u32).map(|i| field(i, PLAIN, &format!("x{i}"), "double", None)).collect(),
            columns: (0..lists.len() as u32).map(|i| column(REAL64, 64, i, None)).collect(),
            clusters: vec![(lists[0], lists.iter().map(|n| bad(*n)).collect())],
            ..Maker::default()
        };
        trial.every(&format!("{lists:?} pages of {size}"), &maker);
    }
    trial.end();
}

/// A collection that says it has nearly 2^31 items, with a page that says the same, and eight bytes of data.
#[test]
fn collections_of_2_31_items() {
    let trial = Trial::new("collections_of_2_31_items");
    const MANY: u32 = 0x7fff_fff0;
    let data = [u64::from(MANY).to_le_bytes(), [0x41; 8]].concat();
    for (item, kind, bits, type_name) in [
        (None, CHAR, 8, "std::string"),
        (Some("double"), REAL64, 64, "std::vector<double>"),
        (Some("double"), SPLIT_REAL64, 64, "std::vector<double>"),
        (Some("bool"), BIT, 1, "std::vector<bool>"),
        (Some("char"), CHAR, 8, "std::vector<char>"),
        (Some("double"), REAL64, 64, "std::optional<double>"),
        (Some("std::string"), INDEX64, 64, "std::vector<std::string>"),
    ] {
        let mut fields = vec![field(0, if item.is_some() { COLLECTION } else { PLAIN }, "v", type_name, None)];
        fields.extend(item.map(|item| field(0, PLAIN, "_0", item, None)));
        let mut columns = vec![column(INDEX64, 64, 0, None), column(kind, bits, u32::from(item.is_some()), None)];
        let mut lists = vec![pages(&[page(1, 8, PAGES_AT)]), pages(&[page(MANY, 8, PAGES_AT + 8)])];
        if kind == INDEX64 {
            columns.push(column(CHAR, 8, 1, None));
            lists.push(pages(&[page(MANY, 8, PAGES_AT + 8)]));
        }
        let maker = Maker { fields, columns, clusters: vec![(1, lists)], data: data.clone(), ..Maker::default() };
        trial.every(type_name, &maker);
    }
    trial.end();
}

/// Pages of hundreds of MiB in a few blocks whose heads promise 16 MiB each, with nothing in them.
#[test]
fn blocks_that_promise_too_much() {
    const BLOCK: u32 = 0xff_fff8;
    let trial = Trial::new("blocks_that_promise_too_much");
    for head in [b"ZS\x01", b"ZL\x08", b"L4\x01", b"XZ\x00", b"CS\x08"] {
        for blocks in [3, 60] {
            let mut data = u64::from(BLOCK / 8 * blocks).to_le_bytes().to_vec();
            for _ in 0..blocks {
                // 16 bytes that are no stream of any kind.
                data.extend([&head[..], &[16, 0, 0], &BLOCK.to_le_bytes()[..3], &[0; 16]].concat());
            }
            let (elements, size) = (BLOCK / 8 * blocks, data.len() as u64 - 8);
            for (kind, bits, item) in [(REAL64, 64, "double"), (SPLIT_REAL64, 64, "double"), (CHAR, 8, "char")] {
                let elements = elements * (64 / u32::from(bits));
                data[..8].copy_from_slice(&u64::from(elements).to_le_bytes());
                let maker = Maker {
                    fields: vec![field(0, COLLECTION, "v", "std::vector<T>", None), field(0, PLAIN, "_0", item, None)],
                    columns: vec![column(INDEX64, 64, 0, None), column(kind, bits, 1, None)],
                    clusters: vec![(
                        1,
                        vec![pages(&[page(1, 8, PAGES_AT)]), pages(&[page(elements, size, PAGES_AT + 8)])],
                    )],
                    data: data.clone(),
                    ..Maker::default()
                };
                let commands = [Command::Ndjson, Command::Verify];
                trial.run(&format!("{blocks} blocks of {head:?} for {item}"), &maker.build(), &commands, &[]);
            }
        }
    }
    trial.end();
}

/// Arrays of 2^31 - 1 elements: of numbers that are not there, of numbers that would be made up, of nothing.
#[test]
fn arrays_of_2_31_elements() {
    let trial = Trial::new("arrays_of_2_31_elements");
    let many = 0x7fff_ffff;
    let one = || vec![pages(&[page(many as u32, 8, PAGES_AT)])];
    let numbers = Maker {
        fields: vec![
            field(0, PLAIN, "a", "std::array<double,2147483647>", Some(many)),
            field(0, PLAIN, "_0", "double", None),
        ],
        columns: vec![column(REAL64, 64, 1, None)],
        clusters: vec![(1, one())],
        data: vec![0; 8],
        ..Maker::default()
    };
    trial.every("arrays_of_2_31_elements", &numbers);
    let bits = Maker {
        fields: vec![field(0, PLAIN, "a", "std::bitset<2147483647>", Some(many))],
        columns: vec![column(BIT, 1, 0, None)],
        ..numbers.clone()
    };
    trial.every("bits", &bits);
    for size in [1 << 26, many] {
        let deferred = Maker {
            fields: vec![],
            columns: vec![],
            more_fields: vec![
                field(0, PLAIN, "a", "std::array<double,N>", Some(size)),
                field(0, PLAIN, "_0", "double", None),
            ],
            more_columns: vec![column(REAL64, 64, 1, Some(0))],
            clusters: vec![(1, vec![])],
            ..numbers.clone()
        };
        trial.every(&format!("{size} deferred"), &deferred);
        let deferred = Maker {
            more_fields: vec![
                field(0, PLAIN, "a", "std::array<std::string,N>", Some(size)),
                field(0, PLAIN, "_0", "std::string", None),
            ],
            more_columns: vec![column(INDEX64, 64, 1, Some(0)), column(CHAR, 8, 1, None)],
            ..deferred
        };
        trial.every(&format!("{size} deferred strings"), &deferred);
    }
    let variants = Maker {
        fields: vec![],
        columns: vec![],
        more_fields: vec![
            field(0, PLAIN, "a", "std::array<std::variant<double>,N>", Some(1 << 26)),
            field(0, VARIANT, "_0", "std::variant<double>", None),
            field(1, PLAIN, "_0", "double", None),
        ],
        more_columns: vec![column(SWITCH, 96, 1, Some(0)), column(REAL64, 64, 2, None)],
        clusters: vec![(1, vec![])],
        ..numbers.clone()
    };
    trial.every("deferred variants", &variants);
    let nothing = Maker {
        fields: vec![field(0, PLAIN, "a", "std::array<Empty,N>", Some(many)), field(0, RECORD, "_0", "Empty", None)],
        columns: vec![],
        clusters: vec![(1, vec![])],
        ..numbers
    };
    trial.every("of nothing", &nothing);
    trial.end();
}

/// Clusters that list no columns, of a data set with many: little to write, much to remember.
#[test]
fn many_clusters_with_many_absent_columns() {
    let trial = Trial::new("many_clusters_with_many_absent_columns");
    let count = 2000;
    let maker = Maker {
        fields: vec![field(0, RECORD, "r", "", None)],
        more_fields: (0..count).map(|i| field(i + 1, PLAIN, "x", "double", None)).collect(),
        more_columns: (0..count).map(|i| column(REAL64, 64, i + 1, Some(0))).collect(),
        clusters: vec![(1, vec![]); count as usize],
        ..Maker::default()
    };
    trial.every("many_clusters_with_many_absent_columns", &maker);
    trial.every("packed", &Maker { packed: Some(100), ..maker });
    trial.end();
}

/// Envelopes that become thousands of times as large as they are stored.
#[test]
fn packed_envelopes() {
    let trial = Trial::new("packed_envelopes");
    let maker = Maker {
        fields: vec![field(0, PLAIN, "x", "double", None)],
        columns: vec![column(REAL64, 64, 0, None)],
        clusters: vec![(2_000_000, vec![pages(&vec![page(1, 8, PAGES_AT); 2_000_000])])],
        data: vec![0; 8],
        packed: Some(20_000),
        ..Maker::default()
    };
    trial.run("pages", &maker.build(), &[Command::Ls, Command::Stat, Command::Table, Command::Verify], &[]);
    let maker = Maker {
        fields: (0..40_000).map(|i| field(i, PLAIN, "x", "double", None)).collect(),
        columns: vec![],
        clusters: vec![],
        ..maker
    };
    trial.every("fields", &maker);
    trial.end();
}

/// Directories that all have the same key list.
#[test]
fn directories_that_share_a_key_list() {
    const EACH: u64 = 300;
    let trial = Trial::new("directories_that_share_a_key_list");
    let name = "n".repeat(200);
    let commands = [Command::Ls, Command::Verify, Command::Ndjson];
    let block = directory(0, 0).len() as u64;
    let directories: Vec<Vec<u8>> =
        (0..EACH).map(|i| key("TDirectory", &format!("{name}{i}"), PAGES_AT + i * block, block as u32)).collect();
    let ntuples: Vec<Vec<u8>> = (0..EACH).map(|i| key("ROOT::RNTuple", &format!("{name}{i}"), 500, 78)).collect();
    for (what, keys) in [
        ("of data sets", ntuples.clone()),
        ("of data sets and themselves", [directories.clone(), ntuples].concat()),
        ("of themselves", directories.clone()),
    ] {
        let list = key_list(&keys);
        let list_at = PAGES_AT + EACH * block;
        let mut file = vec![0; PAGES_AT as usize];
        for _ in 0..EACH {
            file.extend(directory(list_at, list.len() as u32));
        }
        file.extend(list);
        trial.run(what, &with_directory(file, &directories), &commands, &[]);
    }
    trial.end();
}

/// Fields in fields, as deep as is allowed and deeper.
#[test]
fn deep_nesting() {
    let trial = Trial::new("deep_nesting");
    for depth in [100, 127, 128, 129, 5000] {
        for (role, type_name) in [
            (RECORD, "C"),
            (COLLECTION, "std::vector<T>"),
            (COLLECTION, "std::optional<T>"),
            (VARIANT, "std::variant<T>"),
            (PLAIN, "E"),
        ] {
            let mut fields: Vec<Vec<u8>> = (0..depth - 1)
                .map(|i: u32| field(i.saturating_sub(1), role, &format!("f{i}"), type_name, None))
                .collect();
            fields.push(field(depth - 2, PLAIN, "x", "double", None));
            let (mut columns, mut lists) = (Vec::new(), Vec::new());
            for i in 0..depth - 1 {
                match role {
                    COLLECTION => columns.push(column(INDEX64, 64, i, None)),
                    VARIANT => columns.push(column(SWITCH, 96, i, None)),
                    _ => continue,
                }
                lists.push(pages(&[page(
                    1,
                    if role == VARIANT { 12 } else { 8 },
                    PAGES_AT + if role == VARIANT { 8 } else { 0 },
                )]));
            }
            columns.push(column(REAL64, 64, depth - 1, None));
            lists.push(pages(&[page(1, 8, PAGES_AT)]));
            let data = [1_u64.to_le_bytes().to_vec(), vec![0; 8], vec![1, 0, 0, 0]].concat();
            let maker = Maker { fields, columns, clusters: vec![(1, lists)], data, ..Maker::default() };
            trial.every(&format!("{depth} times {type_name}"), &maker);
        }
    }
    trial.end();
}

/// Ranges of quantised columns at the ends of what a double can be.
#[test]
fn extreme_ranges() {
    let trial = Trial::new("extreme_ranges");
    for (min, max) in [
        (-f64::MAX, f64::MAX),
        (0.0, f64::MIN_POSITIVE),
        (f64::NAN, 1.0),
        (f64::INFINITY, 0.0),
        (5.0, 5.0),
        (6.0, 5.0),
        (0.0, f64::MAX),
    ] {
        for bits in [0, 1, 5, 31, 32, 33, u16::MAX] {
            let maker = Maker {
                fields: vec![field(0, PLAIN, "x", "float", None)],
                columns: vec![quantised(bits, 0, min, max)],
                clusters: vec![(2, vec![pages(&[page(2, u64::from(bits).div_ceil(4).min(100), PAGES_AT)])])],
                data: vec![0xff; 100],
                ..Maker::default()
            };
            trial.run(&format!("{min}..{max}, {bits} bits"), &maker.build(), &[Command::Ndjson, Command::Stat], &[]);
        }
    }
    trial.end();
}

/// Pages that say they are so large that every entry is a window of its own, of many columns.
#[test]
fn windows_of_one_entry() {
    let trial = Trial::new("windows_of_one_entry");
    let columns = 300;
    let entries = 100_000;
    let maker = Maker {
        fields: (0..columns).map(|i| field(i, PLAIN, &format!("x{i}"), "double", None)).collect(),
        columns: (0..columns).map(|i| column(REAL64, 64, i, None)).collect(),
        clusters: vec![(entries, vec![pages(&[page(entries as u32, 1 << 50, PAGES_AT)]); columns as usize])],
        ..Maker::default()
    };
    trial.every("windows_of_one_entry", &maker);
    trial.end();
}

/// A data set that says it has 2^50 entries, in clusters without columns.
#[test]
fn endless_entries() {
    let trial = Trial::new("endless_entries");
    let maker = Maker { clusters: vec![(1 << 50, vec![])], ..Maker::default() };
    let commands = [Command::Ls, Command::Schema, Command::Table, Command::Stat, Command::Verify];
    trial.run("endless_entries", &maker.build(), &commands, &[]);
    trial.end();
}
