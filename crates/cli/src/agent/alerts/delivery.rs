//! Tells one alert after the other, in every way that the owner wants.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use ::agent::earn::Alert;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;

use super::Order;
use crate::output::Output;

/// How long each way may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Time between two looks whether a program has ended.
const LOOK: Duration = Duration::from_millis(20);

/// The argument of a program that stands for the text. Others have written parts of it, so it is nowhere else among the arguments: `mail` would take it for an address.
const TEXT_WORD: &str = "{text}";

/// What a program and an address are told.
#[derive(Debug, Serialize)]
struct Document<'a> {
    version: u32,
    /// It, in one line.
    text: &'a str,
    alert: &'a Alert,
}

/// Delivers orders, and says of each what did not work, until there are none or the agent ends.
pub(super) fn serve(
    (orders, outcomes): (&Receiver<Order>, &Sender<Vec<String>>),
    is_ending: &AtomicBool,
    output: Output,
) {
    while let Ok(order) = orders.recv() {
        let Ok(problems) = deliver(&order, PATIENCE, is_ending) else { return };
        for problem in &problems {
            output.say(problem);
        }
        if outcomes.send(problems).is_err() {
            return;
        }
    }
}

/// The agent has ended before an alert was told.
#[derive(Debug, PartialEq, Eq)]
struct Ended;

/// Tells an alert in every way that the owner wants; returns what did not work.
fn deliver(
    order: &Order,
    patience: Duration,
    is_ending: &AtomicBool,
) -> Result<Vec<String>, Ended> {
    let Order { alert, text, wanted } = order;
    let document = Document { version: 1, text, alert };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut problems = Vec::new();
    if is_ending.load(Ordering::Relaxed) {
        return Err(Ended);
    }
    if wanted.desktop {
        let mut command = Command::new("notify-send");
        command.args(["--app-name=gleaner", "Gleaner", &without_markup(text)]);
        // Without a desktop there is nobody to show it to.
        if let Err(error) = finish(command, &[], patience, is_ending)? {
            tracing::debug!("notify-send: {error}");
        }
    }
    if let [program, args @ ..] = &wanted.command[..] {
        let mut command = Command::new(program);
        command.args(args.iter().map(|word| if word == TEXT_WORD { text } else { word }));
        command.env("GLEANER_ALERT", text);
        if let Err(error) = finish(command, &body, patience, is_ending)? {
            problems.push(format!("alerts.command {program}: {error}"));
        }
    }
    if !wanted.webhook.is_empty()
        && let Err(error) = send(&wanted.webhook, body, patience)
    {
        problems.push(format!("alerts.webhook: {error:#}"));
    }
    Ok(problems)
}

/// A desktop takes the text of a notification as markup, and projects choose their names: a link or an image in one is shown as written.
fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Runs a program with `input`, and kills it, with what it has started, when its time is over or the agent ends.
fn finish(
    mut command: Command,
    input: &[u8],
    patience: Duration,
    is_ending: &AtomicBool,
) -> Result<Result<(), String>, Ended> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ok(Err(format!("it can't be started: {error}"))),
    };
    if let Some(mut stdin) = child.stdin.take() {
        // Shorter than a pipe holds, so this does not wait; who does not read it does not want it.
        let _unread = stdin.write_all(input);
    }
    let mut left = patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(Ok(())),
            Ok(Some(status)) => return Ok(Err(status.to_string())),
            Ok(None) => {}
            Err(error) => return Ok(Err(error.to_string())),
        }
        if is_ending.load(Ordering::Relaxed) {
            kill(&mut child);
            return Err(Ended);
        }
        if left.is_zero() {
            kill(&mut child);
            return Ok(Err(format!("it took more than {} s, and was killed", patience.as_secs())));
        }
        let pause = LOOK.min(left);
        std::thread::sleep(pause);
        left -= pause;
    }
}

/// Kills a program that leads a group, and the group.
fn kill(child: &mut Child) {
    // They may have ended just now. Nobody else has the number: the program has not been waited for.
    let _gone = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _status = child.wait();
}

/// Sends a document to an address.
fn send(url: &str, body: Vec<u8>, patience: Duration) -> anyhow::Result<()> {
    let status = block_on(ledger_client::post(url, body, patience))??;
    anyhow::ensure!((200..300).contains(&status), "the address answered {status}");
    Ok(())
}

/// Waits for what is bounded in time. The search for a name, which goes on in a thread, is not waited for.
fn block_on<T>(bounded: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(bounded);
    runtime.shutdown_background();
    Ok(done)
}

#[cfg(test)]
mod tests;
