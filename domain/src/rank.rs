//! Fractional ranks: a place between any two others, as text that sorts by bytes.
//!
//! A rank is an integer and a fraction, both in base 62 (`0-9A-Za-z`, which is byte order). The integer's first
//! character says how many digits follow: `a` one, `b` two, …, `k` eleven; `Z` one, `Y` two, … for those below zero.
//! So `a5 < a5V < a6 < az < b10`, and `Zz < a0`. The fraction never ends with `0`, so there is always room before it.
//!
//! The end of a column takes the next integer of the board's counter ([`from_counter`]); a place between two others
//! takes a fraction that stays below the next integer. Therefore the counter's next rank is above every rank that
//! was ever made, and appending never looks at another card.

use crate::limits::RANK_MAX_CHARS;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE: u64 = 62;
/// Digits that hold every `u64`.
const MOST_DIGITS: usize = 11;

/// The rank at the end of a column, from the board's counter. Larger `n` give larger ranks.
pub fn from_counter(n: u64) -> String {
    integer(i128::from(n))
}

/// A rank above `after` and below `before`; with only one of them next to it; with neither the rank of an empty column.
///
/// None when there is no room: the two are equal or the wrong way round, or one of them is not a rank.
pub fn between(after: Option<&str>, before: Option<&str>) -> Option<String> {
    let after = after.map(Rank::parse).map_or(Some(None), |rank| rank.map(Some))?;
    let before = before.map(Rank::parse).map_or(Some(None), |rank| rank.map(Some))?;
    match (after, before) {
        (None, None) => Some(from_counter(0)),
        (None, Some(before)) => Some(if before.fraction.is_empty() {
            integer(before.integer.checked_sub(1)?)
        } else {
            integer(before.integer)
        }),
        // Never the next integer: that one is the counter's to give.
        (Some(after), None) => Some(after.with_fraction(&middle(after.fraction, None)?)),
        (Some(after), Some(before)) if after.integer == before.integer => {
            Some(after.with_fraction(&middle(after.fraction, Some(before.fraction))?))
        }
        (Some(after), Some(before)) if after.integer < before.integer => {
            let next = after.integer.checked_add(1)?;
            Some(if next < before.integer || !before.fraction.is_empty() {
                integer(next + (before.integer - next) / 2)
            } else {
                after.with_fraction(&middle(after.fraction, None)?)
            })
        }
        (Some(_), Some(_)) => None,
    }
}

/// Whether a rank has grown so long that its neighbourhood should be spread anew.
pub fn is_long(rank: &str) -> bool {
    rank.len() > RANK_MAX_CHARS
}

/// `count` ranks, rising, all above `after` and below `before`: what a rebalancing hands out. Short where there is room.
///
/// None when there is no room at all between the two.
pub fn spread(after: Option<&str>, before: Option<&str>, count: usize) -> Option<Vec<String>> {
    let Some(half) = count.checked_sub(1).map(|others| others / 2) else { return Some(Vec::new()) };
    let middle = between(after, before)?;
    let mut ranks = spread(after, Some(&middle), half)?;
    let above = spread(Some(&middle), before, count - 1 - half)?;
    ranks.push(middle);
    ranks.extend(above);
    Some(ranks)
}

#[derive(Clone, Copy)]
struct Rank<'a> {
    integer: i128,
    fraction: &'a [u8],
}

impl<'a> Rank<'a> {
    fn parse(rank: &'a str) -> Option<Self> {
        let (head, rest) = rank.as_bytes().split_first()?;
        let (count, below_zero) = match head {
            b'a'..=b'z' => (usize::from(head - b'a') + 1, false),
            b'A'..=b'Z' => (usize::from(b'Z' - head) + 1, true),
            _ => return None,
        };
        if count > MOST_DIGITS {
            return None;
        }
        let (digits, fraction) = rest.split_at_checked(count)?;
        if fraction.last() == Some(&b'0') || !fraction.iter().all(|c| DIGITS.contains(c)) {
            return None;
        }
        let magnitude = digits.iter().try_fold(0_i128, |sum, c| Some(sum * i128::from(BASE) + value(*c)?))?;
        let integer = if below_zero { magnitude - power(count) - below(count) } else { magnitude + below(count) };
        Some(Self { integer, fraction })
    }

    fn with_fraction(&self, fraction: &[u8]) -> String {
        let mut rank = integer(self.integer);
        rank.extend(fraction.iter().map(|c| char::from(*c)));
        rank
    }
}

/// How many integers have fewer than `count` digits: where those with `count` begin.
fn below(count: usize) -> i128 {
    (1..count).map(power).sum()
}

fn power(count: usize) -> i128 {
    (0..count).fold(1, |product, _| product * i128::from(BASE))
}

fn value(digit: u8) -> Option<i128> {
    DIGITS.iter().position(|c| *c == digit).and_then(|at| i128::try_from(at).ok())
}

