//! Sessions to one server, shared by whoever needs one.
//!
//! A pool opens sessions as they are asked for, up to a limit, and learns a lower one where the server has
//! it: a greeting with 421, or a login refused for too many of them, while others of this pool are in, means
//! that so many are enough, and whoever asked waits for one of those. After a while one more is tried.
//! Idle sessions are kept alive, and one that was idle is asked whether it still lives before it is given
//! out. The pool transfers with retries: what an attempt has brought is kept for the next.
//!
//! Waiting for a session has a deadline, so that who holds all of them and asks for one more is told so
//! instead of waiting for ever.

mod attempts;
mod retrying;

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use ftp_connect_core::{
    ConnectParams, Error, ErrorKind, HostProfile, Operation, Registry, Result, Retry, Session,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

pub(crate) use self::attempts::Attempts;
pub use self::retrying::Operating;
use crate::failure;

/// How a [`Pool`] behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolOptions {
    /// How many sessions at once at most. One by default: more is for whoever runs the server to allow.
    pub sessions: usize,
    /// How many times in a row something may fail without any bytes having come before it is given up. Four by
    /// default.
    pub attempts: usize,
    /// How long the first pause between attempts is; each further one is twice as long, up to thirty times
    /// this, and a little random. A second by default.
    pub pause: Duration,
    /// How long to wait for a session that others hold. A minute by default.
    pub patience: Duration,
    /// How often idle sessions show that they are alive. Every 30 seconds by default: servers and firewalls
    /// end what is silent for minutes, the strict ones for one.
    pub keep_alive: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            sessions: 1,
            attempts: 4,
            pause: Duration::from_secs(1),
            patience: Duration::from_secs(60),
            keep_alive: Duration::from_secs(30),
        }
    }
}

impl PoolOptions {
    /// Sets [`PoolOptions::sessions`]; 0 counts as 1.
    #[must_use]
    pub fn with_sessions(mut self, sessions: usize) -> Self {
        self.sessions = sessions.max(1);
        self
    }

    /// Sets [`PoolOptions::attempts`]; 0 counts as 1.
    #[must_use]
    pub fn with_attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets [`PoolOptions::pause`].
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Sets [`PoolOptions::patience`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets [`PoolOptions::keep_alive`].
    #[must_use]
    pub fn with_keep_alive(mut self, keep_alive: Duration) -> Self {
        self.keep_alive = keep_alive;
        self
    }
}

/// Sessions to one server. Clones share them.
///
/// ```
/// use ftp_connect_core::{ConnectParams, Registry, RemotePath, SessionExt as _};
/// use ftp_connect_testkit::memory::MemoryTransport;
/// use ftp_connect_transfer::{Pool, PoolOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> ftp_connect_core::Result<()> {
/// let registry = Registry::new().with(MemoryTransport::new());
/// let params = ConnectParams::new("memory.example")?;
/// let pool = Pool::new(registry, params, PoolOptions::default().with_sessions(2));
/// let (mut one, mut other) = (pool.session().await?, pool.session().await?);
/// one.write_all(&RemotePath::new("a")?, b"shared", Default::default()).await?;
/// assert_eq!(other.read_to_vec(&RemotePath::new("a")?, 100).await?, b"shared");
/// drop((one, other));
/// pool.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    /// How to make sessions; `None` for a pool of one that was given.
    way: Option<(Registry, ConnectParams)>,
    options: PoolOptions,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Idle>,
    /// How many there are: idle, given out, and being made.
    open: usize,
    limit: usize,
    /// When the server last said that there are too many.
    learnt: Option<Instant>,
    /// What sessions before have learnt about the server.
    profile: Option<HostProfile>,
    keeper: bool,
}

#[derive(Debug)]
struct Idle {
    session: Box<dyn Session>,
    since: Instant,
    /// Whether it must be asked if it lives before it is given out.
    suspect: bool,
}

impl Pool {
    /// A pool that connects with these parameters when a session is asked for.
    pub fn new(registry: Registry, params: ConnectParams, options: PoolOptions) -> Self {
        Self::with_state(Some((registry, params)), options, State::default())
    }

    /// Puts a session in that stands already, to the server of the pool's parameters; it counts as one of the
    /// pool's.
    #[must_use]
    pub fn with_session(self, session: Box<dyn Session>) -> Self {
        self.learn(&*session);
        let mut state = self.0.state();
        state.open += 1;
        state.idle.push(Idle {
            session,
            since: Instant::now(),
            suspect: false,
        });
        drop(state);
        self
    }

