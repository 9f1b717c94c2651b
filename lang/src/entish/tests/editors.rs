//! The TextMate grammar in `editors/` knows the lexer's tokens.

use crate::entish::lex::{Kind, WORDS, lex};
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;

fn grammar() -> Value {
    let text = include_str!("../../../../editors/vscode/keyvm.tmLanguage.json");
    serde_json::from_str(text).expect("the grammar is JSON")
}

enum Rule {
    Match { regex: Regex, name: Option<String>, captures: Vec<Option<String>> },
    Between { begin: Regex, end: Regex, name: String },
}

/// The rules in their order; those whose expressions look ahead, which `regex` cannot, only name names.
fn rules(grammar: &Value, patterns: &Value, found: &mut Vec<Rule>) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for pattern in patterns.as_array().into_iter().flatten() {
        if let Some(include) = pattern["include"].as_str() {
            let name = include.trim_start_matches('#');
            let of = &grammar["repository"][name]["patterns"];
            assert!(of.is_array(), "{name}");
            rules(grammar, of, found);
            continue;
        }
        if let (Some(begin), Some(end)) = (pattern["begin"].as_str(), pattern["end"].as_str()) {
            let (begin, end) = (Regex::new(begin).expect(begin), Regex::new(end).expect(end));
            found.push(Rule::Between { begin, end, name: text(&pattern["name"]).expect("a name") });
            continue;
        }
        let expression = pattern["match"].as_str().expect("a rule");
        if expression.contains("(?=") {
            continue;
        }
        let regex = Regex::new(expression).expect(expression);
        let captures = 0..regex.captures_len();
        let captures = captures.map(|n| text(&pattern["captures"][n.to_string()]["name"])).collect();
        found.push(Rule::Match { regex, name: text(&pattern["name"]), captures });
    }
}

/// The scope of each byte, found as editors do: line by line, whichever rule matches first.
fn scopes(rules: &[Rule], source: &str) -> Vec<Option<String>> {
    let mut scopes = vec![None; source.len()];
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        let text = line.trim_end_matches('\n');
        let mut at = 0;
        while at < text.len() {
            let begins = rules.iter().enumerate().filter_map(|(index, rule)| {
                let (Rule::Match { regex, .. } | Rule::Between { begin: regex, .. }) = rule;
                regex.find_at(text, at).map(|found| (found.start(), index))
            });
            let Some((from, index)) = begins.min() else { break };
            let end = match &rules[index] {
                Rule::Match { regex, name, captures } => {
                    let found = regex.captures_at(text, from).expect("it matches");
                    let end = found.get(0).map_or(from, |whole| whole.end());
                    scopes[start + from..start + end].fill(name.clone());
                    for (n, capture) in captures.iter().enumerate() {
                        if let (Some(name), Some(part)) = (capture, found.get(n)) {
                            scopes[start + part.start()..start + part.end()].fill(Some(name.clone()));
                        }
                    }
                    end
                }
                Rule::Between { begin, end, name } => {
                    let mut behind = begin.find_at(text, from).map_or(from, |found| found.end());
                    // Escapes are within.
                    while text[behind..].starts_with('\\')
                        || end.find_at(text, behind).is_some_and(|end| end.start() > behind)
                    {
                        let length = if text[behind..].starts_with('\\') { 2 } else { 1 };
                        behind += text[behind..].chars().take(length).map(char::len_utf8).sum::<usize>();
                    }
                    let end = end.find_at(text, behind).map_or(text.len(), |found| found.end());
                    scopes[start + from..start + end].fill(Some(name.clone()));
                    end
                }
            };
            at = end.max(at + 1);
        }
        start += line.len();
    }
    scopes
}

