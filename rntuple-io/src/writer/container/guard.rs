//! A sink that is not used after an error.

use std::io;

use crate::storage::ByteSink;

/// Refuses everything after the first error of its sink: bytes may be lost then, and what refers to them must not become
/// visible because a later call happens to work.
#[derive(Debug)]
pub(super) struct Guarded {
    sink: Box<dyn ByteSink>,
    failed: bool,
}

impl Guarded {
    pub(super) fn new(sink: Box<dyn ByteSink>) -> Self {
        Self { sink, failed: false }
    }

    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.check()?;
        let written = self.sink.write_at(offset, bytes);
        self.failed = written.is_err();
        written
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.check()?;
        let synchronised = self.sink.sync();
        self.failed = synchronised.is_err();
        synchronised
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.check()?;
        self.sink.finish()
    }

    fn check(&self) -> io::Result<()> {
        if self.failed { Err(io::Error::other("an earlier write failed")) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails once, with its second call.
    #[derive(Debug, Default)]
    struct Flaky(usize);

    impl Flaky {
        fn call(&mut self) -> io::Result<()> {
            self.0 += 1;
            if self.0 == 2 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }

    impl ByteSink for Flaky {
        fn write_at(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
            self.call()
        }

        fn sync(&mut self) -> io::Result<()> {
            self.call()
        }

        fn finish(self: Box<Self>) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_after_an_error() {
        let sink = || Guarded::new(Box::<Flaky>::default());
        let mut fine = sink();
        fine.write_at(0, b"x").unwrap();
        fine.finish().unwrap();
        let mut lost = sink();
        lost.write_at(0, b"x").unwrap();
        assert_eq!(lost.sync().unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(lost.sync().is_err() && lost.write_at(0, b"x").is_err() && lost.finish().is_err());
        let mut lost = sink();
        lost.sync().unwrap();
        assert!(lost.write_at(0, b"x").is_err());
        assert!(lost.finish().is_err());
    }
}
