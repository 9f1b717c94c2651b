//! The sections of a file that hold bulk contents, taken apart in the one order that they can have.

use super::error::{ImageError, ImageErrorKind, LoadError};
use super::format::Place;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;

/// Where contents of data come from. They are asked for in their order.
pub(super) trait Data<'a> {
    /// What can be wrong.
    type Error: From<ImageError>;

    /// The next content, which the entry at `at` says is `length` bytes at `offset`.
    fn take(&mut self, at: u64, length: u64, offset: u64) -> Result<Cow<'a, [u8]>, Self::Error>;

    /// Checks that nothing is left.
    fn finish(&self) -> Result<(), ImageError>;
}

/// Contents of a file that is in memory as a whole; they are borrowed from it.
pub(super) struct InMemory<'a> {
    pub(super) small: Section<'a>,
    pub(super) pages: Section<'a>,
}

impl<'a> Data<'a> for InMemory<'a> {
    type Error = ImageError;

    fn take(&mut self, at: u64, length: u64, offset: u64) -> Result<Cow<'a, [u8]>, ImageError> {
        let section = match Place::of(length) {
            Place::Small => &mut self.small,
            Place::Pages => &mut self.pages,
        };
        section.take(at, length, offset).map(Cow::Borrowed)
    }

    fn finish(&self) -> Result<(), ImageError> {
        self.small.cut.finish()?;
        self.pages.cut.finish()
    }
}

/// Contents of a file of which only what comes before the pages is in memory. Each page is read straight into the
/// vector that it stays in.
pub(super) struct InFile<'a> {
    pub(super) small: Section<'a>,
    pub(super) pages: Cut,
    /// Stands where the rest of the pages begins.
    pub(super) file: File,
}

impl Data<'static> for InFile<'_> {
    type Error = LoadError;

    fn take(&mut self, at: u64, length: u64, offset: u64) -> Result<Cow<'static, [u8]>, LoadError> {
        if let Place::Small = Place::of(length) {
            return Ok(Cow::Owned(self.small.take(at, length, offset)?.to_vec()));
        }
        let (content, filling) = self.pages.take(at, length, offset)?;
        let mut bytes = Vec::new();
        self.read(content.len(), &mut bytes)?;
        let mut zeros = Vec::new();
        self.read(filling.len(), &mut zeros)?;
        self.pages.check_filling(filling.start, &zeros)?;
        Ok(Cow::Owned(bytes))
    }

    fn finish(&self) -> Result<(), ImageError> {
        self.small.cut.finish()?;
        self.pages.finish()
    }
}

impl InFile<'_> {
    /// Reads this many bytes, which the file had when it was opened.
    fn read(&mut self, length: usize, bytes: &mut Vec<u8>) -> Result<(), LoadError> {
        bytes.try_reserve_exact(length).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        (&self.file).take(length as u64).read_to_end(bytes)?;
        if bytes.len() < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(())
    }
}

/// A section that is in memory.
pub(super) struct Section<'a> {
    bytes: &'a [u8],
    cut: Cut,
}

impl<'a> Section<'a> {
    pub(super) const fn new(name: &'static str, bytes: &'a [u8], begin: u64, align: usize) -> Self {
        Self { bytes, cut: Cut::new(name, begin, bytes.len(), align) }
    }

    /// The next content, which the entry at `at` says is `length` bytes at `offset`.
    pub(super) fn take(&mut self, at: u64, length: u64, offset: u64) -> Result<&'a [u8], ImageError> {
        let (content, filling) = self.cut.take(at, length, offset)?;
        self.cut.check_filling(filling.start, &self.bytes[filling])?;
        Ok(&self.bytes[content])
    }

    /// Checks that nothing is left.
    pub(super) fn finish(&self) -> Result<(), ImageError> {
        self.cut.finish()
    }
}

/// How much of a section has been given out, in order.
pub(super) struct Cut {
    name: &'static str,
    /// Where the section begins in the file.
    begin: u64,
    length: usize,
    /// How much has been taken.
    taken: usize,
    /// Every content takes a multiple of this.
    align: usize,
}

impl Cut {
    pub(super) const fn new(name: &'static str, begin: u64, length: usize, align: usize) -> Self {
        Self { name, begin, length, taken: 0, align }
    }

    /// Where in the section the next content lies, which the entry at `at` says is `length` bytes at `offset`, and its
    /// filling.
    fn take(
        &mut self,
        at: u64,
        length: u64,
        offset: u64,
    ) -> Result<(Range<usize>, Range<usize>), ImageError> {
        let wrong = ImageError::at(at, ImageErrorKind::BadSection { section: self.name });
        let length = usize::try_from(length).map_err(|_| wrong.clone())?;
        let left = self.length - self.taken;
        let filled = length.checked_next_multiple_of(self.align).filter(|&filled| filled <= left);
        let Some(filled) = filled else {
            return Err(wrong);
        };
        // An empty content lies nowhere, so that it does not have to be decided before or behind what.
        let expected = if length == 0 { 0 } else { self.taken as u64 };
        if offset != expected {
            return Err(ImageError::at(at, ImageErrorKind::NotCanonical { what: "contents out of order" }));
        }
        let (first, end) = (self.taken, self.taken + length);
        self.taken += filled;
        Ok((first..end, end..self.taken))
    }

    /// Checks that what fills the section up from `first` on is zeros.
    fn check_filling(&self, first: usize, bytes: &[u8]) -> Result<(), ImageError> {
        if bytes.iter().any(|&byte| byte != 0) {
            let at = self.begin + first as u64;
            return Err(ImageError::at(at, ImageErrorKind::NotCanonical { what: GAP }));
        }
        Ok(())
    }

    /// Checks that nothing is left.
    fn finish(&self) -> Result<(), ImageError> {
        if self.taken == self.length {
            return Ok(());
        }
        let at = self.begin + self.taken as u64;
        Err(ImageError::at(at, ImageErrorKind::BadSection { section: self.name }))
    }
}

/// What is wrong with a gap that is not all zeros.
pub(super) const GAP: &str = "a gap is not filled with zeros";
