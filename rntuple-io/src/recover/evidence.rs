//! What the records of a file say: data sets, and everything that tells of their clusters, in the order of the file.

use std::collections::{BTreeMap, HashMap, HashSet};

use rntuple_core::container::root_file::{Anchor, EnvelopePlace, Key};
use rntuple_core::metadata::{Footer, Header, Locator};
use rntuple_core::schema::Schema;

use super::envelopes::{self, Kind};
use super::scan::{self, Record};
use crate::error::Result;
use crate::reader::File;
use crate::writer::journal;

/// Class of the records of pages and envelopes.
const BLOB: &str = "RBlob";
/// Payloads larger than this are split, where nothing else is said: what ROOT uses.
const MAX_KEY_SIZE: u64 = 1 << 30;
/// Data sets beyond this number, or whose headers together are larger than this, are left out: what is kept of a header
/// takes more memory than the header.
const MAX_DATA_SETS: usize = 10_000;
const MAX_HEADERS: u64 = 64 << 20;
/// No real file has more footers in a row that have a checksum, but make no sense.
const MAX_FOOTERS: usize = 1000;

/// A record of pages or of an envelope.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blob {
    pub(super) at: u64,
    pub(super) payload_at: u64,
    pub(super) end: u64,
    /// Whether it is known what it holds.
    pub(super) known: bool,
}

/// Some other record.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) key: Key,
    pub(super) key_bytes: Vec<u8>,
    pub(super) end: u64,
    /// Whether all of it is there, and its key is one that a key list can hold.
    pub(super) whole: bool,
}

/// An anchor that can be read.
#[derive(Debug, Clone)]
pub(super) struct AnchorAt {
    pub(super) anchor: Anchor,
    pub(super) key: Key,
    pub(super) key_bytes: Vec<u8>,
    pub(super) end: u64,
    /// Whether the record is as long as its key says.
    pub(super) whole: bool,
}

/// Something that tells of clusters.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// A journal record of this many bytes.
    Journal(u64),
    /// A page list envelope.
    PageList(EnvelopePlace),
}

/// A footer.
#[derive(Debug, Clone, Copy)]
pub(super) enum FooterAt {
    /// In a journal record of this many bytes.
    Journal(u64),
    /// An envelope.
    Envelope(EnvelopePlace),
}

/// A data set: what belongs to one header envelope.
#[derive(Debug)]
pub(super) struct DataSetAt {
    pub(super) place: EnvelopePlace,
    pub(super) header: Header,
    /// Payloads larger than this are split.
    pub(super) max_key_size: u64,
    /// Where its anchor is or would be, if a journal says so.
    pub(super) path: Option<String>,
    /// The newest anchor whose footer can be read, with that footer.
    pub(super) anchor: Option<(AnchorAt, Footer)>,
    /// Whether there are anchors that lead here, maybe without footer.
    pub(super) anchored: bool,
    /// By offset.
    pub(super) sources: BTreeMap<u64, Source>,
    pub(super) footers: BTreeMap<u64, FooterAt>,
}

/// All that is known of a file.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) blobs: Vec<Blob>,
    pub(super) objects: Vec<Object>,
    pub(super) data_sets: Vec<DataSetAt>,
    /// Ranges that are no records.
    pub(super) garbage: Vec<(u64, u64)>,
    pub(super) notes: Vec<String>,
}

/// What a journal says of its data set.
struct Told {
    place: EnvelopePlace,
    max_key_size: u64,
    path: String,
}

#[derive(Default)]
struct Collector {
    blobs: Vec<Blob>,
    objects: Vec<Object>,
    anchors: Vec<AnchorAt>,
    headers: Vec<EnvelopePlace>,
    /// Page lists and footers with the checksum of their header.
    envelopes: Vec<(Kind, EnvelopePlace, u64)>,
    /// Journals: offset, length, offset of their header.
    journals: Vec<(u64, u64, u64)>,
    /// What journals say, by offset of the header.
    told: HashMap<u64, Told>,
    notes: Vec<String>,
}

impl Evidence {
    pub(super) fn gather(file: &File) -> Result<Self> {
        let mut all = Collector::default();
        let garbage = scan::records(file, |record| all.record(file, record))?;
        let mut data_sets = all.data_sets(file)?;
        all.assign(&mut data_sets);
        let Collector { blobs, objects, notes, .. } = all;
        Ok(Self { blobs, objects, data_sets, garbage, notes })
    }

    /// Marks the record that holds an offset as one of which it is known what it holds; gives where it ends.
    pub(super) fn mark(&mut self, offset: u64) -> Option<u64> {
        let i = self.blobs.partition_point(|blob| blob.at <= offset).checked_sub(1)?;
        let blob = self.blobs.get_mut(i).filter(|blob| offset < blob.end)?;
        blob.known = true;
        Some(blob.end)
    }
}

