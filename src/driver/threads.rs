//! The threads that the compiler works on.

use std::num::NonZero;
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Does `work` on one thread for each processor, on fewer where the system refuses so many, or on this thread alone.
///
/// Limits of threads (`RLIMIT_NPROC` of `setrlimit(2)`, `pids.max` of a control group) and of memory make the system
/// refuse them. Without a pool of its own the first parallel step would start rayon's, which panics then.
///
/// # Errors
/// If even this thread alone cannot be used, with the reason.
pub fn on_threads<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R, String> {
    let mut count = available_parallelism().map_or(1, NonZero::get);
    // The first try is rayon's own choice, which `RAYON_NUM_THREADS` may change.
    let mut pool = started(0);
    while let (Err(_), 2..) = (&pool, count / 2) {
        count /= 2;
        pool = started(count);
    }
    let pool = pool.or_else(|_| ThreadPoolBuilder::new().num_threads(1).use_current_thread().build());
    pool.map(|pool| pool.install(work)).map_err(|error| format!("cannot start to work: {error}"))
}

fn started(count: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
    ThreadPoolBuilder::new().num_threads(count).build()
}
