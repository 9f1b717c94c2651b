//! The tokens of a line in their brackets, with the spaces between them.

use super::{column, slice};
use crate::entish::ast::Span;
use crate::entish::lex::{Kind, Token};
use crate::entish::parse::{Level, binary_operator, budgets_length};

/// A token, or brackets with what is in them.
pub(super) enum Node<'s> {
    Token(Piece<'s>),
    Group(Group<'s>),
}

/// A token as it is written.
#[derive(Clone, Copy)]
pub(super) struct Piece<'s> {
    pub(super) text: &'s str,
    /// Whether a space stands before it, if something does.
    pub(super) space: bool,
    /// How strongly the operator that it is binds; a line may be broken before it.
    pub(super) splits: Option<Level>,
    /// An expression of the statement ends before it, or begins behind it.
    pub(super) bounds: bool,
}

pub(super) struct Group<'s> {
    pub(super) open: Piece<'s>,
    pub(super) items: Vec<Item<'s>>,
    pub(super) close: Piece<'s>,
    /// A comma may stand behind the last item.
    pub(super) commas: bool,
    /// The elements of a list, which need no lines of their own.
    pub(super) filled: bool,
    /// Comments before the closing bracket.
    pub(super) tail: Vec<String>,
    /// How many columns it needs on one line, the space before it not counted.
    pub(super) width: usize,
    /// There are comments in it, so that it cannot be on one line.
    pub(super) commented: bool,
    /// The program has no such brackets: they are written only if they are broken.
    pub(super) added: bool,
}

#[derive(Default)]
pub(super) struct Item<'s> {
    /// Comments on the lines before it.
    pub(super) above: Vec<String>,
    pub(super) nodes: Vec<Node<'s>>,
    /// The comment behind it.
    pub(super) behind: Option<String>,
}

impl<'s> Group<'s> {
    /// Parentheses around an expression that has none.
    pub(super) fn around(nodes: Vec<Node<'s>>) -> Self {
        let space = nodes.first().is_some_and(Node::space);
        let bracket = |text, space| Piece { text, space, splits: None, bounds: false };
        let width = 2 + width(&nodes);
        Self {
            open: bracket("(", space),
            items: vec![Item { nodes, ..Item::default() }],
            close: bracket(")", false),
            commas: false,
            filled: false,
            tail: Vec::new(),
            width,
            commented: false,
            added: true,
        }
    }
}

impl Node<'_> {
    pub(super) fn space(&self) -> bool {
        match self {
            Self::Token(piece) => piece.space,
            Self::Group(group) => group.open.space,
        }
    }

    pub(super) fn width(&self) -> usize {
        match self {
            Self::Token(piece) => columns(piece.text),
            Self::Group(group) => group.width,
        }
    }

    pub(super) fn commented(&self) -> bool {
        matches!(self, Self::Group(group) if group.commented)
    }
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// How many columns the nodes need on one line.
pub(super) fn width(nodes: &[Node<'_>]) -> usize {
    let spaces = nodes.iter().skip(1).filter(|node| node.space()).count();
    spaces + nodes.iter().map(Node::width).sum::<usize>()
}

/// A comment as it is written: a space behind the `#`.
pub(super) fn comment(source: &str, span: &Span) -> String {
    let text = slice(source, span.start, span.end);
    let words = text.trim_start_matches('#');
    let marks = text.get(..text.len() - words.len()).unwrap_or_default();
    if words.is_empty() || words.starts_with([' ', '!']) {
        return text.to_owned();
    }
    format!("{marks} {}", words.trim_ascii_start())
}

/// What the brackets of a line have been seen to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    /// Outside any.
    None,
    /// Of a function's parameters, where defaults have spaces.
    Parameters,
    /// Of an index, where `:` has no spaces.
    Index,
    Other,
}

struct Builder<'l, 's> {
    source: &'s str,
    tokens: &'l [Token],
    comments: &'l [Span],
    at: usize,
    comment: usize,
    /// The last token of the budgets that this is in.
    budgets_end: Option<usize>,
}

/// Puts the tokens of a statement, with the comments between them, into their brackets.
pub(super) fn build<'s>(source: &'s str, tokens: &[Token], comments: &[Span]) -> Vec<Node<'s>> {
    let mut builder = Builder { source, tokens, comments, at: 0, comment: 0, budgets_end: None };
    let mut nodes = Vec::new();
    while builder.at < tokens.len() {
        let node = builder.node(Bracket::None);
        nodes.push(node);
    }
    nodes
}

