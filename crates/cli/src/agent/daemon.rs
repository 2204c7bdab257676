//! The agent's loop: read, decide, act; each second, and whenever something happens.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use ::agent::earn::{self, Roster, local_day, worth_at_least, worth_down};
use ::agent::limits::{Loss, Money};
use ::agent::{
    Activity, Answer, Cgroups, Decision, Hold, HoldOptions, Limits, Offer, Pause, Policy,
    ProtectionStatus, Request, STATUS_VERSION, Situation, Standing, Status, Why,
};
use anyhow::Context as _;
use dashboard::{MINUTES, Minute, View};
use sensors::{
    EventKind, Metered, Milliseconds, Options, Quality, Reading, Readings, Seen, Sense as _,
    Sensors, WallTime, Watcher,
};
use serde::{Deserialize, Serialize};
use units::Wei;
use wallet::DeviceKey;

use super::alerts::Alerts;
use super::earnings::{self, Earnings, Tariff, Work};
use super::folders::Folders;
use super::orders::{self, Orders};
use super::server::{self, Place};
use super::worker::{self, Process};
use super::{RunArgs, channel, read_limits};
use crate::devices::OrdersDocument;
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

/// Time between two looks whether the file of limits has changed, in milliseconds.
const REREAD_MS: u64 = 2_000;

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
    Paid(u128),
    /// The worker of this start says what it does.
    Worker(u64, Progress),
    /// What projects pay, if the ledger answered.
    Offers(Option<Offers>),
    /// What the account says to this device.
    Heard(OrdersDocument),
    /// A signal ends the agent.
    Signal,
}

/// A pause on disk: in wall-clock time, because the machine's own clock begins anew when it starts.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptPause {
    /// When it ends; `None` if only the owner ends it.
    until_unix_seconds: Option<u64>,
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
    /// What told the file from how it was before, at the last look, and when that was.
    file_seen: (Option<Stamp>, Milliseconds),
    /// Why the file that is there now is not in force.
    refused: Option<String>,
    process: Process,
    orders: Orders,
    /// Has the ledger asked again what the account says.
    ask_again: Sender<()>,
    fail_count: u64,
    device: String,
    situation: Situation,
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
    output: Output,
}

