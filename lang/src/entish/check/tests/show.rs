//! Programs as text, close to the language.

use super::super::super::hir::{
    Callee, Expr, ExprKind, Func, Indexed, LocalId, Outcome, Program, Stmt, StmtKind, Type, TypeId,
};

/// The functions of the program's own file.
pub(super) fn show(program: &Program) -> String {
    let shown = Show { program };
    let own = program.funcs.iter().filter(|func| func.place.file == 0);
    own.map(|func| shown.func(func)).collect::<Vec<_>>().join("\n")
}

struct Show<'p> {
    program: &'p Program,
}

impl Show<'_> {
    fn ty(&self, ty: TypeId) -> String {
        let many = |of: &[TypeId]| of.iter().map(|&of| self.ty(of)).collect::<Vec<_>>().join(", ");
        match &self.program.types[ty.0 as usize] {
            Type::Array(of) => format!("array({})", self.ty(*of)),
            Type::List(of) => format!("{}[]", self.ty(*of)),
            Type::Map(key, value) => format!("map({}, {})", self.ty(*key), self.ty(*value)),
            Type::Struct { name, .. } => name.clone(),
            Type::Func { params, results } => format!("def({}) -> ({})", many(params), many(results)),
            Type::Job(of) => format!("job({})", many(of.as_slice())),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    fn func(&self, func: &Func) -> String {
        let params = func.locals[..func.params as usize].iter();
        let params: Vec<_> =
            params.enumerate().map(|(index, &ty)| format!("{} _{index}", self.ty(ty))).collect();
        let results: Vec<_> = func.results.iter().map(|&of| self.ty(of)).collect();
        let yields = func.yields.map(|of| format!(" yields {}", self.ty(of))).unwrap_or_default();
        let mut text =
            format!("def {}({}) -> ({}){yields}:\n", func.name, params.join(", "), results.join(", "));
        let locals = func.locals.iter().enumerate().skip(func.params as usize);
        let locals: Vec<_> = locals.map(|(index, &ty)| format!("{} _{index}", self.ty(ty))).collect();
        if !locals.is_empty() {
            text += &format!("    var {}\n", locals.join(", "));
        }
        self.block(func, &func.body, 1, &mut text);
        text
    }

    fn block(&self, func: &Func, stmts: &[Stmt], depth: usize, text: &mut String) {
        if stmts.is_empty() {
            *text += &format!("{}pass\n", "    ".repeat(depth));
        }
        for stmt in stmts {
            self.stmt(func, stmt, depth, text);
        }
    }

    fn stmt(&self, func: &Func, stmt: &Stmt, depth: usize, text: &mut String) {
        let expr = |of: &Expr| self.expr(func, of);
        let indent = "    ".repeat(depth);
        let line = match &stmt.kind {
            StmtKind::Expr(of) => expr(of),
            StmtKind::Set(local, of) => format!("{} = {}", variable(*local), expr(of)),
            StmtKind::SetMany(locals, of) => {
                let locals: Vec<_> = locals.iter().map(|&local| variable(local)).collect();
                format!("{} = {}", locals.join(", "), expr(of))
            }
            StmtKind::SetField { object, field, value } => {
                format!("{}.{field} = {}", expr(object), expr(value))
            }
            StmtKind::SetIndex { kind, object, index, value, .. } => {
                format!("{}{}[{}] = {}", expr(object), kind_of(*kind), expr(index), expr(value))
            }
            StmtKind::If { cond, then, otherwise } => {
                *text += &format!("{indent}if {}:\n", expr(cond));
                self.block(func, then, depth + 1, text);
                if !otherwise.is_empty() {
                    *text += &format!("{indent}else:\n");
                    self.block(func, otherwise, depth + 1, text);
                }
                return;
            }
            StmtKind::Loop { cond, body, step } => {
                let cond = cond.as_ref().map(|cond| format!(" {}", expr(cond))).unwrap_or_default();
                *text += &format!("{indent}while{cond}:\n");
                self.block(func, body, depth + 1, text);
                if !step.is_empty() {
                    *text += &format!("{indent}step:\n");
                    self.block(func, step, depth + 1, text);
                }
                return;
            }
            StmtKind::Break => "break".to_owned(),
            StmtKind::Continue => "continue".to_owned(),
            StmtKind::Return(values) => format!("return {}", self.several(func, values)),
            StmtKind::ReturnCall(of) => format!("return* {}", expr(of)),
            StmtKind::Yield(of) => format!("yield {}", expr(of)),
            StmtKind::Assert { cond, message } => {
                let message = message.as_ref().map(|of| format!(", {}", expr(of))).unwrap_or_default();
                format!("assert {}{message}", expr(cond))
            }
        };
        *text += &format!("{indent}{}\n", line.trim_end());
    }

    fn several(&self, func: &Func, of: &[Expr]) -> String {
        of.iter().map(|of| self.expr(func, of)).collect::<Vec<_>>().join(", ")
    }

    fn expr(&self, func: &Func, of: &Expr) -> String {
        let expr = |of: &Expr| self.expr(func, of);
        let ty = &self.program.types[of.ty.0 as usize];
        match &of.kind {
            ExprKind::Word(word) => match ty {
                Type::I => word.cast_signed().to_string(),
                Type::F => format!("{:?}", f64::from_bits(*word)),
                Type::Bool => (*word != 0).to_string(),
                _ => word.to_string(),
            },
            ExprKind::None => "none".to_owned(),
            ExprKind::Text(text) => format!("{text:?}"),
            ExprKind::Bytes(bytes) => format!("b{:?}", String::from_utf8_lossy(bytes)),
            ExprKind::Local(local) => variable(*local),
            ExprKind::Op { op, imms, operands } => {
                let imms: String = imms.iter().map(|imm| format!(" {imm}")).collect();
                format!("{}{imms}({})", op.info().mnemonic, self.several(func, operands))
            }
            ExprKind::And(a, b) => format!("({} and {})", expr(a), expr(b)),
            ExprKind::Or(a, b) => format!("({} or {})", expr(a), expr(b)),
            ExprKind::Not(of) => format!("not {}", expr(of)),
            ExprKind::If { cond, then, otherwise } => {
                format!("({} if {} else {})", expr(then), expr(cond), expr(otherwise))
            }
            ExprKind::Block(stmts, value) => {
                let mut text = String::new();
                self.block(func, stmts, 0, &mut text);
                format!("{{{}; {}}}", text.trim_end().replace('\n', "; "), expr(value))
            }
            ExprKind::Func(id) => format!("&{}", self.program.funcs[id.0 as usize].name),
            ExprKind::Call(id, args) => {
                let name = &self.program.funcs[id.0 as usize].name;
                let of_library = name.strip_prefix("runtime.").or_else(|| name.strip_prefix("tables."));
                let name = of_library.unwrap_or(name);
                format!("{name}({})", self.several(func, args))
            }
            ExprKind::CallValue(callee, args) => {
                format!("({})({})", expr(callee), self.several(func, args))
            }
            ExprKind::Struct(values) => format!("{}{{{}}}", self.ty(of.ty), self.several(func, values)),
            ExprKind::Elements(values) => format!("{}[{}]", self.ty(of.ty), self.several(func, values)),
            ExprKind::Field(object, field) => format!("{}.{field}", expr(object)),
            ExprKind::Index { kind, object, index, .. } => {
                format!("{}{}[{}]", expr(object), kind_of(*kind), expr(index))
            }
            ExprKind::Len(object) => format!("len({})", expr(object)),
            ExprKind::Storage(list) => format!("storage({})", expr(list)),
            ExprKind::Request { key, words, .. } | ExprKind::Ask { key, words } => {
                format!("request({}; {})", expr(key), self.several(func, words))
            }
            ExprKind::Sandbox(of) => {
                let callee = match &of.callee {
                    Callee::Func(id) => self.program.funcs[id.0 as usize].name.clone(),
                    Callee::Value(value) => format!("({})", expr(value)),
                };
                let outcome = match &of.outcome {
                    Outcome::Value => String::new(),
                    Outcome::Else(other) => format!(" else {}", expr(other)),
                    Outcome::Job => " as job".to_owned(),
                };
                let types = |of: &[TypeId]| of.iter().map(|&of| self.ty(of)).collect::<Vec<_>>().join(", ");
                let (gas, words, args) = (expr(&of.gas), expr(&of.words), self.several(func, &of.args));
                let (params, results) = (types(&of.params), types(&of.results));
                format!("{callee}<{gas}, {words}>({args}: {params} -> {results}){outcome}")
            }
            ExprKind::Resume { job, gas, words } => {
                format!("{}<{}, {}>()", expr(job), expr(gas), expr(words))
            }
            ExprKind::Service(id, keys) => {
                let keys: Vec<_> = keys.iter().map(expr).collect();
                format!("service({}, {})", self.program.funcs[id.0 as usize].name, keys.join(", "))
            }
            ExprKind::JobValue(job) => format!("{}.value", expr(job)),
            ExprKind::Cast(value) => format!("{}({})", self.ty(of.ty), expr(value)),
        }
    }
}

fn kind_of(kind: Indexed) -> &'static str {
    match kind {
        Indexed::Text => ".t",
        Indexed::Bytes => ".b",
        Indexed::Array => ".a",
        Indexed::List => ".l",
    }
}

fn variable(local: LocalId) -> String {
    format!("_{}", local.0)
}