/// Whether an operand may end with this token.
fn ends_operand(kind: Kind) -> bool {
    use Kind::{
        Bytes, Char, CloseBrace, CloseBracket, CloseParen, False, Machine, Name, None, Number, Text, True,
    };
    let literal = matches!(kind, Char | Text | Bytes | Number | True | False | None);
    literal || matches!(kind, Name | Machine | CloseParen | CloseBracket | CloseBrace)
}

impl<'s> Builder<'_, 's> {
    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn before(&self) -> Option<Kind> {
        self.at.checked_sub(1).and_then(|before| self.kind(before))
    }

    /// Whether the token before this one ends an operand.
    fn behind_operand(&self) -> bool {
        let behind_budgets = self.budgets_end.is_some_and(|end| end + 1 == self.at);
        behind_budgets || self.before().is_some_and(ends_operand)
    }

    /// Whether this is in budgets, the `<` and the `>` not counted.
    fn in_budgets(&self) -> bool {
        self.budgets_end.is_some_and(|end| self.at < end)
    }

    /// The next token, or what begins with it up to the closing bracket.
    fn node(&mut self, bracket: Bracket) -> Node<'s> {
        let Some(&token) = self.tokens.get(self.at) else {
            return Node::Token(Piece { text: "", space: false, splits: None, bounds: false });
        };
        let piece = self.piece(token, bracket);
        if token.kind == Kind::Lt
            && self.behind_operand()
            && !self.in_budgets()
            && let Some(length) = budgets_length(&self.tokens[self.at..])
        {
            self.budgets_end = Some(self.at + length - 1);
        }
        if token.kind.closing().is_some() {
            return Node::Group(self.group(token, piece));
        }
        self.at += 1;
        Node::Token(piece)
    }

    fn group(&mut self, open_token: Token, open: Piece<'s>) -> Group<'s> {
        let first = self.kind(0);
        let named = self.behind_operand() || matches!(self.before(), Some(Kind::Def | Kind::Arrow));
        let bracket = match open_token.kind {
            Kind::OpenParen if first == Some(Kind::Def) && self.at == 2 => Bracket::Parameters,
            Kind::OpenBracket if self.behind_operand() => Bracket::Index,
            _ => Bracket::Other,
        };
        let commas = match open_token.kind {
            Kind::OpenParen => named,
            Kind::OpenBracket => bracket != Bracket::Index,
            _ => true,
        };
        let filled = open_token.kind == Kind::OpenBracket && commas;
        let end = self.at + open_token.mate as usize;
        let budgets_end = self.budgets_end.take();
        self.at += 1;
        let mut items = Vec::new();
        let mut item = Item::default();
        let mut tail = Vec::new();
        let mut commented = false;
        loop {
            let ends = self.at >= end.min(self.tokens.len());
            commented |= self.comments_before(&mut item, &mut items, ends.then_some(&mut tail));
            if ends {
                break;
            }
            if self.kind(self.at) == Some(Kind::Comma) && !self.in_budgets() {
                self.at += 1;
                items.push(std::mem::take(&mut item));
                continue;
            }
            let node = self.node(bracket);
            commented |= node.commented();
            item.nodes.push(node);
        }
        self.budgets_end = budgets_end;
        if item.nodes.is_empty() {
            tail.splice(0..0, item.above);
        } else {
            items.push(item);
        }
        let close = self.tokens.get(self.at).map_or("", |token| token.text(self.source));
        self.at += 1;
        let commas_width = 2 * items.len().saturating_sub(1);
        let width = 2 + commas_width + items.iter().map(|item| width(&item.nodes)).sum::<usize>();
        let close = Piece { text: close, space: false, splits: None, bounds: false };
        Group { open, items, close, commas, filled, tail, width, commented, added: false }
    }

    /// Takes the comments before the next token: one on the line of an item stands behind it, the others above the
    /// next item, or in `tail` if there is none. Whether there were any.
    fn comments_before(
        &mut self,
        item: &mut Item<'s>,
        items: &mut [Item<'s>],
        mut tail: Option<&mut Vec<String>>,
    ) -> bool {
        let start = self.tokens.get(self.at).map_or(u32::MAX, |token| token.start);
        let mut found = false;
        while let Some(span) = self.comments.get(self.comment).filter(|span| span.start < start) {
            let text = comment(self.source, span);
            let own_line = column(self.source, span.start).is_some();
            let before = if item.nodes.is_empty() { items.last_mut() } else { Some(&mut *item) };
            match before {
                Some(before) if !own_line && before.behind.is_none() => before.behind = Some(text),
                _ => match &mut tail {
                    Some(tail) => tail.push(text),
                    None => item.above.push(text),
                },
            }
            self.comment += 1;
            found = true;
        }
        found
    }

    /// The next token with what stands around it.
    fn piece(&self, token: Token, bracket: Bracket) -> Piece<'s> {
        let text = token.text(self.source);
        let operator = self.behind_operand() || token.kind == Kind::Not;
        let not_in = token.kind == Kind::In && self.before() == Some(Kind::Not);
        let splits = match token.kind {
            Kind::If | Kind::Else if self.at > 0 => Some(Level::Or),
            Kind::Not if self.kind(self.at + 1) == Some(Kind::In) => Some(Level::Comparison),
            Kind::Not => None,
            kind if operator && !not_in && !self.in_budgets() => {
                binary_operator(kind).map(|(_, level)| level)
            }
            _ => None,
        };
        let budget_sign = token.kind == Kind::Lt
            && self.behind_operand()
            && budgets_length(&self.tokens[self.at..]).is_some();
        let splits = splits.filter(|_| !budget_sign && self.budgets_end != Some(self.at));
        let bounds = self.bounds(token.kind);
        Piece { text, space: self.space(token.kind, bracket, budget_sign), splits, bounds }
    }

    /// Whether an expression of the statement ends before this token or begins behind it, if it stands in no brackets.
    fn bounds(&self, kind: Kind) -> bool {
        use Kind::{
            AddAssign, AndAssign, Assert, Assign, Colon, Comma, DivAssign, Elif, For, If, In, MulAssign,
            OrAssign, RemAssign, Return, ShlAssign, ShrAssign, SubAssign, While, XorAssign, Yield,
        };
        match kind {
            If => self.at == 0,
            In => self.at == 2 && self.kind(0) == Some(For),
            Comma => !self.in_budgets(),
            Assign | AddAssign | SubAssign | MulAssign | DivAssign | RemAssign => true,
            AndAssign | OrAssign | XorAssign | ShlAssign | ShrAssign => true,
            Colon | Return | Yield | Assert | While | Elif => true,
            _ => false,
        }
    }

    /// Whether a space stands between the token before this one and this one.
    fn space(&self, kind: Kind, bracket: Bracket, budget_sign: bool) -> bool {
        let Some(before) = self.before() else { return false };
        let budgets = self.budgets_end;
        let first_of_budgets =
            budgets.is_some() && self.at > 0 && before == Kind::Lt && self.opens_budgets(self.at - 1);
        let last_of_budgets = budgets == Some(self.at);
        if budget_sign || first_of_budgets || last_of_budgets || budgets.is_some_and(|end| end + 1 == self.at)
        {
            return false;
        }
        // A sign of one operand belongs to what follows it.
        let sign = |at: usize| {
            let unary = matches!(self.kind(at), Some(Kind::Minus | Kind::Plus | Kind::Tilde));
            unary && !at.checked_sub(1).and_then(|before| self.kind(before)).is_some_and(ends_operand)
        };
        if sign(self.at - 1) || before.closing().is_some() {
            return false;
        }
        if self.in_budgets() {
            let operator = |kind| binary_operator(kind).is_some();
            if before == Kind::Comma || operator(kind) && !sign(self.at) || operator(before) {
                return false;
            }
        }
        match (before, kind) {
            (_, Kind::Comma | Kind::Dot | Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace)
            | (Kind::Dot, _) => false,
            (_, Kind::Colon) => false,
            (Kind::Colon, _) => bracket != Bracket::Index,
            (_, Kind::Assign) | (Kind::Assign, _) => matches!(bracket, Bracket::None | Bracket::Parameters),
            (Kind::Def, Kind::OpenParen) => false,
            (Kind::Name, Kind::OpenBrace) => self.kind(0) == Some(Kind::Typ) && self.at == 2,
            (_, Kind::OpenParen | Kind::OpenBracket) => !ends_operand(before),
            _ => true,
        }
    }

    /// Whether the budgets that this is in begin at `at`.
    fn opens_budgets(&self, at: usize) -> bool {
        let length = budgets_length(&self.tokens[at..]);
        length.is_some_and(|length| self.budgets_end == Some(at + length - 1))
    }
}
