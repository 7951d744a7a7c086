//! Every page of every golden file unseals, and its bytes are covered by its checksum.

use rntuple_core::compression::{Algorithm, CompressionSettings, block_headers, compress};
use rntuple_core::page::{unseal, unseal_into, verify};
use rntuple_core::schema::ColumnType;

use crate::support::{Set, manifest};

#[test]
fn every_page_unseals_to_what_its_elements_need() {
    let mut pages = 0;
    for (file, path) in manifest() {
        let set = Set::open(&file, &path);
        for cluster in set.clusters() {
            for listed in &cluster.columns {
                let column = set.schema.column(listed.column).unwrap();
                let mut first = listed.zeros;
                for info in &listed.pages {
                    assert_eq!(info.first, first, "{file} {path}");
                    first += u64::from(info.elements);
                    let sealed = set.sealed(info);
                    let len = usize::try_from(column.page_len(info.elements)).unwrap();
                    let (mut buffer, mut exact) = (Vec::new(), vec![0; len]);
                    let unsealed = unseal(&sealed, info, column, &mut buffer).unwrap();
                    unseal_into(&sealed, info, &mut exact).unwrap();
                    assert_eq!(unsealed, exact, "{file} {path}");
                    pages += 1;
                }
                assert_eq!(first, listed.elements, "{file} {path}");
            }
        }
    }
    assert!(pages > 3000, "only {pages} pages in all golden files");
}

#[test]
fn a_flipped_bit_anywhere_in_a_page_is_noticed() {
    for (file, path) in [("integers_raw.root", "data"), ("compression_505.root", "data"), ("many_keys.root", "data")] {
        let set = Set::open(file, path);
        for cluster in set.clusters() {
            for listed in cluster.columns.iter().take(3) {
                let Some(info) = listed.pages.first() else { continue };
                let sealed = set.sealed(info);
                for i in 0..sealed.len() {
                    let mut damaged = sealed.clone();
                    damaged[i] ^= 0x04;
                    assert!(verify(&damaged, info).is_err(), "{file}: byte {i}");
                }
            }
        }
    }
}

/// The file name says with which settings the pages were compressed.
#[test]
fn compression_settings_and_blocks() {
    let expected = [
        (0, None),
        (101, Some(Algorithm::Zlib)),
        (109, Some(Algorithm::Zlib)),
        (201, Some(Algorithm::Lzma)),
        (207, Some(Algorithm::Lzma)),
        (302, Some(Algorithm::OldDeflate)),
        (401, Some(Algorithm::Lz4)),
        (404, Some(Algorithm::Lz4)),
        (409, Some(Algorithm::Lz4)),
        (501, Some(Algorithm::Zstd)),
        (505, Some(Algorithm::Zstd)),
        (512, Some(Algorithm::Zstd)),
    ];
    for (settings, algorithm) in expected {
        let set = Set::data(&format!("compression_{settings}"));
        let (mut compressed, mut stored) = (0, 0);
        for listed in set.clusters().iter().flat_map(|cluster| &cluster.columns) {
            assert_eq!(listed.compression, Some(settings));
            let column = set.schema.column(listed.column).unwrap();
            for info in &listed.pages {
                let sealed = set.sealed(info);
                let page = verify(&sealed, info).unwrap();
                if page.len() as u64 == column.page_len(info.elements) {
                    stored += 1;
                    continue;
                }
                compressed += 1;
                for block in block_headers(page) {
                    assert_eq!(Some(block.unwrap().algorithm), algorithm, "compression_{settings}");
                }
            }
        }
        // The file with the old deflate is made from one that was written otherwise, without such pages.
        assert!(stored > 0 || settings == 302, "compression_{settings} has no page that does not compress");
        assert_eq!(compressed > 0, algorithm.is_some(), "compression_{settings}");
    }
}

/// Packing the content of ROOT's pages again: the same bytes, where the encoders are the same ones.
#[test]
fn packed_again_pages_are_those_of_root() {
    let files = [101, 109, 201, 207, 401, 404, 409, 501, 505, 512];
    let files = files.map(|settings| (settings, format!("compression_{settings}.root"), "data"));
    // More than one block. zlib is not the same, and LZMA takes its time.
    let big = [(505, "big_pages.root".to_owned(), "zstd")];
    for (settings, file, path) in files.into_iter().chain(big) {
        let set = Set::open(&file, path);
        let (mut root, mut ours, mut out, mut buffer) = (0, 0, Vec::new(), Vec::new());
        for listed in set.clusters().iter().flat_map(|cluster| &cluster.columns) {
            let column = set.schema.column(listed.column).unwrap();
            for info in &listed.pages {
                let sealed = set.sealed(info);
                let page = verify(&sealed, info).unwrap();
                out.clear();
                let content = unseal(&sealed, info, column, &mut buffer).unwrap();
                compress(CompressionSettings::new(settings), content, &mut out).unwrap();
                assert!(settings < 200 || out == page, "{file}: {column:?} {info:?}");
                root += page.len();
                ours += out.len();
            }
        }
        assert!(root > 0 && ours <= root + root / 100, "{file}: {ours}, ROOT {root}");
    }
}

#[test]
fn pages_over_16_mib_have_two_blocks() {
    for path in ["zstd", "zlib", "lzma"] {
        let set = Set::open("big_pages.root", path);
        let clusters = set.clusters();
        let [cluster] = clusters.as_slice() else { panic!("{} clusters", clusters.len()) };
        let info = cluster.columns[0].pages[0];
        let column = &set.schema.columns()[0];
        assert!(column.page_len(info.elements) > 16 << 20, "{path}");
        let sealed = set.sealed(&info);
        let blocks: Vec<_> = block_headers(verify(&sealed, &info).unwrap()).map(Result::unwrap).collect();
        assert_eq!(blocks.len(), 2, "{path}");
        assert_eq!(blocks[0].uncompressed, (1 << 24) - 1, "{path}");
    }
}

/// What the golden files have of every column type that ROOT writes; so a reader that passes them has seen it all.
#[test]
fn every_column_type_is_in_some_file() {
    let mut missing: Vec<ColumnType> = ColumnType::ALL.to_vec();
    let mut widths = Vec::new();
    for (file, path) in manifest() {
        let set = Set::open(&file, &path);
        for listed in set.clusters().iter().flat_map(|cluster| &cluster.columns).filter(|c| !c.pages.is_empty()) {
            let column = set.schema.column(listed.column).unwrap();
            missing.retain(|&kind| kind != column.kind);
            widths.push((column.kind.code(), column.bits));
        }
    }
    assert_eq!(missing, [ColumnType::SplitReal16], "no file has pages of these (SplitReal16 is never written)");
    for (kind, bits) in [(ColumnType::Real32Trunc, 10..=31), (ColumnType::Real32Quant, 1..=32)] {
        let missing: Vec<u16> = bits.filter(|&bits| !widths.contains(&(kind.code(), bits))).collect();
        assert!(missing.is_empty(), "{kind} is missing with {missing:?} bits");
    }
}
