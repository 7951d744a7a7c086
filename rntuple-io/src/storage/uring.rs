//! Many reads of a local file at once, through Linux's `io_uring`.
//!
//! Feature `io-uring`. Kernels may lack it or forbid it, as containers often do: then nothing is read here, and the caller
//! reads as without it.
//!
//! This is the only module of this crate with unsafe code: the kernel writes into buffers that it is given as addresses.

#![expect(unsafe_code, reason = "buffers are handed to the kernel, see the SAFETY notes")]

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use io_uring::{IoUring, opcode, types};

use super::ReadRange;

/// Reads under way at once.
pub(super) const DEPTH: usize = 32;
/// The kernel takes no longer ones.
const MAX_READ: usize = 1 << 30;

thread_local! {
    /// `None` once this thread was refused one.
    static RING: RefCell<Option<IoUring>> = RefCell::new(IoUring::new(32).ok());
}

/// Whether the kernel lets this thread use it.
pub(super) fn available() -> bool {
    RING.with_borrow(Option::is_some)
}

/// Fills what can be filled; what cannot, or only in part, keeps its error and is to be read in another way. Says whether
/// the kernel let it try.
pub(super) fn read(file: &File, reads: &mut [ReadRange<'_>]) -> bool {
    RING.with_borrow_mut(|ring| {
        let Some(ring) = ring else { return false };
        for reads in reads.chunks_mut(DEPTH) {
            read_together(ring, file, reads);
        }
        true
    })
}

/// Reads at most [`DEPTH`] ranges.
fn read_together(ring: &mut IoUring, file: &File, reads: &mut [ReadRange<'_>]) {
    let mut under_way = 0_usize;
    for (i, read) in reads.iter_mut().enumerate() {
        let len = u32::try_from(read.buffer.len().min(MAX_READ)).unwrap_or(0);
        let entry = opcode::Read::new(types::Fd(file.as_raw_fd()), read.buffer.as_mut_ptr(), len)
            .offset(read.offset)
            .build()
            .user_data(i as u64);
        // SAFETY: the buffer is exclusively borrowed by `reads`, which outlives this function, and the file is open all the
        // while. This function does not return before the kernel has given back every buffer that it was handed.
        let pushed = unsafe { ring.submission().push(&entry) };
        under_way += usize::from(pushed.is_ok());
    }
    while under_way > 0 {
        // An error means that nothing was waited for; what was submitted still comes to its end.
        if ring.submit_and_wait(1).is_err() {
            std::thread::yield_now();
        }
        for done in ring.completion() {
            under_way -= 1;
            let read = usize::try_from(done.user_data()).ok().and_then(|i| reads.get_mut(i));
            let Some(read) = read else { continue };
            read.result = match usize::try_from(done.result()) {
                Ok(len) if len == read.buffer.len() => Ok(()),
                Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
                Err(_) => Err(io::Error::from_raw_os_error(-done.result())),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::{ByteSource, LocalFile, Memory};
    use super::*;

    /// More ranges than fit at once, some of them empty, overlapping, or beyond the end.
    #[test]
    fn reads_what_others_read() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let (local, memory) = (LocalFile::open(file.path()).unwrap(), Memory::new(bytes));
        let ranges: Vec<(u64, usize)> =
            (0..100).map(|i| (i * 2999, 5000)).chain([(0, 0), (299_999, 1), (299_999, 2), (1 << 40, 5)]).collect();
        let all = |source: &dyn ByteSource| -> Vec<Option<Vec<u8>>> {
            let mut buffers: Vec<Vec<u8>> = ranges.iter().map(|(_, len)| vec![0; *len]).collect();
            let mut reads: Vec<ReadRange<'_>> =
                ranges.iter().zip(&mut buffers).map(|((at, _), buffer)| ReadRange::new(*at, buffer)).collect();
            source.read_many(&mut reads, DEPTH);
            reads.into_iter().map(|read| read.result.is_ok().then(|| read.buffer.to_vec())).collect()
        };
        assert_eq!(all(&local), all(&memory));
        assert_eq!(local.access().parallel, if available() { DEPTH } else { 1 });
    }

    /// As where the kernel forbids it.
    #[test]
    fn without_a_ring_nothing_is_read() {
        RING.with_borrow_mut(|ring| *ring = None);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"bytes").unwrap();
        let mut buffer = [0; 5];
        let mut reads = [ReadRange::new(0, &mut buffer)];
        assert!(!read(file.as_file(), &mut reads));
        assert!(reads[0].result.is_err());
        LocalFile::open(file.path()).unwrap().read_many(&mut reads, 1);
        assert!(reads[0].result.is_ok());
        assert_eq!(&buffer, b"bytes");
    }
}
