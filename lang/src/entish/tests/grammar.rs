//! The grammar in `docs/language.md` is that of the language: every program can be derived by it, and the programs of the
//! reference use all of it.

use super::reference::{documented, examples, grammar};
use crate::entish::lex::{Kind, Token, lex};
use crate::entish::parse::parse;
use std::collections::{BTreeMap, BTreeSet};

/// What may stand on the right of a rule.
#[derive(Debug)]
enum Node<'g> {
    /// Between quotes.
    Text(&'g str),
    /// A rule, or in capitals a kind of token.
    Name(&'g str),
    Row(Vec<Self>),
    Either(Vec<Self>),
    Maybe(Box<Self>),
    Many(Box<Self>),
}

type Rules<'g> = BTreeMap<&'g str, Node<'g>>;

/// The words and marks of the grammar; what stands between quotes has its first quote.
fn pieces(grammar: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = grammar.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' => 1 + rest[1..].find('\'').expect("the quote is closed"),
            _ if first.is_ascii_alphabetic() => {
                rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())
            }
            _ => first.len_utf8(),
        };
        pieces.push(&rest[..end]);
        rest = rest[end..].trim_start_matches('\'').trim_start();
    }
    pieces
}

/// `a b | c`, up to what closes it or begins the next rule.
fn either<'g>(pieces: &[&'g str], at: &mut usize) -> Node<'g> {
    let mut choices = Vec::new();
    let mut row = Vec::new();
    while let Some(&piece) = pieces.get(*at) {
        if matches!(piece, ")" | "]" | "}") || pieces.get(*at + 1) == Some(&"=") {
            break;
        }
        *at += 1;
        let mut inner = || {
            let node = either(pieces, at);
            *at += 1;
            node
        };
        match piece {
            "|" => choices.push(Node::Row(std::mem::take(&mut row))),
            "(" => row.push(inner()),
            "[" => row.push(Node::Maybe(Box::new(inner()))),
            "{" => row.push(Node::Many(Box::new(inner()))),
            _ => row.push(piece.strip_prefix('\'').map_or(Node::Name(piece), Node::Text)),
        }
    }
    choices.push(Node::Row(row));
    Node::Either(choices)
}

fn rules(grammar: &str) -> Rules<'_> {
    let pieces = pieces(grammar);
    let (mut rules, mut at) = (Rules::new(), 0);
    while let Some(&name) = pieces.get(at) {
        assert_eq!(pieces.get(at + 1), Some(&"="), "`{name}` begins a rule");
        at += 2;
        rules.insert(name, either(&pieces, &mut at));
    }
    rules
}

/// Which tokens a word in capitals stands for.
fn is_kind(name: &str, kind: Kind) -> bool {
    match name {
        "NAME" => kind == Kind::Name,
        "MACHINE" => kind == Kind::Machine,
        "NUMBER" => kind == Kind::Number,
        "CHARACTER" => kind == Kind::Char,
        "TEXT" => kind == Kind::Text,
        "BYTES" => kind == Kind::Bytes,
        "NEWLINE" => kind == Kind::Newline,
        "INDENT" => kind == Kind::Indent,
        "DEDENT" => kind == Kind::Dedent,
        _ => panic!("there is no rule `{name}`"),
    }
}

/// What of the grammar has been used: a rule, and a word of its right side.
type Used<'g> = BTreeSet<(&'g str, &'g str)>;

/// Derives one program.
struct Derivation<'g, 's> {
    rules: &'g Rules<'g>,
    source: &'s str,
    tokens: &'s [Token],
    /// Where a rule may end that begins at a token.
    known: BTreeMap<(&'g str, usize), BTreeSet<usize>>,
}

impl<'g> Derivation<'g, '_> {
    /// The one token at a place, if it is this.
    fn token(&self, node: &Node<'g>, at: usize) -> Option<usize> {
        let token = self.tokens.get(at)?;
        let fits = match node {
            Node::Text(text) => token.text(self.source) == *text,
            Node::Name(name) => is_kind(name, token.kind),
            _ => false,
        };
        fits.then_some(at + 1)
    }

    /// Where what begins at a token may end.
    fn ends(&mut self, node: &'g Node<'g>, at: usize) -> BTreeSet<usize> {
        match node {
            Node::Name(name) if self.rules.contains_key(name) => {
                if let Some(known) = self.known.get(&(*name, at)) {
                    return known.clone();
                }
                let ends = self.ends(&self.rules[name], at);
                self.known.insert((name, at), ends.clone());
                ends
            }
            Node::Text(_) | Node::Name(_) => self.token(node, at).into_iter().collect(),
            Node::Row(row) => {
                let mut ends = BTreeSet::from([at]);
                for node in row {
                    ends = ends.iter().flat_map(|&at| self.ends(node, at)).collect();
                }
                ends
            }
            Node::Either(choices) => choices.iter().flat_map(|node| self.ends(node, at)).collect(),
            Node::Maybe(node) => {
                let mut ends = self.ends(node, at);
                ends.insert(at);
                ends
            }
            Node::Many(node) => {
                let mut ends = BTreeSet::from([at]);
                let mut next = vec![at];
                while let Some(at) = next.pop() {
                    next.extend(self.ends(node, at).into_iter().filter(|&end| ends.insert(end)));
                }
                ends
            }
        }
    }

