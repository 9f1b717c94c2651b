//! Images outside the machine: the `.blob` file and the hash that names a state.
//!
//! An [`Image`](keyvm_isa::image::Image) is plain data. [`write()`] and [`save`] turn it into a file, [`read()`] and
//! [`load`] turn a file back into it, and [`state_hash`] gives the one number by which two machines see that they
//! are in the same state. The chapter `docs/image-format.md` is the specification of both.
//!
//! An object has one encoding ([`encode_object`]), which both the file's tables and the hash are made of. One image
//! has exactly one file: what [`read()`] accepts, [`write()`] gives back to the bit. Whether the references, charges and
//! counts in an image make sense is not looked at here; the kernel does that when it takes the image in.

mod content_tree;
mod contents;
mod decode;
mod encode;
mod error;
mod format;
mod hash;
mod read;
mod state_tree;
mod target;
mod write;

pub(crate) use content_tree::RootHasher;
pub use content_tree::{ContentTree, content_root, words_root};
pub use encode::{Contents, Head, encode_header, encode_object};
pub use error::{ImageError, ImageErrorKind, LoadError};
pub use format::{
    HEADER_BYTES, LEAF_BYTES, MAGIC, PAGE_BYTES, SECTIONS_AT, SUM_AT, Sections, VERSION, checksum,
};
pub(crate) use hash::ListHasher;
pub use hash::{Hash, ParseHashError, object_hash, state_hash, state_hash_of};
pub use read::{load, read};
pub use state_tree::StateTree;
pub use target::Target;
pub use write::{save, write};
