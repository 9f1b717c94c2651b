//! A program whose names and types are known: what the checker gives to the code generator.
//!
//! Every value is one word: a number, or the address of an object in memory 2. What the language has for its built-in
//! types besides is calls of functions of the runtime (`std/runtime.et`, a file like any other) or single instructions,
//! so that there is little to generate code for.

use keyvm_isa::Op;
use std::ops::Range;
use std::rc::Rc;

/// A place in one of the program's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Index of the file.
    pub(crate) file: u32,
    /// In bytes of the file.
    pub(crate) span: Range<u32>,
}

/// Index of a function in [`Program::funcs`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FuncId(pub(crate) u32);

/// Index of a type in [`Program::types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TypeId(pub(crate) u32);

/// Index of a local in [`Func::locals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LocalId(pub(crate) u32);

/// A whole program.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// All functions of its own files, those that are never called included, and those of the library that have been named.
    /// Of what a body mentions it is known what it takes and gives.
    pub(crate) funcs: Vec<Func>,
    /// The main program: no parameters, no results.
    pub(crate) main: FuncId,
    /// Each type once.
    pub(crate) types: Vec<Type>,
    /// Names of the hosts that the main program has keys to, besides those that every program has.
    pub(crate) hosts: Vec<String>,
    /// What the main program leaves in memory, if it is an input of a session.
    pub(crate) left: Left<TypeId>,
}

/// What an input of a session leaves at its end, each a word at an address of memory 2.
#[derive(Debug)]
pub(crate) struct Left<T> {
    /// Variables, with the places of their first assignments.
    pub(crate) variables: Vec<(String, T, Range<u32>, u64)>,
    /// The values of the expression at its end.
    pub(crate) results: Vec<(T, u64)>,
}

impl<T> Default for Left<T> {
    fn default() -> Self {
        Self { variables: Vec::new(), results: Vec::new() }
    }
}

/// A type, as far as objects are laid out and copied by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Type {
    U,
    I,
    F,
    Bool,
    Text,
    Bytes,
    Key,
    Array(TypeId),
    List(TypeId),
    Map(TypeId, TypeId),
    /// Name and fields. Each struct is a type of its own, also where the fields are the same.
    Struct {
        name: String,
        fields: Vec<(String, TypeId)>,
    },
    Func {
        params: Vec<TypeId>,
        results: Vec<TypeId>,
    },
    /// What the job gives; `None` if nothing.
    Job(Option<TypeId>),
    /// A type parameter inside a generic function: a word that is only passed on.
    Any,
}

