//! What can be wrong with an image.

use super::format::VERSION;
use keyvm_isa::image::Number;
use std::{fmt, io};

/// Why bytes are not an image, or an image is not one that a machine can be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageError {
    /// Where in the file, in bytes; none if the fault is not at a place.
    pub offset: Option<u64>,
    /// What is wrong.
    pub kind: ImageErrorKind,
}

/// What is wrong with an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageErrorKind {
    /// It does not begin as an image does.
    NotAnImage,
    /// It begins almost as an image does: it went through something that takes files for text.
    Mangled,
    /// It is of another version of the format.
    Version(u32),
    /// It ends too early; it should have this many bytes.
    Truncated {
        /// Length that the header promises, or of the header.
        bytes: u64,
    },
    /// It goes on after its end.
    TrailingBytes,
    /// Header, tables or code are not what was written.
    BadChecksum,
    /// A section's length contradicts the file's or what is in the section.
    BadSection {
        /// The section.
        section: &'static str,
    },
    /// A value that its field cannot have.
    OutOfRange {
        /// The field.
        field: &'static str,
    },
    /// A value that could be written in another way, which is the one to use.
    NotCanonical {
        /// What breaks the rule.
        what: &'static str,
    },
    /// This machine's addresses are too short for it.
    TooLarge,
    /// It is well-formed, but no state that a machine can be in.
    Inconsistent {
        /// The object; 0 for the image as a whole.
        object: Number,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl ImageError {
    /// An error at a place in the file.
    #[must_use]
    pub const fn at(offset: u64, kind: ImageErrorKind) -> Self {
        Self { offset: Some(offset), kind }
    }

    /// An object that a machine cannot have; number 0 is the image as a whole.
    #[must_use]
    pub const fn inconsistent(object: Number, what: &'static str) -> Self {
        Self { offset: None, kind: ImageErrorKind::Inconsistent { object, what } }
    }
}

impl From<ImageErrorKind> for ImageError {
    fn from(kind: ImageErrorKind) -> Self {
        Self { offset: None, kind }
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        match self.offset {
            Some(offset) => write!(f, " (at byte {offset})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ImageErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAMAGED: &str = "the file is damaged; fetch it again or take an older one";
        const FORGED: &str = "the file was not made by KeyVM; do not trust it";
        match self {
            Self::NotAnImage => f.write_str("this is not a KeyVM image; check the path"),
            Self::Mangled => f.write_str(
                "this image was changed by being copied as text; copy the original as binary data",
            ),
            Self::Version(version) => write!(
                f,
                "this image has version {version} of the format, and this KeyVM reads version {VERSION}; \
                 use the KeyVM that wrote it"
            ),
            Self::Truncated { bytes } => {
                write!(f, "the image ends too early, it should have {bytes} bytes: {DAMAGED}")
            }
            Self::TrailingBytes => write!(f, "there is something after the image's end: {DAMAGED}"),
            Self::BadChecksum => write!(f, "the image's checksum is wrong: {DAMAGED}"),
            Self::BadSection { section } => write!(f, "the length of the {section} is wrong: {FORGED}"),
            Self::OutOfRange { field } => write!(f, "{field} is out of range: {FORGED}"),
            Self::NotCanonical { what } => write!(f, "{what}: {FORGED}"),
            Self::TooLarge => f.write_str("the image is too large for this machine; use a 64-bit one"),
            Self::Inconsistent { object: 0, what } => write!(f, "inconsistent image: {what}"),
            Self::Inconsistent { object, what } => {
                write!(f, "inconsistent image: object {object}: {what}")
            }
        }
    }
}

impl std::error::Error for ImageError {}

/// Why an image could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The file could not be read.
    Io(io::Error),
    /// What is in it is not an image.
    Image(ImageError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Image(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Image(error) => Some(error),
        }
    }
}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ImageError> for LoadError {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}