fn integer(n: i128) -> String {
    // -1 is the largest with one digit below zero, so it mirrors 0.
    let (mirrored, below_zero) = if n < 0 { (-1 - n, true) } else { (n, false) };
    let count = (1..=MOST_DIGITS).find(|count| mirrored < below(*count + 1)).unwrap_or(MOST_DIGITS);
    let mut left = mirrored - below(count);
    if below_zero {
        left = power(count) - 1 - left;
    }
    let step = u8::try_from(count - 1).unwrap_or(0);
    let mut digits = vec![char::from(if below_zero { b'Z' - step } else { b'a' + step })];
    for place in (0..count).rev() {
        let digit = usize::try_from(left / power(place) % i128::from(BASE)).unwrap_or(0);
        digits.push(char::from(DIGITS.get(digit).copied().unwrap_or(b'0')));
    }
    digits.into_iter().collect()
}

/// A fraction above `low` and below `high` (none: below one), as short as it gets, never ending with `0`.
fn middle(low: &[u8], high: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut result = Vec::new();
    let mut high = high;
    let mut place = 0;
    loop {
        let floor = low.get(place).map_or(Some(0), |c| value(*c))?;
        let ceiling = match high {
            None => i128::from(BASE),
            // All digits alike so far, and `high` is used up: it is not above `low`.
            Some(digits) => value(*digits.get(place)?)?,
        };
        if floor > ceiling {
            return None;
        }
        if ceiling - floor > 1 {
            result.push(*DIGITS.get(usize::try_from(floor.midpoint(ceiling)).ok()?)?);
            return Some(result);
        }
        result.push(*DIGITS.get(usize::try_from(floor).ok()?)?);
        if floor < ceiling {
            // This place is below `high` already: what follows only has to be above `low`. But when `high` goes on,
            // its own beginning is a shorter answer.
            let goes_on = high.is_some_and(|digits| digits.len() > place + 1);
            if goes_on {
                result.pop();
                result.push(*DIGITS.get(usize::try_from(ceiling).ok()?)?);
                return Some(result);
            }
            high = None;
        }
        place += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_counter_rises_through_every_length() {
        let around = [0, 1, 60, 61, 62, 63, 3_905, 3_906, 242_233, 242_234, u64::MAX - 1, u64::MAX];
        for pair in around.windows(2) {
            assert!(from_counter(pair[0]) < from_counter(pair[1]), "{pair:?}");
        }
        assert_eq!(from_counter(1), "a1");
        assert_eq!(from_counter(62), "b00");
    }

    #[test]
    fn the_end_is_above_whatever_between_made() {
        let mut last = from_counter(7);
        for _ in 0..100 {
            last = between(Some(&last), None).unwrap();
            assert!(last > from_counter(7) && last < from_counter(8));
        }
    }

    #[test]
    fn there_is_always_room_before_the_first() {
        let mut first = from_counter(1);
        for _ in 0..5_000 {
            let before = between(None, Some(&first)).unwrap();
            assert!(before < first && before.len() <= 4);
            first = before;
        }
    }

    #[test]
    fn three_hundred_alternating_inserts_stay_in_order() {
        let (mut low, mut high) = (from_counter(1), from_counter(2));
        for step in 0..300 {
            let new = between(Some(&low), Some(&high)).unwrap();
            assert!(low < new && new < high, "{low} {new} {high}");
            if step % 2 == 0 { low = new } else { high = new }
        }
        assert!(is_long(&low) && low.len() < 80);
    }

    #[test]
    fn there_is_no_room_between_equals_or_the_wrong_way_round() {
        assert_eq!(between(Some("a1"), Some("a1")), None);
        assert_eq!(between(Some("a2"), Some("a1V")), None);
        assert_eq!(between(Some("a1V"), Some("a1")), None);
        assert_eq!(between(Some("not a rank"), None), None);
        assert_eq!(between(Some("a10"), None), None, "a fraction never ends with 0");
    }

    #[test]
    fn a_spread_is_short_again() {
        let ranks = spread(Some("a1"), Some("a2"), 1_000).unwrap();
        assert_eq!(ranks.len(), 1_000);
        assert!(ranks.is_sorted_by(|a, b| a < b));
        assert!(ranks.iter().all(|rank| rank.as_str() > "a1" && rank.as_str() < "a2" && rank.len() <= 6));
    }

    proptest! {
        #[test]
        fn any_row_of_inserts_stays_in_order(places in prop::collection::vec(0_usize..1_000, 1..300)) {
            let mut column: Vec<String> = vec![];
            for place in places {
                let at = place % (column.len() + 1);
                let after = at.checked_sub(1).map(|index| column[index].clone());
                let new = between(after.as_deref(), column.get(at).map(String::as_str)).unwrap();
                column.insert(at, new);
            }
            prop_assert!(column.is_sorted_by(|a, b| a < b));
        }

        #[test]
        fn integers_sort_as_numbers(a in any::<u64>(), b in any::<u64>()) {
            prop_assert_eq!(a.cmp(&b), from_counter(a).cmp(&from_counter(b)));
            let (a, b) = (i128::from(a) - i128::from(u64::MAX / 2), i128::from(b) - i128::from(u64::MAX / 2));
            prop_assert_eq!(a.cmp(&b), integer(a).cmp(&integer(b)));
            let text = integer(a);
            prop_assert_eq!(Rank::parse(&text).map(|rank| rank.integer), Some(a));
        }

        #[test]
        fn garbage_never_panics(a in any::<Option<String>>(), b in any::<Option<String>>()) {
            let _ = between(a.as_deref(), b.as_deref());
        }
    }
}
