//! How many at a time: connections and requests, of one network address and in all.

use std::{
    collections::HashMap,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};

/// A number of places, shared by all that want one.
#[derive(Clone, Debug)]
pub struct Places {
    each_max: usize,
    all_max: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    each: HashMap<IpAddr, usize>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// This network has as many as one may have.
    ForThis,
    /// All are taken.
    ForAll,
}

/// A taken place; free again when the last copy is dropped.
#[derive(Clone, Debug)]
pub struct Place {
    #[expect(dead_code, reason = "held for its Drop")]
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    places: Places,
    network: IpAddr,
}

impl Places {
    /// At most `each_max` for one network and `all_max` for all of them.
    #[must_use]
    pub fn new(each_max: usize, all_max: usize) -> Self {
        Self { each_max, all_max, taken: Arc::default() }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// [`Full`].
    pub fn take(&self, network: IpAddr) -> Result<Place, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let each = taken.each.get(&network).copied().unwrap_or(0);
        if each >= self.each_max {
            return Err(Full::ForThis);
        }
        if taken.all >= self.all_max {
            return Err(Full::ForAll);
        }
        taken.all += 1;
        taken.each.insert(network, each + 1);
        Ok(Place { held: Arc::new(Held { places: self.clone(), network }) })
    }

    /// How many are taken.
    #[must_use]
    pub fn count(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(each) = taken.each.get_mut(&self.network) {
            *each -= 1;
            if *each == 0 {
                taken.each.remove(&self.network);
            }
        }
    }
}

/// A body that holds something until it has been sent, or nobody wants it any more.
pub(crate) struct HeldBody<T> {
    body: Body,
    #[expect(dead_code, reason = "held for its Drop")]
    held: T,
}

impl<T> HeldBody<T> {
    pub(crate) const fn new(body: Body, held: T) -> Self {
        Self { body, held }
    }
}

impl<T: Unpin> hyper::body::Body for HeldBody<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_last_copy_is_gone() {
        let places = Places::new(2, 3);
        let [one, two]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().expect("an address"));
        let first = places.take(one).expect("free");
        let second = places.take(one).expect("free");
        assert_eq!(places.take(one).err(), Some(Full::ForThis));
        let third = places.take(two).expect("others have places of their own");
        assert_eq!(places.take(two).err(), Some(Full::ForAll));
        let copy = first.clone();
        drop(first);
        assert_eq!(places.take(one).err(), Some(Full::ForThis));
        drop(copy);
        let again = places.take(one).expect("free again");
        drop((again, second, third));
        assert_eq!(places.count(), 0);
        assert!(places.taken.lock().expect("whole").each.is_empty(), "nothing is kept of who has gone");
    }
}
