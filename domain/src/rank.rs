//! Fractional ranks: a place between any two others, as text that sorts by bytes.
