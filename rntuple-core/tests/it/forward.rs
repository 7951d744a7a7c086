//! What later versions of the format may bring: skipped where that is allowed, refused with a reason where it is not.

use std::sync::Arc;

use rntuple_core::arrow::{Plan, Projection, ReadOptions};
use rntuple_core::metadata::{ClusterGroup, EnvelopeLink, Footer, Header, Locator, PageListReader};
use rntuple_core::schema::{ColumnId, Schema};
use rntuple_core::{Error, Result};

use crate::build::*;

/// `a` and `c` are plain integers, `b` holds a list of integers below a record.
fn header() -> HeaderSpec {
    HeaderSpec {
        fields: vec![
            FieldSpec::new(0, PLAIN, "a", "std::int32_t"),
            FieldSpec::new(1, RECORD, "b", ""),
            FieldSpec::new(1, COLLECTION, "list", "std::vector<std::int32_t>"),
            FieldSpec::new(2, PLAIN, "_0", "std::int32_t"),
            FieldSpec::new(4, PLAIN, "c", "std::int32_t"),
        ],
        columns: vec![
            ColumnSpec::new(0, 0x07, 32),
            ColumnSpec::new(2, 0x0e, 32),
            ColumnSpec::new(3, 0x07, 32),
            ColumnSpec::new(4, 0x07, 32),
        ],
        ..HeaderSpec::default()
    }
}

fn footer(header: &Header) -> FooterSpec {
    FooterSpec { header_checksum: header.checksum, attribute_sets: Some(vec![]), ..FooterSpec::default() }
}

fn open(header: &HeaderSpec) -> Result<Schema> {
    let header = Header::parse(&header.envelope())?;
    let footer = footer(&header).envelope();
    Ok(Footer::parse(&footer, header)?.1)
}

fn read_everything(schema: Schema) -> Plan {
    Plan::new(&Arc::new(schema), &Projection::all(), &ReadOptions::default()).unwrap()
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.schema().fields().iter().map(|field| field.name().as_str()).collect()
}

/// `field` cannot be had, for a reason that contains `reason`; the others can.
fn assert_unavailable(spec: &HeaderSpec, field: &str, reason: &str) {
    let schema = open(spec).unwrap();
    let plan = read_everything(schema.clone());
    let rest: Vec<&str> = ["a", "b", "c"].into_iter().filter(|name| *name != field).collect();
    assert_eq!(names(&plan), rest);
    let [(skipped, why)] = plan.skipped() else { panic!("{:?}", plan.skipped()) };
    assert_eq!(skipped, field);
    assert!(why.contains(reason), "'{why}' does not say '{reason}'");

    let schema = Arc::new(schema);
    let choose = |pattern: &str| Plan::new(&schema, &Projection::patterns([pattern]), &ReadOptions::default());
    match choose(field) {
        Err(Error::FieldUnavailable { field: named, reason: why }) => {
            assert_eq!(named, field);
            assert!(why.contains(reason), "{why}");
        }
        other => panic!("naming it is an error, not {other:?}"),
    }
    assert_eq!(names(&choose("*").unwrap()), rest);
    let other = if field == "a" { "c" } else { "a" };
    assert_eq!(names(&choose(other).unwrap()), [other]);
    let columns = choose(other).unwrap();
    assert_eq!(columns.columns().len(), 1);
}

#[test]
fn as_it_is_today() {
    let plan = read_everything(open(&header()).unwrap());
    assert_eq!(names(&plan), ["a", "b", "c"]);
    assert!(plan.skipped().is_empty());
    assert_eq!(plan.columns(), [0, 1, 2, 3].map(ColumnId));
}

#[test]
fn unknown_column_type() {
    let mut spec = header();
    spec.columns[0].kind = 0x99;
    assert_unavailable(&spec, "a", "0x99");
    // Below a record and a collection, the top-level field is gone, and the reason says where.
    let mut spec = header();
    spec.columns[2].kind = 0x99;
    assert_unavailable(&spec, "b", "b.list._0");
    assert_unavailable(&spec, "b", "0x99");
    // Bits that mean nothing without the type.
    let mut spec = header();
    (spec.columns[3].kind, spec.columns[3].bits) = (0x99, 5);
    assert_unavailable(&spec, "c", "0x99");
}

