//! A discrete-event simulation of nodes, shards and their logs.
//!
//! A request is a list of [`Step`]s. Each step needs a processor of a station, passes time, or waits for the next flush
//! of a log. Requests arrive at random times (a Poisson process) at a random node. The grant of a request, and so its
//! shard, is random too. Equal seeds give equal results.
//!
//! | file | content |
//! |---|---|
//! | `mod` | the simulator |
//! | `deployment` | the steps of refreshes and introspections, with measured times |
//! | `scenarios` | the knee of each deployment, and what faults do |

pub mod deployment;
pub mod scenarios;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use testbed::Random;

use crate::load::exponential;

/// A time or duration in nanoseconds.
pub type Nanos = u64;

/// A second.
pub const SECOND: Nanos = 1_000_000_000;

/// One step of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Work on the node of the request.
    Node(Work),
    /// Time on the network.
    Wait(Nanos),
    /// Work on the shard of the grant: reads the version of the grant.
    Read(Work),
    /// Work on the shard of the grant: writes if the version is still the one that was read. Otherwise the request goes
    /// on with the steps of the loser of a race.
    Write(Work),
    /// Waits until the log of the shard has been flushed once from its beginning.
    Flush,
}

/// Processor time of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Work {
    /// Always this time.
    Constant(Nanos),
    /// An exponentially distributed time with this mean.
    Exponential(Nanos),
}

impl Work {
    fn draw(self, random: &mut Random) -> Nanos {
        match self {
            Self::Constant(time) => time,
            Self::Exponential(mean) => (mean as f64 * exponential(random)) as Nanos,
        }
    }
}

/// Nodes and shards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct System {
    /// Number of nodes.
    pub nodes: usize,
    /// Processors of a node.
    pub node_cores: usize,
    /// Number of shards.
    pub shards: usize,
    /// Processors of a shard.
    pub shard_cores: usize,
    /// Time of one flush of the log of a shard.
    pub flush: Nanos,
    /// Time after which a call to a shard fails.
    pub deadline: Nanos,
}

/// A fault of shard 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The shard is silent from the first time to the second. Its clients try again with pauses.
    Silent(Nanos, Nanos),
    /// From this time on, the shard needs this many times as long for its work and its flushes.
    Slow(Nanos, f64),
}

/// Requests that arrive.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// Requests in a second.
    pub rate: f64,
    /// Share of refreshes; the others are introspections.
    pub refreshes: f64,
    /// Steps of a refresh, of an introspection, and of a refresh that lost a race.
    pub steps: [Vec<Step>; 3],
    /// Share of the refreshes that are all for one grant.
    pub hot: f64,
    /// Mean pause before a failed request is sent again. Pauses are between half and three halves of it.
    pub retry_after: Nanos,
}

/// A request that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Done {
    /// Time of its first attempt.
    pub began: Nanos,
    /// Time of its answer.
    pub ended: Nanos,
    /// Place of the shard.
    pub shard: usize,
    /// Attempts that failed.
    pub failures: u32,
    /// True for a refresh of the hot grant.
    pub is_hot: bool,
    /// True for a refresh.
    pub is_refresh: bool,
}

/// Outcome of a simulation.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Answered requests, in the order of their answers.
    pub done: Vec<Done>,
    /// Times of the attempts that failed.
    pub failed: Vec<Nanos>,
    /// Requests that were in progress at the end.
    pub unfinished: usize,
    /// Share of the time in which the processors of an average node and of an average shard worked.
    pub busy: [f64; 2],
}

/// Simulates `length`, from an empty system on.
#[must_use]
pub fn simulate(system: &System, traffic: &Traffic, fault: Option<Fault>, length: Nanos, seed: u64) -> Outcome {
    let mut simulation = Simulation::new(system, traffic, fault, seed);
    simulation.run(length);
    let busy = |stations: &[Station], cores: usize| {
        stations.iter().map(|station| station.worked as f64).sum::<f64>()
            / (stations.len() * cores) as f64
            / length as f64
    };
    simulation.outcome.busy =
        [busy(&simulation.nodes, system.node_cores), busy(&simulation.shards, system.shard_cores)];
    simulation.outcome.unfinished = simulation.requests.len() - simulation.free.len();
    simulation.outcome
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrival,
    /// The request goes on with its next step, or is sent again.
    Next(usize),
    /// A processor of the node of a request has finished.
    NodeDone(usize),
    /// A processor of the shard of a request has finished.
    ShardDone(usize),
    /// A call of a request, begun at this time, has reached its deadline on a silent shard.
    Expired(usize),
    /// The log of a shard was flushed.
    Flushed(usize),
}

