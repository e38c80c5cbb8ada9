//! Limits on connections and requests at a time, for one network address and in total.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::network;

/// The numbers of places.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// For one network.
    pub network: usize,
    /// For all networks that may belong to one owner: an IPv4 /24 or an IPv6 /48.
    pub wide_network: usize,
    /// In total.
    pub all: usize,
}

/// A limited number of places, shared by everything that needs one.
#[derive(Clone, Debug)]
pub struct Places {
    bounds: Bounds,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    networks: HashMap<IpAddr, usize>,
    wide_networks: HashMap<IpAddr, usize>,
}

/// The reason why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// This network has reached its maximum.
    ForThis,
    /// All places are taken.
    ForAll,
}

/// A taken place. It becomes free when the last copy is dropped.
#[derive(Clone, Debug)]
pub struct Place {
    #[expect(dead_code, reason = "held for its Drop")]
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    places: Places,
    /// `None` if the place is counted only in total.
    network: Option<IpAddr>,
}

impl Places {
    /// Creates the places, all free.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, taken: Arc::default() }
    }

    /// Takes a place for a network.
    ///
    /// # Errors
    /// Returns [`Full`].
    pub fn take(&self, network: IpAddr) -> Result<Place, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |counts: &HashMap<IpAddr, usize>, network| counts.get(&network).copied().unwrap_or(0);
        let wide = network::wide(network);
        if count(&taken.networks, network) >= self.bounds.network
            || count(&taken.wide_networks, wide) >= self.bounds.wide_network
        {
            return Err(Full::ForThis);
        }
        let place = self.take_among_all(&mut taken, Some(network))?;
        *taken.networks.entry(network).or_default() += 1;
        *taken.wide_networks.entry(wide).or_default() += 1;
        Ok(place)
    }

    /// Takes a place for a peer that represents many networks: a proxy.
    ///
    /// # Errors
    /// Returns [`Full::ForAll`].
    pub fn take_for_many(&self) -> Result<Place, Full> {
        self.take_among_all(&mut self.taken.lock().unwrap_or_else(PoisonError::into_inner), None)
    }

    fn take_among_all(&self, taken: &mut Taken, network: Option<IpAddr>) -> Result<Place, Full> {
        if taken.all >= self.bounds.all {
            return Err(Full::ForAll);
        }
        taken.all += 1;
        Ok(Place { held: Arc::new(Held { places: self.clone(), network }) })
    }

    /// Returns the number of taken places.
    #[must_use]
    pub fn count(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(network) = self.network {
            give_back(&mut taken.networks, network);
            give_back(&mut taken.wide_networks, network::wide(network));
        }
    }
}

fn give_back(counts: &mut HashMap<IpAddr, usize>, network: IpAddr) {
    if let Entry::Occupied(mut count) = counts.entry(network) {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(network: usize, wide_network: usize, all: usize) -> Places {
        Places::new(Bounds { network, wide_network, all })
    }

    fn address(text: &str) -> IpAddr {
        network::of(text.parse().expect("an address"))
    }

    #[test]
    fn a_place_is_free_again_when_its_last_copy_is_gone() {
        let places = places(2, 3, 3);
        let [one, two] = ["192.0.2.1", "192.0.2.2"].map(address);
        let first = places.take(one).expect("free");
        let second = places.take(one).expect("free");
        assert_eq!(places.take(one).err(), Some(Full::ForThis));
        let third = places.take(two).expect("other networks have their own places");
        assert_eq!(places.take(address("198.51.100.1")).err(), Some(Full::ForAll));
        assert_eq!(places.take_for_many().err(), Some(Full::ForAll));
        let copy = first.clone();
        drop(first);
        assert_eq!(places.take(one).err(), Some(Full::ForThis));
        drop(copy);
        let again = places.take(one).expect("free again");
        drop((again, second, third));
        assert_eq!(places.count(), 0);
        let taken = places.taken.lock().expect("whole");
        assert!(
            taken.networks.is_empty() && taken.wide_networks.is_empty(),
            "nothing is stored for clients that have gone"
        );
    }

    #[test]
    fn one_owner_of_many_networks_does_not_get_all_their_places() {
        for [one, two, three, other] in [
            ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.3.1"],
            ["2001:db8:1:1::", "2001:db8:1:2::", "2001:db8:1:3::", "2001:db8:2:1::"],
        ] {
            let places = places(2, 2, 100);
            let held = [one, two].map(|one| places.take(address(one)).expect("free"));
            assert_eq!(places.take(address(three)).err(), Some(Full::ForThis));
            assert!(places.take(address(other)).is_ok());
            assert!(places.take_for_many().is_ok());
            drop(held);
            assert!(places.take(address(three)).is_ok());
        }
    }
}
