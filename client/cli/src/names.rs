//! Names of people: the private name first, then the public profile that an active accreditor signed, otherwise the
//! address.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use client::{
    Client, accreditation,
    contacts::{self, Contact},
    error::codes,
    unlock::Keys,
};
use futures::{StreamExt, stream};

use super::{
    failure::{self, Failure},
    screen::plain,
    settings::Context,
    who::{self, WhoError},
};

/// The names of the people that a command shows.
pub(crate) struct Names {
    me: Address,
    names: BTreeMap<Address, String>,
}

impl Names {
    /// Finds names for `people`: from the contacts, if the keys are unlocked or the passphrase need not be asked for,
    /// then from the directory. Names are optional: one that cannot be fetched is left out.
    pub(crate) async fn of(
        context: &Context,
        client: &Client,
        keys: Option<&Keys>,
        people: impl IntoIterator<Item = Address>,
    ) -> Self {
        let mut names = BTreeMap::new();
        let me = client.address();
        if context.screen.is_json() {
            return Self { me, names };
        }
        let contacts = match keys {
            Some(keys) => contacts::list(client, keys).await.map_err(Failure::from),
            None if context.has_passphrase() => match context.keys(client).await {
                Ok(keys) => contacts::list(client, &keys).await.map_err(Failure::from),
                Err(failure) => Err(failure),
            },
            None => Ok(Vec::new()),
        };
        for Contact { address, name } in contacts.unwrap_or_default() {
            names.insert(address, plain(&name));
        }
        let mut unnamed: Vec<Address> =
            people.into_iter().filter(|person| *person != me && !names.contains_key(person)).collect();
        unnamed.sort_unstable();
        unnamed.dedup();
        let found: Vec<_> = stream::iter(unnamed)
            .map(|address| async move { (address, accreditation::person(client, address).await) })
            .buffer_unordered(8)
            .collect()
            .await;
        for (address, person) in found {
            if let Ok(Some(accreditation::Person { name: Some(name), .. })) = person {
                names.insert(address, plain(&name));
            }
        }
        Self { me, names }
    }

    /// Returns a person's name, if it is known.
    pub(crate) fn find(&self, address: Address) -> Option<String> {
        if address == self.me { Some("you".to_owned()) } else { self.names.get(&address).cloned() }
    }

    /// Returns a person's name, or the shortened address, for a sentence or a table.
    pub(crate) fn call(&self, address: Address) -> String {
        self.find(address).unwrap_or_else(|| shortened(address))
    }

    /// Returns a person's name with the shortened address, for the sentence before a signature: `Ada (0xf39Fd6…2266)`.
    pub(crate) fn call_exactly(&self, address: Address) -> String {
        match self.find(address) {
            Some(name) => format!("{name} ({})", shortened(address)),
            None => address.to_checksum(None),
        }
    }

    /// Returns what [`Self::call`] returns, for the start of a sentence.
    pub(crate) fn begin(&self, address: Address) -> String {
        let name = self.call(address);
        if name == "you" { "You".to_owned() } else { name }
    }
}

/// Returns an address, shortened for a table: `0xf39Fd6…2266`.
pub(crate) fn shortened(address: Address) -> String {
    let text = address.to_checksum(None);
    format!("{}…{}", &text[..8], &text[38..])
}

/// Finds the person that `text` names. Names come from the contacts; the keys are unlocked for this if necessary.
pub(crate) async fn resolve(
    context: &Context,
    client: &Client,
    keys: Option<&Keys>,
    text: &str,
) -> Result<Address, Failure> {
    let refuse = |error: WhoError| match error {
        WhoError::UnknownName(_) => Failure::new(codes::NOT_FOUND, error.to_string())
            .remedy("Write the address, or add the name first: medlock contacts add NAME ADDRESS"),
        _ => failure::usage(error).remedy("Copy the address again from its source"),
    };
    match who::find(text, client.address(), []) {
        Err(WhoError::UnknownName(_)) => {}
        found => return found.map_err(refuse),
    }
    let contacts = match keys {
        Some(keys) => contacts::list(client, keys).await?,
        None => contacts::list(client, &context.keys(client).await?).await?,
    };
    let named = contacts.iter().map(|contact| (contact.name.as_str(), contact.address));
    who::find(text, client.address(), named).map_err(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_address_keeps_both_ends() {
        let address: Address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266".parse().unwrap();
        assert_eq!(shortened(address), "0xf39Fd6…2266");
    }

    #[test]
    fn your_own_address_is_called_you() {
        let me = Address::repeat_byte(1);
        let ada = Address::repeat_byte(2);
        let names = Names { me, names: BTreeMap::from([(ada, "Dr. Ada".to_owned())]) };
        assert_eq!((names.call(me), names.begin(me), names.call(ada)), ("you".into(), "You".into(), "Dr. Ada".into()));
        assert_eq!(names.call_exactly(ada), "Dr. Ada (0x020202…0202)");
        assert!(
            names.call_exactly(Address::repeat_byte(3)).ends_with("0303"),
            "an address without a name is shown whole"
        );
    }
}
