//! A session: a program that is written and run one input at a time.
//!
//! An input is compiled with the definitions of those before it, and runs in the process that they ran in: its code is
//! added to theirs (`emit::input`), its statements begin with the variables that there are, and leave theirs in the
//! process's memory (`check::input`). So nothing runs twice. Whoever holds the image decides whether an input counts:
//! before it has run, and also if it went wrong, there is still the image before it, and the session before it.

mod begun;
mod image;
mod text;
mod value;

use super::check::{Checked, Given, Lasting, Variable};
use super::emit::{self, Kept, layout};
use super::files::{File, Find};
use super::hir::{Left, Program, Type};
use super::{Collect, Errors, checked, parse};
use keyvm_isa::image::{Body, Image};
use std::collections::{BTreeMap, BTreeSet};
use text::{Item, Kind};
use value::{Shower, Structs};

pub use begun::{Begun, Typed};

/// What the text of a session is called in messages.
const NAME: &str = "session.et";

/// What has been defined and assigned so far.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// All inputs that count.
    text: String,
    items: Vec<Item>,
    variables: Vec<Variable>,
    structs: Structs,
    kept: Kept,
    /// Files that have been imported: they stay as they were.
    imported: BTreeMap<String, File>,
}

/// An input that has been compiled.
#[derive(Debug)]
pub struct Input {
    /// The session, if it counts.
    session: Session,
    step: Option<image::Step>,
    results: Vec<(Lasting, u64)>,
}

