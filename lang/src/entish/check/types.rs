//! Types while they are found out: a graph whose nodes may still be unknown, and unification.

use super::super::hir::{Type, TypeId};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Index of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ty(pub(super) u32);

impl Ty {
    pub(super) const U: Self = Self(0);
    pub(super) const I: Self = Self(1);
    pub(super) const F: Self = Self(2);
    pub(super) const BOOL: Self = Self(3);
    pub(super) const TEXT: Self = Self(4);
    pub(super) const BYTES: Self = Self(5);
    pub(super) const KEY: Self = Self(6);
    /// Of what has been reported already; goes with anything.
    pub(super) const BROKEN: Self = Self(7);
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    U,
    I,
    F,
    Bool,
    Text,
    Bytes,
    Key,
    Array(Ty),
    List(Ty),
    Map(Ty, Ty),
    /// Index of the struct.
    Struct(u32),
    Func(Rc<[Ty]>, Rc<[Ty]>),
    Job(Option<Ty>),
    /// A type parameter of the function that is being checked, or of a signature before its call.
    Param(char),
    /// Not known yet; known to be a struct, if it is the type of a `none`.
    Unknown {
        of_none: bool,
    },
    Broken,
    Link(Ty),
}

/// Why two types are not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clash {
    Different,
    /// Too much to compare: nested too deeply, or in itself.
    TooLarge,
}

/// How deep types nest, and how many nodes are compared at once.
const DEPTH_MAX: u32 = 250;
const STEPS_MAX: u32 = 1_000;

/// What a type holds, at any depth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holds {
    pub(super) key: bool,
    pub(super) func: bool,
    pub(super) job: bool,
    /// A type parameter, or what is not known.
    pub(super) any: bool,
}

impl Holds {
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            key: self.key || other.key,
            func: self.func || other.func,
            job: self.job || other.job,
            any: self.any || other.any,
        }
    }
}

/// A struct type.
#[derive(Debug)]
pub(super) struct Struct<'a> {
    /// `module.name`, or the name alone in the program's own file.
    pub(super) name: String,
    pub(super) fields: Vec<(&'a str, Ty)>,
    pub(super) holds: Holds,
}

#[derive(Debug)]
pub(super) struct Types<'a> {
    nodes: Vec<Node>,
    pub(super) structs: Vec<Struct<'a>>,
    /// Those that [`Self::finish`] has made already.
    finished: BTreeMap<Ty, TypeId>,
    interned: BTreeMap<Type, TypeId>,
    /// The structs among them.
    finished_structs: BTreeMap<u32, TypeId>,
    /// Those of whose fields that is still to be done.
    open_structs: Vec<u32>,
    pub(super) table: Vec<Type>,
    /// Whether something that has been reported came into the program that is made.
    pub(super) is_broken: bool,
}

impl<'a> Types<'a> {
    pub(super) fn new() -> Self {
        use Node::{Bool, Broken, Bytes, F, I, Key, Text, U};
        Self {
            nodes: vec![U, I, F, Bool, Text, Bytes, Key, Broken],
            structs: Vec::new(),
            finished: BTreeMap::new(),
            interned: BTreeMap::new(),
            finished_structs: BTreeMap::new(),
            open_structs: Vec::new(),
            table: Vec::new(),
            is_broken: false,
        }
    }

    pub(super) fn add(&mut self, node: Node) -> Ty {
        self.nodes.push(node);
        Ty(u32::try_from(self.nodes.len() - 1).unwrap_or(Ty::BROKEN.0))
    }

    pub(super) fn unknown(&mut self) -> Ty {
        self.add(Node::Unknown { of_none: false })
    }

    pub(super) fn list(&mut self, of: Ty) -> Ty {
        self.add(Node::List(of))
    }

    pub(super) fn array(&mut self, of: Ty) -> Ty {
        self.add(Node::Array(of))
    }

