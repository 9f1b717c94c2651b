//! A code page to lines of code.

use keyvm_isa::code::{Code, FuncType};
use keyvm_isa::debug::{CodeDebug, Line, Name};
use keyvm_isa::{ImmKind, Insn, Op};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::iter::Peekable;

/// So often a line tells its index.
const INDEX_EVERY: usize = 8;

/// Writes the lines of a code block, each with `indent` before it, and with the names and lines that are known of it in
/// remarks.
pub(crate) fn write_code(text: &mut String, indent: &str, code: &Code, debug: Option<&CodeDebug<'_>>) {
    let parts = code.parts();
    let places = Places::of(code);
    let mut line = |indent: &str, at: &dyn core::fmt::Display| {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{indent}{at}");
    };
    for constant in &parts.constants {
        line(indent, &format_args!(".constant {constant:#x}"));
    }
    for typ in &parts.types {
        line(indent, &format_args!(".type {}", type_text(*typ)));
    }
    for targets in &parts.switches {
        let targets: Vec<_> = targets.iter().map(|&target| places.text(target)).collect();
        line(indent, &format_args!(".switch {}", targets.join(", ")));
    }
    let deeper = format!("{indent}  ");
    let mut known = Known::of(debug);
    for (index, &word) in parts.instructions.iter().enumerate() {
        let at = u64::try_from(index).unwrap_or(u64::MAX);
        let insn = Insn::decode(word);
        let is_func = places.funcs.contains(&at);
        if !is_func && places.used.contains(&at) {
            line(indent, &format_args!("L{at}:"));
        }
        let mut remarks = Vec::new();
        if index.is_multiple_of(INDEX_EVERY) {
            remarks.push(index.to_string());
        } else if let Some(Insn { op: Op::Const, imms: [index, ..] }) = insn
            && let Some(value) = usize::try_from(index).ok().and_then(|index| parts.constants.get(index))
        {
            remarks.push(format!("{value:#x}"));
        }
        known.remark(at, &mut remarks);
        let mut statement = statement(at, word, code, &places);
        if !remarks.is_empty() {
            statement = format!("{statement:<32} ; {}", remarks.join(", "));
        }
        line(if is_func { indent } else { &deeper }, &statement);
    }
    let end = u64::try_from(parts.instructions.len()).unwrap_or(u64::MAX);
    if places.used.contains(&end) {
        line(indent, &format_args!("L{end}:"));
    }
}

/// What is known of a code page, told once, in ascending order of the instructions.
struct Known<'d> {
    files: Vec<&'d str>,
    names: Peekable<Box<dyn Iterator<Item = Name<'d>> + 'd>>,
    lines: Peekable<Box<dyn Iterator<Item = Line> + 'd>>,
    /// The file and line that were told last.
    told: (u32, u32),
}

impl<'d> Known<'d> {
    fn of(debug: Option<&'d CodeDebug<'_>>) -> Self {
        let names = debug.into_iter().flat_map(CodeDebug::names);
        let lines = debug.into_iter().flat_map(CodeDebug::lines);
        Self {
            files: debug.into_iter().flat_map(CodeDebug::files).collect(),
            names: (Box::new(names) as Box<dyn Iterator<Item = _>>).peekable(),
            lines: (Box::new(lines) as Box<dyn Iterator<Item = _>>).peekable(),
            told: (0, 0),
        }
    }

    /// What an instruction is called, and its line if that is another than the last.
    fn remark(&mut self, at: u64, remarks: &mut Vec<String>) {
        while let Some(name) = self.names.next_if(|name| u64::from(name.index) <= at) {
            remarks.push(name.name.to_owned());
        }
        while let Some(line) = self.lines.next_if(|line| u64::from(line.index) <= at) {
            if let Some(file) = self.files.get(line.file as usize).filter(|_| line.line > 0)
                && self.told != (line.file, line.line)
            {
                remarks.push(format!("{file}:{}", line.line));
            }
            self.told = (line.file, line.line);
        }
    }
}

/// Single instructions of a code page, as [`super::disassemble`] writes them.
#[derive(Debug)]
pub struct Disassembly {
    code: Code,
    places: Places,
}

impl Disassembly {
    /// Looks through the words of a code page; `None` if they are none.
    #[must_use]
    pub fn of(words: &[u64]) -> Option<Self> {
        Self::with_names(words, [])
    }

    /// The same, with what instructions are called, by their indices: calls and jumps are then written with these names, as
    /// they are given, the first where there are several, and with `F67` or `L67` where there is none.
    #[must_use]
    pub fn with_names(words: &[u64], names: impl IntoIterator<Item = (u64, String)>) -> Option<Self> {
        let code = Code::new(words.to_vec()).ok()?;
        let mut places = Places::of(&code);
        for (index, name) in names {
            places.names.entry(index).or_insert(name);
        }
        Some(Self { code, places })
    }

    /// The instruction with this index; `None` behind the last.
    #[must_use]
    pub fn instruction(&self, index: u64) -> Option<String> {
        let at = usize::try_from(index).ok().filter(|&at| at < self.code.len())?;
        Some(statement(index, self.code.words()[at], &self.code, &self.places))
    }

