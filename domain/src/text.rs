//! What text may hold, checked at the command boundary.
