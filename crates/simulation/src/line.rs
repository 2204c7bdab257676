//! The line from a machine to the node.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ledger_client::{Carried, Line, LineAnswer, LineError};
use tokio::time::sleep;

use crate::{Host, Random, network::Faults, node_host::NodeHost};

/// How long it takes until somebody notices that a request or its answer is lost: from a connection that is reset to one that is
/// silent.
const NOTICED_MIN: Duration = Duration::from_millis(20);
const NOTICED_MAX: Duration = Duration::from_secs(6);

/// A line that delays and loses requests and answers. A request whose answer is lost has arrived.
#[derive(Debug)]
pub(crate) struct NodeLine {
    host: Arc<NodeHost>,
    faults: Faults,
    from: IpAddr,
    random: Mutex<Random>,
}

/// Where a request is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Arrives,
    NotSent,
    NotAnswered,
}

impl NodeLine {
    pub(crate) fn new(host: &Arc<NodeHost>, faults: Faults, from: Host, random: Random) -> Self {
        let (host, random) = (Arc::clone(host), Mutex::new(random));
        Self { host, faults, from: from.address(), random }
    }

    /// Draws where a request is lost, and how long it takes to notice.
    fn fate(&self) -> (Fate, Duration) {
        let (there, back) = self.paths();
        let is_lost = |path| self.faults.is_broken(path);
        let fate = match (is_lost(there), is_lost(back)) {
            (true, _) => Fate::NotSent,
            (false, true) => Fate::NotAnswered,
            (false, false) => Fate::Arrives,
        };
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        (fate, random.time(NOTICED_MIN, NOTICED_MAX))
    }

    fn paths(&self) -> ((IpAddr, IpAddr), (IpAddr, IpAddr)) {
        let node = Host::Node.address();
        ((self.from, node), (node, self.from))
    }

    async fn ask(&self, request: Vec<u8>) -> Result<LineAnswer, LineError> {
        if self.from == Host::Node.address() {
            return self.host.answer(&request, self.from).await.map(answered).ok_or_else(down);
        }
        let ((fate, noticed), (there, back)) = (self.fate(), self.paths());
        if fate == Fate::NotSent {
            return lost("the request", noticed).await;
        }
        self.faults.pass(there, request.len()).await;
        let answer = self.host.answer(&request, self.from).await;
        if fate == Fate::NotAnswered {
            return lost("the answer", noticed).await;
        }
        self.faults.pass(back, answer.as_ref().map_or(1, String::len)).await;
        answer.map(answered).ok_or_else(down)
    }
}

impl Line for NodeLine {
    fn carry(&self, request: Vec<u8>) -> Carried<'_> {
        Box::pin(self.ask(request))
    }
}

fn answered(text: String) -> LineAnswer {
    LineAnswer { status: 200, body: text.into_bytes().into() }
}

fn down() -> LineError {
    LineError::Unreachable { reason: "the node is down".to_owned() }
}

async fn lost(what: &str, noticed: Duration) -> Result<LineAnswer, LineError> {
    sleep(noticed).await;
    Err(LineError::Unreachable { reason: format!("{what} got lost") })
}