    /// The instruction with this index, decoded; `None` behind the last, and if it is none.
    #[must_use]
    pub fn decoded(&self, index: u64) -> Option<Insn> {
        let at = usize::try_from(index).ok().filter(|&at| at < self.code.len())?;
        Insn::decode(self.code.words()[at])
    }

    /// The name of the subroutine that the instruction with this index belongs to, and how many instructions behind its
    /// beginning it is.
    #[must_use]
    pub fn func(&self, index: u64) -> Option<(String, u64)> {
        let start = *self.places.funcs.range(..=index).next_back()?;
        Some((self.places.name(start), index - start))
    }
}

/// The instruction at an index as a line of code.
fn statement(at: u64, word: u64, code: &Code, places: &Places) -> String {
    let typ = if places.funcs.contains(&at) { code.func_at(at) } else { None };
    let typ = typ.and_then(|typ| code.types().get(usize::try_from(typ).ok()?));
    match (typ, Insn::decode(word)) {
        (Some(typ), _) => {
            let locals = if typ.locals == 0 { String::new() } else { format!(", {}", typ.locals) };
            format!("func {} {} -> {}{locals}", places.name(at), typ.arguments, typ.results)
        }
        (None, Some(insn)) => instruction(insn, code, places),
        (None, None) => format!(".word {word:#x}"),
    }
}

/// Whether a target may be written as a label: the assembler takes no calls of labels where no `func` is.
fn may_be_named(op: Op, target: i64, code: &Code) -> bool {
    let word = || code.words()[..code.len()].get(usize::try_from(target).ok()?).copied();
    !matches!(op, Op::Call | Op::Tailcall)
        || word().and_then(Insn::decode).is_some_and(|insn| insn.op == Op::Func)
}

fn type_text(typ: FuncType) -> String {
    let locals = if typ.locals == 0 { String::new() } else { format!("+{}", typ.locals) };
    format!("{}->{}{locals}", typ.arguments, typ.results)
}

/// What in the code is written by name or by value instead of by index.
#[derive(Debug)]
struct Places {
    /// The places that something refers to.
    used: BTreeSet<u64>,
    /// The subroutines that are written with a name, because the assembler finds their type at the same index.
    funcs: BTreeSet<u64>,
    /// The first index of each type.
    types: BTreeMap<u64, u32>,
    /// What instructions are called, where that is known and wanted.
    names: BTreeMap<u64, String>,
    end: u64,
}

impl Places {
    fn of(code: &Code) -> Self {
        let end = u64::try_from(code.len()).unwrap_or(u64::MAX);
        let mut places = Self {
            used: BTreeSet::new(),
            funcs: BTreeSet::new(),
            types: BTreeMap::new(),
            names: BTreeMap::new(),
            end,
        };
        for (index, typ) in (0..).zip(code.types()) {
            places.types.entry(typ.word()).or_insert(index);
        }
        for table in 0.. {
            let Some(targets) = code.switch(table) else {
                break;
            };
            places.used.extend(targets.iter().copied().filter(|&target| target <= end));
        }
        for (at, &word) in (0_u64..).zip(code.words()).take(code.len()) {
            let Some(insn) = Insn::decode(word) else {
                continue;
            };
            for (&value, imm) in insn.imms.iter().zip(insn.op.info().imms) {
                let named = imm.kind == ImmKind::Target && may_be_named(insn.op, value, code);
                if named && value.cast_unsigned() <= end {
                    places.used.insert(value.cast_unsigned());
                }
            }
            if code.func_at(at).is_some_and(|typ| places.typ(code, typ).is_some()) {
                places.funcs.insert(at);
            }
        }
        places
    }

    /// The type with this index, if the assembler finds it there.
    fn typ(&self, code: &Code, index: u32) -> Option<FuncType> {
        let typ = *code.types().get(usize::try_from(index).ok()?)?;
        (self.types.get(&typ.word()) == Some(&index)).then_some(typ)
    }

    fn text(&self, target: u64) -> String {
        if target > self.end { target.to_string() } else { format!(":{}", self.name(target)) }
    }

    fn name(&self, at: u64) -> String {
        match self.names.get(&at) {
            Some(name) => name.clone(),
            None if self.funcs.contains(&at) => format!("F{at}"),
            None => format!("L{at}"),
        }
    }
}

fn instruction(insn: Insn, code: &Code, places: &Places) -> String {
    let info = insn.op.info();
    let mut text = info.mnemonic.to_owned();
    for (position, (&value, imm)) in insn.imms.iter().zip(info.imms).enumerate() {
        text.push_str(if position == 0 { " " } else { ", " });
        let typ = u32::try_from(value).ok().and_then(|index| places.typ(code, index));
        match (imm.kind, typ) {
            (ImmKind::Target, _) if may_be_named(insn.op, value, code) => {
                text.push_str(&places.text(value.cast_unsigned()));
            }
            (ImmKind::Type, Some(typ)) => text.push_str(&type_text(typ)),
            _ => text.push_str(&value.to_string()),
        }
    }
    text
}
