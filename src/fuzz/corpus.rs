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

    /// What a file holds, if a target can do something with it.
    fn read(target: Target, path: &Path, bytes: Vec<u8>) -> Option<Self> {
        let end = path.extension()?.to_str()?.to_ascii_lowercase();
        if end == "blob" {
            let takes = matches!(target, Target::Jit | Target::Kernel | Target::Image);
            return takes.then(|| Some(Self::Image(image::read(&bytes).ok()?.into_owned())))?;
        }
        let text = String::from_utf8(bytes).ok()?;
        match (target, &*end) {
            (Target::Asm, "kasm") | (Target::Lang, "et") => Some(Self::Text(text)),
            (Target::Asm | Target::Lang, _) => None,
            (_, "kasm") => crate::asm::assemble(&text).ok().map(Self::Image),
            (_, "et") => {
                let file = crate::entish::File { name: path.to_string_lossy().into_owned(), text };
                Some(Self::Image(crate::entish::compile(file, &mut |_| Ok(None)).ok()?.image))
            }
            _ => None,
        }
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

/// Inputs kept at most, so that memory is bounded; files are written of all.
const KEPT_MAX: usize = 20_000;

/// The inputs that a target's runs are changed from.
#[derive(Debug)]
pub struct Corpus {
    target: Target,
    folder: Option<PathBuf>,
    inputs: Mutex<Vec<Arc<Input>>>,
}

impl Corpus {
    /// None yet, and no folder.
    #[must_use]
    pub fn empty(target: Target) -> Self {
        Self { target, folder: None, inputs: Mutex::default() }
    }

    /// The files of a folder with which the target can do something: images (`.blob`), assembly (`.kasm`) and programs
    /// (`.et`). What does something new is written there, too.
    ///
    /// # Errors
    /// If the folder, or a file in it, cannot be read.
    pub fn read(target: Target, folder: &Path) -> io::Result<Self> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        paths.retain(|path| path.is_file());
        paths.sort();
        let mut inputs = Vec::new();
        for path in paths {
            let bytes = std::fs::read(&path)?;
            inputs.extend(Input::read(target, &path, bytes).map(Arc::new));
        }
        Ok(Self { target, folder: Some(folder.to_owned()), inputs: Mutex::new(inputs) })
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
