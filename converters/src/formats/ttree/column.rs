//! A branch as a column: its baskets, one after the other.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::Field;

use super::bytes::{Cursor, Outcome};
use super::decode::Decoder;
use super::file::File;
use super::object::Head;
use super::tree::{Data, Place};

/// How the entries of a branch are laid out.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// One value per entry; so many bytes, if that is fixed.
    Single(Option<usize>),
    /// Items of `size` bytes behind `skip` bytes per entry; a count in another branch tells how many, and so do the
    /// bytes.
    Jagged { size: usize, skip: usize, counter: Option<Box<Column>> },
    /// Members of items that another branch counts.
    Items,
}

/// Reads the entries of a branch from front to back.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Name of the branch.
    pub(super) name: String,
    data: Data,
    form: Form,
    decoder: Decoder,
    /// Whether entries may be empty, and what is left of them may be ignored.
    loose: bool,
    /// Items per entry, of those read since the last time.
    lengths: Vec<usize>,
    basket: Option<Basket>,
}

/// A basket that is open.
#[derive(Debug, Clone)]
struct Basket {
    index: usize,
    first: u64,
    entries: usize,
    data: Vec<u8>,
    /// Where entries start, and where the last one ends; none when they lie one behind the other.
    offsets: Option<Vec<usize>>,
    /// Where the next entry starts, if offsets do not tell.
    at: usize,
}

impl Column {
    pub(super) fn new(name: &str, data: &Data, form: Form, decoder: Decoder) -> Self {
        let data = data.clone();
        Self { name: name.to_owned(), data, form, decoder, loose: false, lengths: Vec::new(), basket: None }
    }

    /// The same; an entry without bytes is an empty string, and bytes behind the value do not matter.
    pub(super) fn loose(mut self) -> Self {
        self.loose = true;
        self
    }

    /// Bytes of all entries, about.
    pub(super) fn bytes(&self) -> u64 {
        self.data.bytes
    }

    /// Whether each entry has a number of items that the column tells.
    pub(super) fn is_jagged(&self) -> bool {
        matches!(self.form, Form::Jagged { .. })
    }

    /// The Arrow field of a value, or of an item.
    pub(super) fn field(&self, name: &str) -> Field {
        self.decoder.field(name)
    }

    /// Reads entries, which follow those read before. `counts` has the items of each where another branch counts them.
    pub(super) fn read(&mut self, file: &File, entries: Range<u64>, counts: Option<&[usize]>) -> Outcome<()> {
        let start = entries.start;
        let mut next = start;
        while next < entries.end {
            self.open(file, next)?;
            let Some(mut basket) = self.basket.take() else { break };
            let from = usize::try_from(next - basket.first).unwrap_or(usize::MAX);
            let left = basket.entries.saturating_sub(from);
            let n = usize::try_from(entries.end - next).map_or(left, |wanted| wanted.min(left));
            let done = usize::try_from(next - start).unwrap_or(usize::MAX);
            let counts = counts.map(|counts| counts.get(done..).unwrap_or_default());
            let read = self.decode(&mut basket, from, n, counts);
            read.map_err(|e| {
                format!("basket of entries {}..{}: {e}", basket.first, basket.first + basket.entries as u64)
            })?;
            self.basket = Some(basket);
            next += n as u64;
        }
        Ok(())
    }

