//! The worker's process: `gleaner join`, held down by [`agent::Hold`], started again when it ends by itself.
//!
//! Before it works for a project it is started once with `--offers`, so that what each project pays is measured under the same hold. It works for one project
//! at a time, and leaves it between two rounds when [`Roster`] says so.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::agent::earn::{
    self, Candidate, Closing, Leave, Listed, Next, Roster, Schedule, Unsuitable, WATCHED_MAX,
};
use ::agent::limits::Earning;
use ::agent::{Activity, Allowance, Hold, Level, Limits, Released, Worker, WorkerStatus};
use sensors::Milliseconds;
use units::Wei;

use super::RunArgs;
use super::alerts::Seat;
use super::daemon::Wake;
use crate::devices::LeftDocument;
use crate::join::offers::{OFFERS_MAX, Offers};
use crate::join::progress::Progress;
use crate::ledger::ACTIVE;
use crate::options::{RPC_VARIABLE, checksummed};
use crate::output::Output;

/// How long a worker may take to leave, before it is killed; below the gap that the policy takes for a sleep.
const GRACE: Duration = Duration::from_secs(4);

/// How long one that changes its project may take, in milliseconds: it runs on meanwhile.
const LEAVE_MS_MAX: u64 = 20_000;

/// First and longest wait before a worker that ended by itself is started again, in milliseconds.
const RESTART_MS: (u64, u64) = (5_000, 600_000);

/// A worker that ran so long has not failed at once, in milliseconds.
const STEADY_MS: u64 = 120_000;

/// A worker without a round for so long may change its project, in milliseconds.
const WAIT_MS: u64 = 300_000;

/// How long a worker stays in a project that pays too little while it has no round: others fetch its last update, or a saved round goes on.
const LINGER_MS: u64 = 60_000;

/// Time between two questions to the ledger what projects pay, in milliseconds.
const ASK_MS: u64 = 300_000;

/// How many times as long it is while nothing could be worked for.
const ASK_TIMES_IN_USE: u64 = 6;

/// A longer time between two steps was not watched, and counts as no work.
const STEP_MS_MAX: u64 = 5_000;

/// Bytes of a line of the worker that are kept.
const LINE_SIZE_MAX: usize = 400;

/// Bytes of a list of offers.
const OFFERS_SIZE_MAX: u64 = 1 << 20;

/// What the process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    /// It asks what projects pay.
    Ask,
    /// It works for one.
    Work(u64),
}

/// Where the worker is in its project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It has no round.
    Waiting { since: Milliseconds },
    /// A round of its own is under way.
    Round,
    /// Its work of a round is on the ledger, and the next round has not begun.
    Committed { round: u32, since: Milliseconds },
}

/// What a list says beside pay.
pub(super) struct News {
    /// Which ledger says it.
    pub(super) ledger: String,
    /// Projects in which this device has a seat, or had one.
    pub(super) seats: Vec<(u64, Seat)>,
    pub(super) schedule: Option<Schedule>,
    pub(super) ended: Vec<Closing>,
}

impl News {
    fn of(offers: &Offers) -> Self {
        let offered = offers.offers.iter().map(|one| (one.project, &one.standing));
        let refused = offers.refused.iter().map(|one| (one.project, &one.standing));
        let seat = |(project, standing): (u64, &Option<String>)| {
            let takes_part = standing.as_ref()? == ACTIVE;
            Some((project, if takes_part { Seat::Active } else { Seat::GivenUp }))
        };
        let seats = offered.chain(refused).take(2 * OFFERS_MAX).filter_map(seat).collect();
        let ended = offers.ended.iter().take(WATCHED_MAX).cloned().collect();
        Self { ledger: offers.ledger.clone(), seats, schedule: offers.schedule.clone(), ended }
    }
}

