//! `lime up`, on an empty home and then again.

use std::path::Path;

use crate::Effort;
use crate::product::Place;
use crate::report::Report;
use crate::samples::median;

pub(super) async fn measure(effort: &Effort, lime: &Path, report: &mut Report) -> anyhow::Result<()> {
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..effort.starts {
        let place = Place::new(lime)?;
        for seconds in [&mut cold, &mut warm] {
            let up = place.up().await?;
            seconds.push(up.started_in.as_secs_f64());
            up.stop().await?;
        }
    }
    report.add("start_cold", median(&cold), "s", effort.starts as u64)?;
    report.add("start_warm", median(&warm), "s", effort.starts as u64)
}