#[test]
fn unknown_column_type_in_one_of_two_representations() {
    let mut spec = header();
    spec.columns.push(ColumnSpec { kind: 0x99, bits: 3, field: 0, representation: 1, ..ColumnSpec::default() });
    assert_unavailable(&spec, "a", "0x99");
}

#[test]
fn unknown_role() {
    let mut spec = header();
    spec.fields[0].role = 0x99;
    assert_unavailable(&spec, "a", "0x99");
    let mut spec = header();
    spec.fields[2].role = 0x99;
    assert_unavailable(&spec, "b", "0x99");
}

#[test]
fn unknown_flags() {
    for bit in 4..16 {
        let mut spec = header();
        spec.fields[4].flags = 1 << bit;
        // What such a flag announces would stand behind the rest.
        spec.fields[4].behind = vec![1, 2, 3, 4];
        assert_unavailable(&spec, "c", "flag");
    }
    for bit in 2..16 {
        let mut spec = header();
        spec.columns[0].flags = 1 << bit;
        spec.columns[0].behind = vec![1, 2, 3, 4];
        assert_unavailable(&spec, "a", "flag");
    }
}

#[test]
fn unknown_field_version() {
    let mut spec = header();
    spec.fields[0].version = 1;
    assert_unavailable(&spec, "a", "version 1");
    let mut spec = header();
    spec.fields[3].version = 7;
    assert_unavailable(&spec, "b", "version 7");
}

#[test]
fn known_type_with_bits_that_it_cannot_have() {
    for (kind, bits) in [(0x07, 31), (0x00, 2), (0x1c, 9), (0x1c, 32), (0x1d, 0), (0x1d, 33)] {
        let mut spec = header();
        (spec.columns[0].kind, spec.columns[0].bits) = (kind, bits);
        assert_unavailable(&spec, "a", "bits");
    }
}

/// A type name that is not known, with columns that are: the values are read by the columns.
#[test]
fn unknown_type_name_is_no_obstacle() {
    let mut spec = header();
    spec.fields[0].type_name = "std::int128_t".to_owned();
    let plan = read_everything(open(&spec).unwrap());
    assert_eq!(names(&plan), ["a", "b", "c"]);
}

#[test]
fn unknown_extra_type_information_is_kept() {
    let mut spec = header();
    let info = [&0x99_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), &string("T"), &string("content"), &[9; 5]].concat();
    spec.extra = vec![record(&info)];
    let schema = open(&spec).unwrap();
    let [extra] = schema.extra_type_info() else { panic!("{:?}", schema.extra_type_info()) };
    assert_eq!((extra.content_id, &*extra.type_name, &*extra.content), (0x99, "T", &b"content"[..]));
    assert_eq!(names(&read_everything(schema)), ["a", "b", "c"]);
}

#[test]
fn what_is_appended_is_skipped() {
    let mut spec = header();
    for field in &mut spec.fields {
        field.behind = vec![0xee; 11];
    }
    for column in &mut spec.columns {
        column.behind = vec![0xdd; 3];
    }
    spec.behind_lists = vec![0xcc; 29];
    spec.behind = vec![0xbb; 100];
    let parsed = Header::parse(&spec.envelope()).unwrap();
    assert_eq!((&*parsed.name, &*parsed.description, &*parsed.writer), ("data", "a data set", "test"));
    let group = GroupSpec {
        entries: 5,
        clusters: 1,
        length: 100,
        locator: locator(50, 1000),
        behind: vec![0x77; 9],
        ..GroupSpec::default()
    };
    let set = [
        &1_u16.to_le_bytes()[..],
        &7_u16.to_le_bytes(),
        &78_u32.to_le_bytes(),
        &locator(78, 500),
        &string("notes"),
        &[0x66; 3],
    ]
    .concat();
    let more = FooterSpec {
        extension: [HeaderSpec::default().schema(), vec![0x55; 13]].concat(),
        groups: vec![group],
        attribute_sets: Some(vec![record(&set)]),
        behind: [list(&[record(&[1, 2, 3])]), vec![0x44; 7]].concat(),
        ..footer(&parsed)
    };
    let (footer, schema) = Footer::parse(&more.envelope(), parsed).unwrap();
    let plan = read_everything(schema);
    assert_eq!((names(&plan), plan.columns().len()), (vec!["a", "b", "c"], 4));
    let link = EnvelopeLink { length: 100, locator: Locator::File { size: 50, offset: 1000 } };
    assert_eq!(
        footer.cluster_groups,
        [ClusterGroup { first_cluster: 0, first_entry: 0, entries: 5, clusters: 1, page_list: link }]
    );
    assert_eq!((&*footer.attribute_sets[0].name, footer.attribute_sets[0].schema_version), ("notes", [1, 7]));
}

