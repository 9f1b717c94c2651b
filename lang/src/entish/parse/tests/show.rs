//! What a file says, in a form in which every operator has its parentheses.

use crate::entish::ast::*;

pub(super) fn exprs(exprs: &[Expr<'_>]) -> String {
    exprs.iter().map(expr).collect::<Vec<_>>().join(", ")
}

fn args(args: &[Arg<'_>]) -> String {
    let shown = args.iter().map(|arg| match &arg.name {
        Some(name) => format!("{}={}", name.text, expr(&arg.value)),
        None => expr(&arg.value),
    });
    shown.collect::<Vec<_>>().join(", ")
}

pub(super) fn expr(of: &Expr<'_>) -> String {
    let bound = |bound: &Option<Box<Expr<'_>>>| bound.as_deref().map(expr).unwrap_or_default();
    match &of.kind {
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => format!("{value:?}"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::None => "none".into(),
        ExprKind::Text(text) => format!("{text:?}"),
        ExprKind::Bytes(bytes) => format!("b{bytes:?}"),
        ExprKind::Name(name) => (*name).into(),
        ExprKind::List(items) => format!("[{}]", exprs(items)),
        ExprKind::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", expr(key), expr(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        ExprKind::Struct { module, name, fields } => {
            let module = module.as_ref().map(|module| format!("{}.", module.text)).unwrap_or_default();
            let fields = fields.iter().map(|(name, value)| match name {
                Some(name) => format!("{}: {}", name.text, expr(value)),
                None => expr(value),
            });
            format!("{module}{}{{{}}}", name.text, fields.collect::<Vec<_>>().join(", "))
        }
        ExprKind::Unary(op, operand) => format!("({op:?} {})", expr(operand)),
        ExprKind::Binary(op, left, right) => format!("({} {op:?} {})", expr(left), expr(right)),
        ExprKind::If { cond, then, otherwise } => {
            format!("({} If {} Else {})", expr(then), expr(cond), expr(otherwise))
        }
        ExprKind::Member(object, name) => format!("{}.{}", expr(object), name.text),
        ExprKind::Index(object, index) => format!("{}[{}]", expr(object), expr(index)),
        ExprKind::Slice(object, from, to) => format!("{}[{}:{}]", expr(object), bound(from), bound(to)),
        ExprKind::Call(callee, of) => format!("{}({})", expr(callee), args(of)),
        ExprKind::Sandbox { callee, gas, words, args: of, otherwise } => {
            let other = otherwise.as_deref().map(|other| format!(" Else {}", expr(other)));
            let (callee, gas, words) = (expr(callee), expr(gas), expr(words));
            format!("Sandbox {callee}<{gas}, {words}>({}){}", args(of), other.unwrap_or_default())
        }
        ExprKind::Try(call) => format!("(Try {})", expr(call)),
        ExprKind::Machine(name, operands) => format!("${}({})", name.text, exprs(operands)),
        ExprKind::Empty(of) => format!("Empty {}", ty(of)),
        ExprKind::Broken => "Broken".into(),
    }
}

pub(super) fn types(types: &[Type<'_>]) -> String {
    types.iter().map(ty).collect::<Vec<_>>().join(", ")
}

pub(super) fn ty(of: &Type<'_>) -> String {
    match &of.kind {
        TypeKind::Named(name) => name.text.into(),
        TypeKind::Member(module, name) => format!("{}.{}", module.text, name.text),
        TypeKind::Applied(name, of) => format!("{}({})", name.text, types(of)),
        TypeKind::Func(params, results) => format!("def({}) -> ({})", types(params), types(results)),
    }
}

fn block(statements: &[Stmt<'_>], depth: usize) -> String {
    statements.iter().map(|statement| stmt(statement, depth)).collect()
}

pub(super) fn stmt(of: &Stmt<'_>, depth: usize) -> String {
    let mut below = String::new();
    let line = match &of.kind {
        StmtKind::Expr(value) => expr(value),
        StmtKind::Assign { ty: of, targets, values } => {
            let of = of.as_ref().map(|of| ty(of) + " ").unwrap_or_default();
            format!("{of}{} = {}", exprs(targets), exprs(values))
        }
        StmtKind::Update { target, op, value } => format!("{} {:?}= {}", expr(target), op.0, expr(value)),
        StmtKind::If { arms, otherwise } => {
            for (cond, body) in arms {
                below += &format!("{}If {}\n{}", "  ".repeat(depth), expr(cond), block(body, depth + 1));
            }
            if !otherwise.is_empty() {
                below += &format!("{}Else\n{}", "  ".repeat(depth), block(otherwise, depth + 1));
            }
            return below;
        }
        StmtKind::While { cond, body } => {
            below = block(body, depth + 1);
            format!("While {}", cond.as_ref().map(expr).unwrap_or_default())
        }
        StmtKind::For { var, over, body } => {
            below = block(body, depth + 1);
            format!("For {} In {}", var.text, expr(over))
        }
        StmtKind::Return(values) => format!("Return {}", exprs(values)),
        StmtKind::Yield(value) => format!("Yield {}", expr(value)),
        StmtKind::Assert { cond, message } => {
            let message = message.as_ref().map(|message| format!(", {}", expr(message)));
            format!("Assert {}{}", expr(cond), message.unwrap_or_default())
        }
        other => format!("{other:?}"),
    };
    format!("{}{line}\n{below}", "  ".repeat(depth))
}

pub(super) fn file(of: &File<'_>) -> String {
    let mut shown = String::new();
    for import in &of.imports {
        shown += &format!("Import {}\n", import.text);
    }
    for of in &of.consts {
        shown += &format!("Const {} = {}\n", of.name.text, expr(&of.value));
    }
    for of in &of.structs {
        let fields = of.fields.iter().map(|(of, name)| format!("{} {}", ty(of), name.text));
        shown += &format!("Typ {} {{{}}}\n", of.name.text, fields.collect::<Vec<_>>().join(", "));
    }
    for of in &of.funcs {
        let params = of.params.iter().map(|param| {
            let of = param.ty.as_ref().map(|of| ty(of) + " ").unwrap_or_default();
            let default = param.default.as_ref().map(|value| format!(" = {}", expr(value)));
            format!("{of}{}{}", param.name.text, default.unwrap_or_default())
        });
        let params = params.collect::<Vec<_>>().join(", ");
        let results = of.results.as_ref().map(|results| format!(" -> ({})", types(results)));
        shown += &format!("Def {}({params}){}\n", of.name.text, results.unwrap_or_default());
        shown += &block(&of.body, 1);
    }
    shown + &block(&of.main, 0)
}
