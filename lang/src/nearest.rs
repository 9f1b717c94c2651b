//! What a misspelt name may have been meant for.

/// Longest name that is compared with others.
const COMPARED_MAX: usize = 40;

/// Of `candidates`, the one that `name` may have been meant for: a third of the letters at most of the longer of the two, and one of
/// a short one, are to be put in, taken out, replaced or exchanged; small and capital letters are the same.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if !(2..=COMPARED_MAX).contains(&name.len()) {
        return None;
    }
    let limit = |candidate: &str| (candidate.len().max(name.len()) / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= limit(candidate))
        .map(|candidate| (distance(&name.to_ascii_lowercase(), &candidate.to_ascii_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= limit(candidate) && distance < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters are to be put in, taken out, replaced, or exchanged with their neighbour. Names are at most
/// twice [`COMPARED_MAX`] long.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut rows = [[0; 2 * COMPARED_MAX + 1]; 3];
    let [before, above, row] = &mut rows;
    let (mut before, mut above, mut row) = (before, above, row);
    for (j, cell) in above.iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        (before, above, row) = (above, row, before);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters_put_in_taken_out_replaced_and_exchanged() {
        assert_eq!(distance("jump", "jump"), 0);
        assert_eq!(distance("jmp", "jump"), 1);
        assert_eq!(distance("jumpp", "jump"), 1);
        assert_eq!(distance("junp", "jump"), 1);
        assert_eq!(distance("jupm", "jump"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["load64", "store64", "jump"];
        assert_eq!(nearest("laod64", names), Some("load64"));
        assert_eq!(nearest("jmp", names), Some("jump"));
        assert_eq!(nearest("JUMP", names), Some("jump"));
        assert_eq!(nearest("xyzzy", names), None);
        // Of five letters, two are too many.
        assert_eq!(nearest("after", ["meter", "timer"]), None);
        assert_eq!(nearest("revoc", ["remove", "revoke"]), Some("revoke"));
        assert_eq!(nearest("afetr", ["after"]), Some("after"));
        assert_eq!(nearest("ab", ["abc"]), Some("abc"));
    }
}
