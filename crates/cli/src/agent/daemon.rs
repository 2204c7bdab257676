//! The agent's loop: read, decide, act; each second, and whenever something happens.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use ::agent::earn::{self, Roster, local_day, worth_at_least, worth_down};
use ::agent::limits::{Loss, Money};
use ::agent::{
    Activity, Answer, Cgroups, Decision, Hold, HoldOptions, Limits, Missing, Offer, Pause, Policy,
    ProtectionStatus, Request, STATUS_VERSION, Situation, Status, Why, missing,
};
use anyhow::Context as _;
use dashboard::{MINUTES, Minute, View};
use sensors::{
    EventKind, Metered, Milliseconds, Options, Quality, Reading, Readings, Seen, Sense as _,
    Sensors, WallTime, Watcher,
};
use units::Wei;
use wallet::DeviceKey;

use super::alerts::{self, Alerts, Seat};
use super::earnings::{self, Earnings, Paid, Tariff, Work};
use super::folders::Folders;
use super::limits_file::{Found, LimitsFile};
use super::orders::{self, Orders};
use super::pause::Keeper;
use super::server::{self, Place};
use super::worker::{self, News, Process, Started};
use super::{RunArgs, channel, read_limits};
use crate::devices::{LeftDocument, OrdersDocument};
use crate::join::offers::Offers;
use crate::join::progress::Progress;
use crate::options::checksummed;
use crate::output::Output;
use crate::shell;

/// Time between two looks at the machine.
const TICK: Duration = Duration::from_secs(1);

/// Time between two looks at the meters, in milliseconds.
const METER_MS: u64 = 5_000;

/// Time without input after which a machine draws what an idle one does, in milliseconds: well before a worker begins.
const QUIET_MS: u64 = 30_000;

/// Time between two writings of the status where nothing changes, in milliseconds.
const STATUS_MS: u64 = 10_000;

/// A minute, in milliseconds.
const MINUTE_MS: u64 = 60_000;

/// What wakes the loop.
pub(super) enum Wake {
    /// Something happened to the machine.
    Machine,
    /// The owner asks something.
    Asked(Request, SyncSender<Answer>),
    /// A browser asks for the page, with the key that it must bring along.
    Page(String, SyncSender<String>),
    /// The account has been paid so much in all, in wei.
    Paid(Paid),
    /// The worker of this start says what it does.
    Worker(u64, Progress),
    /// What projects pay, if the ledger answered.
    Offers(Option<Offers>),
    /// Whether a seat was given up without a worker, if the ledger answered.
    Left(Option<LeftDocument>),
    /// What the account says to this device.
    Heard(OrdersDocument),
    /// A signal ends the agent.
    Signal,
}

/// Everything that the loop has.
struct Agent<'a> {
    args: &'a RunArgs,
    folders: Folders,
    file: String,
    limits_text: String,
    /// The limits of the owner's file, before the account's policy.
    own: Limits,
    policy: Policy,
    sensors: Sensors,
    /// Sees what happens between two steps, until it is dropped.
    watcher: Watcher,
    wake: Sender<Wake>,
    limits_file: LimitsFile,
    /// Why the file that is there now is not in force.
    refused: Option<String>,
    process: Process,
    orders: Orders,
    /// Has the ledger asked again what the account says.
    ask_again: Sender<()>,
    fail_count: u64,
    device: String,
    situation: Situation,
    /// Keeps the owner's pause; none before the first look at the machine.
    pause: Option<Keeper>,
    readings: Option<Readings>,
    started: Milliseconds,
    metered: Option<Milliseconds>,
    earnings: Earnings,
    alerts: Alerts,
    page: Option<Place>,
    minutes: VecDeque<Minute>,
    minute: u64,
    last: Option<Decision>,
    status_written: Option<(Milliseconds, Activity)>,
    /// Whether that worked the last time.
    is_status_written: bool,
    output: Output,
}

