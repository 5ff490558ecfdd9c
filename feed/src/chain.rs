//! An error as one line.

use std::error::Error;

/// An error with all its sources in one line, `what failed: why: why that`. For logs and for what is stored of a
/// failure; an error's own `Display` never repeats its source.
pub fn chain(problem: &dyn Error) -> String {
    let mut text = problem.to_string();
    let mut next = problem.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("middle")]
    struct Middle(#[source] std::fmt::Error);

    #[test]
    fn each_source_is_named_once_and_in_order() {
        let innermost = std::fmt::Error.to_string();
        assert_eq!(chain(&Outer(Middle(std::fmt::Error))), format!("outer: middle: {innermost}"));
        assert_eq!(chain(&std::fmt::Error), innermost);
    }
}
