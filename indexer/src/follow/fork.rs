//! Handles a chain that differs from the mirror: finds the last shared block, and asks all endpoints before anything is
//! undone.

use super::{Follower, Step};
use crate::{
    chain::{ChainError, Header, Opinion},
    error::{IndexerError, Refusal},
    reorg::{BlockRef, Meeting},
    time::Instant,
    views::Batch,
};

impl Follower {
    /// Handles a head on another branch: finds the last block that both branches share, undoes the blocks above it, and
    /// continues from there.
    pub(super) async fn switch(&mut self, head: &Header) -> Result<Step, IndexerError> {
        let mut search = self.window().search(head.number);
        let ancestor = loop {
            let numbers: Vec<u64> = search.numbers().collect();
            let headers = self.chain.headers(&numbers).await?;
            if headers.windows(2).any(|pair| pair[1].parent_hash != pair[0].hash) {
                return Err(
                    ChainError::Contradiction("the headers do not follow each other: the chain is changing").into()
                );
            }
            let answers: Vec<BlockRef> = headers.iter().map(Header::block).collect();
            match self.window().meet(&search, &answers) {
                Meeting::At(ancestor) => break ancestor,
                Meeting::Further(next) => search = next,
                Meeting::TooDeep => return Err(Refusal::TooDeep { window: self.pace.window }.into()),
            }
        };
        let to = head.number.min(ancestor.number + self.chunk);
        let numbers: Vec<u64> = (ancestor.number + 1..=to).collect();
        let headers = self.chain.headers(&numbers).await?;
        let joins = headers.first().is_some_and(|first| first.parent_hash == ancestor.hash);
        // The chain itself reported the other branch. When it no longer does, nothing is undone.
        if !joins || ancestor == self.window().tip() {
            return Err(ChainError::Contradiction("the branch changed while it was fetched").into());
        }
        self.may_leave(self.window().tip()).await?;
        self.append(headers, Some(ancestor)).await
    }

    /// Checks whether the branch that ends with `tip` may be left. A single endpoint decides alone. With several, more
    /// of them must have left the branch than still have it. While they are known to disagree, an endpoint that does
    /// not answer counts as still having the branch.
    async fn may_leave(&self, tip: BlockRef) -> Result<(), IndexerError> {
        let opinions = self.chain.opinions(tip.number).await;
        let was_disputed = self.status.is_disputed();
        let stays = |opinion: &&Opinion| match opinion {
            Opinion::Has(hash) => *hash == tip.hash,
            Opinion::Silent => was_disputed,
            Opinion::Lacks => false,
        };
        let staying = opinions.iter().filter(stays).count();
        let leaving = opinions.iter().filter(|opinion| **opinion != Opinion::Silent).count()
            - opinions.iter().filter(|opinion| **opinion == Opinion::Has(tip.hash)).count();
        if staying > 0 && staying >= leaving {
            let about = format!("block {}", tip.number);
            self.status.disagree(Some(about.clone()));
            self.chain.hand_over();
            return Err(ChainError::Disagreement(about).into());
        }
        Ok(())
    }

    /// Checks whether all endpoints have the mirror's newest block, and reports when they do not.
    pub(super) async fn compare(&self) {
        let tip = self.window().tip();
        let opinions = self.chain.opinions(tip.number).await;
        let others = |opinion: &Opinion| matches!(opinion, Opinion::Has(hash) if *hash != tip.hash);
        if opinions.iter().any(others) {
            self.status.disagree(Some(format!("block {}", tip.number)));
        } else if !opinions.is_empty() && opinions.iter().all(|opinion| *opinion == Opinion::Has(tip.hash)) {
            self.status.disagree(None);
        }
        // The mirror is at the head of the leading endpoint; another endpoint may be further.
        let next = self.chain.opinions(tip.number + 1).await;
        if next.iter().any(|opinion| matches!(opinion, Opinion::Has(_))) {
            self.chain.hand_over();
        }
    }

    /// Handles a chain that is shorter than the mirror. Endpoints may be behind, so it must stay shorter for some time
    /// before it is believed.
    pub(super) async fn fall_back(&mut self, head: &Header, is_ours: bool) -> Result<Step, IndexerError> {
        let (tip, patience) = (self.window().tip(), self.pace.behind());
        let since = *self.behind_since.get_or_insert_with(Instant::now);
        if since.elapsed() < patience {
            let reason = format!("the chain ends at block {}, behind the mirror at block {}", head.number, tip.number);
            if self.status.has_trouble(reason.clone()) {
                tracing::warn!("waiting: {reason}");
            }
            return Ok(Step::Waiting);
        }
        self.may_leave(tip).await?;
        if !is_ours {
            return Err(Refusal::ChainBehind { head: head.number, cursor: tip.number }.into());
        }
        self.behind_since = None;
        self.write(&[], &Batch::default(), head, Some(head.block())).await
    }
}
