//! Instructions of the machine: `$name(immediate…, operand…)`.

use super::super::ast::{self, Name, Span};
use super::super::hir::{Expr, ExprKind};
use super::body::{Body, ty};
use super::call::{Many, one};
use super::expr::is_flexible;
use super::flow::Flow;
use super::types::{Node, Ty};
use super::{builtin, say, status_name};
use crate::entish::failure::{MEANINGS, TRAPS};
use keyvm_isa::{Flow as Control, Imm, ImmKind, OPS, Op, OpInfo};

/// Why a program cannot have an instruction, if it cannot.
pub(super) fn refused(info: &OpInfo) -> Option<&'static str> {
    match info.op {
        Op::Fail | Op::Unreachable => return None,
        Op::Halt | Op::Yield | Op::Return | Op::Recurse | Op::Invoke => {
            return Some("it calls, or ends the process");
        }
        _ => {}
    }
    if matches!(info.flow, Control::Branch | Control::Leave | Control::Call) {
        return Some("it jumps, calls or returns");
    }
    let own = |imm: &Imm| {
        matches!(
            imm.kind,
            ImmKind::Target | ImmKind::Constant | ImmKind::Type | ImmKind::Switch | ImmKind::Slot
        )
    };
    info.imms.iter().any(own).then_some("it works on what the compiler lays out: code, constants or stack")
}

impl<'a> Body<'_, 'a> {
    pub(super) fn machine(&mut self, name: &'a Name<'a>, args: &'a [ast::Expr<'a>], span: &Span) -> Many {
        if name.text == "arg" {
            let value = match args {
                [number] => {
                    let number = self.expr_as(number, Ty::U);
                    self.runtime("arg_word", vec![number], Ty::U, span)
                }
                _ => self.broken(say::wrong_arguments(span, "$arg", 1, args.len(), None), span),
            };
            return one(value);
        }
        if self.cx.is_in_library(self.module)
            && let Some(many) = self.of_library(name.text, args, span)
        {
            return many;
        }
        let found = OPS.iter().find(|info| info.mnemonic == name.text);
        let Some(info) = found.filter(|info| refused(info).is_none()) else {
            args.iter().for_each(|arg| drop(self.flexible(arg, None)));
            let why = found.and_then(refused);
            let diagnostic = match why {
                Some(why) => say::refused_instruction(&name.span, name.text, why),
                None => {
                    let known = OPS.iter().filter(|info| refused(info).is_none());
                    let known = known.map(|info| info.mnemonic).chain(["arg"]);
                    say::unknown_instruction(name, known, builtin::is_function(name.text))
                }
            };
            return one(self.broken(diagnostic, span));
        };
        let results = vec![Ty::U; info.pushes.into()];
        let (imms, operands) = (info.imms.len(), usize::from(info.pops));
        if args.len() != imms + operands {
            args.iter().for_each(|arg| drop(self.flexible(arg, None)));
            self.say(say::wrong_operands(span, info, args.len()));
            return (self.word(0, Ty::BROKEN, span), results);
        }
        let imms: Vec<_> =
            args.iter().zip(info.imms).map(|(arg, &imm)| self.immediate(arg, imm).unwrap_or(0)).collect();
        let operands = args[imms.len()..].iter().map(|arg| self.operand(arg)).collect();
        if matches!(info.op, Op::Fail | Op::Unreachable) {
            self.flow = Flow::never();
        }
        (self.make(ExprKind::Op { op: info.op, imms, operands }, Ty::U, span), results)
    }

    /// Instructions that the library alone has: `$address(object)`; `$request(key, words…)`, which gives the status of
    /// the reply and its first word; `$inquire(key, page)`, which does the same, and sends the key to a page instead;
    /// `$traps()`, `$meanings()` and `$statuses()`, lists of texts by these numbers.
    fn of_library(&mut self, name: &str, args: &'a [ast::Expr<'a>], span: &Span) -> Option<Many> {
        match (name, args) {
            ("address", [of]) => {
                let value = self.expr(of, None);
                Some(one(self.cast(value, Ty::U, span)))
            }
            ("request", [key, words @ ..]) => {
                let key = Box::new(self.operand(key));
                let words = words.iter().map(|word| self.operand(word)).collect();
                let value = self.make(ExprKind::Request { key, words, page: None }, Ty::U, span);
                Some((value, vec![Ty::U, Ty::U]))
            }
            ("inquire", [key, page]) => {
                let key = Box::new(self.operand(key));
                let page = Some(Box::new(self.operand(page)));
                let value = self.make(ExprKind::Request { key, words: Vec::new(), page }, Ty::U, span);
                Some((value, vec![Ty::U, Ty::U]))
            }
            ("traps", []) => Some(one(self.texts(TRAPS, span))),
            ("meanings", []) => Some(one(self.texts(MEANINGS, span))),
            ("statuses", []) => {
                let names: Vec<_> = (0..).map_while(status_name).collect();
                Some(one(self.texts(names.iter().map(String::as_str), span)))
            }
            _ => None,
        }
    }

    fn texts<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>, span: &Span) -> Expr {
        let texts = texts.into_iter().map(|text| self.text(text, span)).collect();
        let list = self.cx.types.list(Ty::TEXT);
        self.make(ExprKind::Elements(texts), list, span)
    }

    /// A constant that fits into the instruction.
    fn immediate(&mut self, arg: &'a ast::Expr<'a>, imm: Imm) -> Option<u64> {
        let signed = imm.kind == ImmKind::Value && is_flexible(arg);
        let value = if signed { self.flexible(arg, Some(Ty::I)) } else { self.expr_as(arg, Ty::U) };
        if self.cx.types.is_broken(ty(&value)) {
            return None;
        }
        let ExprKind::Word(word) = value.kind else {
            self.say(say::immediate_not_constant(&arg.span, imm));
            return None;
        };
        let bits = imm.kind.bits();
        let fits = match imm.kind {
            ImmKind::Value => (word.cast_signed() << (64 - bits)) >> (64 - bits) == word.cast_signed(),
            _ => word >> bits == 0,
        };
        if !fits {
            self.say(say::immediate_too_large(&arg.span, imm));
        }
        fits.then_some(word)
    }

    /// A number, as a word.
    fn operand(&mut self, arg: &'a ast::Expr<'a>) -> Expr {
        let value = self.flexible(arg, None);
        match self.head(ty(&value), &arg.span) {
            Node::U | Node::I | Node::F | Node::Bool | Node::Key | Node::Broken => value,
            _ => {
                let shown = self.show(ty(&value));
                self.broken(say::no_operand(&arg.span, &shown), &arg.span)
            }
        }
    }
}