/// Beginnings of the scopes that fit a token.
fn fitting(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::True | Kind::False | Kind::None => &["constant.language."],
        Kind::Def | Kind::Typ | Kind::Const => &["storage.", "keyword.declaration."],
        Kind::And | Kind::In | Kind::Not | Kind::Or => &["keyword.operator.word."],
        word if word.is_word() => &["keyword.control."],
        Kind::Name => &["variable.", "entity.", "support."],
        Kind::Machine => &["support.function.instruction."],
        Kind::Number => &["constant.numeric."],
        Kind::Char => &["constant.character."],
        Kind::Text | Kind::Bytes => &["string."],
        Kind::OpenParen | Kind::CloseParen | Kind::OpenBracket | Kind::CloseBracket => &["punctuation."],
        Kind::OpenBrace | Kind::CloseBrace | Kind::Comma | Kind::Colon | Kind::Dot => &["punctuation."],
        _ => &["keyword.operator.keyvm"],
    }
}

#[test]
fn every_token_has_a_fitting_scope() {
    let grammar = grammar();
    let mut found = Vec::new();
    rules(&grammar, &grammar["patterns"], &mut found);
    let examples = super::reference::examples();
    assert!(!examples.is_empty());
    for example in examples.iter().map(String::as_str).chain([EVERYTHING]) {
        let lexed = lex(example);
        let scopes = scopes(&found, example);
        for token in
            lexed.tokens.iter().filter(|token| token.end > token.start && token.kind != Kind::Newline)
        {
            let text = token.text(example);
            for scope in &scopes[token.start as usize..token.end as usize] {
                let scope = scope.as_deref().unwrap_or_default();
                assert!(
                    fitting(token.kind).iter().any(|begin| scope.starts_with(begin)),
                    "`{text}` has the scope {scope:?}"
                );
            }
        }
        for comment in &lexed.comments {
            let scopes = &scopes[comment.start as usize..comment.end as usize];
            assert!(
                scopes
                    .iter()
                    .all(|scope| scope.as_deref().is_some_and(|scope| scope.starts_with("comment.")))
            );
        }
    }
}

const EVERYTHING: &str = r##"import other
const N = 0xff + 0b101 + 0o17 + 1_000 + 1.5 + 1e-9 + 2.5e3
typ point {f x, u[] y, map(text, T) z}
def f(u a, text c = "x # \" no\\", bytes d = b"\x00\u{e9}") -> u:  # comment "text"
    x = 'a' + '\'' + '#'
    x <<= ~-1 & 2 | 3 ^ 4 << 5 >> 6 % 7 / 8 * 9
    if a <= b and not c == none or d in e and a != b and c >= d and e > g:
        return true if x else false
    elif $rotr32(x, 7) not in [1, 2]: assert a, "b"
    else:
        pass
    while: break
    for i in range(3): continue
job = try f<50, 50>({1: 2}, point{x: 1}, c="a")
yield job.value
x += 1
x -= x *= x /= x %= x &= x |= x ^= x >>= 1
"##;

#[test]
fn the_reserved_words_are_those_of_the_lexer() {
    let mut words = BTreeSet::new();
    let grammar = grammar();
    for pattern in grammar["repository"]["keywords"]["patterns"].as_array().expect("keywords") {
        let expression = pattern["match"].as_str().expect("an expression");
        let list =
            expression.strip_prefix(r"\b(?:").and_then(|rest| rest.strip_suffix(r")\b")).expect("a list");
        words.extend(list.split('|').map(str::to_owned));
    }
    assert_eq!(words, WORDS.iter().map(|&(word, _)| word.to_owned()).collect());
}

#[test]
fn the_extension_is_well_formed() {
    let package: Value =
        serde_json::from_str(include_str!("../../../../editors/vscode/package.json")).expect("JSON");
    let configuration = include_str!("../../../../editors/vscode/language-configuration.json");
    let configuration: Value = serde_json::from_str(configuration).expect("JSON");
    assert_eq!(package["contributes"]["grammars"][0]["scopeName"], grammar()["scopeName"]);
    assert_eq!(package["contributes"]["grammars"][0]["path"], "./keyvm.tmLanguage.json");
    assert_eq!(package["contributes"]["languages"][0]["extensions"][0], ".et");
    assert_eq!(configuration["comments"]["lineComment"], "#");
}