impl Session {
    /// A session without any input.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The image before the first input.
    #[must_use]
    pub fn image() -> Image<'static> {
        image::first()
    }

    /// Compiles an input. `find` gives files that it imports, as in [`compile`](super::compile); those that have been imported before are
    /// not looked for again.
    ///
    /// A function or constant replaces one that has its name, also where that is called already; and a variable
    /// is gone where something is declared with its name.
    ///
    /// # Errors
    /// Everything that is wrong with it, and with what was there before and needs what it replaces.
    ///
    /// ```
    /// # use keyvm_lang::entish::Session;
    /// let mut session = Session::new();
    /// let input = session.compile("def half(f x): return x / 2\n", &mut |_| Ok(None)).expect("it is well-formed");
    /// session = input.accept();
    /// let mut input = session.compile("half(3)", &mut |_| Ok(None)).expect("it is well-formed");
    /// assert_eq!(input.types(), "f");
    /// let mut image = Session::image();
    /// assert!(input.begin(&mut image), "a machine with this image runs it");
    /// ```
    pub fn compile(&self, input: &str, find: &mut Find<'_>) -> Result<Input, Errors> {
        if text::is_indented(input) {
            // It belongs to nothing that was typed before.
            let text = self.text_with(input);
            let alone = text::masked(&text, self.items.iter());
            let wrong: Vec<_> =
                parse::parse(&alone).1.into_iter().map(|diagnostic| (0, diagnostic)).collect();
            return Err(Errors::new([File { name: NAME.to_owned(), text }].into_iter(), wrong));
        }
        let new = text::items(input, self.text.len());
        let needed = text::needed(&self.items, &new);
        match self.compile_with(input, &new, |index| needed.contains(&index), find) {
            // A hint may name any of the others.
            Err(_) if needed.len() < self.items.len() => self.compile_with(input, &new, |_| true, find),
            compiled => compiled,
        }
    }

    fn text_with(&self, input: &str) -> String {
        format!("{}{input}{}", self.text, if input.ends_with('\n') { "" } else { "\n" })
    }

    /// Compiles an input of these items with those of the session's that are needed.
    fn compile_with(
        &self,
        input: &str,
        new: &[Item],
        is_needed: impl Fn(usize) -> bool,
        find: &mut Find<'_>,
    ) -> Result<Input, Errors> {
        let mut next = Self { text: self.text_with(input), ..self.clone() };
        let names: BTreeSet<&str> =
            new.iter().map(|item| &*item.name).filter(|name| !name.is_empty()).collect();
        for item in &mut next.items {
            item.counts &= item.kind != Kind::Definition || !names.contains(&*item.name);
        }
        let is_there = |of: &Item| self.items.iter().any(|item| item.kind == of.kind && item.name == of.name);
        let again = new.iter().filter(|item| item.kind == Kind::Import && is_there(item));
        let left_out =
            |(index, item): (usize, &Item)| !item.counts || item.kind == Kind::Statement || !is_needed(index);
        let ran = next.items.iter().enumerate().filter(|&of| left_out(of)).map(|of| of.1);
        let program = File { name: NAME.to_owned(), text: text::masked(&next.text, ran.chain(again)) };

        next.variables.retain(|variable| !names.contains(&*variable.name));
        let given = Given { variables: next.variables.clone(), room: next.room(), results: layout::RESULTS };
        let whole = next.text.clone();
        let Self { imported, kept, .. } = &mut next;
        let mut find_once = |name: &str| {
            if let Some(file) = imported.get(name) {
                return Ok(Some(file.clone()));
            }
            let found = find(name)?;
            imported.extend(found.iter().map(|file| (name.to_owned(), file.clone())));
            Ok(found)
        };
        let with_whole_text = |mut errors: Errors| {
            for (file, _) in errors.files.iter_mut().filter(|(file, _)| file.name == NAME) {
                file.text.clone_from(&whole);
            }
            errors
        };
        let runs = new.iter().any(|item| item.kind == Kind::Statement);
        let emit = |checked: &mut Checked<'_>, files: &[File]| {
            let mut files = files.to_vec();
            files[0].text.clone_from(&whole);
            let compiled = runs.then(|| emit::emit_input(kept, checked, files)).transpose()?;
            let step = compiled.map(|(compiled, passes)| {
                let step = image::Step::new(compiled, &kept.files);
                if passes {
                    *kept = std::mem::take(kept).without_code(&self.kept);
                }
                step
            });
            Ok((step, std::mem::take(&mut checked.program)))
        };
        let made = checked(program, &mut find_once, Collect::IfDue, Some(&given), emit);
        let ((step, program), _) = made.map_err(with_whole_text)?;
        let had = |of: &Item| self.variables.iter().any(|variable| variable.name == of.name);
        next.items.extend(new.iter().map(|item| Item {
            counts: item.kind != Kind::Import || !is_there(item),
            was_variable: had(item),
            ..item.clone()
        }));
        let results = next.learn(program);
        Ok(Input { session: next, step, results })
    }

    /// Room for new variables: what is behind the last one.
    fn room(&self) -> (u64, u64) {
        let (from, to) = layout::VARIABLES;
        let taken: BTreeSet<u64> = self.variables.iter().map(|variable| variable.address).collect();
        let end = taken.last().map_or(from, |last| last + 8);
        (end.min(to), to)
    }

    /// Takes over what the main program leaves; gives its results.
    fn learn(&mut self, program: Program) -> Vec<(Lasting, u64)> {
        let Program { types, left: Left { variables, results }, .. } = program;
        for (name, ty, span, address) in variables {
            let variable = Variable { name, ty: Lasting::of(&types, ty), span, address };
            match self.variables.iter_mut().find(|known| known.name == variable.name) {
                // A loop may have begun one of another type.
                Some(known) if known.ty != variable.ty => *known = variable,
                Some(_) => {}
                None => self.variables.push(variable),
            }
        }
        for ty in &types {
            if let Type::Struct { name, fields } = ty {
                let fields = fields.iter().map(|(name, ty)| (name.clone(), Lasting::of(&types, *ty)));
                self.structs.insert(name.clone(), fields.collect());
            }
        }
        results.into_iter().map(|(ty, address)| (Lasting::of(&types, ty), address)).collect()
    }

    /// The variables, with their types and their values in an image of the session.
    #[must_use]
    pub fn variables(&self, image: &Image<'_>) -> Vec<[String; 3]> {
        let row = |variable: &Variable| {
            let Variable { name, ty, address, .. } = variable;
            let value = self.show(image, &[(ty.clone(), *address)]).unwrap_or_default();
            [name.clone(), ty.to_string(), value]
        };
        self.variables.iter().map(row).collect()
    }

    /// What is defined and was done so far, as a program: expressions that only showed their values are not in it.
    #[must_use]
    pub fn program(&self) -> String {
        let mut items: Vec<_> = self.items.iter().filter(|item| item.counts).collect();
        items.sort_by_key(|item| item.range.start);
        let texts = items.iter().map(|item| item.saved.as_deref().unwrap_or(&self.text[item.range.clone()]));
        texts.collect()
    }

    /// Names that were defined anew after a statement had used them, each with the first such statement: in
    /// [`program`](Self::program) that has the last definition.
    #[must_use]
    pub fn redefined(&self) -> Vec<(&str, &str)> {
        text::redefined(&self.text, &self.items)
    }

    /// A name of a variable that was declared as something else later, and used as that by a statement, which is given too: in
    /// [`program`](Self::program) it would still be the variable.
    #[must_use]
    pub fn ambiguous(&self) -> Option<(&str, &str)> {
        text::ambiguous(&self.text, &self.items)
    }

    /// The files in which places of messages are, the session's own text among them.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.kept.files
    }

    /// Values that are in memory, as people read them.
    fn show(&self, image: &Image<'_>, values: &[(Lasting, u64)]) -> Option<String> {
        let Body::Process(root) = &image.object(image.root)?.body else { return None };
        let mut shower =
            Shower { memory: &root.data, structs: &self.structs, kept: &self.kept, out: String::new() };
        for (index, (ty, address)) in values.iter().enumerate() {
            shower.out.push_str(if index > 0 { ", " } else { "" });
            let word = shower.word(*address)?;
            shower.value(ty, word, 0);
        }
        Some(if values.len() > 1 { format!("({})", shower.out) } else { shower.out })
    }
}

impl Input {
    /// Has the image of the session, in which nothing runs, begin with the input's statements: the root process halts at their
    /// end. `false`, and nothing has changed, if there are none.
    pub fn begin(&mut self, image: &mut Image<'static>) -> bool {
        self.step.take().map(|step| step.apply(image)).is_some()
    }

    /// The types of the values of the expression at the end of the input, as they are written; empty if there are none.
    #[must_use]
    pub fn types(&self) -> String {
        let types: Vec<_> = self.results.iter().map(|(ty, _)| ty.to_string()).collect();
        if types.len() > 1 { format!("({})", types.join(", ")) } else { types.concat() }
    }

    /// The values of the expression at the end of the input, when that has run; `None` if there are none.
    #[must_use]
    pub fn values(&self, image: &Image<'_>) -> Option<String> {
        if self.results.is_empty() { None } else { self.session.show(image, &self.results) }
    }

    /// The files in which places of messages are.
    #[must_use]
    pub fn files(&self) -> &[File] {
        self.session.files()
    }

    /// The session with this input.
    #[must_use]
    pub fn accept(self) -> Session {
        self.session
    }
}
