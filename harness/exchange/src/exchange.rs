//! The exchange as a handle: start, begin, finish.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use market::Market;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::executor::{self, Orders, Pace};
use crate::hub::Hub;
use crate::journal::{Journal, Logs};
use crate::server::{self, Face, Identity};
use crate::source::{Feedstock, Generator, Replay, Schedule, catalog};
use crate::{Counters, ExchangeConfig, ExchangeError, Faults, Rate, Source};

/// A running exchange. It runs on the runtime on which it was started, and stops when it is dropped.
pub struct Exchange {
    hub: Arc<Hub>,
    address: SocketAddr,
    identity: Option<Identity>,
    markets: Vec<Market>,
    finish_limit: std::time::Duration,
    /// What will be executed once [`Exchange::begin`] is called.
    waiting: Mutex<Option<(Feedstock, Pace)>>,
    executor: Mutex<Option<JoinHandle<()>>>,
    stop_executing: CancellationToken,
    /// Whether the executor is to rest.
    rest: watch::Sender<bool>,
    /// Whether it does; set once it has begun.
    rests: Mutex<Option<watch::Receiver<bool>>>,
    stop: CancellationToken,
}

impl Exchange {
    /// Whether a source can be run at all, for whoever wants to know it before anything else is started.
    ///
    /// # Errors
    /// As [`Exchange::start`], as far as the source is concerned.
    pub fn check(source: &Source) -> Result<(), ExchangeError> {
        prepare(source).map(drop)
    }

    /// Listens and serves; executes nothing before [`Exchange::begin`].
    ///
    /// # Errors
    /// [`ExchangeError`]: a taken port, a journal that cannot be made, a capture that cannot be read, more markets than
    /// are listed, a rate that is none.
    pub async fn start(config: ExchangeConfig) -> Result<Self, ExchangeError> {
        let Prepared { feedstock, faces, pace } = prepare(&config.source)?;
        let spellings = match &feedstock {
            Feedstock::Replayed(replay) => Some(replay.spellings()),
            Feedstock::Generated(_) => None,
        };
        let markets: Vec<Market> = faces.iter().map(|face| face.market).collect();
        let identity = config.tls.then(Identity::new).transpose()?;
        let listen = |error| ExchangeError::Listen {
            address: config.address,
            error,
        };
        let listener = TcpListener::bind(config.address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let journal = Journal::create(&config.journal, &markets)?;
        let logs = Logs::create(&config.journal)?;
        let hub = Arc::new(Hub::new(faces, spellings, config.limits, journal, logs));
        let stop = CancellationToken::new();
        tokio::spawn(server::accept(
            Arc::clone(&hub),
            listener,
            identity.clone(),
            stop.clone(),
        ));
        Ok(Self {
            hub,
            address,
            identity,
            markets,
            finish_limit: config.finish_limit,
            waiting: Mutex::new(Some((feedstock, pace))),
            executor: Mutex::new(None),
            stop_executing: stop.child_token(),
            rest: watch::Sender::new(false),
            rests: Mutex::new(None),
            stop,
        })
    }

    /// Where the WebSocket is: `ws://127.0.0.1:PORT/websocket/v1`, or `wss://localhost:PORT/websocket/v1`.
    pub fn ws_url(&self) -> String {
        match self.identity {
            Some(_) => format!("wss://localhost:{}/websocket/v1", self.address.port()),
            None => format!("ws://{}/websocket/v1", self.address),
        }
    }

    /// What REST paths are appended to: `http://127.0.0.1:PORT/v1`, or `https://localhost:PORT/v1`.
    pub fn rest_url(&self) -> String {
        match self.identity {
            Some(_) => format!("https://localhost:{}/v1", self.address.port()),
            None => format!("http://{}/v1", self.address),
        }
    }

    /// The certificate that a client must trust, in PEM, if the exchange serves over TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.identity.as_ref().map(Identity::ca_pem)
    }

    /// The markets that trade, the busiest first for a generator, in the order of the capture otherwise.
    pub fn markets(&self) -> &[Market] {
        &self.markets
    }

    /// Trades are executed from now on. A second call does nothing.
    pub fn begin(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((source, pace)) = waiting {
            let (rests, answer) = watch::channel(false);
            *self.rests.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            let orders = Orders {
                stop: self.stop_executing.clone(),
                rest: self.rest.subscribe(),
                rests,
            };
            let executing = tokio::spawn(executor::run(Arc::clone(&self.hub), source, pace, orders));
            let task = tokio::spawn(executor::watch(Arc::clone(&self.hub), executing));
            *self.executor.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        }
    }