#[derive(Clone, Copy)]
struct Request {
    kind: usize,
    step: usize,
    node: usize,
    shard: usize,
    began: Nanos,
    called: Nanos,
    failures: u32,
    is_hot: bool,
    seen: u64,
}

/// Processors with one queue.
#[derive(Default)]
struct Station {
    working: usize,
    queue: VecDeque<usize>,
    worked: Nanos,
}

/// A log that flushes all waiting requests at once.
#[derive(Default)]
struct Log {
    flushing: Vec<usize>,
    waiting: Vec<usize>,
}

struct Simulation<'a> {
    system: &'a System,
    traffic: &'a Traffic,
    fault: Option<Fault>,
    random: Random,
    now: Nanos,
    sequence: u64,
    events: BinaryHeap<Reverse<(Nanos, u64, Event)>>,
    requests: Vec<Request>,
    free: Vec<usize>,
    nodes: Vec<Station>,
    shards: Vec<Station>,
    logs: Vec<Log>,
    /// Version of the hot grant.
    version: u64,
    outcome: Outcome,
}

impl<'a> Simulation<'a> {
    fn new(system: &'a System, traffic: &'a Traffic, fault: Option<Fault>, seed: u64) -> Self {
        let stations = |count| std::iter::repeat_with(Station::default).take(count).collect();
        Self {
            system,
            traffic,
            fault,
            random: Random::new(seed),
            now: 0,
            sequence: 0,
            events: BinaryHeap::new(),
            requests: Vec::new(),
            free: Vec::new(),
            nodes: stations(system.nodes),
            shards: stations(system.shards),
            logs: std::iter::repeat_with(Log::default).take(system.shards).collect(),
            version: 0,
            outcome: Outcome::default(),
        }
    }

