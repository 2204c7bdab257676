//! Tells the owner what has changed: on the desktop, by a program of theirs, by a request to an address of theirs.
//!
//! A thread of its own does it, one alert after the other, each within a bounded time. So nothing that hangs outside holds up the loop.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use ::agent::earn::{Alert, Standing, Terms, alerts};
use ::agent::limits::Alerts as Wanted;
use sensors::Milliseconds;
use serde::{Deserialize, Serialize};

use crate::output::Output;

/// Alerts of an hour about money, and as many about rules and standing: what comes on top is kept from the owner, and counted.
const TOLD_MAX: usize = 6;

/// That hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;

/// Alerts that wait for the thread.
const WAITING_MAX: usize = 16;

/// Projects whose terms are remembered.
const PROJECTS_MAX: usize = 64;

/// How long each way may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Time between two looks whether a program has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What a program and an address are told.
#[derive(Debug, Serialize)]
struct Document<'a> {
    version: u32,
    /// It, in one line.
    text: &'a str,
    alert: &'a Alert,
}

/// An alert, and who wants it.
struct Order {
    alert: Alert,
    text: String,
    wanted: Wanted,
}

/// What changes are compared with. It outlives the agent, so that what changes meanwhile is told, and nothing twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Remembered {
    /// The terms that were told last, by project.
    before: BTreeMap<String, Terms>,
    /// Price and rules are those of the ledger, whatever project was looked at.
    last: Option<Terms>,
    /// Where this device stands otherwise than well, by `project-N` or `account`.
    standings: BTreeMap<String, Standing>,
}

/// What the owner was told, and what it was compared with.
pub(super) struct Alerts {
    orders: SyncSender<Order>,
    output: Output,
    remembered: Remembered,
    /// When alerts about money were told, and those about rules and standing.
    told: [VecDeque<Milliseconds>; 2],
    kept_back: u32,
}

impl Alerts {
    /// Begins the thread.
    pub(super) fn begin(remembered: Remembered, output: &Output) -> Self {
        let (orders, received) = mpsc::sync_channel(WAITING_MAX);
        let own = *output;
        std::thread::spawn(move || serve(&received, own));
        Self::over(orders, remembered, output)
    }

    fn over(orders: SyncSender<Order>, remembered: Remembered, output: &Output) -> Self {
        Self { orders, output: *output, remembered, told: Default::default(), kept_back: 0 }
    }

    /// Returns what outlives the agent.
    pub(super) fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    /// Compares the terms with those that were told last of the same project, and tells what has changed enough. Small changes add up until they are told.
    pub(super) fn look(&mut self, now: Milliseconds, terms: &Terms, wanted: &Wanted) {
        let Remembered { before, last, .. } = &mut self.remembered;
        if PROJECTS_MAX <= before.len() && !before.contains_key(&terms.project) {
            before.pop_first();
        }
        let before = before.entry(terms.project.clone()).or_insert_with(|| terms.clone());
        let last = last.get_or_insert_with(|| terms.clone());
        let (grain_price, revision) = (last.grain_price.or(terms.grain_price), last.revision);
        let compared = Terms { grain_price, revision, ..before.clone() };
        let found = alerts(&compared, terms, wanted.reward_percent);
        last.revision = terms.revision;
        last.grain_price = grain_price;
        for alert in &found {
            match alert {
                Alert::Reward { .. } => before.per_hour = terms.per_hour,
                Alert::Price { .. } => last.grain_price = terms.grain_price,
                Alert::Rules { .. } | Alert::Standing { .. } => {}
            }
        }
        for alert in found {
            self.tell(now, alert, wanted);
        }
    }

    /// Tells how this device stands in a project, or with the account, if that is otherwise than before. Who is expelled stays so.
    pub(super) fn stand(
        &mut self,
        now: Milliseconds,
        (key, project): (&str, &str),
        standing: Standing,
        wanted: &Wanted,
    ) {
        let standings = &mut self.remembered.standings;
        let before = standings.get(key).copied().unwrap_or(Standing::Good);
        if before == standing || before == Standing::Expelled {
            return;
        }
        if standing == Standing::Good {
            standings.remove(key);
        } else {
            if PROJECTS_MAX <= standings.len() && !standings.contains_key(key) {
                standings.pop_first();
            }
            standings.insert(key.to_owned(), standing);
        }
        self.tell(now, Alert::Standing { project: project.to_owned(), standing }, wanted);
    }

    /// Gives an alert to the thread, unless there were too many.
    fn tell(&mut self, now: Milliseconds, alert: Alert, wanted: &Wanted) {
        let is_money = matches!(alert, Alert::Reward { .. } | Alert::Price { .. });
        let told = &mut self.told[usize::from(!is_money)];
        while told.front().is_some_and(|at| HOUR_MS <= now.since(*at)) {
            told.pop_front();
        }
        let mut text = alert.text();
        self.output.say(&format!("alert: {text}"));
        if TOLD_MAX <= told.len() {
            self.kept_back = self.kept_back.saturating_add(1);
            return;
        }
        if 0 < self.kept_back {
            text += &format!(" ({} alerts before it were not told)", self.kept_back);
        }
        // A thread that hangs behind is no reason to wait.
        if self.orders.try_send(Order { alert, text, wanted: wanted.clone() }).is_ok() {
            told.push_back(now);
            self.kept_back = 0;
        } else {
            self.kept_back = self.kept_back.saturating_add(1);
        }
    }
}

