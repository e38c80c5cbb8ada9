use std::sync::Arc;

/// A step of a long operation, told as it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The first pass over the file: hashing what the author signs. Bytes.
    Hashing {
        /// So far.
        done: u64,
        /// In all, if known.
        total: Option<u64>,
    },
    /// Encrypting and sending. Bytes of the envelope.
    Sending {
        /// So far.
        done: u64,
        /// In all.
        total: u64,
    },
    /// The envelope is stored; its registration is on its way to the chain.
    Registering,
    /// Asking the operator for the release share.
    Asking,
    /// Fetching, checking and decrypting. Bytes of the envelope.
    Fetching {
        /// So far.
        done: u64,
        /// In all, if known.
        total: Option<u64>,
    },
    /// One of several things is done.
    Items {
        /// So far.
        done: u64,
        /// In all.
        total: u64,
    },
}

/// A listener for the steps of a long operation. Called often, from any thread; must be quick.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(Step) + Send + Sync>);

impl Progress {
    /// Tells `listener`.
    pub fn new(listener: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Tells nobody.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    pub(crate) fn tell(&self, step: Step) {
        (self.0)(step);
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}
