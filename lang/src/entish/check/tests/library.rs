//! The library: all of it is looked at here, as a program only has looked at what it needs.

use super::super::walk;
use super::formed::well_formed;
use super::{checked, checked_with};
use crate::entish::ast::StmtKind;
use crate::entish::library::{Kind, LIBRARY, Module};
use crate::entish::parse::parse;
use crate::entish::{File, compile};

#[test]
fn all_of_the_library_is_well_formed() {
    let program = checked_with("", &[], |checked| {
        for module in &LIBRARY {
            let number = checked.checker.module_of_library(module.name).expect("it is one of them");
            checked.checker.all_items(number);
            for part in module.parts().iter().filter(|part| part.kind == Kind::Func) {
                let function = checked.of_library(&format!("{}.{}", module.name, part.name.text));
                checked.need(function)?;
            }
        }
        Ok(())
    });
    let program = program.unwrap_or_else(|message| panic!("{message}"));
    let functions = LIBRARY.iter().flat_map(Module::parts).filter(|part| part.kind == Kind::Func);
    let made = program.funcs.iter().filter(|func| func.in_library && func.is_made);
    assert_eq!(made.count(), functions.count());
    well_formed(&program);
}

#[test]
fn the_parts_of_a_file_are_what_it_declares() {
    for module in &LIBRARY {
        let (ast, wrong) = parse(module.text);
        assert!(wrong.is_empty(), "{}: {wrong:?}", module.name);
        assert!(ast.main.is_empty(), "{} has statements", module.name);
        let mut declared: Vec<_> = ast.imports.iter().map(|name| (Kind::Import, name)).collect();
        declared.extend(ast.consts.iter().map(|of| (Kind::Const, &of.name)));
        declared.extend(ast.structs.iter().map(|of| (Kind::Struct, &of.name)));
        declared.extend(ast.funcs.iter().map(|of| (Kind::Func, &of.name)));
        declared.sort_by_key(|(_, name)| name.span.start);
        let parts: Vec<_> = module.parts().iter().map(|part| (part.kind, &part.name)).collect();
        assert_eq!(parts, declared, "{}", module.name);
        for (at, (_, name)) in parts.iter().enumerate() {
            assert!(parts[..at].iter().all(|(_, other)| other.text != name.text), "{} twice", name.text);
        }
        for part in module.parts() {
            let (file, wrong) = module.parsed(part);
            let of_part = [file.imports.len(), file.consts.len(), file.structs.len(), file.funcs.len()];
            assert_eq!(of_part.iter().sum::<usize>(), 1, "{}", part.name.text);
            assert!(file.main.is_empty() && wrong.is_empty(), "{}", part.name.text);
        }
        for func in &ast.funcs {
            let whole = module.part(func.name.text).map(|part| module.parsed(part).0);
            let whole = whole.map(|file| format!("{:?}", file.funcs));
            assert_eq!(whole, Some(format!("[{func:?}]")), "the same alone and in its file");
            walk::stmts(&func.body, &mut |stmt| {
                assert!(!matches!(stmt.kind, StmtKind::Yield(_)), "{} yields", func.name.text);
            });
        }
    }
}

#[test]
fn a_program_has_only_what_it_needs_of_the_library() {
    const ONE_LINE: &str = "print(\"hello\")\n";
    let program = checked(ONE_LINE, &[]).unwrap_or_else(|message| panic!("{message}"));
    let of_library: Vec<_> =
        program.funcs.iter().filter(|func| func.in_library).map(|func| &*func.name).collect();
    let print = ["print_line", "print_text", "console_key", "length", "host_key"];
    assert_eq!(of_library, print.map(|name| format!("runtime.{name}")));
    let file = File { name: "one.et".to_owned(), text: ONE_LINE.to_owned() };
    let program = compile(file, &mut |_| Ok(None)).expect("it is well-formed");
    let files: Vec<_> = program.files.iter().map(|file| &*file.name).collect();
    assert_eq!(files, ["one.et", "<library>/runtime.et", "<library>/collector.et"]);
}