    /// Notes what is used by one derivation of the tokens between two places, if there is one.
    fn derive(
        &mut self,
        rule: &'g str,
        node: &'g Node<'g>,
        at: usize,
        end: usize,
        used: &mut Used<'g>,
    ) -> bool {
        if !self.ends(node, at).contains(&end) {
            return false;
        }
        match node {
            Node::Name(name) | Node::Text(name) => {
                used.insert((rule, name));
                match self.rules.get(name) {
                    Some(right) if matches!(node, Node::Name(_)) => self.derive(name, right, at, end, used),
                    _ => true,
                }
            }
            Node::Row(row) => self.derive_row(rule, row, at, end, used),
            Node::Either(choices) => choices.iter().any(|node| self.derive(rule, node, at, end, used)),
            Node::Maybe(inner) => at == end || self.derive(rule, inner, at, end, used),
            Node::Many(inner) => {
                let turns = self.ends(inner, at);
                at == end
                    || turns.into_iter().any(|middle| {
                        middle > at
                            && self.ends(node, middle).contains(&end)
                            && self.derive(rule, inner, at, middle, used)
                            && self.derive(rule, node, middle, end, used)
                    })
            }
        }
    }

    fn derive_row(
        &mut self,
        rule: &'g str,
        row: &'g [Node<'g>],
        at: usize,
        end: usize,
        used: &mut Used<'g>,
    ) -> bool {
        let [first, rest @ ..] = row else { return at == end };
        let middles = self.ends(first, at);
        let reaches = |of: &mut Self, middle: usize| {
            let mut ends = BTreeSet::from([middle]);
            for node in rest {
                ends = ends.iter().flat_map(|&at| of.ends(node, at)).collect();
            }
            ends.contains(&end)
        };
        middles.into_iter().any(|middle| {
            reaches(self, middle)
                && self.derive(rule, first, at, middle, used)
                && self.derive_row(rule, rest, middle, end, used)
        })
    }
}

/// What of the grammar a program uses.
fn used<'g>(rules: &'g Rules<'g>, source: &str) -> Option<Used<'g>> {
    let lexed = lex(source);
    // All but the end.
    let tokens = &lexed.tokens[..lexed.tokens.len() - 1];
    let mut derivation = Derivation { rules, source, tokens, known: BTreeMap::new() };
    let mut used = Used::new();
    derivation.derive("file", &rules["file"], 0, tokens.len(), &mut used).then_some(used)
}

/// All words on the right sides of the rules.
fn words<'g>(rule: &'g str, node: &Node<'g>, found: &mut Used<'g>) {
    match node {
        Node::Text(word) | Node::Name(word) => drop(found.insert((rule, word))),
        Node::Row(nodes) | Node::Either(nodes) => nodes.iter().for_each(|node| words(rule, node, found)),
        Node::Maybe(node) | Node::Many(node) => words(rule, node, found),
    }
}

#[test]
fn programs_can_be_derived_and_those_of_the_reference_use_every_part() {
    let rules = rules(grammar());
    for source in examples() {
        assert!(used(&rules, &source).is_some(), "the grammar does not have this:\n{source}");
    }
    let mut all = Used::new();
    rules.iter().for_each(|(rule, node)| words(rule, node, &mut all));
    let shown: Used<'_> = documented().filter_map(|source| used(&rules, source)).flatten().collect();
    let missing: Vec<_> = all.difference(&shown).collect();
    assert!(missing.is_empty(), "no example has, of a rule, {missing:?}");
}

/// What the grammar does not have, the parser refuses, and what it has is not refused.
#[test]
fn what_the_grammar_does_not_have_is_refused() {
    let rules = rules(grammar());
    let wrong = [
        "x = \n",
        "if x\n",
        "def f(:\n    pass\n",
        "x = 1 +\n",
        "f<1>(2)\n",
        "typ p {u}\n",
        "for x range(3): pass\n",
        "a[1:2:3] = 1\n",
        "import 1\n",
        "const x 1\n",
        "while: \n",
        "return return\n",
        "x = {1}\n",
        "$gas\n",
    ];
    for source in wrong {
        assert!(used(&rules, source).is_none(), "the grammar has {source}");
        assert!(!parse(source).1.is_empty(), "the parser has {source}");
    }
}
