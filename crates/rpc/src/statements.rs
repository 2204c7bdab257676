//! Statements of devices, which the node brings into blocks.

use crate::{
    context::Context,
    error::{Answer, invalid, not_relayed, refused},
    parameters::{self, Params},
};
use alloy_primitives::{Address, B256, Bytes};
use std::{net::IpAddr, sync::Arc, time::Duration};

/// How long a caller waits for the transaction of its statement.
const WAIT: Duration = Duration::from_secs(20);

/// A statement and who sent it.
pub(crate) struct Submitted {
    to: Address,
    data: Bytes,
    client: IpAddr,
}

/// Parses the address and the calldata.
pub(crate) fn parameters(params: &Params<'_>) -> Answer<Submitted> {
    let client = params.peer().ok_or_else(|| invalid("the client is unknown"))?.0;
    let (to, data) = parameters::two(params)?;
    Ok(Submitted { to, data, client })
}

/// Takes a statement, and returns the hash of the transaction that brings it into a block.
pub(crate) async fn submit(context: Arc<Context>, submitted: Submitted) -> Answer<B256> {
    let Submitted { to, data, client } = submitted;
    let blocking = context.blocking;
    let submit = move || context.node.submit_statement(to, data, client).map_err(not_relayed);
    let ticket = blocking.run(submit).await?;
    match tokio::time::timeout(WAIT, ticket.sent()).await {
        Ok(sent) => sent.map_err(not_relayed),
        Err(_) => Err(refused(format!(
            "the statement waits and was in no transaction within {WAIT:?}: send it again to learn its transaction"
        ))),
    }
}
