//! Inputs that are changed: those of a folder, and those that did something new.

use super::text::mutated;
use super::{Target, asm, lang};
use crate::image;
use keyvm_isa::image::Image;
use keyvm_oracle::random::hostile::spoil;
use keyvm_oracle::random::mutate::mutate;
use keyvm_oracle::random::{Random, own};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// An input of a run.
#[derive(Clone, Debug)]
pub(super) enum Input {
    Image(Image<'static>),
    Text(String),
}

impl Input {
    /// Another that differs from this in a few places, some of which may be from `other`.
    pub(super) fn mutated(&self, target: Target, random: &mut Random, other: &Self) -> Self {
        match (self, other) {
            (Self::Image(image), Self::Image(other)) => {
                let mut image = own(image);
                if random.percent(10) {
                    spoil(random, &mut image);
                } else {
                    mutate(random, &mut image, other);
                }
                Self::Image(image)
            }
            (Self::Text(text), Self::Text(other)) => {
                let marks = if target == Target::Lang { &lang::MARKS } else { &asm::MARKS };
                Self::Text(mutated(random, text, other, marks))
            }
            _ => self.clone(),
        }
    }

    /// Whether a target can do something with a file of this name.
    fn is_for(target: Target, path: &Path) -> bool {
        let is_text = matches!(target, Target::Asm | Target::Lang);
        match end(path).as_str() {
            "blob" => !is_text,
            "kasm" => target != Target::Lang,
            "et" => target != Target::Asm,
            _ => false,
        }
    }

    /// What a file holds that is for a target. `None` if it is refused.
    fn read(target: Target, path: &Path, bytes: Vec<u8>) -> Option<Self> {
        let end = end(path);
        if end == "blob" {
            return Some(Self::Image(image::read(&bytes).ok()?.into_owned()));
        }
        let text = String::from_utf8(bytes).ok()?;
        if matches!(target, Target::Asm | Target::Lang) {
            return Some(Self::Text(text));
        }
        if end == "kasm" {
            return crate::asm::assemble(&text).ok().map(Self::Image);
        }
        let file = crate::entish::File { name: path.to_string_lossy().into_owned(), text };
        Some(Self::Image(crate::entish::compile(file, &mut |_| Ok(None)).ok()?.image))
    }

    /// The bytes of its file, and how the file's name ends.
    fn file(&self, target: Target) -> (Vec<u8>, &'static str) {
        match self {
            Self::Image(image) => {
                let mut bytes = Vec::new();
                // A vector takes everything.
                let _ = image::write(image, &mut bytes);
                (bytes, "blob")
            }
            Self::Text(text) => {
                (text.clone().into_bytes(), if target == Target::Lang { "et" } else { "kasm" })
            }
        }
    }
}

/// How the name of a file ends, in small letters.
fn end(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// Inputs kept at most, so that memory is bounded; files are written of all.
const KEPT_MAX: usize = 20_000;

/// The inputs that a target's runs are changed from.
#[derive(Debug)]
pub struct Corpus {
    target: Target,
    folder: Option<PathBuf>,
    inputs: Mutex<Vec<Arc<Input>>>,
    refused: Vec<PathBuf>,
}

/// What of a corpus cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// The folder, or a file in it.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

impl Corpus {
    /// None yet, and no folder.
    #[must_use]
    pub fn empty(target: Target) -> Self {
        Self { target, folder: None, inputs: Mutex::default(), refused: Vec::new() }
    }

    /// The files of a folder with which the target can do something: images (`.blob`), assembly (`.kasm`) and programs
    /// (`.et`, one that imports nothing). What does something new is written there, too.
    ///
    /// # Errors
    /// If the folder, or a file in it, cannot be read.
    pub fn read(target: Target, folder: &Path) -> Result<Self, Unreadable> {
        let unreadable = |path: &Path, error| Unreadable { path: path.to_owned(), error };
        let entries = std::fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>());
        let mut paths = entries.map_err(|error| unreadable(folder, error))?;
        paths.retain(|path| path.is_file() && Input::is_for(target, path));
        paths.sort();
        let (mut inputs, mut refused) = (Vec::new(), Vec::new());
        for path in paths {
            let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, error))?;
            match Input::read(target, &path, bytes) {
                Some(input) => inputs.push(Arc::new(input)),
                None => refused.push(path),
            }
        }
        Ok(Self { target, folder: Some(folder.to_owned()), inputs: Mutex::new(inputs), refused })
    }

    /// The files of the folder that would be inputs of the target if they were not refused: what is in them is no image, and
    /// comes to none.
    #[must_use]
    pub fn refused(&self) -> &[PathBuf] {
        &self.refused
    }

    /// How many inputs there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Two of them, or the same twice; `None` if there are none.
    pub(super) fn pick(&self, random: &mut Random) -> Option<(Arc<Input>, Arc<Input>)> {
        let inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        (!inputs.is_empty()).then(|| {
            let pick = |random: &mut Random| Arc::clone(&inputs[random.index(inputs.len())]);
            (pick(random), pick(random))
        })
    }

    /// Keeps an input that did something new.
    ///
    /// # Errors
    /// If its file cannot be written.
    pub(super) fn keep(&self, input: Input) -> io::Result<()> {
        if let Some(folder) = &self.folder {
            let (bytes, end) = input.file(self.target);
            let name = blake3::hash(&bytes).to_hex();
            let path = folder.join(format!("{}-{}.{end}", self.target, &name[..16]));
            std::fs::write(path, bytes)?;
        }
        let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        if inputs.len() < KEPT_MAX {
            inputs.push(Arc::new(input));
        }
        Ok(())
    }
}