/// How a worker is started.
pub(super) struct Started {
    /// The words, without its limits and its project.
    pub(super) command: Vec<String>,
    /// Its folder.
    pub(super) folder: PathBuf,
    /// Address of the ledger's node.
    pub(super) rpc: String,
    /// Time between two questions what projects pay.
    pub(super) every: Option<Duration>,
}

/// The worker's process.
pub(super) struct Process {
    hold: Hold,
    command: Vec<String>,
    folder: PathBuf,
    /// Address of the ledger's node. It may hold a password, and arguments can be read by every user of the machine.
    rpc: String,
    /// Those that the process was started with.
    words: Vec<String>,
    wake: Sender<Wake>,
    output: Output,
    roster: Roster,
    job: Option<Job>,
    /// What a process that asks has printed, when it has ended.
    offers: Option<Receiver<Option<Offers>>>,
    place: Place,
    has_joined: bool,
    /// Whether its project paid enough when its round began, so that the round may be finished.
    may_finish: bool,
    leaving: Option<Milliseconds>,
    /// Since when the ledger has not answered the process.
    silent: Option<Milliseconds>,
    stepped: Milliseconds,
    asked: Option<Milliseconds>,
    revision: Option<u32>,
    grain_price: Option<u64>,
    is_asking: bool,
    /// Whether a seat is being given up without a worker.
    is_giving_up: bool,
    /// Time between two questions what projects pay.
    ask_ms: u64,
    /// The project of the last process that worked for one.
    project: Option<u64>,
    /// How this device stands in projects, as the list says it, until it is taken.
    standings: Vec<(u64, String, earn::Standing)>,
    /// The projects whose end is to be told.
    watched: Vec<u64>,
    /// Where this device has a seat or had one, as the list says it, and what it says of rules and ends, until it is taken.
    news: Option<News>,
    last_line: Arc<Mutex<Option<String>>>,
    started: Option<Milliseconds>,
    start_count: u64,
    wait_ms: u64,
    failed: Worker,
    fail_count: u64,
}

impl Process {
    /// Prepares a worker; none runs yet.
    pub(super) fn new(
        hold: Hold,
        Started { command, folder, rpc, every }: Started,
        roster: Roster,
        wake: Sender<Wake>,
        output: &Output,
    ) -> Self {
        Self {
            hold,
            command,
            folder,
            rpc,
            words: Vec::new(),
            wake,
            output: *output,
            roster,
            job: None,
            offers: None,
            place: Place::Waiting { since: Milliseconds(0) },
            has_joined: false,
            may_finish: false,
            leaving: None,
            silent: None,
            stepped: Milliseconds(0),
            asked: None,
            revision: None,
            grain_price: None,
            is_asking: false,
            is_giving_up: false,
            ask_ms: every
                .map_or(ASK_MS, |every| u64::try_from(every.as_millis()).unwrap_or(ASK_MS)),
            project: None,
            standings: Vec::new(),
            watched: Vec::new(),
            news: None,
            last_line: Arc::default(),
            started: None,
            start_count: 0,
            wait_ms: RESTART_MS.0,
            failed: Worker::Ready,
            fail_count: 0,
        }
    }

    /// Returns whether it can be started, after looking whether it has ended by itself.
    pub(super) fn look(&mut self, now: Milliseconds, earning: &Earning) -> Worker {
        if let Some(started) = self.started
            && let Some(status) = self.hold.ended()
        {
            self.started = None;
            if STEADY_MS < now.since(started) {
                self.wait_ms = RESTART_MS.0;
            }
            self.ended(now, status, earning);
        }
        if let Worker::Failed { until, .. } = self.failed
            && until <= now
        {
            self.failed = Worker::Ready;
        }
        if self.failed == Worker::Ready
            && self.started.is_none()
            && let Next::Nothing { text, until } = self.roster.next(now, earning)
        {
            return Worker::NoProject { text, until };
        }
        self.failed.clone()
    }

