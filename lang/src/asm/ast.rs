//! What a text says, before names have meanings.

use super::lex::{Span, Value};
use keyvm_isa::{Op, Rights};

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Name<'s> {
    pub(crate) text: &'s str,
    pub(crate) span: Span,
}

/// A constant expression.
#[derive(Clone, Debug)]
pub(crate) struct Expr<'s> {
    pub(crate) span: Span,
    pub(crate) kind: ExprKind<'s>,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(crate) enum ExprKind<'s> {
    Value(Value),
    /// Operands before their operator: nothing needs recursion to be worked out or freed.
    Steps(Vec<Step<'s>>),
}

/// A step of working out an expression on a stack.
#[derive(Clone, Debug)]
pub(crate) enum Step<'s> {
    Value(Value),
    Name(Name<'s>),
    /// A given name, or the length of a text.
    Dotted(Name<'s>),
    /// The index of a label, or the value of a constant with its name.
    BareLabel(Name<'s>),
    /// The index of a label.
    Label(Name<'s>),
    Negate,
    Binary(Operator),
}

/// An operator between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Shift,
    Or,
    And,
}

/// A subroutine type as written: `A->R+L`.
#[derive(Clone, Debug)]
pub(crate) struct TypeExpr<'s> {
    pub(crate) arguments: Expr<'s>,
    pub(crate) results: Expr<'s>,
    pub(crate) locals: Option<Expr<'s>>,
}

/// An immediate as written.
#[derive(Clone, Debug)]
pub(crate) enum ImmExpr<'s> {
    Expr(Expr<'s>),
    Type(TypeExpr<'s>),
    Table(Vec<Expr<'s>>),
}

/// A line of code, taken apart: operands come before their instruction.
#[derive(Clone, Debug)]
pub(crate) enum Item<'s> {
    Label(Name<'s>),
    Push(Expr<'s>),
    Insn {
        op: Op,
        span: Span,
        imms: Vec<ImmExpr<'s>>,
        /// How many operands were written in parentheses, and where.
        operands: Option<(usize, Span)>,
    },
    Word(Expr<'s>),
    Func {
        name: Name<'s>,
        typ: TypeExpr<'s>,
    },
    Params(Vec<Name<'s>>, Span),
    Locals(Vec<Name<'s>>, Span),
    /// At the start of code outside any subroutine: the names of its next slots.
    Slots(Vec<Name<'s>>),
    Constant(Expr<'s>),
    Type(TypeExpr<'s>),
    Switch(Vec<Expr<'s>>),
}

impl Item<'_> {
    /// Whether it is an instruction word.
    pub(crate) const fn is_word(&self) -> bool {
        matches!(self, Self::Push(_) | Self::Insn { .. } | Self::Word(_) | Self::Func { .. })
    }
}

/// An item of data.
#[derive(Clone, Debug)]
pub(crate) enum DataItem<'s> {
    Text(Vec<u8>),
    /// Numbers of so many bytes.
    Whole(u8, Vec<Expr<'s>>),
    F64(Vec<Expr<'s>>),
    F32(Vec<Expr<'s>>),
    Zero(Expr<'s>),
    Align(Expr<'s>),
    Words(Expr<'s>),
    Label(Name<'s>),
    /// A text with a name for its place; its length has that name too, with `.len` behind it.
    Named(Name<'s>, Vec<u8>),
}

/// A block of data.
#[derive(Clone, Debug, Default)]
pub(crate) struct DataBlock<'s> {
    /// Its number among all blocks of the text.
    pub(crate) id: usize,
    pub(crate) items: Vec<DataItem<'s>>,
}

/// A way to name an object.
#[derive(Clone, Debug)]
pub(crate) enum ObjectRef<'s> {
    Name(Name<'s>),
    Number(Expr<'s>),
    None,
}

/// A key as written.
#[derive(Clone, Debug)]
pub(crate) struct KeyExpr<'s> {
    pub(crate) object: ObjectRef<'s>,
    pub(crate) rights: Rights,
    pub(crate) gate: Option<ObjectRef<'s>>,
    pub(crate) seal: Option<ObjectRef<'s>>,
}

/// A list of keys as written.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyBlock<'s> {
    pub(crate) slots: Option<Expr<'s>>,
    pub(crate) entries: Vec<(Expr<'s>, Option<KeyExpr<'s>>)>,
}

/// How control came to a process.
#[derive(Clone, Debug)]
pub(crate) enum CallExpr<'s> {
    Recurse(Vec<Expr<'s>>),
    Invoke,
    Keeper,
}

/// The fields of a meter that were written.
#[derive(Clone, Debug, Default)]
pub(crate) struct MeterFields<'s> {
    pub(crate) gas_used: Option<Expr<'s>>,
    pub(crate) gas_limit: Option<Expr<'s>>,
    pub(crate) words_limit: Option<Expr<'s>>,
    pub(crate) rent_used: Option<Expr<'s>>,
    pub(crate) rent_limit: Option<Expr<'s>>,
    pub(crate) stopped: Option<()>,
    pub(crate) keeper: Option<Option<KeyExpr<'s>>>,
}

/// The fields of a process that were written.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProcessFields<'s> {
    pub(crate) code: Option<ObjectRef<'s>>,
    pub(crate) status: Option<keyvm_isa::Status>,
    pub(crate) index: Option<Expr<'s>>,
    pub(crate) progress: Option<Expr<'s>>,
    pub(crate) stack: Option<DataBlock<'s>>,
    pub(crate) stack_capacity: Option<Expr<'s>>,
    pub(crate) stack_maximum: Option<Expr<'s>>,
    /// Of each frame: return index, base, type.
    pub(crate) frames: Option<Vec<Vec<Expr<'s>>>>,
    pub(crate) frame_capacity: Option<Expr<'s>>,
    pub(crate) data: Option<DataBlock<'s>>,
    pub(crate) keys: Option<KeyBlock<'s>>,
    pub(crate) key_capacity: Option<Expr<'s>>,
    pub(crate) random: Option<Expr<'s>>,
    pub(crate) message_words: Option<Expr<'s>>,
    pub(crate) message_keys: Option<Expr<'s>>,
    pub(crate) trap: Option<keyvm_isa::Trap>,
    pub(crate) amount: Option<Expr<'s>>,
    pub(crate) standing: Option<()>,
    pub(crate) stopped: Option<()>,
    pub(crate) keeper: Option<Option<KeyExpr<'s>>>,
    pub(crate) callee: Option<ObjectRef<'s>>,
    pub(crate) caller: Option<ObjectRef<'s>>,
    pub(crate) suspended: Option<CallExpr<'s>>,
    pub(crate) gas_seen: Option<Expr<'s>>,
    pub(crate) words_seen: Option<Expr<'s>>,
}

/// What a declaration declares.
#[derive(Clone, Debug)]
pub(crate) enum DeclBody<'s> {
    /// The name the host knows; the declaration's own if none was written.
    Host(Option<(Vec<u8>, Span)>),
    Page(DataBlock<'s>),
    Code(Vec<Item<'s>>),
    RawCode(DataBlock<'s>),
    Keys(KeyBlock<'s>),
    Meter(Box<MeterFields<'s>>),
    CallMeter {
        callee: Option<ObjectRef<'s>>,
        own_words: Option<Expr<'s>>,
    },
    Gate(Option<ObjectRef<'s>>),
    Brand,
    Process(Box<ProcessFields<'s>>),
}

/// A declaration of an object.
#[derive(Clone, Debug)]
pub(crate) struct Decl<'s> {
    pub(crate) name: Name<'s>,
    pub(crate) number: Option<Expr<'s>>,
    /// The meter it is charged to.
    pub(crate) under: Option<ObjectRef<'s>>,
    pub(crate) body: DeclBody<'s>,
}

/// The `image` block.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImageFields<'s> {
    pub(crate) next: Option<Expr<'s>>,
    pub(crate) prime: Option<ObjectRef<'s>>,
    pub(crate) root: Option<ObjectRef<'s>>,
}

/// The `request` block.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestFields<'s> {
    pub(crate) host: Option<ObjectRef<'s>>,
    pub(crate) words: Option<DataBlock<'s>>,
    pub(crate) keys: Option<KeyBlock<'s>>,
}

/// A whole text.
#[derive(Clone, Debug, Default)]
pub(crate) struct File<'s> {
    pub(crate) constants: Vec<(Name<'s>, Expr<'s>)>,
    /// The code outside any block, and where it begins among the declarations.
    pub(crate) main: Vec<Item<'s>>,
    pub(crate) main_position: Option<usize>,
    pub(crate) declarations: Vec<Decl<'s>>,
    pub(crate) data: Option<(DataBlock<'s>, Span)>,
    pub(crate) random: Option<(Expr<'s>, Span)>,
    pub(crate) image: Option<ImageFields<'s>>,
    /// The links: the process, how control came to it, and for `recurse` its meter.
    pub(crate) chain: Option<Vec<LinkExpr<'s>>>,
    pub(crate) request: Option<RequestFields<'s>>,
    /// Whether processes are declared, or an image: then nothing is implicit.
    pub(crate) full: bool,
    /// Names whose declarations could not be read.
    pub(crate) broken: Vec<Name<'s>>,
    /// How many blocks of data there are.
    pub(crate) data_blocks: usize,
}

/// A link of the chain as written.
#[derive(Clone, Debug)]
pub(crate) struct LinkExpr<'s> {
    pub(crate) process: ObjectRef<'s>,
    pub(crate) meter: Option<ObjectRef<'s>>,
    pub(crate) call: CallExpr<'s>,
}

impl<'s> Expr<'s> {
    /// The name, if the expression is nothing else.
    pub(crate) fn only_name(&self) -> Option<&'s str> {
        match &self.kind {
            ExprKind::Steps(steps) => match &steps[..] {
                [Step::Name(name) | Step::BareLabel(name)] => Some(name.text),
                _ => None,
            },
            ExprKind::Value(_) => None,
        }
    }

    /// The name of the label, if that is all it is.
    pub(crate) fn only_label(&self) -> Option<&'s str> {
        match &self.kind {
            ExprKind::Steps(steps) => match &steps[..] {
                [Step::Label(name) | Step::BareLabel(name)] => Some(name.text),
                _ => None,
            },
            ExprKind::Value(_) => None,
        }
    }
}
