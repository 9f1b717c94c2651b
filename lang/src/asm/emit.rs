//! What a text says to an image.

use super::ast::{CallExpr, DataBlock, DataItem, Decl, DeclBody, File, Item, LinkExpr, Name, ObjectRef};
use super::debug::code_debug;
use super::emit_body::{capacity, keys_max};
use super::emit_code::emit_code;
use super::lex::Span;
use super::names::{Labels, Meaning, Names, Scope, labels_of};
use super::say;
use crate::diagnostic::Diagnostic;
use keyvm_isa::Rights;
use keyvm_isa::debug::{DebugInfo, is_name};
use keyvm_isa::gas::KEYS_INCLUDED;
use keyvm_isa::image::{Body, Call, Image, Key, Link, Meter, Number, Object, Process, Request};
use keyvm_isa::layout::HOST_NAME_MAX;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The seed of a process's random generator where the text gives none.
pub const RANDOM_SEED: u64 = 0x4b65_7956_4d00_0001;

/// Where an object comes from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a, 's> {
    Prime,
    /// The code outside any block.
    Main,
    /// The root process of a simple program.
    Root,
    Declared(&'a Decl<'s>),
}

pub(super) struct Entity<'a, 's> {
    pub(super) name: &'s str,
    pub(super) span: Option<Span>,
    pub(super) source: Source<'a, 's>,
    pub(super) number: Number,
    /// For code: its labels.
    pub(super) labels: Labels<'s>,
}

/// Makes the image, or gives back all that is wrong. With the name of the file and its text it has debug information.
pub(crate) fn emit(
    file: &File<'_>,
    diagnostics: Vec<Diagnostic>,
    text: Option<(&str, &str)>,
) -> Result<Image<'static>, Vec<Diagnostic>> {
    let mut emitter = Emitter {
        file,
        names: Names::new(file, diagnostics),
        entities: Vec::new(),
        everywhere: Labels::new(),
        prime: 0,
    };
    emitter.enter_objects();
    emitter.enter_names();
    emitter.number_objects();
    emitter.names.settle();
    let mut image = emitter.image();
    if let Some((name, source)) = text {
        image.debug = emitter.debug(&image, name, source);
    }
    let diagnostics = emitter.names.diagnostics;
    if diagnostics.is_empty() { Ok(image) } else { Err(diagnostics) }
}

pub(super) struct Emitter<'a, 's> {
    pub(super) file: &'a File<'s>,
    pub(super) names: Names<'a, 's>,
    pub(super) entities: Vec<Entity<'a, 's>>,
    /// The labels that pages can refer to: those of `main`, and those that only one code page has.
    pub(super) everywhere: Labels<'s>,
    pub(super) prime: Number,
}

impl<'a, 's> Emitter<'a, 's> {
    // ---- Objects and names ------------------------------------------------------------------------------

    /// Lists the objects and the labels of their code.
    fn enter_objects(&mut self) {
        let file = self.file;
        let declared = file.declarations.iter().map(Source::Declared);
        let sources: Vec<_> = if file.full {
            let before = file.main_position.unwrap_or(0);
            let main = (!file.main.is_empty()).then_some(Source::Main);
            declared.clone().take(before).chain(main).chain(declared.skip(before)).collect()
        } else {
            [Source::Prime, Source::Main, Source::Root].into_iter().chain(declared).collect()
        };
        let mut ambiguous = Vec::new();
        for source in sources {
            let (name, span) = match source {
                Source::Prime => ("prime", None),
                Source::Main => ("main", None),
                Source::Root => ("root", None),
                Source::Declared(decl) => (decl.name.text, Some(decl.name.span.clone())),
            };
            let labels = code_of(file, source)
                .map(|code| labels_of(code, &mut self.names.diagnostics))
                .unwrap_or_default();
            for (&label, place) in &labels {
                if self.everywhere.insert(label, place.clone()).is_some() {
                    ambiguous.push(label);
                }
            }
            self.entities.push(Entity { name, span, source, number: 0, labels });
        }
        for label in ambiguous {
            self.everywhere.remove(label);
        }
        let main = self.entities.iter().find(|entity| matches!(entity.source, Source::Main));
        if let Some(main) = main {
            self.everywhere.extend(main.labels.clone());
        }
    }

