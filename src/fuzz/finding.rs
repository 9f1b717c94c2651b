//! What was found, and its file: a text in which the first lines say what is wrong and how it is repeated.

use super::jit::Compiling;
use super::{Evidence, Machinery, Target};
use crate::asm::{assemble, disassemble};
use crate::image;
use crate::{CompilerOptions, Levels, Tier};
use keyvm_isa::debug::DebugInfo;
use keyvm_isa::image::Image;
use keyvm_oracle::{Case, Step};
use std::fmt::{self, Write};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Something that may not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was tried.
    pub target: Target,
    /// The seed of the run; `None` if it was one of a changed input, which only its file repeats.
    pub seed: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What shows it again.
    pub evidence: Evidence,
}

impl Finding {
    /// The same, made small, as long as `go_on` says that there is time.
    #[must_use]
    pub fn shrunk<S: Machinery>(self, go_on: &dyn Fn() -> bool) -> Self {
        let evidence = self.evidence.shrunk::<S>(go_on);
        let what = evidence.repeat::<S>().unwrap_or(self.what);
        Self { what, evidence, ..self }
    }

    /// The name of its file, and what the file holds.
    #[must_use]
    pub fn file(&self) -> (String, Vec<u8>) {
        let (bytes, end) = match &self.evidence {
            Evidence::Steps { case, .. } | Evidence::Pieces(case) | Evidence::Surveyed(case) => {
                (self.assembly(&case.image), "kasm")
            }
            Evidence::Image(image) => match image_file(image) {
                Some(bytes) => (bytes, "blob"),
                None => (self.assembly(image), "kasm"),
            },
            Evidence::File(bytes) => (bytes.clone(), "blob"),
            Evidence::Assembly(text) => ((self.head(';') + text).into_bytes(), "kasm"),
            Evidence::Program(text) | Evidence::Optimized(text) => {
                ((self.head('#') + text).into_bytes(), "et")
            }
            Evidence::Run { .. } => (self.head(';').into_bytes(), "kasm"),
        };
        let hash = blake3::hash(&bytes).to_hex();
        (format!("{}-{}.{end}", self.target, &hash[..16]), bytes)
    }

    /// Writes its file to a folder, which is made if need be, and gives its path.
    ///
    /// # Errors
    /// What the file system says.
    pub fn save(&self, folder: &Path) -> io::Result<PathBuf> {
        let (name, bytes) = self.file();
        let path = folder.join(name);
        fs::create_dir_all(folder)?;
        image::Target::find(&path)?.save(|file| file.write_all(&bytes))?;
        Ok(path)
    }

    /// Writes its file in place of another one, that of the same finding before it was made small: at each time one of them is
    /// there, whole. Gives its path, which is the same but for its end if this is another kind of file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn replace(&self, old: &Path) -> io::Result<PathBuf> {
        let (name, bytes) = self.file();
        let path = old.with_extension(Path::new(&name).extension().unwrap_or_default());
        image::Target::find(&path)?.save(|file| file.write_all(&bytes))?;
        if path != old {
            fs::remove_file(old)?;
        }
        Ok(path)
    }

    fn assembly(&self, image: &Image<'_>) -> Vec<u8> {
        let plain = Image { debug: DebugInfo::default(), ..image.clone() };
        (self.head(';') + &disassemble(&plain)).into_bytes()
    }

    /// The lines that say what it is; each begins with what begins a remark.
    fn head(&self, remark: char) -> String {
        let mut head = String::new();
        // A string takes everything.
        let _ = writeln!(head, "{remark} Found by `keyvm fuzz --target {}`:", self.target);
        for line in self.what.lines() {
            let _ = writeln!(head, "{remark}   {line}");
        }
        let _ = writeln!(head, "{remark} To repeat it: keyvm fuzz --repeat FILE");
        if let Some(seed) = self.seed {
            let _ = writeln!(
                head,
                "{remark} To find it again: keyvm fuzz --target {} --seed {seed} --runs 1",
                self.target
            );
        }
        let _ = writeln!(head, "{remark}! target {}", self.target);
        if let Some(seed) = self.seed {
            let _ = writeln!(head, "{remark}! seed {seed}");
        }
        match &self.evidence {
            Evidence::Steps { case, compiling, language } => {
                let _ = writeln!(head, "{remark}! {}", compiling_text(*compiling, *language));
                let _ = writeln!(head, "{remark}! steps {}", steps_text(&case.steps));
            }
            Evidence::Pieces(case) => {
                let _ = writeln!(head, "{remark}! pieces {}", steps_text(&case.steps));
            }
            Evidence::Surveyed(case) => {
                let _ = writeln!(head, "{remark}! surveyed {}", steps_text(&case.steps));
            }
            Evidence::Image(_) | Evidence::File(_) => {
                let _ = writeln!(head, "{remark}! image");
            }
            Evidence::Assembly(_) | Evidence::Program(_) => {
                let _ = writeln!(head, "{remark}! text");
            }
            Evidence::Optimized(_) => {
                let _ = writeln!(head, "{remark}! optimized");
            }
            Evidence::Run { .. } => {
                let _ = writeln!(head, "{remark}! run");
            }
        }
        head
    }
}

