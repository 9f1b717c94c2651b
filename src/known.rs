//! What people are told of an image, kept while it runs.
//!
//! It is no part of the state. A code page may be copied and the one that was known be destroyed: what was known of it is
//! known of the first page that has the same words, which are remembered by their hash.

use crate::image::{Hash, ImageError, words_root};
use keyvm_isa::debug::{CodeDebug, DebugInfo, is_name};
use keyvm_isa::image::{Body, Image, Number, Object};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What was known of an image when it was taken in.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Names of objects, in ascending order of the numbers.
    names: Vec<(Number, String)>,
    /// What is known of code pages, in ascending order of their numbers.
    code: Vec<KnownCode>,
}

#[derive(Debug)]
struct KnownCode {
    number: Number,
    /// Of the page's words.
    hash: Hash,
    debug: CodeDebug<'static>,
}

impl Known {
    /// Takes it out of an image.
    ///
    /// # Errors
    /// `Inconsistent`, naming the object, if it is not of the image's objects, or too much for them.
    pub(crate) fn take(image: &mut Image<'_>) -> Result<Self, ImageError> {
        let DebugInfo { names, code } = std::mem::take(&mut image.debug);
        let mut known = Self::default();
        for (number, name) in names {
            let ascends = known.names.last().is_none_or(|last| last.0 < number);
            if !ascends || !is_name(&name) || image.object(number).is_none() {
                return Err(ImageError::inconsistent(number, "it has a name that it cannot have"));
            }
            known.names.push((number, name.into_owned()));
        }
        for (number, debug) in code {
            let ascends = known.code.last().is_none_or(|last| last.number < number);
            let words = image.object(number).and_then(code_words);
            match words.filter(|words| ascends && debug.fits(words.len() as u64)) {
                Some(words) => {
                    let hash = words_root(words);
                    known.code.push(KnownCode { number, hash, debug: debug.into_owned() });
                }
                None => {
                    return Err(ImageError::inconsistent(
                        number,
                        "its debug information is not of this code",
                    ));
                }
            }
        }
        Ok(known)
    }

    /// What is known still of these objects.
    pub(crate) fn of(&self, objects: &[Object<'_>]) -> DebugInfo<'_> {
        let find = |number: Number| objects.binary_search_by_key(&number, |object| object.number);
        let names = self.names.iter().filter(|name| find(name.0).is_ok());
        let (living, gone): (Vec<_>, Vec<_>) = self.code.iter().partition(|code| find(code.number).is_ok());
        let mut code: Vec<_> = living.iter().map(|code| (code.number, code.debug.borrowed())).collect();
        if !gone.is_empty() {
            code.extend(heirs(objects, &living, &gone));
            code.sort_by_key(|code| code.0);
        }
        DebugInfo { names: names.map(|(number, name)| (*number, Cow::Borrowed(&**name))).collect(), code }
    }
}

/// The first pages that have the words of those that are `gone`, if there are any and nothing else is known of them.
fn heirs<'k>(
    objects: &[Object<'_>],
    living: &[&KnownCode],
    gone: &[&'k KnownCode],
) -> Vec<(Number, CodeDebug<'k>)> {
    let mut gone: BTreeMap<Hash, &KnownCode> = gone.iter().rev().map(|code| (code.hash, *code)).collect();
    let mut heirs = Vec::new();
    for object in objects {
        if gone.is_empty() {
            break;
        }
        let known = living.binary_search_by_key(&object.number, |code| code.number).is_ok();
        if let Some(words) = code_words(object).filter(|_| !known)
            && let Some(code) = gone.remove(&words_root(words))
        {
            heirs.push((object.number, code.debug.borrowed()));
        }
    }
    heirs
}

fn code_words<'o>(object: &'o Object<'_>) -> Option<&'o [u64]> {
    match &object.body {
        Body::Code(words) => Some(words),
        _ => None,
    }
}
