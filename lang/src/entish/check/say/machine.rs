//! The words for what the machine adds: yields, sandboxes, instructions.

use super::super::super::ast::{Name, Span};
use super::super::super::hir::ExprKind;
use super::super::builtin;
use super::{count, new, with_article};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use keyvm_isa::{Imm, ImmKind, OpInfo};

/// A text that is written is shown if it has so many bytes at most.
const SHOWN_TEXT_MAX: usize = 40;

// ---- Yields and sandboxes -----------------------------------------------------------------------------

pub(in super::super) fn yields_other(span: &Span, own: &str, found: &str) -> Diagnostic {
    new(
        span,
        format!("this yields {}, not {}", with_article(found), with_article(own)),
        format!("yields {}", with_article(found)),
    )
    .hint("all that a function yields, itself and through those it calls, is of one type")
}

/// The main program yields something else than a number: a value, or what a function yields that it calls.
pub(in super::super) fn main_yields(span: &Span, found: &str, value: Option<&ExprKind>) -> Diagnostic {
    let instead = match (value, found) {
        (None, _) => "make a job of the call, `job = try f<gas,words>(x)`, and take what that has".to_owned(),
        (Some(ExprKind::Text(text)), _) if text.len() <= SHOWN_TEXT_MAX => {
            format!("write it by `print(\"{}\")`", text.escape_debug())
        }
        (_, "i" | "f" | "bool") => "`u(…)` converts it, `print(…)` writes it as it is".to_owned(),
        (_, "text") => "write it by `print(…)`".to_owned(),
        _ => "`print(…)` writes numbers, `bool` and texts".to_owned(),
    };
    yields_other(span, "u", found)
        .hint(format!("the main program yields to the host, which takes a `u`; {instead}"))
}

pub(in super::super) fn yields_and_returns(span: &Span, yields: &str, results: &str) -> Diagnostic {
    new(
        span,
        format!("this function yields {} and returns `{results}`", with_article(yields)),
        "of different types",
    )
    .hint("a function that yields returns the same type, or nothing")
}

pub(in super::super) fn builtin_in_sandbox(span: &Span, name: &str) -> Diagnostic {
    new(span, format!("the built-in `{name}` cannot run in a sandbox"), "not a function of the program")
        .hint("call it in a function of your own, and that one in a sandbox")
}

pub(in super::super) fn no_sandbox(span: &Span, shown: &str) -> Diagnostic {
    new(span, format!("{} cannot run in a sandbox", with_article(shown)), "not a function, and no job")
        .hint("`f<gas,words>(x)` is a sandboxed call; to compare, write `(f < a), (b > (c))`")
}

pub(in super::super) fn job_with_arguments(span: &Span) -> Diagnostic {
    new(span, "a job goes on without arguments", "arguments, or `else`")
        .hint("write `job<gas,words>()`; it gives the new status")
}

pub(in super::super) fn try_of_no_sandbox(span: &Span) -> Diagnostic {
    new(span, "`try` is for sandboxed calls", "not a sandboxed call").hint("write `try f<gas,words>(x)`")
}

pub(in super::super) fn try_of_job(span: &Span) -> Diagnostic {
    new(span, "`try` begins a job, and this is one", "already a job")
        .hint("without `try` it goes on: `job<gas,words>()` gives the new status")
}

pub(in super::super) fn try_with_else(span: &Span) -> Diagnostic {
    new(span, "a job has no `else`", "would never be used")
        .hint("leave out `try` to have the result or another value")
}

pub(in super::super) fn job_of_several(span: &Span, results: usize) -> Diagnostic {
    new(span, "a job has one value at most", format!("the function returns {results}"))
        .hint("let the function return a struct")
}

pub(in super::super) fn else_of_several(span: &Span, results: usize) -> Diagnostic {
    let found = if results == 0 { "nothing".to_owned() } else { count(results, "value") };
    new(span, "`else` stands for one result", format!("the function returns {found}")).hint(if results == 0 {
        "take a job, and look at its status"
    } else {
        "let the function return a struct"
    })
}

