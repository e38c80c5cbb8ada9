//! A runtime with simulated time. Time advances only when no task can run, and a seed decides which task runs next.
//!
//! tokio can pause its clock but cannot choose the order of tasks, and its feature for that (`test-util`) would build
//! every crate that uses tokio a second time. `turmoil` and `madsim` simulate sockets; our simulation replaces the
//! chain and the store, which are above sockets.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use tokio::sync::oneshot;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The future that [`run`] was given.
const MAIN: u64 = 0;

#[derive(Default)]
struct World {
    now: Duration,
    /// Timers, ordered by time and then by creation.
    timers: BTreeMap<(Duration, u64), Waker>,
    tasks: BTreeMap<u64, Task>,
    ready: Vec<u64>,
    next: u64,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<World>>);

thread_local! {
    static CURRENT: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

fn current() -> Option<Shared> {
    CURRENT.with_borrow(Clone::clone)
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("nothing panics while it holds the world")
    }
}

struct TaskWaker {
    shared: Shared,
    id: u64,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut world = self.shared.world();
        if !world.ready.contains(&self.id) {
            world.ready.push(self.id);
        }
    }
}

/// Runs a future, and the tasks that it spawns, in simulated time. `choose` gets a number and returns a smaller one.
///
/// # Panics
/// When every task waits for something that will never happen.
pub fn run<T>(main: impl Future<Output = T>, mut choose: impl FnMut(usize) -> usize) -> T {
    let shared = Shared::default();
    {
        let mut world = shared.world();
        world.ready.push(MAIN);
        world.next = MAIN + 1;
    }
    CURRENT.set(Some(shared.clone()));
    let _reset = Reset;
    let mut main = std::pin::pin!(main);
    loop {
        let (id, task) = {
            let mut world = shared.world();
            if world.ready.is_empty() {
                let ((at, _), waker) = world.timers.pop_first().expect("somebody waits for a time");
                world.now = world.now.max(at);
                drop(world);
                waker.wake();
                continue;
            }
            let chosen = choose(world.ready.len());
            let id = world.ready.swap_remove(chosen);
            (id, world.tasks.remove(&id))
        };
        let waker = Waker::from(Arc::new(TaskWaker { shared: shared.clone(), id }));
        let mut context = Context::from_waker(&waker);
        if id == MAIN {
            if let Poll::Ready(value) = main.as_mut().poll(&mut context) {
                // Dropped outside the lock, because dropping a task may wake others.
                let left = std::mem::take(&mut shared.world().tasks);
                drop(left);
                return value;
            }
        } else if let Some(mut task) = task
            && task.as_mut().poll(&mut context).is_pending()
        {
            shared.world().tasks.insert(id, task);
        }
    }
}

struct Reset;

impl Drop for Reset {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// Returns the present time.
    #[must_use]
    pub fn now() -> Self {
        static START: OnceLock<std::time::Instant> = OnceLock::new();
        Self(match current() {
            Some(shared) => shared.world().now,
            None => START.get_or_init(std::time::Instant::now).elapsed(),
        })
    }

    /// Returns the time since this point.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

/// Waits for `duration`.
pub async fn sleep(duration: Duration) {
    match current() {
        Some(shared) => {
            let key = {
                let mut world = shared.world();
                world.next += 1;
                (world.now + duration, world.next)
            };
            Sleep { shared, key }.await;
        }
        None => tokio::time::sleep(duration).await,
    }
}

struct Sleep {
    shared: Shared,
    key: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut world = self.shared.world();
        if world.now >= self.key.0 {
            return Poll::Ready(());
        }
        world.timers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let timer = self.shared.world().timers.remove(&self.key);
        drop(timer);
    }
}

/// The time limit was reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

/// Runs `future` for at most `duration`.
///
/// # Errors
/// [`Elapsed`] when it is not finished by then.
pub async fn timeout<F: Future>(duration: Duration, future: F) -> Result<F::Output, Elapsed> {
    tokio::select! {
        biased;
        output = future => Ok(output),
        () = sleep(duration) => Err(Elapsed),
    }
}

/// A spawned task.
pub enum JoinHandle<T> {
    /// A task on tokio.
    Real(tokio::task::JoinHandle<T>),
    /// A task in simulated time.
    Simulated(Simulated<T>),
}

/// A task in simulated time.
pub struct Simulated<T> {
    shared: Shared,
    id: u64,
    result: oneshot::Receiver<T>,
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinHandle")
    }
}

impl<T> JoinHandle<T> {
    /// Aborts the task at the place where it waits.
    pub fn abort(&self) {
        match self {
            Self::Real(task) => task.abort(),
            Self::Simulated(task) => {
                let ended = task.shared.world().tasks.remove(&task.id);
                drop(ended);
            }
        }
    }

    /// Returns whether the task has ended and its result was not taken yet.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match self {
            Self::Real(task) => task.is_finished(),
            Self::Simulated(task) => !task.result.is_empty() || task.result.is_terminated(),
        }
    }
}

impl<T> Future for JoinHandle<T> {
    /// An error means that the task was aborted.
    type Output = Result<T, Elapsed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Real(task) => Pin::new(task).poll(context).map_err(|_| Elapsed),
            Self::Simulated(task) => Pin::new(&mut task.result).poll(context).map_err(|_| Elapsed),
        }
    }
}

/// Starts a task.
pub fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let Some(shared) = current() else { return JoinHandle::Real(tokio::spawn(future)) };
    let (sender, result) = oneshot::channel();
    let id = {
        let mut world = shared.world();
        world.next += 1;
        let id = world.next;
        let task = async move {
            // The receiver may be gone.
            drop(sender.send(future.await));
        };
        world.tasks.insert(id, Box::pin(task));
        world.ready.push(id);
        id
    };
    JoinHandle::Simulated(Simulated { shared, id, result })
}