impl Collector {
    fn record(&mut self, file: &File, record: Record) -> Result<()> {
        if &*record.key.class == BLOB {
            return self.blob(file, &record);
        }
        let plain = record.plain();
        let Record { key, key_bytes, end, whole, .. } = record;
        if &*key.class == Anchor::CLASS && plain {
            let what = || format!("anchor at byte {}", key.at);
            let len = end.saturating_sub(key.payload_at()).min(1 << 16);
            let payload = file.read(what, key.payload_at(), len)?;
            match Anchor::from_record(&payload, key.object_len) {
                Ok(anchor) => self.anchors.push(AnchorAt { anchor, key, key_bytes, end, whole }),
                Err(error) => self.notes.push(format!("the anchor '{}' at byte {}: {error}", key.name, key.at)),
            }
            return Ok(());
        }
        self.objects.push(Object { key, key_bytes, end, whole: whole && plain });
        Ok(())
    }

    fn blob(&mut self, file: &File, record: &Record) -> Result<()> {
        let (payload_at, len) = (record.payload_at(), record.payload_len());
        let mut known = true;
        let what = || format!("record at byte {}", record.at);
        let start = file.read_up_to(what, payload_at, journal::MAGIC.len())?;
        if start == journal::MAGIC {
            match journal::Record::parse(&file.read(what, payload_at, len)?) {
                Ok(Some(journal)) => {
                    self.journals.push((payload_at, len, journal.header.offset));
                    let told = Told { place: journal.header, max_key_size: journal.max_key_size, path: journal.path };
                    self.told.insert(journal.header.offset, told);
                }
                Ok(None) => known = false,
                Err(error) if record.whole => {
                    self.notes.push(format!("the journal of a cluster at byte {payload_at} is damaged: {error}"));
                }
                Err(_) => {
                    self.notes.push(format!("the file ends within the journal of a cluster at byte {payload_at}"));
                }
            }
        } else if let Some((kind, place)) = envelopes::recognise(file, payload_at, len)? {
            match kind {
                Kind::Header => self.headers.push(place),
                Kind::Footer | Kind::PageList => {
                    let start = envelopes::start(file, place)?;
                    match envelopes::header_checksum(kind, &start) {
                        Some(checksum) => self.envelopes.push((kind, place, checksum)),
                        None => known = false,
                    }
                }
            }
        } else {
            known = false;
        }
        self.blobs.push(Blob { at: record.at, payload_at, end: record.end, known });
        Ok(())
    }