    /// Notes how it has ended.
    fn ended(&mut self, now: Milliseconds, status: Option<ExitStatus>, earning: &Earning) {
        let is_success = status.is_some_and(|status| status.success());
        let is_leaving = self.leaving.take().is_some();
        match self.job.take() {
            Some(Job::Ask) => {
                // Its output has ended with it.
                let offers = self.offers.take().map(|offers| offers.recv_timeout(GRACE));
                let offers = offers.and_then(Result::ok).flatten();
                if let Some(offers) = offers.filter(|_| is_success) {
                    self.wait_ms = RESTART_MS.0;
                    return self.list(now, &offers, true, earning);
                }
            }
            Some(Job::Work(_)) if is_leaving => return self.roster.left(),
            Some(Job::Work(project)) if is_success => {
                self.output.say(&format!("project {project} is over for this device"));
                return self.roster.finished();
            }
            // Another project is there: it is tried soon.
            Some(Job::Work(_)) if self.roster.failed(now, earning) => {
                self.wait_ms = RESTART_MS.0;
            }
            Some(Job::Work(_)) | None => {}
        }
        let words = self.last_line().unwrap_or_else(|| "it said nothing".to_owned());
        let how = status.map_or_else(|| "it is gone".to_owned(), |status| status.to_string());
        self.fail(now, format!("{how}: {words}"));
    }

    fn fail(&mut self, now: Milliseconds, text: String) {
        self.fail_count += 1;
        self.output.say(&format!("the worker ended: {text}"));
        self.failed = Worker::Failed { text, until: Milliseconds(now.0 + self.wait_ms) };
        self.wait_ms = (self.wait_ms * 2).min(RESTART_MS.1);
    }

    /// Takes what projects pay.
    fn list(&mut self, now: Milliseconds, offers: &Offers, is_measured: bool, earning: &Earning) {
        let known = offers.offers.iter().take(OFFERS_MAX).filter_map(|offer| {
            let (project, tags) = (offer.project, offer.tags.clone());
            let candidate = Candidate { project, tags, per_hour: offer.pay()? };
            let (name, standing) = (offer.name.clone(), offer.standing.clone());
            Some(Listed { candidate, name, standing })
        });
        let known: Vec<Listed> = known.collect();
        let unmeasured = offers.offers.len().saturating_sub(known.len());
        let unsuitable = offers
            .refused
            .iter()
            .map(|refused| Unsuitable { project: refused.project, reason: refused.reason.clone() });
        let lists = (known, unsuitable.collect());
        let offered = offers.offers.iter().map(|one| (one.project, &one.name, &one.standing));
        let refused = offers.refused.iter().map(|one| (one.project, &one.name, &one.standing));
        let stand =
            offered.chain(refused).take(2 * OFFERS_MAX).filter_map(|(project, name, words)| {
                let standing = standing(words.as_deref()?)?;
                Some((project, format!("project {project} ({name})"), standing))
            });
        self.standings = stand.collect();
        self.news = Some(News::of(offers));
        self.revision = Some(offers.revision);
        self.grain_price = offers.grain_price;
        self.roster.list(now, lists, (unmeasured, is_measured), earning);
        self.asked = Some(now);
        self.give_up(now, earning);
    }

    /// Gives up a seat that pays less than the owner wants, when no worker runs or will start to leave it, in a process of its own.
    fn give_up(&mut self, now: Milliseconds, earning: &Earning) {
        if self.started.is_some() || self.is_giving_up {
            return;
        }
        let Some(project) = self.roster.unwanted_seat(now, earning) else { return };
        self.is_giving_up = true;
        let (wake, rpc) = (self.wake.clone(), self.rpc.clone());
        let (program, folder) = (self.command[0].clone(), self.folder.clone());
        std::thread::spawn(move || {
            let mut command = Command::new(program);
            command.args(["devices", "leave", &project.to_string(), "--json", "--data-dir"]);
            command.arg(folder).env(RPC_VARIABLE, rpc);
            let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
            let left = output.ok().and_then(|output| serde_json::from_slice(&output.stdout).ok());
            // The loop may have ended.
            let _ended = wake.send(Wake::Left(left));
        });
    }

