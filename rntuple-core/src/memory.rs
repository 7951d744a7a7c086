//! Memory that arrays use one after the other.
//!
//! Memory that is new to a process is dear: the operating system clears it page by page when it is first touched, which
//! takes longer than many an encoding does. Arrays that are dropped give theirs back to the [`Pool`] that it came from,
//! and the next ones take it from there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arrow::buffer::{Buffer, MutableBuffer};
use arrow::datatypes::ArrowNativeType;
use bytes::Bytes;

/// The allocator is good enough for less than this.
const SMALL: usize = 32 << 10;

/// Less than this is copied rather than shared, which would keep all of the shared memory in use.
const SHARED: usize = 4 << 10;

/// Elements that [`Memory::fill`] asks for at a time: new memory is zeroed first, and must still be in the cache when it
/// is overwritten.
const PIECE: usize = 8 << 10;

/// What is written is a multiple of this long, and so of the size of any element.
const WHOLE: usize = 32;

/// Memory of arrays that are gone, for arrays to come.
///
/// ```
/// use rntuple_core::memory::Pool;
///
/// let pool = Pool::new(1 << 20);
/// let mut memory = pool.memory(100_000);
/// memory.grow::<u32>(25_000).fill(7);
/// let buffer = memory.into_buffer();
/// let address = buffer.as_ptr();
/// drop(buffer);
/// let mut again = pool.memory(100_000);
/// assert_eq!(again.grow::<u32>(1).as_ptr().cast(), address);
/// ```
#[derive(Debug)]
pub struct Pool {
    free: Mutex<Free>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Free {
    /// What is free, by its capacity.
    memory: BTreeMap<usize, Vec<MutableBuffer>>,
    bytes: usize,
}

impl Pool {
    /// An empty pool that keeps at most `limit` bytes that nobody uses.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::default(), limit })
    }

    /// Memory with room for `capacity` bytes; it can grow further.
    #[must_use]
    pub fn memory(self: &Arc<Self>, capacity: usize) -> Memory {
        if capacity < SMALL {
            return Memory::new(capacity);
        }
        let lent = Lent { memory: MutableBuffer::default(), pool: Arc::downgrade(self) };
        Memory { lent, ..Memory::new(class(capacity)) }
    }

    /// The smallest free memory of at least `capacity` bytes, unless it is much larger.
    fn take(&self, capacity: usize) -> Option<MutableBuffer> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fitting = free.memory.range_mut(capacity..=capacity.saturating_add(capacity / 4));
        let found = fitting.find_map(|(_, memory)| memory.pop())?;
        free.bytes = free.bytes.saturating_sub(found.capacity());
        Some(found)
    }

    fn put(&self, memory: MutableBuffer) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let capacity = memory.capacity();
        if capacity >= SMALL && free.bytes.saturating_add(capacity) <= self.limit {
            free.bytes += capacity;
            free.memory.entry(capacity).or_default().push(memory);
        }
    }
}

/// Rounds up by at most an eighth, so that arrays of about one size can use each other's memory.
fn class(bytes: usize) -> usize {
    let step = (bytes.checked_ilog2().map_or(1, |log| 1 << log) / 8).max(1);
    bytes.checked_next_multiple_of(step).unwrap_or(bytes)
}

/// Memory that is being filled: first with [`Memory::grow`] and [`Memory::share`], then frozen.
#[derive(Debug)]
pub struct Memory {
    /// What there is if it is the memory of somebody else; `lent` is empty then.
    shared: Option<Bytes>,
    lent: Lent,
    len: usize,
    /// What to ask for when it is needed.
    capacity: usize,
}

/// Memory that returns to its pool when it is dropped.
#[derive(Debug, Default)]
struct Lent {
    /// As long as what was ever written, by this user or those before; a multiple of [`WHOLE`].
    memory: MutableBuffer,
    pool: Weak<Pool>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.memory.as_slice()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.put(std::mem::take(&mut self.memory));
        }
    }
}