    /// The data sets whose headers can be read.
    fn data_sets(&mut self, file: &File) -> Result<Vec<DataSetAt>> {
        let mut places: BTreeMap<u64, (EnvelopePlace, u64)> = BTreeMap::new();
        for AnchorAt { anchor, .. } in &self.anchors {
            places.insert(anchor.header.offset, (anchor.header, anchor.max_key_size));
        }
        for told in self.told.values() {
            places.insert(told.place.offset, (told.place, told.max_key_size));
        }
        for place in &self.headers {
            places.entry(place.offset).or_insert((*place, MAX_KEY_SIZE));
        }
        let mut out: Vec<DataSetAt> = Vec::new();
        let (mut bytes, mut left_out) = (0_u64, 0_u64);
        for (place, max_key_size) in places.into_values() {
            bytes = bytes.saturating_add(place.length);
            if !out.is_empty() && (out.len() >= MAX_DATA_SETS || bytes > MAX_HEADERS) {
                left_out += 1;
                continue;
            }
            let locator = Locator::File { size: place.stored, offset: place.offset };
            let what = || "header envelope".to_owned();
            let header = match file.read_envelope(what, locator, place.length, max_key_size) {
                Ok(bytes) => Header::parse(&bytes).map_err(|error| error.to_string()),
                Err(crate::Error::Io { file, what, source }) => {
                    return Err(crate::Error::Io { file, what, source });
                }
                Err(crate::Error::Format { source, .. }) => Err(source.to_string()),
                Err(crate::Error::BeyondEnd { .. }) => Err("the file ends before it does".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            match header {
                Ok(header) => out.push(DataSetAt {
                    place,
                    header,
                    max_key_size,
                    path: self.told.get(&place.offset).map(|told| told.path.clone()),
                    anchor: None,
                    anchored: false,
                    sources: BTreeMap::new(),
                    footers: BTreeMap::new(),
                }),
                Err(reason) => {
                    let whose = self.told.get(&place.offset).map(|told| format!(" of '{}'", told.path));
                    let whose = whose.unwrap_or_default();
                    self.notes.push(format!(
                        "the header envelope{whose} at byte {} cannot be read, and without it none of its data can: \
                         {reason}",
                        place.offset
                    ));
                }
            }
        }
        if left_out > 0 {
            self.notes.push(format!("{left_out} data sets were left out: the file has too many"));
        }
        let mut anchors: HashMap<u64, Vec<&AnchorAt>> = HashMap::new();
        for found in &self.anchors {
            anchors.entry(found.anchor.header.offset).or_default().push(found);
        }
        for data_set in &mut out {
            let anchors = anchors.get(&data_set.place.offset).map_or(&[][..], Vec::as_slice);
            newest_anchor(file, data_set, anchors)?;
        }
        Ok(out)
    }

    /// Gives journals, page lists and footers to the data sets that they belong to.
    fn assign(&mut self, data_sets: &mut [DataSetAt]) {
        let by_offset: HashMap<u64, usize> = data_sets.iter().zip(0..).map(|(set, i)| (set.place.offset, i)).collect();
        for (at, len, header) in &self.journals {
            if let Some(set) = by_offset.get(header).and_then(|i| data_sets.get_mut(*i)) {
                set.sources.insert(*at, Source::Journal(*len));
                set.footers.insert(*at, FooterAt::Journal(*len));
            }
        }
        let mut by_checksum: HashMap<u64, Vec<usize>> = HashMap::new();
        for (set, i) in data_sets.iter().zip(0..) {
            by_checksum.entry(set.header.checksum).or_default().push(i);
        }
        let mut ambiguous = 0_u64;
        let mut foreign = 0_u64;
        let linked = data_sets.iter().flat_map(|set| set.sources.keys().chain(set.footers.keys()));
        let linked: HashSet<u64> = linked.copied().collect();
        for (kind, place, checksum) in &self.envelopes {
            if linked.contains(&place.offset) {
                continue;
            }
            match by_checksum.get(checksum).map(Vec::as_slice) {
                Some([only]) => {
                    if let Some(set) = data_sets.get_mut(*only) {
                        match kind {
                            Kind::Footer => {
                                set.footers.insert(place.offset, FooterAt::Envelope(*place));
                            }
                            _ => {
                                set.sources.insert(place.offset, Source::PageList(*place));
                            }
                        }
                    }
                }
                Some(several) => {
                    // Where journals tell the data sets apart, nothing is lost.
                    let journals = |i: &usize| data_sets.get(*i).is_some_and(|set| set.path.is_some());
                    ambiguous += u64::from(*kind == Kind::PageList && !several.iter().all(journals));
                }
                None => foreign += u64::from(*kind == Kind::PageList),
            }
        }
        if ambiguous > 0 {
            self.notes.push(format!(
                "{ambiguous} page lists fit to several data sets with equal headers, and no footer says to which they \
                 belong: they were left out"
            ));
        }
        if foreign > 0 {
            self.notes.push(format!("{foreign} page lists belong to data sets whose header is lost"));
        }
    }
}

impl DataSetAt {
    /// The schema with the newest extension that can be read, and the footer that has it.
    pub(super) fn schema(&self, file: &File) -> Result<(Option<Footer>, Schema)> {
        for (at, footer) in self.footers.iter().rev().take(MAX_FOOTERS) {
            let bytes = match *footer {
                FooterAt::Journal(len) => {
                    let payload = file.read(|| "journal".to_owned(), *at, len)?;
                    journal::Record::parse(&payload).ok().flatten().map(|journal| journal.footer)
                }
                FooterAt::Envelope(place) => read_envelope(file, place, self.max_key_size)?,
            };
            if let Some(bytes) = bytes
                && let Ok((footer, schema)) = Footer::parse(&bytes, self.header.clone())
            {
                return Ok((Some(footer), schema));
            }
        }
        // A footer that says nothing closes the schema of the header.
        let empty = Footer::default().serialize(self.header.checksum, &Schema::default());
        let parsed = empty.and_then(|empty| Footer::parse(&empty.bytes, self.header.clone()));
        let (_, schema) = parsed.map_err(|e| file.format(e))?;
        Ok((None, schema))
    }
}

/// Finds the newest anchor of a data set that leads to a footer.
fn newest_anchor(file: &File, data_set: &mut DataSetAt, anchors: &[&AnchorAt]) -> Result<()> {
    let place = data_set.place;
    let here = anchors.iter().rev().filter(|found| found.anchor.header == place);
    for found in here.take(MAX_FOOTERS) {
        data_set.anchored = true;
        let place = found.anchor.footer;
        if let Some(bytes) = read_envelope(file, place, found.anchor.max_key_size)?
            && let Ok((footer, _)) = Footer::parse(&bytes, data_set.header.clone())
            && footer.entries().is_ok()
        {
            data_set.footers.insert(place.offset, FooterAt::Envelope(place));
            for group in &footer.cluster_groups {
                if let Locator::File { size, offset } = group.page_list.locator {
                    let place = EnvelopePlace { offset, stored: size, length: group.page_list.length };
                    data_set.sources.insert(offset, Source::PageList(place));
                }
            }
            data_set.anchor = Some((AnchorAt::clone(found), footer));
            return Ok(());
        }
    }
    Ok(())
}

/// An envelope, decompressed; `None` when it is damaged. Only the storage can fail.
pub(super) fn read_envelope(file: &File, place: EnvelopePlace, max_key_size: u64) -> Result<Option<Vec<u8>>> {
    let locator = Locator::File { size: place.stored, offset: place.offset };
    match file.read_envelope(|| "envelope".to_owned(), locator, place.length, max_key_size) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(crate::Error::Io { file, what, source }) => Err(crate::Error::Io { file, what, source }),
        Err(_) => Ok(None),
    }
}