    /// Takes whether a seat was given up. One that was not is tried again with the next list.
    pub(super) fn gave_up(&mut self, left: Option<&LeftDocument>) {
        self.is_giving_up = false;
        let Some(left) = left else { return };
        if self.started.is_none() && self.roster.kept().current() == Some(left.project) {
            self.roster.left();
            if left.had_seat {
                let text = "is given up because it pays less than you want";
                self.output.say(&format!("the seat in project {} {text}", left.project));
            }
        }
    }

    /// Takes how this device stands in projects, with their names, as the last list says it.
    pub(super) fn take_standings(&mut self) -> Vec<(u64, String, earn::Standing)> {
        std::mem::take(&mut self.standings)
    }

    /// Returns the project of the last process that worked for one, with its name, if that is the process of this start.
    pub(super) fn project(&self, start: u64) -> Option<(u64, String)> {
        let project = self.project.filter(|_| start == self.start_count)?;
        let listed = self.roster.current().filter(|own| own.candidate.project == project);
        Some((project, listed.map_or_else(|| format!("project {project}"), Listed::label)))
    }

    /// Takes what the last list says beside pay.
    pub(super) fn take_news(&mut self) -> Option<News> {
        self.news.take()
    }

    /// Has the next lists say whether these projects have ended.
    pub(super) fn watch(&mut self, projects: impl Iterator<Item = u64>) {
        self.watched.clear();
        self.watched.extend(projects);
    }

    /// Returns the words of a list that say which projects are watched. They change while a list is made, and are no limits.
    fn watch_words(&self) -> impl Iterator<Item = String> {
        self.watched.iter().map(|project| format!("--watch={project}"))
    }

    /// Takes the answer to a question beside the worker.
    pub(super) fn answered(
        &mut self,
        now: Milliseconds,
        offers: Option<&Offers>,
        earning: &Earning,
    ) {
        self.is_asking = false;
        if let Some(offers) = offers {
            self.list(now, offers, false, earning);
        }
    }

    /// Asks what projects pay if that is due, in a process of its own that measures nothing: its memory is gone afterwards. It is due later when
    /// nothing could be worked for.
    pub(super) fn ask(&mut self, now: Milliseconds, may_work: bool, limits: &Limits) {
        let most =
            if may_work { self.ask_ms } else { self.ask_ms.saturating_mul(ASK_TIMES_IN_USE) };
        // Without a first list, the worker is about to ask.
        let is_due = self.asked.is_some_and(|asked| most <= now.since(asked));
        if !is_due || self.is_asking {
            return;
        }
        self.asked = Some(now);
        self.is_asking = true;
        let mut words = self.words(Job::Ask, limits);
        words.extend(self.watch_words());
        let (wake, rpc) = (self.wake.clone(), self.rpc.clone());
        std::thread::spawn(move || {
            let mut command = Command::new(&words[0]);
            command.args(&words[1..]).arg("--measured-only").env(RPC_VARIABLE, rpc);
            let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
            let offers = output.ok().and_then(|output| serde_json::from_slice(&output.stdout).ok());
            // The loop may have ended.
            let _ended = wake.send(Wake::Offers(offers));
        });
    }

