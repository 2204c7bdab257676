//! JSON-RPC within one process, without a socket.

use crate::{
    connections::Peer,
    dispatcher::{Desk, Dispatcher},
    server::Options,
};
use node::Node;
use std::{fmt, net::IpAddr, sync::Arc};

/// Answers JSON-RPC messages of callers in this process, as over HTTP: there are no subscriptions.
#[derive(Clone)]
pub struct LocalServer {
    dispatcher: Arc<Dispatcher>,
}

impl fmt::Debug for LocalServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LocalServer").finish_non_exhaustive()
    }
}

impl LocalServer {
    /// Answers for `node`, which it keeps open, with the limits of `options` that concern messages.
    #[must_use]
    pub fn new(node: Node, options: &Options) -> Self {
        Self { dispatcher: Arc::new(Dispatcher::new(node, options)) }
    }

    /// Returns the answer to a message from `client`; `None` when the message had notifications only.
    pub async fn answer(&self, message: &[u8], client: IpAddr) -> Option<String> {
        let peer = Peer(client.to_canonical());
        let desk = Desk { dispatcher: Arc::clone(&self.dispatcher), peer };
        desk.reply(message, None).await.text
    }
}