/// Runs until the owner or the system ends it.
///
/// # Errors
/// When the limits can't be read, another agent runs, or the kernel gives no handles.
pub(super) fn run(args: &RunArgs, output: &Output) -> anyhow::Result<()> {
    let folders = Folders::find()?;
    let file = folders.config_or(args.config.clone());
    let (own, limits_text) = read_limits(&file)?;
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
    let device =
        DeviceKey::load_or_create(&options(&limits, args, &folders)?.disk.join("device.key"))?;
    let device = device.device().to_string();
    let sensors = Sensors::new(options(&limits, args, &folders)?);
    let (sensors, watcher) = watch(sensors, &hold, &limits, wake.clone())?;
    channel::serve(listener, wake.clone());
    let (ask_again, again) = mpsc::channel();
    let rpc = args.ledger.rpc.clone();
    let every = args.ask_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    orders::ask((account.clone(), device.clone()), rpc.clone(), (again, every), wake.clone());
    earnings::ask(account, rpc, every, wake.clone());
    let page = server::serve(wake.clone());
    let page = page.inspect_err(|error| output.say(&format!("there is no page: {error:#}"))).ok();
    end_with_signal(wake.clone());
    let started = sensors::now();
    let earnings = Earnings::open(folders.books.clone(), &limits, started)?;
    let roster = Roster::new(earnings.roster().clone(), args.project);
    let alerts = Alerts::begin(earnings.remembered().clone(), output);
    let command = worker::command(args, &folders);
    let process = Process::new(hold, (command, every), roster, wake.clone(), output);
    let file_seen = (stamp(&file), started);
    let mut agent = Agent {
        args,
        file: file.display().to_string(),
        limits_text,
        own,
        policy: Policy::new(limits),
        sensors,
        watcher,
        wake,
        file_seen,
        refused: None,
        process,
        orders,
        ask_again,
        fail_count: 0,
        device,
        situation: Situation::unknown(),
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
        output: *output,
        folders,
    };
    agent.begin();
    agent.work(&woken);
    agent.leave();
    Ok(())
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

/// What tells a file from how it was before; `None` if there is none.
type Stamp = (std::time::SystemTime, u64);

fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
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

fn end_with_signal(wake: Sender<Wake>) {
    thread::spawn(move || {
        // Without a handler the system ends the process, and the worker with it.
        if shell::block_on(shell::stop_signal()).is_ok() {
            let _ended = wake.send(Wake::Signal);
        }
    });
}

impl Agent<'_> {
    fn begin(&mut self) {
        self.output.say(&format!("limits: {}", self.file));
        for protection in self.protections().iter().filter(|protection| !protection.is_held) {
            let grant = protection.grant.as_deref().unwrap_or_default();
            self.output.say(&format!("missing: {}: {}", protection.name, protection.text));
            self.output.say(&format!("  to grant it: {grant}"));
        }
        self.obey();
        let now = sensors::now();
        self.look(now);
        let text = std::fs::read(&self.folders.pause).unwrap_or_default();
        if let Ok(kept) = serde_json::from_slice::<KeptPause>(&text) {
            self.situation.pause = match (kept.until_unix_seconds, self.unix_seconds()) {
                (None, _) => Some(Pause { until: None, at: now }),
                (Some(until), Some(unix)) if unix < until => {
                    let left_ms = (until - unix).saturating_mul(1_000);
                    let until = Some(Milliseconds(now.0.saturating_add(left_ms)));
                    Some(Pause { until, at: now })
                }
                _ => None,
            };
        }
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
                Ok(Wake::Paid(wei)) => {
                    let time = self.time();
                    self.earnings.paid(wei, time.as_ref(), self.grain_is_worth());
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
            Request::Stop => self.situation.is_stopping = true,
            Request::Resume => self.situation.pause = None,
            Request::Pause { seconds } => {
                let after = |seconds: u32| Milliseconds(now.0 + u64::from(seconds) * 1_000);
                self.situation.pause = Some(Pause { until: seconds.map(after), at: now });
            }
        }
        self.keep_pause(now);
    }

    /// Writes the pause down, so that it outlives this process.
    fn keep_pause(&self, now: Milliseconds) {
        let path = &self.folders.pause;
        let result = match self.situation.pause {
            None => match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            Some(Pause { until, .. }) => {
                let end = |until: Milliseconds| {
                    Some(self.unix_seconds()? + until.since(now).div_ceil(1_000))
                };
                let kept = KeptPause { until_unix_seconds: until.and_then(end) };
                serde_json::to_vec(&kept).map_err(Into::into).and_then(|bytes| write(path, &bytes))
            }
        };
        if let Err(error) = result {
            let path = path.display();
            self.output.say(&format!("{path}: the pause is not kept over a restart: {error}"));
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
        for (number, project, standing) in self.process.take_standings() {
            let key = format!("project-{number}");
            self.alerts.stand(now, (&key, &project), standing, &limits.alerts);
        }
        let Some(listed) = self.process.roster().offer(now, &limits.earning) else { return };
        let (revision, grain_price) = self.process.ledger();
        let terms = earn::Terms {
            project: listed.label(),
            per_hour: listed.candidate.per_hour,
            grain_price,
            revision: revision.unwrap_or_default(),
        };
        self.alerts.look(now, &terms, &limits.alerts);
    }

    /// Takes the owner's limits when their file has changed. A file that can't be taken changes nothing, and is told.
    fn reread(&mut self, now: Milliseconds) {
        let (seen, at) = self.file_seen;
        if now.since(at) < REREAD_MS {
            return;
        }
        let file = PathBuf::from(&self.file);
        let found = stamp(&file);
        self.file_seen = (found, now);
        if found == seen {
            return;
        }
        self.refused = self.take_limits(&file).err().map(|error| format!("{error:#}"));
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
        let readings = self.readings.take().unwrap_or_else(|| self.sensors.read(now));
        let decision = self.policy.step(now, &readings, &self.situation);
        self.readings = Some(readings);
        let limits = self.policy.limits();
        self.process.act(now, decision.activity, &decision.allowance, limits);
        // Nobody uses the machine, or only pay is in the way: then it matters what projects pay.
        let is_pay = decision.reasons.iter().all(|reason| reason.why.is_pay());
        if Activity::Gentle <= decision.activity || is_pay {
            self.process.ask(now, limits);
        }
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
        Status {
            version: STATUS_VERSION,
            text: decision.text(),
            decision: decision.clone(),
            worker: self.process.status(),
            offer: self.situation.offer.clone(),
            notices: self.notices(),
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
    fn notices(&self) -> Vec<String> {
        let of_limits = |error: &String| format!("{error}: the limits before stay in force");
        self.refused.iter().map(of_limits).collect()
    }

    fn protections(&self) -> Vec<ProtectionStatus> {
        let say = |protection: &::agent::Protection| {
            let (is_held, text, grant) = match &protection.standing {
                Standing::Held { by } => (true, by.clone(), None),
                Standing::Missing { instead, reason, grant } => {
                    (false, format!("{instead} instead, because {reason}"), Some(grant.clone()))
                }
            };
            ProtectionStatus { name: protection.name.clone(), is_held, text, grant }
        };
        self.process.hold().protections().iter().map(say).collect()
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
            .and_then(|bytes| write(&self.folders.status, &bytes));
        if let Err(error) = written {
            tracing::warn!("{}: status can't be written: {error}", self.folders.status.display());
        }
    }

    /// Ends the worker, and takes away what would mislead others.
    fn leave(&mut self) {
        self.process.end();
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

/// Writes a file whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}