    /// Takes what the worker says of its rounds. `start` tells it from one before.
    pub(super) fn progress(
        &mut self,
        now: Milliseconds,
        (start, progress): (u64, &Progress),
        earning: &Earning,
    ) {
        if start != self.start_count || self.started.is_none() {
            return;
        }
        match progress {
            Progress::Chosen { .. } => {}
            Progress::Joined => self.has_joined = true,
            Progress::RoundStarted { round } => {
                let is_next =
                    matches!(self.place, Place::Committed { round: before, .. } if before < *round);
                self.place = Place::Round;
                // The round before has become a state, and this one has cost nothing yet.
                if is_next {
                    self.may_finish = self.roster.pays(earning);
                    self.change(now, earning);
                }
            }
            Progress::Committed { round, .. } => {
                self.roster.succeeded();
                self.place = Place::Committed { round: *round, since: now };
            }
            Progress::Interrupted | Progress::Dropped | Progress::Expelled => {
                if self.place == Place::Round {
                    self.place = Place::Waiting { since: now };
                }
            }
            Progress::LedgerSilent { seconds } => {
                self.output.say("the ledger does not answer");
                let silent_ms = u64::from(*seconds) * 1_000;
                self.silent = Some(Milliseconds(now.0.saturating_sub(silent_ms)));
            }
            Progress::LedgerAnswers => {
                self.output.say("the ledger answers again");
                self.silent = None;
            }
        }
    }

    /// Returns since when the ledger has not answered the worker. One that is frozen does not hear it.
    pub(super) fn silent_since(&self) -> Option<Milliseconds> {
        let is_awake = self.started.is_some() && self.hold.level() != Some(Level::Frozen);
        self.silent.filter(|_| is_awake)
    }

    /// Asks the worker to leave if another project is to be worked for, or its own pays too little.
    fn change(&mut self, now: Milliseconds, earning: &Earning) {
        if self.leaving.is_some() {
            return;
        }
        let Some(leave) = self.roster.leave(now, earning) else { return };
        let what = match leave {
            Leave::For(next) => format!("for project {next}"),
            Leave::Nothing => "because it pays less than you want".to_owned(),
        };
        self.output.say(&format!("the worker leaves its project {what}"));
        self.leaving = Some(now);
        self.hold.ask_to_leave();
    }

    /// Returns whether the worker may go on although its project pays too little: until its round ends, and while it leaves.
    pub(super) fn is_finishing(&self, now: Milliseconds) -> bool {
        let has_round = match self.place {
            Place::Round | Place::Waiting { .. } => true,
            Place::Committed { since, .. } => now.since(since) < LINGER_MS,
        };
        self.started.is_some()
            && matches!(self.job, Some(Job::Work(_)))
            && (self.leaving.is_some() || (self.may_finish && has_round))
    }

    /// Notes what an hour has to pay so that its energy is paid for.
    pub(super) fn set_break_even(&mut self, break_even: Wei) {
        self.roster.set_break_even(break_even);
    }

    /// Does what was decided.
    pub(super) fn act(
        &mut self,
        now: Milliseconds,
        activity: Activity,
        allowance: &Allowance,
        limits: &Limits,
    ) {
        let permille = cores_permille(allowance.cores_percent);
        let passed_ms = now.since(std::mem::replace(&mut self.stepped, now));
        let level = match activity {
            Activity::Exited | Activity::Released => return self.end(),
            Activity::Frozen => Level::Frozen,
            Activity::Gentle => Level::Gentle { cores_permille: permille },
            Activity::Full => Level::Full { cores_permille: permille },
        };
        if self.started.is_none() {
            if activity == Activity::Frozen {
                return;
            }
            return self.start(now, level, limits);
        }
        if level != Level::Frozen {
            self.go_on(now, passed_ms, &limits.earning);
        }
        // What it was told last, or that something has frozen it since.
        if self.started.is_none() || self.hold.level() == Some(level) {
            return;
        }
        if let Err(error) = self.hold.apply(level) {
            // It may do more than it should: it has to go.
            self.hold.release(Duration::ZERO);
            self.forget();
            self.fail(now, format!("it could not be held down, and was killed: {error}"));
        }
    }