pub(in super::super) fn key_inside(span: &Span, shown: &str) -> Diagnostic {
    new(
        span,
        "a key goes into a sandbox as an argument of its own",
        format!("a key inside {}", with_article(shown)),
    )
    .hint("give the function a parameter of type `key`")
}

pub(in super::super) fn job_as_argument(span: &Span, shown: &str) -> Diagnostic {
    new(span, "a job does not go into a sandbox", format!("this is `{shown}`"))
        .hint("give it what it needs of the job: its value, its status")
}

pub(in super::super) fn any_in_sandbox(span: &Span, shown: &str) -> Diagnostic {
    new(span, "what crosses the border of a sandbox has a known type", format!("this is `{shown}`"))
        .hint("values are copied by their types; write the function for one type")
}

pub(in super::super) fn untrusted_result(span: &Span, shown: &str, what: &str) -> Diagnostic {
    new(span, format!("no {what} come out of a sandbox"), format!("gives {}", with_article(shown)))
        .hint("the callee is not trusted: it can give plain data alone")
}

// ---- Instructions of the machine ----------------------------------------------------------------------

pub(in super::super) fn unknown_instruction<'a>(
    name: &Name<'_>,
    known: impl Iterator<Item = &'a str>,
    is_builtin: bool,
) -> Diagnostic {
    let without =
        |name: &str| format!("the built-in function is called without `$`: `{}`", builtin::form(name));
    let hint = is_builtin.then(|| without(name.text)).or_else(|| {
        let near = nearest(name.text, known.chain(builtin::functions().map(|name| -> &'a str { name })))?;
        let is_function =
            builtin::is_function(near) && keyvm_isa::OPS.iter().all(|info| info.mnemonic != near);
        Some(if is_function { without(near) } else { format!("did you mean `{near}`?") })
    });
    new(&name.span, format!("there is no instruction `{}`", name.text), "unknown instruction")
        .maybe_hint(hint)
}

pub(in super::super) fn refused_instruction(span: &Span, name: &str, why: &str) -> Diagnostic {
    new(span, format!("a program cannot have `{name}`"), why)
        .hint("what jumps, calls, returns and ends is written in the language's own words")
}

/// How an instruction is written.
fn form(info: &OpInfo) -> String {
    let imms = info.imms.iter().map(|imm| imm.name.to_uppercase());
    let operands = std::iter::repeat_n("…".to_owned(), info.pops.into());
    format!("${}({})", info.mnemonic, imms.chain(operands).collect::<Vec<_>>().join(", "))
}

pub(in super::super) fn wrong_operands(span: &Span, info: &OpInfo, found: usize) -> Diagnostic {
    let (imms, operands) = (info.imms.len(), usize::from(info.pops));
    let takes = match imms {
        0 => count(operands, "operand"),
        _ => format!("{} and {}", count(imms, "immediate"), count(operands, "operand")),
    };
    new(span, format!("`${}` takes {takes}", info.mnemonic), format!("{} given", count(found, "argument")))
        .hint(format!("it is written `{}`", form(info)))
}

pub(in super::super) fn immediate_not_constant(span: &Span, imm: Imm) -> Diagnostic {
    new(span, format!("the immediate `{}` is a constant", imm.name), "not known when the program is compiled")
        .hint("immediates are part of the instruction; what is computed is an operand, behind them")
}

pub(in super::super) fn immediate_too_large(span: &Span, imm: Imm) -> Diagnostic {
    let hint = match imm.kind {
        ImmKind::Value => "it has 56 bits, with a sign; write the number alone".to_owned(),
        kind => format!("at most {}", (1_u64 << kind.bits()) - 1),
    };
    new(span, format!("this does not fit into `{}`", imm.name), "too large").hint(hint)
}

pub(in super::super) fn no_operand(span: &Span, shown: &str) -> Diagnostic {
    new(span, "an instruction works on numbers", format!("this is `{shown}`"))
}
