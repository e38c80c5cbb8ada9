//! `medlock grant`, `grants` and `revoke`.

use alloy::primitives::Address;
use clap::{ArgGroup, Args};
use client::{
    Client,
    chain::ChainGrant,
    error::codes,
    grants::{self, Ending, GrantItem, Granted, NewGrants, Revoked, Scope},
    unlock::Keys,
};
use protocol::{
    bodies::grants::{GrantSide, GrantState, ShelfQuery},
    codes::{Category, Purpose, Right, ScopeKind},
    error_code::ErrorCode,
};

use super::{
    failure::{self, Failure},
    moment::{self, Edge},
    names::{self, Names},
    pick, prompt,
    screen::{plain, short},
    settings::{Context, Sending},
    words,
};

/// The duration of a grant without an end.
const DEFAULT_LENGTH: &str = "7d";

/// Allow somebody to open your records, or to upload for you, until a time that you choose.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("end").args(["length", "until"]), after_help = words::PURPOSES)]
pub(crate) struct Grant {
    /// The records to share.
    #[arg(value_name = "RECORD", required_unless_present = "write", conflicts_with = "write")]
    records: Vec<String>,
    /// The person to share with.
    #[arg(long, value_name = "PERSON")]
    to: String,
    /// The purpose; can be given several times.
    #[arg(long, value_name = "PURPOSE", value_parser = words::purpose(), ignore_case = true, default_value = "TREAT")]
    purpose: Vec<Purpose>,
    /// The duration, for example 7d or 12h; a week if no end is given.
    #[arg(long = "for", id = "length", value_name = "LENGTH")]
    length: Option<String>,
    /// The end of the access.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The start of the access. If left out: now.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Give permission to upload, instead of permission to open.
    #[arg(long)]
    write: bool,
    /// The category that may be uploaded to; can be given several times.
    #[arg(long, value_name = "CATEGORY", value_parser = words::category(), ignore_case = true)]
    #[arg(requires = "write", conflicts_with = "all_categories")]
    category: Vec<Category>,
    /// Upload to every category.
    #[arg(long, requires = "write")]
    all_categories: bool,
    #[command(flatten)]
    sending: Sending,
}

impl Grant {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        if self.write && self.category.is_empty() && !self.all_categories {
            return Err(failure::usage("the command does not say what may be uploaded")
                .remedy("Add --category CATEGORY or --all-categories"));
        }
        let (not_before, not_after) = self.period(&context)?;
        let client = context.client()?;
        let keys = context.keys(&client).await?;
        let grantee = names::resolve(&context, &client, Some(&keys), &self.to).await?;
        let scopes = self.scopes(&client).await?;
        let new = NewGrants {
            grantee,
            right: if self.write { Right::Write } else { Right::Read },
            scopes,
            purposes: self.purpose,
            not_before,
            not_after,
            request: None,
            way: self.sending.way(),
        };
        let names = Names::of(&context, &client, Some(&keys), [grantee]).await;
        expect_usable(&context, &client, &new, &names).await?;
        for (scope, terms) in grants::replaced_by(&client, &keys, &new).await? {
            context.screen.warn(format!(
                "This replaces the present grant over {}: for {} until {}.",
                scopes_in_words(&[scope]),
                words::purposes_in_words(&Purpose::from_mask(terms.purposes)),
                moment::until_in_words(terms.not_after)
            ));
        }
        let wallet = context.wallet_saying(&client, GRANT_SENTENCE, wish_in_words(&new, &names)).await?;
        let granted = grants::grant(&client, &wallet, &keys, &new).await?;
        context.screen.answer(&granted, || granted_in_words(&new, &granted, &names))?;
        context.screen.tell_all(&granted.told)
    }

    fn period(&self, context: &Context) -> Result<(u64, u64), Failure> {
        let now = moment::now();
        let from = self.from.as_deref().map(|text| context.moment(text, Edge::Start)).transpose()?;
        let until = match (&self.until, &self.length) {
            (Some(until), _) => context.moment(until, Edge::End)?,
            (None, length) => {
                let length = moment::parse_length(length.as_deref().unwrap_or(DEFAULT_LENGTH)).map_err(|error| {
                    failure::usage(error).remedy("Write a length such as 7d or 12h; for a date use --until")
                })?;
                from.unwrap_or(now).saturating_add(length)
            }
        };
        // The chain's clock may be a block behind this one. A grant without a start must already have begun.
        let from = from.unwrap_or(0);
        if until <= from.max(now) {
            return Err(failure::usage("the end must be after the beginning")
                .remedy("Choose a later end with --for or --until"));
        }
        Ok((from, until))
    }

    async fn scopes(&self, client: &Client) -> Result<Vec<Scope>, Failure> {
        if self.all_categories {
            return Ok(vec![Scope::All]);
        }
        if self.write {
            return Ok(self.category.iter().map(|category| Scope::Category(*category)).collect());
        }
        let mut scopes = Vec::new();
        for record in &self.records {
            let scope = Scope::Record(pick::record(client, record).await?);
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        Ok(scopes)
    }
}

