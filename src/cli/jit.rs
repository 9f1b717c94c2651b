//! `keyvm jit`: shows what the compiler makes of code.

use super::exit::{Exit, Failure};
use super::input::{Source, show};
use super::jit_text::{Shown, write_listing};
use super::labels::Labels;
use super::output::print;
use super::text::number;
use clap::Args;
use keyvm::CompilerOptions;
use keyvm::image::words_root;
use keyvm::isa::Code;
use keyvm::isa::image::{Body, Image, Number, Process};
use keyvm::jit::{Compiler, EntryPoint, Root};
use std::path::{Path, PathBuf};

/// Show what the compiler makes of a program: units, blocks, what is left to the interpreter and why.
///
/// It begins where the root process stands, and goes on with the subroutines that are called from there.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The program, assembly file or image.
    file: PathBuf,

    /// Begin at this index or label of the root process's code, with HEIGHT operands or none, and not where the process
    /// stands; a subroutine is shown as one that is called, unless HEIGHT is given.
    #[arg(long, value_name = "INDEX[:HEIGHT]", conflicts_with = "all")]
    entry: Option<String>,

    /// Show all code pages: from where processes stand, from their beginning, and all subroutines.
    #[arg(long)]
    all: bool,

    /// Show the intermediate representation, before it is optimized.
    #[arg(long)]
    clif: bool,

    /// Show the machine code of each instruction.
    #[arg(long)]
    asm: bool,
}

const EXAMPLES: &str = "\
Examples:
  keyvm jit program.kasm
  keyvm jit program.kasm --entry loop:2 --asm
  keyvm jit program.blob --all --clif";

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    let Arguments { file, entry, all, clif, asm } = arguments;
    let source = Source::read(file)?;
    let labels = Labels::of(&source);
    let mut machine = source.machine(file)?;
    let image = machine.image();
    let mut compiler = Compiler::for_host(CompilerOptions::default()).map_err(|error| wrong(file, error))?;
    let shown = Shown { clif: *clif, asm: *asm, unreached: *all };
    let mut text = String::new();
    let root = process(&image, image.root).ok_or_else(|| wrong(file, "the root process is gone"))?;
    for object in &image.objects {
        let Body::Code(words) = &object.body else { continue };
        if !all && object.number != root.code {
            continue;
        }
        let code = Code::new(words.to_vec()).map_err(|error| wrong(file, error))?;
        let hash = words_root(words);
        let roots = match entry {
            _ if *all => all_roots(&image, object.number, &code),
            None => standing(root).into_iter().collect(),
            Some(entry) => {
                let index = |name: &str| labels.index(hash, name);
                vec![parse(entry, &code, index).map_err(|why| wrong("--entry", why))?]
            }
        };
        let listing = compiler.explain(&code, &roots).map_err(|error| wrong(file, error))?;
        write_listing(&mut text, object.number, hash, &code, &labels, &listing, shown);
    }
    if text.is_empty() {
        return Err(wrong(file, "the root process's code is gone"));
    }
    print(&text)?;
    Ok(Exit::Done)
}

fn wrong(subject: impl AsRef<Path>, message: impl std::fmt::Display) -> Failure {
    Failure::about(show(subject.as_ref()), message)
}

fn process<'i, 'a>(image: &'i Image<'a>, number: Number) -> Option<&'i Process<'a>> {
    match &image.object(number)?.body {
        Body::Process(process) => Some(process),
        _ => None,
    }
}

/// Where a process stands; none if it is beyond what can be an entry.
fn standing(process: &Process<'_>) -> Option<Root> {
    let base = process.frames.last().map_or(0, |frame| frame.base);
    let height = u32::try_from(process.stack.len()).ok()?.checked_sub(base)?;
    let index = u32::try_from(process.index).ok()?;
    Some(Root::Entry(EntryPoint { index, height }))
}

/// Everything that a code page can be entered by without a jump to a place that only an operand says.
fn all_roots(image: &Image<'_>, page: Number, code: &Code) -> Vec<Root> {
    let mut roots = vec![Root::Entry(EntryPoint { index: 0, height: 0 })];
    for object in &image.objects {
        if let Body::Process(process) = &object.body
            && process.code == page
            && let Some(Root::Entry(point)) = standing(process)
            && point.height <= keyvm::jit::HEIGHT_MAX
            && !roots.contains(&Root::Entry(point))
        {
            roots.push(Root::Entry(point));
        }
    }
    let indices = 0..u32::try_from(code.len()).unwrap_or(u32::MAX);
    roots.extend(indices.filter(|&index| code.func_at(index.into()).is_some()).map(Root::Subroutine));
    roots
}

/// What `--entry` names.
fn parse(text: &str, code: &Code, label: impl Fn(&str) -> Option<u64>) -> Result<Root, String> {
    let (place, height) = match text.split_once(':') {
        Some((place, height)) => (place, Some(number(height)?)),
        None => (text, None),
    };
    let index = match label(place) {
        Some(index) => index,
        None => {
            number(place).map_err(|_| format!("`{place}` is neither a label of the code nor an index"))?
        }
    };
    let inside = u32::try_from(index).ok().filter(|&index| (index as usize) < code.len());
    let Some(index) = inside else {
        return Err(format!("the code has {} instructions, and so none with the index {index}", code.len()));
    };
    match height {
        None if code.func_at(index.into()).is_some() => Ok(Root::Subroutine(index)),
        height => {
            let height = u32::try_from(height.unwrap_or(0)).unwrap_or(u32::MAX);
            Ok(Root::Entry(EntryPoint { index, height }))
        }
    }
}