    /// A pool of the one session that there is: it cannot make another when this one is lost.
    pub fn of(session: Box<dyn Session>, options: PoolOptions) -> Self {
        let idle = Idle {
            session,
            since: Instant::now(),
            suspect: false,
        };
        let state = State {
            idle: vec![idle],
            open: 1,
            ..State::default()
        };
        Self::with_state(None, options.with_sessions(1), state)
    }

    fn with_state(
        way: Option<(Registry, ConnectParams)>,
        options: PoolOptions,
        mut state: State,
    ) -> Self {
        state.limit = options.sessions.max(1);
        Self(Arc::new(Inner {
            way,
            options,
            state: Mutex::new(state),
            freed: Notify::new(),
        }))
    }

    /// A session, which goes back when it is dropped: one that is idle, else a new one, else the next that
    /// somebody gives back.
    ///
    /// # Errors
    /// What connecting ends in after all attempts; [`ErrorKind::TooManyConnections`] if none came back in time.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is taken until it is returned.
    pub async fn session(&self) -> Result<PooledSession> {
        let deadline = Instant::now() + self.0.options.patience;
        let mut attempts = Attempts::new(&self.0.options);
        loop {
            let freed = self.0.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            match self.next_step() {
                Step::Idle(mut session, suspect) => {
                    if !suspect || session.lives().await {
                        return Ok(session);
                    }
                    session.discard();
                }
                Step::Connect(place) => match self.connect().await {
                    Ok(session) => {
                        self.learn(&*session);
                        return Ok(PooledSession {
                            session: Some(session),
                            place,
                            suspect: true,
                        });
                    }
                    Err(error) if self.0.learns_limit(&error) => drop(place),
                    Err(error) => {
                        drop(place);
                        if !attempts.again(&error).await {
                            return Err(error);
                        }
                    }
                },
                Step::Wait => {
                    if timeout_at(deadline, freed).await.is_err() {
                        return Err(Error::new(ErrorKind::TooManyConnections)
                            .with_operation(Operation::Connect)
                            .with_message(
                                "all sessions are in use, and none became free in time",
                            ));
                    }
                }
                Step::Never => {
                    return Err(Error::new(ErrorKind::Closed)
                        .with_operation(Operation::Connect)
                        .with_message("the only session is lost"));
                }
            }
        }
    }

    /// A session if one can be had without waiting for others or trying again.
    pub(crate) async fn session_now(&self) -> Option<PooledSession> {
        match self.next_step() {
            Step::Idle(mut session, suspect) => {
                if !suspect || session.lives().await {
                    return Some(session);
                }
                session.discard();
                None
            }
            Step::Connect(place) => {
                let connected = self.connect().await;
                let connected = connected.inspect_err(|error| _ = self.0.learns_limit(error));
                let session = Some(connected.ok()?);
                Some(PooledSession {
                    session,
                    place,
                    suspect: true,
                })
            }
            Step::Wait | Step::Never => None,
        }
    }

    /// How many sessions the server allows, as far as is known.
    pub fn limit(&self) -> usize {
        self.0.state().limit
    }

    /// What the sessions have learnt about the server.
    pub fn profile(&self) -> Option<HostProfile> {
        self.0.state().profile.clone()
    }

    /// Takes leave of the server with all sessions that are not in use.
    pub async fn close(&self) {
        let idle = std::mem::take(&mut self.0.state().idle);
        for idle in idle {
            let place = Place(Arc::clone(&self.0));
            // There is nothing left that could fail to arrive.
            let _ = idle.session.close().await;
            drop(place);
        }
    }

    pub(crate) fn options(&self) -> &PoolOptions {
        &self.0.options
    }

    pub(crate) fn attempts(&self) -> Attempts {
        Attempts::new(&self.0.options)
    }

    fn next_step(&self) -> Step {
        let mut state = self.0.state();
        if let Some(idle) = state.idle.pop() {
            let suspect = idle.suspect || idle.since.elapsed() > FRESH;
            let session = PooledSession {
                session: Some(idle.session),
                place: Place(Arc::clone(&self.0)),
                suspect: true,
            };
            return Step::Idle(session, suspect);
        }
        if self.0.way.is_none() {
            return if state.open == 0 {
                Step::Never
            } else {
                Step::Wait
            };
        }
        if state.limit < self.0.options.sessions
            && state
                .learnt
                .is_none_or(|learnt| learnt.elapsed() > HARD_FEELINGS)
        {
            state.limit += 1;
            state.learnt = Some(Instant::now());
        }
        if state.open < state.limit {
            state.open += 1;
            return Step::Connect(Place(Arc::clone(&self.0)));
        }
        Step::Wait
    }

