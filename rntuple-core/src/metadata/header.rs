//! The header envelope (format-spec/envelopes.md, header).

use super::description::SchemaDescription;
use super::envelope::EnvelopeKind;
use super::read_feature_flags;
use crate::error::Result;

/// What the header envelope says: names, and the first part of the schema.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Header {
    /// Name of the data set.
    pub name: Box<str>,
    /// Description of the data set.
    pub description: Box<str>,
    /// Program or library that wrote it.
    pub writer: Box<str>,
    /// Checksum of the envelope; footer and page lists repeat it.
    pub checksum: u64,
    pub(super) schema: SchemaDescription,
}

impl Header {
    /// Reads an uncompressed header envelope.
    ///
    /// # Errors
    /// [`crate::Error::Checksum`] and [`crate::Error::Malformed`] for damage, [`crate::Error::FeatureFlag`] for a data
    /// set that needs a feature this version does not know.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (mut cursor, checksum) = EnvelopeKind::Header.open(bytes)?;
        read_feature_flags(&mut cursor)?;
        Ok(Self {
            name: cursor.string("data set name")?,
            description: cursor.string("data set description")?,
            writer: cursor.string("writer name")?,
            checksum,
            schema: SchemaDescription::read(&mut cursor)?,
        })
    }
}