/// A function.
#[derive(Debug)]
pub(crate) struct Func {
    /// `module.name`, or the name alone in the program's own file.
    pub(crate) name: String,
    /// How many of the locals are parameters; these come first.
    pub(crate) params: u32,
    /// The variables' types. Those that are no parameters begin as 0, which the program cannot see.
    pub(crate) locals: Vec<TypeId>,
    pub(crate) results: Vec<TypeId>,
    /// What it yields, itself or through functions it calls.
    pub(crate) yields: Option<TypeId>,
    pub(crate) body: Vec<Stmt>,
    /// From `def` to the colon.
    pub(crate) place: Place,
    pub(crate) in_library: bool,
    /// Whether it has its body; one of the library has it when the program needs it.
    pub(crate) is_made: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Stmt {
    pub(crate) kind: StmtKind,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum StmtKind {
    /// Evaluates; drops what comes of it.
    Expr(Expr),
    Set(LocalId, Expr),
    /// Sets locals to the results of a call.
    SetMany(Vec<LocalId>, Expr),
    /// `object.field = value`
    SetField {
        object: Expr,
        field: u32,
        value: Expr,
    },
    /// `object[index] = value`, of an array, a list or bytes; evaluated in this order.
    SetIndex {
        kind: Indexed,
        object: Expr,
        index: Expr,
        check: Check,
        value: Expr,
    },
    /// A condition, here and elsewhere, is a `bool`, or a number, which is true if it is not 0.
    If {
        cond: Expr,
        then: Vec<Stmt>,
        otherwise: Vec<Stmt>,
    },
    /// While `cond` (for ever if there is none): `body`, then `step`, which is where `continue` goes.
    Loop {
        cond: Option<Expr>,
        body: Vec<Stmt>,
        step: Vec<Stmt>,
    },
    Break,
    Continue,
    Return(Vec<Expr>),
    /// Returns all that a call gives: `return f()` of several results.
    ReturnCall(Expr),
    Yield(Expr),
    /// Traps by `fail` with this number, if the condition, which is a `bool`, is false.
    Assert {
        cond: Expr,
        message: Option<Expr>,
    },
}

/// An expression; it gives one word, but for calls, which give as many as the function has results.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) ty: TypeId,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    /// A constant: a number, the bits of an `f`, 0 or 1 of a `bool`.
    Word(u64),
    /// `none`
    None,
    /// A text that lies ready.
    Text(Rc<str>),
    /// New bytes each time.
    Bytes(Vec<u8>),
    Local(LocalId),
    /// An instruction: immediates in the order of the table, then operands from the lowest to the top.
    Op {
        op: Op,
        imms: Vec<u64>,
        operands: Vec<Expr>,
    },
    /// `bool`s; the second is evaluated if it matters.
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    If {
        cond: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// Statements, and then a value.
    Block(Vec<Stmt>, Box<Expr>),
    /// A function as a value.
    Func(FuncId),
    Call(FuncId, Vec<Expr>),
    /// Call of a function that is a value; its type is that of the value.
    CallValue(Box<Expr>, Vec<Expr>),
    /// Invokes a host with these words; gives the status of the reply and its first word, 0 if there is none.
    Request {
        key: Box<Expr>,
        words: Vec<Expr>,
        /// What is sent with them, if anything is.
        page: Option<Box<Expr>>,
    },
    /// Asks a host or a service with these words, which can be evaluated twice; gives the status of the reply and its first
    /// word, 0 if there is none.
    Ask {
        key: Box<Expr>,
        words: Vec<Expr>,
    },
    /// A new struct, with all its fields in order.
    Struct(Vec<Expr>),
    /// A new array or list of these.
    Elements(Vec<Expr>),
    Field(Box<Expr>, u32),
    Index {
        kind: Indexed,
        object: Box<Expr>,
        index: Box<Expr>,
        check: Check,
    },
    /// Length of `text`, bytes, an array or a list.
    Len(Box<Expr>),
    /// The array that a list's elements are in.
    Storage(Box<Expr>),
    Sandbox(Box<Sandbox>),
    /// A process that calls the function whenever it is asked: gives its key. The first keys are the meter's and those that are
    /// the function's first arguments.
    Service(FuncId, Vec<Expr>),
    /// `job<gas,words>()`: gives the new status.
    Resume {
        job: Box<Expr>,
        gas: Box<Expr>,
        words: Box<Expr>,
    },
    /// Value of a job; traps if it has none.
    JobValue(Box<Expr>),
    /// A word of another type with the same bits: between numbers, a `bool` as a number, and what only runtime functions
    /// do, between objects and their addresses.
    Cast(Box<Expr>),
}

/// What is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexed {
    Text,
    Bytes,
    Array,
    List,
}

/// What an index is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Check {
    /// The length of the object, which is looked up.
    #[default]
    Length,
    /// A local that holds this length.
    Local(LocalId),
    /// The length, which is known.
    Known(u64),
    /// Nothing: there is such an element.
    Unneeded,
}

/// A sandboxed call.
#[derive(Clone, Debug)]
pub(crate) struct Sandbox {
    pub(crate) callee: Callee,
    pub(crate) gas: Expr,
    pub(crate) words: Expr,
    pub(crate) args: Vec<Expr>,
    pub(crate) outcome: Outcome,
    /// Types of the arguments and of the result; a result of several words cannot be had from a job, nor with `else`.
    pub(crate) params: Vec<TypeId>,
    pub(crate) results: Vec<TypeId>,
}

#[derive(Clone, Debug)]
pub(crate) enum Callee {
    Func(FuncId),
    /// A function that is a value.
    Value(Expr),
}

/// What a sandboxed call gives.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The results; traps if the callee did not return.
    Value,
    /// The result, or this if the callee did not return.
    Else(Expr),
    /// A job.
    Job,
}