    /// Counts the time of a worker that runs, and lets one go that waits for nothing or does not leave.
    fn go_on(&mut self, now: Milliseconds, passed_ms: u64, earning: &Earning) {
        if self.has_joined && passed_ms <= STEP_MS_MAX {
            self.roster.worked(passed_ms, earning);
        }
        let patience_ms = if self.roster.pays(earning) { WAIT_MS } else { LINGER_MS };
        if let Place::Waiting { since } | Place::Committed { since, .. } = self.place
            && matches!(self.job, Some(Job::Work(_)))
            && patience_ms <= now.since(since)
        {
            self.may_finish = self.roster.pays(earning);
            self.change(now, earning);
        }
        if self.leaving.is_some_and(|leaving| LEAVE_MS_MAX <= now.since(leaving)) {
            self.end();
            self.roster.left();
        }
    }

    fn start(&mut self, now: Milliseconds, level: Level, limits: &Limits) {
        let job = match self.roster.next(now, &limits.earning) {
            Next::Ask => Job::Ask,
            Next::Work(project) => Job::Work(project),
            Next::Nothing { .. } => return,
        };
        let words = self.words(job, limits);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env(RPC_VARIABLE, &self.rpc);
        if job == Job::Ask {
            command.args(self.watch_words());
        }
        self.words = words;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.start_count += 1;
        let pipes = match self.hold.spawn(command, level) {
            Ok(pipes) => pipes,
            Err(error) => return self.fail(now, format!("{}: {error}", self.words[0])),
        };
        self.started = Some(now);
        self.job = Some(job);
        self.has_joined = false;
        self.may_finish = true;
        self.silent = None;
        self.place = Place::Waiting { since: now };
        if let Some(stderr) = pipes.stderr {
            let (last, output) = (Arc::clone(&self.last_line), self.output);
            std::thread::spawn(move || listen(stderr, &last, output));
        }
        match job {
            Job::Ask => self.offers = pipes.stdout.map(read_offers),
            Job::Work(project) => {
                self.roster.begin(project);
                self.project = Some(project);
                if let Some(stdout) = pipes.stdout {
                    let (start, wake) = (self.start_count, self.wake.clone());
                    std::thread::spawn(move || follow(stdout, start, &wake));
                }
            }
        }
    }

    /// Returns the words that start a process.
    fn words(&self, job: Job, limits: &Limits) -> Vec<String> {
        let mut words = self.command.clone();
        match job {
            Job::Ask => {
                words.extend(["--offers".to_owned(), "--json".to_owned()]);
                if limits.energy.grain_feed != 0 {
                    words.extend(["--grain-feed".to_owned(), limits.energy.grain_feed.to_string()]);
                }
            }
            Job::Work(project) => {
                // Its round is saved when memory is given back, and goes on if it is still open then.
                words.extend(["--keep-seat".to_owned(), "--events".to_owned()]);
                words.extend(["--patience".to_owned(), "60".to_owned()]);
                words.extend(["--project".to_owned(), project.to_string()]);
            }
        }
        let threads = cores_permille(limits.machine.cores_percent).div_ceil(1_000).max(1);
        words.extend(["--threads".to_owned(), threads.to_string()]);
        words.extend(["--memory".to_owned(), limits.machine.memory_mib.to_string()]);
        words.extend(["--disk".to_owned(), limits.machine.disk_mib.to_string()]);
        let Limits { network, .. } = limits;
        words.extend(["--upload".to_owned(), network.upload_kib_per_second.to_string()]);
        words.extend(["--download".to_owned(), network.download_kib_per_second.to_string()]);
        words
    }

    /// Lets it leave, so that its memory is free. Its seat is kept.
    pub(super) fn end(&mut self) {
        if self.started.is_none() {
            return;
        }
        if self.hold.release(GRACE) == Released::Killed {
            self.output.say("the worker did not leave in time, and was killed");
        }
        self.forget();
    }

    /// Forgets a process that is gone.
    fn forget(&mut self) {
        self.started = None;
        self.job = None;
        self.offers = None;
        self.leaving = None;
        self.roster.paused();
    }

    /// Returns how often it has ended by itself.
    pub(super) fn fail_count(&self) -> u64 {
        self.fail_count
    }

