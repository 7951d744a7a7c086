//! Page lists, with frame and checksum put around the input, for a small schema with a deferred column.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rntuple_core::checksum::xxh3;
use rntuple_core::metadata::{Footer, Header, PageListReader};
use rntuple_core::schema::{ColumnId, Schema};

/// Clusters that the footer announces; the input has that many, or is refused soon.
const CLUSTERS: u32 = 2;

fn envelope(kind: u64, content: &[u8]) -> Vec<u8> {
    let head = kind | (content.len() as u64 + 16) << 16;
    let mut bytes = [&head.to_le_bytes(), content].concat();
    bytes.extend(xxh3(&bytes).to_le_bytes());
    bytes
}

fn record(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u64 + 8).to_le_bytes(), content].concat()
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let content = items.concat();
    let size = (content.len() as u64 + 12).wrapping_neg();
    [&size.to_le_bytes()[..], &(items.len() as u32).to_le_bytes(), &content].concat()
}

fn words<const N: usize>(words: [u32; N]) -> Vec<u8> {
    words.map(u32::to_le_bytes).concat()
}

struct DataSet {
    schema: Schema,
    footer: Footer,
    header_checksum: u64,
}

static DATA_SET: LazyLock<DataSet> = LazyLock::new(|| {
    let text = |text: &str| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let field = |id: u32, repetitive: u32| {
        let names = ["x", "double", "", ""].map(text).concat();
        let repetitions = if repetitive == 1 { 3_u64.to_le_bytes().to_vec() } else { Vec::new() };
        // Role in the low half of the last word, flags in the high half.
        record(&[words([0, 0, id, repetitive << 16]), names, repetitions].concat())
    };
    let column = |field: u32, deferred: u32| {
        let first = if deferred == 1 { 1_u64.to_le_bytes().to_vec() } else { Vec::new() };
        record(&[words([0x0d | 64 << 16, field, deferred]), first].concat())
    };
    let empty = list(&[]);
    let names = ["data", "", ""].map(text).concat();
    let fields = list(&[field(0, 0), field(1, 1)]);
    let columns = list(&[column(0, 0), column(1, 1), column(0, 0)]);
    let header = [vec![0; 8], names, fields, columns, empty.clone(), empty].concat();
    let header = Header::parse(&envelope(1, &header)).expect("a good header");
    let header_checksum = header.checksum;
    let group = [0_u64, 20].map(u64::to_le_bytes).concat();
    let group = [group, words([CLUSTERS]), (1_u64 << 32).to_le_bytes().to_vec(), vec![0; 12]].concat();
    let footer = [&[0; 8][..], &header_checksum.to_le_bytes(), &record(&[]), &list(&[record(&group)])].concat();
    let (footer, schema) = Footer::parse(&envelope(2, &footer), header).expect("a good footer");
    DataSet { schema, footer, header_checksum }
});

fuzz_target!(|data: &[u8]| {
    let DataSet { schema, footer, header_checksum } = &*DATA_SET;
    let content = [&header_checksum.to_le_bytes(), data].concat();
    let bytes = envelope(3, &content);
    let group = &footer.cluster_groups[0];
    let reader = PageListReader { schema, header_checksum: *header_checksum, group };
    for columns in [&[0, 1, 2][..], &[1]] {
        let columns: Vec<ColumnId> = columns.iter().map(|id| ColumnId(*id)).collect();
        let Ok(clusters) = reader.read(bytes.as_slice(), &columns) else { continue };
        for pages in clusters.iter().flat_map(|cluster| &cluster.columns) {
            let _ = pages.page_of(pages.elements / 2);
        }
    }
});
