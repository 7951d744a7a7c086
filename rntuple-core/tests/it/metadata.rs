//! Facts about the golden files that their README states, read from their envelopes.

use std::collections::HashSet;

use rntuple_core::Error;
use rntuple_core::container::root_file::{Anchor, Directory, SplitPayload};
use rntuple_core::metadata::{Header, Locator};
use rntuple_core::page::sealed_len;
use rntuple_core::schema::{ColumnId, ColumnType, FieldRole};

use crate::support::{Set, envelope, file_header, find, keys, manifest, read, slice};

/// Clusters, cluster groups and entries.
#[test]
fn clusters_and_groups() {
    for (name, groups, clusters, entries) in [
        ("clusters", 1, 19, 120),
        ("cluster_groups", 4, 10, 90),
        ("group_per_entry", 8, 8, 8),
        ("variants", 1, 6, 48),
        ("representations", 2, 6, 45),
        ("indexes", 1, 2, 60),
        ("no_elements", 1, 3, 6),
        ("no_fields_3_entries", 1, 1, 3),
        ("no_entries", 0, 0, 0),
        ("no_entries_many_fields", 0, 0, 0),
        ("no_fields", 0, 0, 0),
    ] {
        let set = Set::data(name);
        assert_eq!(set.footer.cluster_groups.len(), groups, "{name}");
        assert_eq!(set.footer.entries().unwrap(), entries, "{name}");
        let listed = set.clusters();
        assert_eq!(listed.len(), clusters, "{name}");
        let mut next = 0;
        for (id, cluster) in listed.iter().enumerate() {
            assert_eq!((cluster.summary.id, cluster.summary.first_entry), (id as u64, next), "{name}");
            next += cluster.summary.entries;
        }
        assert_eq!(next, entries, "{name}");
    }
}

/// The name is stored, and ROOT says which version it is; no set needs a feature that is not known.
#[test]
fn names_and_versions() {
    for (file, path) in manifest() {
        let set = Set::open(&file, &path);
        let name = path.rsplit('/').next().unwrap().split(';').next().unwrap();
        assert_eq!(&*set.header.name, name, "{file}");
        assert!(set.header.writer.starts_with("ROOT v6.40"), "{file}: {}", set.header.writer);
        assert_eq!(set.anchor.version, [1, 0, 2, 0], "{file}");
        for field in set.schema.fields() {
            assert_eq!(field.problem, None, "{file}: {}", set.schema.path(field.id));
        }
    }
}

#[test]
fn headers_of_large_files() {
    for (file, path) in manifest() {
        let header = file_header(&read(&file));
        assert_eq!(header.big, file == "big_header.root", "{file}");
        assert_eq!(header.version, 64_000, "{file}");
        assert_eq!(header.begin, 100, "{file}");
        drop(path);
    }
    assert_eq!(Set::open("big_header.root", "sub/inner").footer.entries().unwrap(), 4);
}

#[test]
fn long_names_need_long_strings() {
    let path = "n".repeat(300);
    let set = Set::open("long_name.root", &path);
    assert_eq!(set.key.name.len(), 300);
}

#[test]
fn directories_and_other_objects() {
    let bytes = read("directories.root");
    let top = keys(&bytes, file_header(&bytes).directory_at().unwrap());
    let mut found = Vec::new();
    let mut todo: Vec<(String, _)> = top.into_iter().map(|key| (key.name.to_string(), key)).collect();
    let mut empty = 0;
    while let Some((path, key)) = todo.pop() {
        if Directory::CLASSES.contains(&&*key.class) {
            let below = keys(&bytes, key.payload_at());
            empty += usize::from(below.is_empty());
            todo.extend(below.into_iter().map(|key| (format!("{path}/{}", key.name), key)));
        } else if &*key.class == Anchor::CLASS {
            found.push(path);
        }
    }
    found.sort();
    assert_eq!(found, ["a/b/events", "a/b/other", "a/events", "top", "x/y/z/events"]);
    assert_eq!(empty, 1, "directories without keys");

    let bytes = read("with_objects.root");
    let top = keys(&bytes, file_header(&bytes).directory_at().unwrap());
    let classes: HashSet<&str> = top.iter().map(|key| &*key.class).collect();
    assert!(classes.contains("TNamed") && classes.contains(Anchor::CLASS), "{classes:?}");
    assert!(classes.iter().any(|class| class.starts_with("TH1")), "{classes:?}");
}

#[test]
fn cycles() {
    let bytes = read("cycles.root");
    let top = keys(&bytes, file_header(&bytes).directory_at().unwrap());
    let mut cycles: Vec<u16> = top.iter().filter(|key| &*key.name == "data").map(|key| key.cycle).collect();
    cycles.sort_unstable();
    assert_eq!(cycles, [1, 2, 3]);
    for (path, entries) in [("data", 2), ("data;3", 2), ("data;2", 5), ("data;1", 3)] {
        assert_eq!(Set::open("cycles.root", path).footer.entries().unwrap(), entries, "{path}");
    }
}