/// The start of the sentence of a Grant message.
pub(crate) const GRANT_SENTENCE: &str = "Allow one person to ";

/// Refuses a grant that would allow nothing because nobody vouches for its grantee. Warns if that is so for a part of its
/// purposes.
pub(crate) async fn expect_usable(
    context: &Context,
    client: &Client,
    new: &NewGrants,
    names: &Names,
) -> Result<(), Failure> {
    let useless: Vec<Purpose> = new.purposes.iter().copied().filter(|purpose| purpose.needs_accreditation()).collect();
    // That nobody grants to themselves is said by the SDK.
    let is_own = new.grantee == client.address();
    if is_own || (new.right == Right::Read && useless.is_empty()) || grants::is_vouched_for(client, new).await? {
        return Ok(());
    }
    let who = names.call_exactly(new.grantee);
    if new.right == Right::Write {
        let what = format!("nobody vouches for {who} in a role that may upload for others");
        return Err(Failure::new(ErrorCode::NotAccredited.into(), what)
            .remedy("An accreditor must first vouch for them as a doctor, nurse, lab, pharmacy or emergency service"));
    }
    let what = format!("nobody vouches for {who}, so they cannot open this for {}", words::purposes_in_words(&useless));
    if useless.len() < new.purposes.len() {
        context.screen.warn(format!("{what}."));
        return Ok(());
    }
    Err(Failure::new(ErrorCode::NotAccredited.into(), what)
        .remedy("For your family use --purpose FAMRQT, for another person of your choice --purpose PATRQT"))
}

/// Returns what a grant will allow, with the names that this device knows.
pub(crate) fn wish_in_words(new: &NewGrants, names: &Names) -> String {
    let scopes = scopes_in_words(&new.scopes);
    let what = match (new.right, new.scopes.as_slice()) {
        (Right::Write, [Scope::All]) => "upload for you in every category".to_owned(),
        (Right::Write, _) => format!("upload for you in {scopes}"),
        (Right::Read, [Scope::Record(_)]) => format!("open record {scopes}"),
        (Right::Read, [Scope::Category(_)]) => format!("open all present records of category {scopes}"),
        (Right::Read, [Scope::All]) => "open all present records".to_owned(),
        (Right::Read, many) => format!("open {} records ({scopes})", many.len()),
    };
    let from = if new.not_before > moment::now() {
        format!(" from {}", moment::in_words(new.not_before))
    } else {
        String::new()
    };
    format!(
        "Allow {} to {what} for {}{from} until {}.",
        names.call_exactly(new.grantee),
        words::purposes_in_words(&new.purposes),
        moment::until_in_words(new.not_after),
    )
}

fn granted_in_words(new: &NewGrants, granted: &Granted, names: &Names) -> String {
    let what = match (new.right, new.scopes.as_slice()) {
        (Right::Read, [Scope::Record(record)]) => format!("open {}", short(record)),
        (Right::Read, _) => format!("open {}", words::counted(granted.grants.len(), "record", "records")),
        (Right::Write, [Scope::All]) => "upload for you".to_owned(),
        (Right::Write, scopes) => format!("upload for you in {}", scopes_in_words(scopes)),
    };
    let from = if new.not_before > moment::now() {
        format!(" from {}", moment::in_words(new.not_before))
    } else {
        String::new()
    };
    let mut text = format!(
        "{} can {what} for {}{from} until {}.\nStop sharing: medlock revoke {}",
        names.begin(new.grantee),
        words::purposes_in_words(&new.purposes),
        moment::until_in_words(new.not_after),
        granted.grants.iter().map(short).collect::<Vec<_>>().join(" "),
    );
    if granted.settled.block_number.is_none() {
        text += "\nIt will be on the chain in a moment.";
    }
    text
}