    /// Executes no more trades, then waits until everything that is queued for connections that can take it is on their
    /// sockets, at most for `finish_limit`; then the journal's files are whole. The exchange goes on serving: REST history,
    /// pings, subscriptions. A pong that a client receives for a ping sent after this comes behind every trade of its
    /// connection.
    ///
    /// Returns the counters at the end: `queued` is 0 unless a client did not take its trades in time.
    pub async fn finish(&self) -> Counters {
        self.stop_executing.cancel();
        let task = self.executor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            self.hub.fail(&error);
        }
        self.settle().await;
        self.counters()
    }

    /// Executes no more trades until [`Exchange::resume`], then does as [`Exchange::finish`] does: what has been executed so
    /// far can be audited. A timetable goes on where it stopped.
    pub async fn pause(&self) -> Counters {
        self.rest.send_replace(true);
        let rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(mut rests) = rests {
            // An error says that the executor has ended, which is rest enough.
            let _ = rests.wait_for(|rests| *rests).await;
        }
        self.settle().await;
        self.counters()
    }

    /// Executes trades again after [`Exchange::pause`].
    pub fn resume(&self) {
        self.rest.send_replace(false);
    }

    /// Waits until the queues are empty, and makes the journal's files whole.
    async fn settle(&self) {
        let emptied = async {
            while !self.hub.is_empty() {
                self.hub.room.notified().await;
            }
        };
        if tokio::time::timeout(self.finish_limit, emptied).await.is_err() {
            tracing::warn!("a client has not taken its trades within {:?}", self.finish_limit);
        }
        if let Err(error) = self.hub.journal().flush() {
            self.hub
                .fail(&format_args!("{error}; make room on the disk, and run again"));
        }
    }

    /// What has happened so far.
    pub fn counters(&self) -> Counters {
        self.hub.counters()
    }

    /// Why the exchange does not do its part any more, in a sentence: it executes nothing, or its journal misses lines. Stays
    /// once it is there. A run with it says nothing about a pipeline: ask now and then, and after [`Exchange::finish`].
    pub fn failure(&self) -> Option<String> {
        self.hub.failure().map(str::to_owned)
    }

    /// The switches of the faults.
    pub fn faults(&self) -> &Faults {
        &self.hub.faults
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What a configured source comes to.
struct Prepared {
    feedstock: Feedstock,
    faces: Vec<Face>,
    pace: Pace,
}

fn prepare(source: &Source) -> Result<Prepared, ExchangeError> {
    match source {
        Source::Generate { seed, markets, rate } => {
            let listings = if *markets == 0 {
                None
            } else {
                catalog::listings(*markets)
            };
            let listings = listings.ok_or_else(|| {
                let listed = catalog::LISTED;
                ExchangeError::Config(format!(
                    "there are no {markets} markets to generate: choose 1 to {listed}"
                ))
            })?;
            let faces = listings
                .iter()
                .map(|listing| Face::new(listing.market, listing.start_price))
                .collect();
            let feedstock = Feedstock::Generated(Box::new(Generator::new(*seed, &listings)));
            Ok(Prepared {
                feedstock,
                faces,
                pace: pace(*rate, *seed)?,
            })
        }
        Source::Capture { path, rate, looped } => {
            let replay = Replay::open(path, *looped)?;
            let faces = replay
                .markets()
                .iter()
                .map(|market| Face::new(*market, replay.first_price(*market)))
                .collect();
            let pace = rate.map_or(Ok(Pace::Recorded), |rate| pace(rate, 0))?;
            Ok(Prepared {
                feedstock: Feedstock::Replayed(replay),
                faces,
                pace,
            })
        }
    }
}

fn pace(rate: Rate, seed: u64) -> Result<Pace, ExchangeError> {
    match rate {
        Rate::Max => Ok(Pace::Max),
        Rate::PerSecond(rate) if rate > 0.0 && rate <= 1e9 => Ok(Pace::Timetable(Schedule::new(seed, rate))),
        Rate::PerSecond(rate) => Err(ExchangeError::Config(format!(
            "a rate of {rate} trades per second cannot be: choose more than 0, or max"
        ))),
    }
}