    /// The node that stands for this one.
    pub(super) fn root(&mut self, ty: Ty) -> Ty {
        let mut root = ty;
        while let Node::Link(next) = self.nodes[root.0 as usize] {
            root = next;
        }
        let mut at = ty;
        while let Node::Link(next) = self.nodes[at.0 as usize] {
            self.nodes[at.0 as usize] = Node::Link(root);
            at = next;
        }
        // A link to itself would be a loop.
        if matches!(self.nodes[root.0 as usize], Node::Link(_)) { Ty::BROKEN } else { root }
    }

    pub(super) fn node(&mut self, ty: Ty) -> Node {
        let root = self.root(ty);
        self.nodes[root.0 as usize].clone()
    }

    pub(super) fn is_broken(&mut self, ty: Ty) -> bool {
        matches!(self.node(ty), Node::Broken)
    }

    pub(super) fn is_unknown(&mut self, ty: Ty) -> bool {
        matches!(self.node(ty), Node::Unknown { .. })
    }

    /// Makes two types one.
    pub(super) fn unify(&mut self, a: Ty, b: Ty) -> Result<(), Clash> {
        let mut steps = 0;
        self.unify_within(a, b, 0, &mut steps)
    }

    fn link(&mut self, from: Ty, to: Ty) {
        if from != to {
            self.nodes[from.0 as usize] = Node::Link(to);
        }
    }

    /// Makes an unknown type another one, which must not hold it.
    fn bind(&mut self, unknown: Ty, to: Ty) -> Result<(), Clash> {
        if self.occurs(unknown, to, &mut 0) {
            return Err(Clash::TooLarge);
        }
        self.link(unknown, to);
        Ok(())
    }

    fn occurs(&mut self, unknown: Ty, within: Ty, steps: &mut u32) -> bool {
        *steps += 1;
        let root = self.root(within);
        if root == unknown || *steps > STEPS_MAX {
            return true;
        }
        match self.node(root) {
            Node::Array(of) | Node::List(of) | Node::Job(Some(of)) => self.occurs(unknown, of, steps),
            Node::Map(key, value) => self.occurs(unknown, key, steps) || self.occurs(unknown, value, steps),
            Node::Func(params, results) => {
                params.iter().chain(results.iter()).any(|&of| self.occurs(unknown, of, steps))
            }
            _ => false,
        }
    }

    /// Whether two types can be made one, as far as they are known.
    pub(super) fn may_be_one(&mut self, a: Ty, b: Ty) -> bool {
        self.may_be_one_within(a, b, 0, &mut 0)
    }

    fn may_be_one_within(&mut self, a: Ty, b: Ty, depth: u32, steps: &mut u32) -> bool {
        *steps += 1;
        // Whoever makes them one is told that they are too large.
        if depth > DEPTH_MAX || *steps > STEPS_MAX {
            return true;
        }
        let nodes = (self.node(a), self.node(b));
        let mut within = |a, b| self.may_be_one_within(a, b, depth + 1, steps);
        match nodes {
            (Node::Broken | Node::Unknown { of_none: false }, _)
            | (_, Node::Broken | Node::Unknown { of_none: false })
            | (Node::Unknown { .. }, Node::Struct(_))
            | (Node::Struct(_), Node::Unknown { .. }) => true,
            (Node::Struct(x), Node::Struct(y)) => x == y,
            (Node::Param(x), Node::Param(y)) => x == y,
            (Node::Array(x), Node::Array(y))
            | (Node::List(x), Node::List(y))
            | (Node::Job(Some(x)), Node::Job(Some(y))) => within(x, y),
            (Node::Map(k, v), Node::Map(l, w)) => within(k, l) && within(v, w),
            (Node::Func(p, r), Node::Func(q, s)) => {
                p.len() == q.len()
                    && r.len() == s.len()
                    && p.iter().zip(q.iter()).chain(r.iter().zip(s.iter())).all(|(&x, &y)| within(x, y))
            }
            (Node::Job(x), Node::Job(y)) => x.is_some() == y.is_some(),
            (a, b) => std::mem::discriminant(&a) == std::mem::discriminant(&b),
        }
    }

