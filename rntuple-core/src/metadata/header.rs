//! The header envelope (format-spec/envelopes.md, header).

use super::description::{self, Part};
use super::envelope::{EnvelopeKind, SerializedEnvelope};
use super::read_feature_flags;
use crate::error::Result;
use crate::schema::{Schema, SchemaBuilder};

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

/// The texts of a header envelope.
#[derive(Debug, Clone, Copy)]
pub struct HeaderNames<'a> {
    /// Name of the data set.
    pub name: &'a str,
    /// Description of the data set; may be empty.
    pub description: &'a str,
    /// Program or library that writes it.
    pub writer: &'a str,
}

impl Header {
    /// Writes the header envelope: the names, and the schema without its extension.
    ///
    /// # Errors
    /// [`crate::Error::Inconsistent`] when the schema has something that this version cannot write, or refers from the
    /// header to the extension; [`crate::Error::Limit`] for texts and lists that are too long.
    pub fn serialize(names: &HeaderNames<'_>, schema: &Schema) -> Result<SerializedEnvelope> {
        EnvelopeKind::Header.seal(|out| {
            out.u64(0); // no feature flags
            out.string("data set name", names.name)?;
            out.string("data set description", names.description)?;
            out.string("writer name", names.writer)?;
            description::write(out, schema, Part::Header)
        })
    }

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
