//! Methods by name, and on which thread each is answered.

use crate::{
    context::Context,
    error::{Answer, ErrorObject, broken, too_large},
    parameters::Params,
};
use node::Node;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, future::Future, io, pin::Pin, sync::Arc};

/// The result of a method, as JSON text.
pub(crate) type Outcome = Answer<Box<RawValue>>;

/// A method that is answered on the thread that asks.
type Direct = Arc<dyn Fn(&Context, &Params<'_>) -> Outcome + Send + Sync>;
/// A method that waits for something.
type Waiting = Arc<dyn Fn(Arc<Context>, &Params<'_>) -> Pending + Send + Sync>;
/// The rest of a method that waits.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// How a method is answered.
#[derive(Clone)]
pub(crate) enum Method {
    /// From memory, or nearly so: on the thread that read the request. A second thread would cost more than the answer.
    Quick(Direct),
    /// It reads much of the disk, or computes: on a thread that may block.
    Blocking(Direct),
    /// It waits for blocks.
    Waiting(Waiting),
}

/// Every method.
#[derive(Default)]
pub(crate) struct Methods {
    table: BTreeMap<&'static str, Method>,
}

impl Methods {
    pub(crate) fn find(&self, name: &str) -> Option<&Method> {
        self.table.get(name)
    }

    /// A method that is answered from the node alone.
    pub(crate) fn add<T: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: impl Fn(&Node, &Params<'_>) -> Answer<T> + Send + Sync + 'static,
    ) {
        self.add_kept(name, move |context, params| method(&context.node, params));
    }

    /// A method that is answered from memory, or nearly so.
    pub(crate) fn add_quick<T: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: fn(&Node, &Params<'_>) -> Answer<T>,
    ) {
        let answer: Direct =
            Arc::new(move |context, params| written(context, &method(&context.node, params)?));
        self.insert(name, Method::Quick(answer));
    }

    /// A method that also keeps something for its client.
    pub(crate) fn add_kept<T: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: impl Fn(&Context, &Params<'_>) -> Answer<T> + Send + Sync + 'static,
    ) {
        let answer: Direct =
            Arc::new(move |context, params| written(context, &method(context, params)?));
        self.insert(name, Method::Blocking(answer));
    }

    /// A method that waits: `read` its parameters, then what it waits for.
    pub(crate) fn add_waiting<P, T, F>(
        &mut self,
        name: &'static str,
        read: fn(&Params<'_>) -> Answer<P>,
        method: impl Fn(Node, P) -> F + Clone + Send + Sync + 'static,
    ) where
        P: Send + 'static,
        T: Serialize + Send + 'static,
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        let answer: Waiting = Arc::new(move |context, params| {
            let (asked, method) = (read(params), method.clone());
            Box::pin(async move {
                let answer = method(context.node.clone(), asked?).await?;
                written(&context, &answer)
            })
        });
        self.insert(name, Method::Waiting(answer));
    }

    /// Another name for a method.
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
    ) -> Outcome {
        let numbers = context.numbers();
        match self {
            Self::Quick(method) => method(context, &Params::new(params, numbers)),
            Self::Blocking(method) => {
                let (method, context) = (Arc::clone(method), Arc::clone(context));
                let params = params.map(ToOwned::to_owned);
                let work = move || method(&context, &Params::new(params.as_deref(), numbers));
                tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(broken()))
            }
            Self::Waiting(method) => {
                method(Arc::clone(context), &Params::new(params, numbers)).await
            }
        }
    }
}

/// A result as JSON text, unless it is larger than an answer may be.
fn written(context: &Context, result: &impl Serialize) -> Outcome {
    let mut text = Bounded { bytes: Vec::new(), size_max: context.response_size_max };
    match serde_json::to_writer(&mut text, result) {
        Ok(()) => {
            let text = String::from_utf8(text.bytes).map_err(|_| broken())?;
            RawValue::from_string(text).map_err(|_| broken())
        }
        Err(error) if error.is_io() => Err(response_too_large(context.response_size_max)),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Err(broken())
        }
    }
}

/// The error in place of a result that would be too large.
pub(crate) fn response_too_large(size_max: usize) -> ErrorObject {
    too_large(format!("the answer would have more than {size_max} bytes: ask for less"))
}

/// Bytes of JSON, of which there may be `size_max`.
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
