//! The sections of a file that hold bulk contents, taken apart in the one order that they can have.

use super::error::{ImageError, ImageErrorKind};

/// Where in the file the sections with contents are, and how much of them has been given out.
pub(super) struct Contents<'a> {
    pub(super) code: Section<'a>,
    pub(super) small: Section<'a>,
    pub(super) pages: Section<'a>,
}

/// A section with contents, which are taken from it in order.
pub(super) struct Section<'a> {
    name: &'static str,
    bytes: &'a [u8],
    /// Where it begins in the file.
    begin: u64,
    /// How much has been taken.
    taken: usize,
    /// Every content takes a multiple of this.
    align: usize,
}

impl<'a> Section<'a> {
    pub(super) const fn new(name: &'static str, bytes: &'a [u8], begin: u64, align: usize) -> Self {
        Self { name, bytes, begin, taken: 0, align }
    }

    /// Where it ends in the file.
    pub(super) const fn end(&self) -> u64 {
        self.begin + self.bytes.len() as u64
    }

    /// The next content, which the entry at `at` says is `length` bytes at `offset`.
    pub(super) fn take(&mut self, at: u64, length: u64, offset: u64) -> Result<&'a [u8], ImageError> {
        let wrong = ImageError::at(at, ImageErrorKind::BadSection { section: self.name });
        let rest = self.bytes.get(self.taken..).unwrap_or_default();
        let length = usize::try_from(length).map_err(|_| wrong.clone())?;
        let filled = length.checked_next_multiple_of(self.align).filter(|&filled| filled <= rest.len());
        let Some(filled) = filled else {
            return Err(wrong);
        };
        // An empty content lies nowhere, so that it does not have to be decided before or behind what.
        let expected = if length == 0 { 0 } else { self.taken as u64 };
        if offset != expected {
            return Err(ImageError::at(at, ImageErrorKind::NotCanonical { what: "contents out of order" }));
        }
        let (content, filling) = rest[..filled].split_at(length);
        if filling.iter().any(|&byte| byte != 0) {
            let filling_at = self.begin + (self.taken + length) as u64;
            return Err(ImageError::at(filling_at, ImageErrorKind::NotCanonical { what: GAP }));
        }
        self.taken += filled;
        Ok(content)
    }

    /// Checks that nothing is left.
    pub(super) fn finish(&self) -> Result<(), ImageError> {
        if self.taken == self.bytes.len() {
            return Ok(());
        }
        let at = self.begin + self.taken as u64;
        Err(ImageError::at(at, ImageErrorKind::BadSection { section: self.name }))
    }
}

/// What is wrong with a gap that is not all zeros.
pub(super) const GAP: &str = "a gap is not filled with zeros";
