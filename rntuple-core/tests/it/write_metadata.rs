//! Envelopes that are written are those that ROOT wrote.
//!
//! Everything in the golden files is read and then written again from what was made of it. The bytes must be the same,
//! so that reading loses nothing and writing says it as ROOT does.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rntuple_core::container::root_file::Anchor;
use rntuple_core::metadata::{
    AttributeSet, ClusterGroup, ClusterListing, ClusterPages, ClusterSummary, ColumnPages, EnvelopeLink, Footer,
    Header, HeaderNames, Locator, PageInfo, PageListReader, SerializedEnvelope, serialize_page_list,
};
use rntuple_core::schema::{ColumnId, Schema};

use crate::build::*;
use crate::support::{Set, envelope, read};
use crate::write_container::{Record, files, records};

/// Every RNTuple of a file: also attribute sets, and older cycles.
fn sets(bytes: &[u8]) -> Vec<Set> {
    let (records, _) = records(bytes);
    let anchors = records.into_iter().filter(|record| &*record.key.class == Anchor::CLASS);
    let open = |record: Record| {
        let anchor = Anchor::from_record(record.payload(bytes), record.key.object_len).unwrap();
        Set::at(bytes.to_vec(), record.key, anchor)
    };
    anchors.map(open).collect()
}

/// Counts what was compared, so that a test which compares nothing is noticed.
#[derive(Default)]
pub(crate) struct Seen(BTreeMap<&'static str, usize>);

impl Seen {
    pub(crate) fn add(&mut self, what: &'static str, n: usize) {
        *self.0.entry(what).or_default() += n;
    }

    pub(crate) fn check(&self, least: &[(&str, usize)]) {
        for &(what, n) in least {
            let seen = self.0.get(what).copied().unwrap_or_default();
            assert!(seen >= n, "{what}: {seen} seen, expected {n}");
        }
    }
}

pub(crate) fn assert_same(written: &[u8], expected: &[u8], what: &str) {
    if written != expected {
        let at = written.iter().zip(expected).take_while(|(a, b)| a == b).count();
        let around = |bytes: &[u8]| bytes[at.saturating_sub(16).min(bytes.len())..(at + 16).min(bytes.len())].to_vec();
        panic!(
            "{what}: {} bytes written, {} expected, they differ at {at}:\n{:02x?}\n{:02x?}",
            written.len(),
            expected.len(),
            around(written),
            around(expected)
        );
    }
}

#[test]
fn envelopes_of_golden_files() {
    let mut seen = Seen::default();
    for file in files() {
        for set in sets(&read(&file)) {
            let what = |part: &str| format!("{file}, {}: {part}", set.key.name);
            let names = HeaderNames {
                name: &set.header.name,
                description: &set.header.description,
                writer: &set.header.writer,
            };
            let header = Header::serialize(&names, &set.schema).unwrap();
            assert_same(&header.bytes, &envelope(&set.bytes, &set.anchor, set.anchor.header), &what("header"));
            assert_eq!(header.checksum, set.header.checksum);

            let footer = set.footer.serialize(header.checksum, &set.schema).unwrap();
            assert_same(&footer.bytes, &envelope(&set.bytes, &set.anchor, set.anchor.footer), &what("footer"));

            for group in 0..set.footer.cluster_groups.len() {
                let expected = set.page_list(group);
                let clusters = set.page_list_reader(group).read(expected.as_slice(), &set.all_columns()).unwrap();
                let written = page_list(header.checksum, &clusters).unwrap();
                assert_same(&written.bytes, &expected, &what("page list"));
                let columns = || clusters.iter().flat_map(|cluster| &cluster.columns);
                seen.add("clusters", clusters.len());
                seen.add("pages", columns().map(|column| column.pages.len()).sum());
                seen.add("suppressed", columns().filter(|column| column.suppressed).count());
                seen.add("unlisted", columns().filter(|c| !c.suppressed && c.compression.is_none()).count());
                seen.add("leading zeros", columns().filter(|column| column.zeros > 0).count());
                seen.add("offsets", columns().filter(|column| column.first_element > 0).count());
                seen.add("no pages", columns().filter(|c| c.compression.is_some() && c.pages.is_empty()).count());
                let pages = || columns().flat_map(|column| &column.pages);
                seen.add("no checksum", pages().filter(|page| !page.checksum).count());
            }

            let fields = set.schema.fields();
            seen.add("sets", 1);
            seen.add("groups", set.footer.cluster_groups.len());
            seen.add("sets without groups", usize::from(set.footer.cluster_groups.is_empty()));
            seen.add("fields", fields.len());
            seen.add("extension fields", fields.iter().filter(|field| field.extension).count());
            seen.add("below the header", {
                let old = |field: &&rntuple_core::schema::Field| {
                    let parent = field.parent.and_then(|parent| set.schema.field(parent));
                    field.extension && parent.is_some_and(|parent| !parent.extension)
                };
                fields.iter().filter(old).count()
            });
            seen.add("arrays", fields.iter().filter(|field| field.repetitions.is_some()).count());
            seen.add("projections", fields.iter().filter(|field| field.source.is_some()).count());
            seen.add("class checksums", fields.iter().filter(|field| field.type_checksum.is_some()).count());
            seen.add("structures of arrays", fields.iter().filter(|field| field.soa).count());
            seen.add("aliases", fields.iter().filter(|field| !field.type_alias.is_empty()).count());
            seen.add("descriptions", fields.iter().filter(|field| !field.description.is_empty()).count());
            seen.add("columns", set.schema.columns().len());
            seen.add("deferred", set.schema.columns().iter().filter(|column| column.deferred).count());
            seen.add("ranges", set.schema.columns().iter().filter(|column| column.range.is_some()).count());
            seen.add("extension columns", set.schema.columns().iter().filter(|column| column.extension).count());
            seen.add("extra", set.schema.extra_type_info().len());
            seen.add("extra in extension", set.schema.extra_type_info().iter().filter(|e| e.extension).count());
            seen.add("attribute sets", set.footer.attribute_sets.len());
        }
    }
    seen.check(&[
        ("sets", 92),
        ("sets without groups", 3),
        ("groups", 100),
        ("clusters", 150),
        ("pages", 4000),
        ("no checksum", 10),
        ("suppressed", 80),
        ("unlisted", 50),
        ("leading zeros", 20),
        ("offsets", 1000),
        ("no pages", 80),
        ("fields", 1500),
        ("extension fields", 30),
        ("below the header", 2),
        ("arrays", 50),
        ("projections", 25),
        ("class checksums", 100),
        ("structures of arrays", 3),
        ("aliases", 15),
        ("descriptions", 80),
        ("columns", 1400),
        ("deferred", 20),
        ("ranges", 100),
        ("extension columns", 30),
        ("extra in extension", 1),
        ("attribute sets", 4),
    ]);
}

/// What the parts of a crafted header say, written again.
fn rewritten(spec: &HeaderSpec) -> rntuple_core::Result<Vec<u8>> {
    let header = Header::parse(&spec.envelope()).unwrap();
    let footer = FooterSpec { header_checksum: header.checksum, ..FooterSpec::default() };
    let names = HeaderNames { name: "data", description: "a data set", writer: "test" };
    let (_, schema) = Footer::parse(&footer.envelope(), header).unwrap();
    Header::serialize(&names, &schema).map(|envelope| envelope.bytes)
}

fn crafted() -> HeaderSpec {
    let projected = |id, source: u32, name, type_name| FieldSpec {
        flags: 0x02,
        behind: source.to_le_bytes().to_vec(),
        ..FieldSpec::new(id, PLAIN, name, type_name)
    };
    let deferred = |field, first: i64| ColumnSpec {
        flags: 0x01,
        behind: first.to_le_bytes().to_vec(),
        ..ColumnSpec::new(field, 0x07, 32)
    };
    HeaderSpec {
        fields: vec![
            FieldSpec::new(0, PLAIN, "a", "std::int32_t"),
            FieldSpec::new(1, PLAIN, "s", "std::string"),
            projected(2, 1, "s2", "std::string"),
            projected(3, 1, "s3", "std::string"),
            // All optional values at once, in their order.
            FieldSpec {
                flags: 0x0f,
                behind: [&7_u64.to_le_bytes()[..], &0_u32.to_le_bytes(), &0x1234_5678_u32.to_le_bytes()].concat(),
                ..FieldSpec::new(4, COLLECTION, "all", "Soa")
            },
        ],
        columns: vec![
            deferred(0, 5),
            ColumnSpec::new(1, 0x0f, 64),
            ColumnSpec::new(1, 0x02, 8),
            // Deferred and a range; deferred from the first element on; deferred and suppressed.
            ColumnSpec {
                flags: 0x03,
                behind: [9_i64.to_le_bytes(), (-1.5_f64).to_le_bytes(), 2.5_f64.to_le_bytes()].concat(),
                ..ColumnSpec::new(4, 0x1d, 20)
            },
            ColumnSpec { representation: 1, ..deferred(0, 0) },
            ColumnSpec { representation: 2, ..deferred(0, -3) },
            ColumnSpec { representation: 3, ..deferred(0, i64::MIN) },
        ],
        // The alias columns of one field need not stand together.
        aliases: vec![(1, 3), (1, 2), (2, 2), (2, 3)],
        extra: vec![
            record(&[&0_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), &string("T"), &string("a\0b")].concat()),
            record(&[&9_u32.to_le_bytes()[..], &0_u32.to_le_bytes(), &string(""), &string("")].concat()),
        ],
        ..HeaderSpec::default()
    }
}