    /// Gives all names their meanings, in the order of the text.
    fn enter_names(&mut self) {
        let file = self.file;
        let mut named: Vec<(&'s str, Option<Span>, Meaning)> = Vec::new();
        let implicit = self.entities.iter().filter(|entity| entity.span.is_none()).count();
        for (position, entity) in self.entities.iter().enumerate() {
            // The root's own key is 0, and then come those to the declared objects.
            let key = (!file.full && position >= implicit).then(|| position + 1 - implicit);
            let key = key.and_then(|key| u64::try_from(key).ok());
            named.push((entity.name, entity.span.clone(), Meaning::Object(position, key)));
        }
        for (position, (name, _)) in file.constants.iter().enumerate() {
            named.push((name.text, Some(name.span.clone()), Meaning::Constant(position)));
        }
        for name in &file.broken {
            named.push((name.text, Some(name.span.clone()), Meaning::Broken));
        }
        for block in blocks(file) {
            self.names.add_block(block);
            for item in &block.items {
                if let DataItem::Named(name, text) = item {
                    self.names.add_length(name.text, u64::try_from(text.len()).unwrap_or(u64::MAX));
                }
                if let DataItem::Label(name) | DataItem::Named(name, _) = item {
                    named.push((name.text, Some(name.span.clone()), Meaning::Place(block.id)));
                }
            }
        }
        named.sort_by_key(|(_, span, _)| span.as_ref().map(|span| span.start));
        for (text, span, meaning) in named {
            self.names.declare(text, span, meaning);
        }
    }

    /// Numbers the objects: those that the text numbers, then the others in order.
    fn number_objects(&mut self) {
        let mut taken: BTreeMap<Number, &'s str> = BTreeMap::new();
        for position in 0..self.entities.len() {
            let (name, source) = (self.entities[position].name, self.entities[position].source);
            let number = match source {
                Source::Prime if !self.file.full => 1,
                Source::Main if !self.file.full => 2,
                Source::Root => 3,
                Source::Declared(Decl { number: Some(expr), .. }) => {
                    let Some(number) = self.names.whole(expr, Scope::OUTSIDE, u64::MAX) else {
                        continue;
                    };
                    match taken.get(&number) {
                        Some(first) => self.names.report(say::number_taken(&expr.span, number, name, first)),
                        None if number == 0 => self.names.report(say::number_zero(&expr.span)),
                        None => {}
                    }
                    number
                }
                _ => continue,
            };
            taken.insert(number, name);
            self.entities[position].number = number;
        }
        let mut last = 0;
        for entity in &mut self.entities {
            if entity.number == 0 {
                last += 1;
                while taken.contains_key(&last) {
                    last += 1;
                }
                entity.number = last;
            }
        }
    }

    pub(super) fn object(&mut self, object: &ObjectRef<'s>) -> Number {
        match object {
            ObjectRef::None => 0,
            ObjectRef::Number(expr) => self.names.whole(expr, Scope::OUTSIDE, u64::MAX).unwrap_or(0),
            ObjectRef::Name(name) => {
                self.names.object(name).map_or(0, |position| self.entities[position].number)
            }
        }
    }

    pub(super) fn object_or(&mut self, object: Option<&ObjectRef<'s>>, default: Number) -> Number {
        object.map_or(default, |object| self.object(object))
    }

    /// The number of the first object that is so.
    pub(super) fn first(&self, is_so: impl Fn(&Entity<'a, 's>) -> bool) -> Number {
        self.entities.iter().find(|entity| is_so(entity)).map_or(0, |entity| entity.number)
    }

    /// The names of the objects, and where the instructions of the code pages come from.
    fn debug(&self, image: &Image<'_>, file: &str, source: &str) -> DebugInfo<'static> {
        let mut entities: Vec<_> = self.entities.iter().collect();
        entities.sort_by_key(|entity| entity.number);
        let named = entities.iter().filter(|entity| is_name(entity.name));
        let names = named.map(|entity| (entity.number, Cow::Owned(entity.name.to_owned()))).collect();
        let pages = entities.iter().filter_map(|entity| match &image.object(entity.number)?.body {
            Body::Code(words) => Some((entity.number, code_of(self.file, entity.source)?, words.len())),
            _ => None,
        });
        DebugInfo { names, code: code_debug(file, source, &pages.collect::<Vec<_>>()) }
    }

    // ---- The image --------------------------------------------------------------------------------------

    fn image(&mut self) -> Image<'static> {
        let file = self.file;
        self.check_kind_of_text();
        let fields = file.image.as_ref();
        let prime = self.first(|entity| match entity.source {
            Source::Prime => true,
            Source::Declared(decl) => decl.under.is_none() && matches!(decl.body, DeclBody::Meter(_)),
            _ => false,
        });
        let root = self.first(|entity| match entity.source {
            Source::Root => true,
            Source::Declared(decl) => matches!(decl.body, DeclBody::Process(_)),
            Source::Prime | Source::Main => false,
        });
        let prime = self.object_or(fields.and_then(|fields| fields.prime.as_ref()), prime);
        let root = self.object_or(fields.and_then(|fields| fields.root.as_ref()), root);
        self.prime = prime;
        let mut objects: Vec<_> = (0..self.entities.len()).map(|position| self.object_at(position)).collect();
        objects.sort_by_key(|object| object.number);
        let behind = objects.last().map_or(1, |object| object.number.saturating_add(1));
        let next_number = self.number(fields.and_then(|fields| fields.next.as_ref()), behind);
        let chain = file.chain.as_ref().map(|links| links.iter().map(|link| self.link(link)).collect());
        let request = file.request.as_ref().map(|fields| Request {
            host: self.object_or(fields.host.as_ref(), 0),
            words: fields.words.as_ref().map_or(Vec::new(), |block| self.words(block, None)),
            keys: fields.keys.as_ref().map_or(Vec::new(), |keys| self.keys(keys, None)),
        });
        let chain = chain.unwrap_or_default();
        Image { next_number, prime, root, chain, request, objects, debug: DebugInfo::default() }
    }

    /// What a text may hold depends on whether it declares its processes.
    fn check_kind_of_text(&mut self) {
        let file = self.file;
        if file.full {
            if let Some((_, span)) = &file.data {
                self.names.report(say::only_in_simple_programs(span, "data"));
            }
            if let Some((_, span)) = &file.random {
                self.names.report(say::only_in_simple_programs(span, "random"));
            }
        }
    }

    fn link(&mut self, link: &LinkExpr<'s>) -> Link {
        let process = self.object(&link.process);
        let call = match &link.call {
            CallExpr::Invoke => Call::Invoke,
            CallExpr::Keeper => Call::Keeper,
            CallExpr::Recurse(amounts) => Call::Recurse {
                meter: self.object_or(link.meter.as_ref(), 0),
                gas: self.number(amounts.first(), 0),
                words: self.number(amounts.get(1), 0),
            },
        };
        Link { process, call }
    }

    fn object_at(&mut self, position: usize) -> Object<'static> {
        let (number, source) = (self.entities[position].number, self.entities[position].source);
        let default = if number == self.prime { 0 } else { self.prime };
        let Source::Declared(decl) = source else {
            let body = match source {
                Source::Main => self.code(position, &self.file.main),
                Source::Root => self.root(number),
                _ => Body::Meter(Box::new(Meter::UNLIMITED)),
            };
            return Object { number, meter: default, body };
        };
        let meter = self.object_or(decl.under.as_ref(), default);
        let body = match &decl.body {
            DeclBody::Host(host) => Body::Host(self.host(&decl.name, host.as_ref())),
            DeclBody::Page(block) => Body::Data(Cow::Owned(self.bytes(block, None))),
            DeclBody::Code(code) => self.code(position, code),
            DeclBody::RawCode(block) => Body::Code(Cow::Owned(self.words(block, None))),
            DeclBody::Keys(keys) => Body::Keys(self.keys(keys, None)),
            DeclBody::Meter(fields) => Body::Meter(Box::new(self.meter(fields))),
            DeclBody::CallMeter { callee, own_words } => Body::CallMeter {
                callee: self.object_or(callee.as_ref(), 0),
                own_words: self.number(own_words.as_ref(), 0),
            },
            DeclBody::Gate(parent) => Body::Gate { parent: self.object_or(parent.as_ref(), 0) },
            DeclBody::Brand => Body::Brand,
            DeclBody::Process(fields) => Body::Process(Box::new(self.process(number, fields))),
        };
        Object { number, meter, body }
    }

