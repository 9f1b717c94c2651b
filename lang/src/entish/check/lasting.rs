//! Types that outlast the program in which they were found.

use super::super::hir::{Type, TypeId};
use super::Checker;
use super::names::Scope;
use super::types::{Node, Ty};
use std::fmt;

/// A type as it is written; structs are known by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lasting {
    U,
    I,
    F,
    Bool,
    Text,
    Bytes,
    Key,
    Array(Box<Self>),
    List(Box<Self>),
    Map(Box<Self>, Box<Self>),
    /// `module.name`, or the name alone in the program's own file.
    Struct(String),
    Func(Vec<Self>, Vec<Self>),
    Job(Option<Box<Self>>),
    /// Of a `none` of which nothing says what it is none of.
    None,
}

impl Lasting {
    /// A type of a program, by the program's table.
    pub(crate) fn of(types: &[Type], ty: TypeId) -> Self {
        let of = |ty: TypeId| Self::of(types, ty);
        let boxed = |ty: TypeId| Box::new(Self::of(types, ty));
        match &types[ty.0 as usize] {
            Type::U => Self::U,
            Type::Any => Self::None,
            Type::I => Self::I,
            Type::F => Self::F,
            Type::Bool => Self::Bool,
            Type::Text => Self::Text,
            Type::Bytes => Self::Bytes,
            Type::Key => Self::Key,
            Type::Array(element) => Self::Array(boxed(*element)),
            Type::List(element) => Self::List(boxed(*element)),
            Type::Map(key, value) => Self::Map(boxed(*key), boxed(*value)),
            Type::Struct { name, .. } => Self::Struct(name.clone()),
            Type::Func { params, results } => Self::Func(
                params.iter().map(|&ty| of(ty)).collect(),
                results.iter().map(|&ty| of(ty)).collect(),
            ),
            Type::Job(value) => Self::Job(value.map(boxed)),
        }
    }
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = |f: &mut fmt::Formatter<'_>, of: &[Self]| {
            for (index, ty) in of.iter().enumerate() {
                write!(f, "{}{ty}", if index > 0 { ", " } else { "" })?;
            }
            Ok(())
        };
        match self {
            Self::U => f.write_str("u"),
            Self::I => f.write_str("i"),
            Self::F => f.write_str("f"),
            Self::Bool => f.write_str("bool"),
            Self::Text => f.write_str("text"),
            Self::Bytes => f.write_str("bytes"),
            Self::Key => f.write_str("key"),
            Self::None => f.write_str("none"),
            Self::Array(of) => write!(f, "array({of})"),
            Self::List(of) if matches!(**of, Self::Func(..)) => write!(f, "list({of})"),
            Self::List(of) => write!(f, "{of}[]"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Struct(name) => f.write_str(name),
            Self::Job(None) => f.write_str("job()"),
            Self::Job(Some(of)) => write!(f, "job({of})"),
            Self::Func(params, results) => {
                f.write_str("def(")?;
                several(f, params)?;
                f.write_str(") -> ")?;
                if let [result] = &results[..] {
                    return write!(f, "{result}");
                }
                f.write_str("(")?;
                several(f, results)?;
                f.write_str(")")
            }
        }
    }
}

impl Checker<'_> {
    /// A type of an earlier program in this one; `None` if a struct is not there.
    pub(super) fn type_again(&mut self, of: &Lasting) -> Option<Ty> {
        let node = match of {
            Lasting::U => return Some(Ty::U),
            Lasting::I => return Some(Ty::I),
            Lasting::F => return Some(Ty::F),
            Lasting::Bool => return Some(Ty::BOOL),
            Lasting::Text => return Some(Ty::TEXT),
            Lasting::Bytes => return Some(Ty::BYTES),
            Lasting::Key => return Some(Ty::KEY),
            Lasting::Array(of) => Node::Array(self.type_again(of)?),
            Lasting::List(of) => Node::List(self.type_again(of)?),
            Lasting::Map(key, value) => Node::Map(self.type_again(key)?, self.type_again(value)?),
            Lasting::Struct(name) => {
                if let Some((module, name)) = name.split_once('.') {
                    // One of the library is there once it has been named.
                    let known = |scope: &Scope<'_>| scope.library.is_some_and(|known| known.name == module);
                    let module = self.scopes.iter().position(known);
                    module.and_then(|module| self.item(module, name));
                }
                let index = self.types.structs.iter().position(|of| of.name == *name)?;
                return Some(self.struct_type(u32::try_from(index).ok()?));
            }
            Lasting::Func(params, results) => {
                let params = params.iter().map(|of| self.type_again(of)).collect::<Option<_>>()?;
                let results = results.iter().map(|of| self.type_again(of)).collect::<Option<_>>()?;
                Node::Func(params, results)
            }
            Lasting::None => Node::Unknown { of_none: true },
            Lasting::Job(None) => Node::Job(None),
            Lasting::Job(Some(of)) => Node::Job(Some(self.type_again(of)?)),
        };
        Some(self.types.add(node))
    }
}