pub(crate) fn scopes_in_words(scopes: &[Scope]) -> String {
    let words = scopes.iter().map(|scope| match scope {
        Scope::Record(record) => short(record),
        Scope::Category(category) => category.to_string(),
        Scope::All => "every category".to_owned(),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// List the grants that you gave, or those that you received.
#[derive(Debug, Args)]
pub(crate) struct Grants {
    /// Grants that you received instead of those that you gave.
    #[arg(long)]
    received: bool,
    /// Received grants in another list: from strangers, from blocked senders, or hidden.
    #[arg(long, value_name = "SHELF", value_parser = words::shelf(), requires = "received", conflicts_with = "record")]
    from: Option<ShelfQuery>,
    /// Only grants over this record.
    #[arg(long, value_name = "RECORD")]
    record: Option<String>,
    /// Include grants that have ended.
    #[arg(long)]
    all: bool,
}

impl Grants {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let record = match &self.record {
            Some(record) => Some(pick::record(&client, record).await?),
            None => None,
        };
        let side = if self.received { GrantSide::Received } else { GrantSide::Given };
        let mut grants = match self.from {
            Some(shelf) => grants::received(&client, shelf).await?,
            None => grants::list(&client, side, record).await?,
        };
        if !self.all {
            grants.retain(|grant| grant.state.is_open());
        }
        let people = grants.iter().flat_map(|grant| [Some(grant.patient), grant.told.grantee]).flatten();
        let names = Names::of(&context, &client, None, people).await;
        context.screen.answer(&serde_json::json!({ "grants": grants }), || {
            if grants.is_empty() {
                return match (self.received, self.from) {
                    (false, _) => "You share nothing at the moment.",
                    (true, Some(ShelfQuery::Strangers)) => "No stranger shares anything with you at the moment.",
                    (true, Some(_)) => "This list is empty.",
                    (true, None) => {
                        "Nobody you know shares anything with you at the moment. To see what strangers share: --received --from strangers"
                    }
                }
                .to_owned();
            }
            let lines = grants.iter().map(|grant| format!("{}  {}", short(grant.id), sentence(grant, &names)));
            lines.collect::<Vec<_>>().join("\n")
        })
    }
}

/// Returns a grant in one sentence: `Dr. Ada can open 0x1234abcd12 for treatment until 3 May 2026.`
pub(crate) fn sentence(grant: &GrantItem, names: &Names) -> String {
    let who = grant.told.grantee.map_or_else(|| "Somebody".to_owned(), |grantee| names.begin(grantee));
    let whose = match names.call(grant.patient) {
        you if you == "you" => String::new(),
        name => format!(" of {name}"),
    };
    let scope = match grant.kind {
        ScopeKind::Record => format!("record {}{whose}", short(grant.scope_id)),
        ScopeKind::Category => {
            let code = u16::from_be_bytes([grant.scope_id[30], grant.scope_id[31]]);
            let category = Category::from_code(code).map_or("unknown", Category::as_str);
            format!("{category} records{whose}")
        }
        ScopeKind::All => format!("every record{whose}"),
    };
    let what = match grant.right {
        Some(Right::Write) => format!("upload to {scope}"),
        Some(Right::Read) => format!("open {scope} for {}", words::purposes_in_words(&grant.purposes)),
        None => format!("use {scope}"),
    };
    match grant.state {
        GrantState::Active => format!("{who} can {what} until {}.", moment::until_in_words(grant.not_after)),
        GrantState::Future => format!(
            "{who} will be able to {what} from {} until {}.",
            moment::in_words(grant.not_before),
            moment::until_in_words(grant.not_after)
        ),
        GrantState::Expired => format!("{who} could {what} until {}.", moment::until_in_words(grant.not_after)),
        GrantState::Revoked => format!("{who} can no longer {what}: revoked."),
    }
}

/// Stop sharing: end grants at once.
///
/// Reads are refused as soon as the server or the chain has the message. People can keep copies of what they have
/// already opened.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").args(["grants", "to", "record", "all"]).required(true).multiple(true))]
pub(crate) struct Revoke {
    /// The grants to end: their ids, or the first characters of them.
    #[arg(value_name = "GRANT", conflicts_with_all = ["to", "record", "all"])]
    grants: Vec<String>,
    /// All grants to this person.
    #[arg(long, value_name = "PERSON")]
    to: Option<String>,
    /// All grants over this record; with --to, only those to that person.
    #[arg(long, value_name = "RECORD")]
    record: Option<String>,
    /// All grants that you have ever given, in one step.
    #[arg(long, conflicts_with_all = ["to", "record"])]
    all: bool,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    sending: Sending,
}

impl Revoke {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        if self.all {
            prompt::agree("This ends everything that you have ever shared with anybody.", self.yes)?;
        }
        let client = context.client()?;
        // The keys are only needed to find the person behind a tag. Revoking must also work when the keyring does not
        // open.
        let keys = if self.to.is_some() { context.keys_if_any(&client).await? } else { None };
        let ending = self.ending(&context, &client, keys.as_ref()).await?;
        let wallet = match &ending {
            Ending::Person { grantee, scope } => {
                // As it was typed: a name need not be looked up, because a server that stands still must not delay this.
                let who = match self.to.as_deref().filter(|text| text.parse::<Address>().is_err()) {
                    Some(name) => format!("{} ({})", plain(name), names::shortened(*grantee)),
                    None => grantee.to_checksum(None),
                };
                let what = match scope {
                    Some(scope) => format!("the grant over record {}", scopes_in_words(&[*scope])),
                    None => "every grant".to_owned(),
                };
                let sentence = format!("End {what} to {who}.");
                context.wallet_saying(&client, REVOKE_SENTENCE, sentence).await?
            }
            Ending::Grants(ids) => {
                let ids_in_words = ids.iter().map(short).collect::<Vec<_>>().join(", ");
                let noun = if ids.len() == 1 { "grant" } else { "grants" };
                context.wallet_saying(&client, REVOKE_SENTENCE, format!("End {noun} {ids_in_words}.")).await?
            }
            Ending::Everything => context.wallet(&client).await?,
        };
        let revoked = grants::revoke(&client, &wallet, keys.as_ref(), &ending, self.sending.way()).await?;
        context.screen.answer(&revoked, || revoked_in_words(&revoked))?;
        context.screen.tell_all(&revoked.told)
    }

    async fn ending(&self, context: &Context, client: &Client, keys: Option<&Keys>) -> Result<Ending, Failure> {
        if self.all {
            return Ok(Ending::Everything);
        }
        let record = match &self.record {
            Some(record) => Some(pick::record(client, record).await?),
            None => None,
        };
        if let Some(person) = &self.to {
            let grantee = names::resolve(context, client, keys, person).await?;
            return Ok(Ending::Person { grantee, scope: record.map(Scope::Record) });
        }
        let standing = grants::standing(client).await?;
        if let Some(record) = record {
            let is_over = |grant: &&ChainGrant| grant.kind == ScopeKind::Record && grant.scope_id == record.0;
            let ids: Vec<_> = standing.iter().filter(is_over).map(|grant| grant.id).collect();
            if ids.is_empty() {
                return Err(Failure::new(codes::NOT_FOUND, "this record is not shared with anybody")
                    .remedy("There are no grants to end"));
            }
            return Ok(Ending::Grants(ids));
        }
        let standing: Vec<_> = standing.iter().map(|grant| grant.id).collect();
        let mut ids = Vec::new();
        for text in &self.grants {
            ids.push(match pick::whole(text) {
                Some(id) => id,
                None => pick::by_start("grant", text, standing.iter().copied())?,
            });
        }
        Ok(Ending::Grants(ids))
    }
}

/// The start of the sentence of a Revoke message.
const REVOKE_SENTENCE: &str = "End ";

fn revoked_in_words(revoked: &Revoked) -> String {
    let mut text = match revoked.ended {
        0 if !revoked.told.is_empty() => "No active grant was ended.".to_owned(),
        0 => "There was no such active permission; one that is not mined yet can no longer begin.".to_owned(),
        ended => format!("Ended {}.", words::counted(ended, "grant", "grants")),
    };
    let records = revoked.opened_before.iter().map(short).collect::<Vec<_>>().join(", ");
    match (records.is_empty(), revoked.opened_before_is_complete) {
        (true, true) => {}
        (true, false) => text += "\nCould not find out whether a record was opened before, so copies may exist.",
        (false, true) => text += &format!("\nOpened before, so copies may exist: {records}."),
        (false, false) => {
            text +=
                &format!("\nOpened before, so copies may exist: {records}. Could not find out whether there are more.");
        }
    }
    if revoked.settled.block_number.is_none() {
        text += "\nReads are refused from now on; it will be on the chain in a moment.";
    }
    text
}