    fn decode(&mut self, basket: &mut Basket, from: usize, n: usize, counts: Option<&[usize]>) -> Outcome<()> {
        let Self { form, decoder, .. } = self;
        if let Form::Single(Some(size)) = *form
            && basket.offsets.is_none()
        {
            let mut cursor = Cursor::new(&basket.data);
            cursor.jump(from.checked_mul(size).ok_or("too many entries")?)?;
            return decoder.read(n, &mut cursor);
        }
        if let (Form::Jagged { size, skip: 0, .. }, Some(offsets)) = (&*form, &basket.offsets) {
            // Entries lie close together: all are read at once.
            let bounds = offsets.get(from..=from + n).ok_or("its offsets are too few")?;
            let mut items = 0;
            for pair in bounds.windows(2) {
                let [start, end] = *pair else { continue };
                let count =
                    end.checked_sub(start).filter(|len| len % size == 0).ok_or("its offsets do not fit")? / size;
                self.lengths.push(count);
                items += count;
            }
            let mut cursor = Cursor::new(&basket.data);
            cursor.jump(bounds.first().copied().unwrap_or(0))?;
            return decoder.read(items, &mut cursor);
        }
        for i in 0..n {
            let (start, end) = match &basket.offsets {
                Some(offsets) => {
                    let bound = |i: usize| offsets.get(i).copied().ok_or("its offsets are too few");
                    (bound(from + i)?, bound(from + i + 1)?)
                }
                None => (basket.at, basket.data.len()),
            };
            let bytes = basket.data.get(start..end).ok_or_else(|| format!("an entry at {start}..{end}"))?;
            let mut cursor = Cursor::new(bytes);
            let values = match form {
                Form::Single(_) => 1,
                Form::Jagged { size, skip, .. } => {
                    cursor.take((*skip).min(bytes.len()))?;
                    let items = cursor.remaining() / *size;
                    self.lengths.push(items);
                    items
                }
                Form::Items => *counts.and_then(|counts| counts.get(i)).ok_or("items that nothing counts")?,
            };
            if self.loose && bytes.is_empty() {
                // An empty string.
                decoder.read(1, &mut Cursor::new(&[0]))?;
                continue;
            }
            // Without items there may be a header, of nothing.
            if values > 0 {
                let entry = || format!("entry {}", basket.first + (from + i) as u64);
                decoder.read(values, &mut cursor).map_err(|e| format!("{}: {e}", entry()))?;
                if basket.offsets.is_some() && cursor.remaining() > 0 && !self.loose {
                    return Err(format!("{}: {} of its bytes are not understood", entry(), cursor.remaining()));
                }
            }
            basket.at = start + cursor.at();
        }
        Ok(())
    }

    /// Makes sure that the basket with an entry is open.
    fn open(&mut self, file: &File, entry: u64) -> Outcome<()> {
        let contains = |basket: &Basket| {
            let from = entry.checked_sub(basket.first);
            from.is_some_and(|from| from < basket.entries as u64)
        };
        if self.basket.as_ref().is_some_and(contains) {
            return Ok(());
        }
        let index = self.data.baskets.partition_point(|(first, _)| *first <= entry).checked_sub(1);
        let index = index.ok_or_else(|| format!("no basket has entry {entry}"))?;
        if self.basket.as_ref().is_some_and(|basket| basket.index >= index) {
            return Err(format!("no basket has entry {entry}"));
        }
        // The one before is of no more use; its memory is.
        self.basket = None;
        let basket = self.load(file, index)?;
        if !contains(&basket) {
            return Err(format!("no basket has entry {entry}"));
        }
        self.basket = Some(basket);
        Ok(())
    }

    fn load(&mut self, file: &File, index: usize) -> Outcome<Basket> {
        let baskets = Arc::clone(&self.data.baskets);
        let (first, place) = baskets.get(index).ok_or("no such basket")?;
        let (entries, data, offsets, generated) = match place {
            Place::Here(basket) => {
                let offsets = basket.offsets.as_ref().map(|offsets| bounds(offsets, basket.key_len, basket.data.len()));
                (basket.entries, basket.data.clone(), offsets.transpose()?, basket.generated)
            }
            Place::File(at, len) => {
                let (key, head, record) = file.record(*at, Some(*len))?;
                let place = |e: String| format!("basket at byte {at}: {e}");
                if &*key.class != "TBasket" {
                    return Err(place(format!("it is a {}", key.class)));
                }
                disk_basket(&head, record.content, record.key_len, self.data.offsets).map_err(place)?
            }
        };
        let mut offsets = offsets;
        let needs = match &self.form {
            Form::Jagged { .. } => true,
            Form::Single(_) | Form::Items => false,
        };
        if offsets.as_ref().is_none_or(|offsets| offsets.len() != entries + 1) && needs || generated {
            offsets = self.generate(file, *first, entries, data.len())?.or(offsets);
        }
        if matches!(self.form, Form::Single(Some(size)) if size.checked_mul(entries) == Some(data.len())) {
            // Offsets say nothing new.
            offsets = None;
        }
        Ok(Basket { index, first: *first, entries, data, offsets, at: 0 })
    }