    fn host(&mut self, name: &Name<'s>, host: Option<&(Vec<u8>, Span)>) -> String {
        let Some((bytes, span)) = host else {
            return name.text.to_owned();
        };
        if bytes.len() > HOST_NAME_MAX {
            self.names.report(say::host_too_long(span, HOST_NAME_MAX));
        }
        String::from_utf8(bytes.clone()).unwrap_or_else(|_| {
            self.names.report(say::host_not_text(span));
            String::new()
        })
    }

    fn code(&mut self, position: usize, code: &[Item<'s>]) -> Body<'static> {
        let labels = core::mem::take(&mut self.entities[position].labels);
        let words = emit_code(code, &labels, &mut self.names);
        self.entities[position].labels = labels;
        Body::Code(Cow::Owned(words))
    }

    /// The root process of a simple program.
    fn root(&mut self, number: Number) -> Body<'static> {
        let file = self.file;
        let mut keys = vec![Some(Key::new(number, Rights::OWN))];
        for entity in &self.entities {
            if let Source::Declared(decl) = entity.source {
                let rights = match decl.body {
                    DeclBody::Host(_) => host_rights(),
                    _ => Rights::ALL,
                };
                keys.push(Some(Key { object: entity.number, rights, gate: 0, seal: 0 }));
            }
        }
        let code = self.first(|entity| matches!(entity.source, Source::Main));
        let data = file.data.as_ref().map_or(Vec::new(), |(block, _)| self.bytes(block, None));
        let random = file.random.as_ref().and_then(|(seed, _)| self.names.word(seed, Scope::OUTSIDE));
        let mut process = Process::new(number, code);
        process.key_capacity = capacity(KEYS_INCLUDED, keys.len(), keys_max());
        process.keys = keys;
        process.data = Cow::Owned(data);
        process.random = random.unwrap_or(RANDOM_SEED);
        process.standing = true;
        Body::Process(Box::new(process))
    }
}

/// The statements of an object, if it is code.
fn code_of<'a, 's>(file: &'a File<'s>, source: Source<'a, 's>) -> Option<&'a [Item<'s>]> {
    match source {
        Source::Main => Some(&file.main),
        Source::Declared(Decl { body: DeclBody::Code(code), .. }) => Some(code),
        _ => None,
    }
}

/// What the root of a simple program may do with a host.
fn host_rights() -> Rights {
    Rights::from_bits((Rights::CALL.bits() | Rights::COPY.bits() | Rights::STRONG.bits()).into())
}

/// All blocks of data of a text.
fn blocks<'a, 's>(file: &'a File<'s>) -> Vec<&'a DataBlock<'s>> {
    let mut blocks: Vec<_> = file.data.iter().map(|(block, _)| block).collect();
    for decl in &file.declarations {
        match &decl.body {
            DeclBody::Page(block) | DeclBody::RawCode(block) => blocks.push(block),
            DeclBody::Process(fields) => blocks.extend(fields.data.iter().chain(&fields.stack)),
            _ => {}
        }
    }
    blocks.extend(file.request.iter().flat_map(|request| &request.words));
    blocks
}
