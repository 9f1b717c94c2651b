//! The layout of a `.blob` file: constants, and where its sections are.
//!
//! ```text
//! header   88 bytes    magic, version, flags, number of objects, lengths of the sections, checksum
//! tables               what the image says besides its objects, then the objects; a multiple of 8 bytes
//! code                 words of the code pages
//! small                contents of less than 4096 bytes; each a multiple of 8 bytes
//! (zeros up to a multiple of 4096, if there are pages)
//! pages                contents of 4096 bytes or more, each filled up with zeros to a multiple of 4096
//! ```

use super::error::{ImageError, ImageErrorKind};
use super::hash::Hash;

/// The first bytes of a file. What turns `\r\n` into `\n`, `\n` into `\r\n`, or stops at a NUL, breaks them.
pub const MAGIC: [u8; 8] = *b"KeyVM\0\r\n";
/// The version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;
/// Length of the header.
pub const HEADER_BYTES: usize = 88;
/// Where in the header the five numbers of [`Sections`] begin.
pub const SECTIONS_AT: usize = 16;
/// Where in the header the checksum begins, which is 32 bytes long.
pub const SUM_AT: usize = 56;
/// Contents of this length or more are pages: aligned to it, so that they can be mapped.
pub const PAGE_BYTES: u64 = 4096;
/// Length of a leaf of a content's hash tree.
pub const LEAF_BYTES: usize = 4096;
/// Length of the shortest table entry, that of a brand.
pub(super) const ENTRY_BYTES_MIN: u64 = 24;

const _: () = assert!(SECTIONS_AT + 5 * 8 == SUM_AT && SUM_AT + 32 == HEADER_BYTES);

/// What the header says of the rest of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    /// Number of objects.
    pub objects: u64,
    /// Length of the tables in bytes.
    pub tables: u64,
    /// Length of the code in bytes.
    pub code: u64,
    /// Length of the small contents in bytes.
    pub small: u64,
    /// Length of the pages in bytes.
    pub pages: u64,
}

impl Sections {
    /// Where the checked part ends: header, tables and code.
    #[must_use]
    pub fn checked_end(&self) -> Option<u64> {
        (HEADER_BYTES as u64).checked_add(self.tables)?.checked_add(self.code)
    }

    /// Where the pages begin, or would.
    #[must_use]
    pub fn pages_begin(&self) -> Option<u64> {
        let end = self.checked_end()?.checked_add(self.small)?;
        if self.pages == 0 { Some(end) } else { end.checked_next_multiple_of(PAGE_BYTES) }
    }

    /// Length of the file.
    #[must_use]
    pub fn file_bytes(&self) -> Option<u64> {
        self.pages_begin()?.checked_add(self.pages)
    }

    /// The header, with the checksum.
    pub(super) fn header(&self, sum: Hash) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        let numbers = [self.objects, self.tables, self.code, self.small, self.pages];
        for (place, number) in header[SECTIONS_AT..SUM_AT].as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            *place = number.to_le_bytes();
        }
        header[SUM_AT..].copy_from_slice(&sum.0);
        header
    }

    /// What a header says, and its checksum. Magic, version and flags are checked, the numbers not yet.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, Hash), ImageError> {
        let common = bytes.len().min(MAGIC.len());
        if bytes[..common] != MAGIC[..common] {
            let mangled = bytes.starts_with(b"KeyVM");
            return Err(ImageError::at(
                0,
                if mangled { ImageErrorKind::Mangled } else { ImageErrorKind::NotAnImage },
            ));
        }
        let version = bytes.get(8..).and_then(<[u8]>::first_chunk).map(|&bytes| u32::from_le_bytes(bytes));
        if let Some(version) = version.filter(|&version| version != VERSION) {
            return Err(ImageError::at(8, ImageErrorKind::Version(version)));
        }
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(ImageError::at(
                bytes.len() as u64,
                ImageErrorKind::Truncated { bytes: HEADER_BYTES as u64 },
            ));
        };
        if header[12..16] != [0; 4] {
            return Err(ImageError::at(12, ImageErrorKind::OutOfRange { field: "flags" }));
        }
        let mut numbers = [0; 5];
        for (number, &bytes) in numbers.iter_mut().zip(header[SECTIONS_AT..SUM_AT].as_chunks::<8>().0) {
            *number = u64::from_le_bytes(bytes);
        }
        let [objects, tables, code, small, pages] = numbers;
        let mut sum = Hash::ZERO;
        sum.0.copy_from_slice(&header[SUM_AT..]);
        Ok((Self { objects, tables, code, small, pages }, sum))
    }
}

/// The checksum that belongs in the header of `file`: BLAKE3 over the header before its place, then the tables and the
/// code. None if `file` is no image or ends before they do.
#[must_use]
pub fn checksum(file: &[u8]) -> Option<Hash> {
    let (sections, _) = Sections::parse(file).ok()?;
    let end = usize::try_from(sections.checked_end()?).ok()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(file.get(..SUM_AT)?);
    hasher.update(file.get(HEADER_BYTES..end)?);
    Some(Hash(*hasher.finalize().as_bytes()))
}

/// The part of the file that holds a data content of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The small contents.
    Small,
    /// The pages.
    Pages,
}

impl Place {
    /// Where a content goes.
    pub(super) const fn of(bytes: u64) -> Self {
        if bytes < PAGE_BYTES { Self::Small } else { Self::Pages }
    }
}