    fn run(&mut self, length: Nanos) {
        self.schedule_arrival();
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            if at >= length {
                break;
            }
            self.now = at;
            match event {
                Event::Arrival => {
                    let request = self.arrive();
                    self.go_on(request);
                    self.schedule_arrival();
                }
                Event::Next(request) => self.go_on(request),
                Event::NodeDone(request) => self.finish_on_node(request),
                Event::ShardDone(request) => self.finish_on_shard(request),
                Event::Expired(request) => self.fail(request),
                Event::Flushed(shard) => self.flushed(shard),
            }
        }
    }

    fn schedule(&mut self, after: Nanos, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((self.now + after, self.sequence, event)));
    }

    fn schedule_arrival(&mut self) {
        let gap = (exponential(&mut self.random) * SECOND as f64 / self.traffic.rate) as Nanos;
        self.schedule(gap, Event::Arrival);
    }

    fn arrive(&mut self) -> usize {
        let is_refresh = self.chance(self.traffic.refreshes);
        let is_hot = is_refresh && self.traffic.hot > 0.0 && self.chance(self.traffic.hot);
        let shard = if is_hot { 0 } else { self.random.below(self.system.shards as u64) as usize };
        let request = Request {
            kind: usize::from(!is_refresh),
            step: 0,
            node: self.random.below(self.system.nodes as u64) as usize,
            shard,
            began: self.now,
            called: 0,
            failures: 0,
            is_hot,
            seen: 0,
        };
        if let Some(place) = self.free.pop() {
            self.requests[place] = request;
            return place;
        }
        self.requests.push(request);
        self.requests.len() - 1
    }

    fn chance(&mut self, share: f64) -> bool {
        (self.random.below(1 << 32) as f64) < share * f64::from(u32::MAX)
    }

    /// Begins the next step of a request, or ends the request.
    fn go_on(&mut self, place: usize) {
        let Request { kind, step, node, shard, .. } = self.requests[place];
        let Some(next) = self.traffic.steps[kind].get(step).copied() else { return self.answer(place) };
        match next {
            Step::Node(work) => {
                if self.nodes[node].working < self.system.node_cores {
                    self.work_on_node(place, work);
                } else {
                    self.nodes[node].queue.push_back(place);
                }
            }
            Step::Wait(time) => self.done_after(time, place),
            Step::Read(work) | Step::Write(work) => {
                self.requests[place].called = self.now;
                if self.is_silent(shard) {
                    self.schedule(self.system.deadline, Event::Expired(place));
                } else if self.shards[shard].working < self.system.shard_cores {
                    self.work_on_shard(place, work);
                } else {
                    self.shards[shard].queue.push_back(place);
                }
            }
            Step::Flush => {
                self.logs[shard].waiting.push(place);
                self.flush(shard);
            }
        }
    }

    fn done_after(&mut self, time: Nanos, place: usize) {
        self.requests[place].step += 1;
        self.schedule(time, Event::Next(place));
    }

    fn work_on_node(&mut self, place: usize, work: Work) {
        let time = work.draw(&mut self.random);
        let station = &mut self.nodes[self.requests[place].node];
        station.working += 1;
        station.worked += time;
        self.schedule(time, Event::NodeDone(place));
    }

    fn finish_on_node(&mut self, place: usize) {
        let node = self.requests[place].node;
        self.nodes[node].working -= 1;
        if let Some(next) = self.nodes[node].queue.pop_front()
            && let Some(Step::Node(work)) = self.step_of(next)
        {
            self.work_on_node(next, work);
        }
        self.requests[place].step += 1;
        self.go_on(place);
    }

    fn work_on_shard(&mut self, place: usize, work: Work) {
        let shard = self.requests[place].shard;
        let time = (work.draw(&mut self.random) as f64 * self.slowness(shard)) as Nanos;
        let station = &mut self.shards[shard];
        station.working += 1;
        station.worked += time;
        self.schedule(time, Event::ShardDone(place));
    }

    /// Ends the work of a shard and begins that of the next request in the queue. A request that has waited for longer
    /// than the deadline fails without any work: it waited for a connection of the pool.
    fn finish_on_shard(&mut self, place: usize) {
        let shard = self.requests[place].shard;
        self.shards[shard].working -= 1;
        while let Some(next) = self.shards[shard].queue.pop_front() {
            if self.is_silent(shard) || self.now - self.requests[next].called > self.system.deadline {
                self.fail(next);
            } else if let Some(Step::Read(work) | Step::Write(work)) = self.step_of(next) {
                self.work_on_shard(next, work);
                break;
            }
        }
        let version = self.version;
        let step = self.step_of(place);
        let request = &mut self.requests[place];
        request.step += 1;
        match step {
            Some(Step::Read(_)) => request.seen = version,
            Some(Step::Write(_)) if request.is_hot && request.seen != version => {
                request.kind = 2;
                request.step = 0;
            }
            Some(Step::Write(_)) if request.is_hot => self.version += 1,
            _ => {}
        }
        self.go_on(place);
    }

    fn step_of(&self, place: usize) -> Option<Step> {
        let Request { kind, step, .. } = self.requests[place];
        self.traffic.steps[kind].get(step).copied()
    }

    /// Begins a flush for all that wait, unless one is in progress.
    fn flush(&mut self, shard: usize) {
        let log = &mut self.logs[shard];
        if log.flushing.is_empty() && !log.waiting.is_empty() {
            log.flushing = std::mem::take(&mut log.waiting);
            let time = (self.system.flush as f64 * self.slowness(shard)) as Nanos;
            self.schedule(time, Event::Flushed(shard));
        }
    }

    fn flushed(&mut self, shard: usize) {
        for place in std::mem::take(&mut self.logs[shard].flushing) {
            self.done_after(0, place);
        }
        self.flush(shard);
    }

    /// Answers 503 at once and sends the request again after a pause.
    fn fail(&mut self, place: usize) {
        self.outcome.failed.push(self.now);
        let request = &mut self.requests[place];
        request.failures += 1;
        request.step = 0;
        request.kind = if request.kind == 2 { 0 } else { request.kind };
        let mean = self.traffic.retry_after;
        let pause = mean / 2 + self.random.below(mean.max(1));
        self.schedule(pause, Event::Next(place));
    }

    fn answer(&mut self, place: usize) {
        let Request { began, shard, failures, is_hot, kind, .. } = self.requests[place];
        self.outcome.done.push(Done { began, ended: self.now, shard, failures, is_hot, is_refresh: kind != 1 });
        self.free.push(place);
    }

    fn is_silent(&self, shard: usize) -> bool {
        shard == 0 && matches!(self.fault, Some(Fault::Silent(from, to)) if (from..to).contains(&self.now))
    }

    fn slowness(&self, shard: usize) -> f64 {
        match self.fault {
            Some(Fault::Slow(from, times)) if shard == 0 && self.now >= from => times,
            _ => 1.0,
        }
    }
}
