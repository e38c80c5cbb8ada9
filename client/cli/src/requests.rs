//! `medlock request`, `requests`, `approve` and `deny`.

use clap::Args;
use client::{
    Client,
    grants::{NewGrants, Scope},
    requests::{self, Approval, NewRequest},
    unlock::Keys,
};
use protocol::{
    bodies::grants::RequestState,
    codes::{Category, Purpose, Right},
    ids::RequestId,
};

use super::{
    failure::{self, Failure},
    grants::{GRANT_SENTENCE, expect_usable, scopes_in_words, wish_in_words},
    moment::{self, Edge},
    names::{self, Names},
    pick, prompt,
    screen::{plain, short},
    settings::{Context, Sending},
    words,
};

/// Ask a patient for access to a record, or for permission to upload.
///
/// Only the patient can read the reason. The server sees the purpose, the scope and the time.
#[derive(Debug, Args)]
#[command(after_help = words::PURPOSES)]
pub(crate) struct Request {
    /// The patient.
    #[arg(long, value_name = "PERSON")]
    patient: String,
    /// The record you want to open.
    #[arg(long, value_name = "RECORD", conflicts_with_all = ["write", "category"])]
    record: Option<String>,
    /// Ask for permission to upload, instead of permission to open.
    #[arg(long)]
    write: bool,
    /// Only this category; everything if neither record nor category is given.
    #[arg(long, value_name = "CATEGORY", value_parser = words::category(), ignore_case = true)]
    category: Option<Category>,
    /// The purpose; can be given several times.
    #[arg(long, value_name = "PURPOSE", value_parser = words::purpose(), ignore_case = true, default_value = "TREAT")]
    purpose: Vec<Purpose>,
    /// The end of the requested access.
    #[arg(long, value_name = "TIME", default_value = "30d")]
    until: String,
    /// The time that the patient has to answer.
    #[arg(long, value_name = "LENGTH", default_value = "14d")]
    open_for: String,
    /// The reason, in your own words; only the patient can read it. If left out, asked for.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Request {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let until = context.moment(&self.until, Edge::End)?;
        let open_seconds = moment::parse_length(&self.open_for)
            .map_err(|error| failure::usage(error).remedy("Write a length such as 14d or 12h"))?;
        let reason = match self.reason {
            Some(reason) => reason,
            None if prompt::is_interactive() => {
                prompt::line("Why do you need access? Only the patient can read this: ")?.trim().to_owned()
            }
            None => String::new(),
        };
        let client = context.client()?;
        let wallet = context.wallet(&client).await?;
        let patient = names::resolve(&context, &client, None, &self.patient).await?;
        let scope = match (&self.record, self.category) {
            (Some(record), _) => Scope::Record(pick::record(&client, record).await?),
            (None, Some(category)) => Scope::Category(category),
            (None, None) => Scope::All,
        };
        let right = if self.write { Right::Write } else { Right::Read };
        let new = NewRequest { patient, right, scope, purposes: self.purpose, until, reason, open_seconds };
        let id = requests::ask(&client, &wallet, &new).await?;
        let names = Names::of(&context, &client, None, [patient]).await;
        context.screen.answer(&serde_json::json!({ "request": id }), || {
            format!("Asked {} (request {}). The answer will be in: medlock requests", names.call(patient), short(id))
        })
    }
}

/// List the requests that you received or made.
#[derive(Debug, Args)]
pub(crate) struct Requests {
    /// Only requests that wait for an answer.
    #[arg(long)]
    open: bool,
}

impl Requests {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let keys = context.keys(&client).await?;
        let mut requests = requests::list(&client, Some(&keys)).await?;
        if self.open {
            requests.retain(|request| request.told.state == RequestState::Open);
        }
        let people = requests.iter().flat_map(|request| [request.requester, request.patient]);
        let names = Names::of(&context, &client, Some(&keys), people).await;
        let me = client.address();
        context.screen.answer(&serde_json::json!({ "requests": requests }), || {
            if requests.is_empty() {
                return "No requests.".to_owned();
            }
            let texts = requests.iter().map(|request| in_words(request, me, &names));
            texts.collect::<Vec<_>>().join("\n\n")
        })
    }
}

