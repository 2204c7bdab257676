//! The methods by name, and the thread that runs each.

use crate::{
    abandonment,
    connections::Peer,
    context::Context,
    error::{Answer, ErrorObject, panicked, too_large},
    parameters::Params,
};
use node::Node;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, future::Future, io, pin::Pin, sync::Arc};

/// The result of a method, as JSON text.
pub(crate) type Outcome = Answer<Box<RawValue>>;

/// A method that runs on the calling thread.
type Direct = Arc<dyn Fn(&Context, &Params<'_>) -> Outcome + Send + Sync>;
/// A method that waits for an event.
type Waiting = Arc<dyn Fn(Arc<Context>, &Params<'_>) -> Pending + Send + Sync>;
/// The asynchronous part of a method that waits.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// How a method is run.
#[derive(Clone)]
pub(crate) enum Method {
    /// It reads from memory, or almost only: it runs on the thread that read the request, because another thread
    /// would cost more than the method.
    Quick(Direct),
    /// It reads much from the disk, or computes: it runs on a thread that may block.
    Blocking(Direct),
    /// It waits for blocks.
    Waiting(Waiting),
}

/// All methods.
#[derive(Default)]
pub(crate) struct Methods {
    table: BTreeMap<&'static str, Method>,
}

impl Methods {
    pub(crate) fn find(&self, name: &str) -> Option<&Method> {
        self.table.get(name)
    }

    /// Adds a method that needs the node only.
    pub(crate) fn add<T: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: impl Fn(&Node, &Params<'_>) -> Answer<T> + Send + Sync + 'static,
    ) {
        self.add_kept(name, move |context, params| method(&context.node, params));
    }

    /// Adds a method that reads from memory, or almost only.
    pub(crate) fn add_quick<T: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: fn(&Node, &Params<'_>) -> Answer<T>,
    ) {
        let answer: Direct =
            Arc::new(move |context, params| written(context, &method(&context.node, params)?));
        self.insert(name, Method::Quick(answer));
    }

    /// Adds a method that also changes the state that is kept for clients.
    pub(crate) fn add_kept<T: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: impl Fn(&Context, &Params<'_>) -> Answer<T> + Send + Sync + 'static,
    ) {
        let answer: Direct =
            Arc::new(move |context, params| written(context, &method(context, params)?));
        self.insert(name, Method::Blocking(answer));
    }

    /// Adds a method that waits: `read` parses its parameters, `wait` returns what it waits for.
    pub(crate) fn add_waiting<P, T, F>(
        &mut self,
        name: &'static str,
        read: fn(&Params<'_>) -> Answer<P>,
        method: impl Fn(Arc<Context>, P) -> F + Clone + Send + Sync + 'static,
    ) where
        P: Send + 'static,
        T: Serialize + Send + 'static,
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        let answer: Waiting = Arc::new(move |context, params| {
            let (asked, method) = (read(params), method.clone());
            Box::pin(async move {
                let answer = method(Arc::clone(&context), asked?).await?;
                written(&context, &answer)
            })
        });
        self.insert(name, Method::Waiting(answer));
    }

    /// Adds another name for a method.
    pub(crate) fn add_alias(&mut self, other: &'static str, one: &'static str) {
        let method = self.table.get(one).cloned().expect("the method is added before its alias");
        self.insert(other, method);
    }

    fn insert(&mut self, name: &'static str, method: Method) {
        let before = self.table.insert(name, method);
        assert!(before.is_none(), "{name} is added once");
    }
}

impl Method {
    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        context: &Arc<Context>,
        params: Option<&RawValue>,
        peer: Peer,
    ) -> Outcome {
        let numbers = context.numbers();
        match self {
            Self::Quick(method) => method(context, &Params::new(params, numbers)),
            Self::Blocking(method) => {
                let (method, context, blocking) =
                    (Arc::clone(method), Arc::clone(context), context.blocking);
                let params = params.map(ToOwned::to_owned);
                // Dropped with this future: when the request takes too long, or its client goes.
                let (_interest, work) = abandonment::channel();
                let work =
                    move || work.run(|| method(&context, &Params::new(params.as_deref(), numbers)));
                blocking.run(work).await
            }
            Self::Waiting(method) => {
                method(Arc::clone(context), &Params::new(params, numbers).of(peer)).await
            }
        }
    }
}

/// Serializes a result, unless it is larger than an answer may be.
fn written(context: &Context, result: &impl Serialize) -> Outcome {
    let mut text = Bounded { bytes: Vec::new(), size_max: context.response_size_max };
    match serde_json::to_writer(&mut text, result) {
        Ok(()) => {
            let text = String::from_utf8(text.bytes).map_err(|_| panicked())?;
            RawValue::from_string(text).map_err(|_| panicked())
        }
        Err(error) if error.is_io() => Err(response_too_large(context.response_size_max)),
        Err(error) => {
            tracing::error!(%error, "serializing an answer failed");
            Err(panicked())
        }
    }
}

/// Returns the error for a result that would be too large.
pub(crate) fn response_too_large(size_max: usize) -> ErrorObject {
    too_large(format!("the answer would have more than {size_max} bytes: ask for less"))
}

/// A buffer for JSON of at most `size_max` bytes.
struct Bounded {
    bytes: Vec<u8>,
    size_max: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.size_max {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