/// What no golden file has.
#[test]
fn crafted_descriptions() {
    let spec = crafted();
    assert_same(&rewritten(&spec).unwrap(), &spec.envelope(), "header");

    // The same as an extension.
    let names = HeaderNames { name: "data", description: "a data set", writer: "test" };
    let empty = Header::serialize(&names, &Schema::default()).unwrap();
    assert_same(&empty.bytes, &HeaderSpec::default().envelope(), "empty header");
    let spec = FooterSpec {
        header_checksum: empty.checksum,
        extension: spec.schema(),
        attribute_sets: Some(Vec::new()),
        ..FooterSpec::default()
    };
    let (footer, schema) = Footer::parse(&spec.envelope(), Header::parse(&empty.bytes).unwrap()).unwrap();
    assert_same(&footer.serialize(empty.checksum, &schema).unwrap().bytes, &spec.envelope(), "footer");
    assert_eq!(Header::serialize(&names, &schema).unwrap(), empty);
    assert!(schema.columns().iter().all(|column| column.extension));
    assert!(schema.extra_type_info().iter().all(|extra| extra.extension));
}

/// What this version does not understand, it does not write: the rest of it may not have been kept.
#[test]
fn unknown_parts_are_not_written() {
    let changes: [fn(&mut HeaderSpec); 5] = [
        |spec| spec.fields[0].version = 1,
        |spec| spec.fields[0].role = 0x99,
        |spec| spec.fields[0].flags = 0x10,
        |spec| spec.columns[1].kind = 0x99,
        |spec| spec.columns[1].flags = 0x04,
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut spec = crafted();
        change(&mut spec);
        let error = rewritten(&spec).unwrap_err().to_string();
        assert!(error.contains("cannot be written") && error.contains("unknown"), "{i}: {error}");
    }
    // A source that does not exist is no problem of reading, as long as nobody asks for the field.
    let mut spec = crafted();
    spec.fields[2].behind = 99_u32.to_le_bytes().to_vec();
    let error = rewritten(&spec).unwrap_err().to_string();
    assert!(error.contains("field 99, which does not exist"), "{error}");
}