/// What is wrong, and how it is repeated: a text that [`read_finding`] reads, but where it is about a file that is no image.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match &self.evidence {
            Evidence::Image(image) => self.assembly(image),
            Evidence::File(_) => self.head(';').into_bytes(),
            _ => self.file().1,
        };
        f.write_str(&String::from_utf8_lossy(&bytes))
    }
}

/// The file of an image, if it can be read back.
fn image_file(image: &Image<'_>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    image::write(image, &mut bytes).ok()?;
    (image::read(&bytes).as_ref() == Ok(image)).then_some(bytes)
}

fn compiling_text(compiling: Compiling, language: bool) -> String {
    let tier = match compiling.tier {
        Tier::Interpreter => "interp",
        Tier::Jit => "jit",
        Tier::Auto => "auto",
    };
    let levels = match compiling.options.levels {
        Levels::Both => "both",
        Levels::Quick => "quick",
        Levels::Optimized => "optimized",
    };
    let mut text = format!("engine {tier} {levels}");
    if !compiling.options.speculation_guards {
        text += " unguarded";
    }
    if language {
        text += " language";
    }
    text
}

fn steps_text(steps: &[Step]) -> String {
    let text = |step: &Step| match step {
        Step::Run(slice) => format!("run {slice}"),
        Step::Answer(seed) => format!("answer {seed}"),
        Step::Limit(limit) => format!("limit {limit}"),
        Step::Swap => "swap".to_owned(),
    };
    steps.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn read_steps(text: &str) -> Option<Vec<Step>> {
    let step = |text: &str| {
        let mut words = text.split_whitespace();
        let (name, number) = (words.next()?, words.next());
        let number = || number?.parse().ok();
        Some(match name {
            "run" => Step::Run(number()?),
            "answer" => Step::Answer(number()?),
            "limit" => Step::Limit(number()?),
            "swap" => Step::Swap,
            _ => return None,
        })
    };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(step).collect()
}

fn read_compiling(text: &str) -> Option<(Compiling, bool)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let tier = match *words.first()? {
        "interp" => Tier::Interpreter,
        "jit" => Tier::Jit,
        "auto" => Tier::Auto,
        _ => return None,
    };
    let levels = match *words.get(1)? {
        "both" => Levels::Both,
        "quick" => Levels::Quick,
        "optimized" => Levels::Optimized,
        _ => return None,
    };
    let speculation_guards = !words.contains(&"unguarded");
    let options = CompilerOptions { levels, speculation_guards, ..CompilerOptions::default() };
    Some((Compiling { tier, options }, words.contains(&"language")))
}

/// Reads the file of a finding, as [`Finding::file`] made it.
///
/// # Errors
/// What is wrong with the file.
pub fn read_finding(bytes: Vec<u8>) -> Result<Finding, String> {
    if bytes.starts_with(&image::MAGIC) {
        let (what, evidence) = (String::new(), Evidence::File(bytes));
        return Ok(Finding { target: Target::Image, seed: None, what, evidence });
    }
    let text = String::from_utf8(bytes).map_err(|_| "this is neither an image nor a text".to_owned())?;
    let (mut target, mut seed, mut compiling, mut rest) = (None, None, None, &*text);
    while let Some((line, after)) = rest.split_once('\n') {
        let Some(line) = line.strip_prefix([';', '#']) else { break };
        rest = after;
        let Some(line) = line.strip_prefix("! ") else { continue };
        let (name, value) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let steps = || read_steps(value).ok_or_else(|| format!("these are no steps: {value}"));
        let found = |target, evidence| Finding { target, seed, what: String::new(), evidence };
        let image = || assemble(rest).map_err(|errors| format!("it is no assembly: {errors}"));
        match name {
            "target" => target = Target::named(value),
            "seed" => seed = Some(value.parse().map_err(|_| format!("this is no seed: {value}"))?),
            "engine" => compiling = read_compiling(value),
            "steps" => {
                let (compiling, language) = compiling.ok_or("no line says which engine it is about")?;
                let case = Case { image: image()?, steps: steps()? };
                return Ok(found(
                    target.unwrap_or(Target::Jit),
                    Evidence::Steps { case, compiling, language },
                ));
            }
            "pieces" => {
                let case = Case { image: image()?, steps: steps()? };
                return Ok(found(target.unwrap_or(Target::Kernel), Evidence::Pieces(case)));
            }
            "surveyed" => {
                let case = Case { image: image()?, steps: steps()? };
                return Ok(found(target.unwrap_or(Target::Kernel), Evidence::Surveyed(case)));
            }
            "image" => return Ok(found(Target::Image, Evidence::Image(image()?))),
            "run" => {
                let missing = "no line says what is tried, with which seed";
                let (target, seed) = target.zip(seed).ok_or(missing)?;
                return Ok(found(target, Evidence::Run { target, seed }));
            }
            "optimized" => return Ok(found(Target::Lang, Evidence::Optimized(rest.to_owned()))),
            "text" => {
                let (target, text) = (target.unwrap_or(Target::Asm), rest.to_owned());
                let evidence = match target {
                    Target::Lang => Evidence::Program(text),
                    _ => Evidence::Assembly(text),
                };
                return Ok(found(target, evidence));
            }
            _ => return Err(format!("this says nothing that is known: {line}")),
        }
    }
    Err("this is no file that `keyvm fuzz` has written: no line says what it shows".to_owned())
}