#[test]
fn anchors_raw_and_compressed() {
    let mut seen = HashSet::new();
    for (file, path) in manifest() {
        let key = find(&read(&file), &path);
        assert_eq!(key.object_len as usize, Anchor::LEN, "{file}");
        seen.insert(key.payload_len() == key.object_len);
    }
    assert_eq!(seen.len(), 2, "there are anchors of both kinds");
    // A cut anchor does not open.
    let bytes = read("tfile_raw.root");
    let key = find(&bytes, "data");
    let record = slice(&bytes, key.payload_at(), key.payload_len().into());
    assert!(Anchor::from_record(&record[..70], key.object_len).is_err());
}

/// In each cluster one representation holds the data of a field and the others are suppressed.
#[test]
fn suppressed_representations() {
    let set = Set::data("representations");
    let count = |path: &str| set.schema.representations(set.field(path)).count();
    let counts = ["f", "i", "s", "v", "d", "q", "vo._0", "vo._0._0", "one"].map(count);
    assert_eq!(counts, [3, 2, 2, 4, 4, 2, 2, 2, 1]);
    let clusters = set.clusters();
    let mut active: HashSet<ColumnId> = HashSet::new();
    for cluster in &clusters {
        for field in set.schema.fields().iter().filter(|field| !field.columns.is_empty()) {
            let mut holds = |columns: &[ColumnId]| {
                let suppressed: HashSet<bool> =
                    columns.iter().map(|c| cluster.columns[c.0 as usize].suppressed).collect();
                assert_eq!(suppressed.len(), 1, "the columns of a representation are suppressed together");
                let holds = suppressed.contains(&false);
                active.extend(columns.iter().filter(|_| holds));
                holds
            };
            let holding = set.schema.representations(field).filter(|columns| holds(columns)).count();
            assert_eq!(holding, 1, "field '{}' in cluster {}", field.name, cluster.summary.id);
        }
        for listed in cluster.columns.iter().filter(|listed| listed.suppressed) {
            assert!(listed.pages.is_empty() && listed.compression.is_none() && listed.elements == 0);
        }
    }
    assert_eq!(active.len(), set.schema.columns().len(), "every representation is used in some cluster");
    let strings: Vec<Vec<ColumnType>> = set
        .schema
        .representations(set.field("s"))
        .map(|columns| columns.iter().map(|&c| set.schema.column(c).unwrap().kind).collect())
        .collect();
    assert_eq!(
        strings,
        [[ColumnType::Index32, ColumnType::Char], [ColumnType::SplitIndex64, ColumnType::Char]],
        "two columns each"
    );
}

#[test]
fn representations_that_root_cannot_read_back() {
    let set = Set::data("representations_truncated_double");
    let kinds: Vec<(ColumnType, u16)> = set.schema.columns().iter().map(|column| (column.kind, column.bits)).collect();
    assert_eq!(kinds.len(), 2);
    assert!(kinds.contains(&(ColumnType::Real64, 64)) && kinds.contains(&(ColumnType::Real32Trunc, 20)), "{kinds:?}");
}

/// Header, page list and pages are split when they have more than 300 bytes.
#[test]
fn keys_of_limited_size() {
    for name in ["many_keys", "many_keys_raw"] {
        let set = Set::data(name);
        assert_eq!(set.anchor.max_key_size, 300);
        let split = |offset, stored| SplitPayload::plan(offset, stored, 300).unwrap().is_some();
        assert!(split(set.anchor.header.offset, set.anchor.header.stored), "{name}: header");
        let lists = set.footer.cluster_groups.iter().filter(|group| match group.page_list.locator {
            Locator::File { size, offset } => split(offset, size),
            _ => false,
        });
        // Compressed, the page lists are small enough.
        assert_eq!(lists.count() > 0, name == "many_keys_raw", "{name}: page list");
        let clusters = set.clusters();
        let pages = clusters.iter().flat_map(|cluster| &cluster.columns).flat_map(|column| &column.pages);
        let (mut whole, mut parts) = (0, 0);
        for page in pages {
            let Locator::File { offset, .. } = page.locator else { panic!("{page:?}") };
            *if split(offset, sealed_len(page).unwrap()) { &mut parts } else { &mut whole } += 1;
        }
        assert!(whole > 0 && parts > 0, "{name}: {whole} whole and {parts} split pages");
    }
}