    fn last_line(&self) -> Option<String> {
        self.last_line.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes new limits: a worker that was started with others ends, and goes on from where it was.
    pub(super) fn take_limits(&mut self, limits: &Limits) {
        self.hold.set_memory_max(Some(u64::from(limits.machine.memory_mib) << 20));
        if let Some(job) = self.job
            && self.words != self.words(job, limits)
        {
            self.end();
        }
    }

    /// Says how it is.
    pub(super) fn status(&self) -> WorkerStatus {
        WorkerStatus {
            process: self.started.and_then(|_| self.hold.process()),
            started: self.started,
            start_count: self.start_count,
            last_line: self.last_line(),
        }
    }

    /// Returns what holds it.
    pub(super) fn hold(&self) -> &Hold {
        &self.hold
    }

    /// Returns the revision of the ledger's rules, and what one GRAIN is worth, in millionths, by the owner's feed.
    pub(super) fn ledger(&self) -> (Option<u32>, Option<u64>) {
        (self.revision, self.grain_price)
    }

    /// Returns the projects.
    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }
}

/// Returns the words that start a worker, without its limits and its project.
pub(super) fn command(args: &RunArgs, folder: &Path) -> Vec<String> {
    let program = std::env::current_exe()
        .map_or_else(|_| "gleaner".to_owned(), |path| path.to_string_lossy().into_owned());
    let account = args.account.as_ref().map(checksummed).unwrap_or_default();
    let mut words = vec![program, "join".to_owned(), "--account".to_owned(), account];
    words.extend(["--data-dir".to_owned(), folder.to_string_lossy().into_owned()]);
    words
}

/// Returns how a device stands by the ledger's words, where a list knows it: a seat that was left may be that of a device that comes back, and of one that is
/// active the worker itself says when it is let in again; a list may be older.
fn standing(words: &str) -> Option<earn::Standing> {
    words.starts_with("expelled").then_some(earn::Standing::Expelled)
}

/// Returns thousandths of a core, at least a tenth of one.
fn cores_permille(percent: u8) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    let cores = u32::try_from(cores).unwrap_or(u32::MAX / 1_000);
    (cores.saturating_mul(u32::from(percent)).saturating_mul(10)).max(100)
}

/// Reads the list of a process that asks.
fn read_offers(stdout: ChildStdout) -> Receiver<Option<Offers>> {
    let (found, offers) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(OFFERS_SIZE_MAX).read_to_end(&mut bytes);
        let list = read.ok().and_then(|_| serde_json::from_slice(&bytes).ok());
        // Nobody waits for one that was ended.
        let _gone = found.send(list);
    });
    offers
}

/// Passes on what the worker says of its rounds.
fn follow(stdout: ChildStdout, start: u64, wake: &Sender<Wake>) {
    let mut lines = BufReader::new(stdout);
    let mut bytes = Vec::new();
    while next_line(&mut lines, &mut bytes) {
        if let Ok(progress) = serde_json::from_slice(&bytes)
            && wake.send(Wake::Worker(start, progress)).is_err()
        {
            return;
        }
    }
}

/// Repeats the worker's lines, and keeps the last.
fn listen(stderr: ChildStderr, last: &Mutex<Option<String>>, output: Output) {
    let mut lines = BufReader::new(stderr);
    let mut bytes = Vec::new();
    while next_line(&mut lines, &mut bytes) {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        output.say(&line);
        // A hint belongs to the error above it.
        if !line.is_empty() && !line.starts_with("hint:") {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
        }
    }
}

/// Reads the next line, or a part of a long one; returns whether there was one.
fn next_line(lines: &mut BufReader<impl Read>, bytes: &mut Vec<u8>) -> bool {
    bytes.clear();
    let limit = u64::try_from(LINE_SIZE_MAX).unwrap_or(u64::MAX);
    matches!(lines.by_ref().take(limit).read_until(b'\n', bytes), Ok(count) if 0 < count)
}
