//! Two kinds of load: clients that send the next when the last is answered, and a steady rate that waits for nobody.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::samples::Samples;

/// One of several that work at the same time.
pub(crate) trait Client: Send + 'static {
    /// Sends one and waits for its answer.
    fn step(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// What a turn came to.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) per_second: f64,
    pub(crate) latencies: Samples,
}

/// Lets all clients work for one turn; gives them back for the next.
pub(crate) async fn closed<C: Client>(clients: Vec<C>, turn: Duration) -> anyhow::Result<(Vec<C>, Load)> {
    let began = Instant::now();
    let until = began + turn;
    let mut working = JoinSet::new();
    for mut client in clients {
        working.spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < until {
                let sent = Instant::now();
                client.step().await?;
                latencies.push(sent.elapsed());
            }
            anyhow::Ok((client, latencies))
        });
    }
    let (mut clients, mut latencies) = (Vec::new(), Vec::new());
    while let Some(done) = working.join_next().await {
        let (client, mut its) = done??;
        clients.push(client);
        latencies.append(&mut its);
    }
    let latencies: Samples = latencies.into_iter().collect();
    let per_second = latencies.count() as f64 / began.elapsed().as_secs_f64();
    Ok((clients, Load { per_second, latencies }))
}

/// Starts `send` at an even rate for `length`, whether or not the ones before have ended: one that has to wait is
/// measured from when it was due, and holds no other up. Returns when all have ended.
pub(crate) async fn steady<T, S, F>(per_second: u32, length: Duration, mut send: S) -> anyhow::Result<Vec<T>>
where
    S: FnMut(u64, Instant) -> F,
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let every = Duration::from_secs(1) / per_second;
    let began = Instant::now();
    let mut sent = JoinSet::new();
    let mut due = began;
    let mut number = 0;
    while due < began + length {
        tokio::time::sleep_until(due.into()).await;
        sent.spawn(send(number, due));
        number += 1;
        due += every;
    }
    let mut ended = Vec::new();
    while let Some(done) = sent.join_next().await {
        ended.push(done??);
    }
    Ok(ended)
}