impl Memory {
    /// Memory of no pool, with room for `capacity` bytes.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { shared: None, lent: Lent::default(), len: 0, capacity }
    }

    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds `n` elements and gives them, to be overwritten: their values are arbitrary. The length so far must be a
    /// multiple of their size; otherwise, and if their size overflows, nothing is added.
    pub fn grow<T: ArrowNativeType>(&mut self, n: usize) -> &mut [T] {
        let start = self.len / size_of::<T>();
        let end = n.checked_mul(size_of::<T>()).and_then(|bytes| self.len.checked_add(bytes));
        let Some(end) = end.filter(|_| self.len.is_multiple_of(size_of::<T>())) else { return &mut [] };
        if self.lent.memory.len() < end {
            self.write(end);
        }
        self.len = end;
        self.lent.memory.typed_data_mut().get_mut(start..start + n).unwrap_or_default()
    }

    /// Makes sure that `end` bytes are there.
    fn write(&mut self, end: usize) {
        if self.lent.memory.capacity() == 0 {
            let capacity = self.capacity.max(end);
            let used_before = self.lent.pool.upgrade().and_then(|pool| pool.take(capacity));
            // Memory that is asked for zeroed is not touched before it is used, if it is new to the process.
            let fresh = || MutableBuffer::from_len_zeroed(capacity.next_multiple_of(WHOLE));
            self.lent.memory = used_before.unwrap_or_else(fresh);
        }
        if self.lent.memory.len() < end {
            self.lent.memory.resize(end.next_multiple_of(WHOLE), 0);
        }
        if let Some(shared) = self.shared.take() {
            self.len = 0;
            self.grow::<u8>(shared.len()).copy_from_slice(&shared);
        }
    }

    /// Adds `n` elements that `write` gives, piece by piece: it is told the number of the first one of each.
    ///
    /// # Errors
    /// Those of `write`, which end it.
    pub fn fill<T: ArrowNativeType, E>(
        &mut self,
        n: usize,
        mut write: impl FnMut(usize, &mut [T]) -> Result<(), E>,
    ) -> Result<(), E> {
        (0..n).step_by(PIECE).try_for_each(|first| write(first, self.grow(PIECE.min(n - first))))
    }

    /// Adds `n` bytes that are zero.
    pub fn grow_zeroed(&mut self, n: usize) {
        self.grow::<u8>(n).fill(0);
    }

    /// Adds elements of type `T`: if they come first and nothing follows, they are not copied.
    pub fn share<T: ArrowNativeType>(&mut self, bytes: Bytes) {
        let aligned = bytes.as_ptr().align_offset(align_of::<T>()) == 0;
        if self.is_empty() && aligned && bytes.len() >= SHARED {
            self.len = bytes.len();
            self.lent.memory.clear();
            self.shared = Some(bytes);
        } else {
            self.grow::<u8>(bytes.len()).copy_from_slice(&bytes);
        }
    }

    /// What was added, as an Arrow buffer. Its memory goes back to the pool with the last reference to it.
    #[must_use]
    pub fn into_buffer(mut self) -> Buffer {
        if self.shared.is_some() || self.lent.pool.strong_count() > 0 {
            return self.into_bytes().into();
        }
        let mut memory = std::mem::take(&mut self.lent.memory);
        memory.truncate(self.len);
        memory.into()
    }

    /// The same, as bytes.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        let len = self.len;
        self.shared.unwrap_or_else(|| Bytes::from_owner(self.lent).slice(..len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back() {
        let pool = Pool::new(1 << 20);
        let mut memory = pool.memory(100_000);
        memory.grow::<u64>(10).fill(u64::MAX);
        memory.grow::<u8>(3).fill(1);
        assert!(memory.grow::<u16>(1).is_empty(), "not aligned");
        assert!(memory.grow::<u64>(usize::MAX).is_empty());
        let buffer = memory.into_buffer();
        assert_eq!(buffer.len(), 83);
        assert_eq!(buffer.as_slice()[78..], [255, 255, 1, 1, 1]);
        let (address, slice) = (buffer.as_ptr(), buffer.slice(80));
        drop(buffer);
        assert_ne!(pool.memory(100_000).grow::<u8>(1).as_ptr(), address, "a part of it is in use");
        drop(slice);
        // A little more or less is the same class; what is zeroed is zero whatever was there before.
        let mut again = pool.memory(98_000);
        again.grow_zeroed(90);
        let again = again.into_buffer();
        assert_eq!((again.as_ptr(), again.as_slice()), (address, &[0; 90][..]));
    }

    #[test]
    fn limits_hold() {
        let pool = Pool::new(250_000);
        let made: Vec<Buffer> = (0..4)
            .map(|_| {
                let mut memory = pool.memory(100_000);
                memory.grow::<u8>(100_000);
                memory.into_buffer()
            })
            .collect();
        drop(made);
        assert_eq!(pool.free.lock().unwrap().bytes / 100_000, 2);
        // Something small does not take something large.
        assert!(pool.take(50_000).is_none());
        assert!(pool.take(100_000).is_some());
        // Buffers may outlive their pool.
        let mut memory = pool.memory(100_000);
        memory.grow::<i32>(4).fill(-1);
        let buffer = memory.into_buffer();
        drop(pool);
        assert_eq!(buffer.typed_data::<i32>(), [-1; 4]);
    }

    #[test]
    fn more_than_expected_is_no_problem() {
        for mut memory in [Memory::new(0), Pool::new(1 << 30).memory(40_000)] {
            for i in 0..100_u32 {
                memory.grow::<u32>(1000).fill(i);
            }
            assert_eq!(memory.len(), 400_000);
            let buffer = memory.into_buffer();
            assert!((0..100_u32).all(|i| buffer.typed_data::<u32>()[i as usize * 1000..][..1000] == [i; 1000]));
        }
    }

    #[test]
    fn classes() {
        for bytes in [0, 1, 7, 8, 100, 32_768, 33_000, 1_000_000, usize::MAX] {
            let class = class(bytes);
            assert!(class >= bytes && class - bytes <= bytes / 8, "{bytes} {class}");
        }
    }
}