#[test]
fn checksums_of_pages() {
    for (file, path) in manifest() {
        let set = Set::open(&file, &path);
        let clusters = set.clusters();
        let pages = clusters.iter().flat_map(|cluster| &cluster.columns).flat_map(|column| &column.pages);
        for page in pages {
            assert_eq!(page.checksum, file != "no_checksums.root", "{file}");
        }
    }
}

#[test]
fn identical_pages_are_stored_once() {
    let set = Set::data("same_pages");
    let clusters = set.clusters();
    let pages: Vec<_> = clusters.iter().flat_map(|cluster| &cluster.columns).flat_map(|column| &column.pages).collect();
    let places: HashSet<Locator> = pages.iter().map(|page| page.locator).collect();
    assert!(places.len() < pages.len(), "{} places of {} pages", places.len(), pages.len());
}

#[test]
fn attribute_sets() {
    let main = Set::open("attributes.root", "data");
    let names = |set: &Set| -> Vec<String> { set.footer.attribute_sets.iter().map(|s| s.name.to_string()).collect() };
    let mut of_main = names(&main);
    of_main.sort();
    assert_eq!(of_main, ["files", "never_filled", "runs"]);
    let other = Set::open("attributes.root", "other");
    assert_eq!(names(&other), ["runs"]);
    for set in [&main, &other] {
        for linked in &set.footer.attribute_sets {
            assert_eq!(linked.schema_version, [1, 0]);
            assert_eq!(linked.anchor_len as usize, Anchor::LEN);
            let Locator::File { size, offset } = linked.anchor else { panic!("{linked:?}") };
            let anchor = Anchor::from_record(slice(&set.bytes, offset, size), linked.anchor_len).unwrap();
            let attributes = Set::at(set.bytes.clone(), set.key.clone(), anchor);
            let top: Vec<&str> = attributes.schema.top_level().map(|field| &*field.name).collect();
            assert_eq!(top, ["_rangeStart", "_rangeLen", "_userData"]);
            let data = attributes.field("_userData");
            assert_eq!((data.role, &*data.type_name), (FieldRole::Record, ""));
            if &*linked.name == "never_filled" {
                assert_eq!(attributes.footer.entries().unwrap(), 0);
                assert!(attributes.clusters().is_empty());
            }
        }
    }
    assert!(Set::data("clusters").footer.attribute_sets.is_empty());
}

/// Fields that were added while writing: clusters from before list fewer columns, and what was never written is zero.
#[test]
fn extension() {
    let set = Set::data("extension");
    let added: Vec<&str> = set.schema.top_level().filter(|field| field.extension).map(|field| &*field.name).collect();
    assert_eq!(added.len(), 13);
    assert!(added.iter().all(|name| name.starts_with("late")), "{added:?}");
    let column = |path: &str| set.schema.column(set.field(path).columns[0]).unwrap();
    // Columns below a collection or a variant are not deferred: there is nothing of them before.
    for (path, deferred) in [
        ("id", false),
        ("late", true),
        ("late_vector", true),
        ("late_vector._0", false),
        ("late_array._0", true),
        ("late_variant", true),
        ("late_variant._0", false),
        ("late_class.where.x", true),
        ("late_class.charges._0", false),
        ("late_bits", true),
        ("late_array_of_vectors._0", true),
    ] {
        assert_eq!(column(path).deferred, deferred, "{path}");
        assert!(!column(path).suppressed_deferred, "{path}");
    }
    let first = column("late").first_element;
    assert!(first > 0);
    let third = column("late_array._0").first_element;
    assert_eq!(third % 3, 0, "element offsets count elements, of which there are three per entry");

    let listed: HashSet<usize> =
        set.clusters().iter().map(|c| c.columns.iter().filter(|pages| pages.compression.is_some()).count()).collect();
    assert!(listed.len() > 1, "clusters list different numbers of columns: {listed:?}");
    for cluster in set.clusters() {
        for pages in &cluster.columns {
            let column = set.schema.column(pages.column).unwrap();
            let stored: u64 = pages.pages.iter().map(|page| u64::from(page.elements)).sum();
            assert_eq!(pages.zeros + stored, pages.elements);
            assert!(column.deferred || pages.zeros == 0);
        }
        let late = &cluster.columns[column("late").id.0 as usize];
        assert_eq!(late.elements, cluster.summary.entries);
        let end = cluster.summary.first_entry + cluster.summary.entries;
        let expected = first.clamp(cluster.summary.first_entry, end) - cluster.summary.first_entry;
        assert_eq!(late.zeros, expected, "cluster {}", cluster.summary.id);
        let array = &cluster.columns[column("late_array._0").id.0 as usize];
        assert_eq!(array.elements, cluster.summary.entries * 3);
    }
}