/// Footers before 1.0.1 have no list of attribute sets, and may have padding instead.
#[test]
fn footers_of_old_versions() {
    for behind in [0, 1, 8] {
        let header = Header::parse(&header().envelope()).unwrap();
        let spec = FooterSpec { attribute_sets: None, behind: vec![0; behind], ..footer(&header) };
        let (footer, _) = Footer::parse(&spec.envelope(), header).unwrap();
        assert!(footer.attribute_sets.is_empty());
    }
}

/// Feature flags: 63 per word, the top bit announces the next word.
#[test]
fn feature_flags() {
    const MORE: u64 = 1 << 63;
    let cases: [(&[u64], Option<u32>); 9] = [
        (&[0], None),
        (&[MORE, 0], None),
        (&[MORE, MORE, 0], None),
        (&[1], Some(0)),
        (&[1 << 62], Some(62)),
        (&[MORE, 1], Some(64)),
        (&[MORE | 1, 0], Some(0)),
        // The bit that ROOT keeps for tests.
        (&[MORE, MORE, 1 << 9], Some(137)),
        (&[MORE, 1 << 62], Some(126)),
    ];
    for (words, unknown) in cases {
        let spec = HeaderSpec { features: words.to_vec(), ..header() };
        let parsed = Header::parse(&spec.envelope());
        match (parsed, unknown) {
            (Ok(parsed), None) => assert_eq!(&*parsed.name, "data"),
            (Err(Error::FeatureFlag { bit }), Some(unknown)) => assert_eq!(bit, unknown, "{words:x?}"),
            (other, _) => panic!("{words:x?}: {other:?}"),
        }
        // The footer has flags of its own.
        let plain = Header::parse(&header().envelope()).unwrap();
        let spec = FooterSpec { features: words.to_vec(), ..footer(&plain) };
        match (Footer::parse(&spec.envelope(), plain), unknown) {
            (Ok(_), None) => {}
            (Err(Error::FeatureFlag { bit }), Some(unknown)) => assert_eq!(bit, unknown, "{words:x?}"),
            (other, _) => panic!("{words:x?}: {other:?}"),
        }
    }
    // A word that announces another, and nothing after it.
    let cut = seal(HEADER, &MORE.to_le_bytes());
    assert!(matches!(Header::parse(&cut), Err(Error::Truncated { .. })));
}

#[test]
fn unknown_parts_in_the_extension() {
    let parsed = Header::parse(&header().envelope()).unwrap();
    let extension = HeaderSpec {
        fields: vec![FieldSpec::new(5, 0x99, "d", "new"), FieldSpec::new(6, PLAIN, "e", "float")],
        columns: vec![ColumnSpec::new(6, 0x0c, 32)],
        ..HeaderSpec::default()
    };
    let spec = FooterSpec { extension: extension.schema(), ..footer(&parsed) };
    let (_, schema) = Footer::parse(&spec.envelope(), parsed).unwrap();
    let plan = read_everything(schema);
    assert_eq!(names(&plan), ["a", "b", "c", "e"]);
    assert_eq!(plan.skipped()[0].0, "d");
}

