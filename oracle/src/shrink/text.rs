//! Shorter texts.

/// Takes lines out of a text, and then single characters, as long as `fails` says that what was found is still found, or
/// until it says `None`: there is no time to try any more.
pub fn shorten(text: &str, fails: &mut dyn FnMut(&str) -> Option<bool>) -> String {
    let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let Some(lines) = fewer(lines, fails) else { return text.to_owned() };
    let text = lines.concat();
    // Every character is tried several times.
    if text.len() > 4096 {
        return text;
    }
    let characters = text.chars().map(String::from).collect();
    fewer(characters, fails).map_or(text, |characters| characters.concat())
}

/// As few of them as will do; `None` if none could be taken out.
fn fewer(mut parts: Vec<String>, fails: &mut dyn FnMut(&str) -> Option<bool>) -> Option<Vec<String>> {
    let before = parts.len();
    let mut size = parts.len();
    while size > 0 {
        let mut end = parts.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            let text: String = parts.iter().take(start).chain(&parts[end..]).map(String::as_str).collect();
            match fails(&text) {
                Some(true) => drop(parts.drain(start..end)),
                Some(false) => {}
                None => return (parts.len() < before).then_some(parts),
            }
            end = start;
        }
        size /= 2;
    }
    Some(parts)
}
