//! Reads images.
//!
//! The order is: the header's numbers against the length of the file, the checksum of header, tables and code, and only
//! then what the tables say. Contents of data are not looked at; their bytes are whatever the file has there. Whether
//! the image is one that a machine can be in, the kernel checks.

use super::contents::{Cut, Data, GAP, InFile, InMemory, Section};
use super::decode::Decoder;
use super::error::{ImageError, ImageErrorKind, LoadError};
use super::format::{ENTRY_BYTES_MIN, HEADER_BYTES, PAGE_BYTES, SUM_AT, Sections, checksum};
use super::hash::Hash;
use keyvm_isa::image::Image;
use std::fs::{self, File, Metadata};
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
    let places = Places::of(&sections, bytes.len() as u64)?;
    let (head, pages) = bytes.split_at(places.pages_begin);
    let parts = places.cut(head, sum)?;
    let pages = Section::new("pages", pages, places.pages_begin as u64, PAGE_ALIGN);
    parts.image(&mut InMemory { small: parts.small(), pages })
}

/// The image in a file. What the tables are is checked before any page is read, and each page is read to where it
/// stays.
///
/// # Errors
/// If the file cannot be read, or as [`read()`].
pub fn load(path: impl AsRef<Path>) -> Result<Image<'static>, LoadError> {
    let path = path.as_ref();
    // A pipe is not even opened: that would wait for who writes into it.
    expect_file(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    let found = file.metadata()?;
    // Something else may stand there by now.
    expect_file(&found)?;
    let mut head = Vec::with_capacity(HEADER_BYTES);
    (&file).take(HEADER_BYTES as u64).read_to_end(&mut head)?;
    let (sections, sum) = Sections::parse(&head)?;
    // What only the header promises, a stranger's word, is not counted on: the file is as long as that.
    let places = Places::of(&sections, found.len())?;
    let rest = places.pages_begin - HEADER_BYTES;
    head.try_reserve_exact(rest).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    (&file).take(rest as u64).read_to_end(&mut head)?;
    if head.len() < places.pages_begin {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    let parts = places.cut(&head, sum)?;
    let pages = Cut::new("pages", places.pages_begin as u64, places.pages, PAGE_ALIGN);
    parts.image(&mut InFile { small: parts.small(), pages, file })
}

fn expect_file(found: &Metadata) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}

const PAGE_ALIGN: usize = PAGE_BYTES as usize;

/// Where in a file of a known length its parts are.
struct Places {
    objects: usize,
    tables_end: usize,
    code_end: usize,
    small_end: usize,
    pages_begin: usize,
    pages: usize,
}

impl Places {
    /// The places that the header gives, if a file of this length has them.
    fn of(sections: &Sections, length: u64) -> Result<Self, ImageError> {
        let wrong = |at, section| ImageError::at(at, ImageErrorKind::BadSection { section });
        let (Some(code_end), Some(pages_begin), Some(file_bytes)) =
            (sections.checked_end(), sections.pages_begin(), sections.file_bytes())
        else {
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
        let size =
            |bytes: u64| usize::try_from(bytes).map_err(|_| ImageError::from(ImageErrorKind::TooLarge));
        // No part is longer than the file, so no sum overflows.
        size(file_bytes)?;
        Ok(Self {
            objects: size(sections.objects)?,
            tables_end: size(code_end - sections.code)?,
            code_end: size(code_end)?,
            small_end: size(code_end + sections.small)?,
            pages_begin: size(pages_begin)?,
            pages: size(sections.pages)?,
        })
    }

    /// Cuts what comes before the pages, if it has the checksum `sum`.
    fn cut<'h>(&self, head: &'h [u8], sum: Hash) -> Result<Parts<'h>, ImageError> {
        if checksum(head) != Some(sum) {
            return Err(ImageError::at(SUM_AT as u64, ImageErrorKind::BadChecksum));
        }
        if let Some(place) = head[self.small_end..].iter().position(|&byte| byte != 0) {
            let at = (self.small_end + place) as u64;
            return Err(ImageError::at(at, ImageErrorKind::NotCanonical { what: GAP }));
        }
        Ok(Parts {
            objects: self.objects,
            tables: &head[HEADER_BYTES..self.tables_end],
            code: (&head[self.tables_end..self.code_end], self.tables_end as u64),
            small: (&head[self.code_end..self.small_end], self.code_end as u64),
        })
    }
}

/// The parts of a file before its pages; of those with contents, also where they begin.
struct Parts<'h> {
    objects: usize,
    tables: &'h [u8],
    code: (&'h [u8], u64),
    small: (&'h [u8], u64),
}

impl<'h> Parts<'h> {
    fn small(&self) -> Section<'h> {
        Section::new("small contents", self.small.0, self.small.1, 8)
    }

    /// The image, given its data.
    fn image<'a, D: Data<'a>>(&self, data: &mut D) -> Result<Image<'a>, D::Error> {
        let code = Section::new("code", self.code.0, self.code.1, 8);
        let mut decoder = Decoder::new(self.tables, HEADER_BYTES as u64, code);
        let header = decoder.header()?;
        let mut objects = Vec::with_capacity(self.objects);
        let mut last = 0;
        for _ in 0..self.objects {
            let object = decoder.object(last, data)?;
            last = object.number;
            objects.push(object);
        }
        let debug = decoder.debug()?;
        decoder.finish()?;
        data.finish()?;
        Ok(Image {
            next_number: header.next_number,
            prime: header.prime,
            root: header.root,
            chain: header.chain,
            request: header.request,
            objects,
            debug,
        })
    }
}
