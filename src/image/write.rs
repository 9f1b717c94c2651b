//! Writes images.

use super::encode::{Contents, encode_debug, encode_header, encode_object};
use super::format::{PAGE_BYTES, Place, SUM_AT, Sections};
use super::hash::Hash;
use super::target::Target;
use keyvm_isa::debug::{DebugInfo, is_name};
use keyvm_isa::image::{Body, Image, Key, Number, Object};
use std::io::{self, Write};
use std::path::Path;

/// Words of code that are turned into bytes at once.
const CODE_CHUNK_WORDS: usize = 1024;
const ZEROS: [u8; PAGE_BYTES as usize] = [0; PAGE_BYTES as usize];

/// Writes the file of an image, from its beginning to its end. Contents are not copied together.
///
/// # Errors
/// What `out` says; and, before anything is written, `InvalidInput` if there is no file for this image: its objects
/// are not in ascending order of their numbers from 1 on, nor what is known of them; data is not in whole words; a key
/// names object 0; or a name is none.
pub fn write(image: &Image<'_>, out: &mut impl Write) -> io::Result<()> {
    check(image)?;
    let mut sections = Sections { objects: image.objects.len() as u64, ..Sections::default() };
    let mut tables = Vec::new();
    encode_header(&image.into(), &mut tables);
    for object in &image.objects {
        let at = place(object, &mut sections);
        encode_object(object, Contents::At(at), &mut tables);
    }
    encode_debug(&image.debug, &mut tables);
    sections.tables = tables.len() as u64;

    let mut hasher = blake3::Hasher::new();
    hasher.update(&sections.header(Hash::ZERO)[..SUM_AT]);
    hasher.update(&tables);
    each_code_chunk(image, |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    out.write_all(&sections.header(Hash(*hasher.finalize().as_bytes())))?;
    out.write_all(&tables)?;
    drop(tables);
    each_code_chunk(image, |bytes| out.write_all(bytes))?;
    for data in each_data(image, Place::Small) {
        out.write_all(data)?;
    }
    if sections.pages > 0 {
        fill(out, sections.checked_end().map_or(0, |end| end + sections.small))?;
        for data in each_data(image, Place::Pages) {
            out.write_all(data)?;
            fill(out, data.len() as u64)?;
        }
    }
    out.flush()
}

/// Saves the file of an image to `path`, so that afterwards either it is there, whole, or what was there before is: see
/// [`Target`].
///
/// # Errors
/// As [`write()`], [`Target::find`] and [`Target::save`].
pub fn save(image: &Image<'_>, path: impl AsRef<Path>) -> io::Result<()> {
    Target::find(path.as_ref())?.save(|out| write(image, out))
}

/// Checks that there is a file for this image.
fn check(image: &Image<'_>) -> io::Result<()> {
    let refuse = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    let names_none = |key: &Key| key.object == 0;
    let any_names_none = |keys: &[Option<Key>]| keys.iter().flatten().any(names_none);
    if image.request.as_ref().is_some_and(|request| any_names_none(&request.keys)) {
        return refuse("a key in the image's request names object 0");
    }
    let mut last = 0;
    for object in &image.objects {
        if object.number <= last {
            return refuse("the image's objects are not in ascending order of their numbers");
        }
        last = object.number;
        if data(object).is_some_and(|data| !data.len().is_multiple_of(8)) {
            return refuse("data in the image is not in whole words");
        }
        let bad_key = match &object.body {
            Body::Keys(keys) => any_names_none(keys),
            Body::Process(process) => {
                any_names_none(&process.keys) || process.keeper.as_ref().is_some_and(names_none)
            }
            Body::Meter(meter) => meter.keeper.as_ref().is_some_and(names_none),
            _ => false,
        };
        if bad_key {
            return refuse("a key in the image names object 0");
        }
    }
    let DebugInfo { names, code } = &image.debug;
    if !ascend(names.iter().map(|name| name.0)) || !ascend(code.iter().map(|code| code.0)) {
        return refuse("the image's debug information is not in ascending order of the objects");
    }
    if !names.iter().all(|(_, name)| is_name(name)) {
        return refuse("a name in the image is empty, too long, or has control characters");
    }
    Ok(())
}

/// Whether numbers ascend, from 1 on.
fn ascend(mut numbers: impl Iterator<Item = Number>) -> bool {
    numbers.try_fold(0, |last, number| (number > last).then_some(number)).is_some()
}

/// Gives an object's contents the next place in their section, and says where that is.
fn place(object: &Object<'_>, sections: &mut Sections) -> u64 {
    let (section, bytes, align) = match (&object.body, data(object)) {
        (Body::Code(words), _) => (&mut sections.code, words.len() as u64 * 8, 8),
        (_, Some(data)) => match Place::of(data.len() as u64) {
            Place::Small => (&mut sections.small, data.len() as u64, 8),
            Place::Pages => (&mut sections.pages, data.len() as u64, PAGE_BYTES),
        },
        _ => return 0,
    };
    if bytes == 0 {
        return 0;
    }
    let at = *section;
    *section += bytes.next_multiple_of(align);
    at
}

/// The data of an object that has any.
fn data<'a>(object: &'a Object<'_>) -> Option<&'a [u8]> {
    match &object.body {
        Body::Data(data) => Some(data),
        Body::Process(process) => Some(&process.data),
        _ => None,
    }
}

fn each_data<'a>(image: &'a Image<'_>, place: Place) -> impl Iterator<Item = &'a [u8]> {
    image.objects.iter().filter_map(data).filter(move |data| Place::of(data.len() as u64) == place)
}

fn each_code_chunk(image: &Image<'_>, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = [0; CODE_CHUNK_WORDS * 8];
    for object in &image.objects {
        let Body::Code(words) = &object.body else {
            continue;
        };
        for words in words.chunks(CODE_CHUNK_WORDS) {
            for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
                *place = word.to_le_bytes();
            }
            each(&bytes[..words.len() * 8])?;
        }
    }
    Ok(())
}

/// Zeros from `length` up to a multiple of a page.
fn fill(out: &mut impl Write, length: u64) -> io::Result<()> {
    let over = usize::try_from(length % PAGE_BYTES).unwrap_or_default();
    if over == 0 { Ok(()) } else { out.write_all(&ZEROS[over..]) }
}
