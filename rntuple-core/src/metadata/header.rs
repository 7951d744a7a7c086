//! The header envelope (format-spec/envelopes.md, header).

use super::envelope::EnvelopeKind;
use super::{description, read_feature_flags};
use crate::error::Result;
use crate::schema::SchemaBuilder;

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
    /// The schema so far; the footer may extend it.
    pub(super) schema: SchemaBuilder,
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
        let name = cursor.string("data set name")?;
        let description = cursor.string("data set description")?;
        let writer = cursor.string("writer name")?;
        let mut schema = SchemaBuilder::default();
        description::read(&mut cursor, &mut schema)?;
        Ok(Self { name, description, writer, checksum, schema })
    }
}