    async fn connect(&self) -> Result<Box<dyn Session>> {
        let (registry, params) = self.0.way.as_ref().expect("asked only where there is one");
        let profile = self.0.state().profile.clone();
        match profile {
            Some(profile) => {
                registry
                    .connect(&params.clone().with_profile(profile))
                    .await
            }
            None => registry.connect(params).await,
        }
    }

    fn learn(&self, session: &dyn Session) {
        if let Some(profile) = session.profile() {
            self.0.state().profile = Some(profile);
        }
    }

    /// Keeps idle sessions alive until the pool is gone.
    fn keep(inner: &Arc<Inner>) {
        let every = inner.options.keep_alive;
        let weak = Arc::downgrade(inner);
        if tokio::runtime::Handle::try_current().is_ok() {
            inner.state().keeper = true;
            tokio::spawn(keep_alive(weak, every));
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state();
        f.debug_struct("Pool")
            .field("open", &state.open)
            .field("idle", &state.idle.len())
            .field("limit", &state.limit)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// A panic elsewhere while the lock was held left no half-made state: each change is one step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this refusal only means that the sessions there are must do; the limit is then theirs.
    ///
    /// A login that others of this pool have passed with the same words was not refused for them: servers
    /// that count logins say 530 (Pure-FTPd, pyftpdlib).
    fn learns_limit(&self, error: &Error) -> bool {
        let about_number = matches!(
            error.kind(),
            ErrorKind::TooManyConnections | ErrorKind::LoginRefused
        );
        let mut state = self.state();
        let others = state.open.saturating_sub(1);
        if !about_number || others == 0 {
            return false;
        }
        state.limit = state.limit.min(others);
        state.learnt = Some(Instant::now());
        true
    }
}

enum Step {
    Idle(PooledSession, bool),
    Connect(Place),
    Wait,
    Never,
}

/// One of the sessions that there may be.
struct Place(Arc<Inner>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.state().open -= 1;
        self.0.freed.notify_one();
    }
}

/// A session that goes back to its pool when it is dropped.
///
/// One that failed need not be dealt with: it is asked whether it lives before it is given out again, unless
/// [`give_back`](Self::give_back) says that it does.
pub struct PooledSession {
    session: Option<Box<dyn Session>>,
    place: Place,
    suspect: bool,
}

impl PooledSession {
    /// Gives the session back as one that has just done what it was asked to.
    pub fn give_back(mut self) {
        self.suspect = false;
    }

    /// Ends the session instead of giving it back.
    pub fn discard(mut self) {
        self.session = None;
    }

    /// Gives it back or ends it, as this failure advises.
    pub(crate) fn judge(self, error: &Error) {
        if failure::is_lost(error) || error.retry() == Retry::NewSession {
            self.discard();
        }
    }

    async fn lives(&mut self) -> bool {
        match self.keep_alive().await {
            Ok(()) => true,
            Err(error) => *error.kind() == ErrorKind::Unsupported,
        }
    }
}

impl Deref for PooledSession {
    type Target = dyn Session;

    fn deref(&self) -> &Self::Target {
        &**self.session.as_ref().expect("there until it is dropped")
    }
}

impl DerefMut for PooledSession {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut **self.session.as_mut().expect("there until it is dropped")
    }
}

impl fmt::Debug for PooledSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PooledSession").field(&self.session).finish()
    }
}

impl Drop for PooledSession {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        let inner = Arc::clone(&self.place.0);
        let keeper = {
            let mut state = inner.state();
            if let Some(profile) = session.profile() {
                state.profile = Some(profile);
            }
            state.idle.push(Idle {
                session,
                since: Instant::now(),
                suspect: self.suspect,
            });
            // Its place is dropped after this and counts one down.
            state.open += 1;
            state.keeper
        };
        if !keeper {
            Pool::keep(&inner);
        }
    }
}

async fn keep_alive(pool: Weak<Inner>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(inner) = pool.upgrade() else {
            return;
        };
        let resting = {
            let mut state = inner.state();
            let (resting, fresh) = std::mem::take(&mut state.idle)
                .into_iter()
                .partition::<Vec<_>, _>(|idle| idle.since.elapsed() >= every);
            state.idle = fresh;
            resting
        };
        for idle in resting {
            let mut session = PooledSession {
                session: Some(idle.session),
                place: Place(Arc::clone(&inner)),
                suspect: false,
            };
            if !session.lives().await {
                session.discard();
            }
        }
    }
}

/// How long a session may have been idle to be given out unasked.
const FRESH: Duration = Duration::from_secs(5);

/// After how long it is tried again whether the server allows one more.
const HARD_FEELINGS: Duration = Duration::from_secs(60);