/// Runs until the owner or the system ends it.
///
/// # Errors
/// When the limits can't be read, another agent runs, or the kernel gives no handles.
pub(super) fn run(args: &RunArgs, output: &Output) -> anyhow::Result<()> {
    let folders = Folders::find()?;
    let file = folders.config_or(args.config.clone());
    let limits_file = LimitsFile::new(file.clone(), sensors::now());
    let (own, limits_text) = read_limits(&file)?;
    let _lock = channel::lock(&folders.lock)?;
    let account = args.account.as_ref().map(checksummed).unwrap_or_default();
    let orders = Orders::open(folders.orders.clone(), &account);
    // A policy that can't be read keeps the worker from starting, below.
    let limits = orders.tighten(&own).unwrap_or_else(|_| own.clone());
    let listener = channel::listen(&folders.socket)?;
    let (wake, woken) = mpsc::channel();
    let hold = Hold::new(&HoldOptions {
        root: "/".into(),
        cgroups: Cgroups::Use,
        memory_bytes_max: Some(u64::from(limits.machine.memory_mib) << 20),
    });
    let options = options(&limits, args, &folders)?;
    let device = DeviceKey::load_or_create(&options.disk.join("device.key"))?;
    let device = device.device().to_string();
    let sensors = Sensors::new(options);
    let (sensors, watcher) = watch(sensors, &hold, &limits, wake.clone())?;
    channel::serve(listener, wake.clone());
    let every = args.ask_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let ask_again = ask_the_ledger(args, (account, device.clone()), every, &wake);
    let page = server::serve(wake.clone());
    let page = page.inspect_err(|error| output.say(&format!("there is no page: {error:#}"))).ok();
    end_with_signal(wake.clone());
    let started = sensors::now();
    let earnings = Earnings::open(folders.books.clone(), &limits, started)?;
    let roster = Roster::new(earnings.roster().clone(), args.project);
    let alerts = Alerts::begin(earnings.remembered().clone(), &limits.alerts, output);
    let folder = args.data_dir.clone().unwrap_or_else(|| folders.worker.clone());
    let command = worker::command(args, &folder);
    let worker = Started { command, folder, rpc: args.ledger.rpc.clone(), every };
    let process = Process::new(hold, worker, roster, wake.clone(), output);
    let mut agent = Agent {
        args,
        file: file.display().to_string(),
        limits_text,
        own,
        policy: Policy::new(limits),
        sensors,
        watcher,
        wake,
        limits_file,
        refused: None,
        process,
        orders,
        ask_again,
        fail_count: 0,
        device,
        situation: Situation::unknown(),
        pause: None,
        readings: None,
        started,
        metered: None,
        earnings,
        alerts,
        page,
        minutes: VecDeque::new(),
        minute: started.0 / MINUTE_MS,
        last: None,
        status_written: None,
        is_status_written: true,
        output: *output,
        folders,
    };
    agent.begin();
    agent.work(&woken);
    agent.leave();
    Ok(())
}

/// Begins to ask what the account says and is paid. Returns what has the first asked again at once.
fn ask_the_ledger(
    args: &RunArgs,
    (account, device): (String, String),
    every: Option<Duration>,
    wake: &Sender<Wake>,
) -> Sender<()> {
    let (ask_again, again) = mpsc::channel();
    let rpc = args.ledger.rpc.clone();
    orders::ask((account.clone(), device), rpc.clone(), (again, every), wake.clone());
    earnings::ask(account, rpc, every, wake.clone());
    ask_again
}

/// Begins to see what happens between two steps: input, programs, pressure.
fn watch(
    mut sensors: Sensors,
    hold: &Hold,
    limits: &Limits,
    wake: Sender<Wake>,
) -> anyhow::Result<(Sensors, Watcher)> {
    sensors.set_worker_cgroup(hold.cgroup());
    let freezer = hold.freezer();
    // Whoever lingers works on when somebody types; everybody else stops before the loop has looked.
    let is_lingering = limits.idle.linger;
    let watcher = sensors.watch(move |event| {
        let stops = match event.kind {
            EventKind::Input => !is_lingering,
            EventKind::Exclusive => true,
            EventKind::Power | EventKind::Pressure => false,
        };
        // What could not be frozen is killed by the loop, which tries again.
        let _again = if stops { freezer.freeze() } else { Ok(()) };
        // The loop may have ended.
        let _ended = wake.send(Wake::Machine);
    });
    Ok((sensors, watcher.context("the sensors can't be watched")?))
}