fn serve(orders: &Receiver<Order>, output: Output) {
    while let Ok(order) = orders.recv() {
        for problem in deliver(&order, PATIENCE) {
            output.say(&problem);
        }
    }
}

/// Tells an alert in every way that the owner wants; returns what did not work.
fn deliver(order: &Order, patience: Duration) -> Vec<String> {
    let Order { alert, text, wanted } = order;
    let document = Document { version: 1, text, alert };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut problems = Vec::new();
    if wanted.desktop {
        let mut command = Command::new("notify-send");
        command.args(["--app-name=gleaner", "Gleaner", &without_markup(text)]);
        // Without a desktop there is nobody to show it to.
        if let Err(error) = finish(command, &[], patience) {
            tracing::debug!("notify-send: {error}");
        }
    }
    if let [program, args @ ..] = &wanted.command[..] {
        let mut command = Command::new(program);
        command.args(args).arg(text).env("GLEANER_ALERT", text);
        if let Err(error) = finish(command, &body, patience) {
            problems.push(format!("alerts.command {program}: {error}"));
        }
    }
    if !wanted.webhook.is_empty()
        && let Err(error) = send(&wanted.webhook, body, patience)
    {
        problems.push(format!("alerts.webhook: {error:#}"));
    }
    problems
}

/// A desktop takes the text of a notification as markup, and projects choose their names: a link or an image in one is shown as written.
fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Runs a program with `input`, and kills it when its time is over.
fn finish(mut command: Command, input: &[u8], patience: Duration) -> Result<(), String> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("it can't be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // Shorter than a pipe holds, so this does not wait; who does not read it does not want it.
        let _unread = stdin.write_all(input);
    }
    let mut left = patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(status.to_string()),
            Ok(None) if !left.is_zero() => {}
            Ok(None) => {
                // It is gone if it can't be killed.
                let _gone = child.kill();
                let _status = child.wait();
                return Err(format!("it took more than {} s, and was killed", patience.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
        let pause = LOOK.min(left);
        std::thread::sleep(pause);
        left -= pause;
    }
}

/// Sends a document to an address.
fn send(url: &str, body: Vec<u8>, patience: Duration) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(ledger_client::post(url, body, patience))?;
    // A name that is looked up in a thread may take longer than anybody waits.
    runtime.shutdown_background();
    anyhow::ensure!((200..300).contains(&status), "the address answered {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::net::TcpListener;

    use serde_json::Value;
    use units::Wei;

    use super::*;

    fn wanted(command: &[&str], webhook: &str) -> Wanted {
        let command = command.iter().map(|&word| word.to_owned()).collect();
        Wanted { desktop: false, command, webhook: webhook.to_owned(), reward_percent: 20 }
    }

    #[test]
    fn a_projects_name_is_no_markup() {
        let name = "barley <a href=\"http://elsewhere\">a & b</a>";
        let shown = "barley &lt;a href=\"http://elsewhere\"&gt;a &amp; b&lt;/a&gt;";
        assert_eq!(without_markup(name), shown);
    }

    fn order(wanted: Wanted) -> Order {
        let alert = Alert::Reward { project: "project 3 ($(reboot); x)".to_owned(), percent: -25 };
        Order { text: alert.text(), alert, wanted }
    }

    #[test]
    fn a_program_gets_the_text_as_argument_and_variable_and_the_document_as_input() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told");
        let script = format!(
            "{{ printf '%s\\n%s\\n' \"$2\" \"$GLEANER_ALERT\"; cat; }} > {}",
            file.display()
        );
        let order = order(wanted(&["/bin/sh", "-c", &script, "name", "first"], ""));
        assert_eq!(deliver(&order, PATIENCE), [""; 0]);
        let told = std::fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[..2], ["project 3 ($(reboot); x) pays 25 % less"; 2]);
        let document: Value = serde_json::from_str(lines[2]).unwrap();
        assert_eq!(document["alert"]["kind"], "reward");
        assert_eq!(document["alert"]["percent"], -25);
    }

    #[test]
    fn a_program_that_fails_or_hangs_is_a_problem_and_holds_nothing_up() {
        let check = |command: &[&str], part: &str| {
            let problems = deliver(&order(wanted(command, "")), Duration::from_millis(100));
            assert!(problems.len() == 1 && problems[0].contains(part), "{problems:?}");
        };
        check(&["/nonexistent"], "can't be started");
        check(&["/bin/sh", "-c", "exit 3"], "exit status: 3");
        check(&["/bin/sh", "-c", "exec sleep 1000"], "was killed");
    }

    /// Answers one request with `answer`, and returns its address and what it was sent.
    fn listener(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?key=1", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(&stream);
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let before = head.len();
                assert!(0 < reader.read_line(&mut head).unwrap());
                let line = head[before..].to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            if answer.is_empty() {
                // Says nothing until the other side has gone.
                let mut rest = Vec::new();
                reader.read_to_end(&mut rest).unwrap();
            }
            (&stream).write_all(answer.as_bytes()).unwrap();
            head + &String::from_utf8(body).unwrap()
        });
        (url, served)
    }

    #[test]
    fn an_address_gets_the_document_and_its_refusal_or_silence_is_a_problem() {
        let (url, served) = listener("HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(deliver(&order(wanted(&[], &url)), PATIENCE), [""; 0]);
        let request = served.join().unwrap();
        assert!(request.starts_with("POST /hook?key=1 HTTP/1.1\r\n"), "{request}");
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let document: Value = serde_json::from_str(body).unwrap();
        assert_eq!(document["text"], "project 3 ($(reboot); x) pays 25 % less");
        let (url, served) = listener("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n");
        let problems = deliver(&order(wanted(&[], &url)), PATIENCE);
        assert_eq!(problems, ["alerts.webhook: the address answered 410"]);
        served.join().unwrap();
        let (url, served) = listener("");
        let problems = deliver(&order(wanted(&[], &url)), Duration::from_millis(300));
        assert!(problems.len() == 1 && problems[0].contains("no answer"), "{problems:?}");
        served.join().unwrap();
    }

    fn terms(project: &str, per_hour: u128) -> Terms {
        let (project, per_hour) = (project.to_owned(), Wei::new(per_hour));
        Terms { project, per_hour, grain_price: None, revision: 0 }
    }

    #[test]
    fn small_changes_add_up_projects_are_not_mixed_up_and_too_many_are_not_told() {
        let (orders, received) = mpsc::sync_channel(WAITING_MAX);
        let mut alerts = Alerts::over(orders, Remembered::default(), &Output::new(false));
        let wanted = wanted(&[], "");
        let mut look = |seconds: u64, terms: Terms| {
            alerts.look(Milliseconds(seconds * 1_000), &terms, &wanted);
            received.try_iter().map(|order| order.text).collect::<Vec<_>>()
        };
        assert_eq!(look(0, terms("project 1", 100)), [""; 0]);
        assert_eq!(look(1, terms("project 2", 500)), [""; 0]);
        assert_eq!(look(2, terms("project 1", 110)), [""; 0]);
        assert_eq!(look(3, terms("project 1", 121)), ["project 1 pays 21 % more"]);
        assert_eq!(look(4, terms("project 1", 125)), [""; 0]);
        let mut pay = 125;
        for second in 5..20 {
            pay *= 2;
            let told = look(second, terms("project 1", pay));
            assert_eq!(told.is_empty(), 10 <= second, "{second}: {told:?}");
        }
        // Money is not in the way of what matters more, and the next alert says how many were not told.
        let now = Milliseconds(20_000);
        alerts.stand(now, ("project-2", "project 2"), Standing::Dropped, &wanted);
        let texts: Vec<String> = received.try_iter().map(|order| order.text).collect();
        let told = "project 2 has dropped this device: it missed rounds (10 alerts before it were not told)";
        assert_eq!(texts, [told]);
    }

    #[test]
    fn a_standing_is_told_once_also_over_a_restart() {
        let (orders, received) = mpsc::sync_channel(WAITING_MAX);
        let output = Output::new(false);
        let mut alerts = Alerts::over(orders.clone(), Remembered::default(), &output);
        let wanted = wanted(&[], "");
        let now = Milliseconds(1);
        let texts = || received.try_iter().map(|order| order.text).collect::<Vec<_>>();
        alerts.stand(now, ("project-1", "project 1"), Standing::Good, &wanted);
        assert_eq!(texts(), [""; 0]);
        for _ in 0..3 {
            alerts.stand(now, ("project-1", "project 1"), Standing::Dropped, &wanted);
            alerts.stand(now, ("account", "the account"), Standing::Revoked, &wanted);
        }
        let told = [
            "project 1 has dropped this device: it missed rounds",
            "the account has cut this device off",
        ];
        assert_eq!(texts(), told);
        let kept = serde_json::to_string(alerts.remembered()).unwrap();
        let mut alerts = Alerts::over(orders, serde_json::from_str(&kept).unwrap(), &output);
        alerts.stand(now, ("project-1", "project 1"), Standing::Dropped, &wanted);
        alerts.stand(now, ("account", "the account"), Standing::Good, &wanted);
        assert_eq!(texts(), ["the account accepts this device again"]);
        // A list that is older than the news says nothing against it.
        alerts.stand(now, ("project-1", "project 1"), Standing::Expelled, &wanted);
        alerts.stand(now, ("project-1", "project 1"), Standing::Good, &wanted);
        assert_eq!(texts(), ["project 1 has expelled this device"]);
    }
}
