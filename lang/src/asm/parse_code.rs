//! The parser's part for code: statements, instructions with their immediates and operands, directives.

use super::ast::{Expr, ExprKind, ImmExpr, Item, Step, TypeExpr};
use super::lex::{Span, Token, Value};
use super::parse::{Parsed, Parser, mnemonic};
use super::say;
use keyvm_isa::{ImmKind, Op};

/// Where an instruction stands; a comma behind it belongs to the list of operands, or is a mistake.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Statement,
    Operand,
}

impl<'s> Parser<'s> {
    /// `{ … }` with a statement on each line.
    pub(crate) fn code_block(&mut self) -> Parsed<Vec<Item<'s>>> {
        let mut code = Vec::new();
        self.block(|this| this.statement(&mut code))?;
        Ok(code)
    }

    /// Labels and a statement behind them, to the end of the line.
    pub(crate) fn statement(&mut self, code: &mut Vec<Item<'s>>) -> Parsed<()> {
        while self.label_begins() {
            let name = self.own_name("a label")?;
            self.bump();
            code.push(Item::Label(name));
        }
        match self.peek() {
            Token::Newline | Token::End | Token::CloseBlock => return Ok(()),
            Token::Directive => self.directive(code)?,
            Token::Ident => self.word_statement(code)?,
            _ if self.expr_begins(0) || self.peek() == Token::Open => {
                let expr = self.expr()?;
                code.push(Item::Push(expr));
            }
            _ => return Err(self.unexpected("an instruction, a label or a declaration")),
        }
        match self.peek() {
            Token::Newline | Token::End | Token::CloseBlock => Ok(()),
            _ => Err(self.unexpected("the end of the line: one statement a line")),
        }
    }

    /// Whether a label is defined here: a name with a colon directly behind it.
    fn label_begins(&mut self) -> bool {
        matches!(self.peek(), Token::Ident | Token::Dotted) && self.peek_ahead(1) == Token::Colon && {
            let name_end = self.span().end;
            self.source[name_end..].starts_with(':')
        }
    }

    fn directive(&mut self, code: &mut Vec<Item<'s>>) -> Parsed<()> {
        let text = self.text();
        let span = self.bump();
        code.push(match text {
            ".word" => Item::Word(self.expr()?),
            ".constant" => Item::Constant(self.expr()?),
            ".type" => Item::Type(self.type_expr()?),
            ".switch" => Item::Switch(self.list(Self::target)?),
            _ => return Err(self.report(say::unknown_directive(&span, text))),
        });
        Ok(())
    }

    fn word_statement(&mut self, code: &mut Vec<Item<'s>>) -> Parsed<()> {
        let text = self.text();
        match text {
            "func" if matches!(self.peek_ahead(1), Token::Ident | Token::Dotted) => {
                self.bump();
                let name = self.own_name("the name of the subroutine")?;
                if mnemonic(name.text).is_some() {
                    return Err(self.report(say::reserved_name(&name.span, name.text)));
                }
                match self.func_type() {
                    Ok(typ) => code.push(Item::Func { name, typ }),
                    Err(reported) => {
                        // So that calls of it are not reported as well: a label, and a word that may be anything.
                        let word = Expr { span: name.span.clone(), kind: ExprKind::Value(Value::Whole(0)) };
                        code.extend([Item::Label(name), Item::Word(word)]);
                        return Err(reported);
                    }
                }
                Ok(())
            }
            "params" | "locals" if matches!(self.peek_ahead(1), Token::Ident | Token::Dotted) => {
                let span = self.bump();
                match code[..] {
                    [] => return self.first_slots(text, code),
                    [Item::Slots(_)] if text == "locals" => return self.first_slots(text, code),
                    _ => {}
                }
                let names = self.list(|this| this.new_name("the name of a slot"))?;
                let span = span.start..self.end();
                code.push(if text == "params" {
                    Item::Params(names, span)
                } else {
                    Item::Locals(names, span)
                });
                Ok(())
            }
            _ => self.operand(code, Place::Statement),
        }
    }

    /// The names behind `params` or `locals` at the start of code; locals are pushed.
    fn first_slots(&mut self, what: &str, code: &mut Vec<Item<'s>>) -> Parsed<()> {
        let mut values = Vec::new();
        let names = self.list(|this| {
            let name = this.new_name("the name of a slot")?;
            if what == "locals" {
                let zero = Expr { span: name.span.clone(), kind: ExprKind::Value(Value::Whole(0)) };
                values.push(if this.eat(Token::Equals) { this.expr()? } else { zero });
            }
            Ok(name)
        })?;
        code.push(Item::Slots(names));
        code.extend(values.into_iter().map(Item::Push));
        Ok(())
    }

    /// `A -> R` or `A -> R, L`, behind the name of a subroutine
    fn func_type(&mut self) -> Parsed<TypeExpr<'s>> {
        if !self.expr_begins(0) && self.peek() != Token::Open {
            return Err(self.unexpected("its type: `ARGUMENTS -> RESULTS` or `ARGUMENTS -> RESULTS, LOCALS`"));
        }
        let arguments = self.expr()?;
        self.expect(Token::Arrow, "`->` and the number of results")?;
        let results = self.expr()?;
        let locals = if self.eat(Token::Comma) { Some(self.expr()?) } else { None };
        Ok(TypeExpr { arguments, results, locals })
    }

    /// An instruction, or an expression that is pushed.
    fn operand(&mut self, code: &mut Vec<Item<'s>>, place: Place) -> Parsed<()> {
        if self.peek() == Token::Ident {
            let text = self.text();
            if let Some(op) = mnemonic(text) {
                return self.instruction(op, code, place);
            }
            let behind = self.peek_ahead(1);
            let like_an_instruction = match place {
                Place::Statement => behind == Token::Open || (behind != Token::Minus && self.expr_begins(1)),
                Place::Operand => behind == Token::Open || behind == Token::Number,
            };
            if like_an_instruction {
                let span = self.span();
                return Err(self.report(say::unknown_instruction(&span, text)));
            }
        } else if !self.expr_begins(0) && self.peek() != Token::Open {
            return Err(self.unexpected("an operand: a number, a name, a label or an instruction"));
        }
        let expr = self.expr()?;
        code.push(Item::Push(expr));
        Ok(())
    }

    fn instruction(&mut self, op: Op, code: &mut Vec<Item<'s>>, place: Place) -> Parsed<()> {
        let span = self.bump();
        let kinds = op.info().imms;
        let mut imms = Vec::new();
        let mut more = self.immediate_begins(0);
        if let (true, [], Place::Statement) = (more, kinds, place) {
            let wrong = self.span();
            return Err(self.report(say::no_immediates(&wrong, op)));
        }
        if place == Place::Statement && !kinds.is_empty() {
            let text = self.text();
            match self.peek() {
                Token::Unknown | Token::Unterminated => {
                    return Err(self.unexpected(&say::immediate(kinds[0])));
                }
                Token::Ident if mnemonic(text).is_some() => {
                    let span = self.span();
                    return Err(self.report(say::instruction_for_number(&span, text)));
                }
                _ => {}
            }
        }
        while more {
            let Some(imm) = kinds.get(imms.len()) else {
                break;
            };
            imms.push(self.immediate(imm.kind)?);
            let comma = self.peek() == Token::Comma;
            let begins =
                self.immediate_begins(1) || (place == Place::Statement && self.peek_ahead(1) == Token::Open);
            more = comma && imms.len() < kinds.len() && begins;
            if more {
                self.bump();
            } else if comma && place == Place::Statement {
                self.bump();
                let wrong = self.span();
                return Err(if imms.len() == kinds.len() {
                    self.report(say::too_many_immediates(&wrong, op))
                } else {
                    self.unexpected(&say::immediate(kinds[imms.len()]))
                });
            }
        }
        let mut operands = None;
        if self.peek_ahead(0) == Token::Open {
            let open = self.span();
            let count = self.deeper(|this| this.spanning(|this| this.operands(code, &open)))?;
            operands = Some((count, open.start..self.end()));
            let target = matches!(kinds, [imm] if imm.kind == ImmKind::Target);
            if target && imms.is_empty() && count > 0 {
                imms.push(ImmExpr::Expr(self.last_as_target(op, code)?));
                operands = Some((count - 1, open.start..self.end()));
            }
        }
        code.push(Item::Insn { op, span, imms, operands });
        Ok(())
    }

    /// Takes back the last operand, which is the target.
    fn last_as_target(&mut self, op: Op, code: &mut Vec<Item<'s>>) -> Parsed<Expr<'s>> {
        let end = self.end();
        match code.pop() {
            Some(Item::Push(expr)) if is_target(&expr) => Ok(as_target(expr)),
            Some(Item::Push(expr)) => Err(self.report(say::no_target(&expr.span, op))),
            Some(Item::Insn { span, .. }) => Err(self.report(say::no_target(&span, op))),
            _ => Err(self.report(say::no_target(&(end - 1..end), op))),
        }
    }

    /// Operands up to the closing parenthesis; how many there are.
    fn operands(&mut self, code: &mut Vec<Item<'s>>, open: &Span) -> Parsed<usize> {
        self.bump();
        let mut count = 0;
        while self.peek() != Token::Close {
            self.operand(code, Place::Operand)?;
            count += 1;
            match self.peek() {
                Token::Comma => {
                    self.bump();
                }
                Token::Close => {}
                _ => return Err(self.unclosed("`,` or `)`", open)),
            }
        }
        self.bump();
        Ok(count)
    }

    /// Whether an immediate begins at the token `ahead` behind the next one.
    fn immediate_begins(&self, ahead: usize) -> bool {
        self.expr_begins(ahead) || self.peek_ahead(ahead) == Token::OpenTable
    }

    fn immediate(&mut self, kind: ImmKind) -> Parsed<ImmExpr<'s>> {
        match (self.peek(), kind) {
            (Token::OpenTable, ImmKind::Switch) => {
                self.bump();
                self.spanning(|this| {
                    let targets = this.list(Self::target)?;
                    this.expect(Token::CloseTable, "`,` or `]`")?;
                    Ok(ImmExpr::Table(targets))
                })
            }
            (Token::OpenTable, _) => Err(self.unexpected(&say::immediate_kind(kind))),
            (_, ImmKind::Target) => Ok(ImmExpr::Expr(self.target()?)),
            (_, ImmKind::Type) => {
                let first = self.expr()?;
                if self.peek() == Token::Arrow {
                    Ok(ImmExpr::Type(self.type_behind(first)?))
                } else {
                    Ok(ImmExpr::Expr(first))
                }
            }
            _ => Ok(ImmExpr::Expr(self.expr()?)),
        }
    }

    /// A place in the code: `:label`, a number, or the bare name of a label.
    fn target(&mut self) -> Parsed<Expr<'s>> {
        Ok(as_target(self.expr()?))
    }

    /// `A->R` or `A->R+L`
    fn type_expr(&mut self) -> Parsed<TypeExpr<'s>> {
        let arguments = self.expr()?;
        self.type_behind(arguments)
    }

    fn type_behind(&mut self, arguments: Expr<'s>) -> Parsed<TypeExpr<'s>> {
        self.expect(Token::Arrow, "`->` and the number of results")?;
        let results = self.small_expr()?;
        let locals = if self.eat(Token::Plus) { Some(self.small_expr()?) } else { None };
        Ok(TypeExpr { arguments, results, locals })
    }
}

/// Whether an operand can be a target.
fn is_target(expr: &Expr<'_>) -> bool {
    match &expr.kind {
        ExprKind::Value(value) => matches!(value, Value::Whole(_)),
        ExprKind::Steps(steps) => !steps.iter().any(|step| matches!(step, Step::Negate)),
    }
}

/// The expression with a name that stands alone taken as a label first.
fn as_target(mut expr: Expr<'_>) -> Expr<'_> {
    if let ExprKind::Steps(steps) = &mut expr.kind
        && let [step] = &mut steps[..]
        && let Step::Name(name) = step
    {
        *step = Step::BareLabel(name.clone());
    }
    expr
}