fn options(limits: &Limits, args: &RunArgs, folders: &Folders) -> anyhow::Result<Options> {
    let disk = args.data_dir.clone().unwrap_or_else(|| folders.worker.clone());
    std::fs::create_dir_all(&disk)
        .with_context(|| format!("{}: folder can't be created", disk.display()))?;
    Ok(Options {
        root: args.sensors_root.clone().unwrap_or_else(|| "/".into()),
        own_process: std::process::id(),
        disk,
        exclusive: limits.programs.exclusive.iter().cloned().collect(),
        metered: Metered::Detect,
    })
}

/// Ends the agent at the first signal, and this process at the second one, whatever the loop waits for.
fn end_with_signal(wake: Sender<Wake>) {
    thread::spawn(move || {
        // Without a handler the system ends the process, and the worker with it.
        let signalled = shell::block_on(async {
            let mut signals = shell::StopSignals::listen()?;
            signals.next().await;
            let _ended = wake.send(Wake::Signal);
            signals.next().await;
            anyhow::Ok(())
        });
        if signalled.is_ok() {
            // The worker ends with this process.
            std::process::exit(130);
        }
    });
}

impl Agent<'_> {
    fn begin(&mut self) {
        self.output.say(&format!("limits: {}", self.file));
        for Missing { what, reason, grant } in missing(&self.protections()) {
            what.iter().for_each(|what| self.output.say(&format!("missing: {what}")));
            reason.iter().for_each(|reason| self.output.say(&format!("  because {reason}")));
            self.output.say(&format!("  to grant it: {grant}"));
        }
        // Which ledger it is, is not known yet.
        self.alerts.hear(self.orders.account(), "");
        self.obey();
        let now = sensors::now();
        self.look(now);
        let kept = Keeper::open(self.folders.pause.clone(), now, self.unix_seconds());
        let problem = kept.0.notice();
        problem.into_iter().for_each(|problem| self.output.say(problem));
        (self.pause, self.situation.pause) = (Some(kept.0), kept.1);
    }

    fn work(&mut self, woken: &Receiver<Wake>) {
        let mut said = None;
        loop {
            let wake = woken.recv_timeout(TICK);
            let (mut asked, mut shown) = (None, None);
            match wake {
                Ok(Wake::Machine) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Wake::Signal) => self.situation.is_stopping = true,
                Ok(Wake::Asked(request, reply)) => asked = Some((request, reply)),
                Ok(Wake::Page(token, reply)) => shown = Some((token, reply)),
                Ok(Wake::Worker(start, progress)) => {
                    self.stand(start, &progress);
                    let earning = &self.policy.limits().earning;
                    self.process.progress(sensors::now(), (start, &progress), earning);
                }
                Ok(Wake::Offers(offers)) => {
                    let earning = &self.policy.limits().earning;
                    self.process.answered(sensors::now(), offers.as_ref(), earning);
                }
                Ok(Wake::Left(left)) => self.process.gave_up(left.as_ref()),
                Ok(Wake::Paid(paid)) => {
                    let time = self.time();
                    self.earnings.paid(&paid, time.as_ref(), self.grain_is_worth());
                }
                Ok(Wake::Heard(heard)) => {
                    if self.orders.hear(heard) {
                        self.obey();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if let Some((request, _)) = &asked {
                self.take(*request);
            }
            let decision = self.step();
            if said != Some(decision.activity) {
                said = Some(decision.activity);
                self.output.say(&decision.text());
            }
            self.keep_status(&decision);
            if let Some((request, reply)) = asked {
                // Whoever asked may have gone.
                let _gone = reply.send(self.answer(request, &decision));
            }
            if let Some((token, reply)) = shown {
                let _gone = reply.send(self.page(&token, &decision));
            }
            if self.situation.is_stopping {
                return;
            }
        }
    }

    /// Does what the account says to this device.
    fn obey(&mut self) {
        self.situation.revoked = self.orders.revoked(&self.device);
        let is_revoked = self.situation.revoked.is_some();
        let standing = if is_revoked { earn::Standing::Revoked } else { earn::Standing::Good };
        let wanted = &self.policy.limits().alerts;
        self.alerts.stand(sensors::now(), ("account", "the account"), standing, wanted);
        let tightened = self.orders.tighten(&self.own);
        self.situation.unread = tightened.as_ref().err().cloned();
        let Ok(limits) = tightened else { return };
        if limits == *self.policy.limits() {
            return;
        }
        if let Err(error) = self.put_in_force(limits) {
            self.situation.unread = Some(format!("{error:#}"));
            return;
        }
        let version = self.orders.policy_version();
        let what =
            version.map_or_else(|| "none".to_owned(), |version| format!("version {version}"));
        self.output.say(&format!("policy of the account: {what}"));
    }

    /// Does what the owner wants of the situation.
    fn take(&mut self, request: Request) {
        let now = sensors::now();
        match request {
            Request::Status | Request::Limits => return,
            Request::Stop => {
                self.situation.is_stopping = true;
                return;
            }
            Request::Resume => self.situation.pause = None,
            Request::Pause { seconds } => {
                let after = |seconds: u32| Milliseconds(now.0 + u64::from(seconds) * 1_000);
                self.situation.pause = Some(Pause { until: seconds.map(after), at: now });
            }
        }
        let unix = self.unix_seconds();
        if let Some(keeper) = &mut self.pause {
            keeper.keep(self.situation.pause, now, unix);
        }
    }

    fn unix_seconds(&self) -> Option<u64> {
        self.time().map(|time| time.unix_seconds)
    }

    fn time(&self) -> Option<WallTime> {
        match &self.readings.as_ref()?.time.seen {
            Seen::Known(time) => Some(*time),
            Seen::Unknown(_) => None,
        }
    }

    /// Reads all sensors.
    fn look(&mut self, now: Milliseconds) {
        self.readings = Some(self.sensors.read(now));
        let work = self.work_done();
        self.earnings.note(now, work);
        if self.metered.is_some_and(|at| now.since(at) < METER_MS) {
            return;
        }
        self.metered = Some(now);
        let meters = self.sensors.energy(now);
        let names: Vec<&str> = meters.iter().map(|meter| &meter.source[..]).collect();
        let source = names.join(", ");
        let time = self.time();
        let limits = self.policy.limits();
        let drawn = self.earnings.look(now, meters, time.as_ref(), limits);
        self.situation.milliwatts = drawn.map(|(milliwatts, quality)| {
            let mark = if quality == Quality::Estimated { " (estimated)" } else { "" };
            Reading { seen: Seen::Known(milliwatts), source: source + mark, at: now }
        });
        let grams = time.and_then(|time| self.earnings.carbon_grams(&time));
        let source = self.policy.limits().energy.carbon_file.clone();
        self.situation.carbon_grams =
            grams.map(|grams| Reading { seen: Seen::Known(grams), source, at: now });
    }

    /// Returns what the project pays that is worked for, or would be, and what it costs.
    fn offer(&self, now: Milliseconds) -> Option<Offer> {
        let limits = self.policy.limits();
        let listed = self.process.roster().offer(now, &limits.earning)?;
        let per_hour = listed.candidate.per_hour;
        let time = self.time();
        Some(Offer {
            project: listed.label(),
            per_hour,
            gross_per_hour: worth_down(per_hour, self.grain_is_worth()),
            energy_per_hour: time.and_then(|time| self.earnings.energy_per_hour(&time, limits)),
            is_finishing: self.process.is_finishing(now),
        })
    }

    /// Returns what an hour has to pay so that its energy is paid for: nothing where that is not known, or does not matter to the owner.
    fn break_even(&self) -> Wei {
        let limits = self.policy.limits();
        let cost = || self.earnings.energy_per_hour(&self.time()?, limits);
        match limits.earning.at_a_loss {
            Loss::Work => Wei::ZERO,
            Loss::Pause => cost()
                .and_then(|cost| worth_at_least(cost, self.grain_is_worth()))
                .unwrap_or(Wei::ZERO),
        }
    }

    /// Returns what one GRAIN is worth: as the ledger's feed says, or as the owner does.
    fn grain_is_worth(&self) -> Money {
        let own = self.policy.limits().energy.grain_is_worth;
        let (_, fed) = self.process.ledger();
        fed.and_then(|price| i64::try_from(price).ok()).map_or(own, Money)
    }

    /// Returns the owner's currency, if what GRAIN is worth and a price of energy are known in it.
    fn currency(&self) -> Option<&str> {
        let is_known = self.earnings.has_prices() && self.grain_is_worth() != Money::ZERO;
        is_known.then_some(&self.policy.limits().energy.currency[..])
    }

    /// Tells the owner when this device stands otherwise in the project that it works for. The worker may have ended meanwhile.
    fn stand(&mut self, start: u64, progress: &Progress) {
        if *progress == Progress::Joined
            && let Some((number, _)) = self.process.project(start)
        {
            self.alerts.seat(number, Seat::Active);
        }
        let standing = match progress {
            Progress::Dropped => earn::Standing::Dropped,
            Progress::Expelled => earn::Standing::Expelled,
            // It is let in again.
            Progress::Committed { .. } => earn::Standing::Good,
            _ => return,
        };
        let Some((number, project)) = self.process.project(start) else { return };
        let key = format!("project-{number}");
        let wanted = &self.policy.limits().alerts;
        self.alerts.stand(sensors::now(), (&key, &project), standing, wanted);
    }

    /// Tells the owner what has changed of the project that is worked for, or would be.
    fn alert(&mut self, now: Milliseconds) {
        let limits = self.policy.limits();
        let news = self.process.take_news();
        if let Some(News { ledger, .. }) = &news {
            self.alerts.hear(self.orders.account(), ledger);
        }
        for (number, project, standing) in self.process.take_standings() {
            let key = format!("project-{number}");
            self.alerts.stand(now, (&key, &project), standing, &limits.alerts);
        }
        if let Some(News { seats, schedule, ended, .. }) = news {
            for (project, seat) in seats {
                self.alerts.seat(project, seat);
            }
            for closing in &ended {
                self.alerts.close(now, closing, &limits.alerts);
            }
            if let Some(schedule) = schedule {
                self.alerts.schedule(now, schedule, &limits.alerts);
            }
        }
        self.process.watch(self.alerts.watched());
        let (Some(revision), grain_price) = self.process.ledger() else { return };
        let offer = self.process.roster().offer(now, &limits.earning);
        let project = offer.map(|listed| (listed.label(), listed.candidate.per_hour));
        self.alerts.look(now, (revision, grain_price), project, &limits.alerts);
    }

    /// Takes the owner's limits when their file has changed. A file that can't be taken changes nothing, and is told.
    fn reread(&mut self, now: Milliseconds) {
        let file = self.limits_file.path().to_owned();
        self.refused = match self.limits_file.look(now) {
            Found::Same => return,
            Found::Changed => {
                let taken = self.take_limits(&file);
                taken.err().map(|error| format!("{error:#}").trim_end().to_owned())
            }
            Found::Gone => Some(format!(
                "{}: the file is gone (an empty one would be the defaults)",
                self.file
            )),
        };
        match &self.refused {
            None => self.output.say(&format!("limits: {} is in force as it is now", self.file)),
            Some(error) => self.output.say(&format!("{error}: the limits before stay in force")),
        }
    }

    fn take_limits(&mut self, file: &Path) -> anyhow::Result<()> {
        let (own, text) = read_limits(file)?;
        // The account's policy makes them tighter. One that can't be read stops the work, whatever the limits.
        let tightened = self.orders.tighten(&own);
        self.put_in_force(tightened.as_ref().unwrap_or(&own).clone())?;
        self.situation.unread = tightened.err();
        (self.own, self.limits_text) = (own, text);
        Ok(())
    }

    /// Works within these limits from now on. On `Err` nothing has changed.
    fn put_in_force(&mut self, limits: Limits) -> anyhow::Result<()> {
        let before = self.policy.limits();
        if limits == *before {
            return Ok(());
        }
        let prices = Tariff::read(&limits)?;
        let sees_otherwise = limits.programs.exclusive != before.programs.exclusive
            || limits.idle.linger != before.idle.linger;
        if sees_otherwise {
            let sensors = Sensors::new(options(&limits, self.args, &self.folders)?);
            let wake = self.wake.clone();
            let (sensors, watcher) = watch(sensors, self.process.hold(), &limits, wake)?;
            (self.sensors, self.watcher, self.readings) = (sensors, watcher, None);
        }
        self.process.take_limits(&limits);
        self.earnings.set_tariff(prices);
        self.policy.set_limits(limits);
        Ok(())
    }

    /// Returns what the worker did since the last decision.
    fn work_done(&self) -> Work {
        let limits = self.policy.limits();
        let Some(decision) = &self.last else { return Work { share_percent: 0, is_used: true } };
        let share = u32::from(decision.allowance.cores_percent) * 100;
        let share = share / u32::from(limits.machine.cores_percent.max(1));
        let is_used = decision.reasons.iter().any(|reason| is_use(&reason.why));
        let is_running = self.process.status().process.is_some();
        let share = if is_running { share } else { 0 };
        Work { share_percent: u8::try_from(share).unwrap_or(100), is_used }
    }

    /// Adds this step to the chart of the day.
    fn draw(&mut self, decision: &Decision) {
        let celsius = self.readings.as_ref().and_then(|readings| match &readings.heat.seen {
            Seen::Known(heat) => Some(heat.highest_millicelsius / 1_000),
            Seen::Unknown(_) => None,
        });
        let minute = decision.at.0 / MINUTE_MS;
        let missed = minute.saturating_sub(self.minute).min(u64::try_from(MINUTES).unwrap_or(0));
        for _ in 0..missed {
            self.minutes.push_back(Minute::default());
        }
        self.minute = minute;
        while MINUTES < self.minutes.len() {
            self.minutes.pop_front();
        }
        if self.minutes.is_empty() {
            self.minutes.push_back(Minute::default());
        }
        if let Some(last) = self.minutes.back_mut() {
            last.celsius = last.celsius.max(celsius);
            last.share_percent = last.share_percent.max(Some(decision.allowance.cores_percent));
        }
    }

    /// Renders the page.
    fn page(&self, token: &str, decision: &Decision) -> String {
        let limits = self.policy.limits();
        let books = self.earnings.books();
        let today = self.time().map(|time| books.day(local_day(&time))).unwrap_or_default();
        let settings = limits.settings(&self.limits_text).unwrap_or_default();
        dashboard::page(&View {
            status: &self.status(decision),
            minutes: &self.minutes.iter().copied().collect::<Vec<_>>(),
            today: &today,
            total: &books.total,
            currency: self.currency(),
            settings: &settings,
            token,
        })
    }

    fn step(&mut self) -> Decision {
        let before = sensors::now();
        self.reread(before);
        self.look(before);
        let now = sensors::now();
        let unix = self.unix_seconds();
        if let Some(known) = self.pause.as_mut().and_then(|keeper| keeper.look(now, unix)) {
            self.situation.pause = known;
        }
        self.process.set_break_even(self.break_even());
        let limits = self.policy.limits();
        self.situation.worker = self.process.look(now, &limits.earning);
        if self.fail_count != self.process.fail_count() {
            self.fail_count = self.process.fail_count();
            // The account may have revoked this device; nobody asks once the agent ends.
            let _ended = self.ask_again.send(());
        }
        self.situation.offer = self.offer(now);
        self.alert(now);
        self.alerts.listen();
        let readings = self.readings.take().unwrap_or_else(|| self.sensors.read(now));
        let decision = self.policy.step(now, &readings, &self.situation);
        self.readings = Some(readings);
        let limits = self.policy.limits();
        self.process.act(now, decision.activity, &decision.allowance, limits);
        // Nobody uses the machine, or only pay is in the way: then it matters what projects pay. Otherwise the owner is only told what changes.
        let is_pay = decision.reasons.iter().all(|reason| reason.why.is_pay());
        self.process.ask(now, Activity::Gentle <= decision.activity || is_pay, limits);
        self.earnings.keep(self.process.roster().kept(), self.alerts.remembered());
        self.draw(&decision);
        self.last = Some(decision.clone());
        decision
    }

    fn answer(&self, request: Request, decision: &Decision) -> Answer {
        if request == Request::Limits {
            return match self.policy.limits().settings(&self.limits_text) {
                Ok(settings) => Answer::Limits { settings },
                Err(error) => Answer::Refused { text: error.to_string() },
            };
        }
        Answer::Status { status: Box::new(self.status(decision)) }
    }

    fn status(&self, decision: &Decision) -> Status {
        let milliwatts =
            self.situation.milliwatts.as_ref().and_then(|reading| match reading.seen {
                Seen::Known(milliwatts) => Some(milliwatts),
                Seen::Unknown(_) => None,
            });
        let silent = self.process.silent_since();
        let more = silent.map_or("", |_| "; the ledger does not answer");
        Status {
            version: STATUS_VERSION,
            text: decision.text() + more,
            decision: decision.clone(),
            worker: self.process.status(),
            offer: self.situation.offer.clone(),
            notices: self.notices(decision.at),
            ledger_silent_since: silent,
            milliwatts,
            earned: self.earnings.status(self.time().map(|time| local_day(&time)), self.currency()),
            page: self.page.as_ref().map(Place::url),
            account: self.args.account.as_ref().map(checksummed).unwrap_or_default(),
            config: self.file.clone(),
            policy_version: self.orders.policy_version(),
            started: self.started,
            process: std::process::id(),
            protections: self.protections(),
        }
    }

    /// Says what the owner has to know beside the decision.
    fn notices(&self, now: Milliseconds) -> Vec<String> {
        let of_ledger = self.process.silent_since().map(|since| {
            let seconds = now.since(since) / 1_000;
            format!("the ledger has not answered for {seconds} s: the worker computes on, and tells it what is done when it answers")
        });
        let of_limits = |error: &String| format!("{error}: the limits before stay in force");
        let others = self.pause.iter().filter_map(Keeper::notice).chain(self.orders.notice());
        let others = others.chain(self.alerts.notice());
        let others = self.refused.iter().map(of_limits).chain(others.cloned());
        of_ledger.into_iter().chain(self.alerts.unknown_rules()).chain(others).collect()
    }

    fn protections(&self) -> Vec<ProtectionStatus> {
        self.process.hold().protections().iter().map(ProtectionStatus::from).collect()
    }

    /// Writes the status for others to read, when something has changed or a while has passed.
    fn keep_status(&mut self, decision: &Decision) {
        let is_new = self.status_written.is_none_or(|(at, activity)| {
            activity != decision.activity || STATUS_MS <= decision.at.since(at)
        });
        if !is_new {
            return;
        }
        self.status_written = Some((decision.at, decision.activity));
        let written = serde_json::to_vec_pretty(&self.status(decision))
            .map_err(Into::into)
            .and_then(|bytes| replace(&self.folders.status, &bytes, |_| Ok(())));
        // A disk that stays full is no reason to fill the log.
        let was_written = std::mem::replace(&mut self.is_status_written, written.is_ok());
        if let Err(error) = written
            && was_written
        {
            tracing::warn!("{}: status can't be written: {error}", self.folders.status.display());
        }
    }

    /// Ends the worker, and takes away what would mislead others.
    fn leave(&mut self) {
        self.process.end();
        self.alerts.end(alerts::END);
        self.earnings.keep(self.process.roster().kept(), self.alerts.remembered());
        self.earnings.save();
        for path in [&self.folders.socket, &self.folders.status] {
            // They may be gone.
            let _gone = std::fs::remove_file(path);
        }
        self.output.say("the agent has ended");
    }
}

/// Whether a reason says that others use the machine, so that what it draws is more than it draws when idle.
fn is_use(why: &Why) -> bool {
    match why {
        Why::InUse { idle_milliseconds, .. } => *idle_milliseconds < QUIET_MS,
        Why::OthersLoad { .. }
        | Why::OthersWait { .. }
        | Why::GpuInUse { .. }
        | Why::FullScreen { .. }
        | Why::InCall { .. }
        | Why::ExclusiveRuns { .. }
        | Why::Unwatched { .. }
        | Why::ClockBackwards { .. } => true,
        _ => false,
    }
}

/// Writes a file whole or not at all, also when the power is cut.
pub(super) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    replace(path, bytes, |file| file.sync_all())
}

/// Replaces a file by one that `finish` has finished.
fn replace(
    path: &Path,
    bytes: &[u8],
    finish: impl FnOnce(&File) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    finish(file.as_file())?;
    file.persist(path)?;
    Ok(())
}
