//! Reads images.
//!
//! The order is: the header's numbers against the length of the file, the checksum of header, tables and code, and only
//! then what the tables say. Contents of data are not looked at, and are borrowed; their bytes are whatever the file has
//! there. Whether the image is one that a machine can be in, the kernel checks.

use super::contents::{Contents, GAP, Section};
use super::decode::Decoder;
use super::error::{ImageError, ImageErrorKind, LoadError};
use super::format::{ENTRY_BYTES_MIN, HEADER_BYTES, PAGE_BYTES, SUM_AT, Sections, checksum};
use keyvm_isa::image::Image;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The image that a file with these bytes holds. Data is borrowed from them.
///
/// Allocates at most a small constant times `bytes.len()`, whatever the bytes are.
///
/// # Errors
/// If they are not exactly what [`write()`](super::write()) makes of some image, or of another version of the format.
pub fn read(bytes: &[u8]) -> Result<Image<'_>, ImageError> {
    let (sections, sum) = Sections::parse(bytes)?;
    let parts = split(bytes, &sections)?;
    if checksum(bytes) != Some(sum) {
        return Err(ImageError::at(SUM_AT as u64, ImageErrorKind::BadChecksum));
    }
    if let Some(place) = parts.gap.iter().position(|&byte| byte != 0) {
        let at = parts.contents.small.end() + place as u64;
        return Err(ImageError::at(at, ImageErrorKind::NotCanonical { what: GAP }));
    }
    let mut contents = parts.contents;
    let mut decoder = Decoder::new(parts.tables, HEADER_BYTES as u64);
    let header = decoder.header()?;
    let mut objects = Vec::with_capacity(parts.objects);
    let mut last = 0;
    for _ in 0..parts.objects {
        let object = decoder.object(last, &mut contents)?;
        last = object.number;
        objects.push(object);
    }
    decoder.finish()?;
    contents.code.finish()?;
    contents.small.finish()?;
    contents.pages.finish()?;
    Ok(Image {
        next_number: header.next_number,
        prime: header.prime,
        root: header.root,
        chain: header.chain,
        request: header.request,
        objects,
    })
}

/// The parts of a file.
struct Parts<'a> {
    objects: usize,
    tables: &'a [u8],
    contents: Contents<'a>,
    gap: &'a [u8],
}

/// Cuts the file as the header says, if the file has that length.
fn split<'a>(bytes: &'a [u8], sections: &Sections) -> Result<Parts<'a>, ImageError> {
    let wrong = |at, section| ImageError::at(at, ImageErrorKind::BadSection { section });
    let length = bytes.len() as u64;
    let (Some(pages_begin), Some(file_bytes)) = (sections.pages_begin(), sections.file_bytes()) else {
        return Err(wrong(16, "file"));
    };
    if file_bytes > length {
        return Err(ImageError::at(length, ImageErrorKind::Truncated { bytes: file_bytes }));
    }
    if file_bytes < length {
        return Err(ImageError::at(file_bytes, ImageErrorKind::TrailingBytes));
    }
    if sections.objects > sections.tables / ENTRY_BYTES_MIN {
        return Err(ImageError::at(16, ImageErrorKind::OutOfRange { field: "number of objects" }));
    }
    for (at, section, bytes, align) in [
        (24, "tables", sections.tables, 8),
        (32, "code", sections.code, 8),
        (40, "small contents", sections.small, 8),
        (48, "pages", sections.pages, PAGE_BYTES),
    ] {
        if !bytes.is_multiple_of(align) {
            return Err(wrong(at, section));
        }
    }
    // No part is longer than the file, which is in memory.
    let size = |bytes: u64| usize::try_from(bytes).map_err(|_| ImageError::from(ImageErrorKind::TooLarge));
    let mut rest = &bytes[HEADER_BYTES..];
    let mut begin = HEADER_BYTES as u64;
    let mut cut = |length: u64| {
        let (part, behind) = rest.split_at_checked(size(length)?).ok_or_else(|| wrong(begin, "file"))?;
        rest = behind;
        let at = begin;
        begin += length;
        Ok::<_, ImageError>((part, at))
    };
    let (tables, _) = cut(sections.tables)?;
    let (code, code_at) = cut(sections.code)?;
    let (small, small_at) = cut(sections.small)?;
    let (gap, _) = cut(pages_begin - (small_at + sections.small))?;
    let (pages, pages_at) = cut(sections.pages)?;
    Ok(Parts {
        objects: size(sections.objects)?,
        tables,
        contents: Contents {
            code: Section::new("code", code, code_at, 8),
            small: Section::new("small contents", small, small_at, 8),
            pages: Section::new("pages", pages, pages_at, size(PAGE_BYTES)?),
        },
        gap,
    })
}

/// A file that has been read into memory, and holds an image if [`image`](Self::image) says so.
#[derive(Clone, Debug)]
pub struct Loaded {
    bytes: Vec<u8>,
}

impl Loaded {
    /// A file's bytes, from wherever they came.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// The file's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The image in it, which borrows its data from here.
    ///
    /// # Errors
    /// As [`read()`].
    pub fn image(&self) -> Result<Image<'_>, ImageError> {
        read(&self.bytes)
    }
}

/// Reads a file into memory: first its header, and the rest only if that is an image's, and no further than the image
/// goes.
///
/// # Errors
/// If the file cannot be read, or does not begin as an image does. The rest is checked by [`Loaded::image`].
pub fn load(path: &Path) -> Result<Loaded, LoadError> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    (&file).take(HEADER_BYTES as u64).read_to_end(&mut bytes)?;
    let (sections, _) = Sections::parse(&bytes)?;
    let file_bytes =
        sections.file_bytes().ok_or(ImageError::at(16, ImageErrorKind::BadSection { section: "file" }))?;
    // Room is made for what the file has; what only its header promises, a stranger's word, is not counted on.
    let rest = usize::try_from(length.min(file_bytes).saturating_sub(HEADER_BYTES as u64))
        .map_err(|_| ImageError::from(ImageErrorKind::TooLarge))?;
    bytes.try_reserve_exact(rest).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    // One byte more than the image has shows that the file goes on.
    (&file).take(file_bytes.saturating_add(1).saturating_sub(HEADER_BYTES as u64)).read_to_end(&mut bytes)?;
    Ok(Loaded { bytes })
}
