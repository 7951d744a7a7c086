//! The footer envelope (format-spec/envelopes.md, footer).

use super::envelope::{EnvelopeKind, EnvelopeLink};
use super::{Header, Locator, description, frame, read_feature_flags};
use crate::error::{Error, Result};
use crate::schema::Schema;
use crate::wire::Le;

/// A list frame is at least this long; what is shorter at the end of a footer is not an attribute set list.
const LIST_HEAD: usize = 12;

/// What the footer envelope says, besides the schema extension.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Footer {
    /// The cluster groups, in order of entries.
    pub cluster_groups: Vec<ClusterGroup>,
    /// Linked attribute sets: RNTuples that annotate entry ranges of this one.
    pub attribute_sets: Vec<AttributeSet>,
}

/// A range of clusters with one page list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterGroup {
    /// First entry of the group.
    pub first_entry: u64,
    /// Number of entries in the group.
    pub entries: u64,
    /// Number of clusters in the group.
    pub clusters: u32,
    /// Number of the first cluster of the group in the data set.
    pub first_cluster: u64,
    /// Where its page list lies.
    pub page_list: EnvelopeLink,
}

/// A linked attribute set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeSet {
    /// Name of the set.
    pub name: Box<str>,
    /// Version of the set's schema: major, minor.
    pub schema_version: [u16; 2],
    /// Bytes of its anchor once decompressed.
    pub anchor_len: u32,
    /// Where the payload of its anchor lies.
    pub anchor: Locator,
}

impl Footer {
    /// Reads an uncompressed footer envelope, and completes the schema that the header began.
    ///
    /// # Errors
    /// [`Error::Checksum`] and [`Error::Malformed`] for damage, or when header and footer do not belong together;
    /// [`Error::FeatureFlag`] for a data set that needs a feature this version does not know.
    pub fn parse(bytes: &[u8], header: Header) -> Result<(Self, Schema)> {
        let (mut cursor, _) = EnvelopeKind::Footer.open(bytes)?;
        read_feature_flags(&mut cursor)?;
        check_header(&mut cursor, header.checksum)?;
        let mut schema = header.schema;
        schema.begin_extension();
        let mut extension = frame::record(&mut cursor, "schema extension")?;
        // An extension that says nothing may be an empty frame.
        if extension.remaining() > 0 {
            description::read(&mut extension, &mut schema).map_err(|e| e.within("schema extension"))?;
        }
        let mut next_cluster = 0;
        let mut cluster_groups = frame::records(&mut cursor, "list of cluster groups", |item| {
            let group = ClusterGroup {
                first_entry: item.u64("first entry")?,
                entries: item.u64("number of entries")?,
                clusters: item.u32("number of clusters")?,
                first_cluster: next_cluster,
                page_list: EnvelopeLink::read(item)?,
            };
            next_cluster += u64::from(group.clusters);
            Ok(group)
        })?;
        // Clusters are numbered in the order of storage, which need not be that of the entries.
        cluster_groups.sort_by_key(|group| (group.first_entry, group.entries));
        // Formats before 1.0.1 end here.
        let attribute_sets = if cursor.remaining() < LIST_HEAD {
            Vec::new()
        } else {
            frame::records(&mut cursor, "list of attribute sets", |item| {
                Ok(AttributeSet {
                    schema_version: [item.u16("schema version")?, item.u16("schema version")?],
                    anchor_len: item.u32("anchor length")?,
                    anchor: Locator::read(item)?,
                    name: item.string("name of an attribute set")?,
                })
            })?
        };
        Ok((Self { cluster_groups, attribute_sets }, schema.finish()))
    }

    /// Number of entries of the data set.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the groups' entries overflow or leave gaps.
    pub fn entries(&self) -> Result<u64> {
        self.cluster_groups.iter().try_fold(0_u64, |next, group| {
            if group.first_entry != next {
                let reason = format!("one starts at entry {}, expected {next}", group.first_entry);
                return Err(Error::inconsistent("cluster groups", reason));
            }
            next.checked_add(group.entries)
                .filter(|&n| n <= i64::MAX as u64)
                .ok_or_else(|| Error::inconsistent("cluster groups", format!("{} entries are too many", group.entries)))
        })
    }
}

pub(super) fn check_header(cursor: &mut Le<'_>, expected: u64) -> Result<()> {
    let at = cursor.at();
    let stored = cursor.u64("header checksum")?;
    if stored == expected {
        return Ok(());
    }
    let reason = format!("belongs to another header ({stored:#018x}, not {expected:#018x})");
    Err(Error::malformed("header checksum", at, reason))
}
