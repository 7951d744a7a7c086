//! The footer envelope (format-spec/envelopes.md, footer).

use super::description::{self, Part};
use super::envelope::{EnvelopeKind, EnvelopeLink, SerializedEnvelope};
use super::{Header, Locator, frame, read_feature_flags};
use crate::error::{Error, Result};
use crate::schema::Schema;
use crate::wire::Le;

/// A list frame is at least this long; what is shorter at the end of a footer is not an attribute set list.
const LIST_HEAD: usize = 12;

/// What the footer envelope says, besides the schema extension.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

    /// Writes the footer envelope: the extension of the schema, the cluster groups, the attribute sets.
    ///
    /// The cluster groups are stored in the order of [`ClusterGroup::first_cluster`].
    ///
    /// # Errors
    /// [`Error::Inconsistent`] when the clusters of the groups are not numbered without gaps, when the schema has
    /// something that this version cannot write, or for a locator of unknown type; [`Error::Limit`] for texts and lists
    /// that are too long.
    pub fn serialize(&self, header_checksum: u64, schema: &Schema) -> Result<SerializedEnvelope> {
        let mut groups: Vec<&ClusterGroup> = self.cluster_groups.iter().collect();
        groups.sort_by_key(|group| group.first_cluster);
        let mut next_cluster = 0;
        for group in &groups {
            if group.first_cluster != next_cluster {
                let reason = format!("one starts at cluster {}, expected {next_cluster}", group.first_cluster);
                return Err(Error::inconsistent("cluster groups", reason));
            }
            next_cluster += u64::from(group.clusters);
        }
        EnvelopeKind::Footer.seal(|out| {
            out.u64(0); // no feature flags
            out.u64(header_checksum);
            frame::put_record(out, |out| description::write(out, schema, Part::Extension))?;
            frame::put_records(out, "list of cluster groups", &groups, |out, group| {
                out.u64(group.first_entry);
                out.u64(group.entries);
                out.u32(group.clusters);
                group.page_list.write(out)
            })?;
            frame::put_records(out, "list of attribute sets", &self.attribute_sets, |out, set| {
                let [major, minor] = set.schema_version;
                out.u16(major);
                out.u16(minor);
                out.u32(set.anchor_len);
                set.anchor.write(out)?;
                out.string("name of an attribute set", &set.name)
            })
        })
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
