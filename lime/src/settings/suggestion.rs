//! "Did you mean …?" for a name that is not known.

/// The known name that is nearest to `wrong`, if it is near: at most two typing errors, or three in a long name.
pub(super) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = if wrong.len() > 8 { 3 } else { 2 };
    known.map(|name| (distance(wrong, name), name)).min().filter(|(errors, _)| *errors <= limit).map(|(_, name)| name)
}

/// Insertions, deletions and replacements between two texts (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, a) in left.chars().enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        let mut next = vec![before];
        for (b, upper) in right.iter().zip(row.iter().skip(1)) {
            before = (diagonal + usize::from(a != *b)).min(before + 1).min(upper + 1);
            diagonal = *upper;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_counted() {
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("listn", "listen"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = ["listen", "home", "database_url"];
        assert_eq!(nearest("lisen", known.into_iter()), Some("listen"));
        assert_eq!(nearest("databse_url", known.into_iter()), Some("database_url"));
        assert_eq!(nearest("colour", known.into_iter()), None);
    }
}