fn group(first_cluster: u64, clusters: u32, first_entry: u64, locator: Locator) -> ClusterGroup {
    let page_list = EnvelopeLink { length: 1000 + first_cluster, locator };
    ClusterGroup { first_entry, entries: 10, clusters, first_cluster, page_list }
}

/// Cluster groups are stored in the order of their clusters, whatever that of their entries is.
#[test]
fn footers() {
    let schema = Schema::default();
    let names = HeaderNames { name: "", description: "", writer: "" };
    let header = Header::serialize(&names, &schema).unwrap();
    let file = Locator::File { size: 77, offset: 88 };
    let footer = Footer {
        cluster_groups: vec![group(3, 2, 0, file), group(0, 3, 10, file), group(5, 1, 20, file)],
        attribute_sets: vec![
            AttributeSet {
                name: "runs".into(),
                schema_version: [1, 3],
                anchor_len: 78,
                anchor: Locator::File { size: 1 << 40, offset: 1 << 41 },
            },
            AttributeSet { name: "".into(), schema_version: [2, 0], anchor_len: 90, anchor: file },
        ],
    };
    let envelope = footer.serialize(header.checksum, &schema).unwrap();
    let (read, _) = Footer::parse(&envelope.bytes, Header::parse(&header.bytes).unwrap()).unwrap();
    assert_eq!(read, footer);
    assert_eq!(checksum_of(&envelope.bytes), envelope.checksum);

    let refused = |footer: Footer, why: &str| {
        let error = footer.serialize(header.checksum, &schema).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    let with = |cluster_groups| Footer { cluster_groups, attribute_sets: Vec::new() };
    refused(with(vec![group(0, 2, 0, file), group(3, 2, 10, file)]), "starts at cluster 3, expected 2");
    refused(with(vec![group(1, 2, 0, file)]), "starts at cluster 1, expected 0");
    refused(with(vec![group(0, 2, 0, Locator::Unknown { kind: 0x7e })]), "0x7e");
}

fn page(first: u64, elements: u32, checksum: bool, size: u64) -> PageInfo {
    PageInfo { first, elements, checksum, locator: Locator::File { size, offset: 4000 } }
}

fn column(id: u32, pages: Vec<PageInfo>) -> ColumnPages {
    let elements = pages.iter().map(|page| u64::from(page.elements)).sum();
    let column = ColumnId(id);
    ColumnPages { column, suppressed: false, compression: Some(505), zeros: 0, first_element: 3, elements, pages }
}

fn suppressed(id: u32) -> ColumnPages {
    ColumnPages { suppressed: true, compression: None, first_element: 0, ..column(id, Vec::new()) }
}

fn unlisted(id: u32) -> ColumnPages {
    ColumnPages { suppressed: false, ..suppressed(id) }
}

fn cluster(id: u64, columns: Vec<ColumnPages>) -> ClusterPages {
    ClusterPages { summary: ClusterSummary { id, first_entry: 10 * id, entries: 10 }, columns }
}

fn page_list(header_checksum: u64, clusters: &[ClusterPages]) -> rntuple_core::Result<SerializedEnvelope> {
    let mut clusters = clusters.to_vec();
    clusters.sort_by_key(|cluster| cluster.summary.id);
    let listings = clusters.iter().map(ClusterListing::new).collect::<rntuple_core::Result<Vec<_>>>()?;
    serialize_page_list(header_checksum, &listings)
}

/// Reads a page list with some columns of a schema without deferred columns.
fn reread(clusters: &[ClusterPages], columns: u32) -> Vec<ClusterPages> {
    let envelope = page_list(42, clusters).unwrap();
    let summaries = || clusters.iter().map(|cluster| cluster.summary);
    let page_list = EnvelopeLink { length: envelope.bytes.len() as u64, locator: Locator::File { size: 0, offset: 0 } };
    let group = ClusterGroup {
        first_entry: summaries().map(|summary| summary.first_entry).min().unwrap(),
        entries: summaries().map(|summary| summary.entries).sum(),
        clusters: u32::try_from(clusters.len()).unwrap(),
        first_cluster: summaries().map(|summary| summary.id).min().unwrap(),
        page_list,
    };
    let reader = PageListReader { schema: &Schema::default(), header_checksum: 42, group: &group };
    let columns: Vec<ColumnId> = (0..columns).map(ColumnId).collect();
    reader.read(envelope.bytes.as_slice(), &columns).unwrap()
}

/// Page lists at the edges of what a locator, a page and a column can say.
#[test]
fn page_lists() {
    const SIMPLE: u64 = (1 << 31) - 1;
    let most = (1_u32 << 31) - 1;
    let clusters = [
        cluster(
            7,
            vec![
                column(
                    0,
                    vec![page(0, 1, true, SIMPLE), page(1, most, true, SIMPLE + 1), page(1 << 31, 5, false, 1 << 40)],
                ),
                suppressed(1),
                ColumnPages { compression: Some(0), first_element: i64::MAX as u64, ..column(2, Vec::new()) },
                unlisted(3),
            ],
        ),
        cluster(8, vec![unlisted(0), unlisted(1), unlisted(2), unlisted(3)]),
        cluster(9, vec![column(0, Vec::new()), column(1, Vec::new()), suppressed(2), column(3, Vec::new())]),
    ];
    assert_eq!(reread(&clusters, 4), clusters);

    // Object locators, in both of their forms.
    let objects = [1, u32::MAX.into(), 1 << 32].map(|size| Locator::Object { size, location: 99 });
    let pages = objects.map(|locator| PageInfo { locator, ..page(0, 0, false, 0) });
    let clusters = [cluster(0, vec![column(0, pages.to_vec())])];
    assert_eq!(reread(&clusters, 1), clusters);

    // A simple locator takes 12 bytes, a large one 20; of the others 16 or 20.
    let len = |locator| {
        let page = PageInfo { locator, ..page(0, 1, true, 0) };
        page_list(42, &[cluster(0, vec![column(0, vec![page])])]).unwrap().bytes.len()
    };
    let simple = len(Locator::File { size: SIMPLE, offset: u64::MAX });
    assert_eq!(len(Locator::File { size: SIMPLE + 1, offset: 0 }), simple + 8);
    assert_eq!(len(Locator::Object { size: u32::MAX.into(), location: 0 }), simple + 4);
    assert_eq!(len(Locator::Object { size: 1 << 32, location: 0 }), simple + 8);

    // Clusters go by their numbers, not by their entries, and columns that were suppressed before they existed are left
    // out with those before them.
    let mut swapped = vec![cluster(1, vec![]), cluster(0, vec![column(0, vec![]), unlisted(1), suppressed(2)])];
    swapped[0].summary.first_entry = 0;
    swapped[1].summary.first_entry = 10;
    let read = reread(&swapped, 3);
    assert_eq!(read.iter().map(|cluster| cluster.summary.id).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(read[1].columns, [column(0, vec![]), unlisted(1), unlisted(2)]);
}

#[test]
fn impossible_page_lists() {
    let refused = |clusters: &[ClusterPages], why: &str| {
        let error = page_list(42, clusters).unwrap_err().to_string();
        assert!(error.contains(why), "'{error}' does not say '{why}'");
    };
    let refused_column = |column, why| refused(&[cluster(0, vec![column])], why);
    let elements = |n| ColumnPages { elements: n, ..column(0, vec![page(0, 5, true, 1)]) };
    refused_column(elements(6), "column 0");
    refused_column(elements(4), "end at element 5, expected 4");
    refused_column(column(0, vec![page(0, 5, true, 1), page(4, 5, true, 1)]), "starts at element 4, expected 5");
    refused_column(ColumnPages { zeros: 2, ..elements(5) }, "starts at element 0, expected 2");
    refused_column(column(0, vec![page(0, 1 << 31, true, 1)]), "elements of a page");
    refused_column(column(0, vec![page(0, 0, true, 1)]), "no elements");
    refused_column(ColumnPages { suppressed: true, ..elements(5) }, "suppressed column has pages");
    refused_column(ColumnPages { first_element: 1 << 63, ..elements(5) }, "element offset");
    let unknown = PageInfo { locator: Locator::Unknown { kind: 3 }, ..page(0, 5, true, 1) };
    refused_column(column(0, vec![unknown]), "0x03");
    refused_column(column(1, vec![]), "column 1 stands where column 0 is expected");
    refused(&[cluster(0, vec![column(0, vec![]), unlisted(1), column(2, vec![])])], "column 2 is listed behind");
    refused(&[cluster(0, vec![]), cluster(2, vec![])], "cluster 0 is followed by cluster 2");
    refused(&[cluster(1, vec![]), cluster(1, vec![])], "cluster 1 is followed by cluster 1");
    let mut long = cluster(0, vec![]);
    long.summary.entries = 1 << 56;
    refused(&[long], "entries of a cluster");
}

fn any_page() -> impl Strategy<Value = (u32, bool, Locator)> {
    let locator = prop_oneof![
        (0..1_u64 << 33, any::<u64>()).prop_map(|(size, offset)| Locator::File { size, offset }),
        (0..1_u64 << 33, any::<u64>()).prop_map(|(size, location)| Locator::Object { size, location }),
        (0..1_u64 << 33, any::<u32>(), any::<u32>()).prop_map(|(size, object, offset)| Locator::Multi {
            size,
            object,
            offset
        }),
    ];
    (1..1_u32 << 31, any::<bool>(), locator)
}

fn any_column() -> impl Strategy<Value = ColumnPages> {
    let pages = (proptest::collection::vec(any_page(), 0..5), any::<u32>(), 0..1_u64 << 63);
    let listed = pages.prop_map(|(pages, compression, first_element)| {
        let mut out = ColumnPages { compression: Some(compression), first_element, ..column(0, Vec::new()) };
        for (elements, checksum, locator) in pages {
            out.pages.push(PageInfo { first: out.elements, elements, checksum, locator });
            out.elements += u64::from(elements);
        }
        out
    });
    prop_oneof![4 => listed, 1 => Just(suppressed(0))]
}

proptest! {
    /// Any page list reads back as it was written.
    #[test]
    fn any_page_list(clusters in proptest::collection::vec(proptest::collection::vec(any_column(), 0..6), 1..5)) {
        let most = clusters.iter().map(Vec::len).max().unwrap_or_default();
        let clusters: Vec<ClusterPages> = (0_u64..)
            .zip(clusters)
            .map(|(id, columns)| {
                // Every cluster is asked for as many columns as the longest one has.
                let columns = columns.into_iter().chain(std::iter::repeat_with(|| unlisted(0))).take(most);
                let columns = (0_u32..).zip(columns).map(|(id, pages)| ColumnPages { column: ColumnId(id), ..pages });
                cluster(id, columns.collect())
            })
            .collect();
        prop_assert_eq!(reread(&clusters, u32::try_from(most).unwrap()), clusters);
    }
}
