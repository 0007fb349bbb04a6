//! "Did you mean": the known word nearest to a mistyped one. Owns the distance and its limit.

/// Longer words are never a slip of the hand, and the distance is quadratic.
const MAX_LEN: usize = 40;

/// The candidate nearest to `word` (case ignored), if near enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    if word.is_empty() || word.len() > MAX_LEN {
        return None;
    }
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let allowed = match word.len() {
        0..=5 => 1,
        6..=8 => 2,
        _ => 3,
    };
    candidates
        .iter()
        .map(|candidate| {
            let lower: Vec<char> = candidate.to_lowercase().chars().collect();
            (distance(&word, &lower), *candidate)
        })
        .filter(|(cost, _)| *cost <= allowed)
        .min_by_key(|(cost, _)| *cost)
        .map(|(_, candidate)| candidate)
}

/// Damerau-Levenshtein (adjacent transposition counts once): `FORM` is one slip from `FROM`.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut current = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let change = previous[j] + usize::from(x != y);
            let mut best = change.min(previous[j + 1] + 1).min(current[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            current[j + 1] = best;
        }
        before = std::mem::replace(&mut previous, current);
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["FROM", "RUN", "COPY", "ENV", "ENTRYPOINT", "ARG"];
        for (word, want) in [
            ("FORM", Some("FROM")),
            ("frm", Some("FROM")),
            ("COYP", Some("COPY")),
            ("ENTRYPIONT", Some("ENTRYPOINT")),
            ("RN", Some("RUN")),
            ("INSTALL", None),
            ("apt", None),
            ("NOPE", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &known), want, "{word}");
        }
        assert_eq!(nearest(&"R".repeat(10_000), &known), None);
    }
}
