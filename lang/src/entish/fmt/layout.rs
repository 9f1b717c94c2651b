//! Writes lines, and breaks those that are too long.

use super::INDENT;
use super::tree::{Group, Item, Node, Piece, width};
use crate::entish::parse::Level;

/// Columns of a line.
const COLUMNS: usize = 100;
/// Lines inside brackets are not indented further than this, so that deep nesting makes no long text.
const INDENTED_MAX: usize = 60;
/// Lines with more brackets beside one another than this are not broken at those: looking for the right ones takes time.
const BROKEN_MAX: usize = 64;

#[derive(Default)]
pub(super) struct Writer {
    text: String,
    /// Columns that are written of the last line.
    column: usize,
}

impl Writer {
    pub(super) fn finish(self) -> String {
        self.text
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    pub(super) fn comment(&mut self, text: String, indent: usize) {
        self.spaces(indent);
        self.put(&text);
        self.newline();
    }

    /// A statement with the comment behind it.
    pub(super) fn line(&mut self, nodes: Vec<Node<'_>>, indent: usize, behind: Option<String>) {
        self.spaces(indent);
        let nodes = if self.column + width(&nodes) > COLUMNS { parenthesized(nodes) } else { nodes };
        self.nodes(&nodes, indent, 0, None);
        self.behind(behind.as_deref());
        self.newline();
    }

    fn behind(&mut self, comment: Option<&str>) {
        if let Some(comment) = comment {
            self.put("  ");
            self.put(comment);
        }
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    fn spaces(&mut self, count: usize) {
        self.text.extend(std::iter::repeat_n(' ', count));
        self.column += count;
    }

    fn newline(&mut self) {
        self.text.push('\n');
        self.column = 0;
    }

    fn piece(&mut self, piece: Piece<'_>, first: bool) {
        if piece.space && !first {
            self.put(" ");
        }
        self.put(piece.text);
    }

    /// Nodes on one line.
    fn flat(&mut self, nodes: &[Node<'_>]) {
        for (index, node) in nodes.iter().enumerate() {
            match node {
                Node::Token(piece) => self.piece(*piece, index == 0),
                Node::Group(group) => self.flat_group(group, index == 0),
            }
        }
    }

    fn flat_group(&mut self, group: &Group<'_>, first: bool) {
        if group.added {
            if group.open.space && !first {
                self.put(" ");
            }
            return group.items.iter().for_each(|item| self.flat(&item.nodes));
        }
        self.piece(group.open, first);
        for (index, item) in group.items.iter().enumerate() {
            if index > 0 {
                self.put(", ");
            }
            self.flat(&item.nodes);
        }
        self.piece(group.close, false);
    }

    /// Nodes, on as many lines as they need; `behind` columns follow on the last. Inside brackets, lines may be broken before
    /// operators, and go on with `operators` spaces.
    fn nodes(&mut self, nodes: &[Node<'_>], indent: usize, behind: usize, operators: Option<usize>) {
        let fits = self.column + width(nodes) + behind <= COLUMNS;
        if fits && !nodes.iter().any(Node::commented) {
            return self.flat(nodes);
        }
        match (nodes.iter().filter_map(splits).min(), operators) {
            (Some(weakest), Some(indent)) if !fits => self.operands(nodes, weakest, indent, behind),
            _ => self.broken(nodes, indent, behind),
        }
    }

    /// Operands on lines of their own, each with the operator before it. Those of operators that bind more strongly are
    /// indented further.
    fn operands(&mut self, nodes: &[Node<'_>], level: Level, indent: usize, behind: usize) {
        let stronger = Some(deeper(indent));
        let mut rest = nodes;
        let mut first = true;
        while !rest.is_empty() {
            let length = 1 + rest.iter().skip(1).take_while(|node| splits(node) != Some(level)).count();
            let (operand, others) = rest.split_at(length);
            if !first {
                self.newline();
                self.spaces(indent);
            }
            let behind = if others.is_empty() { behind } else { 0 };
            match operand {
                [operator @ Node::Token(piece), operand @ ..]
                    if splits(operator) == Some(level) && !operand.is_empty() =>
                {
                    self.put(piece.text);
                    if operand[0].space() {
                        self.put(" ");
                    }
                    self.nodes(operand, indent, behind, stronger);
                }
                operand => self.nodes(operand, indent, behind, stronger),
            }
            (rest, first) = (others, false);
        }
    }

    /// Nodes with as many brackets broken as needed, the widest first.
    fn broken(&mut self, nodes: &[Node<'_>], indent: usize, behind: usize) {
        let breakable = |node: &Node<'_>| matches!(node, Node::Group(group) if !group.items.is_empty());
        let mut broken: Vec<bool> = nodes.iter().map(Node::commented).collect();
        let may_break = nodes.iter().filter(|node| breakable(node)).count() <= BROKEN_MAX;
        while may_break && let Some(run) = self.too_long(nodes, &broken, indent, behind) {
            let candidates = run.filter(|&index| breakable(&nodes[index]) && !broken[index]);
            // Of those that are equally wide, the last.
            match candidates.max_by_key(|&index| nodes[index].width()) {
                Some(index) => broken[index] = true,
                None => break,
            }
        }
        for (index, node) in nodes.iter().enumerate() {
            match node {
                Node::Group(group) if broken[index] => self.group(group, indent, index == 0),
                Node::Group(group) => self.flat_group(group, index == 0),
                Node::Token(piece) => self.piece(*piece, index == 0),
            }
        }
    }

    /// The nodes of the first line that is too long although brackets in it could be broken.
    fn too_long(
        &self,
        nodes: &[Node<'_>],
        broken: &[bool],
        indent: usize,
        behind: usize,
    ) -> Option<std::ops::Range<usize>> {
        let (mut start, mut column) = (0, self.column);
        for (index, node) in nodes.iter().enumerate() {
            column += usize::from(index > 0 && node.space());
            let last = index + 1 == nodes.len();
            if broken[index] {
                if column + 1 > COLUMNS && can_break(nodes, broken, start..index) {
                    return Some(start..index);
                }
                (start, column) = (index + 1, indent + 1);
            } else {
                column += node.width();
            }
            if last && column + behind > COLUMNS && can_break(nodes, broken, start..nodes.len()) {
                return Some(start..nodes.len());
            }
        }
        None
    }

    /// Brackets with what is in them on lines of its own.
    fn group(&mut self, group: &Group<'_>, indent: usize, first: bool) {
        self.piece(group.open, first);
        let inner = deeper(indent);
        if !group.commented && group.commas && inner + group.width - 2 <= COLUMNS {
            self.next_line(inner);
            for (index, item) in group.items.iter().enumerate() {
                if index > 0 {
                    self.put(", ");
                }
                self.flat(&item.nodes);
            }
        } else if group.filled && !group.commented && group.items.iter().all(is_short) {
            self.filled(&group.items, inner);
        } else {
            for (index, item) in group.items.iter().enumerate() {
                self.item(item, group, index + 1 == group.items.len(), inner);
            }
            for comment in &group.tail {
                self.next_line(inner);
                self.put(comment);
            }
        }
        self.next_line(indent);
        self.piece(group.close, true);
    }

    fn item(&mut self, item: &Item<'_>, group: &Group<'_>, last: bool, inner: usize) {
        for comment in &item.above {
            self.next_line(inner);
            self.put(comment);
        }
        self.next_line(inner);
        let comma = group.commas || !last;
        self.nodes(&item.nodes, inner, usize::from(comma), Some(inner));
        if comma {
            self.put(",");
        }
        self.behind(item.behind.as_deref());
    }

    /// As many short items on a line as fit.
    fn filled(&mut self, items: &[Item<'_>], inner: usize) {
        self.next_line(inner);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                if self.column + 2 + width(&item.nodes) > COLUMNS {
                    self.next_line(inner);
                } else {
                    self.put(" ");
                }
            }
            self.flat(&item.nodes);
            self.put(",");
        }
    }

    fn next_line(&mut self, indent: usize) {
        self.newline();
        self.spaces(indent);
    }
}

/// The indentation of what stands in something indented so far.
fn deeper(indent: usize) -> usize {
    if indent < INDENTED_MAX { indent + INDENT } else { indent }
}

/// The nodes of a statement, with parentheses to break around each expression that gains by them.
fn parenthesized(nodes: Vec<Node<'_>>) -> Vec<Node<'_>> {
    let mut all = Vec::new();
    // What stands before the first of these tokens is assigned or called.
    let mut expression = None;
    for node in nodes {
        match (&node, &mut expression) {
            (Node::Token(Piece { bounds: true, .. }), _) => {
                close(expression.replace(Vec::new()), &mut all);
                all.push(node);
            }
            (_, Some(expression)) => expression.push(node),
            (_, None) => all.push(node),
        }
    }
    close(expression, &mut all);
    all
}

fn close<'s>(expression: Option<Vec<Node<'s>>>, all: &mut Vec<Node<'s>>) {
    match expression {
        Some(expression) if gains(&expression) => all.push(Node::Group(Group::around(expression))),
        expression => all.extend(expression.into_iter().flatten()),
    }
}

/// Whether an expression is better broken at its operators than at the brackets in it: none of these holds the better part.
fn gains(expression: &[Node<'_>]) -> bool {
    let half = width(expression) / 2;
    expression.iter().any(|node| splits(node).is_some())
        && !expression
            .iter()
            .any(|node| node.commented() || matches!(node, Node::Group(group) if group.width > half))
}

fn splits(node: &Node<'_>) -> Option<Level> {
    match node {
        Node::Token(piece) => piece.splits,
        Node::Group(_) => None,
    }
}

fn can_break(nodes: &[Node<'_>], broken: &[bool], mut run: std::ops::Range<usize>) -> bool {
    run.any(|index| !broken[index] && matches!(&nodes[index], Node::Group(group) if !group.items.is_empty()))
}

/// A number or a word, perhaps with a sign.
fn is_short(item: &Item<'_>) -> bool {
    item.nodes.len() <= 2
        && item.nodes.iter().all(|node| matches!(node, Node::Token(piece) if piece.text.len() <= 24))
}
