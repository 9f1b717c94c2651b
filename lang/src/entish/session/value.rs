//! Values as people read them, from the memory of the process. It is the program's: nothing in it is trusted.

use crate::entish::check::{Lasting, status_name};
use crate::entish::emit::{Kept, NONE};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Fields of structs, by the names of these.
pub(super) type Structs = BTreeMap<String, Vec<(String, Lasting)>>;

/// So long a text is shown.
const SHOWN_BYTES: usize = 2000;
/// So deep objects are shown in one another.
const SHOWN_DEPTH: u32 = 8;

/// What is known of the program whose values these are.
pub(super) struct Shower<'a> {
    pub(super) memory: &'a [u8],
    pub(super) structs: &'a Structs,
    pub(super) kept: &'a Kept,
    pub(super) out: String,
}

impl Shower<'_> {
    pub(super) fn word(&self, address: u64) -> Option<u64> {
        let bytes = self.memory.get(usize::try_from(address).ok()?..)?;
        Some(u64::from_le_bytes(*bytes.first_chunk()?))
    }

    /// The length that an object begins with.
    fn length(&self, object: u64) -> Option<u64> {
        Some(self.word(object)? & u64::from(u32::MAX))
    }

    /// Adds a value of a type.
    pub(super) fn value(&mut self, ty: &Lasting, word: u64, depth: u32) {
        let is_object = !matches!(
            ty,
            Lasting::U | Lasting::I | Lasting::F | Lasting::Bool | Lasting::Key | Lasting::Func(..)
        );
        if self.out.len() > SHOWN_BYTES || (is_object && depth > SHOWN_DEPTH) {
            if !self.out.ends_with('…') {
                self.out.push('…');
            }
        } else if is_object && word >= NONE {
            self.out.push_str("none");
        } else if self.known_value(ty, word, depth + 1).is_none() {
            self.out.push_str("(not there)");
        }
    }

    fn known_value(&mut self, ty: &Lasting, word: u64, depth: u32) -> Option<()> {
        // Writing into a string does not fail.
        let _ = match ty {
            Lasting::U => write!(self.out, "{word}"),
            Lasting::I => write!(self.out, "{}", word.cast_signed()),
            Lasting::F => write!(self.out, "{:?}", f64::from_bits(word)),
            Lasting::Bool => write!(self.out, "{}", word != 0),
            Lasting::Key => write!(self.out, "key {word}"),
            Lasting::Func(..) => write!(self.out, "{}", self.kept.name_at(word).unwrap_or("def")),
            // Nothing else has this type.
            Lasting::None => write!(self.out, "none"),
            Lasting::Text | Lasting::Bytes => return self.text(ty, word),
            Lasting::Array(of) => return self.elements(of, word + 8, self.length(word)?, depth),
            Lasting::List(of) => {
                let storage = self.word(word + 8)?;
                return self.elements(of, storage.checked_add(8)?, self.length(word)?, depth);
            }
            Lasting::Map(key, value) => return self.map(key, value, word, depth),
            Lasting::Struct(name) => return self.fields(name, word, depth),
            Lasting::Job(_) => {
                let status = self.word(word + 8)?;
                write!(self.out, "{ty} {}", status_name(status)?)
            }
        };
        Some(())
    }

    fn text(&mut self, ty: &Lasting, object: u64) -> Option<()> {
        let length = usize::try_from(self.length(object)?).ok()?;
        let bytes = self.memory.get(usize::try_from(object.checked_add(8)?).ok()?..)?.get(..length)?;
        let shown = &bytes[..length.min(SHOWN_BYTES)];
        let more = if shown.len() < length { "…" } else { "" };
        let _ = if *ty == Lasting::Text {
            write!(self.out, "{:?}{more}", String::from_utf8_lossy(shown))
        } else {
            write!(self.out, "b\"{}\"{more}", shown.escape_ascii())
        };
        Some(())
    }

    /// Goes on with another one of a list, unless enough is shown.
    fn comma(&mut self, index: u64) -> bool {
        if index > 0 {
            self.out.push_str(", ");
        }
        if self.out.len() > SHOWN_BYTES {
            self.out.push('…');
            return false;
        }
        true
    }

    fn elements(&mut self, of: &Lasting, from: u64, count: u64, depth: u32) -> Option<()> {
        self.out.push('[');
        for index in 0..count {
            if !self.comma(index) {
                break;
            }
            let element = self.word(from.checked_add(index * 8)?)?;
            self.value(of, element, depth);
        }
        self.out.push(']');
        Some(())
    }

    fn map(&mut self, key: &Lasting, value: &Lasting, object: u64, depth: u32) -> Option<()> {
        let (entries, used) = (self.word(object + 16)?, self.word(object + 32)?);
        self.out.push('{');
        let mut shown = 0;
        for index in 0..used {
            let entry = entries.checked_add(8)?.checked_add(index.checked_mul(24)?)?;
            let [hash, of_key, of_value] =
                [0, 8, 16].map(|offset| entry.checked_add(offset).and_then(|at| self.word(at)));
            if hash? == 0 {
                continue;
            }
            if !self.comma(shown) {
                break;
            }
            shown += 1;
            self.value(key, of_key?, depth);
            self.out.push_str(": ");
            self.value(value, of_value?, depth);
        }
        self.out.push('}');
        Some(())
    }

    fn fields(&mut self, name: &str, object: u64, depth: u32) -> Option<()> {
        self.out.push_str(name);
        self.out.push('{');
        let structs = self.structs;
        for (index, (field, ty)) in (0..).zip(structs.get(name)?) {
            if !self.comma(index) {
                break;
            }
            let _ = write!(self.out, "{field}: ");
            let value = self.word(object.checked_add(8 + 8 * index)?)?;
            self.value(ty, value, depth);
        }
        self.out.push('}');
        Some(())
    }
}
