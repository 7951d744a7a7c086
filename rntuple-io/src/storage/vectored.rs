//! Ranges of a local file that touch, each into its own buffer, by one call of the operating system.

use std::fs::File;
use std::io::IoSliceMut;

use rustix::io::Errno;

use super::ReadRange;

/// Fills what can be filled; what cannot, or only in part, keeps its error and is to be read in another way.
pub(super) fn read(file: &File, reads: &mut [ReadRange<'_>]) {
    let touch = |a: &ReadRange<'_>, b: &ReadRange<'_>| end(a) == Some(b.offset);
    reads.chunk_by_mut(touch).for_each(|run| read_together(file, run));
}

fn end(read: &ReadRange<'_>) -> Option<u64> {
    read.offset.checked_add(read.buffer.len() as u64)
}

fn read_together(file: &File, run: &mut [ReadRange<'_>]) {
    let Some(mut at) = run.first().map(|read| read.offset) else { return };
    let mut buffers: Vec<IoSliceMut<'_>> = run.iter_mut().map(|read| IoSliceMut::new(read.buffer)).collect();
    let mut rest = buffers.as_mut_slice();
    // No more than a limit of the system goes into one call.
    while !rest.is_empty() {
        match rustix::io::preadv(file, rest, at) {
            Ok(0) => break,
            Ok(n) => {
                IoSliceMut::advance_slices(&mut rest, n);
                at += n as u64;
            }
            Err(Errno::INTR) => {}
            Err(_) => break,
        }
    }
    for read in run.iter_mut().filter(|read| end(read).is_some_and(|end| end <= at)) {
        read.result = Ok(());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::{ByteSource, LocalFile};
    use super::*;

    /// Results of ranges of a file of 300,000 bytes, and the same bytes from memory.
    fn compare(ranges: &[(u64, usize)], read: impl Fn(&File, &mut [ReadRange<'_>])) -> Vec<bool> {
        let bytes: Vec<u8> = (0..300_000_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let mut buffers: Vec<Vec<u8>> = ranges.iter().map(|(_, len)| vec![0; *len]).collect();
        let mut reads: Vec<ReadRange<'_>> =
            ranges.iter().zip(&mut buffers).map(|((at, _), buffer)| ReadRange::new(*at, buffer)).collect();
        read(file.as_file(), &mut reads);
        for read in reads.iter().filter(|read| read.result.is_ok()) {
            let start = usize::try_from(read.offset).unwrap();
            assert_eq!(read.buffer[..], bytes[start..start + read.buffer.len()], "from byte {start} on");
        }
        reads.iter().map(|read| read.result.is_ok()).collect()
    }

    #[test]
    fn ranges_that_touch() {
        // More than one call takes, and two more runs.
        let many: Vec<(u64, usize)> = (0..5_000).map(|i| (i * 50, 50)).chain([(7, 0), (7, 100), (107, 1)]).collect();
        assert!(compare(&many, read).into_iter().all(|good| good));
    }

    /// The others are still read by themselves, as [`LocalFile`] does.
    #[test]
    fn the_end_of_the_file() {
        let ranges = [(299_990, 5), (299_995, 5), (300_000, 0), (300_000, 1), (300_001, 0), (1 << 40, 5), (0, 5)];
        let good = [true, true, true, false, false, false, true];
        assert_eq!(compare(&ranges, read), good);
        let local = |file: &File, reads: &mut [ReadRange<'_>]| {
            LocalFile::of(file.try_clone().unwrap()).unwrap().read_many(reads, 1);
        };
        assert_eq!(compare(&ranges[..4], local), good[..4]);
    }

    /// A directory gives an error, and nothing is taken for read.
    #[test]
    fn errors_of_the_system() {
        let directory = tempfile::tempdir().unwrap();
        let mut buffer = [0; 5];
        let mut reads = [ReadRange::new(0, &mut buffer)];
        read(&File::open(directory.path()).unwrap(), &mut reads);
        assert!(reads[0].result.is_err());
    }
}
