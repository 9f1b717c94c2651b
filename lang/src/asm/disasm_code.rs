//! A code page to lines of code.

use keyvm_isa::code::{Code, FuncType};
use keyvm_isa::{ImmKind, Insn};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// So often a line tells its index.
const INDEX_EVERY: usize = 8;

/// Writes the lines of a code block, each with `indent` before it.
pub(crate) fn write_code(text: &mut String, indent: &str, code: &Code) {
    let parts = code.parts();
    let labels = Labels::of(code);
    let mut line = |at: &dyn core::fmt::Display| {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{indent}{at}");
    };
    for constant in &parts.constants {
        line(&format_args!(".constant {constant:#x}"));
    }
    for typ in &parts.types {
        line(&format_args!(".type {}", type_text(*typ)));
    }
    for targets in &parts.switches {
        let targets: Vec<_> = targets.iter().map(|&target| labels.text(target)).collect();
        line(&format_args!(".switch {}", targets.join(", ")));
    }
    for (index, &word) in parts.instructions.iter().enumerate() {
        let at = u64::try_from(index).unwrap_or(u64::MAX);
        let named = if labels.funcs.contains(&at) { code.func_at(at) } else { None };
        let typ = named.and_then(|typ| parts.types.get(usize::try_from(typ).ok()?));
        if typ.is_none() && labels.used.contains(&at) {
            line(&format_args!("L{at}:"));
        }
        let statement = match (typ, Insn::decode(word)) {
            (Some(typ), _) => {
                let locals = if typ.locals == 0 { String::new() } else { format!(", {}", typ.locals) };
                format!("func F{at} {} -> {}{locals}", typ.arguments, typ.results)
            }
            (None, Some(insn)) => instruction(insn, &labels),
            (None, None) => format!(".word {word:#x}"),
        };
        if index.is_multiple_of(INDEX_EVERY) {
            line(&format_args!("  {statement:<32} ; {index}"));
        } else {
            line(&format_args!("  {statement}"));
        }
    }
    let end = u64::try_from(parts.instructions.len()).unwrap_or(u64::MAX);
    if labels.used.contains(&end) {
        line(&format_args!("L{end}:"));
    }
}

fn type_text(typ: FuncType) -> String {
    let locals = if typ.locals == 0 { String::new() } else { format!("+{}", typ.locals) };
    format!("{}->{}{locals}", typ.arguments, typ.results)
}

/// The places in the code that something refers to.
struct Labels {
    used: BTreeSet<u64>,
    /// The subroutines that are written with a name, because the assembler finds their type at the same index.
    funcs: BTreeSet<u64>,
    end: u64,
}

impl Labels {
    fn of(code: &Code) -> Self {
        let end = u64::try_from(code.len()).unwrap_or(u64::MAX);
        let mut used = BTreeSet::new();
        let mut funcs = BTreeSet::new();
        let mut seen = BTreeMap::new();
        for (index, typ) in (0_u32..).zip(code.types()) {
            seen.entry(typ.word()).or_insert(index);
        }
        for table in 0.. {
            let Some(targets) = code.switch(table) else {
                break;
            };
            used.extend(targets.iter().copied().filter(|&target| target <= end));
        }
        for (at, &word) in (0_u64..).zip(code.words()).take(code.len()) {
            let Some(insn) = Insn::decode(word) else {
                continue;
            };
            for (&value, imm) in insn.imms.iter().zip(insn.op.info().imms) {
                if imm.kind == ImmKind::Target && value.cast_unsigned() <= end {
                    used.insert(value.cast_unsigned());
                }
            }
            if let Some(index) = code.func_at(at) {
                let typ = usize::try_from(index).ok().and_then(|index| code.types().get(index));
                if typ.is_some_and(|typ| seen.get(&typ.word()) == Some(&index)) {
                    funcs.insert(at);
                }
            }
        }
        Self { used, funcs, end }
    }

    fn text(&self, target: u64) -> String {
        if target > self.end {
            target.to_string()
        } else if self.funcs.contains(&target) {
            format!(":F{target}")
        } else {
            format!(":L{target}")
        }
    }
}

fn instruction(insn: Insn, labels: &Labels) -> String {
    let info = insn.op.info();
    let mut text = info.mnemonic.to_owned();
    for (position, (&value, imm)) in insn.imms.iter().zip(info.imms).enumerate() {
        text.push_str(if position == 0 { " " } else { ", " });
        match imm.kind {
            ImmKind::Target => text.push_str(&labels.text(value.cast_unsigned())),
            _ => text.push_str(&value.to_string()),
        }
    }
    text
}
