//! What a file says, before names and types are looked at.

use std::ops::Range;

/// A place in a file, in bytes.
pub(crate) type Span = Range<u32>;

/// A name where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name<'s> {
    pub(crate) text: &'s str,
    pub(crate) span: Span,
}

/// A file.
#[derive(Debug, Default)]
pub(crate) struct File<'s> {
    pub(crate) imports: Vec<Name<'s>>,
    pub(crate) consts: Vec<Const<'s>>,
    pub(crate) structs: Vec<Struct<'s>>,
    pub(crate) funcs: Vec<Func<'s>>,
    /// The statements at the top level.
    pub(crate) main: Vec<Stmt<'s>>,
    /// Names that may be declared by what could not be parsed.
    pub(crate) lost: Vec<&'s str>,
    /// Too much is wrong with it: what it says is not known.
    pub(crate) unread: bool,
}

impl File<'_> {
    /// One that says nothing.
    pub(crate) const fn new() -> Self {
        Self {
            imports: Vec::new(),
            consts: Vec::new(),
            structs: Vec::new(),
            funcs: Vec::new(),
            main: Vec::new(),
            lost: Vec::new(),
            unread: false,
        }
    }
}

/// `const NAME = value`
#[derive(Debug)]
pub(crate) struct Const<'s> {
    pub(crate) name: Name<'s>,
    pub(crate) value: Expr<'s>,
}

/// `typ NAME {type field, …}`
#[derive(Debug)]
pub(crate) struct Struct<'s> {
    pub(crate) name: Name<'s>,
    pub(crate) fields: Vec<(Type<'s>, Name<'s>)>,
}

/// `def NAME(parameters) -> results: body`
#[derive(Debug)]
pub(crate) struct Func<'s> {
    pub(crate) name: Name<'s>,
    pub(crate) params: Vec<Param<'s>>,
    /// `None` without an arrow.
    pub(crate) results: Option<Vec<Type<'s>>>,
    pub(crate) body: Vec<Stmt<'s>>,
    /// Whether all of its body could be parsed.
    pub(crate) whole: bool,
    /// From `def` to the colon.
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct Param<'s> {
    pub(crate) ty: Option<Type<'s>>,
    pub(crate) name: Name<'s>,
    pub(crate) default: Option<Expr<'s>>,
}

#[derive(Debug)]
pub(crate) struct Type<'s> {
    pub(crate) kind: TypeKind<'s>,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum TypeKind<'s> {
    /// `u`, `text`, a struct, or a type that may be any: `T`.
    Named(Name<'s>),
    /// `module.name`
    Member(Name<'s>, Name<'s>),
    /// `list(T)`, `array(T)`, `map(K, V)`, `job(T)`; `T[]` is `list(T)`.
    Applied(Name<'s>, Vec<Type<'s>>),
    /// `def(A, B) -> R`
    Func(Vec<Type<'s>>, Vec<Type<'s>>),
}

#[derive(Debug)]
pub(crate) struct Stmt<'s> {
    pub(crate) kind: StmtKind<'s>,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum StmtKind<'s> {
    Expr(Expr<'s>),
    /// `a, p.x, l[i] = value`; `ty name = value`. Several values only behind a `=`: `a, b = b, a`.
    Assign {
        ty: Option<Type<'s>>,
        targets: Vec<Expr<'s>>,
        values: Vec<Expr<'s>>,
    },
    /// `target += value`
    Update {
        target: Expr<'s>,
        op: (Binary, Span),
        value: Expr<'s>,
    },
    /// `if`, any `elif` and `else`
    If {
        arms: Vec<(Expr<'s>, Vec<Stmt<'s>>)>,
        otherwise: Vec<Stmt<'s>>,
    },
    /// `while cond:`, or `while:`
    While {
        cond: Option<Expr<'s>>,
        body: Vec<Stmt<'s>>,
    },
    For {
        var: Name<'s>,
        over: Expr<'s>,
        body: Vec<Stmt<'s>>,
    },
    Return(Vec<Expr<'s>>),
    Yield(Expr<'s>),
    Assert {
        cond: Expr<'s>,
        message: Option<Expr<'s>>,
    },
    Break,
    Continue,
    Pass,
    /// Something that could not be parsed; it has been reported. The names that it may assign, with whether they look like those of
    /// functions that are called.
    Broken(Vec<(Name<'s>, bool)>),
}

#[derive(Debug)]
pub(crate) struct Expr<'s> {
    pub(crate) kind: ExprKind<'s>,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum ExprKind<'s> {
    /// A number literal, or a character.
    Int(u64),
    Float(f64),
    Bool(bool),
    None,
    Text(String),
    Bytes(Vec<u8>),
    Name(&'s str),
    /// `[a, b]`
    List(Vec<Expr<'s>>),
    /// `{k: v}`
    Map(Vec<(Expr<'s>, Expr<'s>)>),
    /// `name{a, b}` or `name{x: a}`, `module.name{…}`
    Struct {
        module: Option<Name<'s>>,
        name: Name<'s>,
        fields: Vec<(Option<Name<'s>>, Expr<'s>)>,
    },
    Unary(Unary, Box<Expr<'s>>),
    Binary(Binary, Box<Expr<'s>>, Box<Expr<'s>>),
    /// `a if cond else b`
    If {
        cond: Box<Expr<'s>>,
        then: Box<Expr<'s>>,
        otherwise: Box<Expr<'s>>,
    },
    /// `a.b`
    Member(Box<Expr<'s>>, Name<'s>),
    Index(Box<Expr<'s>>, Box<Expr<'s>>),
    /// `a[i:j]`
    Slice(Box<Expr<'s>>, Option<Box<Expr<'s>>>, Option<Box<Expr<'s>>>),
    Call(Box<Expr<'s>>, Vec<Arg<'s>>),
    /// `f<gas,words>(args)`, with `else value`
    Sandbox {
        callee: Box<Expr<'s>>,
        gas: Box<Expr<'s>>,
        words: Box<Expr<'s>>,
        args: Vec<Arg<'s>>,
        otherwise: Option<Box<Expr<'s>>>,
    },
    /// `try f<gas,words>(args)`; the operand is a `Sandbox` without `else`.
    Try(Box<Expr<'s>>),
    /// `$name(args)`; the span of the name is without the `$`.
    Machine(Name<'s>, Vec<Expr<'s>>),
    /// A list, array or map type that makes an empty one: `u[]()`. The type, called without arguments.
    Empty(Type<'s>),
    /// Something that could not be parsed; it has been reported.
    Broken,
}

#[derive(Debug)]
pub(crate) struct Arg<'s> {
    pub(crate) name: Option<Name<'s>>,
    pub(crate) value: Expr<'s>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Neg,
    Plus,
    Invert,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
    BitOr,
    BitXor,
    BitAnd,
    Shl,
    Shr,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl Binary {
    /// Whether it looks at its operands bit by bit.
    pub(crate) const fn is_of_bits(self) -> bool {
        matches!(self, Self::BitOr | Self::BitXor | Self::BitAnd | Self::Shl | Self::Shr)
    }
}
