//! The tests of a program: functions whose names begin with `test_`, each of which can be the main program.

use super::check::Checked;
use super::files::{File, Find, Wrong};
use super::hir::{Func, FuncId, Program};
use super::{Collect, Errors, checked, emit, parse, say};
use keyvm_isa::image::Image;

/// What the name of a test begins with.
const PREFIX: &str = "test_";

/// The tests of a program, compiled together.
#[derive(Clone, Debug)]
pub struct Tests {
    /// In the order in which they are written.
    pub tests: Vec<Test>,
    /// The files of the program: its own first, then those of the library that it needs something of.
    pub files: Vec<File>,
    image: Option<Image<'static>>,
}

/// A function of a program whose name begins with `test_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Its name.
    pub name: String,
    start: u32,
}

impl Tests {
    /// The image in which the test has not begun: the test is its main program, and halts at its end. `None` if this is a test
    /// of no program.
    #[must_use]
    pub fn image(&self, test: &Test) -> Option<Image<'static>> {
        let mut image = self.image.clone()?;
        emit::begin_at(&mut image, test.start);
        Some(image)
    }
}

/// Compiles the tests of a program, and of the rest of the program what they need. `find` gives the files that it imports, as
/// in [`compile`](super::compile). In a program without tests only the text is looked at.
///
/// # Errors
/// Everything that is wrong with the program or its tests: these take nothing, give nothing and yield nothing.
///
/// ```
/// # use keyvm_lang::entish::{File, tests};
/// let file = File { name: "sums.et".into(), text: "def test_sum():\n    assert 1 + 1 == 2\n".into() };
/// let found = tests(file, &mut |_| Ok(None)).expect("it is well-formed");
/// assert_eq!(found.tests[0].name, "test_sum");
/// ```
pub fn tests(program: File, find: &mut Find<'_>) -> Result<Tests, Errors> {
    let (ast, diagnostics) = parse::parse(&program.text);
    if diagnostics.is_empty() && !ast.funcs.iter().any(|func| func.name.text.starts_with(PREFIX)) {
        return Ok(Tests { tests: Vec::new(), files: vec![program], image: None });
    }
    drop(ast);
    let emit = |checked: &mut Checked<'_>, _: &[File]| {
        let found = find_tests(&checked.program)?;
        Ok((emit::emit(checked, &found, true)?, found.iter().map(|&id| name(&checked.program, id)).collect()))
    };
    let ((mut compiled, names), files): ((_, Vec<String>), _) =
        checked(program, find, Collect::IfDue, None, emit)?;
    let starts = std::mem::take(&mut compiled.starts);
    let tests = names.into_iter().zip(starts).map(|(name, start)| Test { name, start }).collect();
    Ok(Tests { tests, image: Some(emit::image(&compiled, &files)), files })
}

fn name(program: &Program, id: FuncId) -> String {
    program.funcs[id.0 as usize].name.clone()
}

/// The tests of the program's own file.
fn find_tests(program: &Program) -> Result<Vec<FuncId>, Vec<Wrong>> {
    let is_test = |func: &Func| func.place.file == 0 && func.name.starts_with(PREFIX);
    let found = (0..).map(FuncId).zip(&program.funcs).filter(|(_, func)| is_test(func));
    let wrong: Vec<_> = found.clone().filter_map(|(_, func)| wrong_test(func)).collect();
    if wrong.is_empty() { Ok(found.map(|(id, _)| id).collect()) } else { Err(wrong) }
}

/// Why a function cannot be a test, if it cannot.
fn wrong_test(func: &Func) -> Option<Wrong> {
    let does = if func.params > 0 {
        "takes arguments"
    } else if !func.results.is_empty() {
        "gives a result"
    } else if func.yields.is_some() {
        "yields"
    } else {
        return None;
    };
    Some((func.place.file, say::no_test(&func.place.span, &func.name, does, PREFIX)))
}