    fn unify_within(&mut self, a: Ty, b: Ty, depth: u32, steps: &mut u32) -> Result<(), Clash> {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return Ok(());
        }
        *steps += 1;
        if depth > DEPTH_MAX || *steps > STEPS_MAX {
            return Err(Clash::TooLarge);
        }
        let depth = depth + 1;
        match (self.node(a), self.node(b)) {
            (Node::Broken, _) | (_, Node::Broken) => return Ok(()),
            (Node::Unknown { of_none: false }, _) => return self.bind(a, b),
            (_, Node::Unknown { of_none: false }) => return self.bind(b, a),
            (Node::Unknown { .. }, Node::Struct(_) | Node::Unknown { .. }) => {
                self.link(a, b);
                return Ok(());
            }
            (Node::Struct(_), Node::Unknown { .. }) => {
                self.link(b, a);
                return Ok(());
            }
            (Node::U, Node::U)
            | (Node::I, Node::I)
            | (Node::F, Node::F)
            | (Node::Bool, Node::Bool)
            | (Node::Text, Node::Text)
            | (Node::Bytes, Node::Bytes)
            | (Node::Key, Node::Key)
            | (Node::Job(None), Node::Job(None)) => {}
            (Node::Struct(x), Node::Struct(y)) if x == y => {}
            (Node::Param(x), Node::Param(y)) if x == y => {}
            (Node::Array(x), Node::Array(y))
            | (Node::List(x), Node::List(y))
            | (Node::Job(Some(x)), Node::Job(Some(y))) => self.unify_within(x, y, depth, steps)?,
            (Node::Map(k, v), Node::Map(l, w)) => {
                self.unify_within(k, l, depth, steps)?;
                self.unify_within(v, w, depth, steps)?;
            }
            (Node::Func(p, r), Node::Func(q, s)) if p.len() == q.len() && r.len() == s.len() => {
                for (x, y) in p.iter().zip(q.iter()).chain(r.iter().zip(s.iter())) {
                    self.unify_within(*x, *y, depth, steps)?;
                }
            }
            _ => return Err(Clash::Different),
        }
        // They may have become one below, by a type that is in itself.
        let (a, b) = (self.root(a), self.root(b));
        if a.0 >= Ty::BROKEN.0 {
            self.link(a, b);
        }
        Ok(())
    }

    /// What is not known in the type goes with anything from now on.
    pub(super) fn give_up(&mut self, ty: Ty) {
        let mut steps = 0;
        self.give_up_within(ty, &mut steps);
    }

    fn give_up_within(&mut self, ty: Ty, steps: &mut u32) {
        *steps += 1;
        let root = self.root(ty);
        match self.node(root) {
            _ if *steps > STEPS_MAX => {}
            Node::Unknown { .. } => self.link(root, Ty::BROKEN),
            Node::Array(of) | Node::List(of) | Node::Job(Some(of)) => self.give_up_within(of, steps),
            Node::Map(key, value) => {
                self.give_up_within(key, steps);
                self.give_up_within(value, steps);
            }
            _ => {}
        }
    }

    /// The type with its parameters replaced by what stands for them in this use.
    pub(super) fn instantiate(&mut self, ty: Ty, given: &mut BTreeMap<char, Ty>) -> Ty {
        self.instantiate_within(ty, given, 0)
    }

    fn instantiate_within(&mut self, ty: Ty, given: &mut BTreeMap<char, Ty>, depth: u32) -> Ty {
        if depth > DEPTH_MAX {
            return Ty::BROKEN;
        }
        let mut inner = |types: &mut Self, of: Ty| types.instantiate_within(of, given, depth + 1);
        let node = match self.node(ty) {
            Node::Param(letter) => {
                return *given.entry(letter).or_insert_with(|| self.unknown());
            }
            Node::Array(of) => Node::Array(inner(self, of)),
            Node::List(of) => Node::List(inner(self, of)),
            Node::Map(key, value) => Node::Map(inner(self, key), inner(self, value)),
            Node::Job(Some(of)) => Node::Job(Some(inner(self, of))),
            Node::Func(params, results) => Node::Func(
                params.iter().map(|&of| inner(self, of)).collect(),
                results.iter().map(|&of| inner(self, of)).collect(),
            ),
            _ => return ty,
        };
        self.add(node)
    }

    /// What values of this type hold besides plain data.
    pub(super) fn holds(&mut self, ty: Ty) -> Holds {
        let mut steps = 0;
        self.holds_within(ty, &mut steps, &mut |_| {})
    }

    /// Calls `seen` for each struct in the type.
    pub(super) fn holds_seeing(&mut self, ty: Ty, seen: &mut dyn FnMut(u32)) -> Holds {
        let mut steps = 0;
        self.holds_within(ty, &mut steps, seen)
    }

    fn holds_within(&mut self, ty: Ty, steps: &mut u32, seen: &mut dyn FnMut(u32)) -> Holds {
        *steps += 1;
        if *steps > STEPS_MAX {
            return Holds { any: true, ..Holds::default() };
        }
        match self.node(ty) {
            Node::Array(of) | Node::List(of) => self.holds_within(of, steps, seen),
            Node::Map(key, value) => {
                let key = self.holds_within(key, steps, seen);
                key.or(self.holds_within(value, steps, seen))
            }
            Node::Struct(index) => {
                seen(index);
                self.structs[index as usize].holds
            }
            Node::Key => Holds { key: true, ..Holds::default() },
            Node::Func(..) => Holds { func: true, ..Holds::default() },
            Node::Job(_) => Holds { job: true, ..Holds::default() },
            Node::Param(_) => Holds { any: true, ..Holds::default() },
            _ => Holds::default(),
        }
    }

    /// Whether something in the type is still unknown.
    pub(super) fn is_open(&mut self, ty: Ty) -> bool {
        let mut steps = 0;
        self.is_open_within(ty, &mut steps)
    }

    fn is_open_within(&mut self, ty: Ty, steps: &mut u32) -> bool {
        *steps += 1;
        if *steps > STEPS_MAX {
            return false;
        }
        match self.node(ty) {
            Node::Unknown { .. } => true,
            Node::Array(of) | Node::List(of) | Node::Job(Some(of)) => self.is_open_within(of, steps),
            Node::Map(key, value) => self.is_open_within(key, steps) || self.is_open_within(value, steps),
            Node::Func(params, results) => {
                params.iter().chain(results.iter()).any(|&of| self.is_open_within(of, steps))
            }
            _ => false,
        }
    }

    /// The type as it is written; `_` for what is not known.
    pub(super) fn show(&mut self, ty: Ty) -> String {
        let mut text = String::new();
        self.show_into(ty, 0, &mut text);
        text
    }

    /// Several of them, in parentheses unless there is one.
    pub(super) fn show_results(&mut self, types: &[Ty]) -> String {
        let mut text = String::new();
        self.show_several(types, 0, &mut text);
        text
    }

    fn show_several(&mut self, types: &[Ty], depth: u32, text: &mut String) {
        if let [one] = types {
            return self.show_into(*one, depth, text);
        }
        text.push('(');
        for (index, &of) in types.iter().enumerate() {
            text.push_str(if index > 0 { ", " } else { "" });
            self.show_into(of, depth, text);
        }
        text.push(')');
    }

    fn show_into(&mut self, ty: Ty, depth: u32, text: &mut String) {
        if depth > 5 || text.len() > 200 {
            text.push('…');
            return;
        }
        let depth = depth + 1;
        match self.node(ty) {
            Node::U => text.push('u'),
            Node::I => text.push('i'),
            Node::F => text.push('f'),
            Node::Bool => text.push_str("bool"),
            Node::Text => text.push_str("text"),
            Node::Bytes => text.push_str("bytes"),
            Node::Key => text.push_str("key"),
            Node::Array(of) => self.show_applied("array(", &[of], depth, text),
            Node::List(of) if matches!(self.node(of), Node::Func(..)) => {
                self.show_applied("list(", &[of], depth, text);
            }
            Node::List(of) => {
                self.show_into(of, depth, text);
                text.push_str("[]");
            }
            Node::Map(key, value) => self.show_applied("map(", &[key, value], depth, text),
            Node::Struct(index) => text.push_str(&self.structs[index as usize].name),
            Node::Job(of) => self.show_applied("job(", of.as_slice(), depth, text),
            Node::Func(params, results) => {
                self.show_applied("def(", &params, depth, text);
                text.push_str(" -> ");
                self.show_several(&results, depth, text);
            }
            Node::Param(letter) => text.push(letter),
            Node::Unknown { of_none: true } => text.push_str("none"),
            Node::Unknown { .. } | Node::Broken | Node::Link(_) => text.push('_'),
        }
    }

    fn show_applied(&mut self, name: &str, of: &[Ty], depth: u32, text: &mut String) {
        text.push_str(name);
        for (index, &of) in of.iter().enumerate() {
            text.push_str(if index > 0 { ", " } else { "" });
            self.show_into(of, depth, text);
        }
        text.push(')');
    }

    // ---- The types of the program that comes of it -----------------------------------------------------

    /// The struct in the program's table.
    pub(super) fn finish_struct(&mut self, index: u32) -> TypeId {
        let id = self.struct_id(index);
        while let Some(index) = self.open_structs.pop() {
            let of = &self.structs[index as usize];
            let (name, fields) = (of.name.clone(), of.fields.clone());
            let fields = fields.into_iter().map(|(name, ty)| (name.to_owned(), self.finish_within(ty, 0)));
            let fields = fields.collect();
            let id = self.struct_id(index);
            self.table[id.0 as usize] = Type::Struct { name, fields };
        }
        id
    }

    /// A struct, which may be in itself, has a place in the table before its fields are known.
    fn struct_id(&mut self, index: u32) -> TypeId {
        *self.finished_structs.entry(index).or_insert_with(|| {
            self.open_structs.push(index);
            self.table.push(Type::U);
            TypeId(u32::try_from(self.table.len() - 1).unwrap_or(0))
        })
    }

    /// The type in the program's table. What nothing has been said of is a `u`.
    pub(super) fn finish(&mut self, ty: Ty) -> TypeId {
        let id = self.finish_within(ty, 0);
        if let Some(&open) = self.open_structs.last() {
            self.finish_struct(open);
        }
        id
    }

    fn finish_within(&mut self, ty: Ty, depth: u32) -> TypeId {
        let root = self.root(ty);
        if let Some(&id) = self.finished.get(&root) {
            return id;
        }
        let depth = depth + 1;
        let node = if depth > DEPTH_MAX { Node::Broken } else { self.node(root) };
        self.is_broken |= matches!(node, Node::Broken);
        let made = match node {
            Node::Struct(index) => return self.struct_id(index),
            Node::U | Node::Unknown { of_none: false } | Node::Broken | Node::Link(_) => Type::U,
            Node::I => Type::I,
            Node::F => Type::F,
            Node::Bool => Type::Bool,
            Node::Text => Type::Text,
            Node::Bytes => Type::Bytes,
            Node::Key => Type::Key,
            Node::Param(_) | Node::Unknown { of_none: true } => Type::Any,
            Node::Array(of) => Type::Array(self.finish_within(of, depth)),
            Node::List(of) => Type::List(self.finish_within(of, depth)),
            Node::Job(of) => Type::Job(of.map(|of| self.finish_within(of, depth))),
            Node::Map(key, value) => {
                Type::Map(self.finish_within(key, depth), self.finish_within(value, depth))
            }
            Node::Func(params, results) => Type::Func {
                params: params.iter().map(|&of| self.finish_within(of, depth)).collect(),
                results: results.iter().map(|&of| self.finish_within(of, depth)).collect(),
            },
        };
        let next = TypeId(u32::try_from(self.table.len()).unwrap_or(0));
        let id = *self.interned.entry(made).or_insert_with_key(|made| {
            self.table.push(made.clone());
            next
        });
        self.finished.insert(root, id);
        id
    }
}