/// The page list of one cluster with one column of two pages.
fn page_list(header_checksum: u64, second: Vec<u8>) -> PageListSpec {
    let pages = vec![PageSpec { elements: 3, locator: locator(12, 100) }, PageSpec { elements: -2, locator: second }];
    let plain = |n| Some(vec![PageSpec { elements: n, locator: locator(20, 200) }]);
    let cluster =
        ClusterSpec { entries: 5, columns: vec![Some(pages), plain(5), plain(0), plain(5)], ..ClusterSpec::default() };
    PageListSpec { header_checksum, clusters: vec![cluster], ..PageListSpec::default() }
}

fn read_page_list(list: &PageListSpec) -> Result<Vec<rntuple_core::metadata::ClusterPages>> {
    let header = Header::parse(&header().envelope())?;
    let (_, schema) = Footer::parse(&footer(&header).envelope(), header.clone())?;
    let bytes = list.envelope();
    let link = EnvelopeLink { length: bytes.len() as u64, locator: Locator::Unknown { kind: 0 } };
    let group = ClusterGroup { first_cluster: 0, first_entry: 0, entries: 5, clusters: 1, page_list: link };
    let reader = PageListReader { schema: &schema, header_checksum: header.checksum, group: &group };
    reader.read(bytes.as_slice(), &[0, 3].map(ColumnId))
}

fn header_checksum() -> u64 {
    checksum_of(&header().envelope())
}

/// An unknown kind of locator takes nothing but its own page away, whatever its length.
#[test]
fn unknown_locators() {
    for payload in [0, 1, 3, 7, 8, 9, 12, 15, 16, 17, 40, 1000] {
        let list = page_list(header_checksum(), typed_locator(0x7e, &vec![0x5a; payload]));
        let clusters = read_page_list(&list).unwrap_or_else(|e| panic!("{payload} bytes: {e}"));
        let pages = &clusters[0].columns[0].pages;
        assert_eq!(pages[0].locator, Locator::File { size: 12, offset: 100 });
        assert_eq!(pages[1].locator, Locator::Unknown { kind: 0x7e }, "{payload} bytes");
        assert_eq!((pages[1].first, pages[1].elements, pages[1].checksum), (3, 2, true));
        assert_eq!(clusters[0].columns[1].pages[0].locator, Locator::File { size: 20, offset: 200 });
    }
    for (payload, location) in [(12, 0x0807_0605_0403_0201_u64), (16, 0x0807_0605_0403_0201)] {
        let size = if payload == 12 { 9_u32.to_le_bytes().to_vec() } else { 9_u64.to_le_bytes().to_vec() };
        let list = page_list(header_checksum(), typed_locator(0x02, &[size, location.to_le_bytes().to_vec()].concat()));
        let clusters = read_page_list(&list).unwrap();
        assert_eq!(clusters[0].columns[0].pages[1].locator, Locator::Object { size: 9, location });
    }
}

/// A cluster group whose page list lies somewhere unknown is kept too: the schema can still be shown.
#[test]
fn unknown_locator_of_a_page_list() {
    let parsed = Header::parse(&header().envelope()).unwrap();
    let group = GroupSpec {
        entries: 5,
        clusters: 1,
        length: 10,
        locator: typed_locator(0x7e, &[1; 5]),
        ..GroupSpec::default()
    };
    let spec = FooterSpec { groups: vec![group], ..footer(&parsed) };
    let (footer, _) = Footer::parse(&spec.envelope(), parsed).unwrap();
    assert_eq!(footer.cluster_groups[0].page_list.locator, Locator::Unknown { kind: 0x7e });
    assert_eq!(footer.entries().unwrap(), 5);
}

#[test]
fn what_is_appended_to_page_lists_is_skipped() {
    let plain = page_list(header_checksum(), locator(8, 300));
    let longer = PageListSpec { behind_frames: vec![0x33; 21], behind: vec![0x22; 50], ..plain.clone() };
    assert_eq!(read_page_list(&longer).unwrap(), read_page_list(&plain).unwrap());
}

/// A sharded cluster does not hold all columns of its entries, so it must not be read as if it did.
#[test]
fn cluster_flags() {
    let mut list = page_list(header_checksum(), locator(8, 300));
    list.clusters[0].flags = 0x01;
    let error = read_page_list(&list).unwrap_err().to_string();
    assert!(error.contains("sharded"), "{error}");
}
