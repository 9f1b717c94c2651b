//! Texts that differ from others in a few places.

use keyvm_oracle::random::Random;

/// What is put into texts of a language.
pub(super) struct Marks {
    /// In the place of names and numbers.
    pub(super) words: &'static [&'static str],
    /// In the place of anything.
    pub(super) signs: &'static [&'static str],
}

/// Names, numbers, blanks, and single other characters.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let class = |c: char| match c {
        _ if c.is_alphanumeric() || c == '_' => 1,
        ' ' => 2,
        _ => 0,
    };
    for c in text.chars() {
        match tokens.last_mut() {
            Some(last)
                if class(c) != 0 && last.chars().next().is_some_and(|first| class(first) == class(c)) =>
            {
                last.push(c);
            }
            _ => tokens.push(c.to_string()),
        }
    }
    tokens
}

/// A line less, or again somewhere else; or a line or some of another text.
fn move_lines(random: &mut Random, text: &str, other: &str) -> String {
    let mut lines: Vec<_> = text.lines().collect();
    let at = random.index(lines.len());
    match random.below(4) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(random.index(lines.len()), lines[at]),
        2 => {
            let others: Vec<_> = other.lines().collect();
            let from = random.index(others.len());
            let piece = others.iter().skip(from).take(1 + random.index(6)).copied();
            lines.splice(at..at, piece);
        }
        _ => {
            let other = random.index(lines.len());
            lines.swap(at, other);
        }
    }
    lines.join("\n") + "\n"
}

/// A text that differs from this one in a few places.
pub(super) fn mutated(random: &mut Random, text: &str, other: &str, marks: &Marks) -> String {
    let mut text = text.to_owned();
    for _ in 0..random.within(1, 3) {
        if text.lines().count() < 2 {
            break;
        }
        if random.percent(25) {
            text = move_lines(random, &text, other);
            continue;
        }
        let mut tokens = tokens(&text);
        let is_word = |token: &String| token.starts_with(|c: char| c.is_alphanumeric());
        let words: Vec<usize> = (0..tokens.len()).filter(|&at| is_word(&tokens[at])).collect();
        let any = random.index(tokens.len());
        let Some(&word) = words.get(random.index(words.len().max(1))) else { break };
        match random.below(8) {
            0 => drop(tokens.remove(any)),
            1 => tokens.insert(any, tokens[any].clone()),
            2 => {
                let other = random.index(tokens.len());
                tokens.swap(any, other);
            }
            3 | 4 => tokens[word] = tokens[words[random.index(words.len())]].clone(),
            5 | 6 => tokens[word] = random.pick(marks.words).to_owned(),
            _ => tokens[any] = random.pick(marks.signs).to_owned(),
        }
        text = tokens.concat();
    }
    text
}