fn in_words(request: &requests::Request, me: alloy::primitives::Address, names: &Names) -> String {
    let verb = if request.right == Right::Write { "upload to" } else { "open" };
    let what = match request.scope {
        Scope::All => "everything".to_owned(),
        scope => scopes_in_words(&[scope]),
    };
    let accredited = if request.requester != me && !request.accredited { " (not accredited now)" } else { "" };
    let state = match request.told.state {
        RequestState::Open => "waits for an answer",
        RequestState::Approved => "approved",
        RequestState::Denied => "denied",
        RequestState::Lapsed => "no longer open",
    };
    let mut text = format!(
        "{}  {}{accredited} asked {} on {} to {verb} {what} for {} until {}: {state}.",
        short(request.id),
        names.begin(request.requester),
        names.call(request.patient),
        moment::in_words(request.told.created_at),
        words::purposes_in_words(&request.purposes),
        moment::until_in_words(request.until),
    );
    if let Some(reason) = request.reason.as_deref().filter(|reason| !reason.is_empty()) {
        text += &format!("\n  Reason: {}", plain(reason));
    }
    match request.reason_problem {
        Some("foreign_key") => {
            text += "\n  The reason does not open. It is probably sealed to a key that somebody else registered for your address.";
        }
        Some(_) => text += "\n  The reason does not open, or is not the signed one.",
        None => {}
    }
    if request.patient == me && request.told.state == RequestState::Open {
        let id = short(request.id);
        text += &format!("\n  medlock approve {id}, or medlock deny {id}");
    }
    text
}

/// Approve a request: grant what it asks for, or less.
#[derive(Debug, Args)]
#[command(after_help = words::PURPOSES)]
pub(crate) struct Approve {
    /// The request: its id, or the first characters of it.
    #[arg(value_name = "REQUEST")]
    request: String,
    /// Records to share instead of all that the request covers; can be given several times.
    #[arg(long = "record", value_name = "RECORD")]
    records: Vec<String>,
    /// The purpose; can be given several times. If left out: the purposes of the request.
    #[arg(long, value_name = "PURPOSE", value_parser = words::purpose(), ignore_case = true)]
    purpose: Vec<Purpose>,
    /// The end of the access, instead of the one that the request asks for.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    sending: Sending,
}

impl Approve {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let until = self.until.as_deref().map(|text| context.moment(text, Edge::End)).transpose()?;
        let client = context.client()?;
        let keys = context.keys(&client).await?;
        let request = find(&client, &keys, &self.request).await?;
        let asked = requests::list(&client, Some(&keys)).await?.into_iter().find(|asked| asked.id == request);
        let mut records = Vec::new();
        for record in &self.records {
            records.push(pick::record(&client, record).await?);
        }
        let approval = Approval {
            records: if records.is_empty() { None } else { Some(records) },
            until,
            purposes: if self.purpose.is_empty() { None } else { Some(self.purpose) },
            way: self.sending.way(),
        };
        let wallet = match &asked {
            Some(asked) => {
                let names = Names::of(&context, &client, Some(&keys), [asked.requester]).await;
                let scopes = match &approval.records {
                    Some(records) => records.iter().copied().map(Scope::Record).collect(),
                    None => vec![asked.scope],
                };
                let new = NewGrants {
                    grantee: asked.requester,
                    right: asked.right,
                    scopes,
                    purposes: approval.purposes.clone().unwrap_or_else(|| asked.purposes.clone()),
                    not_before: 0,
                    not_after: approval.until.unwrap_or(asked.until),
                    request: Some(request),
                    way: approval.way,
                };
                expect_usable(&context, &client, &new, &names).await?;
                context.wallet_saying(&client, GRANT_SENTENCE, wish_in_words(&new, &names)).await?
            }
            // The SDK says why there is nothing to approve.
            None => context.wallet(&client).await?,
        };
        let granted = requests::approve(&client, &wallet, &keys, request, &approval).await?;
        context.screen.answer(&granted, || {
            let ids = granted.grants.iter().map(short).collect::<Vec<_>>().join(" ");
            format!("Approved.\nStop sharing: medlock revoke {ids}")
        })?;
        context.screen.tell_all(&granted.told)
    }
}

/// Deny a request. The requester sees that it was denied, and nothing else.
#[derive(Debug, Args)]
pub(crate) struct Deny {
    /// The request: its id, or the first characters of it.
    #[arg(value_name = "REQUEST")]
    request: String,
}

impl Deny {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let keys = context.keys(&client).await?;
        let request = find(&client, &keys, &self.request).await?;
        let wallet = context.wallet(&client).await?;
        requests::deny(&client, &wallet, request).await?;
        context.screen.answer(&serde_json::json!({ "denied": request }), || format!("Denied {}.", short(request)))
    }
}

async fn find(client: &Client, keys: &Keys, text: &str) -> Result<RequestId, Failure> {
    if let Some(id) = pick::whole(text) {
        return Ok(id);
    }
    let requests = requests::list(client, Some(keys)).await?;
    pick::by_start("request", text, requests.iter().map(|request| request.id))
}