/// Fields that were added to a record have their parent in the header and themselves in the footer.
#[test]
fn extension_of_a_record() {
    let set = Set::data("extension_record");
    let late: Vec<_> = set.schema.fields().iter().filter(|field| field.extension).collect();
    assert!(!late.is_empty());
    let in_record = late.iter().filter(|field| {
        let parent = field.parent.and_then(|id| set.schema.field(id));
        parent.is_some_and(|parent| !parent.extension && parent.role == FieldRole::Record)
    });
    assert!(in_record.count() > 0);
    let buffered = Set::data("extension_record_buffered");
    let late = buffered.schema.fields().iter().filter(|field| field.extension && field.parent.is_none());
    assert!(late.count() > 0, "ROOT puts them at the top level");
}

#[test]
fn projections_show_columns_of_their_source() {
    let set = Set::data("projections");
    for (path, source) in [
        ("missing", "met"),
        ("label", "text"),
        ("n_hits", "hits"),
        ("ids._0", "hits._0.id"),
        ("charges._0._0", "hits._0.charges._0"),
        ("vv_copy._0._0", "vv._0._0"),
        ("same_point.y", "point.y"),
    ] {
        let field = set.field(path);
        assert_eq!(field.source.map(|id| set.schema.path(id)).as_deref(), Some(source), "{path}");
        assert_eq!(field.columns, set.field(source).columns, "{path}");
    }
    assert_eq!(set.schema.columns().len(), 18);
}

#[test]
fn kinds_of_fields() {
    let set = Set::data("soa");
    assert!(set.field("particles").soa && set.field("has.particles").soa && set.field("many._0").soa);
    assert!(!set.field("records").soa && !set.field("many").soa);
    assert_eq!(set.field("particles").role, FieldRole::Collection);

    let set = Set::data("streamer");
    assert_eq!(set.field("one").role, FieldRole::Streamer);
    let [extra] = set.schema.extra_type_info() else { panic!("{:?}", set.schema.extra_type_info()) };
    assert_eq!(extra.content_id, 0);
    assert!(extra.content.windows(5).any(|window| window == b"TList"), "a list of streamer infos");

    let set = Set::data("arrays");
    assert_eq!(set.field("a").repetitions, Some(3));
    assert_eq!((set.field("aa").repetitions, set.field("aa._0").repetitions), (Some(3), Some(2)));
    let set = Set::data("bitsets");
    let sizes: HashSet<u64> = set.schema.fields().iter().filter_map(|field| field.repetitions).collect();
    assert!([1, 7, 8, 64, 65, 130].iter().all(|size| sizes.contains(size)), "{sizes:?}");
    let set = Set::data("classes");
    assert!(set.schema.fields().iter().any(|field| &*field.name == ":_0"));
    assert!(set.schema.fields().iter().any(|field| field.type_checksum.is_some()));
    let set = Set::data("aliases");
    assert!(set.schema.fields().iter().any(|field| &*field.type_alias == "Double32_t"));
}

/// Asking for some columns gives what asking for all gives, and the envelope is checked as a whole all the same.
#[test]
fn page_lists_by_column() {
    for name in ["clusters", "cluster_groups", "representations", "extension", "many_keys", "no_elements"] {
        let set = Set::data(name);
        let (all, columns) = (set.clusters(), set.all_columns());
        for chosen in
            [vec![], vec![columns[0]], vec![*columns.last().unwrap()], columns.iter().copied().step_by(2).collect()]
        {
            let some = set.clusters_of(&chosen);
            assert_eq!(some.len(), all.len());
            for (some, all) in some.iter().zip(&all) {
                assert_eq!(some.summary, all.summary);
                let expected: Vec<_> = chosen.iter().map(|column| all.columns[column.0 as usize].clone()).collect();
                assert_eq!(some.columns, expected, "{name}");
            }
        }
        let reader = set.page_list_reader(0);
        let mut list = set.page_list(0);
        let last = list.len() - 9;
        list[last] ^= 1;
        assert!(reader.read(list.as_slice(), &[]).is_err(), "{name}: damage behind the columns asked for");
    }
}

/// Header, footer and page list know each other by the header's checksum.
#[test]
fn envelopes_of_other_sets_are_refused() {
    let (one, two) = (Set::data("clusters"), Set::data("integers"));
    let footer = envelope(&two.bytes, &two.anchor, two.anchor.footer);
    let result = rntuple_core::metadata::Footer::parse(&footer, one.header.clone());
    assert!(matches!(result, Err(Error::Malformed { .. })), "{result:?}");
    let mut reader = one.page_list_reader(0);
    reader.header_checksum ^= 1;
    assert!(reader.read(one.page_list(0).as_slice(), &[]).is_err());
    assert!(Header::parse(&footer).is_err(), "a footer is no header");
}
