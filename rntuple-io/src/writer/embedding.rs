//! What a data set is written to: a ROOT file, or objects of a store.

use std::sync::Arc;

use rntuple_core::Error as FormatError;
use rntuple_core::compression::{self, CompressionSettings};
use rntuple_core::container::root_file::{EnvelopePlace, StreamerInfoList};
use rntuple_core::metadata::{EnvelopeKind, Locator, SerializedEnvelope};
use rntuple_core::schema::Schema;

use super::container::Container;
use super::objects::Objects;
use super::place::{FilePlacer, ObjectPlacer, Placer};
use crate::error::{Error, Result};

/// What is being written to.
#[derive(Debug)]
pub(super) enum Embedding {
    /// A ROOT file, which may hold several data sets.
    File(Box<Container>),
    /// Objects of one data set.
    Objects(Box<Objects>),
}

impl Embedding {
    fn name(&self) -> &Arc<str> {
        match self {
            Self::File(container) => container.name(),
            Self::Objects(objects) => objects.name(),
        }
    }

    pub(super) fn format(&self, source: FormatError) -> Error {
        Error::Format { file: Arc::clone(self.name()), source: Arc::new(source) }
    }

    pub(super) fn argument(&self, reason: impl Into<String>) -> Error {
        Error::Argument { file: Arc::clone(self.name()), reason: reason.into() }
    }

    /// Bytes so far.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::File(container) => container.size(),
            Self::Objects(objects) => objects.size(),
        }
    }

    /// Adds the streamer info of the classes of a schema, where that has a place.
    pub(super) fn add_classes(&mut self, schema: &Schema) {
        if let Self::File(container) = self {
            container.add_classes(schema);
        }
    }

    /// Adds other streamer info, where that has a place.
    pub(super) fn add_streamer_info(&mut self, list: &StreamerInfoList) {
        if let Self::File(container) = self {
            container.add_streamer_info(list);
        }
    }

    /// Compresses and writes an envelope. In objects, the offset of its place is the number of the object.
    pub(super) fn envelope(
        &mut self,
        kind: EnvelopeKind,
        envelope: &SerializedEnvelope,
        compression: CompressionSettings,
        max_key_size: u64,
    ) -> Result<EnvelopePlace> {
        let mut packed = Vec::new();
        compression::compress(compression, &envelope.bytes, &mut packed).map_err(|e| self.format(e.into()))?;
        self.sealed_envelope(kind, packed, envelope.bytes.len() as u64, max_key_size)
    }

    /// Writes an envelope that is compressed already.
    pub(super) fn sealed_envelope(
        &mut self,
        kind: EnvelopeKind,
        packed: Vec<u8>,
        length: u64,
        max_key_size: u64,
    ) -> Result<EnvelopePlace> {
        let stored = packed.len() as u64;
        let offset = match self {
            Self::File(container) => container.payload(&packed, max_key_size)?,
            Self::Objects(objects) => objects.envelope(kind, packed)?,
        };
        Ok(EnvelopePlace { offset, stored, length })
    }

    /// The locator of an envelope.
    pub(super) fn locator(&self, place: EnvelopePlace) -> Locator {
        match self {
            Self::File(_) => Locator::File { size: place.stored, offset: place.offset },
            Self::Objects(_) => Locator::Object { size: place.stored, location: place.offset },
        }
    }

    /// Takes the pages of a cluster.
    pub(super) fn placer<'a, 'b>(
        &'b mut self,
        cluster: u64,
        max_key_size: u64,
        merging: bool,
    ) -> Result<Box<dyn Placer<'a> + 'b>>
    where
        'a: 'b,
    {
        Ok(match self {
            Self::File(container) => Box::new(FilePlacer::new(container, max_key_size, merging)?),
            Self::Objects(objects) => Box::new(ObjectPlacer::new(objects, cluster, merging)),
        })
    }

    /// Makes everything so far visible.
    pub(super) fn commit(&mut self) -> Result<()> {
        match self {
            Self::File(container) => container.commit(),
            Self::Objects(objects) => objects.commit(),
        }
    }

    /// Makes everything visible for the last time; gives the number of bytes.
    pub(super) fn finish(self) -> Result<u64> {
        match self {
            Self::File(container) => container.finish(),
            Self::Objects(objects) => objects.finish(),
        }
    }
}
