//! Programs with what is made of them, and mistakes with what is said of them.

mod documented;
mod errors;
mod formed;
mod hostile;
mod library;
mod newcomers;
mod programs;
mod recovery;
mod show;

use super::super::hir::{FuncId, Program};
use super::super::parse::parse;
use super::super::{Collect, File, files::Wrong};
use super::{Checked, Module, check};
use crate::Diagnostics;
use crate::diagnostic::render;

/// Checks a program, with files that it may import, and all of the library that it comes to; gives what is wrong as people read
/// it.
fn checked(source: &str, files: &[(&str, &str)]) -> Result<Program, String> {
    checked_with(source, files, |checked| {
        let mut next = 0;
        while (next as usize) < checked.program.funcs.len() {
            checked.need(FuncId(next))?;
            next += 1;
        }
        Ok(())
    })
}

/// The same with what `need` asks for.
fn checked_with(
    source: &str,
    files: &[(&str, &str)],
    need: impl FnOnce(&mut Checked<'_>) -> Result<(), Vec<Wrong>>,
) -> Result<Program, String> {
    let mut all = vec![("", source)];
    let mut wrong = Vec::new();
    let mut parsed = Vec::new();
    while let Some(&(_, text)) = all.get(parsed.len()) {
        let (ast, diagnostics) = parse(text);
        wrong.extend(
            diagnostics.into_iter().map(|diagnostic| (u32::try_from(parsed.len()).unwrap_or(0), diagnostic)),
        );
        for import in &ast.imports {
            let found = files.iter().find(|file| file.0 == import.text).copied();
            let known = all.iter().any(|file| file.0 == import.text);
            all.extend(found.filter(|_| !known));
        }
        parsed.push(ast);
    }
    let modules: Vec<_> = all.iter().zip(&parsed).map(|(&(name, _), ast)| Module { name, ast }).collect();
    let result = check(&modules, wrong, None, Collect::IfDue);
    let mut of_library: Vec<File> = Vec::new();
    let result = result.and_then(|mut checked| {
        let needed = need(&mut checked);
        of_library.extend(checked.library_files());
        needed.map(|()| checked.program)
    });
    result.map_err(|wrong| {
        let of_library = of_library.iter().map(|file| (&*file.name, &*file.text));
        let mut message = String::new();
        for (index, (name, text)) in (0..).zip(all.iter().copied().chain(of_library)) {
            let of_file = wrong.iter().filter(|of| of.0 == index).map(|of| of.1.clone()).collect();
            let name = if name.is_empty() { "program" } else { name };
            message += &render(&format!("{name}.et"), text, &Diagnostics::of(text, of_file), false);
        }
        message
    })
}