    /// Offsets from the counts of another branch.
    fn generate(&mut self, file: &File, first: u64, entries: usize, len: usize) -> Outcome<Option<Vec<usize>>> {
        let Form::Jagged { size, skip, counter } = &mut self.form else { return Ok(None) };
        let counter = counter.as_mut().ok_or("it says nowhere where entries start")?;
        counter.read(file, first..first.saturating_add(entries as u64), None)?;
        let counts = counts(&counter.take()?)?;
        let mut at = 0_usize;
        let mut offsets = Vec::with_capacity(entries + 1);
        offsets.push(0);
        for count in counts {
            at = count.checked_mul(*size).and_then(|n| n.checked_add(at + *skip)).ok_or("too many items")?;
            offsets.push(at);
        }
        if at != len {
            return Err(format!("its count tells {at} bytes, the basket has {len}"));
        }
        Ok(Some(offsets))
    }

    /// Whether its layout is beyond doubt.
    pub(super) fn is_plain(&self) -> bool {
        self.decoder.is_plain()
    }

    /// Forgets what was read: the next entry is the first one.
    pub(super) fn restart(&mut self) -> Outcome<()> {
        self.take()?;
        self.lengths.clear();
        match &mut self.basket {
            Some(basket) if basket.index == 0 => basket.at = 0,
            basket => *basket = None,
        }
        Ok(())
    }

    /// The array of what was read since the last time: values, or items.
    pub(super) fn take(&mut self) -> Outcome<ArrayRef> {
        self.decoder.take()
    }

    /// Items per entry, of what was read since the last time.
    pub(super) fn take_lengths(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.lengths)
    }
}

/// Numbers of items; negative ones are none.
pub(super) fn counts(array: &ArrayRef) -> Outcome<Vec<usize>> {
    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Int64Type};
    let wide = arrow::compute::cast(array, &DataType::Int64).map_err(|e| e.to_string())?;
    let wide = wide.as_primitive::<Int64Type>().values();
    Ok(wide.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect())
}

/// Entries, data, offsets of a basket on disk, and whether offsets are to be made of counts.
type Parts = (usize, Vec<u8>, Option<Vec<usize>>, bool);

fn disk_basket(key: &[u8], mut data: Vec<u8>, key_len: usize, has_offsets: bool) -> Outcome<Parts> {
    let mut cursor = Cursor::new(key);
    super::object::skip_key(&mut cursor)?;
    let head = Head::read(&mut cursor)?;
    let end = head.last.checked_sub(key_len).filter(|end| *end <= data.len());
    let end = end.ok_or_else(|| format!("its entries end at {}, its content has {} bytes", head.last, data.len()))?;
    let mut offsets = None;
    if has_offsets && !head.generated && end < data.len() {
        let mut cursor = Cursor::new(&data);
        cursor.jump(end)?;
        let n = cursor.count(4)?;
        let table = (0..n).map(|_| cursor.u32()).collect::<Outcome<Vec<_>>>()?;
        let table = table.get(..head.entries).ok_or("its offsets are too few")?;
        offsets = Some(bounds(table, key_len, end)?);
    }
    data.truncate(end);
    Ok((head.entries, data, offsets, head.generated))
}

/// Where entries start and the last one ends; positions in a basket count its key.
fn bounds(table: &[u32], key_len: usize, end: usize) -> Outcome<Vec<usize>> {
    let mut out = Vec::with_capacity(table.len() + 1);
    for at in table {
        let at = (*at as usize).checked_sub(key_len).filter(|at| *at <= end);
        let at = at.ok_or("its offsets lie outside of it")?;
        if out.last().is_some_and(|last| *last > at) {
            return Err("its offsets are out of order".into());
        }
        out.push(at);
    }
    out.push(end);
    Ok(out)
}
